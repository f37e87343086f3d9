//! Instances outside of groups, against AWS's rules in virtual time and against moto.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidecast::aws::{Ec2, Rates, Region};
use tidecast::scaler::{Ec2Fleet, Launch, Receipt, Scaler};
use tidecast_pilot::{Allowed, Decision, Size};
use tidecast_world::aws::{Account, Bare, Call, Fault, Policy, Spell};
use tidecast_world::{Chance, Purpose};

use super::account::Wire;
use super::behaviour::{START_S, at};
use super::decisions::{commanding, decision, drain, grow, shrink, terminate};
use super::moto::Moto;

pub(super) fn policy() -> Policy {
    let path = format!("{}/../../deploy/aws/policy-ec2-fleet.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(super) fn fleet(region: Region, url: &str) -> Ec2Fleet {
    let ec2 = Ec2::new(Arc::new(region), Some(url)).unwrap();
    Ec2Fleet::new(ec2, "encoders", Launch { template: "encoder".into(), subnet: None })
}

async fn wire(seed: u64) -> Wire {
    let mut account = Account::new(START_S, seed);
    account.policy = Some(policy());
    Wire::listen(account).await
}

fn stays(bare: &&Bare) -> bool {
    bare.stays()
}

#[tokio::test] // S6.3, S10
async fn launches_and_ends_instances_by_tag_and_template() {
    let wire = wire(1).await;
    let fleet = fleet(wire.region(Rates::default()), &wire.url());
    fleet.sight(at(-3)).await.unwrap();
    let early = fleet.carry_out(&commanding(1, at(0), vec![grow(5)])).await.unwrap().to_string();
    assert!(
        early.contains("5 instances are not launched yet: what was launched before the start"),
        "{early}"
    );
    wire.account().pass(START_S + 120);
    fleet.sight(at(2)).await.unwrap();
    let grown = commanding(2, at(2), vec![grow(5)]);
    assert_eq!(fleet.carry_out(&grown).await.unwrap().to_string(), "5 instances launched");
    fleet.carry_out(&grown).await.unwrap();
    wire.account().pass(START_S + 180);
    let sighting = fleet.sight(at(3)).await.unwrap().unwrap();
    assert_eq!((sighting.ordered, sighting.serving, sighting.nodes.len()), (Size(5), Size(5), 5));
    fleet.carry_out(&commanding(3, at(3), vec![shrink(3)])).await.unwrap();
    let chosen = wire.account().bares().iter().find(stays).unwrap().id.clone();
    let end = |turn| commanding(turn, at(3), vec![terminate(&chosen)]);
    let said = fleet.carry_out(&end(4)).await.unwrap().to_string();
    assert_eq!(said, format!("{chosen} stays: it is not being drained any more"), "nobody has marked it");
    fleet.carry_out(&commanding(5, at(3), vec![drain(&chosen)])).await.unwrap();
    assert_eq!(fleet.carry_out(&end(6)).await.unwrap().to_string(), format!("{chosen} ended"));
    assert_eq!(
        fleet.carry_out(&commanding(3, at(3), vec![grow(9)])).await.unwrap(),
        Receipt::Overtaken { by: 6 }
    );
    wire.account().pass(START_S + 300);
    assert_eq!(fleet.sight(at(5)).await.unwrap().unwrap().ordered, Size(2));
    assert!(wire.account().bares().iter().all(|bare| bare.tags["tidecast:fleet"] == "encoders"));
}

#[tokio::test] // F25, F28
async fn launches_nothing_for_those_whose_end_was_refused() {
    let wire = wire(1).await;
    let fleet = fleet(wire.region(Rates::default()), &wire.url());
    fleet.sight(at(-3)).await.unwrap();
    wire.account().pass(START_S + 120);
    fleet.sight(at(2)).await.unwrap();
    fleet.carry_out(&commanding(1, at(2), vec![grow(5)])).await.unwrap();
    wire.account().pass(START_S + 180);
    fleet.sight(at(3)).await.unwrap();
    let spell =
        Spell { fault: Fault::EndsRefused, share: 1.0, from_s: START_S + 180, until_s: START_S + 190 };
    wire.account().faults.spells.push(spell);
    fleet.carry_out(&commanding(2, at(3), vec![shrink(2)])).await.unwrap_err();
    wire.account().pass(START_S + 200);
    let now = at(3) + SignedDuration::from_secs(20);
    assert_eq!(fleet.sight(now).await.unwrap().unwrap().ordered, Size(4), "one of three was ended");
    fleet.carry_out(&commanding(3, now, vec![grow(5)])).await.unwrap();
    assert_eq!(wire.account().bares().len(), 6, "and one launched in its place");
}

#[tokio::test] // F25
async fn asks_for_no_launch_again_that_would_be_too_many_by_now() {
    let wire = wire(1).await;
    let fleet = fleet(wire.region(Rates::default()), &wire.url());
    wire.account().add_bare(&[("tidecast:fleet", "encoders"), ("tidecast", "managed")]);
    fleet.sight(at(-3)).await.unwrap();
    wire.account().pass(START_S + 120);
    // Twelve were wanted; nobody knows what became of it, but nothing did; now five are.
    let spell = Spell { fault: Fault::RunsBreak, share: 1.0, from_s: START_S + 120, until_s: START_S + 125 };
    wire.account().faults.spells.push(spell);
    fleet.carry_out(&commanding(1, at(2), vec![grow(12)])).await.unwrap_err();
    for (turn, half_minutes, there) in [(2, 1, 1), (3, 2, 1), (4, 4, 5)] {
        let now = at(2) + SignedDuration::from_secs(30 * half_minutes);
        wire.account().pass(now.as_second());
        fleet.sight(now).await.unwrap();
        fleet.carry_out(&commanding(turn, now, vec![grow(5)])).await.unwrap();
        assert_eq!(wire.account().bares().len(), there, "turn {turn}");
    }
}

#[tokio::test] // F1, F18
async fn an_answer_that_knows_of_nothing_ends_and_launches_nothing() {
    let wire = wire(1).await;
    let fleet = fleet(wire.region(Rates::default()), &wire.url());
    fleet.sight(at(-3)).await.unwrap();
    wire.account().pass(START_S + 120);
    fleet.carry_out(&commanding(1, at(2), vec![grow(5)])).await.unwrap();
    wire.account().pass(START_S + 240);
    fleet.sight(at(4)).await.unwrap();
    let spell = Spell { fault: Fault::Blank, share: 1.0, from_s: START_S + 240, until_s: START_S + 600 };
    wire.account().faults.spells.push(spell);
    let later = at(4) + SignedDuration::from_secs(60);
    wire.account().pass(later.as_second());
    let blank = fleet.sight(later).await.unwrap_err().to_string();
    assert!(blank.contains("it tells of none of the 5 instances that were there"), "{blank}");
    fleet.carry_out(&commanding(2, later, vec![grow(5)])).await.unwrap_err();
    assert_eq!(wire.account().bares().len(), 5);
}

#[tokio::test] // F24
async fn an_older_turn_changes_nothing_whoever_comes_with_it() {
    let wire = wire(1).await;
    let region = || wire.region(Rates::default());
    let (before, after) = (fleet(region(), &wire.url()), fleet(region(), &wire.url()));
    (0..6).for_each(|_| wire.account().add_bare(&[("tidecast:fleet", "encoders"), ("tidecast", "managed")]));
    for fleet in [&before, &after] {
        fleet.sight(at(0)).await.unwrap();
    }
    wire.account().pass(START_S + 120);
    // The newer turn changes nothing, but it has said that it is there.
    after.carry_out(&commanding(9, at(2), vec![])).await.unwrap();
    let late = before.carry_out(&commanding(8, at(2), vec![shrink(2)])).await.unwrap();
    assert_eq!(late, Receipt::Overtaken { by: 9 });
    assert_eq!(wire.account().bares().iter().filter(stays).count(), 6);
    wire.account().pass(START_S + 600);
    let stale = after.carry_out(&commanding(10, at(2), vec![shrink(2)])).await.unwrap_err();
    assert!(stale.to_string().contains("Request has expired"), "{stale}");
}

#[tokio::test] // A13, F25
async fn asks_for_the_same_launch_again_where_nobody_knows_what_became_of_it() {
    let wire = wire(1).await;
    let fleet = fleet(wire.region(Rates::default()), &wire.url());
    fleet.sight(at(-3)).await.unwrap();
    let spell = |fault, from_s, until_s| Spell { fault, share: 1.0, from_s, until_s };
    // What is described is a minute old from now on.
    wire.account().faults.spells.push(spell(Fault::Lag(60), START_S, START_S + 600));
    wire.account().pass(START_S + 120);
    fleet.sight(at(2)).await.unwrap();
    wire.account().faults.spells.push(spell(Fault::WriteLost, START_S + 120, START_S + 125));
    let lost = fleet.carry_out(&commanding(1, at(2), vec![grow(5)])).await.unwrap_err();
    assert_eq!(lost.kind(), "unsure", "{lost}");
    assert_eq!(wire.account().bares().len(), 5, "it was done");
    let soon = at(2) + SignedDuration::from_secs(30);
    wire.account().pass(soon.as_second());
    assert_eq!(fleet.sight(soon).await.unwrap().unwrap().ordered, Size(0), "and cannot be seen yet");
    let said = fleet.carry_out(&commanding(2, soon, vec![grow(5)])).await.unwrap().to_string();
    let told =
        "5 instances are there of the launch that was asked for; 5 instances are there or on their way";
    assert_eq!(said, told, "it is told of those of the first time");
    assert_eq!(wire.account().bares().len(), 5);
}

#[tokio::test] // F28
async fn asks_six_times_in_half_an_hour_where_there_are_no_machines() {
    let wire = wire(1).await;
    let fleet = fleet(wire.region(Rates::default()), &wire.url());
    let until_s = START_S + 1_800 + 120;
    let spell = Spell { fault: Fault::NoCapacity, share: 1.0, from_s: START_S, until_s };
    wire.account().faults.spells.push(spell);
    for turn in 4..64 {
        let now = Timestamp::from_second(START_S + 30 * turn).unwrap();
        wire.account().pass(now.as_second());
        fleet.sight(now).await.unwrap();
        let _ = fleet.carry_out(&commanding(turn as u64, now, vec![grow(5)])).await;
    }
    assert_eq!(wire.account().wanting.len(), 5, "every six minutes, in half an hour");
    wire.account().pass(until_s + 360);
    let now = Timestamp::from_second(until_s + 360).unwrap();
    fleet.sight(now).await.unwrap();
    fleet.carry_out(&commanding(99, now, vec![grow(5)])).await.unwrap();
    assert_eq!(wire.account().bares().len(), 5);
}

#[tokio::test] // S6.3
async fn launches_and_ends_instances_in_moto() {
    let Some(moto) = Moto::start().await else { return };
    moto.template("encoder").await;
    let region = Region::new("eu-west-1", Some(moto.url())).keyed("AKIDTEST", "secret");
    let fleet = fleet(region, &moto.url());
    let (first, later) = (moto.now(), moto.now() + SignedDuration::from_mins(5));
    assert_eq!(fleet.sight(first).await.unwrap().unwrap().ordered, Size(0));
    // EC2 launches as many as MaxCount if it can, moto MinCount only: so it takes a turn for each.
    for turn in 1..=3 {
        let done = fleet.carry_out(&commanding(turn, later, vec![grow(3)])).await.unwrap().to_string();
        assert_eq!(done, "1 instances launched");
    }
    let again = fleet.carry_out(&commanding(3, later, vec![grow(3)])).await.unwrap().to_string();
    assert_eq!(again, "3 instances are there or on their way");
    let sighting = fleet.sight(later).await.unwrap().unwrap();
    assert_eq!((sighting.ordered, sighting.nodes.len()), (Size(3), 3));
    assert!(sighting.nodes.iter().all(|node| node.launched <= later));
    fleet.carry_out(&commanding(4, later, vec![shrink(1)])).await.unwrap();
    assert_eq!(fleet.sight(later).await.unwrap().unwrap().ordered, Size(1));
}

#[tokio::test] // A13, F25, F28, C9
async fn launches_nothing_twice_whatever_becomes_of_replies() {
    for seed in 1..=6 {
        let wire = wire(seed).await;
        let mut chance = Chance::of(seed, Purpose::World);
        let kinds = [
            (Fault::ReplyLost, 0.5),
            (Fault::Throttled, 0.5),
            (Fault::Internal, 0.4),
            (Fault::Down, 1.0),
            (Fault::Lag(60), 1.0),
            (Fault::NoCapacity, 1.0),
        ];
        for _ in 0..10 {
            let (fault, share) = *chance.one_of(&kinds);
            let from_s = START_S + chance.whole(60, 3_000);
            let until_s = from_s + chance.whole(60, 900);
            wire.account().faults.spells.push(Spell { fault, share, from_s, until_s });
        }
        let mut fleet = self::fleet(wire.region(Rates::default()), &wire.url());
        for turn in 1..=180 {
            let now_s = START_S + 30 * turn;
            wire.account().pass(now_s);
            let now = Timestamp::from_second(now_s).unwrap();
            let to = if turn < 60 { 8 } else { 14 };
            if turn == 90 {
                fleet = self::fleet(wire.region(Rates::default()), &wire.url());
            }
            let seen = fleet.sight(now).await.ok().flatten();
            let known = seen.map(|sighting| sighting.ordered.get());
            let commands = if known == Some(to) { vec![] } else { vec![grow(to)] };
            let allowed = Allowed::Growing;
            let decision = Decision { commands, ..decision(turn as u64, now, &[], allowed) };
            let _ = fleet.carry_out(&decision).await;
        }
        let account = wire.account();
        assert_eq!(account.bares().iter().filter(stays).count(), 14, "seed {seed}");
        assert_eq!(account.bares().len(), 14, "seed {seed}: each of them launched once");
        let runs = account.log.iter().filter(|(_, call)| matches!(call, Call::Run { .. })).count();
        println!("seed {seed}: {} faults, {runs} launches asked for", account.faults.hits);
    }
}
