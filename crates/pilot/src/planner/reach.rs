use super::exact::{DownMax, LEVELS_MAX, Problem, Rules};
use super::minima::{Minima, Windows, lesser};

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
    /// From where each rung can be reached by falling; empty if from all above.
    above: Option<Windows>,
    /// From where each rung can be reached by climbing, an entry for each event that the climb counts as.
    below: Vec<Windows>,
}

impl Ladder {
    pub(super) fn of(problem: &Problem<'_>, rules: &Rules) -> Self {
        let (levels, quantum) = levels(problem, rules);
        let rungs = |servers: u32| (servers / quantum).max(1) as usize;
        let fall = |rung: usize, max: &DownMax| rung.saturating_sub(rungs(max.of(levels[rung])));
        let falls_to: Vec<usize> = rules
            .down_max
            .iter()
            .flat_map(|max| (0..levels.len()).map(move |rung| fall(rung, max)))
            .collect();
        let (climb, event) = (rules.up_max.map(rungs), rules.preferred.map(rungs));
        let count = levels.len();
        let above = rules.down_max.map(|_| falls(&falls_to));
        let below = climbs(count, climb, event);
        Self { levels, quantum, climb, event, falls_to, above, below }
    }

    /// Room for the minima of every window that there is.
    pub(super) fn minima(&self) -> Minima {
        Minima::new(self.levels.len(), self.above.iter().chain(&self.below))
    }

    /// Where `size` stands.
    pub(super) fn rung(&self, size: u32) -> Option<usize> {
        self.levels.binary_search(&size).ok()
    }

    /// The lowest rung that is not below `size`; the topmost if all are.
    pub(super) fn rung_above(&self, size: u32) -> usize {
        self.levels.partition_point(|level| *level < size).min(self.levels.len() - 1)
    }

    /// From which rungs `to` can be reached at `step` by one change, and what that costs.
    pub(super) fn ways<'a>(
        &'a self,
        rules: &'a Rules,
        step: usize,
        to: usize,
    ) -> impl Iterator<Item = (usize, f64)> + 'a {
        let lowest = self.climb.map_or(0, |climb| to.saturating_sub(climb));
        let below = if rules.adds_at(step) { lowest..to } else { 0..0 };
        let highest = match self.falls_to.is_empty() {
            true => self.levels.len(),
            false => self.falls_to.partition_point(|lowest| *lowest <= to),
        };
        let above = if rules.removes_at(step) { to + 1..highest } else { 0..0 };
        let events = move |from: usize| self.event.map_or(1, |event| (to - from).div_ceil(event)) as f64;
        let climbs = below.map(move |from| (from, rules.up_cost * events(from)));
        climbs.chain(above.map(|from| (from, rules.down_cost)))
    }

    /// For each rung from `from` on, the least of `before` plus the price of changing from there at `step`, written to
    /// `changed`. `before` begins at the rung `reached`; below it nothing is in reach.
    pub(super) fn change(
        &self,
        rules: &Rules,
        step: usize,
        (before, reached): (&[f64], usize),
        from: usize,
        (minima, changed): (&mut Minima, &mut [f64]),
    ) {
        let climbs = if rules.adds_at(step) { &self.below[..] } else { &[] };
        let falls = self.above.as_ref().filter(|_| rules.removes_at(step));
        if let Some(doublings) = climbs.iter().chain(falls).map(|windows| windows.doublings).max() {
            minima.fill(before, reached, doublings);
        }
        changed.fill(f64::INFINITY);
        if rules.adds_at(step) {
            self.climb(rules.up_cost, (before, reached), from, minima, changed);
        }
        match falls {
            Some(falls) => minima.lower(falls, rules.down_cost, from, changed),
            None if rules.removes_at(step) => from_all_above(rules.down_cost, before, reached, changed),
            None => {}
        }
    }

    fn climb(
        &self,
        cost: f64,
        (before, reached): (&[f64], usize),
        from: usize,
        minima: &Minima,
        changed: &mut [f64],
    ) {
        match (&self.below[..], self.event, self.climb) {
            ([], ..) => from_all_below(cost, before, &mut changed[reached..]),
            // Without a largest climb, one event more from one event's worth of rungs further down, as often as it takes.
            ([once, ..], Some(event), None) => {
                minima.lower(once, cost, 0, changed);
                for rung in event..changed.len() {
                    changed[rung] = lesser(changed[rung], changed[rung - event] + cost);
                }
            }
            (below, ..) => {
                for (below, events) in below.iter().zip(1u32..) {
                    minima.lower(below, cost * f64::from(events), from, changed);
                }
            }
        }
    }
}

/// The windows of a limited fall. Those that the topmost rung cuts off are told as if it did not, so that they have one
/// shape.
fn falls(falls_to: &[usize]) -> Windows {
    let count = falls_to.len();
    let highest = |rung: usize| falls_to.partition_point(|lowest| *lowest <= rung);
    let cut_off = (0..count).find(|rung| highest(*rung) == count).unwrap_or(count);
    let longest = count.saturating_sub(cut_off + 1);
    Windows::new(count, |rung| {
        let length = if (rung as usize) < cut_off {
            highest(rung as usize) as isize - rung - 1
        } else {
            longest as isize
        };
        (rung + 1, rung + 1 + length)
    })
}

/// The windows of a limited climb: one if any climb is one event; one for each number of events that it may count as,
/// or only the first, if it is not limited; none if it is neither.
fn climbs(rungs: usize, climb: Option<usize>, event: Option<usize>) -> Vec<Windows> {
    let (longest, each) = match (climb, event) {
        (None, None) => return Vec::new(),
        (Some(climb), None) => (climb, climb),
        (None, Some(event)) => (event, event),
        (Some(climb), Some(event)) => (climb, event.min(climb)),
    };
    let nth = |nth: usize| {
        let (near, far) = (nth * each, longest.min((nth + 1) * each));
        Windows::new(rungs, |rung| (rung - far as isize, rung - near as isize))
    };
    (0..longest.div_ceil(each)).take_while(|n| n * each < rungs).map(nth).collect()
}

fn from_all_below(cost: f64, before: &[f64], changed: &mut [f64]) {
    let mut least = f64::INFINITY;
    for (out, value) in changed.iter_mut().zip(before) {
        *out = lesser(*out, least + cost);
        least = lesser(least, *value);
    }
}

fn from_all_above(cost: f64, before: &[f64], reached: usize, changed: &mut [f64]) {
    let mut least = f64::INFINITY;
    for (out, value) in changed[reached..].iter_mut().zip(before).rev() {
        *out = lesser(*out, least + cost);
        least = lesser(least, *value);
    }
    for out in &mut changed[..reached] {
        *out = lesser(*out, least + cost);
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
