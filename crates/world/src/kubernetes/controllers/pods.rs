use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::cluster::Cluster;
use super::super::store::Key;
use super::super::tree::{instant, list, put, tag, text};
use super::{is_owned_by, is_true, owner};

/// A pod as those who own it see it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) key: Key,
    pub(crate) leaving: bool,
    pub(crate) ready: bool,
    rank: Rank,
}

/// Pods that sort first go first: not placed, not running, not ready, cheap, ready since late, young.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    placed: bool,
    running: bool,
    ready: bool,
    cost: i64,
    ready_since: Reverse<Option<Timestamp>>,
    made: Reverse<Option<Timestamp>>,
    name: String,
}

/// Says what it costs to delete a pod: the cheapest goes first.
const COST: &str = "controller.kubernetes.io/pod-deletion-cost";

impl Cluster {
    /// The pods that an object owns, in the order of their names.
    pub(crate) fn pods_of(&self, namespace: &str, uid: &str) -> Vec<Seen> {
        let owned = self.store.of("pods", namespace).filter(|(_, pod)| is_owned_by(pod, uid));
        owned.map(|(key, pod)| Seen::of(key, pod)).collect()
    }

    /// Makes a pod from a template for its owner.
    pub(crate) fn make_pod(&mut self, by: &Value, template: &Value, name: Option<String>, now: Timestamp) {
        let prefix = format!("{}-", text(by, "/metadata/name"));
        let name = name.unwrap_or_else(|| format!("{prefix}{}", self.suffix()));
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
        put(&mut pod, "/metadata/name", name);
        put(&mut pod, "/metadata/generateName", prefix);
        put(&mut pod, "/metadata/namespace", text(by, "/metadata/namespace"));
        put(&mut pod, "/metadata/ownerReferences", json!([owner(by)]));
        self.make(pod, "kube-controller-manager", now);
    }

    /// Lets so many of these pods go, those first that are missed least.
    pub(crate) fn drop_pods(&mut self, mut pods: Vec<Seen>, count: usize, now: Timestamp) {
        pods.sort_by(|one, other| one.rank.cmp(&other.rank));
        for pod in pods.iter().take(count) {
            self.discard_plainly(&pod.key, now);
        }
    }
}

impl Seen {
    fn of(key: &Key, pod: &Value) -> Self {
        let ready = is_true(pod, "Ready");
        let cost = tag(pod, "annotations", COST).and_then(|cost| cost.parse().ok()).unwrap_or(0);
        let ready_since =
            list(pod, "/status/conditions").iter().find(|one| text(one, "/type") == "Ready" && ready);
        let ready_since = ready_since.and_then(|one| instant(one, "/lastTransitionTime"));
        let running = text(pod, "/status/phase") == "Running";
        let rank = Rank {
            placed: !text(pod, "/spec/nodeName").is_empty(),
            running,
            ready,
            cost,
            ready_since: Reverse(ready_since),
            made: Reverse(instant(pod, "/metadata/creationTimestamp")),
            name: key.name.clone(),
        };
        Self { key: key.clone(), leaving: pod.pointer("/metadata/deletionTimestamp").is_some(), ready, rank }
    }
}
