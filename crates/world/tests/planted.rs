//! Bugs, planted one by one around the production code: the swarm catches each.

use std::sync::Arc;

use jiff::SignedDuration;
use tidecast_pilot::{
    Briefing, Change, Command, Decision, Demand, Limit, Mode, Note, Override, Phase, Quality, Reading,
    Sessions, Size, Span, Told, Vigil, Workload, decide,
};
use tidecast_world::{
    Breach, Decider, Fault, Invariant, MadeForecasts, Production, Spell, Watch, swarm, world,
};

/// The production code with a bug before it or after it.
struct Planted<B, A> {
    before: B,
    after: A,
}

impl<B: FnMut(&mut Briefing), A: FnMut(&Briefing, &mut Decision)> Decider for Planted<B, A> {
    fn decide(&mut self, briefing: &Briefing) -> Decision {
        let mut told = briefing.clone();
        (self.before)(&mut told);
        let mut decision = decide(&told);
        (self.after)(briefing, &mut decision);
        decision
    }
}

/// How many worlds a bug may live through.
const WORLDS: u64 = 400;

#[track_caller]
fn caught(
    invariant: Invariant,
    before: impl FnMut(&mut Briefing),
    after: impl FnMut(&Briefing, &mut Decision),
) {
    let mut planted = Planted { before, after };
    let failure = (0..WORLDS).find_map(|seed| swarm(seed, &mut planted).err());
    let failure = failure.unwrap_or_else(|| panic!("{WORLDS} worlds, and the bug lives"));
    assert_eq!(failure.breach.invariant, invariant, "{failure}");
    assert!(!failure.history.is_empty() && failure.to_string().contains("make swarm SEED="), "{failure}");
    if let Err(sound) = swarm(failure.seed, &mut Production) {
        panic!("the production code fails there too: {sound}");
    }
    println!("caught in world {}: {}", failure.seed, failure.breach);
}

fn briefed(before: impl FnMut(&mut Briefing), invariant: Invariant) {
    caught(invariant, before, |_, _| ());
}

fn decided(after: impl FnMut(&Briefing, &mut Decision), invariant: Invariant) {
    caught(invariant, |_| (), after);
}

fn told(briefing: &mut Briefing, change: impl FnOnce(&mut Workload)) {
    let mut workload = (*briefing.workload).clone();
    change(&mut workload);
    briefing.workload = Arc::new(workload);
}

#[test] // B10, F1
fn unknown_taken_for_zero() {
    let zeros = |briefing: &mut Briefing| {
        if matches!(briefing.evidence.quality(briefing.now, SignedDuration::ZERO), Quality::Complete) {
            return;
        }
        let zero = |ago| {
            let at = briefing.now - SignedDuration::from_mins(ago);
            Reading::complete(at, Demand::new(0.0).unwrap())
        };
        briefing.evidence.readings = (0..15).rev().map(zero).collect();
    };
    briefed(zeros, Invariant::Evidence);
}

#[test] // B10, A17
fn lost_targets_taken_for_lost_load() {
    let trusting = |briefing: &mut Briefing| {
        briefing.evidence.readings.iter_mut().for_each(|reading| reading.coverage = 1.0);
    };
    briefed(trusting, Invariant::Evidence);
}

#[test] // B10, F20
fn a_budget_that_is_forgotten() {
    let forgetful = |briefing: &mut Briefing| {
        if let Some(last) = &briefing.last {
            briefing.last = Some(Arc::new(Decision { moves: Vec::new(), ..(**last).clone() }));
        }
    };
    briefed(forgetful, Invariant::Budget);
}

#[test] // B10, F14
fn growth_that_counts_from_what_already_serves() {
    let relative = |briefing: &Briefing, decision: &mut Decision| {
        let Some(seen) = &briefing.sighting else { return };
        for command in &mut decision.commands {
            if let Command::Grow { to } = command {
                *to = seen.ordered + (decision.size - seen.serving);
            }
        }
    };
    decided(relative, Invariant::Bounds);
}

#[test] // B10
fn a_maximum_that_is_passed() {
    let boundless = |_: &Briefing, decision: &mut Decision| {
        let cut = decision.limits.iter().find_map(|limit| match limit {
            Limit::Maximum { wanted, .. } => Some(*wanted),
            _ => None,
        });
        for command in &mut decision.commands {
            if let (Command::Grow { to }, Some(wanted)) = (command, cut) {
                *to = wanted;
            }
        }
    };
    decided(boundless, Invariant::Bounds);
}

#[test] // B10, F21
fn a_halt_that_is_not_heard() {
    let deaf = |briefing: &mut Briefing| {
        briefing.halts.clear();
        told(briefing, |workload| workload.mode = Mode::Full);
    };
    briefed(deaf, Invariant::Halts);
}

#[test] // B10, A11
fn a_floor_that_is_not_kept() {
    briefed(|briefing| briefing.overrides.clear(), Invariant::Floors);
}

#[test] // B10, D1
fn a_server_ended_as_soon_as_it_drains() {
    let hasty = |briefing: &Briefing, decision: &mut Decision| {
        let nodes = briefing.sighting.iter().flat_map(|seen| &seen.nodes);
        let draining = nodes.filter(|node| matches!(node.phase, Phase::Draining { .. }));
        decision.commands.extend(draining.map(|node| Command::Terminate { node: node.name.clone() }));
    };
    decided(hasty, Invariant::Sessions);
}

