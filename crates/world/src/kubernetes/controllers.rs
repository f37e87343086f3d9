//! What goes on inside a cluster while nobody asks: controllers, kubelets, the garbage collector.

mod autoscaler;
mod behavior;
mod budgets;
mod custom;
mod deployments;
mod garbage;
mod keda;
mod kubelet;
mod metrics;
mod pods;
mod replica_sets;
mod rollout;
mod stateful_sets;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use kubelet::Nodes;
pub use metrics::Metrics;

use super::cluster::Cluster;
use super::managed::{Managers, Writer};
use super::request::{Request, User};
use super::store::Key;
use super::tree::{micro_time, text};

/// What controllers remember between ticks; the rest stands in the objects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// When pods become ready, and when those that were told to go are gone, by their uid.
    pub(crate) due: BTreeMap<String, Timestamp>,
    pub(crate) autoscalers: BTreeMap<Key, behavior::Record>,
    seen: u64,
    events: u64,
}

/// Controllers react to each other; after so many rounds a tick leaves the rest to the next.
const ROUNDS: usize = 50;

impl Cluster {
    /// Lets everything that is due by `now` happen.
    pub fn tick(&mut self, now: Timestamp) {
        self.autoscale(now);
        self.rewrite(now);
        // What KEDA does comes with time, not only when something is written.
        self.keep_scaled_objects(now);
        for _ in 0..ROUNDS {
            let before = self.store.version();
            self.run_pods(now);
            if before != self.memory.seen || self.store.version() != before {
                self.control(now);
            }
            if self.store.version() == before {
                break;
            }
        }
        self.memory.seen = self.store.version();
    }

    /// Others write what they insist on, as often as they look.
    fn rewrite(&mut self, now: Timestamp) {
        for at in 0..self.faults.rewriters.len() {
            let writer = &mut self.faults.rewriters[at];
            if writer.due.is_some_and(|due| due > now) {
                continue;
            }
            writer.due = Some(now + jiff::SignedDuration::from_secs(writer.every));
            let writer = writer.clone();
            let key = Key::new(&writer.resource, &writer.namespace, &writer.name);
            self.edit(&key, &writer.manager, "", now, |object| {
                super::tree::put(object, &writer.field, writer.value.clone())
            });
        }
    }

    fn control(&mut self, now: Timestamp) {
        self.establish(now);
        self.keep_scaled_objects(now);
        self.keep_deployments(now);
        self.keep_custom_workloads(now);
        self.keep_replica_sets(now);
        self.keep_stateful_sets(now);
        self.keep_budgets(now);
        self.collect_garbage(now);
    }

    /// Definitions are accepted, and every namespace gets the account that its pods run as.
    fn establish(&mut self, now: Timestamp) {
        for key in self.keys(super::crd::RESOURCE) {
            if self.store.get(&key).is_some_and(|definition| definition.get("status").is_none()) {
                self.edit(&key, "kube-apiserver", "status", now, |definition| {
                    super::crd::accept(definition, now)
                });
            }
        }
        for key in self.keys("namespaces") {
            let closed = self
                .store
                .get(&key)
                .is_some_and(|namespace| text(namespace, "/status/phase") == "Terminating");
            if !closed && self.get("serviceaccounts", &key.name, "default").is_none() {
                let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": key.name}});
                self.make(account, "kube-controller-manager", now);
            }
        }
    }

    /// The keys of all objects of a resource.
    pub(crate) fn keys(&self, resource: &str) -> Vec<Key> {
        self.store.of(resource, "").map(|(key, _)| key.clone()).collect()
    }

