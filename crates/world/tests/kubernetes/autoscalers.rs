use serde_json::json;

use crate::common::{AUTOSCALERS, DEPLOYMENTS, MERGE, Stage, autoscaler};

fn stage(size: i64, min: i64, max: i64) -> Stage {
    let mut stage = Stage::new();
    stage.deploy("web", size);
    stage.expect(201, "POST", AUTOSCALERS, &autoscaler("web", min, max));
    stage
}

#[test]
fn it_follows_its_metric_beyond_the_tolerance() {
    let mut stage = stage(4, 2, 20);
    stage.cluster.metrics.set("default", "web", 4.0 * 50.0 * 1.08);
    stage.pass(60);
    assert_eq!(stage.size("web"), 4, "eight percent above are near enough");
    stage.cluster.metrics.set("default", "web", 6.0 * 50.0);
    stage.pass(16);
    assert_eq!(stage.size("web"), 6);
    let status = &stage.get(&format!("{AUTOSCALERS}/web"))["status"];
    assert_eq!(
        (&status["desiredReplicas"], &status["currentMetrics"][0]["type"]),
        (&json!(6), &json!("Resource"))
    );
}

#[test]
fn it_shrinks_after_five_minutes_of_agreement() {
    let mut stage = stage(6, 2, 20);
    stage.cluster.metrics.set("default", "web", 300.0);
    stage.pass(20);
    stage.cluster.metrics.set("default", "web", 100.0);
    stage.pass(280);
    assert_eq!(stage.size("web"), 6);
    stage.pass(60);
    assert_eq!(stage.size("web"), 2);
}

#[test]
fn a_tolerance_of_its_own_makes_it_finer() {
    let mut stage = stage(20, 2, 40);
    let behavior = json!({"spec": {"behavior": {"scaleUp": {"tolerance": "20m"}}}});
    stage.patch(200, &format!("{AUTOSCALERS}/web"), MERGE, &behavior);
    stage.cluster.metrics.set("default", "web", 20.0 * 50.0 * 1.05);
    stage.pass(16);
    assert_eq!(stage.size("web"), 21);
}

#[test]
fn it_keeps_the_size_between_its_bounds_even_without_a_metric() {
    let mut stage = stage(30, 2, 10);
    stage.pass(16);
    assert_eq!(stage.size("web"), 10);
    let active = stage.get(&format!("{AUTOSCALERS}/web"))["status"]["conditions"].clone();
    stage.pass(16);
    assert!(
        active.as_array().unwrap().iter().any(|one| one["type"] == "AbleToScale" && one["status"] == "True")
    );
    let refusal =
        stage.patch(422, &format!("{AUTOSCALERS}/web"), MERGE, &json!({"spec": {"minReplicas": 11}}));
    assert_eq!(
        refusal["message"],
        "HorizontalPodAutoscaler.autoscaling \"web\" is invalid: spec.maxReplicas: Invalid value: 10: must be greater than or equal to `minReplicas`"
    );
}

#[test]
fn a_size_of_none_pauses_it() {
    let mut stage = stage(3, 2, 10);
    stage.patch(200, &format!("{DEPLOYMENTS}/web"), MERGE, &json!({"spec": {"replicas": 0}}));
    stage.cluster.metrics.set("default", "web", 500.0);
    stage.pass(60);
    assert_eq!(stage.size("web"), 0);
}

#[test]
fn the_first_version_is_a_part_of_the_second() {
    let mut stage = stage(3, 2, 10);
    let path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/web";
    assert_eq!(stage.get(path)["spec"]["targetCPUUtilizationPercentage"], 50);
    stage.patch(200, path, MERGE, &json!({"spec": {"targetCPUUtilizationPercentage": 70}}));
    let metric = stage.get(&format!("{AUTOSCALERS}/web"))["spec"]["metrics"][0].clone();
    assert_eq!(metric["resource"]["target"]["averageUtilization"], 70);
}
