//! tidecast's own policy: floors from forecast quantiles above a reactive part, tuned by replaying the service's past.

use std::collections::VecDeque;
use std::sync::Arc;

use tidecast_pilot::{Demand, Throughput};

use super::{Rule, Seen};
use crate::foresight::{Foresight, Quantiles, TUNED_LEVELS};
use crate::window::Window;
use crate::{BIN, DAY, Fleet, Setup, Trace};

/// Share of the demand that may find no capacity, by which the tuner chooses: half of one in a thousand, because what
/// was kept in the past is kept a little less well in the future.
const TARGET: f64 = 0.0005;
/// Days of replay that a choice rests on, and the days after which one counts half.
const DAYS: usize = 21;
const HALF_LIFE_DAYS: f64 = 10.0;
/// Minutes that the reactive part holds its largest want.
const HOLD_MIN: usize = 10;
/// Buffers on measured demand that the menu offers.
const BUFFERS: [f64; 7] = [1.0, 1.05, 1.1, 1.2, 1.35, 1.6, 2.0];
/// Where 0.99 stands among the levels, for the first days.
const FIRST_LEVEL: usize = 6;

/// A service level of the forecast and a buffer on measured demand; no buffer is no reactive part.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Choice {
    level: usize,
    buffer: Option<f64>,
}

impl Choice {
    fn menu(reactive: bool) -> Vec<Self> {
        let levels = 0..TUNED_LEVELS.len();
        if !reactive {
            return levels.map(|level| Self { level, buffer: None }).collect();
        }
        levels.flat_map(|level| BUFFERS.map(|b| Self { level, buffer: Some(b) })).collect()
    }

    fn first(reactive: bool) -> Self {
        Self { level: FIRST_LEVEL, buffer: reactive.then_some(1.1) }
    }
}

/// Follows, day by day, the choice of the menu that would have been the cheapest to keep the target lately.
#[derive(Debug)]
pub(crate) struct Tuned {
    quantiles: Arc<Quantiles>,
    throughput: f64,
    /// For each day of the trace.
    picks: Vec<Choice>,
    held: Window<u32>,
}

impl Tuned {
    /// Replays the menu over the trace's past and picks for each day, from what lay before it alone.
    pub(crate) fn of(trace: &Trace, foresight: &Foresight, setup: &Setup, reactive: bool) -> Self {
        let quantiles = foresight.quantiles(setup.start_min / BIN + 1);
        let begin = setup.score_from / DAY;
        let from = (5 * DAY).max(setup.score_from.saturating_sub(28 * DAY));
        let mut replay = Replay::new(Choice::menu(reactive), setup);
        let mut picks = Vec::new();
        for day in 0..trace.demand().len().div_ceil(DAY) {
            picks.push(if day < begin { None } else { replay.pick() }.unwrap_or(Choice::first(reactive)));
            replay.day(trace, &quantiles, setup, day * DAY, from);
        }
        Self { quantiles, throughput: setup.throughput, picks, held: Window::of(HOLD_MIN) }
    }

    fn pick(&self, minute: usize) -> Choice {
        self.picks[(minute / DAY).min(self.picks.len() - 1)]
    }
}

impl Rule for Tuned {
    fn floor(&self, minute: usize) -> u32 {
        servers(self.quantiles.at(minute / BIN, self.pick(minute).level), self.throughput)
    }

    fn want(&mut self, seen: &Seen) -> u32 {
        let buffer = self.pick(seen.minute).buffer.unwrap_or(0.0);
        let measured = self.held.most(servers(buffer * seen.demand, seen.throughput));
        self.floor(seen.minute).max(measured)
    }
}

/// Servers for a demand, rounded up where the production code rounds; none for a demand that is unknown.
fn servers(demand: f64, throughput: f64) -> u32 {
    match (Demand::new(demand), Throughput::new(throughput)) {
        (Some(demand), Some(throughput)) => (demand / throughput).0,
        _ => 0,
    }
}

/// Every choice of the menu at work on the same past, each with a fleet of its own.
struct Replay {
    menu: Vec<Choice>,
    fleets: Vec<Option<Fleet>>,
    held: Vec<Window<u32>>,
    start_min: usize,
    days: VecDeque<Day>,
}

/// What a day asked for, and what each choice made of it.
struct Day {
    demand: f64,
    short: Vec<f64>,
    billed: Vec<f64>,
}

impl Replay {
    fn new(menu: Vec<Choice>, setup: &Setup) -> Self {
        let fleets = vec![None; menu.len()];
        let held = vec![Window::of(HOLD_MIN); menu.len()];
        Self { menu, fleets, held, start_min: setup.start_min, days: VecDeque::new() }
    }

