use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tidecast::scaler::kubernetes::rights::Feature::{Drain, Events, Observe, Scale};
use tidecast::scaler::{Scaler, Tally};
use tidecast_pilot::{Command, Phase};

use super::decisions::{decided, grow, named};
use super::place::{Place, jiff_now};
use crate::counted::Counted;

/// What a Pod's own sidecar would write.
fn tell_sessions(place: &Place, pod: &str, count: u32) {
    let at = format!("tidecast.dev/sessions-at={}", jiff_now());
    place.run(&["annotate", "--overwrite", "pod", pod, &format!("tidecast.dev/sessions={count}"), &at]);
}

fn names(pods: &[Value]) -> Vec<String> {
    pods.iter()
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
        .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")] // D1, D3.1, D3.2
async fn ends_the_pod_that_was_drained_once_it_is_empty() {
    let place = Place::open("drain", &[Observe, Scale, Events, Drain]).await;
    place.deployment("sfu", 3).await;
    let hand = place.hand("Deployment", "sfu");
    let oldest = names(&place.list("pods")).remove(0);
    hand.carry_out(&decided(1, 3, vec![Command::Drain { node: named(&oldest) }])).await.unwrap();
    let seen = place
        .until_seen(&hand, "it drains", |seen| {
            seen.nodes
                .iter()
                .any(|node| node.name.0 == oldest && matches!(node.phase, Phase::Draining { .. }))
        })
        .await;
    assert_eq!((seen.serving.get(), seen.ordered.get()), (2, 3));

    tell_sessions(&place, &oldest, 2);
    let end = |turn| decided(turn, 3, vec![Command::Terminate { node: named(&oldest) }]);
    let refused = hand.carry_out(&end(2)).await.unwrap_err();
    assert!(refused.to_string().contains(&format!("{oldest} is not known to be empty")), "{refused}");
    assert_eq!(place.replicas("deployment", "sfu"), 3);

    tell_sessions(&place, &oldest, 0);
    let decision = end(3);
    hand.carry_out(&decision).await.unwrap();
    hand.carry_out(&decision).await.unwrap();
    assert_eq!(place.replicas("deployment", "sfu"), 2, "one Pod once");
    place.until("it is gone", || !names(&place.list("pods")).contains(&oldest)).await;
    assert_eq!(names(&place.list("pods")).len(), 2);
}

#[tokio::test(flavor = "multi_thread")] // D1, D2.1, F29
async fn asks_the_source_once_more_before_a_pod_ends() {
    let place = Place::open("count", &[Observe, Scale, Events, Drain]).await;
    place.deployment("sfu", 3).await;
    let counted = Arc::new(Counted::default());
    let tally = Arc::new(Tally::new(counted.clone(), SignedDuration::from_secs(90)));
    let hand = place.hand("Deployment", "sfu").counting(Some(tally.clone()));
    let pod = names(&place.list("pods")).remove(0);
    hand.carry_out(&decided(1, 3, vec![Command::Drain { node: named(&pod) }])).await.unwrap();
    let seen = place
        .until_seen(&hand, "it drains", |seen| {
            seen.nodes.iter().any(|node| node.name.0 == pod && matches!(node.phase, Phase::Draining { .. }))
        })
        .await;

    // What a Pod's address is called counts for the Pod.
    let also = hand.also_called();
    let address = also[&named(&pod)].first().expect("a Pod that serves has an address");
    let port = if address.contains(':') { format!("[{address}]:9090") } else { format!("{address}:9090") };
    counted.tell(&port, 4, jiff_now());
    let mut joined = seen.clone();
    tally.join(&mut joined, also.clone(), jiff_now()).await;
    let node = joined.nodes.iter().find(|node| node.name.0 == pod).unwrap();
    assert_eq!(node.sessions.map(|sessions| sessions.count), Some(4));
    counted.forget(&port);

    let end = |turn| decided(turn, 3, vec![Command::Terminate { node: named(&pod) }]);
    let refused = hand.carry_out(&end(2)).await.unwrap_err().to_string();
    assert!(refused.contains("the count tells nothing of its sessions"), "{refused}");
    counted.tell(&pod, 2, jiff_now());
    let refused = hand.carry_out(&end(3)).await.unwrap_err().to_string();
    assert!(
        refused.contains(&format!("{pod} is not known to be empty at this moment: it holds 2 sessions")),
        "{refused}"
    );
    // Growing does not wait for an end that cannot be.
    let both = vec![Command::Grow { to: tidecast_pilot::Size(4) }, Command::Terminate { node: named(&pod) }];
    let receipt = hand.carry_out(&decided(4, 4, both)).await.unwrap().to_string();
    assert!(receipt.contains(&format!("{pod} is not known to be empty")), "{receipt}");
    assert_eq!(place.replicas("deployment", "sfu"), 4);
    place
        .until_seen(&hand, "all the others serve", |seen| seen.serving.get() == 3 && seen.nodes.len() == 4)
        .await;
    counted.tell(&pod, 0, jiff_now());
    tell_sessions(&place, &pod, 1);
    place
        .until("the Pod's own word is there", || {
            place.get("pod", &pod)["metadata"]["annotations"]["tidecast.dev/sessions"] == "1"
        })
        .await;
    let refused = hand.carry_out(&end(5)).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("{pod} is not known to be empty")), "{refused}");
    let cut = decided(6, 4, vec![Command::Cut { node: named(&pod) }]);
    hand.carry_out(&cut).await.unwrap();
    place.until("it is gone", || !names(&place.list("pods")).contains(&pod)).await;
    assert_eq!(place.replicas("deployment", "sfu"), 3);
}

#[tokio::test(flavor = "multi_thread")] // D1
async fn lets_a_pod_take_sessions_again() {
    let place = Place::open("restore", &[Observe, Scale, Events, Drain]).await;
    place.deployment("sfu", 1).await;
    let hand = place.hand("Deployment", "sfu");
    let pod = names(&place.list("pods")).remove(0);
    hand.carry_out(&decided(1, 1, vec![Command::Drain { node: named(&pod) }])).await.unwrap();
    let notes = place.get("pod", &pod)["metadata"]["annotations"].clone();
    assert_eq!(notes["controller.kubernetes.io/pod-deletion-cost"], "-1000");
    hand.carry_out(&decided(2, 1, vec![Command::Restore { node: named(&pod) }])).await.unwrap();
    let notes = place.get("pod", &pod)["metadata"]["annotations"].clone();
    assert_eq!(notes.get("tidecast.dev/draining").unwrap_or(&json!(null)), &json!(null));
    place.until_seen(&hand, "it serves", |seen| seen.serving.get() == 1).await;
}

#[tokio::test(flavor = "multi_thread")] // F24
async fn lets_no_older_turn_drain_a_pod() {
    let place = Place::open("late", &[Observe, Scale, Events, Drain]).await;
    place.deployment("sfu", 1).await;
    let hand = place.hand("Deployment", "sfu");
    let pod = names(&place.list("pods")).remove(0);
    let late = decided(8, 1, vec![Command::Drain { node: named(&pod) }]);
    hand.carry_out(&grow(9, 1, 2)).await.unwrap();
    let receipt = hand.carry_out(&late).await.unwrap();
    assert_eq!(receipt, tidecast::scaler::Receipt::Overtaken { by: 9 });
    assert!(place.get("pod", &pod)["metadata"]["annotations"]["tidecast.dev/draining"].is_null());
}
