use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::rules::Rules;
use super::super::status::Cause;
use super::super::tree::{list, put, text, time};

/// Mistakes in a definition.
pub(crate) fn causes(rules: &dyn Rules, definition: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let names = |field: &str| text(definition, &format!("/spec/names/{field}"));
    let wanted = format!("{}.{}", names("plural"), text(definition, "/spec/group"));
    let name = text(definition, "/metadata/name");
    if name != wanted {
        causes.push(Cause::invalid(
            "metadata.name",
            &json!(name),
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    if !["Namespaced", "Cluster"].contains(&text(definition, "/spec/scope")) {
        let why = "supported values: \"Cluster\", \"Namespaced\"";
        causes.push(Cause::new(
            "FieldValueNotSupported",
            "spec.scope",
            format!("Unsupported value: {:?}: {why}", text(definition, "/spec/scope")),
        ));
    }
    let versions = list(definition, "/spec/versions");
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        causes.push(Cause::invalid(
            "spec.versions",
            &json!(versions.len()),
            "must have exactly one version marked as storage version",
        ));
    }
    for (at, version) in versions.iter().enumerate() {
        let path = format!("spec.versions[{at}].schema.openAPIV3Schema");
        match version.pointer("/schema/openAPIV3Schema") {
            None => {
                causes.push(Cause::new("FieldValueRequired", path, "Required value: schemas are required"))
            }
            Some(schema) => {
                structural(schema, &path, &mut causes);
                lawful(rules, schema, &path, &mut causes);
            }
        }
    }
    causes
}

/// Every part of a structural schema says its type, and lists that merge by keys say which and require them.
fn structural(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let free = ["x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"];
    let kind = text(schema, "/type");
    if kind.is_empty() && !free.iter().any(|mark| schema[*mark] == true) {
        causes.push(Cause::new(
            "FieldValueRequired",
            format!("{path}.type"),
            "Required value: must not be empty for specified object fields",
        ));
    }
    if kind == "array" && schema.get("items").is_none() {
        causes.push(Cause::new(
            "FieldValueRequired",
            format!("{path}.items"),
            "Required value: must be specified",
        ));
    }
    if text(schema, "/x-kubernetes-list-type") == "map" {
        for key in list(schema, "/x-kubernetes-list-map-keys").iter().filter_map(Value::as_str) {
            let required = list(schema, "/items/required").iter().any(|one| one == key);
            let default = schema.pointer(&format!("/items/properties/{key}/default")).is_some();
            if !required && !default {
                let path = format!("{path}.items.properties[{key}].default");
                causes.push(Cause::new("FieldValueRequired", path, "Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"));
            }
        }
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        structural(property, &format!("{path}.properties[{name}]"), causes);
    }
    for (part, below) in
        [("items", schema.get("items")), ("additionalProperties", schema.get("additionalProperties"))]
    {
        if let Some(below) = below.filter(|below| below.is_object()) {
            structural(below, &format!("{path}.{part}"), causes);
        }
    }
}

/// What one rule may cost, and all rules of a schema together.
const RULE_COST_MAX: u64 = 10_000_000;
const SCHEMA_COST_MAX: u64 = 100_000_000;
/// The longest message of a rule, in bytes.
const MESSAGE_MAX: usize = 2_048;

/// Every rule must be one for the values it is about, and must not cost too much.
fn lawful(rules: &dyn Rules, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut bench = Bench { rules, cost: 0, causes };
    bench.walk(schema, path, Some(1));
    let cost = bench.cost;
    if cost > SCHEMA_COST_MAX {
        let over = cost as f64 / SCHEMA_COST_MAX as f64;
        let why = format!(
            "Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of {over:.1}x"
        );
        causes.push(Cause::new("FieldValueForbidden", path, why));
    }
}

struct Bench<'a> {
    rules: &'a dyn Rules,
    /// What all rules so far cost together.
    cost: u64,
    causes: &'a mut Vec<Cause>,
}

impl Bench<'_> {
    /// Judges the rules of a schema, of which a request holds so many values at most, and of all below it.
    fn walk(&mut self, schema: &Value, path: &str, times: Option<u64>) {
        for (at, law) in list(schema, "/x-kubernetes-validations").iter().enumerate() {
            self.rule(law, schema, &format!("{path}.x-kubernetes-validations[{at}]"), times);
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            self.walk(property, &format!("{path}.properties[{name}]"), times);
        }
        for (part, bound) in [("items", "maxItems"), ("additionalProperties", "maxProperties")] {
            if let Some(below) = schema.get(part).filter(|below| below.is_object()) {
                let most = schema.get(bound).and_then(Value::as_u64);
                let times = times.zip(most).map(|(times, most)| times.saturating_mul(most));
                self.walk(below, &format!("{path}.{part}"), times);
            }
        }
    }

    fn rule(&mut self, law: &Value, schema: &Value, path: &str, times: Option<u64>) {
        let message = text(law, "/message");
        if message.contains('\n') || message.len() > MESSAGE_MAX {
            let why = "message must not contain line breaks, and have at most 2048 bytes";
            self.causes.push(Cause::invalid(format!("{path}.message"), &law["message"], why));
        }
        match self.rules.compiles(text(law, "/rule"), schema, times) {
            Ok(cost) => {
                self.cost = self.cost.saturating_add(cost);
                if cost > RULE_COST_MAX {
                    let over = cost as f64 / RULE_COST_MAX as f64;
                    let why = format!(
                        "Forbidden: estimated rule cost exceeds budget by factor of {over:.1}x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
                    );
                    self.causes.push(Cause::new("FieldValueForbidden", format!("{path}.rule"), why));
                }
            }
            Err(error) => {
                let why = format!("compilation failed: {error}");
                self.causes.push(Cause::invalid(format!("{path}.rule"), &law["rule"], &why));
            }
        }
    }
}

/// What the server writes into a definition that it serves.
pub(crate) fn accept(definition: &mut Value, now: Timestamp) {
    let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": time(now)});
    let stored = list(definition, "/spec/versions").iter().find(|version| version["storage"] == true);
    let stored = stored.map(|version| version["name"].clone()).unwrap_or_default();
    let names = definition.pointer("/spec/names").cloned().unwrap_or_default();
    let conditions = [
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ];
    put(
        definition,
        "/status",
        json!({"acceptedNames": names, "conditions": conditions, "storedVersions": [stored]}),
    );
}
