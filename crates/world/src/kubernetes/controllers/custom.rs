use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::cluster::Cluster;
use super::super::kind::Scale;
use super::super::store::Key;
use super::super::tree::{put, whole};
use super::owner;

impl Cluster {
    /// Custom kinds with a size and a pod template, as Rollouts and Fleets: their pods come from a ReplicaSet of theirs.
    pub(crate) fn keep_custom_workloads(&mut self, now: Timestamp) {
        let kinds = self.kinds.all().iter().filter(|kind| kind.is_custom() && kind.stored).cloned();
        for kind in kinds.collect::<Vec<_>>() {
            let Some(scale) = &kind.scale else { continue };
            for key in self.keys(&kind.storage()) {
                self.keep_custom_workload(&key, scale, now);
            }
        }
    }

    fn keep_custom_workload(&mut self, key: &Key, scale: &Scale, now: Timestamp) {
        let Some(object) = self.find(key) else { return };
        let Some(template) = template(&object) else { return };
        let set = Key::new("replicasets.apps", &key.namespace, &key.name);
        if self.find(&set).is_none() {
            self.make(replica_set(key, &object, template), "custom-workload", now);
        }
        let size = whole(&object, &scale.wanted).unwrap_or(0);
        self.edit(&set, "custom-workload", "", now, |set| put(set, "/spec/replicas", size));
        let count = |pointer: &str| self.find(&set).and_then(|set| whole(&set, pointer)).unwrap_or(0);
        let (there, ready) = (count("/status/replicas"), count("/status/readyReplicas"));
        self.edit(key, "custom-workload", "status", now, |object| {
            put(object, &scale.there, there);
            put(object, "/status/readyReplicas", ready);
            if let Some(selector) = scale.selector.as_ref().filter(|pointer| pointer.starts_with("/status")) {
                put(object, selector, format!("fake.tidecast.dev/workload={}", key.name));
            }
        });
    }
}

/// The pod template of a custom workload, at the places where Rollouts and Fleets have it.
fn template(object: &Value) -> Option<&Value> {
    let places = ["/spec/template", "/spec/template/spec/template"];
    places
        .into_iter()
        .filter_map(|place| object.pointer(place))
        .find(|template| template.pointer("/spec/containers").is_some())
}

fn replica_set(key: &Key, object: &Value, template: &Value) -> Value {
    let own = "fake.tidecast.dev~1workload";
    let mut template = template.clone();
    super::super::tree::map(&mut template, "/metadata/labels")
        .insert(own.replace("~1", "/"), json!(key.name));
    let mut selector = object
        .pointer("/spec/selector")
        .filter(|selector| selector.is_object())
        .cloned()
        .unwrap_or_else(|| json!({}));
    super::super::tree::map(&mut selector, "/matchLabels").insert(own.replace("~1", "/"), json!(key.name));
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {"replicas": 0, "selector": selector, "template": template},
        "metadata": {"name": key.name, "namespace": key.namespace, "ownerReferences": [owner(object)]},
    })
}
