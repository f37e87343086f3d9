use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::cluster::Cluster;
use super::super::store::Key;
use super::super::tree::{put, text, whole};
use super::pods::Seen;

impl Cluster {
    /// StatefulSets grow and shrink at the end of their row, one pod at a time unless they allow more.
    pub(crate) fn keep_stateful_sets(&mut self, now: Timestamp) {
        for key in self.keys("statefulsets.apps") {
            if let Some(set) =
                self.find(&key).filter(|set| set.pointer("/metadata/deletionTimestamp").is_none())
            {
                self.keep_stateful_set(&key, &set, now);
            }
        }
    }

    fn keep_stateful_set(&mut self, key: &Key, set: &Value, now: Timestamp) {
        let wanted = whole(set, "/spec/replicas").unwrap_or(1).max(0);
        let uid = text(set, "/metadata/uid").to_owned();
        let pods = self.pods_of(&key.namespace, &uid);
        let at_once = text(set, "/spec/podManagementPolicy") == "Parallel";
        let settled = pods.iter().all(|pod| pod.ready && !pod.leaving);
        let mut template = set.pointer("/spec/template").cloned().unwrap_or_default();
        let missing: Vec<i64> = (0..wanted)
            .filter(|ordinal| !pods.iter().any(|pod| self::ordinal(pod) == Some(*ordinal)))
            .collect();
        for ordinal in missing.into_iter().take(if at_once { usize::MAX } else { usize::from(settled) }) {
            let name = format!("{}-{ordinal}", key.name);
            let labels = super::super::tree::map(&mut template, "/metadata/labels");
            labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), json!(name));
            labels.insert("apps.kubernetes.io/pod-index".to_owned(), json!(ordinal.to_string()));
            self.make_pod(set, &template, Some(name), now);
        }
        let mut beyond: Vec<&Seen> =
            pods.iter().filter(|pod| self::ordinal(pod).is_some_and(|ordinal| ordinal >= wanted)).collect();
        beyond.sort_by_key(|pod| std::cmp::Reverse(self::ordinal(pod)));
        let leaving = pods.iter().any(|pod| pod.leaving);
        for pod in beyond.iter().take(if at_once { usize::MAX } else { usize::from(!leaving) }) {
            self.discard_plainly(&pod.key, now);
        }
        self.tell_stateful_set(key, &uid, set, now);
    }

    fn tell_stateful_set(&mut self, key: &Key, uid: &str, set: &Value, now: Timestamp) {
        let pods = self.pods_of(&key.namespace, uid);
        let ready = pods.iter().filter(|pod| pod.ready && !pod.leaving).count();
        let revision = format!(
            "{}-{}",
            key.name,
            super::rollout::fingerprint(set.pointer("/spec/template").unwrap_or(&Value::Null))
        );
        let status = json!({
            "observedGeneration": set.pointer("/metadata/generation").cloned().unwrap_or(json!(1)), "replicas": pods.len(),
            "readyReplicas": ready, "availableReplicas": ready, "currentReplicas": pods.len(), "updatedReplicas": pods.len(),
            "currentRevision": revision, "updateRevision": revision, "collisionCount": 0,
        });
        self.edit(key, "kube-controller-manager", "status", now, |set| put(set, "/status", status));
    }
}

fn ordinal(pod: &Seen) -> Option<i64> {
    pod.key.name.rsplit_once('-')?.1.parse().ok()
}
