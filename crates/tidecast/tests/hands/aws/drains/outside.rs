//! What is of instances outside of groups alone: their marks are tags of their own, and descriptions of them lag behind.

use jiff::SignedDuration;
use tidecast::aws::Region;
use tidecast::scaler::{Receipt, Scaler};
use tidecast_pilot::{Command, NodeName, Phase};
use tidecast_world::aws::{Call, Done, Fault, Spell};

use super::super::decisions::shrink;
use super::super::moto::Moto;
use super::ground::Ground;
use super::*;
use crate::aws::fleet;

fn restore(id: &str) -> Command {
    Command::Restore { node: NodeName(id.into()) }
}

/// Three instances, all of them empty, which bear the number of turn five; the first so many of them drain. From minute ten on,
/// what is described of them is a minute old.
async fn lagging(drained: usize) -> Fleet {
    let fleet = Fleet::on(Ground::fleet(3).await, || at(10)).await;
    fleet.suffers(Fault::Lag(60), 2);
    fleet.ids.iter().for_each(|id| fleet.counted.tell(id, 0, at(10)));
    fleet.turn(5, 8, fleet.ids.iter().take(drained).map(|id| drain(id)).collect()).await;
    fleet.ground.pass(10);
    fleet
}

impl Fleet {
    /// From minute ten on, for so many minutes.
    fn suffers(&self, fault: Fault, minutes: i64) {
        let from_s = START_S + 600;
        let spell = Spell { fault, share: 1.0, from_s, until_s: from_s + 60 * minutes };
        self.ground.wire().account().faults.spells.push(spell);
    }

    /// The fault that came last is over.
    fn heals(&self) {
        self.ground.wire().account().faults.spells.pop();
    }

    /// What becomes of a turn at minute ten of which something is not known.
    async fn fails(&self, turn: u64, commands: Vec<Command>) -> String {
        self.scaler.carry_out(&commanding(turn, at(10), commands)).await.unwrap_err().to_string()
    }

    fn staying(&self) -> Vec<String> {
        let account = self.ground.wire().account();
        account.bares().iter().filter(|bare| bare.stays()).map(|bare| bare.id.clone()).collect()
    }
}

#[tokio::test] // D3.1, S10
async fn marks_are_tags_that_the_policy_lets_it_set_and_take_away_and_no_others() {
    let fleet = Fleet::on(Ground::fleet(3).await, || at(10)).await;
    let id = fleet.ids[0].clone();
    fleet.turn(1, 1, vec![drain(&id)]).await;
    let mut account = fleet.ground.wire().account();
    assert_eq!(account.bares()[0].tags["tidecast:drain"], at(1).as_second().to_string());
    let (ids, key) = (vec![id.clone()], |key: &str| vec![key.to_owned()]);
    for keys in [key("tidecast"), key("tidecast:fleet"), key("Name"), vec![]] {
        let done = account.call(Call::UntagBare { ids: ids.clone(), keys: keys.clone() });
        assert!(
            matches!(&done, Done::Refused(refusal) if refusal.code == "AccessDenied"),
            "{keys:?}: {done:?}"
        );
    }
    let stolen = Call::TagBare { ids, tags: vec![("tidecast:fleet".into(), "others".into())] };
    assert!(matches!(account.call(stolen), Done::Refused(_)));
}

#[tokio::test] // D1, F20
async fn drains_and_ends_nobody_in_the_first_minute() {
    let fleet = Fleet::on(Ground::fleet(3).await, || at(10)).await;
    let [a, b, _] = &fleet.ids[..] else { panic!("three instances") };
    fleet.turn(1, 1, vec![drain(a)]).await;
    fleet.counted.tell(a, 0, at(10));
    fleet.ground.pass(10);
    let begun_anew = fleet.ground.scaler(None);
    begun_anew.sight(at(10)).await.unwrap();
    let both = commanding(2, at(10), vec![drain(b), terminate(a)]);
    let said = begun_anew.carry_out(&both).await.unwrap().to_string();
    assert!(said.contains(&format!("{b} is not drained yet: what was done before the start")), "{said}");
    assert!(said.contains(&format!("{a} stays: what was done before the start")), "{said}");
    assert_eq!((fleet.ground.kept(), fleet.ground.marked()), (3, vec![a.clone()]));
}

