use serde_json::{Value, json};
use tidecast_world::kubernetes::{Fault, Request, Rewriter, Strike};

use crate::common::{CONFIGS, DEPLOYMENTS, MERGE, Stage, config};

#[test] // F26
fn a_storm_of_conflicts_passes() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    stage.cluster.faults.strikes.push(Strike::all(Fault::Conflict).at("/deployments").times(2));
    let path = format!("{DEPLOYMENTS}/web");
    stage.get(&path);
    for status in [409, 409, 200] {
        stage.patch(status, &path, MERGE, &json!({"spec": {"replicas": 2}}));
    }
}

#[test]
fn too_many_requests_say_when_to_come_again() {
    let mut stage = Stage::new();
    stage.cluster.faults.strikes.push(Strike::all(Fault::TooManyRequests { retry_after: 7 }));
    let answer = stage.ask(&Request::of("GET", CONFIGS, &Value::Null));
    assert_eq!(answer.status, 429);
    assert!(answer.headers.contains(&("retry-after".to_owned(), "7".to_owned())));
    assert_eq!(answer.value()["details"]["retryAfterSeconds"], 7);
}

#[test] // F25
fn a_lost_answer_leaves_the_deed_done() {
    let mut stage = Stage::new();
    stage.cluster.faults.strikes.push(Strike::all(Fault::LostReply).times(1));
    assert_eq!(stage.expect(504, "POST", CONFIGS, &config("a", &json!({})))["reason"], "Timeout");
    stage.get(&format!("{CONFIGS}/a"));
}

#[test]
fn a_share_of_requests_fails() {
    let mut stage = Stage::new();
    stage.cluster.faults.strikes.push(Strike::all(Fault::Failure(503)).for_share(0.4));
    let failed =
        (0..500).filter(|_| stage.ask(&Request::of("GET", CONFIGS, &Value::Null)).status == 503).count();
    assert!((150..250).contains(&failed), "{failed} of 500");
    stage.cluster.faults.heal();
    stage.get(CONFIGS);
}

#[test]
fn admission_refuses_with_its_own_words() {
    let mut stage = Stage::new();
    stage.deploy("web", 1);
    stage.cluster.faults.refused.push(("deployments".to_owned(), "no changes on Fridays".to_owned()));
    let refusal =
        stage.patch(403, &format!("{DEPLOYMENTS}/web/scale"), MERGE, &json!({"spec": {"replicas": 2}}));
    assert_eq!(
        refusal["message"],
        "admission webhook \"policy.example.com\" denied the request: no changes on Fridays"
    );
}

#[test]
fn watches_drop_and_forget() {
    let mut stage = Stage::new();
    let mut dropped = stage.watch(&format!("{CONFIGS}?watch=true"));
    stage.cluster.faults.watches_end_before = Some(stage.now + jiff::SignedDuration::from_secs(1));
    _ = dropped.next(&stage.cluster, stage.now);
    assert!(dropped.has_ended());
    stage.cluster.faults.heal();
    let mut gone = stage.watch(&format!("{CONFIGS}?watch=true"));
    stage.cluster.faults.watches_gone = true;
    assert_eq!(stage.events(&mut gone), ["ERROR Expired"]);
}

#[test] // F22
fn a_foreign_writer_insists_and_is_named() {
    let mut stage = Stage::new();
    stage.deploy("web", 2);
    stage.cluster.faults.rewriters.push(Rewriter {
        manager: "argocd-controller".to_owned(),
        resource: "deployments.apps".to_owned(),
        namespace: "default".to_owned(),
        name: "web".to_owned(),
        field: "/spec/replicas".to_owned(),
        value: json!(2),
        every: 10,
        due: None,
    });
    stage.patch(
        200,
        &format!("{DEPLOYMENTS}/web/scale?fieldManager=tidecast"),
        MERGE,
        &json!({"spec": {"replicas": 5}}),
    );
    stage.pass(11);
    assert_eq!(stage.size("web"), 2);
    let now = stage.get(&format!("{DEPLOYMENTS}/web"));
    let owner = now["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["fieldsV1"]["f:spec"].get("f:replicas").is_some());
    assert_eq!(owner.unwrap()["manager"], "argocd-controller");
}
