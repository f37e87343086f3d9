use serde_json::{Value, json};

use crate::common::{CONFIGS, DEPLOYMENTS, MERGE, Stage, config};

#[test]
fn what_a_deployment_owns_goes_with_it() {
    let mut stage = Stage::new();
    stage.deploy("web", 3);
    let gone = stage.expect(200, "DELETE", &format!("{DEPLOYMENTS}/web"), &Value::Null);
    assert_eq!((&gone["status"], &gone["details"]["group"]), (&json!("Success"), &json!("apps")));
    stage.pass(5);
    assert_eq!(stage.pods(), (0, 0));
    assert!(stage.cluster.list("replicasets.apps", "").is_empty());
}

#[test]
fn orphans_stay() {
    let mut stage = Stage::new();
    stage.deploy("web", 2);
    stage.expect(200, "DELETE", &format!("{DEPLOYMENTS}/web"), &json!({"propagationPolicy": "Orphan"}));
    stage.pass(5);
    assert_eq!(stage.pods(), (2, 2));
}

#[test]
fn in_the_foreground_the_owner_goes_last() {
    let mut stage = Stage::new();
    stage.deploy("web", 2);
    let path = format!("{DEPLOYMENTS}/web");
    let going = stage.expect(200, "DELETE", &path, &json!({"propagationPolicy": "Foreground"}));
    assert_eq!(going["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    stage.get(&path);
    stage.pass(10);
    stage.expect(404, "GET", &path, &Value::Null);
    assert_eq!(stage.pods(), (0, 0));
}

#[test]
fn finalizers_hold_an_object_until_they_are_taken_off() {
    let mut stage = Stage::new();
    let mut body = config("a", &json!({}));
    body["metadata"]["finalizers"] = json!(["example.com/wait"]);
    stage.expect(201, "POST", CONFIGS, &body);
    let path = format!("{CONFIGS}/a");
    stage.expect(200, "DELETE", &path, &Value::Null);
    assert!(stage.get(&path)["metadata"].get("deletionTimestamp").is_some());
    stage.patch(200, &path, MERGE, &json!({"metadata": {"finalizers": null}}));
    stage.expect(404, "GET", &path, &Value::Null);
}

#[test]
fn preconditions_are_kept() {
    let mut stage = Stage::new();
    stage.expect(201, "POST", CONFIGS, &config("a", &json!({})));
    let wrong = json!({"preconditions": {"uid": "another"}});
    let refusal = stage.expect(409, "DELETE", &format!("{CONFIGS}/a"), &wrong);
    assert!(
        refusal["message"].as_str().unwrap().contains("Precondition failed: UID in precondition: another")
    );
}

#[test]
fn a_namespace_takes_everything_along() {
    let mut stage = Stage::new();
    stage.expect(
        201,
        "POST",
        "/api/v1/namespaces",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}),
    );
    stage.expect(201, "POST", "/api/v1/namespaces/x/configmaps", &config("a", &json!({})));
    let going = stage.expect(200, "DELETE", "/api/v1/namespaces/x", &Value::Null);
    assert_eq!(going["status"]["phase"], "Terminating");
    stage.pass(2);
    stage.expect(404, "GET", "/api/v1/namespaces/x", &Value::Null);
    assert!(stage.cluster.list("configmaps", "x").is_empty());
}

#[test]
fn many_are_deleted_by_a_selector() {
    let mut stage = Stage::new();
    for (name, label) in [("a", "1"), ("b", "2")] {
        let mut body = config(name, &json!({}));
        body["metadata"]["labels"] = json!({"n": label});
        stage.expect(201, "POST", CONFIGS, &body);
    }
    stage.expect(200, "DELETE", &format!("{CONFIGS}?labelSelector=n=1"), &Value::Null);
    assert_eq!(stage.cluster.list("configmaps", "default").len(), 1);
}
