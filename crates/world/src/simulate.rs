use tidecast_pilot::{Bounds, Buffer, Ground, Menu, Sizer, Throughput, Tuning, Way};

use crate::foresight::Foresight;
use crate::oracle::oracle;
use crate::policy::{Hpa, Rule, Seen, TargetTracking, rivals};
use crate::{BIN, DAY, Fleet, Policy, Scorecard, Timeline, Trace};

/// The cloud that a trace is played upon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setup {
    /// Demand that one server serves in a minute.
    pub throughput: f64,
    /// Minutes from a launch until it serves.
    pub start_min: usize,
    /// The first minute that is scored. What comes before is for learning; the fleet runs from a day before.
    pub score_from: usize,
    /// The most servers that may be billed.
    pub max: u32,
    /// The largest share of demand that may find no capacity: what policies that tune themselves must keep.
    pub promise: f64,
    /// The server-minutes that a scale-up counts for policies that tune themselves; in proportion to the fleet if nobody says.
    pub up_cost: Option<f64>,
}

impl Setup {
    /// The usual cloud for a trace: 50 servers at its peak, scored from its usual minute on, up to 5,000 servers, one
    /// request in a thousand beyond capacity.
    pub fn usual(trace: &Trace, start_min: usize) -> Self {
        let score_from = trace.usual_score_from();
        Self {
            throughput: trace.usual_throughput(score_from),
            start_min,
            score_from,
            max: 5_000,
            promise: 0.001,
            up_cost: None,
        }
    }

    /// What a fleet is like on it.
    fn ground(&self) -> Ground {
        let throughput = Throughput::new(self.throughput).expect("a setup's throughput is positive");
        let sizer = Some(Sizer::new(throughput, Buffer::default()));
        let bounds = Bounds::new(1, self.max.max(1)).expect("one is no more than the most");
        Ground { start_min: self.start_min, sizer, bounds, up_cost: self.up_cost }
    }
}

/// What a policy made of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The policy followed.
    pub policy: Policy,
    /// The scored minutes.
    pub timeline: Timeline,
    /// Their figures.
    pub scorecard: Scorecard,
    /// For policies that tune themselves: what was in force on each scored day.
    pub choices: Vec<Way>,
}

/// Plays `trace` upon a cloud under `policy`.
///
/// ```
/// use tidecast_world::{Policy, Setup, Trace, simulate};
/// let demand = (0..4 * 1_440).map(|minute| 100.0 + 90.0 * (minute as f64 / 229.2).sin()).collect();
/// let trace = Trace::new("wave", jiff::Timestamp::UNIX_EPOCH, demand);
/// let setup = Setup::usual(&trace, 5);
/// let run = simulate(&trace, Policy::Hpa, &setup);
/// assert!(run.scorecard.cost > simulate(&trace, Policy::Oracle, &setup).scorecard.cost);
/// ```
pub fn simulate(trace: &Trace, policy: Policy, setup: &Setup) -> Run {
    Stage::new(trace).play(policy, setup)
}

/// A trace and what could be foretold of it, for playing several policies or clouds upon it: forecasts are made once.
#[derive(Debug)]
pub struct Stage<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) foresight: Foresight,
}

impl<'a> Stage<'a> {
    /// Nothing is forecast before a policy asks for it.
    pub fn new(trace: &'a Trace) -> Self {
        Self { trace, foresight: Foresight::of(trace) }
    }

    /// As [`simulate`].
    pub fn play(&self, policy: Policy, setup: &Setup) -> Run {
        let (trace, foresight) = (self.trace, &self.foresight);
        let timeline = match policy {
            Policy::Tidecast => return self.tuned(policy, setup, Menu::Whole),
            Policy::TidecastPredictiveOnly => return self.tuned(policy, setup, Menu::Forecasts),
            Policy::StaticPeak => scored(trace, setup, rivals::static_peak(trace, setup)),
            Policy::Hpa => scored(trace, setup, Hpa::at(0.7)),
            Policy::TargetTracking => scored(trace, setup, TargetTracking::at(0.7)),
            Policy::AwsPredictive => scored(trace, setup, rivals::aws_predictive(foresight, setup)),
            Policy::Dyte => scored(trace, setup, rivals::dyte(foresight, setup)),
            Policy::Scryer => scored(trace, setup, rivals::scryer(foresight, setup)),
            Policy::Perfect => scored(trace, setup, rivals::perfect(trace, setup)),
            Policy::Oracle => oracle(trace, setup.score_from, setup.throughput, setup.start_min),
        };
        Run { policy, scorecard: Scorecard::of(&timeline), timeline, choices: Vec::new() }
    }

    /// What [`Policy::Tidecast`] makes of the trace for each of `promises`, in place of the setup's: the price of a
    /// stricter one.
    pub fn frontier(&self, promises: &[f64], setup: &Setup) -> Vec<Run> {
        let watched = self.watch(setup, Menu::Whole, promises);
        watched.into_iter().map(|watched| self.run(Policy::Tidecast, setup, watched)).collect()
    }

    fn tuned(&self, policy: Policy, setup: &Setup, menu: Menu) -> Run {
        let watched = self.watch(setup, menu, &[setup.promise]).swap_remove(0);
        self.run(policy, setup, watched)
    }

