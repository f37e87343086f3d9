use jiff::SignedDuration;

/// A part of a query that picks series: `http_requests_total{app="shop"}`, and the window behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Name and matchers as written.
    pub text: String,
    /// The longest `[5m]` behind it, if any.
    pub window: Option<SignedDuration>,
}

/// The selectors of a query in PromQL or MetricsQL, each once. Those with an `offset` speak of the past and are
/// left out; a query that this scanner does not understand gives none.
///
/// ```
/// use tidecast::source::selectors;
/// let found = selectors(r#"sum by (pod) (rate(http_requests_total{app="shop"}[5m])) / sum(up)"#);
/// let texts: Vec<_> = found.iter().map(|s| s.text.as_str()).collect();
/// assert_eq!(texts, [r#"http_requests_total{app="shop"}"#, "up"]);
/// ```
pub fn selectors(query: &str) -> Vec<Selector> {
    let Some(tokens) = tokens(query) else { return Vec::new() };
    let mut found: Vec<Selector> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Word if LABEL_LISTS.contains(&token.lower().as_str()) => at = after_list(&tokens, at + 1),
            Kind::Word if token.lower() == "with" => return Vec::new(), // MetricsQL's templates
            Kind::Word if is_metric(&tokens, at) => {
                let (selector, next) = selector(query, &tokens, at);
                add(&mut found, selector);
                at = next;
            }
            Kind::Braces => {
                let (selector, next) = selector(query, &tokens, at);
                add(&mut found, selector);
                at = next;
            }
            _ => at += 1,
        }
    }
    found
}

/// Words that are followed by a list of labels.
const LABEL_LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Words that are no metric even without a parenthesis behind them.
const WORDS: [&str; 14] = [
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "inf",
    "nan",
    "atan2",
    "limit",
    "default",
    "if",
    "ifnot",
    "keep_metric_names",
    "start",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// `{…}` with everything in it.
    Braces,
    /// `[…]` with everything in it.
    Brackets,
    Open,
    Close,
    Other,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) from: usize,
}

impl Token<'_> {
    pub(super) fn lower(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    pub(super) fn end(&self) -> usize {
        self.from + self.text.len()
    }
}

