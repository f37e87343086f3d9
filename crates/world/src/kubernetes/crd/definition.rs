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

/// Every rule must be one.
fn lawful(rules: &dyn Rules, node: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (at, law) in list(node, "/x-kubernetes-validations").iter().enumerate() {
        if let Err(error) = rules.compiles(text(law, "/rule")) {
            let path = format!("{path}.x-kubernetes-validations[{at}].rule");
            causes.push(Cause::invalid(path, &law["rule"], &format!("compilation failed: {error}")));
        }
    }
    match node {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, below)| lawful(rules, below, &format!("{path}.{name}"), causes))
        }
        Value::Array(items) => items.iter().for_each(|item| lawful(rules, item, path, causes)),
        _ => {}
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
