use schemars::schema_for;
use serde_json::{Value, json};

use super::status::Status;
use super::structural::{rule, structural};
use crate::config::section::Workload;

/// The group of our resources.
pub const GROUP: &str = "tidecast.dev";
/// Their version.
pub const VERSION: &str = "v1alpha1";
/// The kind.
pub const KIND: &str = "PredictiveScaler";
/// Its name in paths.
pub const PLURAL: &str = "predictivescalers";

/// The definition of the resource: its `spec` is a workload of the file, by the same structs and the same sentences.
pub fn crd() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{PLURAL}.{GROUP}") },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND, "listKind": format!("{KIND}List"), "plural": PLURAL, "singular": "predictivescaler",
                "shortNames": ["psc"], "categories": ["autoscaling"],
            },
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "subresources": { "status": {} },
                "additionalPrinterColumns": columns(),
                "schema": { "openAPIV3Schema": schema() },
            }],
        },
    })
}

/// What `kubectl get` shows.
fn columns() -> Value {
    let condition = |kind: &str| format!(".status.conditions[?(@.type==\"{kind}\")].status");
    json!([
        { "name": "Target", "type": "string", "jsonPath": ".status.target" },
        { "name": "Mode", "type": "string", "jsonPath": ".status.mode" },
        { "name": "Now", "type": "integer", "jsonPath": ".status.now" },
        { "name": "Plan", "type": "integer", "jsonPath": ".status.plan" },
        { "name": "Next-Step", "type": "string", "jsonPath": ".status.nextStep" },
        { "name": "Acc", "type": "string", "jsonPath": ".status.accuracy",
          "description": "The error of the forecasts (WAPE)." },
        { "name": "Fresh", "type": "string", "jsonPath": condition("DataFresh"),
          "description": "Whether the measurements are fresh and complete." },
        { "name": "Paused", "type": "string", "jsonPath": condition("Paused") },
        { "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp" },
        { "name": "Ready", "type": "string", "priority": 1, "jsonPath": condition("Ready") },
        { "name": "Reason", "type": "string", "priority": 1, "jsonPath": ".status.reason" },
    ])
}

fn schema() -> Value {
    let mut status = structural(schema_for!(Status).as_value());
    status["properties"]["conditions"]["x-kubernetes-list-type"] = "map".into();
    status["properties"]["conditions"]["x-kubernetes-list-map-keys"] = json!(["type"]);
    for time in [&["conditions", "items", "lastTransitionTime"][..], &["next", "", "at"]] {
        let outer = &mut status["properties"][time[0]];
        let inner = if time[1].is_empty() { outer } else { &mut outer[time[1]] };
        inner["properties"][time[2]]["format"] = "date-time".into();
    }
    json!({
        "type": "object",
        "description": "A workload in tidecast's care: where its demand is measured, what is scaled, and between which bounds.",
        "required": ["spec"],
        "properties": {
            "apiVersion": { "type": "string", "description": "The version of this format." },
            "kind": { "type": "string", "description": "The kind of this resource." },
            "metadata": { "type": "object" },
            "spec": spec(),
            "status": status,
        },
    })
}

/// A workload of the file without its name, which is that of the resource.
fn spec() -> Value {
    let mut workload = schema_for!(Workload).to_value();
    forget(&mut workload, "name");
    for variant in workload["$defs"]["Target"]["oneOf"].as_array_mut().into_iter().flatten() {
        // It is the cluster that is watched, and no other.
        forget(variant, "cluster");
        if let Some(namespace) = variant["properties"].get_mut("namespace") {
            namespace["description"] = "The namespace: that of the resource, and no other.".into();
            unrequire(variant, "namespace");
        }
    }
    let mut spec = structural(&workload);
    for (field, least) in [("minReplicas", 0), ("maxReplicas", 1)] {
        spec["properties"][field]["minimum"] = least.into();
        spec["properties"][field]["maximum"] = 1_000_000.into();
    }
    let bounds = rule(
        "(has(self.minReplicas) ? self.minReplicas : 1) <= self.maxReplicas",
        "TIDE0114: `minReplicas`, which is 1 unless given, is larger than `maxReplicas`",
    );
    spec["x-kubernetes-validations"] = json!([bounds, rule(DRAINS, DRAINS_SAID)]);
    spec
}

/// Where servers can be drained.
const DRAINS: &str = "!has(self.drain) || self.target.type in ['none', 'ec2'] || \
    (self.target.type == 'asg' && has(self.target.action) && self.target.action == 'direct') || \
    (self.target.type == 'kubernetes' && (!has(self.target.kind) || \
    self.target.kind in ['Deployment', 'ReplicaSet', 'ReplicationController', 'Rollout']))";
const DRAINS_SAID: &str = "TIDE0190: only Pods of Deployments, ReplicaSets and Rollouts, and instances of EC2, those of an Auto \
    Scaling group with `action: direct`, can be drained";

fn forget(section: &mut Value, key: &str) {
    section["properties"].as_object_mut().map(|fields| fields.remove(key));
    unrequire(section, key);
}

fn unrequire(section: &mut Value, key: &str) {
    if let Some(required) = section["required"].as_array_mut() {
        required.retain(|known| known != key);
    }
}

#[cfg(test)]
mod tests {
    use super::super::structural::tests::flaws;
    use super::*;

    #[test]
    fn is_structural() {
        let crd = crd();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert_eq!(flaws(schema, ""), [""; 0]);
    }

    #[test] // U4
    fn explains_every_field_of_the_spec() {
        fn bare(schema: &Value, path: &str, found: &mut Vec<String>) {
            for (key, field) in schema["properties"].as_object().into_iter().flatten() {
                let path = format!("{path}.{key}");
                if !field["description"].is_string()
                    && key != "metadata"
                    && !["file", "env"].contains(&key.as_str())
                {
                    found.push(path.clone());
                }
                bare(field, &path, found);
                bare(&field["items"], &path, found);
            }
        }
        let mut found = Vec::new();
        bare(&schema(), "", &mut found);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn has_every_key_of_a_workload_but_its_name() {
        let spec = spec();
        let fields: Vec<_> = spec["properties"].as_object().unwrap().keys().cloned().collect();
        let workload = schema_for!(Workload).to_value();
        let mut keys: Vec<_> = workload["properties"].as_object().unwrap().keys().cloned().collect();
        keys.retain(|key| key != "name");
        assert_eq!(fields, keys);
        assert_eq!(spec["required"], json!(["target", "demand", "maxReplicas"]));
    }
}
