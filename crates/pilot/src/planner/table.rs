use super::exact::{Problem, Rules};
use super::minima::{Minima, lesser};
use super::reach::Ladder;

/// A server-step of shortage, in server-steps of cost: more than any saving can be worth.
const SHORT: f64 = 1e9;
/// A server-step above the cap: worse than any cost, better than any shortage.
const OVER: f64 = 1e5;

/// G(step, rung): the least cost of all steps before, if the last of them has the size of that rung and the next may
/// change.
pub(super) struct Table {
    rows: Vec<f64>,
    width: usize,
}

impl Table {
    pub(super) fn fill(problem: &Problem<'_>, rules: &Rules, ladder: &Ladder) -> Self {
        let (steps, width) = (problem.floors.len(), ladder.levels.len());
        let mut table = Self { rows: vec![f64::INFINITY; (steps + 1) * width], width };
        let start = ladder.rung(problem.standing).expect("the ladder is built around the standing size");
        table.rows[start] = 0.0;
        let mut scratch = Scratch::new(ladder);
        for step in 0..steps {
            let (done, to_come) = table.rows.split_at_mut((step + 1) * width);
            let here = &done[step * width..];
            let jump = rules.binds(step, steps);
            scratch.look_at(problem, step, step + jump);
            scratch.stay(problem, rules, ladder, step, here, &mut to_come[..width]);
            if rules.adds_at(step) || rules.removes_at(step) {
                ladder.change(rules, step, here, &mut scratch.minima, &mut scratch.changed);
                let target = &mut to_come[(jump - 1) * width..jump * width];
                scratch.change(problem, rules, ladder, step, target);
            }
            scratch.look_away();
        }
        table
    }

    /// The best plan, read off backwards: at each step the cheapest way by which its cost can have come about.
    pub(super) fn read(&self, problem: &Problem<'_>, rules: &Rules, ladder: &Ladder) -> Vec<u32> {
        let mut sizes = vec![0; problem.floors.len()];
        let mut step = sizes.len();
        let mut rung = least(self.row(step));
        while step > 0 {
            let way = self.way(problem, rules, ladder, step, rung);
            sizes[way.step..step].fill(ladder.levels[rung]);
            (step, rung) = (way.step, way.rung);
        }
        sizes
    }

    fn row(&self, step: usize) -> &[f64] {
        &self.rows[step * self.width..(step + 1) * self.width]
    }

    /// From where `rung` at `step` is reached at the least cost: by staying, or by a change that binds until there.
    fn way(&self, problem: &Problem<'_>, rules: &Rules, ladder: &Ladder, step: usize, rung: usize) -> Way {
        let size = ladder.levels[rung];
        let stay = cost(problem, step - 1, size) + rules.change_cost * missed(problem, step - 1, size);
        let mut best = Way { step: step - 1, rung, cost: self.row(step - 1)[rung] + stay };
        let steps = problem.floors.len();
        let earliest = step.saturating_sub(rules.dwell.max(1));
        for change in (earliest..step).filter(|change| change + rules.binds(*change, steps) == step) {
            let kept: f64 = (change..step).map(|k| cost(problem, k, size)).sum();
            let apart = rules.change_cost * deviations(problem, change, step, Some(size));
            for (from, before) in self.row(change).iter().enumerate() {
                let cost = before + ladder.price(rules, change, from, rung) + kept + apart;
                if from != rung && cost < best.cost {
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

/// What one step needs of room, allocated once.
struct Scratch {
    sizes: Vec<f64>,
    /// What this step costs at each rung.
    now: Vec<f64>,
    /// What a change at this step binds to pay at each rung: the steps from this one to `ahead`.
    bound: Vec<f64>,
    ahead: usize,
    changed: Vec<f64>,
    minima: Minima,
}

impl Scratch {
    fn new(ladder: &Ladder) -> Self {
        let sizes: Vec<f64> = ladder.levels.iter().map(|level| f64::from(*level)).collect();
        let room = vec![0.0; sizes.len()];
        Self {
            sizes,
            now: room.clone(),
            bound: room.clone(),
            ahead: 0,
            changed: room,
            minima: Minima::default(),
        }
    }

    fn look_at(&mut self, problem: &Problem<'_>, step: usize, until: usize) {
        self.now.fill(0.0);
        add_cost(&mut self.now, &self.sizes, problem, step);
        while self.ahead < until {
            add_cost(&mut self.bound, &self.sizes, problem, self.ahead);
            self.ahead += 1;
        }
    }

    /// Takes this step out of the sum over the dwell. All its terms are whole numbers, so the sum stays exact.
    fn look_away(&mut self) {
        for (bound, now) in self.bound.iter_mut().zip(&self.now) {
            *bound -= now;
        }
    }

    fn stay(
        &self,
        problem: &Problem<'_>,
        rules: &Rules,
        ladder: &Ladder,
        step: usize,
        here: &[f64],
        next: &mut [f64],
    ) {
        let planned = problem.in_force.get(step).copied().flatten();
        let apart = if planned.is_some() { rules.change_cost } else { 0.0 };
        for ((next, here), now) in next.iter_mut().zip(here).zip(&self.now) {
            *next = lesser(*next, here + now + apart);
        }
        if let Some(rung) = planned.and_then(|size| ladder.rung(size)) {
            next[rung] = next[rung].min(here[rung] + self.now[rung]);
        }
    }

    fn change(&self, problem: &Problem<'_>, rules: &Rules, ladder: &Ladder, step: usize, target: &mut [f64]) {
        let apart = |rung: Option<usize>| {
            let size = rung.map(|rung| ladder.levels[rung]);
            rules.change_cost * deviations(problem, step, self.ahead, size)
        };
        let other = apart(None);
        let mut agreeing: Vec<usize> =
            (step..self.ahead).filter_map(|k| ladder.rung(planned(problem, k)?)).collect();
        agreeing.dedup();
        for rung in agreeing {
            target[rung] = target[rung].min(self.changed[rung] + self.bound[rung] + apart(Some(rung)));
        }
        for ((target, changed), bound) in target.iter_mut().zip(&self.changed).zip(&self.bound) {
            *target = lesser(*target, changed + bound + other);
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
