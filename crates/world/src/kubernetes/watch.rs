use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::{Asked, Cluster};
use super::kind::Kind;
use super::selector::Selector;
use super::status::Refusal;
use super::store::Change;
use super::tree::put;
use super::view::View;

/// A stream of events: which objects it shows, and how far it has come.
///
/// It is asked for what is new with [`Watch::next`]; whoever serves it decides how often.
#[derive(Debug)]
pub struct Watch {
    kind: Arc<Kind>,
    namespace: String,
    selector: Selector,
    view: View,
    cursor: u64,
    begins: Option<Beginning>,
    bookmarks: bool,
    marked: Timestamp,
    ends: Timestamp,
    ended: bool,
}

/// What a watch without a past shows first.
#[derive(Debug)]
struct Beginning {
    closed_by_bookmark: bool,
}

/// A watch ends by itself after this many seconds unless it is asked for another time.
const LASTS: i64 = 1800;
/// Bookmarks come this often, in seconds, while nothing else does.
const MARKS: i64 = 60;

impl Watch {
    pub(crate) fn new(asked: Asked, selector: Selector, from: Option<u64>, version: u64) -> Self {
        let request = asked.request;
        let seconds = request.parameter("timeoutSeconds").and_then(|told| told.parse().ok()).unwrap_or(LASTS);
        let initial = request.flag("sendInitialEvents");
        Self {
            kind: asked.kind.clone(),
            namespace: asked.target.namespace.clone(),
            selector,
            view: View::of(&request.accept),
            cursor: from.filter(|_| !initial).unwrap_or(version),
            begins: (initial || from.is_none()).then_some(Beginning { closed_by_bookmark: initial }),
            bookmarks: request.flag("allowWatchBookmarks"),
            marked: asked.now,
            ends: asked.now + jiff::SignedDuration::from_secs(seconds),
            ended: false,
        }
    }

    /// Whether nothing will come any more.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The events since it was asked last.
    pub fn next(&mut self, cluster: &Cluster, now: Timestamp) -> Vec<Value> {
        if self.ended {
            return Vec::new();
        }
        self.ended = now >= self.ends || cluster.faults.drops_watches(now);
        if cluster.faults.forgets() {
            return self.gone();
        }
        let Some(mut events) = self.begin(cluster, now) else { return self.gone() };
        let reached = cluster.faults.reached(cluster.store.version()).max(self.cursor);
        match cluster.store.since(self.cursor) {
            Some(changes) => {
                let told = changes.filter(|change| change.version <= reached);
                events.extend(told.filter_map(|change| self.event(change, now)));
            }
            None => return self.gone(),
        }
        self.cursor = reached;
        self.mark(&mut events, now);
        events
    }

    /// All there was when it began, for a watch that does not start in the past; `None` if that is forgotten.
    fn begin(&mut self, cluster: &Cluster, now: Timestamp) -> Option<Vec<Value>> {
        let Some(beginning) = self.begins.take() else { return Some(Vec::new()) };
        let there = cluster.store.at(self.cursor, &self.kind.storage(), &self.namespace)?;
        let seen = there.values().filter(|object| self.selector.takes(object));
        let mut events: Vec<Value> = seen.map(|object| self.told("ADDED", object, now)).collect();
        if beginning.closed_by_bookmark {
            let mut end = self.bookmark();
            put(&mut end, "/object/metadata/annotations", json!({"k8s.io/initial-events-end": "true"}));
            events.push(end);
        }
        Some(events)
    }

    /// What a change looks like from here: an object that no longer matches is gone.
    fn event(&self, change: &Change, now: Timestamp) -> Option<Value> {
        if !change.key.is_in(&self.kind.storage(), &self.namespace) {
            return None;
        }
        let seen = |object: &Option<Arc<Value>>| object.clone().filter(|object| self.selector.takes(object));
        match (seen(&change.before), seen(&change.after)) {
            (None, Some(after)) => Some(self.told("ADDED", &after, now)),
            (Some(_), Some(after)) => Some(self.told("MODIFIED", &after, now)),
            (Some(before), None) => {
                let mut last = Value::clone(&before);
                put(&mut last, "/metadata/resourceVersion", change.version.to_string());
                Some(self.told("DELETED", &last, now))
            }
            (None, None) => None,
        }
    }

    fn told(&self, sort: &str, object: &Value, now: Timestamp) -> Value {
        json!({"type": sort, "object": self.view.one_object(&self.kind, object, now)})
    }

    fn mark(&mut self, events: &mut Vec<Value>, now: Timestamp) {
        let due = now.duration_since(self.marked).as_secs() >= MARKS || self.ended;
        if self.bookmarks && due {
            events.push(self.bookmark());
            self.marked = now;
        }
    }

    fn bookmark(&self) -> Value {
        let kind = if self.view == View::Metadata { "PartialObjectMetadata" } else { &self.kind.kind };
        let version =
            if self.view == View::Metadata { "meta.k8s.io/v1".to_owned() } else { self.kind.api_version() };
        let metadata = json!({"resourceVersion": self.cursor.to_string(), "creationTimestamp": null});
        json!({"type": "BOOKMARK", "object": {"kind": kind, "apiVersion": version, "metadata": metadata}})
    }

    fn gone(&mut self) -> Vec<Value> {
        self.ended = true;
        let refusal = Refusal::expired(format!("too old resource version: {}", self.cursor));
        vec![json!({"type": "ERROR", "object": refusal.body()})]
    }
}
