//! Fault campaign C9, for instances of EC2 outside of groups: hours of virtual time, and a cloud that is out of sorts.
//!
//! `make chaos` runs it for long: TIDECAST_CHAOS says how many calls are to be hit, TIDECAST_SEED where to begin.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use tidecast::aws::Rates;
use tidecast::scaler::{Ec2Fleet, Receipt, Scaler};
use tidecast_pilot::{Allowed, Command, Decision, Phase, Sighting, Size};
use tidecast_world::aws::{Account, Bare, Call, Fault, Spell};
use tidecast_world::{Chance, Purpose};

use super::account::Wire;
use super::behaviour::START_S;
use super::decisions::{decision, grow, shrink, terminate};

const TURN_S: i64 = 20;
/// Faults come in the first two hours; then there is time to heal.
const SICK_S: i64 = 7_200;
/// What is wanted stays the same from then on.
const CALM_S: i64 = 6_600;
/// The wait after a launch that found no machines, the start of a machine, the lag of what is read, and a few turns.
const HEAL_S: i64 = 1_200;
/// What is read is at most a minute old here; within that, an older turn can come in between.
const LAG_S: i64 = 90;
/// Ours, and those of others that look like them.
const OURS: [(&str, &str); 2] = [("tidecast:fleet", "encoders"), ("tidecast", "managed")];
const ALIEN: [&[(&str, &str)]; 6] = [
    &[("tidecast:fleet", "encoders-2"), ("tidecast", "managed")],
    &[("tidecast:fleet", "Encoders"), ("tidecast", "managed")],
    &[("tidecast-fleet", "encoders"), ("tidecast", "managed")],
    &[("Name", "encoders"), ("tidecast", "managed")],
    &[("tidecast:fleet", "encoders"), ("tidecast", "observed")],
    &[("tidecast:fleet", "encoders"), ("tidecast:turn", "999999")],
];

/// What a campaign has come to.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    worlds: u64,
    turns: u64,
    restarts: u64,
    calls: u64,
    faults: u64,
    launched: u64,
    ended: u64,
    partly: u64,
    over_launched_max: usize,
    ended_too_many_max: usize,
    alien_changes: u64,
    healed_s_max: i64,
    calls_a_minute_max: usize,
    wanting_max: usize,
    overtaken: u64,
    signed_long_ago: u64,
}

/// A table, as it stands in docs/benchmarks/scalers.md.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: [(&str, i64); 16] = [
            ("worlds, each of two hours of trouble", self.worlds as i64),
            ("turns", self.turns as i64),
            ("processes begun anew", self.restarts as i64),
            ("calls", self.calls as i64),
            ("calls that a fault has hit", self.faults as i64),
            ("instances launched", self.launched as i64),
            ("instances ended", self.ended as i64),
            ("launches of which only a part was there", self.partly as i64),
            ("instances beyond what was wanted after a launch, at most", self.over_launched_max as i64),
            ("instances fewer than were wanted after an end, at most", self.ended_too_many_max as i64),
            ("changes of instances of others", self.alien_changes as i64),
            ("seconds from the last fault until exactly what is wanted runs, at most", self.healed_s_max),
            ("calls in a minute, at most", self.calls_a_minute_max as i64),
            ("launches that found no machines within half an hour, at most", self.wanting_max as i64),
            (
                "old decisions that came late and were refused by the turn that stands there",
                self.overtaken as i64,
            ),
            ("old decisions that EC2 refused, as they were signed long ago", self.signed_long_ago as i64),
        ];
        writeln!(f, "| | |\n|---|---:|")?;
        rows.iter().try_for_each(|(what, figure)| writeln!(f, "| {what} | {figure} |"))
    }
}

impl Tally {
    fn and(self, one: Self) -> Self {
        Self {
            worlds: self.worlds + 1,
            turns: self.turns + one.turns,
            restarts: self.restarts + one.restarts,
            calls: self.calls + one.calls,
            faults: self.faults + one.faults,
            launched: self.launched + one.launched,
            ended: self.ended + one.ended,
            partly: self.partly + one.partly,
            over_launched_max: self.over_launched_max.max(one.over_launched_max),
            ended_too_many_max: self.ended_too_many_max.max(one.ended_too_many_max),
            alien_changes: self.alien_changes + one.alien_changes,
            healed_s_max: self.healed_s_max.max(one.healed_s_max),
            calls_a_minute_max: self.calls_a_minute_max.max(one.calls_a_minute_max),
            wanting_max: self.wanting_max.max(one.wanting_max),
            overtaken: self.overtaken + one.overtaken,
            signed_long_ago: self.signed_long_ago + one.signed_long_ago,
        }
    }
}

