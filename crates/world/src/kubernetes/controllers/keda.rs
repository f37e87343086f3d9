use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::cluster::Cluster;
use super::super::store::Key;
use super::super::tree::{cut, instant, list, map, put, text, whole};
use super::{owner, set_condition};

/// What stands in for KEDA looks at these, and keeps an HPA for each.
const OBJECTS: &str = "scaledobjects.keda.sh";
/// What KEDA puts on each of them.
const FINALIZER: &str = "finalizer.keda.sh";
const LABEL: &str = "scaledobject.keda.sh/name";

/// How long KEDA takes to build the scalers of a new object, before there is an HPA.
const LOOKS_AFTER: SignedDuration = SignedDuration::from_secs(2);

impl Cluster {
    pub(crate) fn keep_scaled_objects(&mut self, now: Timestamp) {
        for key in self.keys(OBJECTS) {
            let Some(object) = self.find(&key) else { continue };
            match object.pointer("/metadata/deletionTimestamp") {
                None => self.keep_scaled_object(&key, &object, now),
                Some(_) => self.let_go(&key, now),
            }
        }
    }

    /// KEDA holds its objects until it has cleared up after them; here there is nothing to clear up.
    fn let_go(&mut self, key: &Key, now: Timestamp) {
        self.edit(key, "keda-operator", "", now, |object| {
            let held = list(object, "/metadata/finalizers").iter().filter(|one| **one != FINALIZER);
            let held: Vec<Value> = held.cloned().collect();
            match held.is_empty() {
                true => drop(cut(object, "/metadata/finalizers")),
                false => put(object, "/metadata/finalizers", held),
            }
        });
    }

    fn keep_scaled_object(&mut self, key: &Key, object: &Value, now: Timestamp) {
        let wanted = autoscaler(key, object);
        let name = text(&wanted, "/metadata/name").to_owned();
        let autoscaler = Key::new("horizontalpodautoscalers.autoscaling", &key.namespace, &name);
        let looked =
            instant(object, "/metadata/creationTimestamp").is_none_or(|made| now >= made + LOOKS_AFTER);
        if looked && self.find(&autoscaler).is_none() {
            self.make(wanted.clone(), "keda-operator", now);
        }
        // KEDA owns its autoscaler: whatever somebody else writes there is written over. Annotations come along then.
        self.edit(&autoscaler, "keda-operator", "", now, |one| {
            let fields = ["minReplicas", "maxReplicas", "scaleTargetRef", "metrics"];
            if fields.iter().any(|field| one["spec"][field] != wanted["spec"][field]) {
                fields
                    .iter()
                    .for_each(|field| put(one, &format!("/spec/{field}"), wanted["spec"][field].clone()));
                put(one, "/metadata/annotations", wanted["metadata"]["annotations"].clone());
            }
        });
        self.edit(key, "keda-operator", "", now, |object| {
            if !list(object, "/metadata/finalizers").iter().any(|one| *one == FINALIZER) {
                let held = list(object, "/metadata/finalizers").iter().cloned().chain([json!(FINALIZER)]);
                put(object, "/metadata/finalizers", held.collect::<Vec<_>>());
            }
            map(object, "/metadata/labels").insert(LABEL.to_owned(), json!(key.name));
        });
        self.edit(key, "keda-operator", "status", now, |object| {
            put(object, "/status/hpaName", name);
            set_condition(
                object,
                [
                    "Ready",
                    "True",
                    "ScaledObjectReady",
                    "ScaledObject is defined correctly and is ready for scaling",
                ],
                now,
            );
            set_condition(
                object,
                ["Active", "True", "ScalerActive", "Scaling is performed because triggers are active"],
                now,
            );
        });
    }
}

/// The HPA that a ScaledObject stands for.
fn autoscaler(key: &Key, object: &Value) -> Value {
    let named = text(object, "/spec/advanced/horizontalPodAutoscalerConfig/name");
    let name = if named.is_empty() { format!("keda-hpa-{}", key.name) } else { named.to_owned() };
    let target = |field: &str, default: &str| {
        Some(text(object, &format!("/spec/scaleTargetRef/{field}")))
            .filter(|told| !told.is_empty())
            .unwrap_or(default)
            .to_owned()
    };
    let metrics =
        list(object, "/spec/triggers").iter().enumerate().map(|(at, trigger)| metric(at, trigger, &key.name));
    let mut spec = json!({
        "scaleTargetRef": {"apiVersion": target("apiVersion", "apps/v1"), "kind": target("kind", "Deployment"), "name": target("name", "")},
        "minReplicas": whole(object, "/spec/minReplicaCount").unwrap_or(0).max(1),
        "maxReplicas": whole(object, "/spec/maxReplicaCount").unwrap_or(100),
        "metrics": metrics.collect::<Vec<_>>(),
    });
    if let Some(behavior) = object.pointer("/spec/advanced/horizontalPodAutoscalerConfig/behavior") {
        spec["behavior"] = behavior.clone();
    }
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": spec,
        "metadata": {
            "name": name, "namespace": key.namespace, "ownerReferences": [owner(object)],
            "labels": {"app.kubernetes.io/managed-by": "keda-operator", "scaledobject.keda.sh/name": key.name},
            "annotations": object.pointer("/metadata/annotations").cloned().unwrap_or_else(|| json!({})),
        },
    })
}

fn metric(at: usize, trigger: &Value, name: &str) -> Value {
    let aim = ["threshold", "targetValue", "value"]
        .iter()
        .map(|field| text(trigger, &format!("/metadata/{field}")))
        .find(|aim| !aim.is_empty());
    let kind = text(trigger, "/type");
    json!({"type": "External", "external": {
        "metric": {"name": format!("s{at}-{kind}"), "selector": {"matchLabels": {"scaledobject.keda.sh/name": name}}},
        "target": {"type": "AverageValue", "averageValue": aim.unwrap_or("1")},
    }})
}
