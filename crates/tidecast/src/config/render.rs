use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::codes::Severity;
use super::finding::{Finding, Report};
use super::text::{Place, Text, Texts};

/// Whether colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Letters only.
    Plain,
    /// Colours of a terminal.
    Coloured,
}

/// The findings as people read them: the line, the place underlined, and what would be right.
pub fn human(report: &Report, look: Look) -> String {
    let renderer = if look == Look::Coloured { Renderer::styled() } else { Renderer::plain() };
    report.findings.iter().map(|finding| render(&renderer, finding, &report.texts) + "\n\n").collect()
}

fn render(renderer: &Renderer, finding: &Finding, texts: &Texts) -> String {
    let level = match finding.code.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(finding.message.as_str()).id(finding.code.to_string());
    let mut group = Group::with_title(title);
    for (file, marks) in marks(finding) {
        group = group.element(snippet(&texts.0[file], &marks, finding.secret));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let more = format!("more: tidecast explain {}", finding.code);
    renderer.render(&[group.element(Level::NOTE.message(more))])
}

/// A range to underline, what to say there, and whether it is the finding's own place.
type Mark<'a> = (Range<usize>, &'a str, bool);

/// The marks by file, the finding's own file first.
fn marks(finding: &Finding) -> Vec<(usize, Vec<Mark<'_>>)> {
    let own = finding.place.map(|place| (place, finding.label.as_str(), true));
    let also = finding.also.iter().map(|(place, label)| (*place, label.as_str(), false));
    let mut files: Vec<(usize, Vec<Mark<'_>>)> = Vec::new();
    for (place, label, primary) in own.into_iter().chain(also) {
        let mark = (place.range(), label, primary);
        match files.iter_mut().find(|(file, _)| *file == place.file) {
            Some((_, marks)) => marks.push(mark),
            None => files.push((place.file, vec![mark])),
        }
    }
    files
}

/// The lines from the first mark to the last; the renderer folds what lies between.
fn snippet<'a>(
    text: &'a Text,
    marks: &[Mark<'a>],
    secret: bool,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let start = marks.iter().map(|(range, ..)| range.start).min().unwrap_or_default();
    let end = marks.iter().map(|(range, ..)| first_line(text, range).end).max().unwrap_or_default();
    let window = text.lines_around(start..end);
    let masked = if secret {
        marks.iter().filter(|mark| mark.2).map(|mark| mark.0.clone()).collect()
    } else {
        Vec::new()
    };
    let source = shown(&text.content[window.clone()], window.start, &masked);
    let annotation = |(range, label, primary): &Mark<'a>| {
        let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let range = first_line(text, range);
        let span = kind.span(range.start - window.start..range.end - window.start);
        if label.is_empty() { span } else { span.label(*label) }
    };
    let (line, _) = text.line_column(window.start);
    Snippet::source(source)
        .line_start(line)
        .path(text.name.as_str())
        .fold(true)
        .annotations(marks.iter().map(annotation))
}

/// A mark over several lines would hide what is meant; its first line says enough.
fn first_line(text: &Text, range: &Range<usize>) -> Range<usize> {
    let line = text.lines_around(range.start..range.start);
    let end = text.content[..line.end].trim_end().len();
    let end = range.end.min(end.max(range.start));
    // An empty place is shown as one letter, or as the end of the line.
    let next =
        text.content[range.start..].chars().next().filter(|c| !c.is_control()).map_or(0, char::len_utf8);
    range.start..if end > range.start { end } else { range.start + next }
}

/// A piece of a text without its secrets: what stands at a masked place or behind a key that names a secret.
/// Every byte keeps its place.
fn shown(piece: &str, offset: usize, masked: &[Range<usize>]) -> String {
    let secret = |at: usize| masked.iter().any(|range| range.contains(&(at + offset)));
    let mut behind = secrets_in(piece);
    behind.sort_by_key(|range| range.start);
    piece
        .char_indices()
        .map(|(at, letter)| match letter {
            '\n' => letter.to_string(),
            _ if secret(at) || behind.iter().any(|range| range.contains(&at)) => {
                "*".repeat(letter.len_utf8())
            }
            // A tab or control character would shift what is underlined.
            _ if letter.is_control() => " ".to_owned(),
            _ => letter.to_string(),
        })
        .collect()
}

/// Where a piece of text holds values of keys that name secrets, unless they are references.
fn secrets_in(piece: &str) -> Vec<Range<usize>> {
    const NAMES: [&str; 6] = ["token", "password", "secret", "authorization", "apikey", "api-key"];
    let lower = piece.to_ascii_lowercase();
    let hits = NAMES.iter().flat_map(|name| lower.match_indices(name));
    let value = |(at, name): (usize, &str)| {
        let rest = piece[at + name.len()..].split('\n').next().unwrap_or_default();
        let colon = rest
            .find(':')
            .filter(|colon| rest[..*colon].chars().all(|c| c.is_alphanumeric() || "\"'-_ ".contains(c)))?;
        let value = rest[colon + 1..].trim_start();
        let start = at + name.len() + rest.len() - value.len();
        let end = value[..value.find([',', '}', '#']).unwrap_or(value.len())].trim_end().len();
        let reference =
            value.starts_with('{') || value.is_empty() || rest[..colon].to_ascii_lowercase().contains("file");
        (!reference).then_some(start..start + end)
    };
    let urls = piece.match_indices("://").filter_map(|(at, _)| {
        let rest = &piece[at + 3..];
        let host = rest.find(['/', ' ', '\n', ',', '"', '\'']).unwrap_or(rest.len());
        let (colon, end) = (rest[..host].find(':')?, rest[..host].rfind('@')?);
        (colon < end).then_some(at + 3 + colon + 1..at + 3 + end)
    });
    hits.filter_map(value).chain(urls).collect()
}

/// The line of a place without its secrets, for formats that quote it.
pub(super) fn quote(texts: &Texts, place: Place, secret: bool) -> String {
    let text = texts.of(place);
    let line = text.lines_around(first_line(text, &place.range()));
    let masked = if secret { vec![place.range()] } else { Vec::new() };
    shown(&text.content[line.clone()], line.start, &masked).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // S8
    fn masks_what_a_key_calls_secret() {
        let masked = |text: &str| shown(text, 0, &[]);
        assert_eq!(masked("bearerToken: abc, url: x"), "bearerToken: ***, url: x");
        assert_eq!(masked("password: \"a b\"\nname: c"), "password: *****\nname: c");
        assert_eq!(masked("{ password: pä }"), "{ password: *** }");
        assert_eq!(masked("bearerToken: { file: prom.token }"), "bearerToken: { file: prom.token }");
        assert_eq!(masked("tokenFile: tokens"), "tokenFile: tokens");
        assert_eq!(masked("https://u:p@host/x"), "https://u:*@host/x");
        assert_eq!(masked("query: 'rate(tokens_total[5m])'"), "query: 'rate(tokens_total[5m])'");
    }
}
