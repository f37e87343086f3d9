//! Media servers in an Auto Scaling group: the pilot decides, the scaler drains and ends, and a source counts sessions.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidecast::scaler::{Asg, AsgAction, Receipt, Scaler, Tally};
use tidecast_pilot::{Command, NodeName, Phase};
use tidecast_world::aws::Group;

use super::behaviour::{START_S, Scene, at};
use super::decisions::{commanding, drain, grow, terminate};
use crate::counted::Counted;

mod served;
mod story;

/// A group of three that drains by a count.
struct Fleet {
    scene: Scene,
    counted: Arc<Counted>,
    scaler: Asg,
    ids: Vec<String>,
}

impl Fleet {
    /// `clock` is that of the last look before an end.
    async fn new(clock: fn() -> Timestamp) -> Self {
        let scene = Scene::of(vec![Group::new("shop", 1, 3, 9).settled(START_S)], 7).await;
        let counted = Arc::new(Counted::default());
        let tally = Tally::new(counted.clone(), SignedDuration::from_secs(90)).by_clock(clock);
        let scaler = scene.scaler(AsgAction::Direct).counting(Some(Arc::new(tally)));
        let seen = scaler.sight(at(0)).await.unwrap().unwrap();
        let ids = seen.nodes.iter().map(|node| node.name.0.clone()).collect();
        Self { scene, counted, scaler, ids }
    }

    async fn turn(&self, turn: u64, minute: i64, commands: Vec<Command>) -> String {
        self.scene.pass(minute);
        match self.scaler.carry_out(&commanding(turn, at(minute), commands)).await.unwrap() {
            Receipt::Done(said) => said,
            other => panic!("{other}"),
        }
    }

    async fn phase(&self, id: &str, minute: i64) -> Phase {
        let seen = self.scaler.sight(at(minute)).await.unwrap().unwrap();
        seen.nodes.iter().find(|node| node.name.0 == id).expect("it is there").phase
    }

    fn desired(&self) -> u32 {
        self.scene.wire.account().group("shop").desired
    }

    async fn is_there(&self, id: &str, minute: i64) -> bool {
        let seen = self.scaler.sight(at(minute)).await.unwrap().unwrap();
        seen.nodes.iter().any(|node| node.name.0 == id)
    }
}

#[tokio::test] // D1, F29
async fn ends_an_instance_only_if_it_is_still_empty_at_that_moment() {
    let fleet = Fleet::new(|| at(10)).await;
    let id = fleet.ids[0].clone();
    fleet.turn(1, 1, vec![drain(&id)]).await;
    for (turn, count, minute, why) in [
        (2, Some((2, 10)), 10, "it holds 2 sessions"),
        (3, Some((0, 8)), 10, "last counted"),
        (4, None, 10, "tells nothing"),
    ] {
        match count {
            Some((count, counted)) => fleet.counted.tell(&id, count, at(counted)),
            None => fleet.counted.forget(&id),
        }
        let said = fleet.turn(turn, minute, vec![terminate(&id)]).await;
        assert!(said.contains(&format!("{id} stays: ")) && said.contains(why), "{said}");
        assert!(!said.contains("ended"), "{said}");
        assert!(fleet.is_there(&id, minute).await && fleet.desired() == 3, "{said}");
        let since = at(1);
        assert_eq!(fleet.phase(&id, minute).await, Phase::Draining { since }, "it goes on draining");
        let account = fleet.scene.wire.account();
        let instance = account.group("shop").instances.iter().find(|instance| instance.id == id).unwrap();
        assert!(instance.protected, "and nobody else ends it meanwhile");
    }
    fleet.counted.tell(&id, 0, at(10));
    let said = fleet.turn(5, 10, vec![terminate(&id)]).await;
    assert!(said.contains(&format!("{id} ended")), "{said}");
    fleet.scene.pass(15);
    assert!(!fleet.is_there(&id, 15).await && fleet.desired() == 2);
}

#[tokio::test] // D1, F29
async fn ends_those_that_are_empty_and_keeps_those_that_are_not() {
    let fleet = Fleet::new(|| at(10)).await;
    let [a, b, _] = &fleet.ids[..] else { panic!("three instances") };
    fleet.turn(1, 1, vec![drain(a), drain(b)]).await;
    fleet.counted.tell(a, 1, at(10));
    fleet.counted.tell(b, 0, at(10));
    let said = fleet.turn(2, 10, vec![terminate(a), terminate(b)]).await;
    assert!(said.contains(&format!("{b} ended")) && said.contains(&format!("{a} stays")), "{said}");
    fleet.scene.pass(15);
    assert!(fleet.is_there(a, 15).await && !fleet.is_there(b, 15).await && fleet.desired() == 2);
}

#[tokio::test] // F29
async fn cuts_what_its_deadline_ends_and_says_so() {
    let fleet = Fleet::new(|| at(10)).await;
    let id = fleet.ids[0].clone();
    fleet.turn(1, 1, vec![drain(&id)]).await;
    fleet.counted.tell(&id, 2, at(10));
    let said = fleet.turn(2, 10, vec![Command::Cut { node: NodeName(id.clone()) }]).await;
    assert!(said.contains(&format!("{id} ended although sessions may run on it")), "{said}");
    fleet.scene.pass(15);
    assert!(!fleet.is_there(&id, 15).await);
}

#[tokio::test] // D3.2
async fn gives_sessions_back_to_one_whose_end_came_to_nothing() {
    let fleet = Fleet::new(|| at(10)).await;
    let id = fleet.ids[0].clone();
    fleet.turn(1, 1, vec![drain(&id)]).await;
    // Its end was asked for, and the process died before it asked AWS.
    let ending = format!("{} {}", START_S + 60, START_S + 120);
    fleet.scene.wire.account().group_mut("shop").tags.insert(format!("tidecast:drain:{id}"), ending);
    let restore = || vec![Command::Restore { node: NodeName(id.clone()) }, grow(3)];
    let said = fleet.turn(2, 3, restore()).await;
    assert!(said.contains("is ending already"), "{said}");
    let said = fleet.turn(3, 6, restore()).await;
    assert!(said.contains(&format!("{id} restored")), "{said}");
    assert_eq!(fleet.phase(&id, 7).await, Phase::Serving);
}
