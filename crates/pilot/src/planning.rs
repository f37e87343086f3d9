mod explain;

use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::{Fan, Forecast};

use explain::Explainer;

use crate::drain::{GivenUp, open};
use crate::planner::{DownMax, Problem, Rules, most_within, solve};
use crate::sizing::{Decrees, Footing, Sizer};
use crate::{Basis, Briefing, Demand, Note, Override, Plan, Size, Span, Workload};

/// Seconds between two orders of a plan. Coarser forecasts are read several times, finer ones by their largest.
pub const PLAN_STEP_S: i64 = 300;

/// The longest plan, in steps: a week.
const STEPS_MAX: usize = 2_016;
/// How far a plan reaches when there is no forecast, for what is decreed: two days.
const STEPS_BLIND: usize = 576;

/// A plan, and what is worth telling about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Where it falls short, and why; what was assumed.
    pub notes: Vec<Note>,
}

/// The cheapest plan that covers the forecast at the service level, and everything decreed, one start-up ahead (S5.1).
///
/// The plan in force is weighed against it: each step that would change must be worth it. Constraints that cannot be met
/// give the plan that is least short, with a note that says where and why.
pub fn plan(briefing: &Briefing) -> Planned {
    let known = briefing.with_calendar(reach(briefing));
    planned(&known, &Footing::of(&known))
}

/// As [`plan`], with what the calendar decrees among the overrides already.
pub(crate) fn planned(briefing: &Briefing, footing: &Footing) -> Planned {
    let needs = Needs::of(briefing, footing);
    let basis = basis(briefing, footing);
    let mut orders = Orders::of(briefing, footing, &needs);
    orders.steady(briefing, footing, &needs, basis);
    let rules = rules(briefing, &needs, &orders);
    let in_force = in_force(briefing, &needs);
    let problem = Problem {
        floors: &orders.floors,
        caps: &orders.caps,
        standing: orders.standing,
        in_force: &in_force,
    };
    let solution = solve(&problem, &rules);
    let explainer = Explainer { briefing, footing, needs: &needs, orders: &orders, rules: &rules };
    let mut notes: Vec<Note> = explainer.shortages(&solution.sizes);
    if solution.quantum > 1 {
        notes.push(Note::Coarse { quantum: Size(solution.quantum) });
    }
    let plan = Plan { steps: explainer.steps(&solution.sizes), until: Some(needs.at(needs.len())), basis };
    Planned { plan, notes }
}

/// With the same basis the same plan would be made again, as far as it is worth making again.
pub(crate) fn basis(briefing: &Briefing, footing: &Footing) -> Basis {
    let issued = briefing.issued.as_ref().map(|issued| issued.at);
    Basis { issued, digest: crate::digest::digest(briefing, footing) }
}

/// How far a plan made now looks: as far as the forecast, at most a week.
pub(crate) fn reach(briefing: &Briefing) -> Timestamp {
    let (start, len) = steps(briefing);
    start.saturating_add(SignedDuration::from_secs(PLAN_STEP_S * len as i64)).unwrap_or(Timestamp::MAX)
}

/// When a plan made now begins, and how many steps it has; as many as there are decrees for if there is no forecast.
fn steps(briefing: &Briefing) -> (Timestamp, usize) {
    let start = floor_to_step(briefing.now);
    let end = briefing.issued.as_ref().map(|issued| issued.forecast.grid().end());
    let ahead = end.map_or(0, |end| (end.as_second() - start.as_second()) / PLAN_STEP_S);
    (start, if ahead > 0 { (ahead as usize).min(STEPS_MAX) } else { STEPS_BLIND })
}

/// What each step needs while it lasts. Where demand is unknown, that is what stands: unknown is not zero.
struct Needs<'a> {
    start: Timestamp,
    sizes: Vec<u32>,
    /// The overrides that touch the plan at all: mostly none.
    decrees: Vec<&'a Override>,
    forecast: Option<&'a Forecast>,
}

