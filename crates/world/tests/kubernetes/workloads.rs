use serde_json::{Value, json};
use tidecast_world::kubernetes::Nodes;

use crate::common::{DEPLOYMENTS, MERGE, STRATEGIC, Stage, deployment, template};

#[test] // B6
fn pods_take_their_time_to_become_ready() {
    let mut stage = Stage::new();
    stage.cluster.nodes.start_up = (40.0, 60.0);
    stage.expect(201, "POST", DEPLOYMENTS, &deployment("web", 3));
    stage.pass(39);
    assert_eq!(stage.pods(), (3, 0));
    stage.pass(25);
    assert_eq!(stage.pods(), (3, 3));
    let pod = stage.cluster.list("pods", "default")[0].clone();
    let ready = pod["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["type"] == "Ready")
        .unwrap()
        .clone();
    let since: jiff::Timestamp = ready["lastTransitionTime"].as_str().unwrap().parse().unwrap();
    let made: jiff::Timestamp = pod["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
    assert!((39..=60).contains(&since.duration_since(made).as_secs()));
}

#[test]
fn what_does_not_fit_waits() {
    let mut stage = Stage::new();
    stage.cluster.nodes = Nodes { room: 2, ..Nodes::default() };
    stage.deploy("web", 3);
    assert_eq!(stage.pods(), (3, 2));
    let pending = stage
        .cluster
        .list("pods", "default")
        .into_iter()
        .find(|pod| pod["status"]["phase"] == "Pending")
        .unwrap();
    assert_eq!(pending["status"]["conditions"][0]["reason"], "Unschedulable");
    stage.cluster.nodes.room = 3;
    stage.pass(5);
    assert_eq!(stage.pods(), (3, 3));
}

#[test]
fn a_pod_may_never_become_ready() {
    let mut stage = Stage::new();
    let mut body = deployment("web", 2);
    body["spec"]["template"]["metadata"]["annotations"] = json!({"fake.tidecast.dev/start-up": "never"});
    stage.expect(201, "POST", DEPLOYMENTS, &body);
    stage.pass(600);
    assert_eq!(stage.pods(), (2, 0));
    let status = &stage.get(&format!("{DEPLOYMENTS}/web"))["status"];
    assert_eq!(
        (&status["replicas"], &status["unavailableReplicas"], &status["readyReplicas"]),
        (&json!(2), &json!(2), &Value::Null)
    );
}

#[test]
fn the_cheapest_pods_go_first() {
    let mut stage = Stage::new();
    stage.deploy("web", 4);
    let names: Vec<String> = stage
        .cluster
        .list("pods", "default")
        .iter()
        .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    for (name, cost) in names.iter().zip(["5", "-3", "7", "-1"]) {
        let annotation =
            json!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": cost}}});
        stage.patch(200, &format!("/api/v1/namespaces/default/pods/{name}"), MERGE, &annotation);
    }
    stage.patch(200, &format!("{DEPLOYMENTS}/web"), MERGE, &json!({"spec": {"replicas": 2}}));
    stage.pass(5);
    let left: Vec<_> = stage
        .cluster
        .list("pods", "default")
        .iter()
        .map(|pod| pod["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(left, [&names[0], &names[2]]);
}

#[test]
fn without_a_cost_the_youngest_go_first() {
    let mut stage = Stage::new();
    stage.deploy("web", 2);
    let old: Vec<String> =
        stage.cluster.list("pods", "default").iter().map(|pod| pod["metadata"]["name"].to_string()).collect();
    stage.patch(200, &format!("{DEPLOYMENTS}/web"), MERGE, &json!({"spec": {"replicas": 5}}));
    stage.pass(20);
    stage.patch(200, &format!("{DEPLOYMENTS}/web"), MERGE, &json!({"spec": {"replicas": 2}}));
    stage.pass(5);
    let left: Vec<String> =
        stage.cluster.list("pods", "default").iter().map(|pod| pod["metadata"]["name"].to_string()).collect();
    assert_eq!(left, old);
}

#[test]
fn a_new_template_rolls_out_within_its_bounds() {
    let mut stage = Stage::new();
    stage.deploy("web", 8);
    let image =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "main:2"}]}}}});
    stage.patch(200, &format!("{DEPLOYMENTS}/web"), STRATEGIC, &image);
    for _ in 0..60 {
        stage.pass(1);
        let running = stage
            .cluster
            .list("pods", "default")
            .into_iter()
            .filter(|pod| pod["metadata"].get("deletionTimestamp").is_none());
        let ready =
            running.clone().filter(|pod| pod["status"]["containerStatuses"][0]["ready"] == true).count();
        assert!(running.count() <= 10 && ready >= 6, "a quarter more, and a quarter less, at most");
    }
    let pods = stage.cluster.list("pods", "default");
    assert!(pods.len() == 8 && pods.iter().all(|pod| pod["spec"]["containers"][0]["image"] == "main:2"));
}

#[test]
fn stateful_sets_grow_and_shrink_at_their_end() {
    let mut stage = Stage::new();
    let path = "/apis/apps/v1/namespaces/default/statefulsets";
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
        "spec": {"serviceName": "db", "replicas": 3, "selector": {"matchLabels": {"app": "db"}}, "template": template("db")},
    });
    stage.expect(201, "POST", path, &set);
    let names = |stage: &Stage| {
        stage
            .cluster
            .list("pods", "default")
            .iter()
            .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&stage), ["db-0"], "one after the other");
    stage.pass(15);
    assert_eq!(names(&stage), ["db-0", "db-1", "db-2"]);
    stage.patch(200, &format!("{path}/db/scale"), MERGE, &json!({"spec": {"replicas": 1}}));
    stage.pass(15);
    assert_eq!(names(&stage), ["db-0"]);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = || {
        let mut stage = Stage::new();
        stage.deploy("web", 5);
        stage.patch(200, &format!("{DEPLOYMENTS}/web"), MERGE, &json!({"spec": {"replicas": 2}}));
        stage.pass(5);
        stage.get("/api/v1/namespaces/default/pods").to_string()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_replica_set_is_told_what_is_noted_on_its_deployment() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    stage.patch(200, &format!("{DEPLOYMENTS}/web"), MERGE, &json!({"metadata": {"annotations": {"a": "1"}}}));
    stage.patch(
        200,
        &format!("{DEPLOYMENTS}/web"),
        MERGE,
        &json!({"metadata": {"annotations": {"a": null}}}),
    );
    let set = stage.cluster.list("replicasets.apps", "default")[0].clone();
    assert_eq!(set["metadata"]["annotations"], json!({"a": "1", "deployment.kubernetes.io/revision": "1"}));
}
