use serde_json::Value;

use super::load::Loaded;
use super::node::Node;
use super::section::Config;
use super::text::{Place, Texts};

/// A value that is in force, and why it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its path, as people write it: `workloads[shop/checkout].maxReplicas`.
    pub path: String,
    /// The value, as it could be written in the file; empty if there is none.
    pub value: String,
    /// Why this value.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything else.
    Default,
    /// It stands in a file: `tidecast.yaml:23`.
    File(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(place) => f.write_str(place),
        }
    }
}

/// Every value in force, with its origin, in the order of the reference. References to secrets are shown, secrets
/// never: they are not in the configuration.
pub fn effective(config: &Config, loaded: &Loaded) -> Vec<Setting> {
    let mut view = View { texts: &loaded.report.texts, settings: Vec::new() };
    // A configuration is made of maps with text keys and of words: nothing that JSON could not hold.
    let value = serde_json::to_value(config).expect("a configuration can be written as JSON");
    view.walk("", &value, Some(&loaded.tree), None);
    view.settings
}

struct View<'a> {
    texts: &'a Texts,
    settings: Vec<Setting>,
}

impl View<'_> {
    fn walk(&mut self, path: &str, value: &Value, node: Option<&Node>, key: Option<Place>) {
        match value {
            Value::Object(keys) if !keys.is_empty() => {
                for (key, value) in keys {
                    let entry = node.and_then(|node| node.entry(key));
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    self.walk(&path, value, entry.map(|entry| &entry.value), entry.map(|entry| entry.place));
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (index, value) in items.iter().enumerate() {
                    let name = value["name"].as_str().map_or(index.to_string(), str::to_owned);
                    let node = node.and_then(|node| node.items().get(index));
                    self.walk(&format!("{path}[{name}]"), value, node, node.map(Node::headline));
                }
            }
            _ => self.settings.push(Setting {
                path: path.to_owned(),
                value: said(value),
                origin: self.origin(key),
            }),
        }
    }

    fn origin(&self, key: Option<Place>) -> Origin {
        key.map_or(Origin::Default, |place| {
            let text = self.texts.of(place);
            Origin::File(format!("{}:{}", text.name, text.line_column(place.start).0))
        })
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