impl<'a> Needs<'a> {
    fn of(briefing: &'a Briefing, footing: &Footing) -> Self {
        let (start, len) = steps(briefing);
        let forecast = briefing.issued.as_ref().map(|issued| &issued.forecast);
        let mut needs = Self {
            start,
            sizes: vec![0; len],
            decrees: Vec::new(),
            forecast: forecast.filter(|f| f.grid().end().as_second() - start.as_second() >= PLAN_STEP_S),
        };
        let whole = Span::lasting(start, SignedDuration::from_secs(PLAN_STEP_S * len as i64));
        needs.decrees = briefing.overrides.iter().filter(|decree| decree.span.meets(&whole)).collect();
        let plain = footing.throughput.map(|t| Sizer::new(t, briefing.workload.buffer));
        let unknown = standing(briefing);
        for step in 0..len {
            needs.sizes[step] = if needs.decrees.is_empty() {
                let demand = needs.forecast_at(step, footing.level.get(), footing);
                plain.zip(demand).map_or(unknown, |(sizer, demand)| sizer.size(demand).total().get())
            } else {
                needs.decreed_size(step, briefing, footing)
            };
        }
        needs
    }

    fn len(&self) -> usize {
        self.sizes.len()
    }

    fn at(&self, step: usize) -> Timestamp {
        self.start
            .saturating_add(SignedDuration::from_secs(PLAN_STEP_S * step as i64))
            .unwrap_or(Timestamp::MAX)
    }

    fn span(&self, step: usize) -> Span {
        Span::lasting(self.at(step), SignedDuration::from_secs(PLAN_STEP_S))
    }

    fn fans(&self, step: usize) -> &'a [Fan] {
        let Some(forecast) = self.forecast else { return &[] };
        let last = forecast.grid().len - 1;
        let index = |time: i64| (time.max(0) as usize).min(last);
        let from = self.start.as_second() + PLAN_STEP_S * step as i64 - forecast.grid().start.as_second();
        let step_s = forecast.grid().step_s;
        &forecast.fans()[index(from.div_euclid(step_s))..=index((from + PLAN_STEP_S - 1).div_euclid(step_s))]
    }

    fn forecast_at(&self, step: usize, level: f64, footing: &Footing) -> Option<Demand> {
        let most = self.fans(step).iter().map(|fan| fan.at(level)).reduce(f64::max)?;
        Demand::new(most).map(|demand| demand * footing.correction)
    }

    fn decrees(&self, step: usize) -> Decrees<'a> {
        Decrees::of(self.decrees.iter().copied(), self.span(step))
    }

    fn decreed_size(&self, step: usize, briefing: &Briefing, footing: &Footing) -> u32 {
        let decrees = self.decrees(step);
        let sized = decrees
            .sizer(footing.throughput, briefing.workload.buffer)
            .zip(decrees.demand(self.forecast_at(step, footing.level.get(), footing)))
            .map_or(Size(standing(briefing)), |(sizer, (demand, _))| sizer.size(demand).total());
        sized.max(decrees.floor.map_or(Size(0), |(size, _)| size)).get()
    }
}

fn floor_to_step(time: Timestamp) -> Timestamp {
    let second = time.as_second();
    Timestamp::from_second(second - second.rem_euclid(PLAN_STEP_S)).unwrap_or(Timestamp::MIN)
}

/// What each step must order so that every need is served in time, and the most that it may order.
struct Orders {
    /// At which step the need arises that a step's order must cover.
    bound_by: Vec<usize>,
    floors: Vec<u32>,
    /// Empty if nothing but the maximum limits, and the fleet stands below it.
    caps: Vec<u32>,
    standing: u32,
}

impl Orders {
    fn of(briefing: &Briefing, footing: &Footing, needs: &Needs<'_>) -> Self {
        let bounds = briefing.workload.bounds;
        let bound_by = most_within(&needs.sizes, lead_steps(&briefing.workload, footing.start_up));
        let standing = standing(briefing);
        let ceilings = ceilings(needs, &bound_by);
        let cap = |step: usize| ceilings.get(step).copied().unwrap_or(u32::MAX).min(bounds.max().get());
        let floors = (0..needs.len())
            .map(|step| {
                needs.sizes[bound_by[step]].max(bounds.min().get()).min(cap(step).max(bounds.min().get()))
            })
            .collect();
        let limited = !ceilings.is_empty() || standing > bounds.max().get();
        let caps = if limited {
            (0..needs.len()).map(|k| cap(k).max(bounds.min().get())).collect()
        } else {
            Vec::new()
        };
        Self { bound_by, floors, caps, standing }
    }