#[test] // B10, F29
fn uncounted_sessions_taken_for_none() {
    let hopeful = |briefing: &mut Briefing| {
        let now = briefing.now;
        for node in briefing.sighting.iter_mut().flat_map(|seen| &mut seen.nodes) {
            let old = node.sessions.is_none_or(|s| now.duration_since(s.at) > SignedDuration::from_secs(90));
            if old {
                let empty_since = Some(now - SignedDuration::from_hours(1));
                node.sessions = Some(Sessions { count: 0, at: now, empty_since });
            }
            if let (Phase::Draining { since }, true) = (&mut node.phase, old) {
                *since = now - SignedDuration::from_hours(1);
            }
        }
    };
    briefed(hopeful, Invariant::Sessions);
}

#[test] // B10, F18
fn half_a_fleet_taken_for_the_whole() {
    let trusting = |briefing: &mut Briefing| {
        if let Some(seen) = &mut briefing.sighting {
            (seen.complete, seen.foreign) = (true, None);
        }
    };
    briefed(trusting, Invariant::Sight);
}

#[test] // B10, S5.1
fn launches_that_are_thought_to_take_no_time() {
    let rash = |briefing: &mut Briefing| {
        told(briefing, |workload| workload.start_up = Told::Given(SignedDuration::ZERO));
    };
    briefed(rash, Invariant::Recovery);
}

#[test] // B10, F15
fn a_padding_that_comes_and_goes() {
    let nervous = |briefing: &mut Briefing| {
        let odd = briefing.now.as_second() / 300 % 2 == 1;
        let span = Span::lasting(briefing.now, SignedDuration::from_mins(5));
        let change = Change::PadServers(Size(2));
        let (id, author, reason) = ("pad".to_owned(), "nobody".to_owned(), "nothing".to_owned());
        briefing.overrides.extend(odd.then_some(Override { id, span, change, author, reason }));
    };
    let mut planted = Planted { before: nervous, after: |_: &Briefing, _: &mut Decision| () };
    let caught = (0..WORLDS).filter_map(|seed| swarm(seed, &mut planted).err());
    assert!(caught.take(20).any(|failure| failure.breach.invariant == Invariant::Churn));
}

/// The worlds of the swarm, with a turn every minute and nothing to be launched for a morning.
fn out_of_stock(decider: &mut dyn Decider) -> Option<Breach> {
    (0..WORLDS).find_map(|seed| {
        let mut world = world(seed);
        world.turn_min = 1;
        world.spells = vec![Spell { from: 240, until: 720, fault: Fault::NoCapacity }];
        let mut watch = Watch::new(&world);
        world.play(decider, &mut MadeForecasts::of(&world), &mut |scene| watch.see(scene));
        watch.breach
    })
}

#[test] // B10, F28
fn launches_again_at_each_turn_though_none_comes_up() {
    let impatient = |briefing: &mut Briefing| {
        if let Some(last) = &briefing.last {
            let vigil = Vigil { tried: None, ..last.vigil.clone() };
            briefing.last = Some(Arc::new(Decision { vigil, ..(**last).clone() }));
        }
    };
    assert_eq!(out_of_stock(&mut Production), None);
    let breach = out_of_stock(&mut Planted { before: impatient, after: |_: &Briefing, _: &mut Decision| () });
    assert_eq!(breach.map(|breach| breach.invariant), Some(Invariant::Storm));
}

#[test] // B10, F14
fn as_many_more_as_have_not_come_up_yet() {
    let greedy = |briefing: &Briefing, decision: &mut Decision| {
        let nodes = briefing.sighting.iter().flat_map(|seen| &seen.nodes);
        let booting = Size(nodes.filter(|node| node.phase == Phase::Booting).count() as u32);
        for command in &mut decision.commands {
            if let Command::Grow { to } = command {
                *to = *to + booting;
            }
        }
    };
    decided(greedy, Invariant::Runaway);
}

#[test] // B10, F13
fn a_clock_that_is_believed_as_soon_as_it_has_jumped() {
    let trusting = |briefing: &mut Briefing| {
        if let Some(last) = &briefing.last {
            let vigil = Vigil { jumped: None, ..last.vigil.clone() };
            let at = last.at.min(briefing.now);
            briefing.last = Some(Arc::new(Decision { vigil, at, ..(**last).clone() }));
        }
    };
    briefed(trusting, Invariant::Clock);
}

#[test] // B10, F19
fn silent_servers_taken_for_empty_ones() {
    let callous = |briefing: &Briefing, decision: &mut Decision| {
        let nodes = briefing.sighting.iter().flat_map(|seen| &seen.nodes);
        let silent = nodes.filter(|node| matches!(node.phase, Phase::Silent { .. }));
        decision.commands.extend(silent.map(|node| Command::Terminate { node: node.name.clone() }));
    };
    decided(callous, Invariant::Sessions);
}

#[test] // B10, B1
fn a_refusal_without_a_reason() {
    decided(|_, decision| decision.limits.clear(), Invariant::Reasons);
}

#[test] // B10
fn a_plan_with_a_step_too_many() {
    let stutter = |_: &Briefing, decision: &mut Decision| {
        let plan = Arc::make_mut(&mut decision.plan);
        if let Some(last) = plan.steps.last().cloned() {
            plan.steps.push(last);
        }
    };
    decided(stutter, Invariant::Flaws);
}

#[test] // B10, I14
fn a_decision_that_depends_on_what_was_not_told() {
    let mut turns = 0;
    let moody = |_: &Briefing, decision: &mut Decision| {
        turns += 1;
        decision.notes.push(Note::Coarse { quantum: Size(turns) });
    };
    decided(moody, Invariant::Again);
}

#[test] // B10
fn the_production_code_lives_through_three_hundred_worlds() {
    for seed in 0..300 {
        if let Err(failure) = swarm(seed, &mut Production) {
            panic!("{failure}");
        }
    }
}
