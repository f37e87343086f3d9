use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

/// The types of Kubernetes 1.36 that are served, as OpenAPI tells them (`scripts/kubernetes_types.py` writes the file).
pub(crate) fn types() -> &'static BTreeMap<String, Value> {
    static TYPES: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    TYPES.get_or_init(|| {
        serde_json::from_str(include_str!("types.json")).expect("the file was written by a program")
    })
}

/// What is known of a value's form: its fields, its items, and how lists of it merge.
///
/// A property may say more than the type that it refers to, so both are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema<'a> {
    outer: &'a Value,
    node: &'a Value,
}

/// How the items of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Items<'a> {
    /// Not at all: the list is one value.
    Atomic,
    /// By what they are.
    Set,
    /// By these fields of theirs.
    Map(Vec<&'a str>),
}

/// Where nothing is known.
pub(crate) const UNKNOWN: Schema<'static> = Schema { outer: &Value::Null, node: &Value::Null };

impl<'a> Schema<'a> {
    pub(crate) fn new(node: &'a Value) -> Self {
        Self { outer: node, node: resolved(node) }
    }

    /// The schema of a type of Kubernetes' own.
    pub(crate) fn named(name: &str) -> Schema<'static> {
        types().get(name).map_or(UNKNOWN, Schema::new)
    }

    /// The name of the type that the property refers to.
    pub(crate) fn named_type(&self) -> Option<&'a str> {
        self.outer.get("$ref")?.as_str()?.rsplit('/').next()
    }

    /// What the property or its type says under `key`.
    pub(crate) fn says(&self, key: &str) -> Option<&'a Value> {
        self.outer.get(key).or_else(|| self.node.get(key))
    }

    fn word(&self, key: &str) -> &'a str {
        self.says(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn kind(&self) -> &'a str {
        self.word("type")
    }

    pub(crate) fn format(&self) -> &'a str {
        self.word("format")
    }

    pub(crate) fn properties(&self) -> Option<&'a Map<String, Value>> {
        self.node.get("properties").and_then(Value::as_object)
    }

    /// The schema of a field, whether declared or an entry of a map.
    pub(crate) fn field(&self, name: &str) -> Schema<'a> {
        self.declared(name).or_else(|| self.entries()).unwrap_or(UNKNOWN)
    }

    /// The schema of a declared field.
    pub(crate) fn declared(&self, name: &str) -> Option<Schema<'a>> {
        self.properties().and_then(|all| all.get(name)).map(Schema::new)
    }

    /// The schema of a map's entries.
    pub(crate) fn entries(&self) -> Option<Schema<'a>> {
        self.node.get("additionalProperties").filter(|node| node.is_object()).map(Schema::new)
    }

    /// The schema of a list's items.
    pub(crate) fn items(&self) -> Schema<'a> {
        self.node.get("items").map_or(UNKNOWN, Schema::new)
    }

    pub(crate) fn required(&self) -> impl Iterator<Item = &'a str> {
        self.node.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// True where fields that nobody declared are kept.
    pub(crate) fn keeps_unknown(&self) -> bool {
        let preserves = self.says("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
        let open = self.properties().is_none() && self.entries().is_none();
        preserves
            || self.node.get("additionalProperties") == Some(&json!(true))
            || (open && !self.is_custom_object())
    }

    /// In a custom resource an object without properties keeps nothing.
    fn is_custom_object(&self) -> bool {
        self.kind() == "object" && self.says("x-tidecast-custom").is_some()
    }

    /// True for a map or struct that is owned as one value.
    pub(crate) fn is_atomic_map(&self) -> bool {
        self.word("x-kubernetes-map-type") == "atomic"
    }

    /// True for a map of free keys, as labels are.
    pub(crate) fn is_free_map(&self) -> bool {
        self.properties().is_none()
    }

    pub(crate) fn list(&self) -> Items<'a> {
        match self.word("x-kubernetes-list-type") {
            "set" => Items::Set,
            "map" => Items::Map(self.keys()),
            _ => Items::Atomic,
        }
    }

    fn keys(&self) -> Vec<&'a str> {
        let keys = self.says("x-kubernetes-list-map-keys").and_then(Value::as_array);
        keys.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whether a strategic merge patch treats the value in this way: `merge`, `replace` or `retainKeys`.
    pub(crate) fn patches_by(&self, strategy: &str) -> bool {
        self.word("x-kubernetes-patch-strategy").split(',').any(|one| one == strategy)
    }

    /// The field by which a strategic merge patch tells items apart.
    pub(crate) fn merge_key(&self) -> Option<&'a str> {
        self.says("x-kubernetes-patch-merge-key").and_then(Value::as_str)
    }
}

/// The default of a key that a list is merged by: ports are TCP unless they say so.
pub(crate) fn key_default(key: &str) -> Option<Value> {
    (key == "protocol").then(|| json!("TCP"))
}

fn resolved(node: &Value) -> &Value {
    let name = node.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    match name {
        Some(name) => types().get(name).unwrap_or(&Value::Null),
        None => node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_merge_by_name_and_ports_by_two_keys() {
        let pod = Schema::named("io.k8s.api.core.v1.PodSpec");
        let containers = pod.field("containers");
        assert_eq!(containers.list(), Items::Map(vec!["name"]));
        assert_eq!(containers.merge_key(), Some("name"));
        let ports = containers.items().field("ports");
        assert_eq!(ports.list(), Items::Map(vec!["containerPort", "protocol"]));
    }

    #[test]
    fn a_property_says_more_than_its_type() {
        let deployment = Schema::named("io.k8s.api.apps.v1.DeploymentSpec");
        assert!(deployment.field("strategy").patches_by("retainKeys"));
        assert_eq!(deployment.field("strategy").kind(), "object");
    }
}
