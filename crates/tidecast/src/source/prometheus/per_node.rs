use std::collections::BTreeSet;

use super::selector::{Kind, Token, selectors, tokens};

/// A query that tells one number for each server, made of one that speaks of a single server.
///
/// The operator writes `sfu_sessions{node="$node"}`, as for one server. Asking that once for each server would be hundreds of
/// requests a turn; so the matcher is taken away, everything is grouped by its label, and one request answers for all.
///
/// ```
/// use tidecast::source::PerNode;
/// let asked = PerNode::of(r#"sum(sfu_sessions{job="sfu",node="$node"})"#).unwrap();
/// assert_eq!(asked.label(), "node");
/// assert_eq!(asked.text(), r#"sum by (node) (sum by (node) (sfu_sessions{job="sfu"}))"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerNode {
    label: String,
    text: String,
    stands_on: Vec<String>,
}

/// Why a query does not tell servers apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPerNode {
    /// It cannot be read, or is written in a dialect that is not understood.
    #[error("this query is not understood")]
    Unread,
    /// It speaks of no server.
    #[error("nothing in this query tells servers apart")]
    NoNode,
    /// `$node` stands somewhere else than as the value of a matcher.
    #[error("`$node` stands for the name of a server, as the value of a matcher such as `node=\"$node\"`")]
    Misplaced,
    /// Several labels hold the name.
    #[error("`$node` is the value of both `{0}` and `{1}`, and one label tells servers apart")]
    TwoLabels(String, String),
    /// The label is lost on the way.
    #[error("`without ({0})` takes away the label that tells servers apart")]
    Dropped(String),
    /// It counts sessions of another time.
    #[error("`offset` and `@` ask for the past, and sessions are counted now")]
    Past,
    /// It stands on more than are looked at.
    #[error("this query stands on more than {COUNTED_MAX} selectors")]
    TooMany,
}

/// What stands for the name of a server.
const NODE: &str = "$node";
/// The most selectors whose age is looked at.
const COUNTED_MAX: usize = 4;
/// Words that make one series of many.
const AGGREGATIONS: [&str; 12] = [
    "sum",
    "min",
    "max",
    "avg",
    "count",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "quantile",
    "count_values",
];

impl PerNode {
    /// This query for all servers at once.
    ///
    /// # Errors
    /// [`NotPerNode`] if it does not tell servers apart, or is not understood well enough to be sure that it does.
    pub fn of(query: &str) -> Result<Self, NotPerNode> {
        let tokens = tokens(query).ok_or(NotPerNode::Unread)?;
        let word = |text: &str| tokens.iter().any(|t| t.kind == Kind::Word && t.lower() == text);
        if word("with") || tokens.is_empty() {
            return Err(NotPerNode::Unread);
        }
        if word("offset") || tokens.iter().any(|t| t.text == "@") {
            return Err(NotPerNode::Past);
        }
        match query.contains(NODE) {
            true => Self::rewritten(query, &tokens),
            false => Self::grouped(query, &tokens),
        }
    }

    /// The label that holds the names.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The query for all.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The selectors that it stands on, without the name of a server.
    pub fn stands_on(&self) -> &[String] {
        &self.stands_on
    }