#[tokio::test] // D1, D3.2
async fn does_not_end_what_has_sessions_again_although_it_is_described_as_drained() {
    let fleet = lagging(1).await;
    let id = fleet.ids[0].clone();
    fleet.turn(6, 10, vec![restore(&id)]).await;
    assert!(fleet.ground.marked().is_empty());
    let eyes = fleet.ground.scaler(None).sight(at(10)).await.unwrap().unwrap();
    assert!(matches!(eyes.nodes[0].phase, Phase::Draining { .. }), "as others see it");
    assert_eq!(fleet.phase(&id, 10).await, Phase::Serving, "as who gave it sessions sees it");
    let said = fleet.turn(7, 10, vec![terminate(&id)]).await;
    assert_eq!(said, format!("{id} stays: it is not being drained any more"));
    assert_eq!(fleet.ground.kept(), 3);
}

#[tokio::test] // D1, F25
async fn drains_no_other_beside_one_of_which_nobody_knows_whether_it_is_drained() {
    let fleet = lagging(0).await;
    let id = fleet.ids[0].clone();
    fleet.suffers(Fault::WriteLost, 1);
    fleet.fails(5, vec![drain(&id)]).await;
    assert_eq!(fleet.ground.marked(), std::slice::from_ref(&id), "it was done");
    fleet.heals();
    assert_eq!(
        fleet.phase(&id, 10).await,
        Phase::Draining { since: at(10) },
        "it takes no sessions, perhaps"
    );
    let said = fleet.turn(6, 10, vec![terminate(&id)]).await;
    assert_eq!(said, format!("{id} stays: whether it is being drained is not certain"));
    // Two minutes later it is described as it is.
    fleet.ground.pass(12);
    fleet.counted.tell(&id, 0, at(12));
    assert_eq!(fleet.phase(&id, 12).await, Phase::Draining { since: at(10) });
    assert_eq!(fleet.turn(7, 12, vec![terminate(&id)]).await, format!("{id} ended"));
}

#[tokio::test] // D1, D3.2, F25
async fn ends_nobody_who_may_have_been_given_sessions_back() {
    let fleet = lagging(0).await;
    let id = fleet.ids[0].clone();
    fleet.turn(5, 10, vec![drain(&id)]).await;
    fleet.suffers(Fault::WriteLost, 1);
    fleet.fails(5, vec![restore(&id)]).await;
    assert!(fleet.ground.marked().is_empty(), "it was done");
    fleet.heals();
    let said = fleet.turn(7, 10, vec![terminate(&id)]).await;
    assert_eq!(said, format!("{id} stays: whether it is being drained is not certain"));
    // Asked for again, it is certain.
    assert_eq!(fleet.turn(8, 10, vec![restore(&id)]).await, format!("{id} restored"));
    assert_eq!(fleet.phase(&id, 10).await, Phase::Serving);
    assert_eq!(fleet.ground.kept(), 3);
}

#[tokio::test] // D3.2, F25
async fn gives_nobody_sessions_back_whose_end_may_be_under_way() {
    let fleet = lagging(0).await;
    let id = fleet.ids[0].clone();
    fleet.turn(5, 10, vec![drain(&id)]).await;
    fleet.suffers(Fault::EndsBreak, 1);
    fleet.fails(5, vec![terminate(&id)]).await;
    fleet.heals();
    assert_eq!(fleet.ground.kept(), 3, "nothing was done, which nobody knows");
    let since = at(10);
    let seen = fleet.scaler.sight(at(10)).await.unwrap().unwrap();
    assert_eq!((seen.ordered.get(), seen.nodes.len()), (3, 2), "nobody counts on it");
    let says = "1 instances may be ending: their end was asked for, and nobody knows yet what came of it";
    assert_eq!(seen.says, [says]);
    // Who was counted on to take sessions does not, so nobody else is ended beside it.
    let other = fleet.ids[1].clone();
    fleet.turn(6, 10, vec![drain(&other)]).await;
    let said = fleet.turn(7, 10, vec![restore(&id), terminate(&other)]).await;
    let held = "not all that were to get sessions back have them";
    assert_eq!(said, format!("{id} is ending already; {other} stays for now: {held}"));
    fleet.ground.pass(12);
    assert_eq!(fleet.phase(&id, 12).await, Phase::Draining { since }, "it has not ended after all");
    assert_eq!(fleet.turn(8, 12, vec![restore(&id)]).await, format!("{id} restored"));
}

