use cel::{Context, Program, Value as Told};
use regex::Regex;
use serde_json::Value;
use tidecast_world::kubernetes::Rules;

use super::declared::{escaped, most_values};
use super::price::price;

/// The languages of definitions, each understood by its own library.
#[derive(Debug)]
pub(crate) struct Languages;

impl Rules for Languages {
    fn compiles(&self, rule: &str, schema: &Value, times: Option<u64>) -> Result<u64, String> {
        let program = Program::compile(rule).map_err(|error| error.to_string())?;
        let once = price(program.expression(), schema)?;
        Ok(once.saturating_mul(times.unwrap_or_else(|| most_values(schema))))
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
    context.add_variable("self", named(value)).map_err(|error| error.to_string())?;
    if let Some(old) = old {
        context.add_variable("oldSelf", named(old)).map_err(|error| error.to_string())?;
    }
    // The library's own durations come with a calendar that this project does without; rules only compare them.
    context
        .add_function("duration", |told: std::sync::Arc<String>| nanoseconds(&told))
        .map_err(|error| format!("{error:?}"))?;
    program.execute(&context).map_err(|error| error.to_string())
}

/// A value with its fields called as rules call them.
fn named(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, field)| (escaped(name), named(field))).collect(),
        Value::Array(items) => items.iter().map(named).collect(),
        plain => plain.clone(),
    }
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
    fn fields_with_names_that_mean_something_in_the_language_are_found() {
        let value = json!({"namespace": "shop", "a-b": 1});
        assert_eq!(
            Languages.holds("self.__namespace__ == 'shop' && self.a__dash__b == 1", &value, None),
            Ok(true)
        );
        assert_eq!(Languages.holds("!has(self.__namespace__)", &value, None), Ok(false));
    }

    fn told(rule: &str, schema: Value) -> Result<u64, String> {
        Languages.compiles(rule, &schema, Some(1))
    }

    #[test]
    fn a_rule_sees_only_fields_that_have_a_type() {
        let schema = json!({"type": "object", "properties": {
            "word": {"type": "string"},
            "open": {"x-kubernetes-preserve-unknown-fields": true},
            "list": {"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": true}},
            "either": {"x-kubernetes-int-or-string": true},
        }});
        assert_eq!(told("has(self.word) || has(self.either)", schema.clone()), Ok(2));
        for hidden in ["open", "list", "absent"] {
            let refused = told(&format!("!has(self.{hidden})"), schema.clone());
            assert_eq!(refused, Err(format!("undefined field '{hidden}'")));
        }
        assert_eq!(
            told("self.word.length > 1", schema.clone()),
            Err("type 'string' does not support field selection".into())
        );
        assert!(told("other > 1", schema).unwrap_err().starts_with("undeclared reference to 'other'"));
    }

    #[test]
    fn a_rule_costs_as_much_as_the_largest_value_makes_it() {
        let words = |most: Value| json!({"type": "array", "maxItems": most, "items": {"type": "string", "maxLength": 25}});
        let rule = "self.all(word, word.startsWith('a'))";
        let (few, many) = (told(rule, words(json!(10))).unwrap(), told(rule, words(json!(1_000))).unwrap());
        assert!(few < 100 && many > 90 * few, "{few} and {many}");
        let unbounded = json!({"type": "array", "items": {"type": "string"}});
        assert!(told("self.all(a, self.exists(b, a == b))", unbounded).unwrap() > 10_000_000);
        assert_eq!(
            told(
                "self.kind in ['a', 'b'] && self.kind == 'a'",
                json!({"type": "object", "properties": {"kind": {"type": "string"}}})
            ),
            Ok(17)
        );
    }

    #[test]
    fn what_was_can_be_compared_with_what_is() {
        assert_eq!(Languages.holds("self == oldSelf", &json!(1), Some(&json!(2))), Ok(false));
        assert_eq!(Languages.told("'not ' + string(self)", &json!(3)), Ok("not 3".to_owned()));
    }
}
