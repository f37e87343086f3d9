use serde_json::{Value, json};

use crate::common::{DEPLOYMENTS, JSON, MERGE, Stage};

#[test]
fn the_scale_of_a_deployment_is_read_and_written() {
    let mut stage = Stage::new();
    stage.deploy("web", 2);
    let path = format!("{DEPLOYMENTS}/web/scale");
    let scale = stage.get(&path);
    assert_eq!((&scale["kind"], &scale["apiVersion"]), (&json!("Scale"), &json!("autoscaling/v1")));
    assert_eq!(scale["status"], json!({"replicas": 2, "selector": "app=web"}));
    let mut wanted = scale.clone();
    wanted["spec"]["replicas"] = json!(5);
    assert_eq!(stage.expect(200, "PUT", &path, &wanted)["spec"]["replicas"], 5);
    assert_eq!(
        stage.expect(409, "PUT", &path, &wanted)["reason"],
        "Conflict",
        "it was made for an older state"
    );
    stage.patch(200, &path, MERGE, &json!({"spec": {"replicas": 3}}));
    stage.patch(200, &path, JSON, &json!([{"op": "replace", "path": "/spec/replicas", "value": 1}]));
    assert_eq!(stage.size("web"), 1);
    assert_eq!(stage.patch(422, &path, MERGE, &json!({"spec": {"replicas": -1}}))["reason"], "Invalid");
}

#[test]
fn a_size_of_none_is_left_out() {
    let mut stage = Stage::new();
    stage.deploy("web", 0);
    assert_eq!(stage.get(&format!("{DEPLOYMENTS}/web/scale"))["spec"], json!({}));
}

#[test]
fn without_the_subresource_there_is_nothing() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    stage.cluster.faults.no_scale = true;
    stage.expect(404, "GET", &format!("{DEPLOYMENTS}/web/scale"), &Value::Null);
    stage.cluster.faults.heal();
    stage.get(&format!("{DEPLOYMENTS}/web/scale"));
    stage.expect(404, "GET", "/api/v1/namespaces/default/configmaps/a/scale", &Value::Null);
}
