use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::dip::Dip;
use crate::drain;
use crate::planning::{basis, planned, reach};
use crate::sizing::{Decrees, Footing};
use crate::{
    Briefing, Decision, FORECAST_FRESH, Level, Limit, Note, Plan, Quality, Reading, Reason, Reconciled, Size,
    Span, flaws, reconcile,
};

/// How far apart measured demand and its forecast may be, as a factor, before it is worth telling.
const APART: f64 = 4.0;

/// One turn: all that is known goes in, where the fleet is to arrive comes out, with why (B1). Total: it never fails.
///
/// The plan in force is kept while nothing that it was made of has changed, so most turns only compare and reconcile; a new
/// one is weighed against it.
pub fn decide(briefing: &Briefing) -> Decision {
    let briefing = &*briefing.with_calendar(reach(briefing));
    let footing = Footing::of(briefing);
    let mut notes: Vec<Note> = footing.notes().chain(footing.sized(briefing)).collect();
    let plan = current_plan(briefing, &footing, &mut notes);
    let wanted = wanted(briefing, &footing, &plan);
    notes.extend(wanted.notes);
    notes.extend(remarks(briefing, &footing));
    let Reconciled { size, limits, commands, withheld, allowed, moves, vigil } =
        reconcile(briefing, wanted.size);
    notes.extend(vigil.stuck(briefing).map(|stuck| Note::NeverReady { stuck }));
    notes.extend(drain::notes(briefing, &commands));
    let says = briefing.sighting.iter().flat_map(|sighting| &sighting.says);
    notes.extend(says.map(|said| Note::Fleet { said: said.clone() }));
    Decision {
        turn: briefing.turn,
        at: briefing.now,
        size,
        wanted: wanted.size,
        because: wanted.because,
        limits: wanted.limits.into_iter().chain(limits).collect(),
        plan,
        commands,
        withheld,
        allowed,
        notes,
        moves,
        vigil,
    }
}

/// The plan in force if it was made of the same; else a new one, never a flawed one.
fn current_plan(briefing: &Briefing, footing: &Footing, notes: &mut Vec<Note>) -> Arc<Plan> {
    let basis = basis(briefing, footing);
    let in_force = briefing.last.as_ref().map(|last| &last.plan);
    let same = |plan: &&Arc<Plan>| plan.basis == basis && plan.at(briefing.now).is_some();
    if let Some(plan) = in_force.filter(same) {
        let lasting = |note: &&Note| matches!(note, Note::Short { .. } | Note::Coarse { .. });
        let told = briefing.last.iter().flat_map(|last| &last.notes);
        notes.extend(told.filter(lasting).cloned());
        return Arc::clone(plan);
    }
    let made = planned(briefing, footing);
    match flaws(&made.plan, &briefing.workload).first() {
        None => {
            notes.extend(made.notes);
            Arc::new(made.plan)
        }
        Some(flaw) => {
            notes.push(Note::Flawed { flaw: flaw.to_string() });
            in_force.map_or_else(Arc::default, Arc::clone)
        }
    }
}

struct Wanted {
    size: Size,
    because: Reason,
    limits: Vec<Limit>,
    notes: Vec<Note>,
}

/// The larger of what is planned and what measured demand needs, within what is decreed and the bounds (S12).
fn wanted(briefing: &Briefing, footing: &Footing, plan: &Plan) -> Wanted {
    let bounds = briefing.workload.bounds;
    let instant = Span::lasting(briefing.now, SignedDuration::from_nanos(1));
    let decrees = Decrees::of(&briefing.overrides, instant);
    let mut wanted = Wanted {
        size: bounds.min(),
        because: Reason::Minimum { min: bounds.min() },
        limits: Vec::new(),
        notes: Vec::new(),
    };
    if let Some(step) = plan.at(briefing.now)
        && step.size >= wanted.size
    {
        wanted.size = step.size;
        wanted.because = step.because.clone();
        wanted.limits.clone_from(&step.limits);
    }
    let present = [nowcast(briefing, footing, &decrees), measured(briefing, footing, &decrees)];
    for (size, because) in present.into_iter().flatten() {
        if size > wanted.size {
            wanted.replace(size, because);
            wanted.limits = decrees.pushes().collect();
        }
    }
    wanted.cut(briefing, &decrees);
    wanted
}

impl Wanted {
    fn replace(&mut self, size: Size, because: Reason) {
        self.size = size;
        self.because = because;
        self.limits.clear();
    }

    fn cut(&mut self, briefing: &Briefing, decrees: &Decrees<'_>) {
        let bounds = briefing.workload.bounds;
        if let Some((ceiling, decree)) = decrees.ceiling
            && self.size > ceiling
        {
            let floor = decrees.floor.filter(|(floor, _)| *floor > ceiling);
            if let Some((_, by)) = floor {
                self.notes.push(Note::FloorBeatsCeiling { floor: by.clone(), ceiling: decree.clone() });
            }
            let to = floor.map_or(ceiling, |(floor, _)| floor).max(bounds.min());
            if self.size > to {
                self.limits.push(Limit::Ceiling { decree: decree.clone(), wanted: self.size });
                self.size = to;
            }
        }
        if let Some((floor, decree)) = decrees.floor {
            if floor > bounds.max() {
                self.notes.push(Note::BeyondBounds { decree: decree.clone() });
            }
            if floor > self.size {
                self.replace(floor, Reason::Decreed(decree.clone()));
            }
        }
        if self.size > bounds.max() {
            self.limits.push(Limit::Maximum { max: bounds.max(), wanted: self.size });
            self.size = bounds.max();
        }
    }
}

