use jiff::SignedDuration;
use tidecast::scaler::kubernetes::rights::Feature::{Events, HpaFloor, Observe, Scale};
use tidecast::scaler::{Receipt, Scaler};

use super::decisions::{grow, shrink};
use super::place::{Place, autoscaler};

#[tokio::test(flavor = "multi_thread")] // F24
async fn lets_no_older_turn_through_whoever_comes_with_it() {
    let place = Place::open("fence", &[Observe, Scale, Events]).await;
    place.deployment("web", 2).await;
    let late = shrink(8, 2, 1);
    place.hand("Deployment", "web").carry_out(&grow(9, 2, 3)).await.unwrap();
    // Another process, or the same after a restart, with a decision that was made before.
    let other = place.hand("Deployment", "web");
    assert_eq!(other.carry_out(&late).await.unwrap(), Receipt::Overtaken { by: 9 });
    assert_eq!(place.replicas("deployment", "web"), 3);
    other.carry_out(&grow(10, 3, 4)).await.unwrap();
    assert_eq!(place.replicas("deployment", "web"), 4);
}

#[tokio::test(flavor = "multi_thread")] // F24
async fn lets_no_older_turn_through_to_a_floor() {
    let place = Place::open("fence-floor", &[Observe, HpaFloor, Events]).await;
    place.deployment("web", 2).await;
    place.apply(&autoscaler("web", 2, 9));
    place.hand("Deployment", "web").carry_out(&grow(9, 2, 3)).await.unwrap();
    let late = place.hand("Deployment", "web").carry_out(&shrink(8, 3, 1)).await.unwrap();
    assert_eq!(late, Receipt::Overtaken { by: 9 });
    assert_eq!(place.get("hpa", "web")["spec"]["minReplicas"], 3);
}

#[tokio::test(flavor = "multi_thread")] // F24
async fn does_not_act_on_what_was_decided_long_ago() {
    let place = Place::open("old", &[Observe, Scale, Events]).await;
    place.deployment("web", 2).await;
    let mut decision = grow(1, 2, 3);
    decision.at -= SignedDuration::from_mins(6);
    let refused = place.hand("Deployment", "web").carry_out(&decision).await.unwrap_err();
    assert!(refused.to_string().contains("turn 1 was decided 36"), "{refused}");
    assert_eq!(place.replicas("deployment", "web"), 2);
}

#[tokio::test(flavor = "multi_thread")] // I4
async fn takes_no_more_away_than_was_decided() {
    let place = Place::open("paced", &[Observe, Scale, Events]).await;
    place.deployment("web", 2).await;
    let decision = shrink(1, 2, 1);
    place.run(&["scale", "deployment", "web", "--replicas=5"]);
    let refused = place.hand("Deployment", "web").carry_out(&decision).await.unwrap_err();
    assert!(
        refused.to_string().contains("5 stand there now, and it was decided to shrink 2 to 1"),
        "{refused}"
    );
    assert_eq!(place.replicas("deployment", "web"), 5);
}

#[tokio::test(flavor = "multi_thread")] // I6
async fn lets_only_one_workload_size_a_target() {
    let place = Place::open("one", &[Observe, Scale, Events]).await;
    place.deployment("web", 1).await;
    place.hand("Deployment", "web").carry_out(&grow(1, 1, 2)).await.unwrap();
    let other = tidecast::scaler::kubernetes::Kubernetes::target(
        place.cluster(),
        "shop/other",
        &place.namespace,
        "apps/v1",
        "Deployment",
        "web",
    );
    let refused = other.carry_out(&grow(50, 2, 4)).await.unwrap_err();
    assert!(refused.to_string().contains("the workload shop/web of tidecast sizes it"), "{refused}");
    assert_eq!(place.replicas("deployment", "web"), 2);
}
