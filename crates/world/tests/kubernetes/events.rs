use serde_json::{Value, json};

use crate::common::{MERGE, Stage};

const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/default/events";

fn event() -> Value {
    json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "web.1"},
        "eventTime": "2026-03-02T06:00:00.000000Z", "type": "Normal", "reason": "ScaledOut", "action": "Scale", "note": "3 to 4",
        "reportingController": "tidecast.dev/tidecast", "reportingInstance": "tidecast-0",
        "regarding": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "default"},
    })
}

/// Which fields of an event with a field changed are wrong.
#[track_caller]
fn wrong(field: &str, value: Value) -> Vec<String> {
    let mut event = event();
    event[field] = value;
    let refusal = Stage::new().expect(422, "POST", EVENTS, &event);
    let causes = refusal["details"]["causes"].as_array().unwrap();
    causes.iter().map(|cause| cause["field"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn say_who_reports_what_was_done_and_when() {
    Stage::new().expect(201, "POST", EVENTS, &event());
    for field in ["eventTime", "reportingController", "reportingInstance", "action", "reason"] {
        assert_eq!(wrong(field, Value::Null), [field]);
    }
    assert_eq!(wrong("type", json!("Alarming")), ["type"]);
    assert_eq!(wrong("note", json!("x".repeat(1_025))), ["message"]);
    let elsewhere = json!({"kind": "Deployment", "name": "web", "namespace": "shop"});
    assert_eq!(wrong("regarding", elsewhere), ["involvedObject.namespace"]);
    assert_eq!(wrong("reportingController", json!("tidecast controller")), ["reportingController"]);
    let once = json!({"count": 1, "lastObservedTime": "2026-03-02T06:00:30.000000Z"});
    assert_eq!(wrong("series", once), ["series.count"]);
    assert_eq!(wrong("deprecatedCount", json!(3)), ["count"]);
}

#[test]
fn are_counted_from_two_on_and_never_told_anew() {
    let mut stage = Stage::new();
    stage.expect(201, "POST", EVENTS, &event());
    let path = format!("{EVENTS}/web.1");
    let series =
        |count: u32| json!({"series": {"count": count, "lastObservedTime": "2026-03-02T06:00:30.000000Z"}});
    stage.patch(422, &path, MERGE, &series(1));
    let counted = stage.patch(200, &path, MERGE, &series(2));
    assert_eq!(counted["series"]["count"], 2);
    stage.patch(422, &path, MERGE, &json!({"reportingInstance": "tidecast-1"}));
    let refusal = stage.patch(422, &path, MERGE, &json!({"note": "3 to 5"}));
    assert!(refusal["message"].as_str().unwrap().contains("field is immutable"), "{refusal}");
}
