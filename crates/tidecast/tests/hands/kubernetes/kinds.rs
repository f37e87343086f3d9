use serde_json::{Value, json};

/// Kinds that others bring to a cluster, as far as sizes are concerned: Argo Rollouts, KEDA, and the cluster autoscaler's
/// buffers. They are put into our own cluster only.
pub(super) fn of_others() -> Vec<Value> {
    let scale = json!({
        "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    });
    vec![
        kind("argoproj.io", "v1alpha1", "Rollout", "rollouts", json!({ "scale": scale, "status": {} })),
        kind("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects", json!({ "status": {} })),
        kind("autoscaling.x-k8s.io", "v1beta1", "CapacityBuffer", "capacitybuffers", json!({ "status": {} })),
    ]
}

fn kind(group: &str, version: &str, kind: &str, plural: &str, subresources: Value) -> Value {
    let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List") },
            "versions": [{
                "name": version, "served": true, "storage": true, "subresources": subresources,
                "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": open, "status": open } } },
            }],
        },
    })
}
