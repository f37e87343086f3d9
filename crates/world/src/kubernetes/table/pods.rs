use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::tree::{list, text};
use super::{Column, name, or_none, since};

pub(crate) fn columns() -> Vec<Column> {
    let wide = ["IP", "Node", "Nominated Node", "Readiness Gates"].map(Column::wide);
    let first = [
        ("Name", "string"),
        ("Ready", "string"),
        ("Status", "string"),
        ("Restarts", "string"),
        ("Age", "string"),
    ];
    first.map(|(name, kind)| Column::new(name, kind)).into_iter().chain(wide).collect()
}

pub(crate) fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let statuses = list(pod, "/status/containerStatuses");
    let ready = statuses.iter().filter(|one| one["ready"] == true).count();
    let restarts: i64 = statuses.iter().filter_map(|one| one["restartCount"].as_i64()).sum();
    let word = |pointer: &str| or_none(text(pod, pointer).to_owned());
    vec![
        name(pod),
        json!(format!("{ready}/{}", list(pod, "/spec/containers").len())),
        json!(state(pod)),
        json!(restarts.to_string()),
        since(pod, "/metadata/creationTimestamp", now),
        word("/status/podIP"),
        word("/spec/nodeName"),
        word("/status/nominatedNodeName"),
        json!("<none>"),
    ]
}

/// What people call a pod's state: its phase, unless it is going or a container waits for something.
fn state(pod: &Value) -> String {
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return "Terminating".to_owned();
    }
    let waiting = list(pod, "/status/containerStatuses").iter().map(|one| text(one, "/state/waiting/reason"));
    match waiting.into_iter().find(|reason| !reason.is_empty()) {
        Some(reason) => reason.to_owned(),
        None => text(pod, "/status/phase").to_owned(),
    }
}
