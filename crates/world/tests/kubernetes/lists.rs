use serde_json::{Value, json};
use tidecast_world::kubernetes::Request;

use crate::common::{CONFIGS, MERGE, Stage, config};

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

fn five() -> Stage {
    let mut stage = Stage::new();
    for name in ["a", "b", "c", "d", "e"] {
        stage.expect(201, "POST", CONFIGS, &config(name, &json!({})));
    }
    stage
}

#[test]
fn pages_show_the_cluster_as_it_was_at_the_first() {
    let mut stage = five();
    let first = stage.get(&format!("{CONFIGS}?limit=2"));
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b"], &json!(3)));
    stage.expect(200, "DELETE", &format!("{CONFIGS}/d"), &json!(null));
    stage.expect(201, "POST", CONFIGS, &config("cc", &json!({})));
    let token = first["metadata"]["continue"].as_str().unwrap();
    let rest = stage.get(&format!("{CONFIGS}?continue={token}"));
    assert_eq!(names(&rest), ["c", "d", "e"]);
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
}

#[test]
fn a_page_of_a_forgotten_past_is_gone() {
    let mut stage = five();
    let first = stage.get(&format!("{CONFIGS}?limit=2"));
    stage.cluster.compact();
    stage.expect(201, "POST", CONFIGS, &config("f", &json!({})));
    let token = first["metadata"]["continue"].as_str().unwrap();
    stage.cluster.compact();
    let refusal = stage.expect(410, "GET", &format!("{CONFIGS}?continue={token}"), &json!(null));
    assert_eq!(refusal["reason"], "Expired");
}

#[test]
fn lists_select_by_labels_and_by_fields() {
    let mut stage = five();
    stage.patch(200, &format!("{CONFIGS}/b"), MERGE, &json!({"metadata": {"labels": {"tier": "x"}}}));
    assert_eq!(names(&stage.get(&format!("{CONFIGS}?labelSelector=tier"))), ["b"]);
    assert_eq!(names(&stage.get(&format!("{CONFIGS}?fieldSelector=metadata.name!=b"))), ["a", "c", "d", "e"]);
    let refusal = stage.expect(400, "GET", &format!("{CONFIGS}?fieldSelector=data.k=v"), &json!(null));
    assert_eq!(refusal["message"], "field label not supported: data.k");
}

#[test]
fn a_watch_that_lags_catches_up() {
    let mut stage = Stage::new();
    let mut watch = stage.watch(&format!("{CONFIGS}?watch=true&resourceVersion={}", stage.cluster.version()));
    stage.cluster.faults.stale_by = 1;
    stage.expect(201, "POST", CONFIGS, &config("a", &json!({})));
    assert_eq!(stage.events(&mut watch), [""; 0]);
    stage.expect(201, "POST", CONFIGS, &config("b", &json!({})));
    assert_eq!(stage.events(&mut watch), ["ADDED a"]);
    stage.cluster.faults.heal();
    assert_eq!(stage.events(&mut watch), ["ADDED b"]);
}

#[test]
fn a_stale_list_shows_what_was() {
    let mut stage = five();
    stage.cluster.faults.stale_by = 2;
    assert_eq!(names(&stage.get(&format!("{CONFIGS}?resourceVersion=0"))), ["a", "b", "c"]);
    assert_eq!(names(&stage.get(CONFIGS)).len(), 5, "a list that must be fresh is fresh");
}

#[test]
fn lists_come_as_tables_and_as_metadata() {
    let mut stage = five();
    let mut request = Request::of("GET", CONFIGS, &json!(null));
    request.accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json".to_owned();
    let table = stage.expect_of(200, &request);
    assert_eq!((&table["kind"], &table["rows"][0]["cells"]), (&json!("Table"), &json!(["a", 0, "0s"])));
    request.accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io".to_owned();
    let metadata = stage.expect_of(200, &request);
    assert!(metadata["items"][0].get("data").is_none() && metadata["items"][0]["metadata"]["name"] == "a");
}

#[test]
fn events_have_two_faces() {
    let mut stage = Stage::new();
    let event = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e"}, "eventTime": "2026-03-02T06:00:00.000000Z",
        "regarding": {"kind": "Deployment", "name": "web", "namespace": "default"}, "note": "went up", "reason": "Planned",
        "type": "Normal", "action": "Scale", "reportingController": "tidecast", "reportingInstance": "tidecast-0",
    });
    stage.expect(201, "POST", "/apis/events.k8s.io/v1/namespaces/default/events", &event);
    let old = stage.get("/api/v1/namespaces/default/events/e");
    assert_eq!((&old["message"], &old["involvedObject"]["name"]), (&json!("went up"), &json!("web")));
    let found = stage.get("/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=web");
    assert_eq!(names(&found), ["e"]);
    assert_eq!(stage.get("/apis/events.k8s.io/v1/namespaces/default/events/e")["note"], "went up");
}
