//! Fault campaign C9, for instances of EC2 outside of groups: hours of virtual time, and a cloud that is out of sorts.
//!
//! `make chaos` runs it for long: TIDECAST_CHAOS says how many calls are to be hit, TIDECAST_SEED where to begin.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tidecast::aws::Rates;
use tidecast::scaler::{Ec2Fleet, Receipt, Scaler};
use tidecast_pilot::{Allowed, Command, Decision, Node, Phase, Sighting, Size};
use tidecast_world::aws::{Account, Bare, Call, Fault, Spell};
use tidecast_world::{Chance, Purpose};

use super::account::Wire;
use super::behaviour::START_S;
use super::decisions::{decision, drain, grow, shrink, terminate};
use super::figures::{Figures, Row, asked};

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

/// How long one must have drained before it is ended.
const COOLING: SignedDuration = SignedDuration::from_secs(30);

const WORLDS: Row = Row::sum("worlds, each of two hours of trouble");
const TURNS: Row = Row::sum("turns");
const RESTARTS: Row = Row::sum("processes begun anew");
const CALLS: Row = Row::sum("calls");
const FAULTS: Row = Row::sum("calls that a fault has hit");
const LAUNCHED: Row = Row::sum("instances launched");
const ENDED: Row = Row::sum("instances ended");
const PARTLY: Row = Row::sum("launches of which only a part was there");
const DRAINED: Row = Row::sum("marks set on instances that were to drain");
const RESTORED: Row = Row::sum("marks taken away from instances that got sessions back");
const OVER: Row = Row::most("instances beyond what was wanted after a launch, at most");
const SHORT: Row = Row::most("instances fewer than were wanted after an end, at most");
const CLOSED: Row = Row::most("instances that take sessions fewer than were wanted after a mark, at most");
const CUT: Row = Row::sum("instances ended that bore no mark, where only those that drain may end");
const CHANGED: Row = Row::sum("changes of instances of others");
const HEALED: Row = Row::most("seconds from the last fault until exactly what is wanted runs, at most");
const PER_MINUTE: Row = Row::most("calls in a minute, at most");
const WANTING: Row = Row::most("launches that found no machines within half an hour, at most");
const OVERTAKEN: Row =
    Row::sum("old decisions that came late and were refused by the turn that stands there");
const EXPIRED: Row = Row::sum("old decisions that EC2 refused, as they were signed long ago");
const ROWS: [Row; 20] = [
    WORLDS, TURNS, RESTARTS, CALLS, FAULTS, LAUNCHED, ENDED, PARTLY, DRAINED, RESTORED, OVER, SHORT, CLOSED,
    CUT, CHANGED, HEALED, PER_MINUTE, WANTING, OVERTAKEN, EXPIRED,
];

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
    /// Whether single instances are drained and ended, instead of a size being set.
    chooses: bool,
    /// Those that were to be ended.
    chosen: BTreeSet<String>,
    aliens: Vec<Bare>,
    sleeper: Option<Sleeper>,
    figures: Figures,
    calls_by_minute: BTreeMap<i64, usize>,
}

