use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::super::cluster::Cluster;
use super::super::delete::FOREGROUND;
use super::super::store::Key;
use super::super::tree::{instant, list, put, text};
use super::is_owned_by;

impl Cluster {
    /// What nobody owns any more goes; what waits for its own to go gets leave; closed namespaces are emptied.
    pub(crate) fn collect_garbage(&mut self, now: Timestamp) {
        let there: BTreeSet<&str> =
            self.store.all().map(|(_, object)| text(object, "/metadata/uid")).collect();
        let is_lost = |object: &Value| {
            let owners = list(object, "/metadata/ownerReferences");
            !owners.is_empty() && owners.iter().all(|owner| !there.contains(text(owner, "/uid")))
        };
        let lost: Vec<Key> =
            self.store.all().filter(|(_, object)| is_lost(object)).map(|(key, _)| key.clone()).collect();
        let waiting =
            self.store.all().filter(|(_, object)| waits_for_its_own(object)).map(|(key, _)| key.clone());
        let waiting: Vec<Key> = waiting.collect();
        lost.iter().for_each(|key| self.discard_plainly(key, now));
        waiting.iter().for_each(|key| self.release(key, now));
        self.empty_namespaces(now);
    }

    fn release(&mut self, key: &Key, now: Timestamp) {
        let Some(object) = self.find(key) else { return };
        let uid = text(&object, "/metadata/uid");
        let owned = self.store.all().filter(|(_, other)| is_owned_by(other, uid)).map(|(key, _)| key.clone());
        let owned: Vec<Key> = owned.collect();
        if owned.is_empty() {
            let mut free = Value::clone(&object);
            let others =
                list(&object, "/metadata/finalizers").iter().filter(|one| *one != FOREGROUND).cloned();
            put(&mut free, "/metadata/finalizers", others.collect::<Vec<_>>());
            self.put(key.clone(), free);
        }
        owned.iter().for_each(|key| self.discard_in_foreground(key, now));
    }

    fn empty_namespaces(&mut self, now: Timestamp) {
        for key in self.keys("namespaces") {
            let closed = self
                .find(&key)
                .is_some_and(|namespace| instant(&namespace, "/metadata/deletionTimestamp").is_some());
            if !closed {
                continue;
            }
            let inside = self
                .store
                .all()
                .filter(|(inside, _)| inside.namespace == key.name)
                .map(|(key, _)| key.clone());
            let inside: Vec<Key> = inside.collect();
            if inside.is_empty()
                && self
                    .find(&key)
                    .is_some_and(|namespace| list(&namespace, "/metadata/finalizers").is_empty())
            {
                self.store.remove(&key);
            }
            inside.iter().for_each(|key| self.discard_plainly(key, now));
        }
    }
}

fn waits_for_its_own(object: &Value) -> bool {
    instant(object, "/metadata/deletionTimestamp").is_some()
        && list(object, "/metadata/finalizers").iter().any(|one| one == FOREGROUND)
}
