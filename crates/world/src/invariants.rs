use std::fmt;
use std::ops::ControlFlow;

use tidecast_pilot::{COMPLETE, Command, Halted, Mode, Phase, Size, flaws};

use crate::{Rehearsal, Scene, Timeline, Ways};

/// What must never happen, whatever goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No size is decided outside of the bounds.
    Bounds,
    /// No session is ended.
    Sessions,
    /// No plan has a flaw.
    Flaws,
    /// The same briefing gives the same decision, and planning again changes nothing.
    Again,
    /// Nothing is taken away on measurements that are lost, partial or old.
    Evidence,
    /// Nothing is taken away from a fleet that is not seen completely.
    Sight,
    /// No more is taken away than the budget allows, restarts or not.
    Budget,
    /// While nothing comes up, launches are not tried again and again.
    Storm,
    /// What is ordered beyond what is wanted is no more than a batch.
    Runaway,
    /// Nothing is taken away for a window after the clock went back.
    Clock,
    /// What mode and halts forbid is not commanded.
    Halts,
    /// What is decreed as the least is had.
    Floors,
    /// Whatever holds a size back is told.
    Reasons,
    /// When all is well again, shortage ends within a start-up.
    Recovery,
    /// The size does not change again and again.
    Churn,
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub invariant: Invariant,
    /// When, in minutes of the trace.
    pub minute: usize,
    /// What happened instead.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} broken in minute {}: {}", self.invariant, self.minute, self.what)
    }
}

/// Something to ask of a turn; the answer is what happened instead.
type Question = fn(&Scene<'_>) -> Option<String>;
/// What is asked of every turn.
const ASKED: [(Invariant, Question); 10] = [
    (Invariant::Bounds, out_of_bounds),
    (Invariant::Runaway, running_away),
    (Invariant::Sessions, cut),
    (Invariant::Flaws, flawed),
    (Invariant::Evidence, on_bad_evidence),
    (Invariant::Sight, unseen),
    (Invariant::Halts, halted),
    (Invariant::Floors, below_a_floor),
    (Invariant::Reasons, unexplained),
    (Invariant::Again, different_again),
];

/// How far a clock may be off without its measurements looking old, in minutes.
const CLOCK_SLACK_MIN: usize = 4;
/// The most changes of direction in a day of a fleet that is left alone: three an hour, where four are allowed in any one.
const TURNS_ROUND_MAX: f64 = 72.0;

/// Looks at every turn of a world, and keeps the first breach.
#[derive(Debug)]
pub struct Watch<'a> {
    world: &'a Rehearsal,
    /// What was taken away lately: the minute, from how many, to how many.
    taken: Vec<(usize, Size, Size)>,
    launches: Launches,
    /// When the clock last went back, and by how much it was wrong in the turn before.
    went_back: Option<usize>,
    clock: i64,
    /// The first breach.
    pub breach: Option<Breach>,
}

impl<'a> Watch<'a> {
    /// Nothing seen yet.
    pub fn new(world: &'a Rehearsal) -> Self {
        Self {
            world,
            taken: Vec::new(),
            launches: Launches::default(),
            went_back: None,
            clock: 0,
            breach: None,
        }
    }

    /// Looks at one turn.
    pub fn see(&mut self, scene: &Scene<'_>) -> ControlFlow<()> {
        let asked = ASKED.iter().find_map(|(invariant, ask)| Some((*invariant, ask(scene)?)));
        let remembered = [
            (Invariant::Budget, self.overspent(scene)),
            (Invariant::Storm, self.launches.storm(scene)),
            (Invariant::Clock, self.after_a_jump(scene)),
        ];
        let remembered = remembered.into_iter().find_map(|(invariant, what)| Some((invariant, what?)));
        let found = asked.or(remembered);
        let Some((invariant, what)) = found else { return ControlFlow::Continue(()) };
        self.breach = Some(Breach { invariant, minute: scene.minute, what });
        ControlFlow::Break(())
    }