#[tokio::test] // F25
async fn ends_no_other_beside_one_whose_end_may_be_under_way() {
    let fleet = lagging(0).await;
    fleet.suffers(Fault::WriteLost, 1);
    fleet.fails(5, vec![shrink(2)]).await;
    assert_eq!(fleet.staying().len(), 2, "it was done");
    fleet.heals();
    for turn in 6..9 {
        let seen = fleet.scaler.sight(at(10)).await.unwrap().unwrap();
        assert_eq!(seen.ordered.get(), 3, "and cannot be seen yet");
        assert!(
            seen.nodes.iter().all(|node| node.name.0 != fleet.ids[0]),
            "but counts for no server that stays"
        );
        fleet.turn(turn, 10, vec![shrink(2)]).await;
        assert_eq!(fleet.staying().len(), 2, "turn {turn}");
    }
}

#[tokio::test] // D1, D3.1, D3.2
async fn drains_instances_in_moto() {
    let Some(moto) = Moto::start().await else { return };
    moto.template("encoder").await;
    let region = Region::new("eu-west-1", Some(moto.url())).keyed("AKIDTEST", "secret");
    let fleet = fleet::fleet(region, &moto.url());
    let (first, later) = (moto.now(), moto.now() + SignedDuration::from_mins(5));
    fleet.sight(first).await.unwrap();
    for turn in 1..=2 {
        fleet.carry_out(&commanding(turn, later, vec![grow(2)])).await.unwrap();
    }
    let ids: Vec<String> =
        fleet.sight(later).await.unwrap().unwrap().nodes.into_iter().map(|node| node.name.0).collect();
    let [a, b] = &ids[..] else { panic!("{ids:?}") };
    let called = &fleet.also_called()[&NodeName(a.clone())];
    let address = called.iter().find(|name| name.parse::<std::net::IpAddr>().is_ok()).expect("an address");
    assert!(called.contains(&format!("ip-{}", address.replace('.', "-"))), "{called:?}");
    let turn = async |turn, commands| match fleet.carry_out(&commanding(turn, later, commands)).await.unwrap()
    {
        Receipt::Done(said) => said,
        other => panic!("{other}"),
    };
    // With other eyes, which remember nothing of what was done.
    let phases = async || {
        let region = Region::new("eu-west-1", Some(moto.url())).keyed("AKIDTEST", "secret");
        let seen = fleet::fleet(region, &moto.url()).sight(later).await.unwrap().unwrap();
        let phase = |id: &String| seen.nodes.iter().find(|node| node.name.0 == *id).map(|node| node.phase);
        [phase(a), phase(b)]
    };
    let since = Timestamp::from_second(later.as_second()).unwrap();
    assert_eq!(turn(3, vec![drain(a), drain(b)]).await, format!("{a}, {b} drained"));
    assert_eq!(phases().await, [Some(Phase::Draining { since }); 2]);
    assert_eq!(turn(4, vec![restore(b)]).await, format!("{b} restored"));
    assert_eq!(phases().await, [Some(Phase::Draining { since }), Some(Phase::Serving)]);
    assert_eq!(
        turn(5, vec![terminate(a), terminate(b)]).await,
        format!("{a} ended; {b} stays: it is not being drained any more")
    );
    assert_eq!(phases().await, [None, Some(Phase::Serving)]);
}
