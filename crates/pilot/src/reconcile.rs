use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use crate::dip::Dip;
use crate::drain::{GivenUp, take_away};
use crate::planning::standing;
use crate::vigil::{AGAIN_AFTER, Vigil};
use crate::{
    Allowed, Briefing, Command, FORECAST_FRESH, Halted, Limit, Mode, Move, Phase, Quality, Sighting, Size,
};

/// The share of servers that may be silent before none is taken away any more.
const SILENT_MAX: f64 = 0.2;

/// Where the fleet goes from where it stands, and what holds it back.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconciled {
    /// Where it is to arrive now.
    pub size: Size,
    /// Everything that held it back.
    pub limits: Vec<Limit>,
    /// What is to be carried out.
    pub commands: Vec<Command>,
    /// What would be, if mode and halts allowed it.
    pub withheld: Vec<Command>,
    /// How much of it the actuator may do of itself.
    pub allowed: Allowed,
    /// The moves that budget, ramp and cool-down remember, this one included.
    pub moves: Vec<Move>,
    /// What the turns to come must know besides.
    pub vigil: Vigil,
}

/// From the wanted size to commands (S12, B3).
///
/// Growing is always allowed, up to the bound and as fast as the ramp and what all workloads share allow. Taking away needs everything at once: the
/// whole fleet in sight, fresh and complete measurements, a forecast that agrees, nobody else at the wheel, cool-down over
/// and budget left. Doing it again changes nothing.
pub fn reconcile(briefing: &Briefing, wanted: Size) -> Reconciled {
    let stands = Size(standing(briefing));
    let vigil = Vigil::after(briefing);
    let past = remembered(briefing, &vigil);
    let mut limits = Vec::new();
    let size = if wanted >= stands {
        grown(briefing, &past, &vigil, (stands, wanted), &mut limits)
    } else {
        shrunk(briefing, &past, &vigil, (stands, wanted), &mut limits)
    };
    let mut commands = commands(briefing, stands, size);
    if size >= stands && commands.iter().any(Command::takes_away) {
        let against = objections(briefing, &past, &vigil);
        commands.retain(|command| against.is_empty() || !command.takes_away());
        limits.extend(against.into_iter().filter(|_| size == stands));
        limits.dedup();
    }
    let Withheld { commands, withheld, all } = withhold(briefing, commands, &mut limits);
    let allowed = allowed(all, || objections(briefing, &past, &vigil).is_empty());
    let mut moves = past;
    if size != stands && !commands.is_empty() {
        moves.push(Move { at: briefing.now, from: stands, to: size });
    }
    let vigil = match size.cmp(&stands) {
        _ if commands.is_empty() => vigil,
        Ordering::Greater => vigil.grown(briefing.now),
        Ordering::Less => vigil.shrunk(briefing.now),
        Ordering::Equal => vigil,
    };
    Reconciled { size, limits, commands, withheld, allowed, moves, vigil }
}

fn allowed(all_withheld: bool, may_shrink: impl FnOnce() -> bool) -> Allowed {
    match () {
        () if all_withheld => Allowed::Nothing,
        () if may_shrink() => Allowed::Everything,
        () => Allowed::Growing,
    }
}

/// As far as the fleet may grow at once.
fn grown(
    briefing: &Briefing,
    past: &[Move],
    vigil: &Vigil,
    (stands, wanted): (Size, Size),
    limits: &mut Vec<Limit>,
) -> Size {
    let workload = &briefing.workload;
    let mut to = wanted;
    if to > stands
        && let Some((stuck, until)) = vigil.waits(briefing, past)
    {
        limits.push(Limit::BackOff { stuck, until, wanted });
        return stands;
    }
    if let Some(max) = workload.batch.max.map(|max| max.max(Size(1)))
        && to > stands + max
    {
        to = stands + max;
        limits.push(Limit::RampUp { servers: max, per: SignedDuration::ZERO, wanted });
    }
    if let Some(rate) = workload.ramp.up {
        let added = within(past, briefing.now, rate.per).map(|m| m.to - m.from).fold(Size(0), |a, b| a + b);
        let left = rate.servers.max(Size(1)) - added;
        if to > stands + left {
            to = stands + left;
            limits.push(Limit::RampUp { servers: rate.servers, per: rate.per, wanted });
        }
    }
    // Whatever stands below the minimum was never promised to be gradual; but what all share is shared.
    let to = to.max(workload.bounds.min());
    match briefing.share {
        Some(share) if to > stands + share.servers => {
            limits.push(Limit::Shared { share, wanted: to });
            stands + share.servers
        }
        _ => to,
    }
}