    /// Lets every choice live through the day from minute `begin` on, as far as it lies after `from`.
    fn day(&mut self, trace: &Trace, quantiles: &Quantiles, setup: &Setup, begin: usize, from: usize) {
        let demand = trace.demand();
        let minutes = begin.max(from)..(begin + DAY).min(demand.len());
        if minutes.is_empty() {
            return;
        }
        let none = vec![0.0; self.menu.len()];
        let mut day = Day { demand: demand[minutes.clone()].iter().sum(), short: none.clone(), billed: none };
        for choice in 0..self.menu.len() {
            for minute in minutes.clone() {
                let (ready, total) = self.minute(choice, minute, demand, quantiles, setup);
                day.short[choice] += (demand[minute] - f64::from(ready) * setup.throughput).max(0.0);
                day.billed[choice] += f64::from(total);
            }
        }
        if self.days.len() == DAYS {
            self.days.pop_front();
        }
        self.days.push_back(day);
    }

    fn minute(
        &mut self,
        choice: usize,
        minute: usize,
        demand: &[f64],
        quantiles: &Quantiles,
        setup: &Setup,
    ) -> (u32, u32) {
        let Choice { level, buffer } = self.menu[choice];
        let seen = demand[minute.saturating_sub(1)];
        let measured = self.held[choice].most(servers(buffer.unwrap_or(0.0) * seen, setup.throughput));
        let want =
            servers(quantiles.at(minute / BIN, level), setup.throughput).max(measured).clamp(1, setup.max);
        let fleet = self.fleets[choice].get_or_insert_with(|| Fleet::new(want, self.start_min));
        fleet.tick();
        fleet.scale_to(want, self.start_min);
        (fleet.ready(), fleet.total())
    }

    /// The cheapest choice that kept the target, newer days counting more; if none did, the one that missed it least.
    fn pick(&self) -> Option<Choice> {
        let weight = |age: usize| 0.5f64.powf(age as f64 / HALF_LIFE_DAYS);
        let sum = |of: &dyn Fn(&Day) -> f64| -> f64 {
            self.days.iter().rev().enumerate().map(|(age, day)| weight(age) * of(day)).sum()
        };
        let allowed = TARGET * sum(&|day| day.demand);
        let judged = (0..self.menu.len()).map(|c| (sum(&|day| day.short[c]), sum(&|day| day.billed[c]), c));
        let key = |(short, billed, _): &(f64, f64, usize)| {
            if *short <= allowed { (0.0, *billed) } else { (1.0, *short) }
        };
        let best =
            judged.min_by(|a, b| key(a).partial_cmp(&key(b)).expect("sums of finite numbers are finite"));
        best.filter(|_| !self.days.is_empty()).map(|(_, _, c)| self.menu[c])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, simulate};

    /// Weeks of a daily wave with a rush at ten in the morning that gives no warning.
    fn rush(days: usize) -> Trace {
        let demand = |minute: usize| {
            let of_day = minute % DAY;
            let wave = 100.0 + 60.0 * (std::f64::consts::TAU * of_day as f64 / DAY as f64).sin();
            if (600..660).contains(&of_day) { 3.0 * wave } else { wave }
        };
        Trace::new("rush", jiff::Timestamp::UNIX_EPOCH, (0..days * DAY).map(demand).collect())
    }

    #[test] // S12, A18
    fn is_ready_before_a_rush_that_gives_no_warning_and_small_again_after_it() {
        let trace = rush(21);
        let setup = Setup::usual(&trace, 10);
        let run = simulate(&trace, Policy::Tidecast, &setup);
        let minute = 1_440 * 8 + 599;
        let need = 3.0 * trace.demand()[599] / setup.throughput;
        assert!(
            f64::from(run.timeline.ready[minute]) >= need.floor(),
            "{} at 09:59",
            run.timeline.ready[minute]
        );
        assert!(
            f64::from(run.timeline.ready[minute + 90]) < 0.6 * need,
            "{} at 11:29",
            run.timeline.ready[minute + 90]
        );
        assert!(run.scorecard.violated_requests < 0.002, "{}", run.scorecard.violated_requests);
        let reactive = simulate(&trace, Policy::Hpa, &setup);
        assert!(reactive.scorecard.violated_requests > 10.0 * run.scorecard.violated_requests.max(1e-4));
    }

    #[test] // B10
    fn gives_the_same_bytes_twice() {
        let trace = rush(12);
        let setup = Setup::usual(&trace, 5);
        let run = |policy| format!("{:?}", simulate(&trace, policy, &setup));
        assert_eq!(run(Policy::Tidecast), run(Policy::Tidecast));
        assert_ne!(run(Policy::Tidecast), run(Policy::PredictiveOnly));
    }
}
