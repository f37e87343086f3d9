use serde_json::{Value, json};

use crate::common::{APPLY, AUTOSCALERS, DEPLOYMENTS, MERGE, Stage, autoscaler};

fn floor(min: i64) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": min}})
}

/// Who owns the floor of the autoscaler `web`.
fn owners(stage: &mut Stage) -> Vec<String> {
    let now = stage.get(&format!("{AUTOSCALERS}/web"));
    let entries = now["metadata"]["managedFields"].as_array().unwrap().iter();
    let owning = entries.filter(|entry| entry["fieldsV1"]["f:spec"].get("f:minReplicas").is_some());
    owning
        .map(|entry| {
            format!("{} {}", entry["manager"].as_str().unwrap(), entry["operation"].as_str().unwrap())
        })
        .collect()
}

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.deploy("web", 2);
    stage.expect(201, "POST", &format!("{AUTOSCALERS}?fieldManager=person"), &autoscaler("web", 2, 10));
    stage
}

#[test] // A7
fn a_floor_is_taken_by_force_and_lifts_the_size_at_once() {
    let mut stage = stage();
    let path = format!("{AUTOSCALERS}/web?fieldManager=tidecast");
    let refusal = stage.patch(409, &path, APPLY, &floor(3));
    assert!(refusal["message"].as_str().unwrap().contains("conflict with \"person\" using autoscaling/v2"));
    stage.patch(200, &format!("{path}&force=true"), APPLY, &floor(3));
    assert_eq!(owners(&mut stage), ["tidecast Apply"]);
    stage.pass(16);
    assert_eq!(stage.size("web"), 3, "one more than two is within no tolerance, for a floor knows none");
}

#[test]
fn somebody_who_writes_over_it_becomes_the_owner() {
    let mut stage = stage();
    stage.patch(200, &format!("{AUTOSCALERS}/web?fieldManager=tidecast&force=true"), APPLY, &floor(5));
    stage.patch(
        200,
        &format!("{AUTOSCALERS}/web?fieldManager=argocd"),
        MERGE,
        &json!({"spec": {"minReplicas": 2}}),
    );
    assert_eq!(owners(&mut stage), ["argocd Update"]);
}

#[test]
fn an_applier_that_gives_a_field_up_leaves_it_to_the_others() {
    let mut stage = stage();
    let path = format!("{AUTOSCALERS}/web?fieldManager=tidecast");
    stage.patch(200, &path, APPLY, &floor(2));
    assert_eq!(owners(&mut stage), ["person Update", "tidecast Apply"], "the same value is shared");
    let nothing = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"});
    let now = stage.patch(200, &path, APPLY, &nothing);
    assert_eq!(now["spec"]["minReplicas"], 2);
    assert_eq!(owners(&mut stage), ["person Update"]);
}

#[test]
fn the_scale_subresource_has_owners_too() {
    let mut stage = stage();
    stage.patch(
        200,
        &format!("{DEPLOYMENTS}/web/scale?fieldManager=tidecast"),
        MERGE,
        &json!({"spec": {"replicas": 4}}),
    );
    let now = stage.get(&format!("{DEPLOYMENTS}/web"));
    let entry = now["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["manager"] == "tidecast")
        .unwrap()
        .clone();
    assert_eq!(
        (&entry["subresource"], &entry["fieldsV1"]),
        (&json!("scale"), &json!({"f:spec": {"f:replicas": {}}}))
    );
}

#[test]
fn what_is_not_there_is_made_by_applying_it() {
    let mut stage = Stage::new();
    let whole = autoscaler("web", 1, 3);
    stage.patch(201, &format!("{AUTOSCALERS}/web?fieldManager=tidecast"), APPLY, &whole);
    stage.patch(422, &format!("{AUTOSCALERS}/other?fieldManager=tidecast"), APPLY, &floor(3));
}
