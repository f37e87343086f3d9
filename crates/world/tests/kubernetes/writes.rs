use serde_json::json;
use tidecast_world::kubernetes::Request;

use crate::common::{APPLY, CONFIGS, DEPLOYMENTS, MERGE, Stage, config, deployment};

#[test]
fn every_object_gets_a_name_a_version_and_an_owner_of_its_fields() {
    let mut stage = Stage::new();
    let made = stage.expect(201, "POST", CONFIGS, &config("a", &json!({"k": "v"})));
    let metadata = &made["metadata"];
    assert_eq!(metadata["uid"].as_str().unwrap().len(), 36);
    assert_eq!(metadata["creationTimestamp"], "2026-03-02T06:00:00Z");
    assert_eq!(metadata["managedFields"][0]["fieldsV1"], json!({"f:data": {".": {}, "f:k": {}}}));
    let other = stage.expect(201, "POST", CONFIGS, &config("b", &json!({})));
    let version = |object: &serde_json::Value| {
        object["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap()
    };
    assert!(version(&other) > version(&made), "one counter for all");
}

#[test]
fn an_update_made_for_an_older_state_is_refused() {
    let mut stage = Stage::new();
    let old = stage.expect(201, "POST", CONFIGS, &config("a", &json!({"k": "1"})));
    stage.patch(200, &format!("{CONFIGS}/a"), MERGE, &json!({"data": {"k": "2"}}));
    let refusal = stage.expect(409, "PUT", &format!("{CONFIGS}/a"), &old);
    assert_eq!((&refusal["reason"], &refusal["status"]), (&json!("Conflict"), &json!("Failure")));
    assert_eq!(
        refusal["message"],
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
    );
    assert_eq!(refusal["details"], json!({"name": "a", "kind": "configmaps"}));
}

#[test]
fn a_write_that_changes_nothing_makes_no_version() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    let before = stage.cluster.version();
    stage.patch(200, &format!("{DEPLOYMENTS}/web"), MERGE, &json!({"spec": {"replicas": 1}}));
    assert_eq!(stage.cluster.version(), before);
}

#[test]
fn the_generation_counts_changes_of_what_is_wanted_only() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    let path = format!("{DEPLOYMENTS}/web");
    stage.patch(200, &path, MERGE, &json!({"metadata": {"labels": {"a": "b"}}}));
    assert_eq!(stage.get(&path)["metadata"]["generation"], 1);
    stage.patch(200, &path, MERGE, &json!({"spec": {"replicas": 2}, "status": {"replicas": 77}}));
    let now = stage.get(&path);
    assert_eq!(now["metadata"]["generation"], 2);
    assert_ne!(now["status"]["replicas"], 77, "the status has its own door");
}

#[test]
fn the_generation_of_a_deployment_counts_its_annotations_and_that_of_others_does_not() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    let mut set = deployment("db", 1);
    (set["kind"], set["spec"]["serviceName"]) = (json!("StatefulSet"), json!("db"));
    let sets = "/apis/apps/v1/namespaces/default/statefulsets";
    stage.expect(201, "POST", sets, &set);
    for (path, counted) in [(format!("{DEPLOYMENTS}/web"), 1), (format!("{sets}/db"), 0)] {
        let before = stage.get(&path)["metadata"]["generation"].as_i64().unwrap();
        let noted = stage.patch(200, &path, MERGE, &json!({"metadata": {"annotations": {"a": "b"}}}));
        assert_eq!(noted["metadata"]["generation"], before + counted, "{path}");
        stage.pass(10);
        assert_eq!(
            stage.get(&path)["metadata"]["generation"],
            before + counted,
            "controllers write the status"
        );
    }
}

#[test]
fn who_writes_through_the_scale_subresource_does_so_at_no_time() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    let path = format!("{DEPLOYMENTS}/web");
    stage.patch(200, &format!("{path}/scale?fieldManager=person"), MERGE, &json!({"spec": {"replicas": 2}}));
    let web = stage.get(&path);
    let entries = web["metadata"]["managedFields"].as_array().unwrap();
    let person = entries.iter().find(|one| one["manager"] == "person").unwrap();
    assert_eq!((&person["subresource"], person.get("time")), (&json!("scale"), None));
    let others = entries.iter().filter(|one| one["manager"] != "person");
    assert!(others.into_iter().all(|one| one["time"].is_string()), "{entries:#?}");
}

