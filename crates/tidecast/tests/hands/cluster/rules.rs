use cel::{Context, Program, Value as Told};
use regex::Regex;
use serde_json::Value;
use tidecast_world::kubernetes::Rules;

/// The languages of definitions, each understood by its own library.
#[derive(Debug)]
pub(crate) struct Languages;

impl Rules for Languages {
    fn compiles(&self, rule: &str) -> Result<(), String> {
        Program::compile(rule).map(drop).map_err(|error| error.to_string())
    }

    fn holds(&self, rule: &str, value: &Value, old: Option<&Value>) -> Result<bool, String> {
        match run(rule, value, old)? {
            Told::Bool(holds) => Ok(holds),
            other => Err(format!("a rule must say yes or no, not {other:?}")),
        }
    }

    fn told(&self, expression: &str, value: &Value) -> Result<String, String> {
        match run(expression, value, None)? {
            Told::String(text) => Ok(text.to_string()),
            other => Err(format!("a message must be a text, not {other:?}")),
        }
    }

    fn matches(&self, pattern: &str, text: &str) -> Result<bool, String> {
        Regex::new(pattern).map(|pattern| pattern.is_match(text)).map_err(|error| error.to_string())
    }
}

fn run(rule: &str, value: &Value, old: Option<&Value>) -> Result<Told, String> {
    let program = Program::compile(rule).map_err(|error| error.to_string())?;
    let mut context = Context::default();
    context.add_variable("self", value).map_err(|error| error.to_string())?;
    if let Some(old) = old {
        context.add_variable("oldSelf", old).map_err(|error| error.to_string())?;
    }
    // The library's own durations come with a calendar that this project does without; rules only compare them.
    context
        .add_function("duration", |told: std::sync::Arc<String>| nanoseconds(&told))
        .map_err(|error| format!("{error:?}"))?;
    program.execute(&context).map_err(|error| error.to_string())
}

/// A duration as Go writes it, `1h30m` or `500ms`; what is none is less than any.
fn nanoseconds(told: &str) -> i64 {
    let units = [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)];
    let (mut left, mut sum) = (told.trim_start_matches('-'), 0.0);
    while !left.is_empty() {
        let end = left.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(left.len());
        let (number, rest) = left.split_at(end);
        let unit_end = rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(unit_end);
        let length = units.iter().find(|(name, _)| *name == unit).map(|(_, length)| *length);
        match (number.parse::<f64>(), length) {
            (Ok(number), Some(length)) => sum += number * length,
            _ => return i64::MIN,
        }
        left = rest;
    }
    if told.starts_with('-') { -(sum as i64) } else { sum as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_over_several_fields_hold_or_not() {
        let holds = |rule: &str, value: Value| Languages.holds(rule, &value, None);
        let bounds = "!has(self.minReplicas) || self.minReplicas <= self.maxReplicas";
        assert_eq!(holds(bounds, json!({"minReplicas": 2, "maxReplicas": 3})), Ok(true));
        assert_eq!(holds(bounds, json!({"minReplicas": 4, "maxReplicas": 3})), Ok(false));
        assert_eq!(holds(bounds, json!({"maxReplicas": 3})), Ok(true));
        assert_eq!(holds("self.all(x, x.size() < 3)", json!(["ab", "abc"])), Ok(false));
        assert_eq!(holds("duration(self) >= duration('1m30s')", json!("90s")), Ok(true));
        assert_eq!(holds("self.matches('^[0-9]+%$')", json!("10%")), Ok(true));
        assert!(holds("self.nothing > 1", json!({})).is_err());
    }

    #[test]
    fn what_was_can_be_compared_with_what_is() {
        assert_eq!(Languages.holds("self == oldSelf", &json!(1), Some(&json!(2))), Ok(false));
        assert_eq!(Languages.told("'not ' + string(self)", &json!(3)), Ok("not 3".to_owned()));
    }
}