    /// Leaves steps as the plan in force has them that are too small by less than the forecast is unsure of: what is needed
    /// there moves with every new forecast, and is looked at again, by a forecast that knows more, before it is due.
    fn steady(&mut self, briefing: &Briefing, footing: &Footing, needs: &Needs<'_>, basis: Basis) {
        let in_force = briefing.last.as_ref().map(|last| &last.plan);
        let Some(plan) = in_force.filter(|plan| plan.basis.digest == basis.digest) else { return };
        let Some(throughput) = footing.throughput.filter(|_| needs.decrees.is_empty()) else { return };
        let sizer = Sizer::new(throughput, briefing.workload.buffer);
        let odds = footing.level.get() / (1.0 - footing.level.get()) / UNSURE;
        let level = odds / (1.0 + odds);
        let enough = |step: usize, size: u32| {
            let demand = needs.forecast_at(step, level, footing);
            demand.is_some_and(|demand| sizer.size(demand).total().get() <= size)
        };
        for step in due_before_the_next_forecast(plan.basis, basis)..needs.len() {
            let Some(planned) = plan.at(needs.at(step)).map(|step| step.size.get()) else { break };
            let window = step..=self.last_covered(step, briefing, footing);
            let close = planned < self.floors[step] && planned >= briefing.workload.bounds.min().get();
            if close && window.into_iter().all(|step| enough(step, planned)) {
                self.floors[step] = planned;
            }
        }
    }

    /// The last step whose need the order of `step` covers.
    fn last_covered(&self, step: usize, briefing: &Briefing, footing: &Footing) -> usize {
        (step + lead_steps(&briefing.workload, footing.start_up) - 1).min(self.floors.len() - 1)
    }

    /// Whether a step is left as the plan in force has it, though it is too small.
    fn is_steadied(&self, step: usize, needs: &Needs<'_>, workload: &Workload) -> bool {
        self.floors[step] < needs.sizes[self.bound_by[step]].min(self.cap(step, workload))
    }

    fn cap(&self, step: usize, workload: &Workload) -> u32 {
        self.caps.get(step).copied().unwrap_or(workload.bounds.max().get())
    }
}

/// By how much the odds may be worse at which a step of the plan in force is left as it is: a level of 0.95 for one of 0.99.
const UNSURE: f64 = 5.0;
/// The fewest steps that always have what is needed: a quarter of an hour.
const DUE: usize = 3;

/// How many steps may be carried out before the next forecast is there, if that takes as long as this one did.
fn due_before_the_next_forecast(before: Basis, now: Basis) -> usize {
    let took = before.issued.zip(now.issued).map(|(before, now)| now.duration_since(before));
    took.map_or(usize::MAX, |took| DUE.max(steps_in(took) + 2))
}

/// How many steps' needs an order covers: its own, and those that begin before a start-up has passed since its end. Where
/// the fleet may grow only gradually within a step, one more, for the last server to arrive in time.
fn lead_steps(workload: &Workload, start_up: SignedDuration) -> usize {
    let start_up = start_up.as_secs().max(0);
    let gradual = workload.ramp.up.is_some_and(|rate| rate.per.as_secs() < PLAN_STEP_S);
    (start_up as u64).div_ceil(PLAN_STEP_S as u64) as usize + 1 + usize::from(gradual)
}

/// Where the fleet stands as far as is known: what was ordered, else what was decided, else the minimum.
pub(crate) fn standing(briefing: &Briefing) -> u32 {
    let seen = briefing.sighting.as_ref().map(|sighting| match &briefing.workload.drain {
        Some(drain) if !sighting.nodes.is_empty() => {
            open(drain, sighting, &GivenUp::of(briefing, sighting), briefing.now)
        }
        _ => sighting.ordered,
    });
    let decided = briefing.last.as_ref().map(|last| last.size);
    seen.or(decided).unwrap_or(briefing.workload.bounds.min()).get()
}

