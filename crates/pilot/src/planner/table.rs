use super::exact::{Problem, Rules};
use super::minima::{Minima, lesser};
use super::reach::Ladder;

/// A server-step of shortage, in server-steps of cost: more than any saving can be worth.
const SHORT: f64 = 1e9;
/// A server-step above the cap: worse than any cost, better than any shortage.
const OVER: f64 = 1e5;

/// G(step, rung): the least cost of all steps before, if the last of them has the size of that rung and the next may
/// change.
pub(super) struct Table<'a> {
    problem: &'a Problem<'a>,
    rules: &'a Rules,
    ladder: &'a Ladder,
    rows: Vec<f64>,
    width: usize,
}

impl<'a> Table<'a> {
    /// The table of all plans that cover every floor; if there is none, of all plans.
    pub(super) fn of(problem: &'a Problem<'a>, rules: &'a Rules, ladder: &'a Ladder) -> Self {
        let covering: Vec<usize> = problem.floors.iter().map(|floor| ladder.rung_above(*floor)).collect();
        let table = Self::fill(problem, rules, ladder, &covering);
        if table.row(problem.floors.len()).iter().any(|cost| cost.is_finite()) {
            return table;
        }
        Self::fill(problem, rules, ladder, &vec![0; covering.len()])
    }

    /// Only plans that stay at or above the `lowest` rung of each step.
    fn fill(problem: &'a Problem<'a>, rules: &'a Rules, ladder: &'a Ladder, lowest: &[usize]) -> Self {
        let (steps, width) = (problem.floors.len(), ladder.levels.len());
        let rows = vec![f64::INFINITY; (steps + 1) * width];
        let mut table = Self { problem, rules, ladder, rows, width };
        let start = ladder.rung(problem.standing).expect("the ladder is built around the standing size");
        table.rows[start] = 0.0;
        let mut pen = Pen::new(problem, rules, ladder);
        let mut reached = 0;
        for step in 0..steps {
            let (done, to_come) = table.rows.split_at_mut((step + 1) * width);
            let here = &done[step * width..];
            let until = step + rules.binds(step, steps);
            if pen.is_plain(step, lowest[step]) {
                let before = (&here[reached..], reached);
                let changes = rules.adds_at(step) || rules.removes_at(step);
                if changes {
                    let room = (&mut pen.minima, &mut pen.changed[..]);
                    ladder.change(rules, step, before, lowest[step], room);
                }
                pen.stay_or_change(here, changes, lowest[step], &mut to_come[..width]);
                reached = lowest[step];
                continue;
            }
            pen.stay(step, here, lowest[step], &mut to_come[..width]);
            if rules.adds_at(step) || rules.removes_at(step) {
                let target = &mut to_come[(until - step - 1) * width..(until - step) * width];
                let from =
                    lowest[step..until].iter().copied().max().expect("a change binds at least its step");
                let before = (&here[reached..], reached);
                ladder.change(rules, step, before, from, (&mut pen.minima, &mut pen.changed));
                pen.change(step, until, from, target);
            }
            reached = lowest[step];
        }
        table
    }

    /// The best plan, read off backwards: at each step the cheapest way by which its cost can have come about.
    pub(super) fn read(&self) -> Vec<u32> {
        let mut sizes = vec![0; self.problem.floors.len()];
        let mut step = sizes.len();
        let mut rung = least(self.row(step));
        while step > 0 {
            let way = self.way(step, rung);
            sizes[way.step..step].fill(self.ladder.levels[rung]);
            (step, rung) = (way.step, way.rung);
        }
        sizes
    }

    fn row(&self, step: usize) -> &[f64] {
        &self.rows[step * self.width..(step + 1) * self.width]
    }

    /// From where `rung` at `step` is reached at the least cost: by staying, or by a change that binds until there.
    fn way(&self, step: usize, rung: usize) -> Way {
        let Self { problem, rules, ladder, .. } = self;
        let size = ladder.levels[rung];
        let apart = rules.change_cost * missed(problem, step - 1, size);
        let stay = self.row(step - 1)[rung] + cost(problem, step - 1, size) + apart;
        let mut best = Way { step: step - 1, rung, cost: stay };
        if stay == self.row(step)[rung] {
            return best;
        }
        let steps = problem.floors.len();
        let earliest = step.saturating_sub(rules.dwell.max(1));
        for change in (earliest..step).filter(|change| change + rules.binds(*change, steps) == step) {
            let kept: f64 = (change..step).map(|k| cost(problem, k, size)).sum();
            let apart = rules.change_cost * deviations(problem, change, step, Some(size));
            let row = self.row(change);
            for (from, price) in ladder.ways(rules, change, rung) {
                let cost = row[from] + price + kept + apart;
                if cost < best.cost {
                    best = Way { step: change, rung: from, cost };
                }
            }
        }
        best
    }
}

struct Way {
    step: usize,
    rung: usize,
    cost: f64,
}

/// Writes rows; what it needs of room is allocated once.
struct Pen<'a> {
    problem: &'a Problem<'a>,
    rules: &'a Rules,
    ladder: &'a Ladder,
    sizes: Vec<f64>,
    costs: Vec<f64>,
    changed: Vec<f64>,
    minima: Minima,
}

