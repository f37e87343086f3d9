use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use tidecast_pilot::{Limit, Workload};

use crate::invariants::{Breach, Watch};
use crate::made::MadeForecasts;
use crate::{Decider, Rehearsal, Scene, Ways};

/// Plays the world of a seed; what broke an invariant comes back, made as small as it can be made.
pub fn swarm(seed: u64, decider: &mut dyn Decider) -> Result<Played, Box<Failure>> {
    let world = crate::worlds::world(seed);
    match breach(&world, decider) {
        (None, played) => Ok(played),
        (Some(breach), _) => Err(Box::new(Failure::shrunk(seed, world, breach, decider))),
    }
}

/// What was played without a breach.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Played {
    /// Minutes of one workload.
    pub minutes: usize,
    /// Turns decided.
    pub turns: usize,
    /// Changes of direction once all was well.
    pub rounds: usize,
    /// Minutes once all was well.
    pub calm: usize,
}

/// A breach, the smallest world found that shows it, and what happened before.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed of the world as it was first.
    pub seed: u64,
    /// The breach in the smallest world.
    pub breach: Breach,
    /// That world.
    pub world: Rehearsal,
    /// Its last turns, a line each.
    pub history: Vec<String>,
}

fn breach(world: &Rehearsal, decider: &mut dyn Decider) -> (Option<Breach>, Played) {
    let mut watch = Watch::new(world);
    let mut turns = 0;
    decider.restarted();
    let timeline = world.play(decider, &mut MadeForecasts::of(world), &mut |scene| {
        turns += 1;
        watch.see(scene)
    });
    watch.conclude(&timeline);
    let calm = timeline.total.get(world.settled()..).unwrap_or_default();
    let played = Played {
        minutes: timeline.minutes(),
        turns,
        rounds: crate::invariants::turns_round(calm),
        calm: calm.len(),
    };
    (watch.breach, played)
}

impl Failure {
    /// Takes away whatever can be taken away while the same invariant still breaks.
    fn shrunk(seed: u64, world: Rehearsal, first: Breach, decider: &mut dyn Decider) -> Self {
        let (mut world, mut breach) = (world, first);
        loop {
            let smaller = smaller(&world).into_iter().find_map(|candidate| {
                let found = self::breach(&candidate, decider).0?;
                (found.invariant == breach.invariant).then_some((candidate, found))
            });
            let Some(found) = smaller else { break };
            (world, breach) = found;
        }
        let history = history(&world, &breach, decider);
        Self { seed, breach, world, history }
    }
}

/// The same world without one of its troubles.
fn smaller(world: &Rehearsal) -> Vec<Rehearsal> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Rehearsal)| {
        let mut candidate = world.clone();
        change(&mut candidate);
        all.push(candidate);
    };
    (0..world.spells.len()).for_each(|i| with(&|w| _ = w.spells.remove(i)));
    (0..world.overrides.len()).for_each(|i| with(&|w| _ = w.overrides.remove(i)));
    (0..world.halts.len()).for_each(|i| with(&|w| _ = w.halts.remove(i)));
    let plain = Workload::new("plain", world.workload.bounds);
    let mut plainer = |change: &dyn Fn(&mut Workload)| {
        let mut workload = (*world.workload).clone();
        change(&mut workload);
        if workload != *world.workload {
            with(&|w| w.workload = Arc::new(workload.clone()));
        }
    };
    plainer(&|w| w.ramp = plain.ramp);
    plainer(&|w| w.batch = plain.batch);
    plainer(&|w| w.dwell = plain.dwell);
    plainer(&|w| w.cool_down = plain.cool_down);
    plainer(&|w| w.buffer = plain.buffer);
    all
}

/// The last turns before the breach.
fn history(world: &Rehearsal, breach: &Breach, decider: &mut dyn Decider) -> Vec<String> {
    const TURNS: usize = 12;
    let mut lines = VecDeque::new();
    decider.restarted();
    world.play(decider, &mut MadeForecasts::of(world), &mut |scene| {
        lines.push_back(line(world, scene));
        if lines.len() > TURNS {
            lines.pop_front();
        }
        if scene.minute >= breach.minute { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    lines.into()
}

fn line(world: &Rehearsal, scene: &Scene<'_>) -> String {
    let (decision, zone) = (scene.decision, &world.workload.zone);
    let need = (world.trace.demand()[scene.minute] / world.throughput()).ceil();
    let seen = scene.briefing.sighting.as_ref();
    let stands =
        seen.map_or("unseen".to_owned(), |seen| format!("{} stand, {} serve", seen.ordered, seen.serving));
    let commands: Vec<String> = decision.commands.iter().map(ToString::to_string).collect();
    let limits: Vec<&str> = decision.limits.iter().map(Limit::code).collect();
    format!(
        "{:>5} {} need {need}; {stands}; wants {} ({}){}{}{}",
        scene.minute,
        scene.briefing.now.to_zoned(zone.clone()).strftime("%a %H:%M"),
        decision.wanted,
        decision.because.code(),
        if limits.is_empty() { "" } else { ", held by " },
        limits.join(", "),
        if commands.is_empty() { String::new() } else { format!("; {}", commands.join(", ")) },
    )
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, breach, world, history } = self;
        writeln!(f, "{breach}\nplay it again: make swarm SEED={seed}\nthe smallest world that shows it:")?;
        writeln!(
            f,
            "  {:?} from {} to {} servers of {} each, start-up {} min, a turn every {} min, a forecast every {} min{}",
            world.workload.mode,
            world.workload.bounds.min(),
            world.workload.bounds.max(),
            world.throughput(),
            world.start_min,
            world.turn_min,
            world.forecast_min,
            if world.sessions.is_some() { ", with sessions" } else { "" },
        )?;
        if let Ways::Fixed(way, otherwise) = &world.ways {
            writeln!(f, "  sized by {way}; else by {otherwise}")?;
        }
        for spell in &world.spells {
            writeln!(f, "  {} to {}: {}", spell.from, spell.until, spell.fault)?;
        }
        let zone = &world.workload.zone;
        world.overrides.iter().try_for_each(|(_, decree)| writeln!(f, "  {}", decree.tell(zone)))?;
        world.halts.iter().try_for_each(|halt| writeln!(f, "  {}", halt.tell(zone)))?;
        writeln!(f, "its last turns:")?;
        history.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl Played {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            minutes: self.minutes + other.minutes,
            turns: self.turns + other.turns,
            rounds: self.rounds + other.rounds,
            calm: self.calm + other.calm,
        }
    }
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = |minutes: usize| minutes as f64 / crate::DAY as f64;
        let round = self.rounds as f64 / days(self.calm).max(1e-9);
        write!(
            f,
            "{:.0} workload-days, {} turns; once all is well the size turns round {round:.1} times a day",
            days(self.minutes),
            self.turns
        )
    }
}