impl World {
    async fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed, Purpose::World);
        let (mut wanted, restless) = (vec![(0, 6)], seed % 4 == 3);
        while wanted.last().unwrap().0 < CALM_S - 900 {
            // Some wishes are over before anybody can have seen what became of them; in restless worlds all are.
            let long =
                if restless || chance.happens(0.4) { chance.whole(20, 80) } else { chance.whole(200, 900) };
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
            figures: Figures::new(&ROWS),
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
        Count::of(&self.wire.account()).staying.len()
    }

    /// What the pilot would make of a look at the fleet: nothing is taken away that was not seen wholly.
    fn decide(&mut self, turn: u64, now: Timestamp, seen: Option<&Sighting>) -> Decision {
        let wanted = self.wanted_at(now.as_second() - START_S);
        let commands = match seen {
            Some(seen) if self.chooses => self.choose(seen, wanted, now),
            Some(seen) if seen.ordered.get() > wanted && !seen.complete => vec![],
            Some(seen) if seen.ordered.get() > wanted => vec![shrink(wanted)],
            Some(seen) if seen.ordered.get() == wanted => vec![],
            _ => vec![grow(wanted)],
        };
        let allowed = if seen.is_some() { Allowed::Everything } else { Allowed::Growing };
        Decision { commands, size: Size(wanted), ..decision(turn, now, &[], allowed) }
    }

    /// What the pilot would make of it where servers have sessions: who drains gets them back before others are launched, and
    /// is ended once it has been empty for a while. Who that is, is chance: whatever speaks for one now speaks for another at
    /// the next turn.
    fn choose(&mut self, seen: &Sighting, wanted: u32, now: Timestamp) -> Vec<Command> {
        let drains = |node: &Node| matches!(node.phase, Phase::Draining { .. });
        let (mut leaving, open): (Vec<Node>, Vec<Node>) = seen.nodes.iter().cloned().partition(drains);
        let (missing, surplus) = apart(open.len(), wanted as usize);
        let restored = self.some_of(&mut leaving, missing);
        let mut commands: Vec<Command> =
            restored.iter().map(|node| Command::Restore { node: node.name.clone() }).collect();
        if missing > restored.len() {
            commands.push(grow(wanted));
        }
        if seen.complete {
            let mut open = open;
            commands.extend(self.some_of(&mut open, surplus).iter().map(|node| drain(&node.name.0)));
            let cooled = |node: &&Node| match node.phase {
                Phase::Draining { since } => now.duration_since(since) >= COOLING,
                _ => false,
            };
            let ended: Vec<String> = leaving.iter().filter(cooled).map(|node| node.name.0.clone()).collect();
            commands.extend(ended.iter().map(|id| terminate(id)));
            self.chosen.extend(ended);
        }
        commands
    }

    /// Takes so many out, whichever.
    fn some_of(&mut self, nodes: &mut Vec<Node>, count: usize) -> Vec<Node> {
        let count = count.min(nodes.len());
        let mut place = |left: usize| self.chance.whole(0, left as i64 - 1) as usize;
        (0..count).map(|_| nodes.swap_remove(place(nodes.len()))).collect()
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
                self.figures.take(RESTARTS, 1);
            } else {
                self.carry_out(&fleet, &decision).await;
            }
            self.wake(now_s).await;
            self.count(before, now_s);
            if second >= SICK_S {
                healed_s = if self.is_settled() { healed_s.or(Some(second - SICK_S)) } else { None };
            }
            second = (now_s - START_S + TURN_S).max(second + TURN_S);
            self.figures.take(TURNS, 1);
        }
        self.judge();
        let healed_s = healed_s.unwrap_or_else(|| {
            let (wanted, there) = (self.wanted_at(SICK_S), self.staying());
            panic!("seed {}: {there} are there, {wanted} wanted: {}", self.seed, self.figures)
        });
        self.figures.take(HEALED, healed_s);
    }

    /// A launch leads to no more than is wanted, an end to no less, and so does a mark; who bears none is not ended where others
    /// drain: whatever is known, and whatever is not.
    async fn carry_out(&mut self, fleet: &Ec2Fleet, decision: &Decision) {
        let before = Count::of(&self.wire.account());
        let done = fleet.carry_out(decision).await;
        let after = Count::of(&self.wire.account());
        let wanted = decision.size.get() as usize;
        let over = after.staying.len().saturating_sub(wanted);
        let short = |count: usize| wanted.saturating_sub(count);
        let broken = [
            (OVER, if after.launched > before.launched { over } else { 0 }),
            (SHORT, if after.staying.len() < before.staying.len() { short(after.staying.len()) } else { 0 }),
            (CLOSED, if after.open.len() < before.open.len() { short(after.open.len()) } else { 0 }),
            (CUT, if self.chooses { before.open.difference(&after.staying).count() } else { 0 }),
        ];
        for (row, count) in broken.into_iter().filter(|(_, count)| *count > 0) {
            let (seed, turn) = (self.seed, decision.turn);
            eprintln!("seed {seed}, turn {turn}, {wanted} wanted: {row:?}: {count}: {done:?}");
            self.figures.take(row, count);
        }
    }

    /// The process that stood still goes on, once a newer turn has stood there for longer than what is read can be old.
    async fn wake(&mut self, now_s: i64) {
        let newer = |sleeper: &Sleeper| {
            self.wire.account().log.iter().any(|(at_s, call)| match call {
                Call::TagBare { tags, .. } => {
                    turn_of(tags).is_some_and(|turn| turn > sleeper.decision.turn) && now_s - at_s > LAG_S
                }
                _ => false,
            })
        };
        let due = self.sleeper.as_ref().is_some_and(|sleeper| now_s >= sleeper.wakes_s && newer(sleeper));
        let Some(sleeper) = self.sleeper.take_if(|_| due) else { return };
        let before = self.wire.account().log.len();
        match sleeper.fleet.carry_out(&sleeper.decision).await {
            Ok(Receipt::Overtaken { .. }) => self.figures.take(OVERTAKEN, 1),
            Err(trouble) if trouble.to_string().contains("Request has expired") => {
                self.figures.take(EXPIRED, 1);
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
        let there = Count::of(&account);
        (running, there.staying.len(), there.open.len()) == (wanted, wanted, wanted)
    }

    /// At the end: nothing of others was touched, marks only went up, nobody stormed.
    fn judge(&mut self) {
        let account = self.wire.account();
        let aliens: Vec<&Bare> = account.bares().iter().filter(|bare| !is_ours(bare)).collect();
        let changed = self.aliens.iter().zip(&aliens).filter(|(before, after)| before != *after).count();
        let changed = changed + aliens.len().abs_diff(self.aliens.len());
        let (mut turn, mut drained, mut restored) = (0, 0, 0);
        for (_, call) in &account.log {
            match call {
                Call::TagBare { tags, .. } if turn_of(tags).is_some() => {
                    assert!(turn_of(tags) >= Some(turn), "seed {}: {tags:?} after {turn}", self.seed);
                    turn = turn_of(tags).unwrap_or(turn);
                }
                Call::TagBare { ids, .. } if self.chooses => drained += ids.len(),
                Call::UntagBare { ids, .. } if self.chooses => restored += ids.len(),
                Call::Run { .. } => {}
                Call::EndBare { ids } => {
                    let asked = !self.chooses || ids.iter().all(|id| self.chosen.contains(id));
                    assert!(asked, "seed {}: {ids:?} were not to be ended", self.seed);
                }
                other => panic!("seed {}: {other:?}", self.seed),
            }
        }
        let ours = || account.bares().iter().filter(|bare| is_ours(bare));
        let per_minute = self.calls_by_minute.values().copied().max().unwrap_or(0);
        let figures = &mut self.figures;
        figures.take(WORLDS, 1);
        figures.take(CHANGED, changed);
        figures.take(DRAINED, drained);
        figures.take(RESTORED, restored);
        figures.take(LAUNCHED, ours().count() - 6);
        figures.take(ENDED, ours().filter(|bare| bare.ended_s.is_some()).count());
        figures.take(PARTLY, account.partly);
        figures.take(WANTING, most_within(&account.wanting, 1_800));
        figures.take(PER_MINUTE, per_minute);
        figures.take(CALLS, account.calls);
        figures.take(FAULTS, account.faults.hits);
    }
}

/// Ours, as they really are.
struct Count {
    /// How many there ever were.
    launched: usize,
    /// Those that are there to stay.
    staying: BTreeSet<String>,
    /// Those of them that take sessions.
    open: BTreeSet<String>,
}

impl Count {
    fn of(account: &Account) -> Self {
        let ours = || account.bares().iter().filter(|bare| is_ours(bare));
        let staying = || ours().filter(|bare| bare.stays());
        let open = staying().filter(|bare| !bare.tags.contains_key("tidecast:drain"));
        let open = open.map(|bare| bare.id.clone()).collect();
        Self { launched: ours().count(), staying: staying().map(|bare| bare.id.clone()).collect(), open }
    }
}

/// How many are missing, and how many too many.
fn apart(have: usize, wanted: usize) -> (usize, usize) {
    (wanted.saturating_sub(have), have.saturating_sub(wanted))
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
        (Fault::EndsBreak, 0.7),
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

/// The turn that is written; none, if it is another mark.
fn turn_of(tags: &[(String, String)]) -> Option<u64> {
    tags.iter().find(|(key, _)| key == "tidecast:turn").map(|(_, turn)| turn.parse().unwrap())
}

/// The most of these times within so many seconds.
fn most_within(times: &[i64], span_s: i64) -> usize {
    let within = |at_s: &i64| times.iter().filter(|other| (0..span_s).contains(&(*other - at_s))).count();
    times.iter().map(within).max().unwrap_or(0)
}

#[tokio::test] // C9, F1, F14, F18, F24, F25, F26, F28
async fn launches_and_ends_exactly_what_is_wanted_whatever_goes_wrong() {
    let (faults, first) = asked();
    let mut all = Figures::new(&ROWS);
    for seed in first.. {
        let mut world = World::of(seed).await;
        world.play().await;
        all.add(&world.figures);
        if all.of(FAULTS) >= faults {
            break;
        }
    }
    println!("C9, instances outside of groups\n{all}");
    let never = [OVER, SHORT, CLOSED, CUT, CHANGED].map(|row| all.of(row));
    assert_eq!(never, [0; 5], "{all}");
    // A burst of twenty, and ten a second at the very most.
    assert!(all.of(PER_MINUTE) <= 20 + 600, "{all}");
    // Six by one process; one that has just begun knows of no refusal.
    assert!(all.of(WANTING) <= 8, "{all}");
    assert!(all.of(HEALED) <= 900, "{all}");
    let met = [LAUNCHED, ENDED, PARTLY, DRAINED, RESTORED, RESTARTS, OVERTAKEN, EXPIRED];
    let met = met.iter().all(|row| all.of(*row) > 0);
    assert!(all.of(WORLDS) < 6 || met, "it met not everything: {all}");
    all.record();
}
