use serde_json::{Value, json};

use super::super::kind::Kind;
use super::super::rules::Rules;
use super::super::schema::{Items, Schema};
use super::super::status::Cause;
use super::super::tree::text;

/// What a custom resource's schema has against an object: types, bounds, patterns, and rules over several fields.
pub(crate) fn judge(rules: &dyn Rules, kind: &Kind, old: Option<&Value>, object: &Value) -> Vec<Cause> {
    let mut court = Court { rules, causes: Vec::new() };
    court.shape(object, kind.schema(), "");
    // Rules may rely on the shape, so they are only asked where that is right.
    if court.causes.is_empty() {
        court.laws(object, old, kind.schema(), "");
    }
    court.causes
}

struct Court<'a> {
    rules: &'a dyn Rules,
    causes: Vec<Cause>,
}

impl Court<'_> {
    fn shape(&mut self, value: &Value, schema: Schema, path: &str) {
        if value.is_null() && schema.says("nullable") == Some(&json!(true)) {
            return;
        }
        if !fits(value, schema) {
            let why = format!("{path} in body must be of type {}: \"{}\"", schema.kind(), sort(value));
            return self.causes.push(Cause::new(
                "FieldValueTypeInvalid",
                path,
                format!("Invalid value: \"{}\": {why}", sort(value)),
            ));
        }
        self.listed(value, schema, path);
        match value {
            Value::Object(fields) => {
                for name in schema.required().filter(|name| !fields.contains_key(*name)) {
                    self.causes.push(Cause::required(under(path, name)));
                }
                self.counted(fields.len(), schema, ["minProperties", "maxProperties"], "properties", path);
                for (name, value) in fields {
                    self.shape(value, schema.field(name), &under(path, name));
                }
            }
            Value::Array(items) => {
                self.counted(items.len(), schema, ["minItems", "maxItems"], "items", path);
                self.told_apart(items, schema, path);
                for (at, item) in items.iter().enumerate() {
                    self.shape(item, schema.items(), &format!("{path}[{at}]"));
                }
            }
            Value::String(text) => self.worded(text, schema, path),
            Value::Number(number) => self.bounded(number.as_f64().unwrap_or(f64::NAN), schema, path),
            _ => {}
        }
    }

    fn listed(&mut self, value: &Value, schema: Schema, path: &str) {
        let Some(Value::Array(known)) = schema.says("enum") else { return };
        if !known.contains(value) {
            let known: Vec<String> = known.iter().map(Value::to_string).collect();
            let why = format!("Unsupported value: {value}: supported values: {}", known.join(", "));
            self.causes.push(Cause::new("FieldValueNotSupported", path, why));
        }
    }

    fn counted(&mut self, count: usize, schema: Schema, bounds: [&str; 2], what: &str, path: &str) {
        let bound = |name: &str| schema.says(name).and_then(Value::as_u64).map(|bound| bound as usize);
        if let Some(least) = bound(bounds[0]).filter(|&least| count < least) {
            let why = format!("{path} in body should have at least {least} {what}");
            self.causes.push(Cause::invalid(path, &json!(count), &why));
        }
        if let Some(most) = bound(bounds[1]).filter(|&most| count > most) {
            let why = format!("Too many: {count}: must have at most {most} {what}");
            self.causes.push(Cause::new("FieldValueTooMany", path, why));
        }
    }

    fn told_apart(&mut self, items: &[Value], schema: Schema, path: &str) {
        if schema.list() == Items::Atomic {
            return;
        }
        let steps: Vec<_> = items.iter().map(|item| super::super::step::Step::of(item, schema)).collect();
        for (at, step) in steps.iter().enumerate().filter(|(at, step)| steps[..*at].contains(step)) {
            _ = step;
            self.causes.push(Cause::new(
                "FieldValueDuplicate",
                format!("{path}[{at}]"),
                format!("Duplicate value: {}", items[at]),
            ));
        }
    }

    fn worded(&mut self, word: &str, schema: Schema, path: &str) {
        let bound = |name: &str| schema.says(name).and_then(Value::as_u64).map(|bound| bound as usize);
        let length = word.chars().count();
        if let Some(least) = bound("minLength").filter(|&least| length < least) {
            self.causes.push(Cause::invalid(
                path,
                &json!(word),
                &format!("{path} in body should be at least {least} chars long"),
            ));
        }
        if let Some(most) = bound("maxLength").filter(|&most| length > most) {
            self.causes.push(Cause::new(
                "FieldValueTooLong",
                path,
                format!("Too long: may not be more than {most} bytes"),
            ));
        }
        if let Some(pattern) = schema.says("pattern").and_then(Value::as_str)
            && self.rules.matches(pattern, word) != Ok(true)
        {
            self.causes.push(Cause::invalid(
                path,
                &json!(word),
                &format!("{path} in body should match '{pattern}'"),
            ));
        }
    }

    fn bounded(&mut self, number: f64, schema: Schema, path: &str) {
        let bound = |name: &str| schema.says(name).and_then(Value::as_f64);
        let strict = |name: &str| schema.says(name) == Some(&json!(true));
        let told = |bound: f64| json!(bound).to_string().trim_end_matches(".0").to_owned();
        if let Some(least) = bound("minimum")
            .filter(|&least| number < least || (strict("exclusiveMinimum") && number == least))
        {
            let word = if strict("exclusiveMinimum") { "greater than" } else { "greater than or equal to" };
            self.causes.push(Cause::invalid(
                path,
                &json!(number),
                &format!("{path} in body should be {word} {}", told(least)),
            ));
        }
        if let Some(most) =
            bound("maximum").filter(|&most| number > most || (strict("exclusiveMaximum") && number == most))
        {
            let word = if strict("exclusiveMaximum") { "less than" } else { "less than or equal to" };
            self.causes.push(Cause::invalid(
                path,
                &json!(number),
                &format!("{path} in body should be {word} {}", told(most)),
            ));
        }
        if let Some(step) = bound("multipleOf").filter(|step| (number / step).fract() != 0.0) {
            self.causes.push(Cause::invalid(
                path,
                &json!(number),
                &format!("{path} in body should be a multiple of {}", told(step)),
            ));
        }
    }

    /// The rules of `x-kubernetes-validations`, everywhere in the object; those that compare need an old value.
    fn laws(&mut self, value: &Value, old: Option<&Value>, schema: Schema, path: &str) {
        for law in schema.says("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
            self.law(law, value, old, path);
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.laws(
                        value,
                        old.and_then(|old| old.get(name)),
                        schema.field(name),
                        &under(path, name),
                    );
                }
            }
            Value::Array(items) => {
                let keyed = matches!(schema.list(), Items::Map(_));
                for (at, item) in items.iter().enumerate() {
                    let same = |other: &&Value| {
                        super::super::step::Step::of(other, schema)
                            == super::super::step::Step::of(item, schema)
                    };
                    let old =
                        old.and_then(Value::as_array).filter(|_| keyed).and_then(|old| old.iter().find(same));
                    self.laws(item, old, schema.items(), &format!("{path}[{at}]"));
                }
            }
            _ => {}
        }
    }

    fn law(&mut self, law: &Value, value: &Value, old: Option<&Value>, path: &str) {
        let rule = text(law, "/rule");
        if rule.contains("oldSelf") && old.is_none() && law["optionalOldSelf"] != true {
            return;
        }
        let message = || {
            let expression = text(law, "/messageExpression");
            let told = (!expression.is_empty()).then(|| self.rules.told(expression, value).ok()).flatten();
            let plain = Some(text(law, "/message").to_owned()).filter(|message| !message.is_empty());
            told.or(plain).unwrap_or_else(|| format!("failed rule: {rule}"))
        };
        let why = match self.rules.holds(rule, value, old) {
            Ok(true) => return,
            Ok(false) => message(),
            Err(error) => format!("rule evaluation error: {error}: {rule}"),
        };
        let at = text(law, "/fieldPath").trim_start_matches('.');
        let path = if at.is_empty() { path.to_owned() } else { under(path, at) };
        let shown = if value.is_object() || value.is_array() { json!(sort(value)) } else { value.clone() };
        let reason = match text(law, "/reason") {
            "FieldValueRequired" => "FieldValueRequired",
            "FieldValueForbidden" => "FieldValueForbidden",
            "FieldValueDuplicate" => "FieldValueDuplicate",
            _ => "FieldValueInvalid",
        };
        self.causes.push(Cause::new(reason, path, format!("Invalid value: {shown}: {why}")));
    }
}

fn under(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn fits(value: &Value, schema: Schema) -> bool {
    let int_or_string =
        schema.says("x-kubernetes-int-or-string") == Some(&json!(true)) || schema.format() == "int-or-string";
    match (schema.kind(), value) {
        _ if int_or_string => value.is_string() || value.is_i64(),
        ("object", value) => value.is_object(),
        ("array", value) => value.is_array(),
        ("string", value) => value.is_string(),
        ("boolean", value) => value.is_boolean(),
        ("integer", value) => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        ("number", value) => value.is_number(),
        _ => true,
    }
}

fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