/// As far as the fleet may shrink at once; not at all if anything speaks against it.
fn shrunk(
    briefing: &Briefing,
    past: &[Move],
    vigil: &Vigil,
    (stands, wanted): (Size, Size),
    limits: &mut Vec<Limit>,
) -> Size {
    limits.extend(objections(briefing, past, vigil));
    if !limits.is_empty() {
        return stands;
    }
    if let Some(until) = vigil.keeps_until(briefing.now) {
        limits.push(Limit::Turned { until });
        return stands;
    }
    let workload = &briefing.workload;
    let budget = workload.scale_in;
    let began = within(past, briefing.now, budget.per).next().map_or(stands, |first| first.from);
    let left = budget.of(began.min(stands)) - taken(past, briefing.now, budget.per);
    let mut to = wanted;
    if stands - to > left {
        to = stands - left;
        limits.push(Limit::Pace { allowed: left, per: budget.per, wanted });
    }
    if let Some(rate) = workload.ramp.down {
        let left = rate.servers.max(Size(1)) - taken(past, briefing.now, rate.per);
        if stands - to > left {
            to = stands - left;
            limits.push(Limit::Pace { allowed: left, per: rate.per, wanted });
        }
    }
    // Of servers that are all alike, nobody knows whether those will go that never came up.
    if let (Some(stuck), None, Some(seen)) = (vigil.stuck(briefing), &workload.drain, &briefing.sighting) {
        let surplus = seen.serving - wanted;
        if stands - to > surplus {
            to = stands - surplus;
            limits.push(Limit::NeverReady { stuck, wanted });
        }
    }
    to
}

/// Everything that speaks against taking servers away.
fn objections(briefing: &Briefing, past: &[Move], vigil: &Vigil) -> Vec<Limit> {
    let workload = &briefing.workload;
    let seen = match &briefing.sighting {
        Some(sighting) if sighting.complete => many_silent(sighting),
        _ => Some(Limit::NotSeen),
    };
    let clock = briefing.last.as_ref().filter(|last| last.at > briefing.now);
    let clock = clock.map(|last| Limit::ClockWentBack { before: last.at });
    let jumped = vigil.jumped.filter(|_| clock.is_none()).and_then(|at| at.checked_add(workload.hold).ok());
    let jumped = jumped.map(|until| Limit::ClockJumped { until });
    let dip = Dip::of(briefing)
        .and_then(|dip| Some(Limit::Dip { since: dip.since, until: dip.holds_until(briefing.now)? }));
    let quality = briefing.evidence.quality(briefing.now, workload.hold);
    let evidence = (!matches!(quality, Quality::Complete)).then_some(Limit::Evidence(quality));
    let grew = past.iter().rev().find(|change| change.to > change.from);
    let calm = grew.and_then(|grew| grew.at.checked_add(workload.cool_down).ok());
    let cool_down = calm.filter(|until| *until > briefing.now).map(|until| Limit::CoolDown { until });
    let mode = (workload.mode == Mode::ScaleOutOnly).then_some(Limit::Mode { mode: workload.mode });
    let halt = briefing.halts.iter().find(|h| h.what == Halted::ScaleIn && h.span.holds(briefing.now));
    let halt = halt.map(|halt| Limit::Halted(halt.clone()));
    [seen, clock, jumped, evidence, dip, forecast_objects(briefing), cool_down, mode, halt]
        .into_iter()
        .flatten()
        .collect()
}

