use std::fmt;

use serde_json::Value;

/// Who understands the languages that definitions of custom resources are written in.
///
/// They have libraries of their own, which a pure crate should not drag along; so whoever runs a cluster brings them.
pub trait Rules: fmt::Debug + Send + Sync {
    /// Whether a rule of the Common Expression Language is one for values of this schema, and what it costs at most for all
    /// of them that a request can hold: so many, unless their number has no bound.
    fn compiles(&self, rule: &str, schema: &Value, times: Option<u64>) -> Result<u64, String>;

    /// What a rule of the Common Expression Language says of a value and of what it was; `Err` if it cannot be told.
    fn holds(&self, rule: &str, value: &Value, old: Option<&Value>) -> Result<bool, String>;

    /// The text that an expression gives, as a message of a rule does.
    fn told(&self, expression: &str, value: &Value) -> Result<String, String>;

    /// Whether a text matches a regular expression.
    fn matches(&self, pattern: &str, text: &str) -> Result<bool, String>;
}

/// Nobody does: rules and patterns hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unruled;

impl Rules for Unruled {
    fn compiles(&self, _: &str, _: &Value, _: Option<u64>) -> Result<u64, String> {
        Ok(0)
    }

    fn holds(&self, _: &str, _: &Value, _: Option<&Value>) -> Result<bool, String> {
        Ok(true)
    }

    fn told(&self, expression: &str, _: &Value) -> Result<String, String> {
        Ok(expression.to_owned())
    }

    fn matches(&self, _: &str, _: &str) -> Result<bool, String> {
        Ok(true)
    }
}
