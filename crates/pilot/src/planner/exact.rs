use super::reach::Ladder;
use super::table::Table;
use crate::Size;

/// The widest range of sizes that is searched server by server.
pub const LEVELS_MAX: u32 = 4_096;

/// What is to be planned.
#[derive(Debug, Clone)]
pub struct Problem<'a> {
    /// The size needed at each step.
    pub floors: &'a [u32],
    /// The most allowed at each step, nowhere below the floor; empty if nothing is.
    pub caps: &'a [u32],
    /// The size before the first step.
    pub standing: u32,
    /// The sizes to which the plan in force changes, at the steps where it does; empty if there is none.
    pub in_force: &'a [Option<u32>],
}

/// What a plan may do and what it costs. Times are in steps, costs in servers × steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// One scale-up event.
    pub up_cost: f64,
    /// One scale-down event.
    pub down_cost: f64,
    /// A step at which the plan does something else than the plan in force.
    pub change_cost: f64,
    /// A scale-up event larger than this counts as several.
    pub preferred: Option<u32>,
    /// The most servers that one step may add; at least one is allowed.
    pub up_max: Option<u32>,
    /// The most that one step may take away.
    pub down_max: Option<DownMax>,
    /// Servers are added at every so-manieth step only.
    pub up_every: usize,
    /// Servers are taken away at every so-manieth step only.
    pub down_every: usize,
    /// The absolute number of the first step, so that "every so-manieth" means the same at each replanning.
    pub first: i64,
    /// How many steps a size stays; at least one.
    pub dwell: usize,
    /// How many steps at the start may change nothing.
    pub frozen: usize,
}

/// The most that may be taken away at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DownMax {
    /// This share of the size that is left.
    pub percent: f64,
    /// And no more than so many servers, if given. One is always allowed.
    pub servers: Option<u32>,
}

impl DownMax {
    /// How many may go from `size`.
    pub fn of(&self, size: u32) -> u32 {
        let share = Size(size).percent_down(self.percent).get();
        share.min(self.servers.unwrap_or(u32::MAX)).max(1)
    }
}

impl Rules {
    /// No rule but the cost of scaling up.
    pub fn free(up_cost: f64) -> Self {
        Self {
            up_cost,
            down_cost: 0.0,
            change_cost: 0.0,
            preferred: None,
            up_max: None,
            down_max: None,
            up_every: 1,
            down_every: 1,
            first: 0,
            dwell: 1,
            frozen: 0,
        }
    }

    /// Whether servers may be added at `step`.
    pub(super) fn adds_at(&self, step: usize) -> bool {
        step >= self.frozen && (self.first + step as i64).rem_euclid(self.up_every.max(1) as i64) == 0
    }

    /// Whether servers may be taken away at `step`.
    pub(crate) fn removes_at(&self, step: usize) -> bool {
        step >= self.frozen && (self.first + step as i64).rem_euclid(self.down_every.max(1) as i64) == 0
    }

    /// How many steps a change at `step` binds, of a plan of `steps`.
    pub(super) fn binds(&self, step: usize, steps: usize) -> usize {
        self.dwell.max(1).min(steps - step)
    }
}

/// The cheapest plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The size at each step.
    pub sizes: Vec<u32>,
    /// How many servers apart the sizes searched were; one unless the range is very wide.
    pub quantum: u32,
}

/// The cheapest sizes for `problem` under `rules`: exact dynamic programming over time × size.
///
/// Wanted is the least Σ n(k) + what the changes cost, so that n(k) ≥ floor(k) and n(k) ≤ cap(k), no change is larger
/// or more frequent than the rules allow, and a size stays for the dwell. Where no plan covers the floors, the one that
/// is least short is wanted: a server-step of shortage outweighs any saving. The lead time is no rule here: the floors
/// contain it, see [`super::most_within`].
///
/// *Method.* Let G(k, n) be the least cost of the steps before k, if the last of them has size n and the next may change.
/// From (k, n) a plan either stays, to (k+1, n), or changes to m and keeps it for the dwell d, to (k+d, m). These are all
/// plans there are, for a plan is a sequence of changes at least d apart with stays between them; what a change costs
/// depends on n, m and k alone; so by induction on k, G is exact. The dwell needs no dimension of its own, because a
/// change jumps over it.
///
/// *Cost.* The least of G(k, n) + the cost of changing from n to m is a sliding minimum over the sizes from which m can
/// be reached, so a step costs O(sizes), the whole O(steps × sizes). Only values are kept; the best plan is read off
/// backwards.
///
/// *Which sizes.* Without a limit on changes only the floors, the size at the start and the sizes of the plan in force:
/// lower a stretch of constant size until it meets one of them or a neighbour. Nothing gets dearer on the way, no change
/// is added, and where it meets a neighbour one is saved. With a limit, every size from the least to the largest of
/// these: cutting a plan off above and below makes no change larger. A range wider than [`LEVELS_MAX`] is walked in
/// steps of several servers.
///
/// ```
/// use tidecast_pilot::planner::{Problem, Rules, solve};
/// let floors = [2, 5, 3, 5, 1];
/// let problem = Problem { floors: &floors, caps: &[], standing: 2, in_force: &[] };
/// assert_eq!(solve(&problem, &Rules::free(0.0)).sizes, [2, 5, 3, 5, 1]);
/// assert_eq!(solve(&problem, &Rules::free(3.0)).sizes, [2, 5, 5, 5, 1]);
/// ```
pub fn solve(problem: &Problem<'_>, rules: &Rules) -> Solution {
    let ladder = Ladder::of(problem, rules);
    let most = problem.floors.iter().chain(problem.in_force.iter().flatten()).copied().max();
    let top = most.unwrap_or(0).max(problem.standing);
    let sizes = Table::of(problem, rules, &ladder).read().into_iter().map(|size| size.min(top)).collect();
    Solution { sizes, quantum: ladder.quantum }
}

#[cfg(test)]
mod tests;
