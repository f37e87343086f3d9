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
    pub condition: BTreeMap<String, BTreeMap<String, Values>>,
}

/// What a key is compared with: one of these must do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// This alone.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

impl Values {
    fn any(&self, does: impl FnMut(&String) -> bool) -> bool {
        match self {
            Self::One(value) => std::slice::from_ref(value).iter().any(does),
            Self::Any(values) => values.iter().any(does),
        }
    }
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
fn holds(operator: &str, keys: &BTreeMap<String, Values>, asked: &Asked) -> bool {
    keys.iter().all(|(key, values)| {
        let (key, tag) = key.split_once('/').unwrap_or((key, ""));
        match (operator, key) {
            ("StringEquals", "aws:ResourceTag" | "autoscaling:ResourceTag" | "ec2:ResourceTag") => {
                values.any(|value| asked.resource_tags.get(tag) == Some(value))
            }
            ("StringEquals", "aws:RequestTag") => {
                values.any(|value| asked.request_tags.get(tag) == Some(value))
            }
            // Of no keys at all this holds too, which is why it is seldom enough alone.
            ("ForAllValues:StringLike", "aws:TagKeys") => {
                asked.request_tags.keys().all(|tag| values.any(|value| like(value, tag)))
            }
            ("Null", "aws:TagKeys") => {
                values.any(|value| value == if asked.request_tags.is_empty() { "true" } else { "false" })
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

    #[test] // S10
    fn takes_one_value_or_a_list_and_knows_a_request_that_names_no_tag() {
        let policy: Policy = serde_json::from_str(
            r#"{ "Version": "2012-10-17", "Statement": [{ "Sid": "Unmark", "Effect": "Allow", "Action": ["ec2:DeleteTags"],
                "Resource": "*", "Condition": { "ForAllValues:StringLike": { "aws:TagKeys": ["a", "b:*"] },
                "Null": { "aws:TagKeys": "false" } } }] }"#,
        )
        .unwrap();
        let allows = |keys: &[&str]| {
            let request_tags = keys.iter().map(|key| ((*key).to_owned(), String::new())).collect();
            policy.allows("ec2:DeleteTags", &Asked { request_tags, ..Asked::default() })
        };
        assert!(allows(&["a"]) && allows(&["a", "b:1"]));
        assert!(!allows(&["a", "c"]), "all of them must be allowed");
        assert!(!allows(&[]), "which would take every tag away");
    }
}