/// A process that stood still, and the decision that it will carry out when it wakes.
struct Sleeper {
    fleet: Ec2Fleet,
    decision: Decision,
    wakes_s: i64,
}

/// One world: what is wanted, what goes wrong, and who drives.
struct World {
    seed: u64,
    wire: Wire,
    chance: Chance,
    wanted: Vec<(i64, u32)>,
    /// Whether single instances are ended by name, instead of a size being set.
    chooses: bool,
    chosen: BTreeSet<String>,
    aliens: Vec<Bare>,
    sleeper: Option<Sleeper>,
    tally: Tally,
    calls_by_minute: BTreeMap<i64, usize>,
}

impl World {
    async fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed, Purpose::World);
        let mut wanted = vec![(0, 6)];
        while wanted.last().unwrap().0 < CALM_S - 900 {
            // Some wishes are over before anybody can have seen what became of them.
            let long = if chance.happens(0.4) { chance.whole(20, 80) } else { chance.whole(200, 900) };
            wanted.push((wanted.last().unwrap().0 + long, chance.whole(3, 25) as u32));
        }
        let mut account = Account::new(START_S - 300, seed);
        account.policy = Some(super::fleet::policy());
        (0..6).for_each(|_| account.add_bare(&OURS));
        ALIEN.iter().for_each(|tags| account.add_bare(tags));
        account.pass(START_S);
        let aliens = account.bares().iter().filter(|bare| !is_ours(bare)).cloned().collect();
        trouble(&mut account, &mut chance);
        Self {
            seed,
            wire: Wire::listen(account).await,
            chance,
            wanted,
            chooses: seed % 3 == 2,
            chosen: BTreeSet::new(),
            aliens,
            sleeper: None,
            tally: Tally::default(),
            calls_by_minute: BTreeMap::new(),
        }
    }

    fn fleet(&self) -> Ec2Fleet {
        super::fleet::fleet(self.wire.region(Rates::default()), &self.wire.url())
    }

    fn wanted_at(&self, second: i64) -> u32 {
        self.wanted.iter().rfind(|(from, _)| *from <= second).unwrap().1
    }

    fn staying(&self) -> usize {
        staying(&self.wire.account())
    }

    /// What the pilot would make of a look at the fleet: nothing is taken away that was not seen wholly.
    fn decide(&mut self, turn: u64, now: Timestamp, seen: Option<&Sighting>) -> Decision {
        let wanted = self.wanted_at(now.as_second() - START_S);
        let commands = match seen {
            Some(seen) if seen.ordered.get() > wanted && !seen.complete => vec![],
            Some(seen) if seen.ordered.get() > wanted && self.chooses => self.choose(seen, wanted),
            Some(seen) if seen.ordered.get() > wanted => vec![shrink(wanted)],
            Some(seen) if seen.ordered.get() == wanted => vec![],
            _ => vec![grow(wanted)],
        };
        let allowed = if seen.is_some() { Allowed::Everything } else { Allowed::Growing };
        Decision { commands, size: Size(wanted), ..decision(turn, now, &[], allowed) }
    }

    /// Those to end by name: first those whose end is under way as far as anybody knows.
    fn choose(&mut self, seen: &Sighting, wanted: u32) -> Vec<Command> {
        let mut nodes: Vec<_> = seen.nodes.iter().collect();
        nodes.sort_by_key(|node| !matches!(node.phase, Phase::Draining { .. }));
        let surplus = nodes.len().saturating_sub(wanted as usize);
        let names: Vec<&str> = nodes.iter().take(surplus).map(|node| node.name.0.as_str()).collect();
        self.chosen.extend(names.iter().map(|name| (*name).to_owned()));
        names.into_iter().map(terminate).collect()
    }

    async fn play(&mut self) {
        let mut fleet = self.fleet();
        let mut healed_s = None;
        let mut second = 0;
        for turn in 1.. {
            if second > SICK_S + HEAL_S {
                break;
            }
            let now_s = self.pass(second);
            let now = Timestamp::from_second(now_s).unwrap();
            let before = self.wire.account().calls;
            let seen = fleet.sight(now).await.ok().flatten();
            let decision = self.decide(turn, now, seen.as_ref());
            if self.chance.happens(0.03) && self.sleeper.is_none() {
                // The process stops between deciding and carrying out; another one begins, and this one wakes later.
                let wakes_s = now_s + self.chance.whole(LAG_S, 600);
                let before = std::mem::replace(&mut fleet, self.fleet());
                self.sleeper = Some(Sleeper { fleet: before, decision, wakes_s });
                self.tally.restarts += 1;
            } else {
                self.carry_out(&fleet, &decision).await;
            }
            self.wake(now_s).await;
            self.count(before, now_s);
            if second >= SICK_S {
                healed_s = if self.is_settled() { healed_s.or(Some(second - SICK_S)) } else { None };
            }
            second = (now_s - START_S + TURN_S).max(second + TURN_S);
            self.tally.turns += 1;
        }
        self.judge();
        self.tally.healed_s_max = healed_s.unwrap_or_else(|| {
            let (wanted, there) = (self.wanted_at(SICK_S), self.staying());
            panic!("seed {}: {there} are there, {wanted} wanted: {:#?}", self.seed, self.tally)
        });
    }

    /// A launch leads to no more than is wanted, an end to no less: whatever is known, and whatever is not.
    async fn carry_out(&mut self, fleet: &Ec2Fleet, decision: &Decision) {
        let before = (self.staying(), self.wire.account().bares().len());
        let done = fleet.carry_out(decision).await;
        let after = (self.staying(), self.wire.account().bares().len());
        let wanted = decision.size.get() as usize;
        let (over, short) = (after.0.saturating_sub(wanted), wanted.saturating_sub(after.0));
        if after.1 > before.1 && over > 0 {
            eprintln!(
                "seed {}, turn {}: {over} more than the {wanted} wanted: {done:?}",
                self.seed, decision.turn
            );
            self.tally.over_launched_max = self.tally.over_launched_max.max(over);
        }
        if after.0 < before.0 && short > 0 {
            eprintln!(
                "seed {}, turn {}: {short} fewer than the {wanted} wanted: {done:?}",
                self.seed, decision.turn
            );
            self.tally.ended_too_many_max = self.tally.ended_too_many_max.max(short);
        }
    }

    /// The process that stood still goes on, once a newer turn has stood there for longer than what is read can be old.
    async fn wake(&mut self, now_s: i64) {
        let newer = |sleeper: &Sleeper| {
            self.wire.account().log.iter().any(|(at_s, call)| match call {
                Call::TagBare { tags, .. } => turn_of(tags) > sleeper.decision.turn && now_s - at_s > LAG_S,
                _ => false,
            })
        };
        let due = self.sleeper.as_ref().is_some_and(|sleeper| now_s >= sleeper.wakes_s && newer(sleeper));
        let Some(sleeper) = self.sleeper.take_if(|_| due) else { return };
        let before = self.wire.account().log.len();
        match sleeper.fleet.carry_out(&sleeper.decision).await {
            Ok(Receipt::Overtaken { .. }) => self.tally.overtaken += 1,
            Err(trouble) if trouble.to_string().contains("Request has expired") => {
                self.tally.signed_long_ago += 1;
            }
            _ => {}
        }
        let account = self.wire.account();
        let late = &account.log[before..];
        assert!(late.is_empty(), "seed {}: {late:?} after {:?}", self.seed, &account.log[..before]);
    }

    fn pass(&self, second: i64) -> i64 {
        let mut account = self.wire.account();
        account.pass(START_S + second);
        account.now_s()
    }

    fn count(&mut self, before: u64, now_s: i64) {
        let calls = (self.wire.account().calls - before) as usize;
        *self.calls_by_minute.entry(now_s / 60).or_default() += calls;
    }

    fn is_settled(&self) -> bool {
        let account = self.wire.account();
        let running = account.bares().iter().filter(|bare| is_ours(bare) && bare.state == "running").count();
        let wanted = self.wanted_at(SICK_S) as usize;
        (running, staying(&account)) == (wanted, wanted)
    }

    /// At the end: nothing of others was touched, marks only went up, nobody stormed.
    fn judge(&mut self) {
        let account = self.wire.account();
        let aliens: Vec<&Bare> = account.bares().iter().filter(|bare| !is_ours(bare)).collect();
        self.tally.alien_changes =
            self.aliens.iter().zip(&aliens).filter(|(before, after)| before != *after).count() as u64;
        self.tally.alien_changes += aliens.len().abs_diff(self.aliens.len()) as u64;
        let mut turn = 0;
        for (_, call) in &account.log {
            match call {
                Call::TagBare { tags, .. } => {
                    assert!(turn_of(tags) >= turn, "seed {}: {tags:?} after {turn}", self.seed);
                    turn = turn_of(tags);
                }
                Call::Run { .. } => {}
                Call::EndBare { ids } => {
                    let asked = !self.chooses || ids.iter().all(|id| self.chosen.contains(id));
                    assert!(asked, "seed {}: {ids:?} were not to be ended", self.seed);
                }
                other => panic!("seed {}: {other:?}", self.seed),
            }
        }
        let ours = || account.bares().iter().filter(|bare| is_ours(bare));
        self.tally.launched = ours().count() as u64 - 6;
        self.tally.ended = ours().filter(|bare| bare.ended_s.is_some()).count() as u64;
        self.tally.partly = account.partly;
        self.tally.wanting_max = most_within(&account.wanting, 1_800);
        self.tally.calls_a_minute_max = self.calls_by_minute.values().copied().max().unwrap_or(0);
        (self.tally.calls, self.tally.faults) = (account.calls, account.faults.hits);
    }
}

