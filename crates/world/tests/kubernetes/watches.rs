use serde_json::json;

use crate::common::{CONFIGS, DEPLOYMENTS, MERGE, Stage, config};

#[test]
fn a_watch_tells_everything_after_its_version_once() {
    let mut stage = Stage::new();
    stage.expect(201, "POST", CONFIGS, &config("a", &json!({})));
    let version = stage.get(CONFIGS)["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let mut watch = stage.watch(&format!("{CONFIGS}?watch=true&resourceVersion={version}"));
    stage.patch(200, &format!("{CONFIGS}/a"), MERGE, &json!({"data": {"k": "v"}}));
    stage.expect(201, "POST", CONFIGS, &config("b", &json!({})));
    stage.expect(200, "DELETE", &format!("{CONFIGS}/a"), &json!(null));
    assert_eq!(stage.events(&mut watch), ["MODIFIED a", "ADDED b", "DELETED a"]);
    assert!(stage.events(&mut watch).is_empty());
}

#[test]
fn a_watch_without_a_past_begins_with_all_there_is() {
    let mut stage = Stage::new();
    stage.expect(201, "POST", CONFIGS, &config("a", &json!({})));
    let mut watch = stage.watch(&format!("{CONFIGS}?watch=true"));
    assert_eq!(stage.events(&mut watch), ["ADDED a"]);
    let begins =
        "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = stage.watch(&format!("{CONFIGS}?{begins}"));
    let events = watch.next(&stage.cluster, stage.now);
    assert_eq!(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

#[test]
fn what_leaves_the_selection_is_deleted_to_the_watcher() {
    let mut stage = Stage::new();
    stage.expect(201, "POST", CONFIGS, &config("a", &json!({})));
    let mut watch = stage.watch(&format!("{CONFIGS}?watch=true&labelSelector=on"));
    let path = format!("{CONFIGS}/a");
    stage.patch(200, &path, MERGE, &json!({"metadata": {"labels": {"on": "1"}}}));
    stage.patch(200, &path, MERGE, &json!({"metadata": {"labels": {"on": null}}}));
    assert_eq!(stage.events(&mut watch), ["ADDED a", "DELETED a"]);
}

#[test]
fn a_forgotten_past_is_gone() {
    let mut stage = Stage::new();
    stage.expect(201, "POST", CONFIGS, &config("a", &json!({})));
    let mut watch = stage.watch(&format!("{CONFIGS}?watch=true&resourceVersion=1"));
    stage.cluster.compact();
    assert_eq!(stage.events(&mut watch), ["ERROR Expired"]);
    assert!(watch.has_ended());
}

#[test]
fn quiet_watches_get_bookmarks_and_end_in_their_time() {
    let mut stage = Stage::new();
    let version = stage.cluster.version();
    let mut watch = stage.watch(&format!(
        "{CONFIGS}?watch=true&allowWatchBookmarks=true&timeoutSeconds=90&resourceVersion={version}"
    ));
    stage.deploy("web", 1);
    stage.pass(60);
    let events = watch.next(&stage.cluster, stage.now);
    assert_eq!(events[0]["type"], "BOOKMARK");
    assert_eq!(events[0]["object"]["metadata"]["resourceVersion"], stage.cluster.version().to_string());
    stage.pass(30);
    _ = watch.next(&stage.cluster, stage.now);
    assert!(watch.has_ended());
}

#[test]
fn a_rollout_can_be_followed_event_by_event() {
    let mut stage = Stage::new();
    let mut watch = stage.watch("/api/v1/namespaces/default/pods?watch=true");
    stage.deploy("web", 2);
    stage.patch(200, &format!("{DEPLOYMENTS}/web/scale"), MERGE, &json!({"spec": {"replicas": 1}}));
    stage.pass(5);
    let events = stage.events(&mut watch);
    let count = |sort: &str| events.iter().filter(|event| event.starts_with(sort)).count();
    assert_eq!((count("ADDED"), count("DELETED")), (2, 1));
}
