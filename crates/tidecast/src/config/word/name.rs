use std::fmt;

use super::{Word, words};
use crate::config::codes::Code;
use crate::config::fault::Complaint;

/// A name of one's own choosing, for a workload or a source: small letters, digits, `-`, `_`, `.`, and `/` between
/// parts. At most 128 characters, for it becomes a label of metrics and a part of addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

/// Names of workloads, where `*` stands for anything: `media/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

/// The longest name.
const LENGTH_MAX: usize = 128;

words! {
    Name: {
        "type": "string",
        "pattern": "^[a-z0-9]([a-z0-9._/-]*[a-z0-9])?$",
        "maxLength": 128,
        "examples": ["shop/checkout"]
    };
    Pattern: { "type": "string", "examples": ["shop/checkout", "media/*"] };
}

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Word for Name {
    const EXPECTED: &'static str = "a name such as `shop/checkout`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if sound(text) {
            return Ok(Self(text.to_owned()));
        }
        let message = match text.chars().count() {
            0 => "a name is needed here".to_owned(),
            length if length > LENGTH_MAX => {
                format!("this name has {length} characters; {LENGTH_MAX} are the most")
            }
            _ => format!("`{text}` cannot be a name"),
        };
        let help = "use small letters, digits, `-`, `_`, `.`, and `/` between parts";
        let complaint = Complaint::new(Code::BAD_NAME, message, help);
        Err(match mended(text).filter(|name| sound(name)) {
            Some(name) => Complaint { help: format!("write `{name}`: {help}"), ..complaint }.instead(name),
            None => complaint,
        })
    }
}

fn sound(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = text.starts_with(plain) && text.ends_with(plain);
    let inside = text.chars().all(|c| plain(c) || "._/-".contains(c));
    ends && inside && !text.contains("//") && text.len() <= LENGTH_MAX
}

fn mended(text: &str) -> Option<String> {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._/".contains(c) { c } else { '-' };
    let name: String = text.to_lowercase().chars().map(safe).take(LENGTH_MAX).collect();
    Some(name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned())
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pattern {
    /// Whether it stands for this name.
    pub fn matches(&self, name: &Name) -> bool {
        matches(self.0.as_bytes(), name.0.as_bytes())
    }
}

/// Greedy with one way back, so linear in practice and never exponential.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match (pattern.get(p), star) {
            (Some(b'*'), _) => (star, p) = (Some((p, n)), p + 1),
            (Some(c), _) if *c == name[n] => (p, n) = (p + 1, n + 1),
            (_, Some((at, taken))) => {
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
            _ => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

impl Word for Pattern {
    const EXPECTED: &'static str = "the name of a workload, or a pattern such as `media/*`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let without = text.replace('*', "x");
        let sound = sound(&without) && text.len() <= LENGTH_MAX;
        let message = || format!("`{text}` is neither a name nor a pattern");
        let help = "write the name of a workload, with `*` for any part of it";
        if sound { Ok(Self(text.to_owned())) } else { Err(Complaint::new(Code::BAD_NAME, message(), help)) }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn takes_names_that_fit_into_labels_and_addresses() {
        check::<Name>("shop/checkout", Ok("shop/checkout"));
        check::<Name>("Shop/Check out", Err((Code::BAD_NAME, Some("shop/check-out"))));
        check::<Name>("<img onerror>", Err((Code::BAD_NAME, Some("img-onerror"))));
        check::<Name>("", Err((Code::BAD_NAME, None)));
        check::<Name>("a//b", Err((Code::BAD_NAME, None)));
        check::<Name>(&"a".repeat(129), Err((Code::BAD_NAME, Some(&"a".repeat(128)))));
    }

    #[test]
    fn stands_for_many_names() {
        let matches =
            |pattern: &str, name: &str| Pattern::parse(pattern).unwrap().matches(&Name::parse(name).unwrap());
        assert!(matches("media/*", "media/eu-west"));
        assert!(matches("*", "media/eu-west"));
        assert!(matches("*/eu-*t", "media/eu-west"));
        assert!(!matches("media/*", "shop/media"));
        assert!(!matches("media", "media/eu"));
        check::<Pattern>("?", Err((Code::BAD_NAME, None)));
    }
}
