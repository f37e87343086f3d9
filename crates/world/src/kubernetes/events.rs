//! Events have two faces, `v1` and `events.k8s.io/v1`; they are kept in the older form.

use serde_json::Value;

use super::tree::{cut, put};

/// Names of one thing in `events.k8s.io/v1` and in `v1`.
const NAMES: [(&str, &str); 7] = [
    ("/regarding", "/involvedObject"),
    ("/note", "/message"),
    ("/reportingController", "/reportingComponent"),
    ("/deprecatedSource", "/source"),
    ("/deprecatedFirstTimestamp", "/firstTimestamp"),
    ("/deprecatedLastTimestamp", "/lastTimestamp"),
    ("/deprecatedCount", "/count"),
];

/// The group whose events are kept in another form.
pub(crate) const GROUP: &str = "events.k8s.io";

/// From the newer form to the older.
pub(crate) fn kept(mut event: Value) -> Value {
    NAMES.iter().for_each(|(new, old)| rename(&mut event, new, old));
    put(&mut event, "/apiVersion", "v1");
    event
}

/// From the older form to the newer.
pub(crate) fn shown(mut event: Value) -> Value {
    NAMES.iter().for_each(|(new, old)| rename(&mut event, old, new));
    put(&mut event, "/apiVersion", "events.k8s.io/v1");
    event
}

fn rename(event: &mut Value, from: &str, to: &str) {
    if let Some(value) = cut(event, from) {
        put(event, to, value);
    }
}
