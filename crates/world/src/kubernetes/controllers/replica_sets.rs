use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::cluster::Cluster;
use super::super::store::Key;
use super::super::tree::{put, text, whole};

impl Cluster {
    /// Every ReplicaSet gets as many pods as it wants, and says how many it has.
    pub(crate) fn keep_replica_sets(&mut self, now: Timestamp) {
        for key in self.keys("replicasets.apps") {
            if let Some(set) =
                self.find(&key).filter(|set| set.pointer("/metadata/deletionTimestamp").is_none())
            {
                self.keep_replica_set(&key, &set, now);
            }
        }
    }

    fn keep_replica_set(&mut self, key: &Key, set: &Value, now: Timestamp) {
        let wanted = whole(set, "/spec/replicas").unwrap_or(1).max(0) as usize;
        let uid = text(set, "/metadata/uid").to_owned();
        let there: Vec<_> =
            self.pods_of(&key.namespace, &uid).into_iter().filter(|pod| !pod.leaving).collect();
        let template = set.pointer("/spec/template").cloned().unwrap_or_default();
        if there.len() > wanted {
            let count = there.len() - wanted;
            self.drop_pods(there, count, now);
        } else {
            (there.len()..wanted).for_each(|_| self.make_pod(set, &template, None, now));
        }
        let pods: Vec<_> =
            self.pods_of(&key.namespace, &uid).into_iter().filter(|pod| !pod.leaving).collect();
        let ready = pods.iter().filter(|pod| pod.ready).count();
        let generation = set.pointer("/metadata/generation").cloned().unwrap_or(json!(1));
        self.edit(key, "kube-controller-manager", "status", now, |set| {
            let mut status = json!({"replicas": pods.len(), "fullyLabeledReplicas": pods.len(), "observedGeneration": generation});
            if ready > 0 {
                put(&mut status, "/readyReplicas", ready);
                put(&mut status, "/availableReplicas", ready);
            }
            put(set, "/status", status);
        });
    }
}