impl<'a> Pen<'a> {
    fn new(problem: &'a Problem<'a>, rules: &'a Rules, ladder: &'a Ladder) -> Self {
        let sizes: Vec<f64> = ladder.levels.iter().map(|level| f64::from(*level)).collect();
        let (costs, changed) = (vec![0.0; sizes.len()], vec![f64::INFINITY; sizes.len()]);
        Self { problem, rules, ladder, sizes, costs, changed, minima: ladder.minima() }
    }

    /// What the steps from `step` to `until` cost together at each rung from `from` on. All terms are whole numbers, so
    /// that the sum is exact in whatever order it is made.
    fn count(&mut self, step: usize, until: usize, from: usize) {
        let plain = self.problem.caps.is_empty();
        if plain && self.problem.floors[step..until].iter().all(|f| f64::from(*f) <= self.sizes[from]) {
            let steps = (until - step) as f64;
            self.costs[from..]
                .iter_mut()
                .zip(&self.sizes[from..])
                .for_each(|(cost, size)| *cost = steps * size);
            return;
        }
        self.costs[from..].fill(0.0);
        for k in step..until {
            add_cost(&mut self.costs[from..], &self.sizes[from..], self.problem, k);
        }
    }

    /// Whether both ways on lead to the next step, and cost nothing but the size there: most steps of most plans.
    fn is_plain(&self, step: usize, from: usize) -> bool {
        let covered = f64::from(self.problem.floors[step]) <= self.sizes[from];
        let free = self.problem.caps.is_empty() && planned(self.problem, step).is_none();
        self.rules.dwell <= 1 && free && covered
    }

    /// Both ways on from a plain step, in one pass.
    fn stay_or_change(&self, here: &[f64], changes: bool, from: usize, next: &mut [f64]) {
        let ways = here[from..].iter().zip(&self.sizes[from..]);
        if !changes {
            next[from..].iter_mut().zip(ways).for_each(|(next, (here, size))| *next = here + size);
            return;
        }
        let other = self.rules.change_cost;
        for ((next, (here, size)), changed) in next[from..].iter_mut().zip(ways).zip(&self.changed[from..]) {
            *next = lesser(*here, changed + other) + size;
        }
    }

    fn stay(&mut self, step: usize, here: &[f64], from: usize, next: &mut [f64]) {
        self.count(step, step + 1, from);
        let planned = planned(self.problem, step);
        let apart = if planned.is_some() { self.rules.change_cost } else { 0.0 };
        for ((next, here), cost) in next[from..].iter_mut().zip(&here[from..]).zip(&self.costs[from..]) {
            *next = lesser(*next, here + cost + apart);
        }
        if let Some(rung) = planned.and_then(|size| self.ladder.rung(size)).filter(|rung| *rung >= from) {
            next[rung] = lesser(next[rung], here[rung] + self.costs[rung]);
        }
    }

    fn change(&mut self, step: usize, until: usize, from: usize, target: &mut [f64]) {
        self.count(step, until, from);
        let apart = |rung: Option<usize>| {
            let size = rung.map(|rung| self.ladder.levels[rung]);
            self.rules.change_cost * deviations(self.problem, step, until, size)
        };
        let other = apart(None);
        let in_force = (step..until).filter_map(|k| self.ladder.rung(planned(self.problem, k)?));
        for rung in in_force.filter(|rung| *rung >= from) {
            target[rung] = lesser(target[rung], self.changed[rung] + self.costs[rung] + apart(Some(rung)));
        }
        let ways = self.changed[from..].iter().zip(&self.costs[from..]);
        for (target, (changed, cost)) in target[from..].iter_mut().zip(ways) {
            *target = lesser(*target, changed + cost + other);
        }
    }
}

fn planned(problem: &Problem<'_>, step: usize) -> Option<u32> {
    problem.in_force.get(step).copied().flatten()
}

/// One if the plan in force changes at this step to another size than `size`, which stays.
fn missed(problem: &Problem<'_>, step: usize, size: u32) -> f64 {
    f64::from(u8::from(planned(problem, step).is_some_and(|to| to != size)))
}

/// At how many of the steps from `change` to `until` the plan in force does something else than a change to `size` at
/// the first and staying there; than a change to any other size if that is none.
fn deviations(problem: &Problem<'_>, change: usize, until: usize, size: Option<u32>) -> f64 {
    let first = size.is_none() || planned(problem, change) != size;
    let later = (change + 1..until).filter(|k| planned(problem, *k).is_some_and(|to| Some(to) != size));
    (usize::from(first) + later.count()) as f64
}

/// What a size costs at a step, its shortage and its excess included.
fn cost(problem: &Problem<'_>, step: usize, size: u32) -> f64 {
    let mut cost = [0.0];
    add_cost(&mut cost, &[f64::from(size)], problem, step);
    cost[0]
}

fn add_cost(costs: &mut [f64], sizes: &[f64], problem: &Problem<'_>, step: usize) {
    let floor = f64::from(problem.floors[step]);
    let cap = problem.caps.get(step).map_or(f64::INFINITY, |cap| f64::from(*cap));
    for (cost, size) in costs.iter_mut().zip(sizes) {
        *cost += size + SHORT * above_zero(floor - size) + OVER * above_zero(size - cap);
    }
}

fn above_zero(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}

fn least(row: &[f64]) -> usize {
    let lower = |best: usize, (rung, cost): (usize, &f64)| if *cost < row[best] { rung } else { best };
    row.iter().enumerate().fold(0, lower)
}
