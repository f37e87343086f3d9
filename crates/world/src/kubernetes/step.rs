use serde_json::{Map, Value};

use super::schema::{Items, Schema, key_default};

/// One step of a path: a field, an item known by its keys (their JSON), or an item known by its value (its JSON).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Field(String),
    Key(String),
    Value(String),
}

impl Step {
    /// How an item of a list is known.
    pub(crate) fn of(item: &Value, list: Schema) -> Self {
        let Items::Map(keys) = list.list() else { return Self::Value(item.to_string()) };
        let known = keys.iter().filter_map(|key| {
            let value = item.get(key).cloned().or_else(|| key_default(key))?;
            Some(((*key).to_owned(), value))
        });
        Self::Key(Value::Object(known.collect()).to_string())
    }

    /// As `fieldsV1` writes it.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => format!("k:{keys}"),
            Self::Value(value) => format!("v:{value}"),
        }
    }

    /// From what `fieldsV1` has.
    pub(crate) fn read(written: &str) -> Option<Self> {
        let (sort, rest) = written.split_once(':')?;
        match sort {
            "f" => Some(Self::Field(rest.to_owned())),
            "k" => Some(Self::Key(serde_json::from_str::<Value>(rest).ok()?.to_string())),
            "v" => Some(Self::Value(rest.to_owned())),
            _ => None,
        }
    }

    /// As conflicts name it.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Field(name) => format!(".{name}"),
            Self::Value(value) => format!("[={value}]"),
            Self::Key(keys) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                let told: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                format!("[{}]", told.join(","))
            }
        }
    }
}