pub(super) fn tokens(query: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut from = 0;
    while let Some(first) = query[from..].chars().next() {
        let rest = &query[from..];
        let (kind, len) = match first {
            c if c.is_whitespace() => (None, c.len_utf8()),
            '#' => (None, rest.find('\n').unwrap_or(rest.len())),
            '"' | '\'' | '`' => (Some(Kind::Other), string(rest)?),
            '{' => (Some(Kind::Braces), enclosed(rest, '}')?),
            '[' => (Some(Kind::Brackets), enclosed(rest, ']')?),
            '(' => (Some(Kind::Open), 1),
            ')' => (Some(Kind::Close), 1),
            c if c.is_ascii_digit() => {
                (Some(Kind::Other), run(rest, |c| c.is_ascii_alphanumeric() || "._".contains(c)))
            }
            c if c.is_ascii_alphabetic() || "_:".contains(c) => {
                (Some(Kind::Word), run(rest, |c| c.is_ascii_alphanumeric() || "_:".contains(c)))
            }
            c => (Some(Kind::Other), c.len_utf8()),
        };
        tokens.extend(kind.map(|kind| Token { kind, text: &rest[..len], from }));
        from += len;
    }
    Some(tokens)
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The length of the string that `text` begins with.
fn string(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length up to the closing bracket, strings skipped.
fn enclosed(text: &str, close: char) -> Option<usize> {
    let mut at = 1;
    while let Some(c) = text[at..].chars().next() {
        at += match c {
            '"' | '\'' | '`' => string(&text[at..])?,
            c if c == close => return Some(at + 1),
            c => c.len_utf8(),
        };
    }
    None
}

/// A word that names a metric: no function, no aggregation, no operator.
fn is_metric(tokens: &[Token<'_>], at: usize) -> bool {
    let follows = tokens.get(at + 1);
    let calls = follows.is_some_and(|t| t.kind == Kind::Open);
    let aggregates = follows.is_some_and(|t| matches!(t.lower().as_str(), "by" | "without"));
    !calls && !aggregates && !WORDS.contains(&tokens[at].lower().as_str())
}

/// The token after the parenthesised list that begins at `at`, if one does.
fn after_list(tokens: &[Token<'_>], at: usize) -> usize {
    if tokens.get(at).is_none_or(|t| t.kind != Kind::Open) {
        return at;
    }
    let close = tokens[at..].iter().position(|t| t.kind == Kind::Close);
    close.map_or(tokens.len(), |close| at + close + 1)
}

/// The selector that begins at token `at`, unless it is offset, and the token after it.
fn selector(query: &str, tokens: &[Token<'_>], at: usize) -> (Option<Selector>, usize) {
    let mut last = at;
    if tokens[at].kind == Kind::Word && tokens.get(at + 1).is_some_and(|t| t.kind == Kind::Braces) {
        last += 1;
    }
    let text = query[tokens[at].from..tokens[last].end()].to_owned();
    let mut next = last + 1;
    let mut window = None;
    if let Some(brackets) = tokens.get(next).filter(|t| t.kind == Kind::Brackets) {
        window = duration(brackets.text[1..].split([':', ']']).next().unwrap_or_default());
        next += 1;
    }
    let offset = tokens.get(next).is_some_and(|t| t.lower() == "offset" || t.text == "@");
    ((!offset).then_some(Selector { text, window }), next)
}

fn add(found: &mut Vec<Selector>, selector: Option<Selector>) {
    let Some(selector) = selector else { return };
    match found.iter_mut().find(|known| known.text == selector.text) {
        Some(known) => known.window = known.window.max(selector.window),
        None => found.push(selector),
    }
}

/// `1h30m` as Prometheus writes durations.
fn duration(text: &str) -> Option<SignedDuration> {
    let mut rest = text.trim();
    let mut millis: i64 = 0;
    while !rest.is_empty() {
        let digits = run(rest, |c| c.is_ascii_digit());
        let unit = run(&rest[digits..], |c| c.is_ascii_alphabetic());
        let scale = match &rest[digits..digits + unit] {
            "ms" => 1,
            "s" | "" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        millis = rest[..digits].parse::<i64>().ok()?.checked_mul(scale)?.checked_add(millis)?;
        rest = &rest[digits + unit..];
    }
    (millis > 0).then(|| SignedDuration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The selectors, each with its window's seconds behind a `|`.
    #[track_caller]
    fn check(query: &str, expected: &[&str]) {
        let shown = |s: &Selector| match s.window {
            Some(window) => format!("{}|{}", s.text, window.as_secs()),
            None => s.text.clone(),
        };
        assert_eq!(selectors(query).iter().map(shown).collect::<Vec<_>>(), expected, "{query}");
    }

    #[test]
    fn finds_what_a_query_stands_on() {
        check("up", &["up"]);
        check("sum(rate(x[5m]))", &["x|300"]);
        check(
            r#"sum by (a, b) (rate(x:y_total{a="}[1m]",b!~'\'}'}[1h30m]))"#,
            &[r#"x:y_total{a="}[1m]",b!~'\'}'}|5400"#],
        );
        check(r#"sum(x) by (pod) + on(pod) group_left(name) y{} # z[5m]"#, &["x", "y{}"]);
        check(r#"{__name__=~"a|b"}[90s]"#, &[r#"{__name__=~"a|b"}|90"#]);
        check("sum without (x) (a) / scalar(count(b)) * 1e3 + 0x1f - Inf", &["a", "b"]);
        check("histogram_quantile(0.9, sum by(le) (rate(h_bucket[2m]))) or vector(0)", &["h_bucket|120"]);
        check("sum(rate(x[1m])) + sum(rate(x[5m]))", &["x|300"]);
        check("max_over_time(sum(rate(x[1m]))[1h:5m])", &["x|60"]);
        check("topk(5, x) > bool 3", &["x"]);
        check("sum(sfu_sessions{region=\"eu\"} > 0) ", &["sfu_sessions{region=\"eu\"}"]);
    }

    #[test]
    fn leaves_the_past_out() {
        check("sum(x) / sum(x offset 1w) - y @ 1609746000", &["x"]);
    }

    #[test]
    fn gives_none_where_it_does_not_understand() {
        check("WITH (f = {job=\"x\"}) sum(rate(x{f}[5m]))", &[]);
        check("sum(x{a=\"open)", &[]);
        check("", &[]);
        check("1 + 1", &[]);
    }
}
