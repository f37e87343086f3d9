//! What only a cluster of our own can be told to do wrong.

use std::sync::Arc;
use std::time::Duration;

use tidecast::scaler::kubernetes::rights::Feature::{Events, HpaFloor, Observe, Scale};
use tidecast::scaler::{Receipt, Scaler};
use tidecast_world::kubernetes::{Fault, Strike};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::decisions::grow;
use super::place::{Place, autoscaler, jiff_now, real, skipped};
use crate::cluster::Cluster as Fake;

/// A place in our own cluster; none where a real one is asked.
async fn place(case: &str) -> Option<Place> {
    if real().is_some() {
        skipped("nobody breaks a real cluster on purpose");
        return None;
    }
    Some(Place::open(case, &[Observe, Scale, HpaFloor, Events]).await)
}

fn fake(place: &Place) -> &Fake {
    place.fake.as_ref().unwrap()
}

#[tokio::test(flavor = "multi_thread")] // F26
async fn asks_nothing_for_as_long_as_the_server_wants_patience() {
    let Some(place) = place("patience").await else { return };
    place.deployment("web", 1).await;
    let hand = Arc::new(place.hand("Deployment", "web"));
    hand.sight(jiff_now()).await.unwrap();
    let before = fake(&place).state().requests.len();
    let strike = Strike::all(Fault::TooManyRequests { retry_after: 2 }).by("serviceaccount");
    fake(&place).state().faults.strikes.push(strike);
    let carrying = tokio::spawn({
        let hand = hand.clone();
        async move { hand.carry_out(&grow(1, 1, 2)).await }
    });
    let refused = || {
        let asked = fake(&place).state().requests[before..].to_vec();
        asked.into_iter().filter(|one| one.ends_with(" 429")).collect::<Vec<_>>()
    };
    let begun = Instant::now();
    while refused().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10), "nothing was refused");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_800)).await;
    assert_eq!(refused().len(), 1, "asked on: {:?}", refused());
    fake(&place).state().faults.heal();
    carrying.await.unwrap().unwrap();
    assert_eq!(place.replicas("deployment", "web"), 2);
}

#[tokio::test(flavor = "multi_thread")] // F26
async fn looks_anew_after_a_conflict_and_writes_then() {
    let Some(place) = place("conflict").await else { return };
    place.deployment("web", 1).await;
    let hand = place.hand("Deployment", "web");
    let strike = Strike::all(Fault::Conflict).by("serviceaccount").times(2);
    fake(&place).state().faults.strikes.push(strike);
    hand.carry_out(&grow(1, 1, 2)).await.unwrap();
    assert_eq!(place.replicas("deployment", "web"), 2);
    let asked = fake(&place).state().requests.iter().filter(|one| one.ends_with("/web 409")).count();
    assert_eq!(asked, 2);
}

#[tokio::test(flavor = "multi_thread")] // F18
async fn lists_anew_when_what_its_watch_was_at_is_gone() {
    let Some(place) = place("gone").await else { return };
    place.deployment("web", 1).await;
    let hand = place.hand("Deployment", "web");
    place.until_seen(&hand, "one is ordered", |seen| seen.ordered.get() == 1).await;
    {
        let mut state = fake(&place).state();
        state.compact();
        state.faults.watches_gone = true;
    }
    place.run(&["scale", "deployment", "web", "--replicas=3"]);
    let begun = Instant::now();
    place.until_seen(&hand, "three are ordered", |seen| seen.ordered.get() == 3).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "only after {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")] // S9, F18
async fn does_not_take_pods_that_it_may_not_see_for_none() {
    let Some(place) = place("unseen").await else { return };
    place.deployment("web", 2).await;
    let user = format!("system:serviceaccount:{}:tidecast", place.namespace);
    fake(&place).state().faults.lost_rights.push((user, "*".into(), "pods".into()));
    let seen = place.hand("Deployment", "web").sight(jiff_now()).await.unwrap().unwrap();
    assert!(!seen.complete, "{seen:?}");
    assert_eq!((seen.serving.get(), seen.ordered.get(), seen.nodes.len()), (2, 2, 0));
}

/// Many processes at once, each with a later turn than the one before: the last one decides, and number and marks agree.
async fn many_at_once(place: &Place, what: &str, field: &str) {
    let mut hands = Vec::new();
    for turn in 1..=8 {
        let hand = place.hand("Deployment", "web");
        hand.sight(jiff_now()).await.unwrap();
        hands.push((turn, hand));
    }
    let mut all = JoinSet::new();
    for (turn, hand) in hands {
        all.spawn(async move { (turn, hand.carry_out(&grow(turn, 1, 1 + turn as u32)).await) });
    }
    let mut done = 0;
    for (turn, receipt) in all.join_all().await {
        if matches!(receipt, Ok(Receipt::Done(_))) {
            done = done.max(turn);
        }
    }
    let found = place.get(what, "web");
    let note = |key: &str| found["metadata"]["annotations"][format!("tidecast.dev/{key}")].as_str().unwrap();
    assert!(done > 0 && note("turn").parse::<u64>().unwrap() >= done, "{done}: {found:#}");
    assert_eq!(note("size"), found["spec"][field].to_string(), "{found:#}");
}

#[tokio::test(flavor = "multi_thread")] // F24
async fn keeps_number_and_marks_together_when_many_write_at_once() {
    let Some(place) = place("many").await else { return };
    place.deployment("web", 1).await;
    many_at_once(&place, "deployment", "replicas").await;
}

#[tokio::test(flavor = "multi_thread")] // F24
async fn keeps_floor_and_marks_together_when_many_write_at_once() {
    let Some(place) = place("many-floors").await else { return };
    place.deployment("web", 1).await;
    place.apply(&autoscaler("web", 1, 20));
    many_at_once(&place, "hpa", "minReplicas").await;
}
