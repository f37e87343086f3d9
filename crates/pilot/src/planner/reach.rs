use std::collections::VecDeque;

use super::exact::{LEVELS_MAX, Problem, Rules};

/// The sizes that are searched, ascending, and from which of them each can be reached.
#[derive(Debug)]
pub(super) struct Ladder {
    /// The sizes.
    pub(super) levels: Vec<u32>,
    /// How far apart they are, where they are evenly spaced.
    pub(super) quantum: u32,
    /// How many rungs one change may climb.
    climb: Option<usize>,
    /// How many rungs count as one scale-up event.
    event: Option<usize>,
    /// For each rung, the lowest that one change may reach from it; empty if all below.
    falls_to: Vec<usize>,
}

impl Ladder {
    pub(super) fn of(problem: &Problem<'_>, rules: &Rules) -> Self {
        let (levels, quantum) = levels(problem, rules);
        let rungs = |servers: u32| (servers / quantum).max(1) as usize;
        let falls_to = match rules.down_max {
            None => Vec::new(),
            Some(max) => {
                (0..levels.len()).map(|rung| rung.saturating_sub(rungs(max.of(levels[rung])))).collect()
            }
        };
        Self { quantum, climb: rules.up_max.map(rungs), event: rules.preferred.map(rungs), falls_to, levels }
    }

    /// Where `size` stands.
    pub(super) fn rung(&self, size: u32) -> Option<usize> {
        self.levels.binary_search(&size).ok()
    }

    /// What one change costs; infinite if it is not allowed.
    pub(super) fn price(&self, rules: &Rules, step: usize, from: usize, to: usize) -> f64 {
        if to > from {
            let events = self.event.map_or(1, |event| (to - from).div_ceil(event));
            let allowed = rules.adds_at(step) && self.climb.is_none_or(|climb| to - from <= climb);
            return if allowed { rules.up_cost * events as f64 } else { f64::INFINITY };
        }
        let allowed = rules.removes_at(step) && self.falls_to.get(from).is_none_or(|lowest| to >= *lowest);
        if allowed { rules.down_cost } else { f64::INFINITY }
    }

    /// For each rung, the least of `before` plus the price of changing from there at `step`, written to `changed`.
    pub(super) fn change(&self, rules: &Rules, step: usize, before: &[f64], changed: &mut [f64]) {
        changed.fill(f64::INFINITY);
        if rules.removes_at(step) {
            self.fall(rules.down_cost, before, changed);
        }
        if rules.adds_at(step) {
            match self.event {
                None => self.climb(rules.up_cost, before, changed),
                Some(event) => self.climb_in_events(event, rules.up_cost, before, changed),
            }
        }
    }

    fn climb(&self, cost: f64, before: &[f64], changed: &mut [f64]) {
        let Some(climb) = self.climb else {
            let mut least = f64::INFINITY;
            for (out, value) in changed.iter_mut().zip(before) {
                *out = out.min(least + cost);
                least = least.min(*value);
            }
            return;
        };
        let mut window = Minima::default();
        for rung in 0..before.len() {
            changed[rung] = changed[rung].min(window.least(before) + cost);
            window.push(rung, before);
            window.forget_below((rung + 1).saturating_sub(climb));
        }
    }

    /// A climb of more than `event` rungs costs as much as several: the least over the last event's worth of rungs,
    /// and over one event's worth further down for one event more, and so on.
    fn climb_in_events(&self, event: usize, cost: f64, before: &[f64], changed: &mut [f64]) {
        let climb = self.climb.unwrap_or(before.len());
        let within = sliding_minima(event.min(climb), before);
        let (whole, left) = (climb / event, climb % event);
        let rest = sliding_minima(left, before);
        for rung in 0..before.len() {
            for nth in 0..whole.min(rung / event + 1) {
                changed[rung] = changed[rung].min(within[rung - nth * event] + cost * (nth + 1) as f64);
            }
            if left > 0 && rung >= whole * event {
                changed[rung] = changed[rung].min(rest[rung - whole * event] + cost * (whole + 1) as f64);
            }
        }
    }

    fn fall(&self, cost: f64, before: &[f64], changed: &mut [f64]) {
        if self.falls_to.is_empty() {
            let mut least = f64::INFINITY;
            for rung in (0..before.len()).rev() {
                changed[rung] = changed[rung].min(least + cost);
                least = least.min(before[rung]);
            }
            return;
        }
        let mut window = Minima::default();
        let mut next = 0;
        for rung in 0..before.len() {
            while next < before.len() && self.falls_to[next] <= rung {
                window.push(next, before);
                next += 1;
            }
            window.forget_below(rung + 1);
            changed[rung] = changed[rung].min(window.least(before) + cost);
        }
    }
}

/// The sizes worth searching, and how far apart they are.
fn levels(problem: &Problem<'_>, rules: &Rules) -> (Vec<u32>, u32) {
    let in_force = problem.in_force.iter().flatten();
    let mut levels: Vec<u32> = problem.floors.iter().chain(in_force).copied().collect();
    levels.push(problem.standing);
    levels.sort_unstable();
    levels.dedup();
    let (least, most) = (levels[0], levels[levels.len() - 1]);
    let limited = rules.preferred.is_some() || rules.up_max.is_some() || rules.down_max.is_some();
    if !limited && levels.len() <= LEVELS_MAX as usize {
        return (levels, 1);
    }
    let quantum = if most - least > LEVELS_MAX { (most - least).div_ceil(LEVELS_MAX / 2) } else { 1 };
    // Anchored where the fleet stands, so that staying there is one of the choices.
    let below = (problem.standing - least) / quantum;
    let count = below + (most - problem.standing).div_ceil(quantum);
    let start = problem.standing - below * quantum;
    ((0..=count).map(|rung| start.saturating_add(rung.saturating_mul(quantum))).collect(), quantum)
}

/// For each rung, the least of the `width` values before it.
fn sliding_minima(width: usize, values: &[f64]) -> Vec<f64> {
    let mut window = Minima::default();
    (0..values.len())
        .map(|rung| {
            window.forget_below(rung.saturating_sub(width));
            let least = if width == 0 { f64::INFINITY } else { window.least(values) };
            window.push(rung, values);
            least
        })
        .collect()
}

/// The minimum of a window that only moves on: the rungs that may yet become it, ascending in value.
#[derive(Default)]
struct Minima(VecDeque<usize>);

impl Minima {
    fn push(&mut self, rung: usize, values: &[f64]) {
        while self.0.back().is_some_and(|last| values[*last] >= values[rung]) {
            self.0.pop_back();
        }
        self.0.push_back(rung);
    }

    fn forget_below(&mut self, rung: usize) {
        while self.0.front().is_some_and(|first| *first < rung) {
            self.0.pop_front();
        }
    }

    fn least(&self, values: &[f64]) -> f64 {
        self.0.front().map_or(f64::INFINITY, |first| values[*first])
    }
}