/// What the demand needs that the last minutes announce, unless somebody decrees another demand.
fn nowcast(briefing: &Briefing, footing: &Footing, decrees: &Decrees<'_>) -> Option<(Size, Reason)> {
    let nowcast = footing.nowcast?;
    let (demand, _) = decrees.demand(Some(nowcast.demand)).filter(|(_, by)| by.is_none())?;
    let sizer = decrees.sizer(footing.throughput, briefing.workload.buffer)?;
    let sized = sizer.size(demand);
    let total = nowcast.stepped.map_or(sized.total(), |stepped| sized.total().max(stepped));
    let because = Reason::Nowcast {
        demand,
        lot: total - sized.total(),
        at: nowcast.at,
        way: nowcast.way,
        throughput: sizer.throughput(),
        spare: sized.spare,
        lead: footing.start_up,
    };
    Some((total, because))
}

/// Readings for which demand must last before it counts beside a nowcast.
const LASTING: usize = 3;

/// What measured demand needs, by the same sizing as the forecast: the largest of the hold. Where the way in force does not
/// heed it, such as a nowcast, which has seen it and may know that a burst is over: what has lasted for some readings.
fn measured(briefing: &Briefing, footing: &Footing, decrees: &Decrees<'_>) -> Option<(Size, Reason)> {
    let sizer = decrees.sizer(footing.throughput, briefing.workload.buffer)?;
    let held = briefing.evidence.within(briefing.now, briefing.workload.hold);
    let (reading, factor) = match footing.reactive <= 0.0 && briefing.workload.reactive.is_learned() {
        true => (lasting(held)?, 1.0),
        false => (held.reduce(|a, b| if b.demand > a.demand { b } else { a })?, footing.reactive),
    };
    let Reading { at, demand, .. } = *reading;
    let sized = sizer.size(demand * factor);
    let because = Reason::Measured { demand, at, factor, throughput: sizer.throughput(), spare: sized.spare };
    Some((sized.total(), because))
}

/// The least of the newest readings, if there are enough of them.
fn lasting<'a>(held: impl Iterator<Item = &'a Reading>) -> Option<&'a Reading> {
    let newest: Vec<&Reading> = held.take(LASTING).collect();
    let least = newest.iter().copied().reduce(|a, b| if b.demand < a.demand { b } else { a });
    least.filter(|_| newest.len() == LASTING)
}

/// What is worth telling about forecast and measurements.
fn remarks(briefing: &Briefing, footing: &Footing) -> Vec<Note> {
    let mut notes = Vec::new();
    match forecast_now(briefing, briefing.now) {
        None => notes.push(Note::NoForecast),
        Some((age, fallback, _)) => {
            if let Some(model) = fallback {
                notes.push(Note::Fallback { model: model.to_owned() });
            }
            if age > FORECAST_FRESH {
                notes.push(Note::OldForecast { age });
            }
        }
    }
    let quality = briefing.evidence.quality(briefing.now, SignedDuration::ZERO);
    if quality != Quality::Complete {
        notes.push(Note::Evidence(quality));
    }
    if let Some((_, day)) = briefing.workload.calendar.special.at(briefing.now) {
        let like = day.special.like().map(str::to_owned);
        notes.push(Note::SpecialDay { name: day.name.clone(), like });
    }
    let dip = Dip::of(briefing);
    notes.extend(dip.map(|Dip { since, expected }| Note::Dip { since, expected }));
    if let Some(by) = briefing.lessons.drift.lasting() {
        notes.push(Note::Drift { by });
    }
    if dip.is_none() {
        notes.extend(apart(briefing, footing));
    }
    notes
}

fn forecast_now(
    briefing: &Briefing,
    at: Timestamp,
) -> Option<(SignedDuration, Option<&str>, &tidecast_forecast::Fan)> {
    let issued = briefing.issued.as_ref()?;
    let fan = issued.forecast.fan_at(at)?;
    Some((briefing.now.duration_since(issued.at), issued.forecast.fallback.as_deref(), fan))
}

/// Measured demand far from its whole forecast: not from the median alone, for that is what the other levels are for.
fn apart(briefing: &Briefing, footing: &Footing) -> Option<Note> {
    let latest = briefing.evidence.latest(briefing.now).filter(|reading| reading.is_complete())?;
    let (_, _, fan) = forecast_now(briefing, briefing.evidence.speaks_of(latest))?;
    let (low, high) = (fan.at(0.01), fan.at(footing.level.get().max(Level::UNTUNED.get())));
    let demand = latest.demand.get();
    let expected = fan.median();
    let far = demand > APART * high || APART * demand < low;
    (far && expected > 0.0).then(|| Note::Apart { ratio: demand / expected })
}

#[cfg(test)]
mod tests;
