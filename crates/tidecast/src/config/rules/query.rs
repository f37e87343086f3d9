//! What can be known of a query without asking anybody.

use super::super::codes::Code;
use super::super::finding::Finding;
use super::super::node::Node;
use super::super::text::{NOWHERE, Place};

/// What is wrong with a query, or odd about it.
pub(super) fn check(query: &str, node: &Node) -> Option<Finding> {
    let finding = broken(query).or_else(|| odd(query))?.at(node.place);
    // The edits above know the query, not how it is written.
    let quoted = |(_, text): (Place, String)| (node.place, format!("'{}'", text.replace('\'', "''")));
    Some(Finding { fixes: finding.fixes.into_iter().map(quoted).collect(), ..finding })
}

pub(super) fn broken(query: &str) -> Option<Finding> {
    let finding = |message: String| Finding::new(Code::BAD_QUERY, message);
    if query.trim().is_empty() {
        return Some(
            finding("the query is empty".into())
                .help("write what to ask, such as `sum(rate(http_requests_total[5m]))`"),
        );
    }
    let mut open = Vec::new();
    let mut letters = query.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '(' | '[' | '{' => open.push(letter),
            ')' | ']' | '}' if open.pop().map(closing) != Some(letter) => {
                return Some(
                    finding(format!("in this query `{letter}` closes nothing"))
                        .help("take it away, or open it before"),
                );
            }
            '"' | '\'' | '`' if !skip_quoted(letter, &mut letters) => {
                return Some(
                    finding(format!("in this query a text that begins with {letter} never ends"))
                        .help("close the quotes"),
                );
            }
            _ => {}
        }
    }
    let rest: String = open.iter().rev().map(|letter| closing(*letter)).collect();
    (!rest.is_empty()).then(|| {
        finding(format!("this query never closes `{}`", open[open.len() - 1]))
            .help(format!("add `{rest}` at its end"))
            .fix(NOWHERE, format!("{query}{rest}"))
    })
}

fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

fn skip_quoted(quote: char, letters: &mut std::str::Chars<'_>) -> bool {
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quote != '`' => drop(letters.next()),
            _ if letter == quote => return true,
            _ => {}
        }
    }
    false
}

/// Parts of the names of measures that follow the size of the cluster.
const NOT_DEMAND: [&str; 14] = [
    "cpu_usage",
    "cpu_seconds",
    "cpu_utili",
    "cpuutili",
    "node_load",
    "load_average",
    "utilization",
    "utilisation",
    "memory_working_set",
    "memory_usage",
    "memory_rss",
    "status_replicas",
    "spec_replicas",
    "kube_hpa",
];

fn odd(query: &str) -> Option<Finding> {
    let lower = query.to_lowercase();
    if let Some(word) = NOT_DEMAND.iter().find(|word| lower.contains(**word)) {
        let message = format!("`{word}…` changes with the size of the cluster, so it is not demand");
        let help = "ask for what users do: requests, sessions, messages or jobs that arrive";
        return Some(Finding::new(Code::NOT_DEMAND, message).help(help));
    }
    let window = short_window(query)?;
    let message = format!("a rate over {window} misses most scrapes");
    let longer = query.replace(&format!("[{window}]"), "[5m]");
    let help = "write a window of several scrapes, such as [5m]";
    Some(Finding::new(Code::SHORT_RATE, message).help(help).fix(NOWHERE, longer))
}

/// A window of a rate below a minute.
fn short_window(query: &str) -> Option<&str> {
    let at = query.find("rate(")?;
    let inside = &query[at..];
    let from = inside.find('[')? + 1;
    let window = &inside[from..from + inside[from..].find(']')?];
    let seconds: u32 = window.strip_suffix('s')?.parse().ok()?;
    (seconds < 60).then_some(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Option<Code>) {
        let found = broken(query).or_else(|| odd(query));
        assert_eq!(found.as_ref().map(|finding| finding.code), expected, "{found:?}");
    }

    #[test]
    fn sees_what_is_never_closed() {
        check("sum(rate(http_requests_total{app=\"a)\\\"b\"}[5m]))", None);
        check("sum(rate(x[5m])", Some(Code::BAD_QUERY));
        check("sum(rate(x[5m)])", Some(Code::BAD_QUERY));
        check("x{a=\"b}", Some(Code::BAD_QUERY));
        check("x)", Some(Code::BAD_QUERY));
        check("  ", Some(Code::BAD_QUERY));
        check("x{a=`\\`}", None);
    }

    #[test] // S7.1
    fn sees_what_follows_the_size_of_the_cluster() {
        check("avg(rate(container_cpu_usage_seconds_total[5m]))", Some(Code::NOT_DEMAND));
        check("sum(kube_deployment_status_replicas)", Some(Code::NOT_DEMAND));
        check("avg(node_load1)", Some(Code::NOT_DEMAND));
        check("sum(sfu_sessions{region=\"eu-west\"})", None);
    }

    #[test]
    fn sees_windows_that_miss_scrapes() {
        check("sum(rate(x[15s]))", Some(Code::SHORT_RATE));
        check("sum(rate(x[1m]))", None);
        check("sum(irate(x[90s]))", None);
    }
}