    /// What was taken away within the budget's time, by the clock on the wall and not by that of the turns.
    fn overspent(&mut self, scene: &Scene<'_>) -> Option<String> {
        let budget = self.world.workload.scale_in;
        let stands = scene.briefing.sighting.as_ref().map(|seen| seen.ordered)?;
        let to = scene.decision.commands.iter().find_map(|command| match command {
            Command::Shrink { to } => Some(*to),
            _ => None,
        });
        let to = to.filter(|to| *to < stands)?;
        self.taken.push((scene.minute, stands, to));
        let long = (budget.per.as_mins().max(0) as usize).saturating_sub(CLOCK_SLACK_MIN).max(1);
        self.taken.retain(|(at, ..)| at + long > scene.minute);
        let most = self.taken.iter().map(|(_, from, _)| *from).max().unwrap_or(stands);
        let gone: u32 = self.taken.iter().map(|(_, from, to)| from.get() - to.get()).sum();
        let allowed = budget.of(most).get();
        (gone > allowed)
            .then(|| format!("{gone} of {most} servers were taken away in {long} minutes, {allowed} may be"))
    }

    /// What was taken away within the hold after a clock went back that was told by it until then.
    fn after_a_jump(&mut self, scene: &Scene<'_>) -> Option<String> {
        let turned_back = scene.weather.clock + (self.world.turn_min as i64) < self.clock;
        self.clock = scene.weather.clock;
        if turned_back {
            self.went_back = Some(scene.minute);
        }
        let hold = self.world.workload.hold.as_mins().max(0) as usize;
        let at = self.went_back.filter(|at| scene.minute < at + hold)?;
        let command = takes_away(scene)?;
        Some(format!("{command}, though the clock went back only {} minutes ago", scene.minute - at))
    }

    /// What the whole of a run shows, once it is over.
    pub fn conclude(&mut self, timeline: &Timeline) {
        if self.breach.is_none() {
            self.breach = still_short(self.world, timeline).or_else(|| churning(self.world, timeline));
        }
    }
}

/// Launches since a server last came up, by what the world knows.
#[derive(Debug, Default)]
struct Launches {
    ready: u32,
    /// The minutes of all of them.
    tried: Vec<usize>,
}

/// The most launches in half an hour when launches had their time and not one came up.
const LAUNCHES_MAX: usize = 6;
const HALF_AN_HOUR_MIN: usize = 30;

impl Launches {
    fn storm(&mut self, scene: &Scene<'_>) -> Option<String> {
        let ready = scene.cloud.ready();
        let lost = scene.weather.deaf || scene.briefing.sighting.is_none();
        if ready > self.ready || ready >= scene.cloud.desired() || lost {
            self.tried.clear();
        }
        self.ready = ready;
        if grown(scene)
            .is_some_and(|to| scene.briefing.sighting.as_ref().is_some_and(|seen| to > seen.ordered))
        {
            self.tried.push(scene.minute);
        }
        // Twice the start-up, and a turn to see it.
        let start_up =
            scene.briefing.workload.start_up.or(None).map_or(0, |long| long.as_mins().max(1) as usize);
        let known = self.tried.first()? + 2 * start_up.max(1) + CLOCK_SLACK_MIN;
        let from = scene.minute.saturating_sub(HALF_AN_HOUR_MIN).max(known);
        let count = self.tried.iter().filter(|minute| **minute > from).count();
        (count > LAUNCHES_MAX).then(|| {
            format!(
                "{count} launches in half an hour, though none has come up since minute {}",
                self.tried[0]
            )
        })
    }
}

fn grown(scene: &Scene<'_>) -> Option<Size> {
    scene.decision.commands.iter().find_map(|command| match command {
        Command::Grow { to } => Some(*to),
        _ => None,
    })
}