    /// Changes an object as a controller does: past all doors, but with its name on the fields.
    pub(crate) fn edit(
        &mut self,
        key: &Key,
        by: &str,
        part: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Value),
    ) {
        let (Some(old), Some(kind)) =
            (self.store.get(key).cloned(), self.kinds.stored(&key.resource).cloned())
        else {
            return;
        };
        let mut new = Value::clone(&old);
        change(&mut new);
        if *old == new {
            return;
        }
        // The revision of a Deployment is an annotation that is written along with its status.
        if part != "status" {
            super::draft::count_generation(&kind, &old, &mut new);
        }
        let writer = Writer {
            name: by.to_owned(),
            operation: "Update",
            version: kind.api_version(),
            subresource: part.to_owned(),
        };
        Managers::of(&old).after_update(Some(&old), &new, kind.schema(), &writer, now).write(&mut new);
        self.put(key.clone(), new);
    }

    /// Makes an object as a controller does; what is there already stays.
    pub(crate) fn make(&mut self, object: Value, by: &str, now: Timestamp) {
        let Some(path) = self.path_of(&object) else { return };
        let (folder, _) = path.rsplit_once('/').expect("a path of an object has a name");
        let request =
            Request { agent: by.to_owned(), user: User::admin(), ..Request::of("POST", folder, &object) };
        _ = self.answer(&request, now);
    }

    /// Tells people what a controller did.
    pub(crate) fn report(
        &mut self,
        about: &Value,
        by: &str,
        [sort, reason, message]: [&str; 3],
        now: Timestamp,
    ) {
        self.memory.events += 1;
        let word = |pointer: &str| text(about, pointer).to_owned();
        let namespace = Some(word("/metadata/namespace"))
            .filter(|namespace| !namespace.is_empty())
            .unwrap_or("default".to_owned());
        let event = json!({
            "apiVersion": "v1", "kind": "Event", "type": sort, "reason": reason, "message": message, "count": 1,
            "metadata": {"name": format!("{}.{:016x}", word("/metadata/name"), self.memory.events), "namespace": namespace},
            "involvedObject": {
                "apiVersion": about["apiVersion"], "kind": about["kind"], "name": word("/metadata/name"), "namespace": word("/metadata/namespace"),
                "uid": word("/metadata/uid"), "resourceVersion": word("/metadata/resourceVersion"),
            },
            "source": {"component": by}, "reportingComponent": by, "reportingInstance": "",
            "firstTimestamp": super::tree::time(now), "lastTimestamp": super::tree::time(now), "eventTime": micro_time(now),
        });
        self.make(event, by, now);
    }

    pub(crate) fn find(&self, key: &Key) -> Option<Arc<Value>> {
        self.store.get(key).cloned()
    }
}

/// The reference by which what an object owns names it.
pub(crate) fn owner(object: &Value) -> Value {
    json!({
        "apiVersion": object["apiVersion"], "kind": object["kind"], "name": text(object, "/metadata/name"),
        "uid": text(object, "/metadata/uid"), "controller": true, "blockOwnerDeletion": true,
    })
}

/// True if the object belongs to the one with this uid.
pub(crate) fn is_owned_by(object: &Value, uid: &str) -> bool {
    super::tree::list(object, "/metadata/ownerReferences").iter().any(|one| text(one, "/uid") == uid)
}

/// Writes a condition, and when it last changed its mind.
pub(crate) fn set_condition(object: &mut Value, [kind, status, reason, message]: [&str; 4], now: Timestamp) {
    let mut conditions: Vec<Value> = super::tree::list(object, "/status/conditions").to_vec();
    let found = conditions.iter_mut().find(|one| text(one, "/type") == kind);
    let since = found
        .as_ref()
        .filter(|one| text(one, "/status") == status)
        .map(|one| one["lastTransitionTime"].clone());
    let new = json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": since.unwrap_or_else(|| json!(super::tree::time(now))),
    });
    match found {
        Some(found) => {
            let mut all = found.as_object().cloned().unwrap_or_default();
            all.extend(new.as_object().cloned().unwrap_or_default());
            *found = Value::Object(all);
        }
        None => conditions.push(new),
    }
    super::tree::put(object, "/status/conditions", conditions);
}

/// Whether a condition is true.
pub(crate) fn is_true(object: &Value, condition: &str) -> bool {
    super::tree::list(object, "/status/conditions")
        .iter()
        .any(|one| text(one, "/type") == condition && text(one, "/status") == "True")
}
