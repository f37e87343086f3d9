use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;

use super::{DEPTH_MAX, REPEATS_MAX, place};
use crate::config::codes::Code;
use crate::config::edit::REMOVE;
use crate::config::finding::Finding;
use crate::config::text::{Place, Text};

/// What is wrong with a text that is not YAML, or too much of it.
pub(super) fn refusal(error: &Error, text: &Text, file: usize) -> Finding {
    let at = error.location().map_or(Place { file, start: 0, end: 0 }, |location| place(location, file));
    let at = if at.start == 0 { by_line(error, text, at) } else { at };
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    let line = text.content[text.lines_around(at.range())].to_owned();
    match error {
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => too_deep(at),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. } => too_much(at),
        Error::AliasError { error, locations, .. } => {
            let finding = refusal(error, text, file);
            finding.at(place(locations.reference_location, file))
        }
        Error::MultipleDocuments { .. } => {
            let finding = Finding::new(Code::SEVERAL_DOCUMENTS, "a second document begins here").at(at);
            let help = "take the line `---` away, or put the second document into a file of its own";
            separator(text, at).map_or(finding.clone(), |line| finding.fix(line, REMOVE)).help(help)
        }
        _ if said.contains("recursion limit") => too_deep(at),
        _ if indented_by_tab(line.as_str()) => tab(text, at),
        _ if said.contains("tab") => {
            next_tab(text, at).map_or_else(|| broken(said, text, at), |at| tab(text, at))
        }
        _ if said.contains("quoted") => unclosed(text, at).unwrap_or_else(|| broken(said, text, at)),
        _ => broken(said, text, at),
    }
}

fn broken(said: &str, text: &Text, at: Place) -> Finding {
    let lines = text.lines_around(at.range());
    let line = &text.content[lines.clone()];
    let finding =
        Finding::new(Code::NOT_YAML, format!("this is not YAML: {said}")).at(at).help(hint(said, line));
    let Some(colon) = line.find(": ").filter(|_| said.contains("mapping values are not allowed")) else {
        return finding;
    };
    let value = line[colon + 2..].trim();
    let place = Place {
        start: lines.start + colon + 2,
        end: lines.start + colon + 2 + line[colon + 2..].trim_end().len(),
        ..at
    };
    let quotable = value.contains(": ") && !value.contains(['\'', '"', '#']);
    if quotable { finding.fix(place, format!("'{value}'")) } else { finding }
}

/// The last line before `at` that only separates documents.
fn separator(text: &Text, at: Place) -> Option<Place> {
    let before = &text.content[..text.lines_around(at.range()).end];
    let start = before.rfind("\n---")? + 1;
    Some(Place { start, end: start + 3, ..at })
}

/// Some errors know line and column but not the byte.
fn by_line(error: &Error, text: &Text, at: Place) -> Place {
    let Some(location) = error.location() else { return at };
    let line = text.content.split_inclusive('\n').take(location.line().saturating_sub(1) as usize);
    let start = line.map(str::len).sum::<usize>();
    let rest = text.content.get(start..).unwrap_or_default();
    let column = location.column().saturating_sub(1) as usize;
    let start = start + rest.chars().take(column).map(char::len_utf8).sum::<usize>();
    Place { start, end: start, ..at }
}

fn too_deep(at: Place) -> Finding {
    Finding::new(Code::TOO_MUCH, format!("lists and maps are nested more than {DEPTH_MAX} deep"))
        .at(at)
        .help("no section needs more than eight levels; look for a bracket that is never closed")
}

fn too_much(at: Place) -> Finding {
    let message = format!("aliases repeat more than {REPEATS_MAX} values, as only an attack does");
    Finding::new(Code::TOO_MUCH, message)
        .at(at)
        .help("write the values out, or use fewer `*aliases` of `*aliases`")
}

fn indented_by_tab(line: &str) -> bool {
    line.trim_start_matches(' ').starts_with('\t')
}

/// The first line from `at` on that a tab indents.
fn next_tab(text: &Text, at: Place) -> Option<Place> {
    let mut start = text.lines_around(at.start..at.start).start;
    text.content[start..].split_inclusive('\n').find_map(|line| {
        let place = Place { start, end: start, ..at };
        start += line.len();
        indented_by_tab(line).then_some(place)
    })
}

/// A line before `at` with quotes that are opened and not closed, and the edit that closes them at its end.
fn unclosed(text: &Text, at: Place) -> Option<Finding> {
    let mut end = text.lines_around(at.range()).end;
    let odd = |line: &str| {
        let value = &line[line.find(": ").map_or(0, |colon| colon + 2)..];
        let quote = value.trim_start().chars().next().filter(|first| ['"', '\''].contains(first))?;
        (value.matches(quote).count() % 2 == 1).then_some(quote)
    };
    for line in text.content[..end].lines().rev() {
        let start = end - line.len();
        if let Some(quote) = odd(line) {
            let close =
                Place { start: start + line.trim_end().len(), end: start + line.trim_end().len(), ..at };
            let open = Place { start: start + line.find(quote)?, end: close.end, ..at };
            let finding =
                Finding::new(Code::NOT_YAML, "this is not YAML: the quotes that begin here never end");
            return Some(finding.at(open).help(format!("put {quote} at the end")).fix(close, quote));
        }
        end = text.content[..start].trim_end_matches('\r').len().saturating_sub(1);
    }
    None
}

fn tab(text: &Text, at: Place) -> Finding {
    let lines = text.lines_around(at.range());
    let line = &text.content[lines.clone()];
    let indent = line.len() - line.trim_start_matches(['\t', ' ']).len();
    let at = Place { start: lines.start, end: lines.start + indent, ..at };
    Finding::new(Code::TAB, "a tab indents this line; YAML knows only spaces")
        .at(at)
        .label("tab")
        .help("write spaces: as many as the lines around have at this level")
        .fix(at, " ".repeat(meant(&text.content[..lines.start])))
}

/// How far a line after this text is probably to be indented: as its neighbour, or deeper if that opens a section.
fn meant(before: &str) -> usize {
    let Some(line) = before.lines().rev().find(|line| !line.trim().is_empty()) else { return 0 };
    let indent = line.chars().take_while(|letter| " -".contains(*letter)).count();
    if line.trim_end().ends_with(':') { indent + 2 } else { indent }
}

fn hint(said: &str, line: &str) -> String {
    let hint = if said.contains("unknown anchor") {
        "define it before its use: `&name value`"
    } else if said.contains("mapping values are not allowed") && line.matches(": ").count() > 1 {
        "put the value into quotes, as it holds a colon followed by a space"
    } else if said.contains("mapping values are not allowed") {
        "let keys of one section begin in the same column"
    } else if said.contains("unexpected character") {
        "put a text that begins with this character into quotes"
    } else if said.contains("quoted") {
        "close the quotes on the line where they begin"
    } else {
        "look for a bracket or quote that is not closed, and for a line that is indented differently"
    };
    hint.to_owned()
}