    fn run(&self, policy: Policy, setup: &Setup, watched: Watched) -> Run {
        let Watched { sizes, choices } = watched;
        let timeline = scored(self.trace, setup, Sizes(sizes));
        Run { policy, scorecard: Scorecard::of(&timeline), timeline, choices }
    }

    /// What the tuning of the service wants in each minute, when it watches the whole trace, for each promise.
    fn watch(&self, setup: &Setup, menu: Menu, promises: &[f64]) -> Vec<Watched> {
        let ground = setup.ground();
        let from = setup.score_from.saturating_sub(28 * DAY);
        let mut tuning = Tuning::for_promises(self.trace.start, menu, &ground, promises, from);
        let outlook = self.foresight.outlook(tuning.bins());
        let mut watched = vec![Watched::default(); promises.len()];
        for minute in 0..self.trace.minutes() {
            if minute > 0 {
                if minute.is_multiple_of(BIN)
                    && let Some(fans) = outlook.at(minute / BIN)
                {
                    tuning.look_out(fans);
                }
                tuning.minute(self.trace.demand()[minute - 1]);
            }
            let day_begins = minute >= setup.score_from && (minute - setup.score_from).is_multiple_of(DAY);
            for ((watched, size), way) in watched.iter_mut().zip(tuning.sizes()).zip(tuning.ways()) {
                watched.sizes.push(size.get());
                watched.choices.extend(day_begins.then_some(*way));
            }
        }
        watched
    }
}

/// The sizes that a promise asked for, minute by minute, and the choice of each scored day.
#[derive(Debug, Clone, Default)]
struct Watched {
    sizes: Vec<u32>,
    choices: Vec<Way>,
}

/// A size for each minute of the trace.
struct Sizes(Vec<u32>);

impl Rule for Sizes {
    fn floor(&self, minute: usize) -> u32 {
        self.0[minute]
    }

    fn want(&mut self, seen: &Seen) -> u32 {
        self.0[seen.minute]
    }
}

fn scored(trace: &Trace, setup: &Setup, mut rule: impl Rule) -> Timeline {
    let settle = setup.score_from.saturating_sub(DAY);
    follow(trace, setup, settle, &mut rule).since(setup.score_from - settle)
}

/// Lets `rule` size a fleet from minute `from` to the end of the trace.
pub(crate) fn follow(trace: &Trace, setup: &Setup, from: usize, rule: &mut dyn Rule) -> Timeline {
    let demand = &trace.demand()[from..];
    let first = (demand[0] / setup.throughput).ceil() as u32;
    let mut fleet = Fleet::new(first.max(rule.floor(from)).max(1), setup.start_min);
    let (mut ready, mut total) = (Vec::with_capacity(demand.len()), Vec::with_capacity(demand.len()));
    for minute in 0..demand.len() {
        fleet.tick();
        let seen = Seen {
            minute: from + minute,
            demand: demand[minute.saturating_sub(1)],
            ready: fleet.ready(),
            total: fleet.total(),
            throughput: setup.throughput,
        };
        fleet.scale_to(rule.want(&seen).clamp(1, setup.max), setup.start_min);
        ready.push(fleet.ready());
        total.push(fleet.total());
    }
    let (start, start_min, throughput) = (trace.at(from), setup.start_min, setup.throughput);
    Timeline { start, start_min, throughput, demand: demand.to_vec(), ready, total }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chance, Purpose};

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
    fn tidecast_is_ready_before_a_rush_that_gives_no_warning_and_small_again_after_it() {
        let trace = rush(21);
        let setup = Setup::usual(&trace, 10);
        let run = simulate(&trace, Policy::Tidecast, &setup);
        let need = 3.0 * trace.demand()[599] / setup.throughput;
        let ready = |minute: usize| f64::from(run.timeline.ready[DAY * 8 + minute]);
        assert!(ready(600) >= need.floor(), "{} of {need} at 10:00", ready(600));
        assert!(ready(690) < 0.6 * need, "{} of {need} at 11:30", ready(690));
        let unserved = run.scorecard.violated_requests;
        assert!(unserved < 0.002, "{unserved}");
        let reactive = simulate(&trace, Policy::Hpa, &setup).scorecard.violated_requests;
        assert!(reactive > 10.0 * unserved.max(1e-4), "{reactive} beside {unserved}");
    }

    #[test]
    fn a_stricter_promise_leaves_less_unserved_and_costs_more() {
        let mut chance = Chance::of(7, Purpose::Noise);
        let demand = rush(21).demand().iter().map(|v| v * (0.25 * chance.normal()).exp()).collect();
        let trace = Trace::new("noisy rush", jiff::Timestamp::UNIX_EPOCH, demand);
        let setup = Setup::usual(&trace, 10);
        let runs = Stage::new(&trace).frontier(&[0.05, 0.01, 0.001], &setup);
        let figures: Vec<_> =
            runs.iter().map(|run| (run.scorecard.violated_requests, run.scorecard.cost)).collect();
        for pair in figures.windows(2) {
            assert!(pair[0].0 > pair[1].0 && pair[0].1 < pair[1].1, "{figures:?}");
        }
        assert_eq!(runs[2], simulate(&trace, Policy::Tidecast, &setup), "the promise of the setup alone");
    }
}
