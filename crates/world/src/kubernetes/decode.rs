use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::quantity;
use super::schema::Schema;
use super::status::Refusal;

/// An object as it was understood, and the fields that nobody knows.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) object: Value,
    pub(crate) unknown: Vec<String>,
}

/// Reads an object in the form of its kind: nulls and unknown fields go, values of a wrong type are refused.
///
/// A custom resource is only pruned here; its types are judged together with the rest of its schema.
pub(crate) fn decode(kind: &Kind, told: &Value) -> Result<Decoded, Refusal> {
    let mut reading = Reading { unknown: Vec::new(), custom: kind.is_custom() };
    let object = reading.value(told, kind.schema(), "").map_err(|why| {
        let (version, kind) = (&kind.version, &kind.kind);
        Refusal::bad(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"))
    })?;
    Ok(Decoded { object, unknown: reading.unknown })
}

struct Reading {
    unknown: Vec<String>,
    custom: bool,
}

impl Reading {
    fn value(&mut self, told: &Value, schema: Schema, path: &str) -> Result<Value, String> {
        let wrong = || {
            Err(format!(
                "json: cannot unmarshal {} into Go struct field {path} of type {}",
                sort(told),
                schema.kind()
            ))
        };
        match (schema.kind(), told) {
            ("", _) | ("object" | "array", Value::Null) => Ok(told.clone()),
            ("object", Value::Object(fields)) => self.object(fields, schema, path),
            ("array", Value::Array(items)) => {
                let at = |(at, item)| self.value(item, schema.items(), &format!("{path}[{at}]"));
                items.iter().enumerate().map(at).collect::<Result<_, _>>().map(Value::Array)
            }
            _ if self.custom && !path.starts_with("metadata") => Ok(told.clone()),
            ("string", _) if schema.format() == "quantity" => quantity_of(told),
            ("string", Value::Number(number)) if schema.format() == "int-or-string" && number.is_i64() => {
                Ok(told.clone())
            }
            ("string", Value::String(_)) | ("boolean", Value::Bool(_)) | ("number", Value::Number(_)) => {
                Ok(told.clone())
            }
            ("integer", Value::Number(number)) => match whole(number) {
                Some(number) if schema.format() != "int32" || i32::try_from(number).is_ok() => {
                    Ok(json!(number))
                }
                _ => Err(format!(
                    "json: cannot unmarshal number {number} into Go struct field {path} of type {}",
                    schema.format()
                )),
            },
            _ => wrong(),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>, schema: Schema, path: &str) -> Result<Value, String> {
        let mut kept = Map::new();
        for (name, value) in fields {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let field = schema.declared(name).or_else(|| schema.entries());
            if field.is_none() && !schema.keeps_unknown() {
                self.unknown.push(below);
            } else if !value.is_null() || self.keeps_null(field) {
                let read = self.value(value, field.unwrap_or(super::schema::UNKNOWN), &below)?;
                if !self.leaves_out(&read, field, name) {
                    kept.insert(name.clone(), read);
                }
            }
        }
        Ok(Value::Object(kept))
    }

    /// Kubernetes' own kinds leave out empty maps and lists, but for lists whose being empty says something.
    fn leaves_out(&self, value: &Value, field: Option<Schema>, name: &str) -> bool {
        let telling = ["managedFields", "rules", "finalizers"].contains(&name);
        match value {
            Value::Object(fields) => {
                !self.custom && fields.is_empty() && field.is_some_and(|field| field.entries().is_some())
            }
            Value::Array(items) => !self.custom && items.is_empty() && !telling,
            _ => false,
        }
    }

    fn keeps_null(&self, field: Option<Schema>) -> bool {
        self.custom && field.is_some_and(|field| field.says("nullable") == Some(&json!(true)))
    }
}

fn quantity_of(told: &Value) -> Result<Value, String> {
    let text = told.as_str().map_or_else(|| told.to_string(), str::to_owned);
    let wrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    quantity::canonical(&text).map(Value::String).ok_or_else(|| wrong.to_owned())
}

fn whole(number: &serde_json::Number) -> Option<i64> {
    let exact = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    number.as_i64().or_else(|| number.as_f64().and_then(exact))
}

fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
