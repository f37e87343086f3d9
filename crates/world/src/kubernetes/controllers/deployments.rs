use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::cluster::Cluster;
use super::super::store::Key;
use super::super::tree::{list, put, tag, text, whole};
use super::rollout::{Bounds, fingerprint};
use super::{is_owned_by, owner, set_condition};

/// Which revision of its deployment a ReplicaSet is.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Annotations that a Deployment keeps to itself.
const OWN_NOTES: [&str; 2] = [REVISION, "kubectl.kubernetes.io/last-applied-configuration"];

impl Cluster {
    /// Every Deployment gets a ReplicaSet of its template, and hands over to it step by step.
    pub(crate) fn keep_deployments(&mut self, now: Timestamp) {
        for key in self.keys("deployments.apps") {
            if let Some(deployment) =
                self.find(&key).filter(|one| one.pointer("/metadata/deletionTimestamp").is_none())
            {
                self.keep_deployment(&key, &deployment, now);
            }
        }
    }

    fn keep_deployment(&mut self, key: &Key, deployment: &Value, now: Timestamp) {
        let hash = fingerprint(deployment.pointer("/spec/template").unwrap_or(&Value::Null));
        let current = Key::new("replicasets.apps", &key.namespace, &format!("{}-{hash}", key.name));
        let sets = self.sets_of(key, deployment);
        if !sets.contains(&current) && deployment.pointer("/spec/paused") != Some(&json!(true)) {
            self.make_set(key, deployment, &current, &hash, &sets, now);
        }
        self.pass_on(deployment, &current, now);
        self.hand_over(deployment, &current, &self.sets_of(key, deployment), now);
        self.tell(key, &current, deployment, now);
    }

    fn sets_of(&self, key: &Key, deployment: &Value) -> Vec<Key> {
        let uid = text(deployment, "/metadata/uid");
        let sets = self.store.of("replicasets.apps", &key.namespace).filter(|(_, set)| is_owned_by(set, uid));
        sets.map(|(key, _)| key.clone()).collect()
    }

