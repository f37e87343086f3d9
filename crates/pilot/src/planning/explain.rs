use jiff::SignedDuration;

use super::{Needs, Orders, PLAN_STEP_S};
use crate::planner::Rules;
use crate::sizing::{Decrees, Footing};
use crate::{Briefing, Limit, Note, Reason, Shortage, Size, Step};

/// Puts times and reasons to sizes.
pub(super) struct Explainer<'a> {
    pub(super) briefing: &'a Briefing,
    pub(super) footing: &'a Footing,
    pub(super) needs: &'a Needs<'a>,
    pub(super) orders: &'a Orders,
    pub(super) rules: &'a Rules,
}

impl Explainer<'_> {
    /// One step a stretch of constant size.
    pub(super) fn steps(&self, sizes: &[u32]) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut from = 0;
        while from < sizes.len() {
            let until = (from..sizes.len()).find(|k| sizes[*k] != sizes[from]).unwrap_or(sizes.len());
            steps.push(self.step(sizes, from, until));
            from = until;
        }
        steps
    }

    fn step(&self, sizes: &[u32], from: usize, until: usize) -> Step {
        let floors = &self.orders.floors;
        let size = sizes[from];
        let bound =
            (from..until).max_by_key(|k| (floors[*k], usize::MAX - k)).expect("a stretch is not empty");
        // The next step that needs this size, if the plan does not go below it until then.
        let later = (until..sizes.len()).take_while(|k| sizes[*k] >= size).find(|k| floors[*k] >= size);
        let (because, mut limits): (Reason, Vec<Limit>) = match size.cmp(&floors[bound]) {
            std::cmp::Ordering::Equal => (
                self.reason(bound),
                self.pushes(bound).chain(self.cuts(bound)).chain(self.steadied(bound)).collect(),
            ),
            std::cmp::Ordering::Less => {
                (self.reason(bound), self.pushes(bound).chain([self.brake(from, floors[bound])]).collect())
            }
            std::cmp::Ordering::Greater => match later {
                Some(later) => {
                    (Reason::Kept { need: Size(floors[bound]), until: self.needs.at(later) }, Vec::new())
                }
                None => (self.reason(bound), vec![self.drag(from, until, floors[bound])]),
            },
        };
        limits.dedup();
        Step { at: self.needs.at(from), size: Size(size), because, limits }
    }

    /// What makes the order of this step necessary.
    fn reason(&self, step: usize) -> Reason {
        let workload = &self.briefing.workload;
        let at = self.orders.bound_by[step];
        if self.needs.sizes[at] < workload.bounds.min().get() {
            return Reason::Minimum { min: workload.bounds.min() };
        }
        let decrees = self.needs.decrees(at);
        if let Some((size, decree)) = decrees.floor
            && size.get() == self.needs.sizes[at]
        {
            return Reason::Decreed(decree.clone());
        }
        let sizer = decrees.sizer(self.footing.throughput, workload.buffer);
        let demand = decrees.demand(self.needs.forecast_at(at, self.footing.level.get(), self.footing));
        let (Some(sizer), Some((demand, by))) = (sizer, demand) else {
            return Reason::Standing;
        };
        let (throughput, spare, lead) = (sizer.throughput(), sizer.size(demand).spare, self.footing.start_up);
        match by {
            Some(decree) => Reason::DecreedDemand { decree: decree.clone(), throughput, spare, lead },
            None => Reason::Forecast {
                demand,
                at: self.needs.at(at),
                level: self.footing.level,
                throughput,
                spare,
                lead,
            },
        }
    }

    /// The padding and throughput that are decreed for the need behind this step's order, if demand makes it.
    fn pushes(&self, step: usize) -> impl Iterator<Item = Limit> + use<> {
        let at = self.orders.bound_by[step];
        let sized = !self.needs.decrees.is_empty() && !matches!(self.reason(step), Reason::Decreed(_));
        let decrees = if sized { self.needs.decrees(at) } else { Decrees::default() };
        decrees.pushes().collect::<Vec<_>>().into_iter()
    }

    /// The bounds and ceilings that cut this step's order.
    fn cuts(&self, step: usize) -> Vec<Limit> {
        let wanted = self.needs.sizes[self.orders.bound_by[step]];
        let max = self.briefing.workload.bounds.max();
        let cap = self.orders.cap(step, &self.briefing.workload);
        if wanted <= cap {
            return Vec::new();
        }
        match self.needs.decrees(step).ceiling {
            Some((_, decree)) if cap < max.get() => {
                vec![Limit::Ceiling { decree: decree.clone(), wanted: Size(wanted) }]
            }
            _ => vec![Limit::Maximum { max, wanted: Size(wanted) }],
        }
    }

    /// That a step is left as it was planned before.
    fn steadied(&self, step: usize) -> Option<Limit> {
        let steadied = self.orders.is_steadied(step, self.needs, &self.briefing.workload);
        steadied.then_some(Limit::Steady)
    }

    /// What keeps a step below its need.
    fn brake(&self, step: usize, wanted: u32) -> Limit {
        match self.shortage() {
            Shortage::Dwell => Limit::Dwell { until: self.needs.at(step + self.rules.dwell) },
            _ => Limit::RampUp {
                servers: Size(self.rules.up_max.unwrap_or(u32::MAX)),
                per: SignedDuration::from_secs(PLAN_STEP_S * self.rules.up_every as i64),
                wanted: Size(wanted),
            },
        }
    }

    /// What keeps a stretch above its need, though nothing later needs it.
    fn drag(&self, from: usize, until: usize, wanted: u32) -> Limit {
        let long = until - from;
        if self.rules.dwell > 1 && long <= self.rules.dwell {
            return Limit::Dwell { until: self.needs.at(until) };
        }
        match self.rules.down_max {
            Some(max) if until < self.needs.len() && long <= self.rules.down_every => Limit::Pace {
                allowed: Size(max.of(wanted)),
                per: SignedDuration::from_secs(PLAN_STEP_S * self.rules.down_every as i64),
                wanted: Size(wanted),
            },
            _ => Limit::Steady,
        }
    }

    fn shortage(&self) -> Shortage {
        let ramp = self.rules.up_max.is_some() || self.rules.up_every > 1;
        if !ramp && (self.rules.dwell > 1 || self.rules.frozen > 0) {
            Shortage::Dwell
        } else {
            Shortage::Ramp
        }
    }

    /// Where the plan is short of the need, at most once for each cause.
    pub(super) fn shortages(&self, sizes: &[u32]) -> Vec<Note> {
        let wanted = |k: usize| self.needs.sizes[self.orders.bound_by[k]];
        let workload = &self.briefing.workload;
        let most = |k: usize| self.orders.cap(k, workload).max(workload.bounds.min().get());
        let cut = self.short(Shortage::Maximum, |k| wanted(k).saturating_sub(most(k)));
        let slow = self.short(self.shortage(), |k| self.orders.floors[k].saturating_sub(sizes[k]));
        // What is needed before a server ordered now can serve, beyond what already stands there.
        let lead = self.footing.start_up.as_secs();
        let soon = |k: usize| self.needs.at(k).duration_since(self.briefing.now).as_secs() < lead;
        let late = self.short(Shortage::StartUp, |k| {
            if soon(k) { self.needs.sizes[k].saturating_sub(self.orders.standing) } else { 0 }
        });
        [cut, slow, late].into_iter().flatten().collect()
    }

    fn short(&self, because: Shortage, by: impl Fn(usize) -> u32) -> Option<Note> {
        let first = (0..self.needs.len()).find(|k| by(*k) > 0)?;
        let end = (first..self.needs.len()).find(|k| by(*k) == 0).unwrap_or(self.needs.len());
        let most = (first..end).map(&by).max()?;
        Some(Note::Short { from: self.needs.at(first), until: self.needs.at(end), by: Size(most), because })
    }
}
