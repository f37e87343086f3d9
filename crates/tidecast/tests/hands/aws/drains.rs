//! Media servers on AWS, in a group and outside of any: the pilot decides, the scaler drains and ends, and a source counts
//! sessions.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidecast::scaler::{Receipt, Scaler, Tally};
use tidecast_pilot::{Command, NodeName, Phase};

use self::ground::Ground;
use super::behaviour::{START_S, at};
use super::decisions::{commanding, drain, grow, terminate};
use crate::counted::Counted;

mod ground;
mod outside;
mod served;
mod story;

/// Three instances that drain by a count.
struct Fleet {
    ground: Ground,
    counted: Arc<Counted>,
    scaler: Box<dyn Scaler>,
    ids: Vec<String>,
}

impl Fleet {
    /// `clock` is that of the last look before an end.
    async fn on(ground: Ground, clock: fn() -> Timestamp) -> Self {
        let counted = Arc::new(Counted::default());
        let tally = Tally::new(counted.clone(), SignedDuration::from_secs(90)).by_clock(clock);
        let scaler = ground.scaler(Some(Arc::new(tally)));
        let seen = scaler.sight(at(0)).await.unwrap().unwrap();
        let ids = seen.nodes.iter().map(|node| node.name.0.clone()).collect();
        Self { ground, counted, scaler, ids }
    }

    /// One in a group, and one outside of any; the last look before an end is at minute ten.
    async fn both() -> [Self; 2] {
        let clock = || at(10);
        let group = Self::on(Ground::group([1, 3, 9]).await, clock).await;
        [group, Self::on(Ground::fleet(3).await, clock).await]
    }

    async fn turn(&self, turn: u64, minute: i64, commands: Vec<Command>) -> String {
        self.ground.pass(minute);
        match self.scaler.carry_out(&commanding(turn, at(minute), commands)).await.unwrap() {
            Receipt::Done(said) => said,
            other => panic!("{other}"),
        }
    }

    async fn phase(&self, id: &str, minute: i64) -> Phase {
        let seen = self.scaler.sight(at(minute)).await.unwrap().unwrap();
        seen.nodes.iter().find(|node| node.name.0 == id).expect("it is there").phase
    }

    async fn is_there(&self, id: &str, minute: i64) -> bool {
        let seen = self.scaler.sight(at(minute)).await.unwrap().unwrap();
        seen.nodes.iter().any(|node| node.name.0 == id)
    }

    /// Whether nobody else's scale-in can take it; outside of groups there is none.
    fn is_safe(&self, id: &str) -> bool {
        let Ground::Group(scene) = &self.ground else { return true };
        let account = scene.wire.account();
        account.group("shop").instances.iter().any(|instance| instance.id == id && instance.protected)
    }
}

#[tokio::test] // D1, F29
async fn ends_an_instance_only_if_it_is_still_empty_at_that_moment() {
    for fleet in Fleet::both().await {
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
            assert!(fleet.is_there(&id, minute).await && fleet.ground.kept() == 3, "{said}");
            let since = at(1);
            assert_eq!(fleet.phase(&id, minute).await, Phase::Draining { since }, "it goes on draining");
            assert!(fleet.is_safe(&id), "and nobody else ends it meanwhile");
        }
        fleet.counted.tell(&id, 0, at(10));
        let said = fleet.turn(5, 10, vec![terminate(&id)]).await;
        assert!(said.contains(&format!("{id} ended")), "{said}");
        fleet.ground.pass(15);
        assert!(!fleet.is_there(&id, 15).await && fleet.ground.kept() == 2);
    }
}

#[tokio::test] // D1, F29
async fn ends_those_that_are_empty_and_keeps_those_that_are_not() {
    for fleet in Fleet::both().await {
        let [a, b, _] = &fleet.ids[..] else { panic!("three instances") };
        fleet.turn(1, 1, vec![drain(a), drain(b)]).await;
        fleet.counted.tell(a, 1, at(10));
        fleet.counted.tell(b, 0, at(10));
        let said = fleet.turn(2, 10, vec![terminate(a), terminate(b)]).await;
        assert!(said.contains(&format!("{b} ended")) && said.contains(&format!("{a} stays")), "{said}");
        fleet.ground.pass(15);
        assert!(fleet.is_there(a, 15).await && !fleet.is_there(b, 15).await && fleet.ground.kept() == 2);
    }
}

#[tokio::test] // F29
async fn cuts_what_its_deadline_ends_and_says_so() {
    for fleet in Fleet::both().await {
        let id = fleet.ids[0].clone();
        fleet.turn(1, 1, vec![drain(&id)]).await;
        fleet.counted.tell(&id, 2, at(10));
        let said = fleet.turn(2, 10, vec![Command::Cut { node: NodeName(id.clone()) }]).await;
        assert!(said.contains(&format!("{id} ended although sessions may run on it")), "{said}");
        fleet.ground.pass(15);
        assert!(!fleet.is_there(&id, 15).await);
    }
}

#[tokio::test] // D3.1, D3.2
async fn gives_sessions_back_to_those_that_drain() {
    for fleet in Fleet::both().await {
        let [a, b, _] = &fleet.ids[..] else { panic!("three instances") };
        let said = fleet.turn(1, 1, vec![drain(a), drain(b)]).await;
        assert_eq!(said, format!("{a}, {b} drained"));
        assert_eq!(fleet.ground.marked(), [a.clone(), b.clone()]);
        // Somebody else reads the marks as they stand.
        let seen = fleet.ground.scaler(None).sight(at(2)).await.unwrap().unwrap();
        let draining = |id: &str| {
            let node = seen.nodes.iter().find(|node| node.name.0 == id).unwrap();
            node.phase == Phase::Draining { since: at(1) }
        };
        assert!(draining(a) && draining(b) && seen.serving.get() == 3, "{seen:?}");
        let restore = |id: &str| Command::Restore { node: NodeName(id.into()) };
        let said = fleet.turn(2, 2, vec![restore(a)]).await;
        assert_eq!(said, format!("{a} restored"));
        assert_eq!(fleet.ground.marked(), std::slice::from_ref(b));
        assert_eq!(fleet.phase(a, 3).await, Phase::Serving);
        assert_eq!(
            fleet.turn(3, 3, vec![restore(a), drain(b)]).await,
            "stands as wanted",
            "again changes nothing"
        );
    }
}

#[tokio::test] // D3.2
async fn gives_sessions_back_to_one_whose_end_came_to_nothing() {
    let fleet = Fleet::on(Ground::group([1, 3, 9]).await, || at(10)).await;
    let id = fleet.ids[0].clone();
    fleet.turn(1, 1, vec![drain(&id)]).await;
    // Its end was asked for, and the process died before it asked AWS.
    let ending = format!("{} {}", START_S + 60, START_S + 120);
    fleet.ground.wire().account().group_mut("shop").tags.insert(format!("tidecast:drain:{id}"), ending);
    let restore = || vec![Command::Restore { node: NodeName(id.clone()) }, grow(3)];
    let said = fleet.turn(2, 3, restore()).await;
    assert!(said.contains("is ending already"), "{said}");
    let said = fleet.turn(3, 6, restore()).await;
    assert!(said.contains(&format!("{id} restored")), "{said}");
    assert_eq!(fleet.phase(&id, 7).await, Phase::Serving);
}