    /// A query that groups by one label itself: `sum by (node) (sfu_sessions)`.
    fn grouped(query: &str, tokens: &[Token<'_>]) -> Result<Self, NotPerNode> {
        let texts: Vec<&str> = tokens.iter().take(6).map(|token| token.text).collect();
        let [first, by, "(", label, ")", "("] = texts[..] else { return Err(NotPerNode::NoNode) };
        let groups =
            AGGREGATIONS.contains(&first.to_ascii_lowercase().as_str()) && by.eq_ignore_ascii_case("by");
        let whole = closing(tokens, 5) == Some(tokens.len() - 1);
        if !groups || !whole || tokens[3].kind != Kind::Word {
            return Err(NotPerNode::NoNode);
        }
        let stands_on = selectors(query).into_iter().map(|selector| selector.text).collect();
        Self::made(label.to_owned(), query.to_owned(), stands_on)
    }

    fn rewritten(query: &str, tokens: &[Token<'_>]) -> Result<Self, NotPerNode> {
        let mut edits = Edits::default();
        let (mut labels, mut stands_on, mut at) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
        for (n, token) in tokens.iter().enumerate().filter(|(_, token)| token.text.contains(NODE)) {
            if token.kind != Kind::Braces {
                return Err(NotPerNode::Misplaced);
            }
            let (label, rest) = without_node(token.text)?;
            let metric = n.checked_sub(1).map(|before| tokens[before]).filter(|t| t.kind == Kind::Word);
            stands_on.push(format!("{}{rest}", metric.map_or("", |metric| metric.text)));
            edits.replace(token.from, token.end(), rest);
            labels.insert(label);
            at.insert(n);
        }
        let mut labels = labels.into_iter();
        let label = labels.next().ok_or(NotPerNode::Misplaced)?;
        if let Some(other) = labels.next() {
            return Err(NotPerNode::TwoLabels(label, other));
        }
        for n in 0..tokens.len() {
            keep_label(tokens, n, &at, &label, &mut edits)?;
        }
        Self::made(label, edits.made(query), stands_on)
    }

    fn made(label: String, text: String, mut stands_on: Vec<String>) -> Result<Self, NotPerNode> {
        stands_on.sort();
        stands_on.dedup();
        match stands_on.len() {
            0 => Err(NotPerNode::Unread),
            1..=COUNTED_MAX => Ok(Self { text: format!("sum by ({label}) ({text})"), label, stands_on }),
            _ => Err(NotPerNode::TooMany),
        }
    }
}

/// Has an aggregation keep the label, if a server's series go through it.
fn keep_label(
    tokens: &[Token<'_>],
    n: usize,
    nodes: &BTreeSet<usize>,
    label: &str,
    edits: &mut Edits,
) -> Result<(), NotPerNode> {
    let word = tokens[n];
    if word.kind != Kind::Word || !AGGREGATIONS.contains(&word.lower().as_str()) {
        return Ok(());
    }
    let is_list = |at: usize| tokens.get(at).is_some_and(|t| ["by", "without"].contains(&t.lower().as_str()));
    let (list, open) = match is_list(n + 1) {
        true => (Some(n + 1), closing(tokens, n + 2).map(|close| close + 1)),
        false => (None, Some(n + 1)),
    };
    let Some((open, close)) = open.and_then(|open| Some((open, closing(tokens, open)?))) else {
        return Ok(());
    };
    if nodes.range(open..close).next().is_none() {
        return Ok(());
    }
    let list = list.or_else(|| is_list(close + 1).then_some(close + 1));
    let Some(list) = list else {
        edits.replace(word.end(), word.end(), format!(" by ({label}) "));
        return Ok(());
    };
    let end = closing(tokens, list + 1).ok_or(NotPerNode::Unread)?;
    let named = tokens[list + 2..end].iter().any(|token| token.text == label);
    match (tokens[list].lower().as_str(), named) {
        ("by", false) => {
            let comma = if list + 2 == end { "" } else { ", " };
            let begin = tokens[list + 1].end();
            edits.replace(begin, begin, format!("{label}{comma}"));
            Ok(())
        }
        ("without", true) => Err(NotPerNode::Dropped(label.to_owned())),
        _ => Ok(()),
    }
}

/// Where the parenthesis at `open` closes.
fn closing(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let mut depth = 0;
    for (n, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            _ if n == open => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(n);
        }
    }
    None
}

/// The label whose value is `$node`, and the matchers without it.
fn without_node(braces: &str) -> Result<(String, String), NotPerNode> {
    let inside = &braces[1..braces.len() - 1];
    let (of_node, rest): (Vec<&str>, Vec<&str>) =
        matchers(inside).into_iter().partition(|matcher| matcher.contains(NODE));
    let [matcher] = of_node[..] else { return Err(NotPerNode::Misplaced) };
    let (label, value) = matcher.split_once('=').ok_or(NotPerNode::Misplaced)?;
    let (label, value) = (label.trim(), value.trim_start_matches('~').trim());
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let quoted =
        value.len() >= 2 && ['"', '\'', '`'].iter().any(|q| value.starts_with(*q) && value.ends_with(*q));
    if label.is_empty() || !label.chars().all(plain) || !quoted || !is_name(&value[1..value.len() - 1]) {
        return Err(NotPerNode::Misplaced);
    }
    Ok((label.to_owned(), format!("{{{}}}", rest.join(","))))
}

/// `$node`, with a port or any port behind it.
fn is_name(value: &str) -> bool {
    let Some(rest) = value.strip_prefix(NODE) else { return false };
    let port = rest.strip_prefix(':');
    rest.is_empty()
        || port.is_some_and(|port| [".*", ".+"].contains(&port) || port.bytes().all(|b| b.is_ascii_digit()))
}

/// The matchers of a selector; commas in quotes part nothing.
fn matchers(inside: &str) -> Vec<&str> {
    let (mut found, mut from, mut quote, mut escaped) = (Vec::new(), 0, None, false);
    for (at, c) in inside.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(q) if c == '\\' && q != '`' => escaped = true,
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if "\"'`".contains(c) => quote = Some(c),
            None if c == ',' => {
                found.push(inside[from..at].trim());
                from = at + 1;
            }
            None => {}
        }
    }
    found.push(inside[from..].trim());
    found.retain(|matcher| !matcher.is_empty());
    found
}

