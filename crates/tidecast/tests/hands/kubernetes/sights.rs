use tidecast::scaler::Scaler;
use tidecast::scaler::kubernetes::rights::Feature::{Events, Observe, Scale};
use tidecast_pilot::{Evidence, Lessons, Phase, Sighting, learn_fleet};

use super::decisions::{grow, shrink};
use super::place::{Place, jiff_now};

#[tokio::test(flavor = "multi_thread")] // B6
async fn learns_how_long_pods_take_to_start() {
    let place = Place::open("start", &[Observe, Scale, Events]).await;
    place.deployment("web", 1).await;
    let hand = place.hand("Deployment", "web");
    hand.carry_out(&grow(1, 1, 3)).await.unwrap();
    // A node's clock may be a little ahead of ours, and what is ready tomorrow is not learned from today.
    let learned =
        |seen: &Sighting| learn_fleet(&Lessons::default(), seen, &Evidence::default()).start_ups.len();
    let seen = place.until_seen(&hand, "three serve, and that is learned", |seen| {
        seen.serving.get() == 3 && learned(seen) == 3
    });
    let seen = seen.await;
    for (pod, node) in place.list("pods").iter().zip(&seen.nodes) {
        let created: jiff::Timestamp =
            pod["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
        let conditions = pod["status"]["conditions"].as_array().unwrap();
        let ready = conditions.iter().find(|one| one["type"] == "Ready").unwrap();
        let ready: jiff::Timestamp = ready["lastTransitionTime"].as_str().unwrap().parse().unwrap();
        assert_eq!((node.launched, node.ready), (created, Some(ready)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_pods_apart_from_those_of_others() {
    let place = Place::open("apart", &[Observe]).await;
    place.deployment("web", 2).await;
    place.deployment("api", 1).await;
    let cluster = place.cluster();
    let web = place.hand_in(cluster.clone(), "Deployment", "web");
    let api = place.hand_in(cluster, "Deployment", "api");
    let (web, api) =
        (web.sight(jiff_now()).await.unwrap().unwrap(), api.sight(jiff_now()).await.unwrap().unwrap());
    assert_eq!((web.nodes.len(), api.nodes.len()), (2, 1));
    assert!(web.nodes.iter().all(|node| node.name.0.starts_with("web-") && node.phase == Phase::Serving));
}

#[tokio::test(flavor = "multi_thread")]
async fn follows_what_happens_without_asking_again() {
    let place = Place::open("watch", &[Observe, Scale, Events]).await;
    place.deployment("web", 2).await;
    let hand = place.hand("Deployment", "web");
    place.until_seen(&hand, "two serve", |seen| seen.serving.get() == 2).await;
    let before = place.fake.as_ref().map(|fake| fake.state().requests.len());
    for _ in 0..50 {
        hand.sight(jiff_now()).await.unwrap();
    }
    if let (Some(fake), Some(before)) = (&place.fake, before) {
        let asked: Vec<_> = fake.state().requests[before..]
            .iter()
            .filter(|one| one.contains("tidecast-test-watch"))
            .cloned()
            .collect();
        assert!(asked.len() <= 4, "fifty looks asked {asked:#?}");
    }
    hand.carry_out(&shrink(1, 2, 1)).await.unwrap();
    place.until_seen(&hand, "one is left", |seen| seen.nodes.len() == 1 && seen.ordered.get() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asks_for_a_thousand_workloads_as_often_as_for_one() {
    let place = Place::open("thousand", &[Observe]).await;
    place.deployment("web", 1).await;
    let cluster = place.cluster();
    let hands: Vec<_> = (0..1_000).map(|_| place.hand_in(cluster.clone(), "Deployment", "web")).collect();
    let before = place.fake.as_ref().map_or(0, |fake| fake.state().requests.len());
    for hand in &hands {
        let seen = hand.sight(jiff_now()).await.unwrap().unwrap();
        assert_eq!((seen.ordered.get(), seen.nodes.len()), (1, 1));
    }
    if let Some(fake) = &place.fake {
        let asked = fake.state().requests[before..].to_vec();
        // A list and a watch, for Deployments, Pods, HPAs and ScaledObjects; a watch may be begun anew meanwhile.
        assert!(asked.len() <= 12, "{asked:#?}");
    }
}
