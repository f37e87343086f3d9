use crate::foresight::Foresight;
use crate::oracle::oracle;
use crate::policy::tuned::Tuned;
use crate::policy::{Hpa, Rule, Seen, TargetTracking, rivals};
use crate::{DAY, Fleet, Policy, Scorecard, Timeline, Trace};

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
}

impl Setup {
    /// The usual cloud for a trace: 50 servers at its peak, scored from its usual minute on, up to 5,000 servers.
    pub fn usual(trace: &Trace, start_min: usize) -> Self {
        let score_from = trace.usual_score_from();
        Self { throughput: trace.usual_throughput(score_from), start_min, score_from, max: 5_000 }
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
    trace: &'a Trace,
    foresight: Foresight,
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
            Policy::Tidecast => scored(trace, setup, Tuned::of(trace, foresight, setup, true)),
            Policy::PredictiveOnly => scored(trace, setup, Tuned::of(trace, foresight, setup, false)),
            Policy::StaticPeak => scored(trace, setup, rivals::static_peak(trace, setup)),
            Policy::Hpa => scored(trace, setup, Hpa::at(0.7)),
            Policy::TargetTracking => scored(trace, setup, TargetTracking::at(0.7)),
            Policy::AwsPredictive => scored(trace, setup, rivals::aws_predictive(foresight, setup)),
            Policy::Dyte => scored(trace, setup, rivals::dyte(foresight, setup)),
            Policy::Scryer => scored(trace, setup, rivals::scryer(foresight, setup)),
            Policy::Perfect => scored(trace, setup, rivals::perfect(trace, setup)),
            Policy::Oracle => oracle(trace, setup.score_from, setup.throughput, setup.start_min),
        };
        Run { policy, scorecard: Scorecard::of(&timeline), timeline }
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