/// More servers ordered than are wanted, on their way out or silent, and a batch.
fn running_away(scene: &Scene<'_>) -> Option<String> {
    let (briefing, to) = (scene.briefing, grown(scene)?);
    let seen = briefing.sighting.as_ref()?;
    let leaving =
        seen.nodes.iter().filter(|node| !matches!(node.phase, Phase::Booting | Phase::Serving)).count();
    let batch = briefing.workload.batch.preferred.or(briefing.workload.batch.max);
    let batch = batch.unwrap_or(Size(seen.nodes.len() as u32 / 10)).max(Size(1));
    let most = scene.decision.size + Size(leaving as u32) + batch;
    (to > most).then(|| {
        format!("{to} servers ordered, though {} are wanted and {leaving} leave", scene.decision.size)
    })
}

fn out_of_bounds(scene: &Scene<'_>) -> Option<String> {
    let (bounds, decision) = (scene.briefing.workload.bounds, scene.decision);
    let seen = scene.briefing.sighting.as_ref().map(|seen| seen.ordered);
    let stands = seen.or(scene.briefing.last.as_ref().map(|last| last.size)).unwrap_or_default();
    let size = decision.size;
    let sound = size >= bounds.min() && size <= bounds.max().max(stands);
    let grown = decision.commands.iter().find_map(|command| match command {
        Command::Grow { to } if scene.briefing.workload.drain.is_none() => Some(*to),
        _ => None,
    });
    let grown = grown.filter(|to| *to > bounds.max().max(seen.unwrap_or_default()) || *to > size);
    (!sound || grown.is_some()).then(|| {
        format!(
            "{size} servers, commanded {grown:?}; {} to {} are allowed, {stands} stood",
            bounds.min(),
            bounds.max()
        )
    })
}

fn cut(scene: &Scene<'_>) -> Option<String> {
    (scene.cloud.cut() > 0).then(|| format!("{} sessions were ended", scene.cloud.cut()))
}

fn flawed(scene: &Scene<'_>) -> Option<String> {
    flaws(&scene.decision.plan, &scene.briefing.workload).first().map(ToString::to_string)
}

fn takes_away<'a>(scene: &Scene<'a>) -> Option<&'a Command> {
    scene.decision.commands.iter().find(|command| command.takes_away())
}

/// By what the world knows to have been measured, whatever the briefing says.
fn on_bad_evidence(scene: &Scene<'_>) -> Option<String> {
    let command = takes_away(scene)?;
    let hold = scene.briefing.workload.hold.as_mins().max(0) as usize;
    let window = scene.minute.saturating_sub(hold)..scene.minute;
    let measured = &scene.measured.0[window];
    let partial = measured.iter().flatten().find(|(_, coverage)| *coverage < COMPLETE);
    let newest = measured.iter().rev().position(Option::is_some).unwrap_or(usize::MAX);
    let missing = measured.iter().filter(|reading| reading.is_none()).count();
    if let Some((_, coverage)) = partial {
        return Some(format!("{command}, though only {:.0} % was measured", 100.0 * coverage));
    }
    // By a clock that is behind nobody can ask for what was measured since.
    let behind = usize::try_from(-scene.weather.clock).unwrap_or(0);
    let lost = newest > 3 + behind || (hold > 3 && missing + 3 > hold);
    lost.then(|| format!("{command}, though {missing} of the last {hold} minutes were not measured"))
}

fn unseen(scene: &Scene<'_>) -> Option<String> {
    let command = takes_away(scene)?;
    let bad = scene.weather.blind || scene.weather.half_seen || scene.weather.foreign.is_some();
    bad.then(|| format!("{command}, though the fleet was not seen, or somebody else steers it"))
}

fn halted(scene: &Scene<'_>) -> Option<String> {
    let (briefing, commands) = (scene.briefing, &scene.decision.commands);
    let all = briefing.workload.mode == Mode::Observe
        || briefing.halts.iter().any(|halt| halt.what == Halted::All && halt.span.holds(briefing.now));
    if let Some(command) = commands.first().filter(|_| all) {
        return Some(format!("{command}, though nothing may be carried out"));
    }
    let command = takes_away(scene)?;
    let down = briefing.workload.mode == Mode::ScaleOutOnly
        || briefing.halts.iter().any(|halt| halt.what == Halted::ScaleIn && halt.span.holds(briefing.now));
    down.then(|| format!("{command}, though nothing may be taken away"))
}