    fn make_set(
        &mut self,
        key: &Key,
        deployment: &Value,
        set: &Key,
        hash: &str,
        others: &[Key],
        now: Timestamp,
    ) {
        let last = others
            .iter()
            .filter_map(|key| self.find(key))
            .filter_map(|set| revision(&set))
            .max()
            .unwrap_or(0);
        let mut spec = json!({"replicas": 0, "selector": deployment["spec"]["selector"], "template": deployment["spec"]["template"]});
        for pointer in
            ["/selector/matchLabels/pod-template-hash", "/template/metadata/labels/pod-template-hash"]
        {
            put(&mut spec, pointer, hash);
        }
        let labels = spec.pointer("/template/metadata/labels").cloned().unwrap_or_default();
        let object = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": spec,
            "metadata": {
                "name": set.name, "namespace": set.namespace, "labels": labels, "ownerReferences": [owner(deployment)],
                "annotations": {REVISION: (last + 1).to_string()},
            },
        });
        self.make(object, "kube-controller-manager", now);
        // It is written together with the status, and so it is in the record of who owns what.
        self.edit(key, "kube-controller-manager", "status", now, |deployment| {
            super::super::tree::map(deployment, "/metadata/annotations")
                .insert(REVISION.to_owned(), json!((last + 1).to_string()));
        });
    }

    /// What is noted on a Deployment is noted on its current ReplicaSet too, and never taken away there.
    fn pass_on(&mut self, deployment: &Value, current: &Key, now: Timestamp) {
        let notes = deployment.pointer("/metadata/annotations").and_then(Value::as_object).cloned();
        let notes = notes.into_iter().flatten().filter(|(key, _)| !OWN_NOTES.contains(&key.as_str()));
        let notes: Vec<_> = notes.collect();
        if notes.is_empty() {
            return;
        }
        self.edit(current, "kube-controller-manager", "", now, |set| {
            super::super::tree::map(set, "/metadata/annotations").extend(notes);
        });
    }

    /// Moves replicas from old ReplicaSets to the current one within what the strategy allows.
    fn hand_over(&mut self, deployment: &Value, current: &Key, sets: &[Key], now: Timestamp) {
        let wanted = whole(deployment, "/spec/replicas").unwrap_or(1);
        let bounds = Bounds::of(deployment, wanted);
        let size = |cluster: &Self, key: &Key, pointer: &str| {
            cluster.find(key).and_then(|set| whole(&set, pointer)).unwrap_or(0)
        };
        let total: i64 = sets.iter().map(|key| size(self, key, "/spec/replicas")).sum();
        let mine = size(self, current, "/spec/replicas");
        let old = total - mine;
        let recreates = text(deployment, "/spec/strategy/type") == "Recreate";
        let grown = match () {
            () if old == 0 => wanted,
            () if recreates => 0,
            () => wanted.min(mine + (wanted + bounds.surge - total).max(0)),
        };
        self.resize(deployment, current, grown, now);
        let ready: i64 = sets.iter().map(|key| size(self, key, "/status/readyReplicas")).sum();
        let mut spare = if recreates { old } else { (ready - (wanted - bounds.unavailable)).max(0) };
        for key in sets.iter().filter(|key| *key != current) {
            let has = size(self, key, "/spec/replicas");
            let unready = has - size(self, key, "/status/readyReplicas").min(has);
            let keeps = (has - unready - spare).max(0);
            spare = (spare - (has - unready - keeps)).max(0);
            self.resize(deployment, key, keeps, now);
        }
    }

    fn resize(&mut self, deployment: &Value, set: &Key, to: i64, now: Timestamp) {
        let from = self.find(set).and_then(|set| whole(&set, "/spec/replicas")).unwrap_or(0);
        if from == to || self.find(set).is_none() {
            return;
        }
        self.edit(set, "kube-controller-manager", "", now, |set| put(set, "/spec/replicas", to));
        let way = if to > from { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {from} to {to}", set.name);
        self.report(deployment, "deployment-controller", ["Normal", "ScalingReplicaSet", &message], now);
    }

    fn tell(&mut self, key: &Key, current: &Key, deployment: &Value, now: Timestamp) {
        let sets: Vec<_> = self.sets_of(key, deployment).iter().filter_map(|key| self.find(key)).collect();
        let sum = |pointer: &str| sets.iter().filter_map(|set| whole(set, pointer)).sum::<i64>();
        let updated = self.find(current).and_then(|set| whole(&set, "/status/replicas")).unwrap_or(0);
        let (there, ready) = (sum("/status/replicas"), sum("/status/readyReplicas"));
        let wanted = whole(deployment, "/spec/replicas").unwrap_or(1);
        let least = wanted - Bounds::of(deployment, wanted).unavailable;
        let complete = updated == wanted && there == wanted && ready == wanted;
        let generation = deployment.pointer("/metadata/generation").cloned().unwrap_or(json!(1));
        self.edit(key, "kube-controller-manager", "status", now, |deployment| {
            let conditions = list(deployment, "/status/conditions").to_vec();
            let mut status = json!({"observedGeneration": generation, "conditions": conditions});
            let counts = [
                ("replicas", there),
                ("updatedReplicas", updated),
                ("readyReplicas", ready),
                ("availableReplicas", ready),
            ];
            for (field, count) in counts.into_iter().chain([("unavailableReplicas", (wanted - ready).max(0))])
            {
                if count > 0 {
                    status[field] = json!(count);
                }
            }
            put(deployment, "/status", status);
            let available = if ready >= least {
                ["Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."]
            } else {
                [
                    "Available",
                    "False",
                    "MinimumReplicasUnavailable",
                    "Deployment does not have minimum availability.",
                ]
            };
            set_condition(deployment, available, now);
            let message = if complete {
                format!("ReplicaSet \"{}\" has successfully progressed.", current.name)
            } else {
                format!("ReplicaSet \"{}\" is progressing.", current.name)
            };
            let reason = if complete { "NewReplicaSetAvailable" } else { "ReplicaSetUpdated" };
            set_condition(deployment, ["Progressing", "True", reason, &message], now);
        });
    }
}

fn revision(set: &Value) -> Option<u64> {
    tag(set, "annotations", REVISION)?.parse().ok()
}
