use tidecast::scaler::Scaler;
use tidecast::scaler::kubernetes::rights::Feature::{Events, HpaFloor, Observe, Rollouts, Scale};

use super::decisions::grow;
use super::place::{Place, autoscaler, jiff_now, workload};

/// The server tells times in whole seconds: what happens one after the other is to be seen as such.
async fn a_second() {
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
}

#[tokio::test(flavor = "multi_thread")] // F22
async fn holds_when_a_person_scales_by_hand_again() {
    let place = Place::open("person", &[Observe, Scale, Events]).await;
    place.deployment("web", 1).await;
    let hand = place.hand("Deployment", "web");
    hand.carry_out(&grow(1, 1, 3)).await.unwrap();
    a_second().await;
    place.run(&["scale", "deployment", "web", "--replicas=1"]);
    let seen = place.until_seen(&hand, "one is ordered", |seen| seen.ordered.get() == 1).await;
    assert_eq!(seen.foreign, None, "once is no fight");
    hand.carry_out(&grow(2, 1, 3)).await.unwrap();
    assert!(
        place.get("deployment", "web")["metadata"]["annotations"]["tidecast.dev/contested-by"].is_string()
    );
    a_second().await;
    place.run(&["scale", "deployment", "web", "--replicas=1"]);
    let seen = place.until_seen(&hand, "somebody else writes", |seen| seen.foreign.is_some()).await;
    let foreign = seen.foreign.unwrap();
    assert!(foreign.starts_with("a person with kubectl scale (field manager kubectl"), "{foreign}");
    let refused = hand.carry_out(&grow(3, 1, 3)).await.unwrap_err();
    assert!(refused.to_string().contains("a person with kubectl"), "{refused}");
    assert_eq!(place.replicas("deployment", "web"), 1);
    // It is remembered on the object: a process that has just begun knows it as well.
    let new = place.hand("Deployment", "web").sight(jiff_now()).await.unwrap().unwrap();
    assert!(new.foreign.is_some(), "{new:?}");
}

#[tokio::test(flavor = "multi_thread")] // F22: of kinds of one's own, not every server records who has scaled them
async fn holds_when_a_person_scales_a_kind_of_ones_own_again() {
    let place = Place::open("person-own", &[Observe, Scale, Events, Rollouts]).await;
    if !place.serves("rollouts.v1alpha1.argoproj.io") {
        return;
    }
    place.apply(&workload("Rollout", "web", 1));
    let hand = place.hand("Rollout", "web");
    for turn in 1..=2 {
        a_second().await;
        hand.carry_out(&grow(turn, 1, 3)).await.unwrap();
        a_second().await;
        place.run(&["scale", "rollouts.argoproj.io", "web", "--replicas=1"]);
        place.until_seen(&hand, "one is ordered", |seen| seen.ordered.get() == 1).await;
    }
    let seen = place.until_seen(&hand, "somebody else writes", |seen| seen.foreign.is_some()).await;
    assert!(hand.carry_out(&grow(3, 1, 3)).await.is_err(), "{seen:?}");
    assert_eq!(place.replicas("rollouts.argoproj.io", "web"), 1);
}

#[tokio::test(flavor = "multi_thread")] // F22
async fn holds_when_gitops_applies_its_own_number_again() {
    let place = Place::open("gitops", &[Observe, Scale, Events]).await;
    place.deployment("web", 1).await;
    let hand = place.hand("Deployment", "web");
    for turn in 1..=2 {
        a_second().await;
        hand.carry_out(&grow(turn, 1, 2)).await.unwrap();
        a_second().await;
        place.apply(&workload("Deployment", "web", 1));
        place.until_seen(&hand, "one is ordered", |seen| seen.ordered.get() == 1).await;
    }
    let foreign = hand.sight(jiff_now()).await.unwrap().unwrap().foreign.unwrap();
    assert!(foreign.starts_with("kubectl apply, by a person or a pipeline"), "{foreign}");
}

#[tokio::test(flavor = "multi_thread")] // F22
async fn holds_when_somebody_keeps_changing_the_floor() {
    let place = Place::open("floor", &[Observe, HpaFloor, Events]).await;
    place.deployment("web", 1).await;
    place.apply(&autoscaler("web", 1, 9));
    let hand = place.hand("Deployment", "web");
    let patch = r#"{"spec":{"minReplicas":1}}"#;
    for turn in 1..=2 {
        a_second().await;
        hand.carry_out(&grow(turn, 1, 2)).await.unwrap();
        a_second().await;
        place.run(&["patch", "hpa", "web", "--type=merge", "-p", patch, "--field-manager=argocd-controller"]);
        place.until_seen(&hand, "the floor is one", |seen| seen.ordered.get() == 1).await;
    }
    let foreign = hand.sight(jiff_now()).await.unwrap().unwrap().foreign.unwrap();
    assert_eq!(foreign, "Argo CD (field manager argocd-controller)");
    assert!(hand.carry_out(&grow(3, 1, 2)).await.is_err());
    assert_eq!(place.get("hpa", "web")["spec"]["minReplicas"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_while_the_hpa_is_paused() {
    let place = Place::open("paused", &[Observe, HpaFloor, Events]).await;
    place.deployment("web", 1).await;
    place.apply(&autoscaler("web", 1, 9));
    place.run(&["scale", "deployment", "web", "--replicas=0"]);
    let hand = place.hand("Deployment", "web");
    let seen = place.until_seen(&hand, "it is paused", |seen| seen.foreign.is_some()).await;
    assert!(seen.foreign.unwrap().contains("which pauses its HPA web"));
}
