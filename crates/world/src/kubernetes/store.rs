use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;

use super::tree::put;

/// Where an object lies: its resource as `deployments.apps`, its namespace (empty for what has none), its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) resource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// One write, as watches see it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) key: Key,
    pub(crate) before: Option<Arc<Value>>,
    pub(crate) after: Option<Arc<Value>>,
}

/// Everything the cluster knows, with one counter of writes and the log of what they did.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    log: VecDeque<Change>,
    version: u64,
    compacted: u64,
    kept: usize,
}

impl Key {
    pub(crate) fn new(resource: &str, namespace: &str, name: &str) -> Self {
        Self { resource: resource.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// True if it is of the resource, and in the namespace unless that is empty.
    pub(crate) fn is_in(&self, resource: &str, namespace: &str) -> bool {
        self.resource == resource && (namespace.is_empty() || self.namespace == namespace)
    }
}

impl Store {
    /// An empty store that remembers the last `kept` writes.
    pub(crate) fn new(kept: usize) -> Self {
        Self { objects: BTreeMap::new(), log: VecDeque::new(), version: 1, compacted: 1, kept }
    }

    /// The version of the last write.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// All objects of a resource, in the order of namespace and name.
    pub(crate) fn of<'a>(
        &'a self,
        resource: &str,
        namespace: &str,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> + use<'a> {
        let from = Key::new(resource, namespace, "");
        let wanted = (resource.to_owned(), namespace.to_owned());
        self.objects
            .range((Bound::Included(from), Bound::Unbounded))
            .take_while(move |(key, _)| key.is_in(&wanted.0, &wanted.1))
    }

    /// Every object.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.objects.iter()
    }

    /// The objects of a resource as they were at a version; `None` if that is forgotten.
    pub(crate) fn at(
        &self,
        version: u64,
        resource: &str,
        namespace: &str,
    ) -> Option<BTreeMap<Key, Arc<Value>>> {
        if version < self.compacted {
            return None;
        }
        let mut then: BTreeMap<_, _> =
            self.of(resource, namespace).map(|(key, object)| (key.clone(), object.clone())).collect();
        let newer = self.log.iter().rev().take_while(|change| change.version > version);
        for change in newer.filter(|change| change.key.is_in(resource, namespace)) {
            match &change.before {
                Some(before) => _ = then.insert(change.key.clone(), before.clone()),
                None => _ = then.remove(&change.key),
            }
        }
        Some(then)
    }

    /// The writes after a version; `None` if some of them are forgotten.
    pub(crate) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let from = self.log.partition_point(|change| change.version <= version);
        (version >= self.compacted).then(|| self.log.range(from..))
    }

    /// Writes an object under the next version, and gives it as it is kept.
    pub(crate) fn put(&mut self, key: Key, mut object: Value) -> Arc<Value> {
        self.version += 1;
        put(&mut object, "/metadata/resourceVersion", self.version.to_string());
        let after = Arc::new(object);
        let before = self.objects.insert(key.clone(), after.clone());
        self.record(Change { version: self.version, key, before, after: Some(after.clone()) });
        after
    }

    /// Takes an object away, and gives its last state.
    pub(crate) fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let before = self.objects.remove(key)?;
        self.version += 1;
        self.record(Change {
            version: self.version,
            key: key.clone(),
            before: Some(before.clone()),
            after: None,
        });
        Some(before)
    }

    /// Forgets all history, as a compaction of etcd does.
    pub(crate) fn compact(&mut self) {
        self.log.clear();
        self.compacted = self.version;
    }

    fn record(&mut self, change: Change) {
        self.log.push_back(change);
        while self.log.len() > self.kept {
            self.compacted = self.log.pop_front().map_or(self.compacted, |oldest| oldest.version);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(name: &str) -> Key {
        Key::new("pods", "default", name)
    }

    #[test]
    fn the_past_can_be_looked_up_until_it_is_compacted() {
        let mut store = Store::new(100);
        store.put(key("a"), json!({"n": 1}));
        let then = store.version();
        store.put(key("a"), json!({"n": 2}));
        store.put(key("b"), json!({"n": 3}));
        store.remove(&key("a"));
        let past = store.at(then, "pods", "default").unwrap();
        assert_eq!(past.len(), 1);
        assert_eq!(past[&key("a")]["n"], 1);
        assert_eq!(store.since(then).unwrap().count(), 3);
        store.compact();
        assert!(store.at(then, "pods", "").is_none() && store.since(then).is_none());
    }

    #[test]
    fn old_writes_are_forgotten_when_the_log_is_full() {
        let mut store = Store::new(2);
        (0..5).for_each(|n| _ = store.put(key("a"), json!({"n": n})));
        assert!(store.since(store.version() - 3).is_none());
        assert_eq!(store.since(store.version() - 2).unwrap().count(), 2);
    }
}