/// What is to be written in place of parts of a text.
#[derive(Debug, Default)]
struct Edits(Vec<(usize, usize, String)>);

impl Edits {
    fn replace(&mut self, from: usize, to: usize, with: String) {
        self.0.push((from, to, with));
    }

    fn made(mut self, text: &str) -> String {
        self.0.sort();
        let (mut made, mut at) = (String::new(), 0);
        for (from, to, with) in self.0 {
            made.push_str(&text[at..from]);
            made.push_str(&with);
            at = to;
        }
        made.push_str(&text[at..]);
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, label: &str, inner: &str, stands_on: &[&str]) {
        let made = PerNode::of(query).unwrap();
        assert_eq!((made.label(), made.text()), (label, &*format!("sum by ({label}) ({inner})")), "{query}");
        assert_eq!(made.stands_on(), stands_on, "{query}");
    }

    #[test] // D2.1
    fn asks_for_all_servers_at_once() {
        check("sfu_sessions{node=\"$node\"}", "node", "sfu_sessions{}", &["sfu_sessions{}"]);
        check(
            "max_over_time(s{a=\"x,y\", instance=~'$node:.*' ,b!=\"\"}[1m])",
            "instance",
            "max_over_time(s{a=\"x,y\",b!=\"\"}[1m])",
            &["s{a=\"x,y\",b!=\"\"}"],
        );
        check("s{pod=\"$node:9090\"}", "pod", "s{}", &["s{}"]);
        check(
            "sum(a{n=\"$node\"}) + max by (job) (b{n=\"$node\"})",
            "n",
            "sum by (n) (a{}) + max by (n, job) (b{})",
            &["a{}", "b{}"],
        );
        check("sum(a{n=\"$node\"}) by (n)", "n", "sum(a{}) by (n)", &["a{}"]);
        check("sum without (job) (a{n=\"$node\"})", "n", "sum without (job) (a{})", &["a{}"]);
        check("sum(a{n=\"$node\"}) * scalar(max(b))", "n", "sum by (n) (a{}) * scalar(max(b))", &["a{}"]);
        check("sum by (node) (s)", "node", "sum by (node) (s)", &["s"]);
    }

    #[test]
    fn says_why_a_query_does_not_tell_servers_apart() {
        let check = |query: &str, expected: NotPerNode| {
            assert_eq!(PerNode::of(query).unwrap_err(), expected, "{query}");
        };
        check("sum(sfu_sessions)", NotPerNode::NoNode);
        check("sum by (a, b) (s)", NotPerNode::NoNode);
        check("sum by (a) (s) + 1", NotPerNode::NoNode);
        check("$node", NotPerNode::Misplaced);
        check("s{node!=\"$node\"}", NotPerNode::Misplaced);
        check("s{node=~\".*$node.*\"}", NotPerNode::Misplaced);
        check("s{a=\"$node\",b=\"$node\"}", NotPerNode::Misplaced);
        check("s{a=\"$node\"} + t{b=\"$node\"}", NotPerNode::TwoLabels("a".into(), "b".into()));
        check("sum without (n) (a{n=\"$node\"})", NotPerNode::Dropped("n".into()));
        check("s{n=\"$node\"} offset 5m", NotPerNode::Past);
        check("s{n=\"$node\"} @ 1609746000", NotPerNode::Past);
        check("s{n=\"$node", NotPerNode::Unread);
        let five: Vec<_> = (0..5).map(|n| format!("s{n}{{n=\"$node\"}}")).collect();
        check(&five.join(" + "), NotPerNode::TooMany);
    }
}