/// What goes wrong.
fn trouble(account: &mut Account, chance: &mut Chance) {
    let kinds = [
        (Fault::Throttled, 0.6),
        (Fault::Internal, 0.4),
        (Fault::Expired, 1.0),
        (Fault::Down, 1.0),
        (Fault::ReplyLost, 0.3),
        (Fault::WriteLost, 0.6),
        (Fault::WriteLost, 1.0),
        (Fault::RunsBreak, 0.7),
        (Fault::Lag(30), 1.0),
        (Fault::Lag(60), 1.0),
        (Fault::Blank, 0.3),
        (Fault::NoCapacity, 1.0),
        (Fault::LaunchesFail(0.4), 1.0),
        (Fault::FewMachines(0.4), 1.0),
        (Fault::EndsRefused, 0.6),
    ];
    for _ in 0..16 {
        let (fault, share) = *chance.one_of(&kinds);
        let from_s = START_S + chance.whole(60, SICK_S - 600);
        let until_s = (from_s + chance.whole(120, 1_500)).min(START_S + SICK_S);
        account.faults.spells.push(Spell { fault, share, from_s, until_s });
    }
    // What EC2 does on its good days too.
    for (fault, share) in [(Fault::WriteLost, 0.15), (Fault::EndsRefused, 0.15), (Fault::Patchy(60), 0.5)] {
        let (from_s, until_s) = (START_S, START_S + SICK_S);
        account.faults.spells.push(Spell { fault, share, from_s, until_s });
    }
}

