use serde_json::{Value, json};
use tidecast::scaler::Scaler;
use tidecast::scaler::kubernetes::Kubernetes;
use tidecast::scaler::kubernetes::rights::Feature::{Events, HpaFloor, KedaFloor, NodeHeadroom, Observe};
use tidecast_pilot::{Plan, Reason, Size, Step};

use super::decisions::{grow, shrink};
use super::place::{Place, autoscaler, scaled_object};

#[tokio::test(flavor = "multi_thread")] // A7, B8
async fn raises_the_floor_of_an_hpa_by_less_than_its_tolerance() {
    let place = Place::open("hpa", &[Observe, HpaFloor, Events]).await;
    place.deployment("web", 11).await;
    place.apply(&autoscaler("web", 11, 20));
    let hand = place.hand("Deployment", "web");
    let receipt = hand.carry_out(&grow(1, 11, 12)).await.unwrap();
    assert_eq!(receipt.to_string(), "minReplicas of the HPA web set from 11 to 12");
    let hpa = place.get("hpa", "web");
    assert_eq!((&hpa["spec"]["minReplicas"], &hpa["spec"]["maxReplicas"]), (&json!(12), &json!(20)));
    assert_eq!(hpa["metadata"]["annotations"]["tidecast.dev/turn"], "1");
    let seen = place.until_seen(&hand, "twelve serve", |seen| seen.serving.get() == 12).await;
    assert_eq!(seen.ordered, Size(12));
    let web = place.get("deployment", "web");
    assert_eq!(
        web["metadata"]["annotations"]["tidecast.dev/turn"],
        Value::Null,
        "the HPA alone writes replicas"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn is_told_by_the_floor_and_not_by_what_the_hpa_adds() {
    let place = Place::open("adds", &[Observe, HpaFloor, Events]).await;
    place.deployment("web", 4).await;
    place.apply(&autoscaler("web", 2, 9));
    let hand = place.hand("Deployment", "web");
    let seen = place.until_seen(&hand, "the HPA is seen", |seen| seen.ordered == Size(2)).await;
    assert_eq!((seen.serving, seen.foreign), (Size(4), None));
    hand.carry_out(&shrink(1, 2, 1)).await.unwrap();
    assert_eq!(place.get("hpa", "web")["spec"]["minReplicas"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_no_higher_than_the_hpa_lets_it() {
    let place = Place::open("max", &[Observe, HpaFloor, Events]).await;
    place.deployment("web", 2).await;
    place.apply(&autoscaler("web", 2, 3));
    let receipt = place.hand("Deployment", "web").carry_out(&grow(1, 2, 8)).await.unwrap();
    assert_eq!(
        receipt.to_string(),
        "minReplicas of the HPA web set from 2 to 3, not 8: its owner takes 1 to 3"
    );
    assert_eq!(place.get("hpa", "web")["spec"]["minReplicas"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn will_not_choose_between_two_owners() {
    let place = Place::open("two", &[Observe, HpaFloor, Events]).await;
    place.deployment("web", 2).await;
    place.apply(&autoscaler("web", 2, 3));
    let mut second = autoscaler("web", 1, 5);
    second["metadata"]["name"] = "second".into();
    place.apply(&second);
    let hand = place.hand("Deployment", "web");
    let refused = hand.carry_out(&grow(1, 2, 3)).await.unwrap_err();
    assert!(refused.to_string().contains("both size it; take one of them away"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")] // B8
async fn raises_the_floor_of_a_scaled_object() {
    let place = Place::open("keda", &[Observe, KedaFloor, Events]).await;
    if !place.serves("scaledobjects.v1alpha1.keda.sh") {
        return;
    }
    place.deployment("web", 2).await;
    place.apply(&scaled_object("web", 2, 9));
    let by_kind = place.hand("Deployment", "web");
    let receipt = by_kind.carry_out(&grow(1, 2, 3)).await.unwrap();
    assert_eq!(receipt.to_string(), "minReplicaCount of the ScaledObject web set from 2 to 3");
    let by_name = Kubernetes::scaled_object(place.cluster(), "shop/web", &place.namespace, "web");
    by_name.carry_out(&grow(2, 3, 4)).await.unwrap();
    let object = place.get("scaledobjects.keda.sh", "web");
    assert_eq!(
        (&object["spec"]["minReplicaCount"], &object["spec"]["maxReplicaCount"]),
        (&json!(4), &json!(9))
    );
    let seen = place.until_seen(&by_name, "four are ordered", |seen| seen.ordered == Size(4)).await;
    assert_eq!(seen.foreign, None);
    // KEDA hands the floor to its HPA, which it makes in its own time, and that brings the Deployment there.
    let is_handed_on =
        |hpa: &Value| hpa["metadata"]["name"] == "keda-hpa-web" && hpa["spec"]["minReplicas"] == 4;
    place.until("KEDA's HPA has the floor", || place.list("hpa").iter().any(is_handed_on)).await;
    place.until("four are ordered", || place.replicas("deployment", "web") == 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_nodes_ready_for_what_the_plan_orders_next() {
    let place = Place::open("nodes", &[Observe, HpaFloor, Events, NodeHeadroom]).await;
    if !place.serves("capacitybuffers.v1beta1.autoscaling.x-k8s.io") {
        return;
    }
    place.deployment("web", 1).await;
    let hand = place.hand("Deployment", "web").with_headroom(jiff::SignedDuration::from_mins(15));
    let mut decision = grow(1, 1, 1);
    decision.commands.clear();
    let step = |minutes: i64, size: u32| Step {
        at: decision.at + jiff::SignedDuration::from_mins(minutes),
        size: Size(size),
        because: Reason::Standing,
        limits: Vec::new(),
    };
    let plan = Plan { steps: vec![step(0, 1), step(10, 4), step(20, 9)], ..Plan::default() };
    decision.plan = std::sync::Arc::new(plan);
    hand.carry_out(&decision).await.unwrap();
    let buffer = place.get("capacitybuffers.autoscaling.x-k8s.io", "web-tidecast");
    assert_eq!(buffer["spec"]["replicas"], 3);
    assert_eq!(
        buffer["spec"]["scalableRef"],
        json!({ "apiGroup": "apps", "kind": "Deployment", "name": "web" })
    );
    assert_eq!(buffer["metadata"]["ownerReferences"][0]["name"], "web");
}
