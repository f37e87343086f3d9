use serde_json::{Value, json};
use tidecast::scaler::kubernetes::rights::Feature::{Events, Fleets, Observe, Rollouts, Scale};
use tidecast::scaler::{Receipt, Scaler};

use super::decisions::{grow, shrink};
use super::place::{Place, fleet, workload};

fn note<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"]["annotations"][format!("tidecast.dev/{key}")].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")] // S6, B8
async fn sizes_a_deployment_through_its_scale_subresource() {
    let place = Place::open("scale", &[Observe, Scale, Events]).await;
    place.deployment("web", 2).await;
    let hand = place.hand("Deployment", "web");
    let receipt = hand.carry_out(&grow(1, 2, 4)).await.unwrap();
    assert_eq!(receipt.to_string(), "replicas of Deployment web set from 2 to 4");
    let web = place.get("deployment", "web");
    assert_eq!(web["spec"]["replicas"], 4);
    assert_eq!([note(&web, "turn"), note(&web, "size"), note(&web, "workload")], ["1", "4", "shop/web"]);
    assert!(!note(&web, "reason").is_empty());
    place.until_seen(&hand, "four serve", |seen| seen.serving.get() == 4 && seen.ordered.get() == 4).await;

    hand.carry_out(&shrink(2, 4, 3)).await.unwrap();
    let web = place.get("deployment", "web");
    assert_eq!((&web["spec"]["replicas"], note(&web, "turn")), (&json!(3), "2"));
    place.until_seen(&hand, "three are left", |seen| seen.nodes.len() == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owns_what_it_writes_under_its_own_name() {
    let place = Place::open("owns", &[Observe, Scale, Events]).await;
    place.deployment("web", 1).await;
    place.hand("Deployment", "web").carry_out(&grow(1, 1, 2)).await.unwrap();
    let web = place.get("deployment", "web");
    let entries = web["metadata"]["managedFields"].as_array().unwrap();
    let ours = |pointer: &str| {
        entries.iter().any(|one| one["manager"] == "tidecast" && one["fieldsV1"].pointer(pointer).is_some())
    };
    assert!(ours("/f:spec/f:replicas"), "{entries:#?}");
    assert!(ours("/f:metadata/f:annotations/f:tidecast.dev~1turn"), "{entries:#?}");
    let others = entries.iter().filter(|one| one["manager"] != "tidecast");
    assert!(
        others.into_iter().all(|one| one["fieldsV1"].pointer("/f:spec/f:replicas").is_none()),
        "{entries:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_a_stateful_set() {
    let place = Place::open("stateful", &[Observe, Scale, Events]).await;
    place.apply(&workload("StatefulSet", "db", 1));
    let hand = place.hand("StatefulSet", "db");
    hand.carry_out(&grow(1, 1, 3)).await.unwrap();
    let seen = place.until_seen(&hand, "three serve", |seen| seen.serving.get() == 3).await;
    let names: Vec<_> = seen.nodes.iter().map(|node| node.name.0.as_str()).collect();
    assert_eq!(names, ["db-0", "db-1", "db-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn does_nothing_the_second_time() {
    let place = Place::open("again", &[Observe, Scale, Events]).await;
    place.deployment("web", 1).await;
    let hand = place.hand("Deployment", "web");
    let decision = grow(1, 1, 2);
    hand.carry_out(&decision).await.unwrap();
    place.until("two are ready", || place.get("deployment", "web")["status"]["readyReplicas"] == 2).await;
    let before = by_others_than_controllers(place.get("deployment", "web"));
    let again = hand.carry_out(&decision).await.unwrap();
    assert!(
        matches!(&again, Receipt::Done(said) if said.contains("is 2, as this turn has written already")),
        "{again}"
    );
    assert_eq!(by_others_than_controllers(place.get("deployment", "web")), before);
}

/// An object without what its controller writes whenever it likes; when everybody else has written last stays in it.
fn by_others_than_controllers(mut object: Value) -> Value {
    object["status"].take();
    object["metadata"]["resourceVersion"].take();
    let entries = object["metadata"]["managedFields"].as_array_mut().expect("somebody has made it");
    entries.retain(|entry| entry["manager"] != "kube-controller-manager");
    object
}

#[tokio::test(flavor = "multi_thread")] // B1
async fn tells_each_change_as_an_event() {
    let place = Place::open("events", &[Observe, Scale, Events]).await;
    place.deployment("web", 1).await;
    let hand = place.hand("Deployment", "web");
    hand.carry_out(&grow(7, 1, 2)).await.unwrap();
    let told = || {
        let events = place.list("events.events.k8s.io");
        events
            .into_iter()
            .filter(|event| event["reportingController"] == "tidecast.dev/tidecast")
            .collect::<Vec<_>>()
    };
    let events = told();
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!((&events[0]["reason"], &events[0]["regarding"]["name"]), (&json!("ScaledOut"), &json!("web")));
    let said = events[0]["note"].as_str().unwrap();
    assert!(said.starts_with("turn 7: replicas of Deployment web set from 1 to 2, because "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_a_repeated_refusal_as_one_series() {
    let place = Place::open("series", &[Observe, Scale, Events]).await;
    place.deployment("web", 1).await;
    let hand = place.hand("Deployment", "web");
    place.run(&["scale", "deployment", "web", "--replicas=3"]);
    for turn in 1..=3 {
        // Decided where one stood, and three stand there now.
        hand.carry_out(&shrink(turn, 1, 0)).await.unwrap_err();
    }
    let events = place.list("events.events.k8s.io");
    let refused: Vec<_> = events.iter().filter(|event| event["reason"] == "NotCarriedOut").collect();
    assert_eq!(refused.len(), 1, "{refused:#?}");
    assert_eq!(refused[0]["series"]["count"], 3, "{refused:#?}");
    assert_eq!(place.replicas("deployment", "web"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_is_missing() {
    let place = Place::open("missing", &[Observe, Scale, Events]).await;
    let gone = place.hand("Deployment", "nowhere").sight(super::place::jiff_now()).await.unwrap_err();
    assert_eq!(gone.kind(), "missing", "{gone}");
    assert!(
        gone.to_string().ends_with(&format!("has no Deployment nowhere in namespace {}", place.namespace)),
        "{gone}"
    );
    let kind = place.hand("Pinwheel", "x").sight(super::place::jiff_now()).await.unwrap_err();
    assert!(
        kind.to_string().contains("has no API tests.tidecast.dev/v1")
            || kind.to_string().contains("has no kind Pinwheel"),
        "{kind}"
    );
}

#[tokio::test(flavor = "multi_thread")] // B8
async fn sizes_a_kind_of_ones_own_by_discovery() {
    let place = Place::open("custom", &[Observe, Scale, Events, Rollouts]).await;
    if !place.serves("rollouts.v1alpha1.argoproj.io") {
        return;
    }
    place.apply(&workload("Rollout", "web", 2));
    let hand = place.hand("Rollout", "web");
    hand.carry_out(&grow(1, 2, 5)).await.unwrap();
    let web = place.get("rollouts.argoproj.io", "web");
    assert_eq!((&web["spec"]["replicas"], note(&web, "turn")), (&json!(5), "1"));
    place.until_seen(&hand, "five are ordered", |seen| seen.ordered.get() == 5).await;
}

#[tokio::test(flavor = "multi_thread")] // B8
async fn sizes_a_fleet_of_game_servers() {
    let place = Place::open("fleet", &[Observe, Scale, Events, Fleets]).await;
    if !place.serves("fleets.v1.agones.dev") {
        return;
    }
    place.apply(&fleet("lobby", 2));
    let hand = place.hand("Fleet", "lobby");
    let receipt = hand.carry_out(&grow(1, 2, 4)).await.unwrap();
    assert_eq!(receipt.to_string(), "replicas of Fleet lobby set from 2 to 4");
    let lobby = place.get("fleets.agones.dev", "lobby");
    assert_eq!(
        (&lobby["spec"]["replicas"], note(&lobby, "turn"), note(&lobby, "size")),
        (&json!(4), "1", "4")
    );
    place.until_seen(&hand, "four are ordered", |seen| seen.ordered.get() == 4).await;
    hand.carry_out(&shrink(2, 4, 3)).await.unwrap();
    let scale = place.run(&["get", "fleets.agones.dev", "lobby", "--subresource=scale", "-o", "json"]);
    let scale: Value = serde_json::from_str(&scale).unwrap();
    assert_eq!(scale["spec"]["replicas"], 3);
}