#[test]
fn who_writes_the_same_field_again_does_so_at_a_new_time() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    let path = format!("{DEPLOYMENTS}/web");
    let mut time_of = |replicas: i64, media: &str, how: &str| {
        let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": replicas}});
        stage.patch(200, &format!("{path}?fieldManager=argo{how}"), media, &body);
        stage.pass(60);
        let web = stage.get(&path);
        let mut entries = web["metadata"]["managedFields"].as_array().unwrap().iter();
        entries.find(|one| one["manager"] == "argo").unwrap()["time"].as_str().unwrap().to_owned()
    };
    let (first, second) = (time_of(2, MERGE, ""), time_of(3, MERGE, ""));
    assert!(second > first, "{first}, {second}");
    let (third, fourth, again) =
        (time_of(4, APPLY, "&force=true"), time_of(5, APPLY, ""), time_of(5, APPLY, ""));
    assert!(fourth >= third && again == fourth, "{third}, {fourth}, {again}");
}

#[test]
fn a_dry_run_answers_and_keeps_nothing() {
    let mut stage = Stage::new();
    let before = stage.cluster.version();
    let made = stage.expect(201, "POST", &format!("{DEPLOYMENTS}?dryRun=All"), &deployment("web", 2));
    assert_eq!(made["spec"]["strategy"]["type"], "RollingUpdate", "defaults are filled in");
    assert_eq!(stage.cluster.version(), before);
    stage.expect(404, "GET", &format!("{DEPLOYMENTS}/web"), &json!(null));
}

#[test]
fn what_is_wrong_is_refused_field_by_field() {
    let mut stage = Stage::new();
    let mut wrong = deployment("Web", -1);
    wrong["spec"]["template"]["metadata"]["labels"]["app"] = json!("other");
    let refusal = stage.expect(422, "POST", DEPLOYMENTS, &wrong);
    let fields: Vec<_> = refusal["details"]["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| cause["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["metadata.name", "spec.replicas", "spec.template.metadata.labels"]);
    let typed = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"replicas": "2"}});
    assert_eq!(stage.expect(400, "POST", DEPLOYMENTS, &typed)["reason"], "BadRequest");
}

#[test]
fn unknown_fields_are_refused_told_or_passed_over() {
    let mut stage = Stage::new();
    let mut body = deployment("web", 1);
    body["spec"]["replcas"] = json!(3);
    let strict = stage.expect(400, "POST", &format!("{DEPLOYMENTS}?fieldValidation=Strict"), &body);
    assert_eq!(strict["message"], "strict decoding error: unknown field \"spec.replcas\"");
    let answer = stage.ask(&Request::of("POST", &format!("{DEPLOYMENTS}?fieldValidation=Warn"), &body));
    assert!(
        answer
            .headers
            .contains(&("warning".to_owned(), "299 - \"unknown field \\\"spec.replcas\\\"\"".to_owned()))
    );
}

#[test]
fn objects_need_a_namespace_that_is_open() {
    let mut stage = Stage::new();
    let refusal = stage.expect(404, "POST", "/api/v1/namespaces/gone/configmaps", &config("a", &json!({})));
    assert_eq!(refusal["message"], "namespaces \"gone\" not found");
}

#[test]
fn generated_names_differ() {
    let mut stage = Stage::new();
    let mut body = config("", &json!({}));
    body["metadata"] = json!({"generateName": "run-"});
    let (one, other) = (stage.expect(201, "POST", CONFIGS, &body), stage.expect(201, "POST", CONFIGS, &body));
    assert!(one["metadata"]["name"].as_str().unwrap().starts_with("run-"));
    assert_ne!(one["metadata"]["name"], other["metadata"]["name"]);
}

#[test]
fn annotations_have_names_and_are_not_too_long_all_together() {
    let mut stage = Stage::new();
    stage.expect(201, "POST", CONFIGS, &config("a", &json!({})));
    let mut note = |key: &str, text: &str| {
        let patch =
            Request::of("PATCH", &format!("{CONFIGS}/a"), &json!({"metadata": {"annotations": {key: text}}}));
        stage.ask(&patch.typed(MERGE)).status
    };
    assert_eq!(note("tidecast.dev/reason", "any text: even this, with a comma"), 200);
    assert_eq!(note("tidecast.dev/re ason", "x"), 422);
    assert_eq!(note("/reason", "x"), 422);
    assert_eq!(note("tidecast.dev/long", &"x".repeat(256 << 10)), 422);
}

#[test]
fn what_a_pod_costs_to_delete_is_a_plain_number() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    stage.pass(10);
    let pods = stage.get("/api/v1/namespaces/default/pods");
    let name = pods["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    let mut cost = |told: &str| {
        let notes =
            json!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": told}}});
        stage
            .ask(
                &Request::of("PATCH", &format!("/api/v1/namespaces/default/pods/{name}"), &notes)
                    .typed(MERGE),
            )
            .status
    };
    assert_eq!([cost("-1000"), cost("-2147483647"), cost("0")], [200, 200, 200]);
    assert_eq!([cost("+1"), cost("007"), cost("2147483648"), cost("cheap")], [422; 4]);
}
