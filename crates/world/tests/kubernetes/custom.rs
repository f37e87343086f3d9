use serde_json::{Value, json};

use crate::common::{MERGE, STRATEGIC, Stage, template};

const BALLOONS: &str = "/apis/example.com/v1/namespaces/default/balloons";

fn definition() -> Value {
    let scale = json!({"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"});
    let spec = json!({
        "type": "object", "required": ["color"],
        "properties": {
            "color": {"type": "string", "enum": ["red", "blue"]}, "replicas": {"type": "integer", "minimum": 0, "default": 1},
            "template": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "strings": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "length": {"type": "integer"}}}},
        },
    });
    let status = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "balloons.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"kind": "Balloon", "plural": "balloons", "shortNames": ["bl"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}, "scale": scale},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}},
            }],
        },
    })
}

fn balloon(spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Balloon", "metadata": {"name": "b"}, "spec": spec})
}

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.expect(201, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition());
    stage
}

#[test]
fn a_definition_is_accepted_and_its_kind_is_served() {
    let mut stage = stage();
    let now = stage.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/balloons.example.com");
    assert_eq!(now["status"]["conditions"][1]["type"], "Established");
    let resources = stage.get("/apis/example.com/v1");
    let names: Vec<_> =
        resources["resources"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["balloons", "balloons/scale", "balloons/status"]);
    stage.expect(
        200,
        "DELETE",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/balloons.example.com",
        &Value::Null,
    );
    stage.expect(404, "GET", BALLOONS, &Value::Null);
}

#[test]
fn objects_are_pruned_filled_in_and_judged() {
    let mut stage = stage();
    let made = stage.expect(201, "POST", BALLOONS, &balloon(json!({"color": "red", "gas": "helium"})));
    assert_eq!(made["spec"], json!({"color": "red", "replicas": 1}));
    let refusal = stage.patch(
        422,
        &format!("{BALLOONS}/b"),
        MERGE,
        &json!({"spec": {"color": "green", "replicas": -1}}),
    );
    let causes = refusal["details"]["causes"].as_array().unwrap();
    assert_eq!(causes[0]["message"], "Unsupported value: \"green\": supported values: \"red\", \"blue\"");
    assert_eq!(causes[1]["field"], "spec.replicas");
    stage.patch(415, &format!("{BALLOONS}/b"), STRATEGIC, &json!({}));
}

#[test]
fn an_update_must_say_what_it_was_made_for() {
    let mut stage = stage();
    stage.expect(201, "POST", BALLOONS, &balloon(json!({"color": "red"})));
    let refusal = stage.expect(422, "PUT", &format!("{BALLOONS}/b"), &balloon(json!({"color": "blue"})));
    assert_eq!(refusal["details"]["causes"][0]["field"], "metadata.resourceVersion");
}

#[test]
fn sizes_and_pods_follow_the_scale_of_a_custom_workload() {
    let mut stage = stage();
    stage.expect(201, "POST", BALLOONS, &balloon(json!({"color": "red", "template": template("b")})));
    stage.patch(200, &format!("{BALLOONS}/b/scale"), MERGE, &json!({"spec": {"replicas": 3}}));
    stage.pass(10);
    let scale = stage.get(&format!("{BALLOONS}/b/scale"));
    assert_eq!((&scale["spec"]["replicas"], &scale["status"]["replicas"]), (&json!(3), &json!(3)));
    let selector = scale["status"]["selector"].as_str().unwrap().to_owned();
    let pods = stage.get(&format!("/api/v1/namespaces/default/pods?labelSelector={selector}"));
    assert_eq!(pods["items"].as_array().unwrap().len(), 3);
}

#[test]
fn the_status_has_its_own_door() {
    let mut stage = stage();
    stage.expect(201, "POST", BALLOONS, &balloon(json!({"color": "red"})));
    let both = json!({"spec": {"color": "blue"}, "status": {"height": 3}});
    let now = stage.patch(200, &format!("{BALLOONS}/b/status"), MERGE, &both);
    assert_eq!(
        (&now["spec"]["color"], &now["status"]["height"], &now["metadata"]["generation"]),
        (&json!("red"), &json!(3), &json!(1))
    );
    let now = stage.patch(200, &format!("{BALLOONS}/b"), MERGE, &json!({"status": {"height": 4}}));
    assert_eq!(now["status"]["height"], 3);
}

#[test]
fn a_definition_with_holes_is_refused() {
    let mut stage = Stage::new();
    let mut wrong = definition();
    wrong["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["strings"]
        ["items"]["required"] = json!([]);
    wrong["metadata"]["name"] = json!("balloons.other.com");
    let refusal =
        stage.expect(422, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &wrong);
    assert_eq!(refusal["details"]["causes"].as_array().unwrap().len(), 2);
}