fn is_ours(bare: &Bare) -> bool {
    OURS.iter().all(|(key, value)| bare.tags.get(*key).is_some_and(|known| known == value))
}

fn staying(account: &Account) -> usize {
    account.bares().iter().filter(|bare| is_ours(bare) && bare.stays()).count()
}

fn turn_of(tags: &[(String, String)]) -> u64 {
    tags.iter().find(|(key, _)| key == "tidecast:turn").unwrap().1.parse().unwrap()
}

/// The most of these times within so many seconds.
fn most_within(times: &[i64], span_s: i64) -> usize {
    let within = |at_s: &i64| times.iter().filter(|other| (0..span_s).contains(&(*other - at_s))).count();
    times.iter().map(within).max().unwrap_or(0)
}

#[tokio::test] // C9, F1, F14, F18, F24, F25, F26, F28
async fn launches_and_ends_exactly_what_is_wanted_whatever_goes_wrong() {
    let told = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let (faults, first) = (told("TIDECAST_CHAOS").unwrap_or(1_000), told("TIDECAST_SEED").unwrap_or(1));
    let mut all = Tally::default();
    for seed in first.. {
        let mut world = World::of(seed).await;
        world.play().await;
        all = all.and(world.tally);
        if all.faults >= faults {
            break;
        }
    }
    println!("C9, instances outside of groups\n{all}");
    assert_eq!((all.over_launched_max, all.ended_too_many_max, all.alien_changes), (0, 0, 0), "{all}");
    // A burst of twenty, and ten a second at the very most.
    assert!(all.calls_a_minute_max <= 20 + 600, "{all}");
    // Six by one process; one that has just begun knows of no refusal.
    assert!(all.wanting_max <= 8, "{all}");
    assert!(all.healed_s_max <= 900, "{all}");
    let met = [all.launched, all.ended, all.partly, all.restarts, all.overtaken, all.signed_long_ago];
    assert!(all.worlds < 6 || met.iter().all(|count| *count > 0), "it met not everything: {all}");
    if let Ok(file) = std::env::var("TIDECAST_FIGURES") {
        std::fs::write(file, all.to_string()).unwrap();
    }
}