/// A forecast agrees by being there: what it needs is in the wanted size already.
fn forecast_objects(briefing: &Briefing) -> Option<Limit> {
    let Some(issued) = &briefing.issued else { return Some(Limit::NoForecast) };
    if issued.forecast.grid().end() <= briefing.now {
        return Some(Limit::NoForecast);
    }
    let age = briefing.now.duration_since(issued.at);
    (age > FORECAST_FRESH).then_some(Limit::OldForecast { age })
}

fn many_silent(sighting: &Sighting) -> Option<Limit> {
    let silent = sighting.nodes.iter().filter(|node| matches!(node.phase, Phase::Silent { .. })).count();
    let of = sighting.nodes.len();
    (silent as f64 > SILENT_MAX * of as f64)
        .then_some(Limit::ManySilent { silent: Size(silent as u32), of: Size(of as u32) })
}

fn commands(briefing: &Briefing, stands: Size, size: Size) -> Vec<Command> {
    if let Some(drain) = &briefing.workload.drain
        && let Some(sighting) = &briefing.sighting
        && !sighting.nodes.is_empty()
    {
        return take_away(drain, sighting, size, &GivenUp::of(briefing, sighting), briefing.now);
    }
    let unseen = briefing.sighting.is_none();
    match size.cmp(&stands) {
        // Where sessions live, nothing goes that is not known by name: which one it would be is chance.
        Ordering::Less if briefing.workload.drain.is_some() => Vec::new(),
        Ordering::Greater => vec![Command::Grow { to: size }],
        Ordering::Less => vec![Command::Shrink { to: size }],
        // What was not seen may have been lost; this never lowers anything, nor lifts it above the bound.
        Ordering::Equal if unseen => {
            vec![Command::Grow { to: size.min(briefing.workload.bounds.max()) }]
        }
        Ordering::Equal => Vec::new(),
    }
}

struct Withheld {
    commands: Vec<Command>,
    withheld: Vec<Command>,
    all: bool,
}

/// Parts what may be carried out from what may not.
fn withhold(briefing: &Briefing, commands: Vec<Command>, limits: &mut Vec<Limit>) -> Withheld {
    let foreign = briefing.sighting.as_ref().and_then(|sighting| sighting.foreign.clone());
    let foreign = foreign.map(|writer| Limit::ForeignWriter { writer });
    let observing = (briefing.workload.mode == Mode::Observe).then_some(Limit::Mode { mode: Mode::Observe });
    let halt = briefing.halts.iter().find(|h| h.what == Halted::All && h.span.holds(briefing.now));
    let halt = halt.map(|halt| Limit::Halted(halt.clone()));
    let against: Vec<Limit> = [foreign, observing, halt].into_iter().flatten().collect();
    if against.is_empty() {
        return Withheld { commands, withheld: Vec::new(), all: false };
    }
    limits.extend(against);
    Withheld { commands: Vec::new(), withheld: commands, all: true }
}

/// The moves that still count for anything.
fn remembered(briefing: &Briefing, vigil: &Vigil) -> Vec<Move> {
    let workload = &briefing.workload;
    let rates = [workload.ramp.up, workload.ramp.down].into_iter().flatten().map(|rate| rate.per);
    let spans = [workload.scale_in.per, workload.cool_down, workload.dwell];
    let long = rates.chain(spans).chain(vigil.tried.map(|_| AGAIN_AFTER)).max();
    let moves = briefing.last.as_ref().map_or(&[][..], |last| &last.moves);
    within(moves, briefing.now, long.unwrap_or_default()).copied().collect()
}

/// The moves of the last `span`. A clock that went back makes none of them disappear.
fn within(moves: &[Move], now: Timestamp, span: SignedDuration) -> impl Iterator<Item = &Move> {
    moves.iter().filter(move |m| now.duration_since(m.at) < span)
}

fn taken(moves: &[Move], now: Timestamp, span: SignedDuration) -> Size {
    within(moves, now, span).map(|m| m.from - m.to).fold(Size(0), |a, b| a + b)
}
