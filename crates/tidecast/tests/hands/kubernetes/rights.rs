use tidecast::scaler::Scaler;
use tidecast::scaler::kubernetes::rights::Feature::{Events, HpaFloor, Observe, Scale};

use super::decisions::{grow, observed};
use super::place::{Place, autoscaler, jiff_now};

#[tokio::test(flavor = "multi_thread")] // S9, B2
async fn observes_with_rights_to_read_only() {
    let place = Place::open("observe", &[Observe]).await;
    place.deployment("web", 2).await;
    place.apply(&autoscaler("web", 1, 9));
    let hand = place.hand("Deployment", "web");
    let seen =
        place.until_seen(&hand, "two serve", |seen| seen.serving.get() == 2 && seen.ordered.get() == 1).await;
    assert!(seen.complete && seen.nodes.len() == 2, "{seen:?}");
    let receipt = hand.carry_out(&observed(grow(1, 1, 3))).await.unwrap();
    assert_eq!(receipt.to_string(), "shown, not carried out");
    assert_eq!(place.get("hpa", "web")["spec"]["minReplicas"], 1);
    assert!(
        place
            .list("events.events.k8s.io")
            .iter()
            .all(|one| one["reportingController"] != "tidecast.dev/tidecast")
    );
}

#[tokio::test(flavor = "multi_thread")] // S9
async fn says_which_rule_to_add() {
    let place = Place::open("rule", &[Observe]).await;
    place.deployment("web", 1).await;
    let hand = place.hand("Deployment", "web");
    let refused = hand.carry_out(&grow(1, 1, 2)).await.unwrap_err();
    assert_eq!(refused.kind(), "forbidden");
    let said = refused.to_string();
    assert!(
        said.contains("add the rule {apiGroups: [apps], resources: [deployments], verbs: [patch]}"),
        "{said}"
    );
    place.grant_instead(&[Observe, Scale, Events]);
    // A real cluster takes a moment until a right is in force; where another service is asked, its refusals are kept for a while.
    let begun = tokio::time::Instant::now();
    while let Err(refused) = hand.carry_out(&grow(2, 1, 2)).await {
        assert!(refused.kind() == "forbidden" && begun.elapsed().as_secs() < 90, "{refused}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(place.replicas("deployment", "web"), 2);
}

#[tokio::test(flavor = "multi_thread")] // S9
async fn says_when_it_may_not_see_who_owns_the_size() {
    let place = Place::open("blind", &[Scale, Events]).await;
    place.deployment("web", 1).await;
    let refused = place.hand("Deployment", "web").sight(jiff_now()).await.unwrap_err();
    assert_eq!(refused.kind(), "forbidden", "{refused}");
    assert!(refused.to_string().contains("verbs: [get]"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")] // S9
async fn writes_floors_without_a_right_to_the_deployment() {
    let place = Place::open("floor-only", &[Observe, HpaFloor, Events]).await;
    place.deployment("web", 1).await;
    place.apply(&autoscaler("web", 1, 9));
    place.hand("Deployment", "web").carry_out(&grow(1, 1, 2)).await.unwrap();
    assert_eq!(place.get("hpa", "web")["spec"]["minReplicas"], 2);
}
