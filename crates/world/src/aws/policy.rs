use std::collections::BTreeMap;

use serde::Deserialize;

/// An IAM policy, as far as a least-privilege one for tidecast goes: allowing statements with actions, resources that are
/// all or one service's, and conditions on tags.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Policy {
    /// The version of the language.
    pub version: String,
    /// Its statements.
    pub statement: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// What it is for.
    pub sid: String,
    /// `Allow`.
    pub effect: String,
    /// Names of actions.
    pub action: Vec<String>,
    /// What it is allowed on.
    pub resource: String,
    /// Operator, key, values.
    #[serde(default)]
    pub condition: BTreeMap<String, BTreeMap<String, String>>,
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// The tags of the thing.
    pub(super) resource_tags: BTreeMap<String, String>,
    /// The tags that the request sets or takes away; empty values for the latter.
    pub(super) request_tags: BTreeMap<String, String>,
}

impl Policy {
    /// Whether any statement allows it.
    pub(super) fn allows(&self, action: &str, asked: &Asked) -> bool {
        self.statement.iter().any(|statement| {
            statement.effect == "Allow"
                && statement.action.iter().any(|pattern| like(pattern, action))
                && statement.condition.iter().all(|(operator, keys)| holds(operator, keys, asked))
        })
    }
}

/// An unknown operator or key holds for nothing: what is not understood is not allowed.
fn holds(operator: &str, keys: &BTreeMap<String, String>, asked: &Asked) -> bool {
    keys.iter().all(|(key, value)| {
        let (key, tag) = key.split_once('/').unwrap_or((key, ""));
        match (operator, key) {
            ("StringEquals", "aws:ResourceTag" | "autoscaling:ResourceTag" | "ec2:ResourceTag") => {
                asked.resource_tags.get(tag) == Some(value)
            }
            ("StringEquals", "aws:RequestTag") => asked.request_tags.get(tag) == Some(value),
            ("ForAllValues:StringLike", "aws:TagKeys") => {
                asked.request_tags.keys().all(|tag| like(value, tag))
            }
            _ => false,
        }
    })
}

fn like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, "")) => text.starts_with(start),
        Some((start, rest)) => {
            text.starts_with(start)
                && (start.len()..=text.len()).any(|at| text.is_char_boundary(at) && like(rest, &text[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_stars_anywhere() {
        assert!(like("autoscaling:*", "autoscaling:SetDesiredCapacity"));
        assert!(like("a*c*e", "abcde") && !like("a*c*e", "abde"));
        assert!(like("x", "x") && !like("x", "xy"));
    }
}