fn below_a_floor(scene: &Scene<'_>) -> Option<String> {
    use tidecast_pilot::Change;
    let (briefing, workload) = (scene.briefing, &scene.briefing.workload);
    let floors = briefing.overrides.iter().filter(|decree| decree.span.holds(briefing.now));
    let floor = floors.filter_map(|decree| match decree.change {
        Change::Floor(size) | Change::Fixed(size) => Some(size.min(workload.bounds.max())),
        _ => None,
    });
    let free = workload.ramp.up.is_none() && workload.batch.max.is_none();
    let floor = floor.max().filter(|floor| free && scene.decision.size < *floor)?;
    Some(format!("{} servers, though at least {floor} are decreed", scene.decision.size))
}

fn unexplained(scene: &Scene<'_>) -> Option<String> {
    let decision = scene.decision;
    let mute = decision.size != decision.wanted && decision.limits.is_empty();
    mute.then(|| format!("{} instead of {} servers, and nothing says why", decision.size, decision.wanted))
}

fn different_again(scene: &Scene<'_>) -> Option<String> {
    let ([same, next], decision) = (scene.again.as_ref()?, scene.decision);
    if same != decision {
        return Some(format!("the same briefing gave {} and then {} servers", decision.size, same.size));
    }
    (next.plan != decision.plan).then(|| "planning again at the same instant gave another plan".to_owned())
}

/// A need that is not covered, when everything has been well for longer than a start-up.
fn still_short(world: &Rehearsal, timeline: &Timeline) -> Option<Breach> {
    let workload = &world.workload;
    let gradual = workload.ramp.up.is_some() || workload.batch.max.is_some();
    if workload.mode == Mode::Observe || gradual {
        return None;
    }
    let settled = world.settled();
    let (need, max) = (timeline.need(), workload.bounds.max().get());
    let short = (settled..timeline.minutes())
        .find(|minute| timeline.ready[*minute] < least(world, need[*minute]).min(max))?;
    let (ready, need) = (timeline.ready[short], need[short]);
    let what =
        format!("{ready} of {need} servers, though all has been well since minute {}", world.fine_from());
    Some(Breach { invariant: Invariant::Recovery, minute: world.from + short, what })
}

/// What must serve of the need. A nowcast at its level may be a little short now and then, by its word; who sizes by the
/// forecast alone is made to see enough here.
fn least(world: &Rehearsal, need: u32) -> u32 {
    match world.ways {
        Ways::Fixed(..) => need.saturating_sub(1 + need / 20),
        Ways::Untuned | Ways::Tuned(_) => need,
    }
}

/// How often the size turns round in a day, when all is well.
fn churning(world: &Rehearsal, timeline: &Timeline) -> Option<Breach> {
    let from = world.settled();
    let calm = timeline.total.get(from..).filter(|calm| calm.len() >= 6 * 60)?;
    let rounds = turns_round(calm);
    let days = calm.len() as f64 / crate::DAY as f64;
    let what = format!("the size turned round {rounds} times in {days:.1} days");
    (rounds as f64 > TURNS_ROUND_MAX * days.max(0.5)).then_some(Breach {
        invariant: Invariant::Churn,
        minute: world.from + from,
        what,
    })
}

/// How often growing turned into shrinking, or shrinking into growing.
pub fn turns_round(sizes: &[u32]) -> usize {
    let directions = sizes.windows(2).map(|pair| pair[1].cmp(&pair[0])).filter(|way| way.is_ne());
    let mut before = None;
    directions.filter(|way| before.replace(*way).is_some_and(|last| last != *way)).count()
}