/// What is decreed as the most at each step; a floor decreed for the needs it covers beats it. Empty without any.
fn ceilings(needs: &Needs<'_>, bound_by: &[usize]) -> Vec<u32> {
    let ceiling = |step: usize| needs.decrees(step).ceiling.map(|(size, _)| size.get());
    if needs.decrees.is_empty() || (0..needs.len()).all(|step| ceiling(step).is_none()) {
        return Vec::new();
    }
    let floors: Vec<u32> =
        (0..needs.len()).map(|step| needs.decrees(step).floor.map_or(0, |(size, _)| size.get())).collect();
    let width = bound_by.iter().enumerate().map(|(step, at)| at - step + 1).max().unwrap_or(1);
    let highest = most_within(&floors, width);
    (0..needs.len()).map(|step| ceiling(step).unwrap_or(u32::MAX).max(floors[highest[step]])).collect()
}

fn rules(briefing: &Briefing, needs: &Needs<'_>, orders: &Orders) -> Rules {
    let Workload { batch, ramp, scale_in, costs, dwell, .. } = &*briefing.workload;
    let minutes = |server_minutes: f64| server_minutes.max(0.0) * 60.0 / PLAN_STEP_S as f64;
    let peak = orders.floors.iter().copied().max().unwrap_or(0);
    let up_cost = costs.scale_up.or(Some(0.3 * f64::from(peak))).unwrap_or_default();
    let up_rate = ramp.up.map(|rate| (per_move(rate.servers.get(), rate.per, rate.per), steps_in(rate.per)));
    let batch_max = batch.max.map(Size::get);
    let down_per = ramp.down.map_or(scale_in.per, |rate| rate.per.max(scale_in.per));
    let down_servers = ramp.down.map(|rate| per_move(rate.servers.get(), rate.per, down_per));
    Rules {
        up_cost: minutes(up_cost),
        down_cost: minutes(costs.scale_down),
        change_cost: minutes(costs.change_of_plan.or(Some(up_cost)).unwrap_or_default()),
        preferred: batch.preferred.map(|size| size.get().max(1)),
        up_max: [up_rate.map(|(servers, _)| servers), batch_max]
            .into_iter()
            .flatten()
            .min()
            .map(|n| n.max(1)),
        down_max: Some(DownMax { percent: scale_in.percent, servers: down_servers }),
        up_every: up_rate.map_or(1, |(_, every)| every),
        down_every: steps_in(down_per),
        first: needs.start.as_second() / PLAN_STEP_S,
        dwell: steps_in(*dwell),
        frozen: frozen(briefing, needs, orders),
    }
}

/// How many steps a duration makes, rounded up; at least one.
fn steps_in(duration: SignedDuration) -> usize {
    (duration.as_secs().max(1) as u64).div_ceil(PLAN_STEP_S as u64) as usize
}

/// How many servers one move of a plan may take when so many may be taken in `per`, and moves are `every` apart or, if
/// that is shorter than a step, a step apart.
fn per_move(servers: u32, per: SignedDuration, every: SignedDuration) -> u32 {
    let between = every.as_secs().max(PLAN_STEP_S);
    servers.max(1).saturating_mul((between / per.as_secs().max(1)).clamp(1, i64::from(u32::MAX)) as u32)
}

/// How many steps are left of the dwell that the last change began. A need beyond what stands ends it: dwelling is for
/// calm, not for going short.
fn frozen(briefing: &Briefing, needs: &Needs<'_>, orders: &Orders) -> usize {
    let dwell = briefing.workload.dwell;
    let changed = briefing.last.as_ref().and_then(|last| last.moves.last()).map(|change| change.at);
    let Some(until) = changed.and_then(|at| at.checked_add(dwell).ok()) else { return 0 };
    let left =
        (until.duration_since(needs.start).as_secs().max(0) as u64).div_ceil(PLAN_STEP_S as u64) as usize;
    let left = left.min(steps_in(dwell)).min(needs.len());
    if orders.floors[..left].iter().any(|floor| *floor > orders.standing) { 0 } else { left }
}

/// The changes of the plan in force, on the steps of the new one.
fn in_force(briefing: &Briefing, needs: &Needs<'_>) -> Vec<Option<u32>> {
    let mut changes = vec![None; needs.len()];
    let Some(last) = &briefing.last else { return Vec::new() };
    for step in last.plan.after(needs.start) {
        let seconds = step.at.as_second() - needs.start.as_second();
        if seconds % PLAN_STEP_S == 0
            && let Some(change) = changes.get_mut((seconds / PLAN_STEP_S) as usize)
        {
            *change = Some(step.size.get());
        }
    }
    changes
}
