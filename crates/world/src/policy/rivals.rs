//! The rivals that plan: what each puts under its rule.

use super::planned::{Nothing, Planned, Reactive, most_ahead, sized};
use super::target_tracking::TargetTracking;
use crate::foresight::Foresight;
use crate::{DAY, Setup, Trace};

/// One size: what the busiest minute of the 28 days before scoring needs.
pub(crate) fn static_peak(trace: &Trace, setup: &Setup) -> Planned<Nothing> {
    let from = setup.score_from;
    let known = &trace.demand()[from.saturating_sub(28 * DAY)..from.max(1)];
    let most = known.iter().copied().fold(0.0, f64::max);
    let floors = vec![sized(most, setup.throughput); trace.peaks().len()];
    Planned { floors, above: Nothing }
}

/// Five minutes of foresight: the true most demand of each bin.
pub(crate) fn perfect(trace: &Trace, setup: &Setup) -> Planned<Nothing> {
    let ahead = most_ahead(&trace.peaks(), setup.start_min);
    Planned { floors: servers(&ahead, 1.0, setup), above: Nothing }
}

/// Dyte's load predictor and its buffer of 30 %, above a reactive part with the same buffer.
pub(crate) fn dyte(foresight: &Foresight, setup: &Setup) -> Planned<Reactive> {
    let floors = servers(foresight.recent_days(), 1.3, setup);
    Planned { floors, above: Reactive::of(1.3, 10) }
}

/// Scryer's plan of the day before with a padding of 10 %, above a reactive part.
pub(crate) fn scryer(foresight: &Foresight, setup: &Setup) -> Planned<Reactive> {
    let plan = most_ahead(foresight.day_ahead(), setup.start_min);
    Planned { floors: servers(&plan, 1.1, setup), above: Reactive::of(1.0, 10) }
}

/// Predictive scaling as AWS does it: one capacity for each clock hour at 70 % utilisation, which only ever adds to
/// target tracking.
pub(crate) fn aws_predictive(foresight: &Foresight, setup: &Setup) -> Planned<TargetTracking> {
    let plan = most_ahead(foresight.day_ahead(), setup.start_min);
    let hourly = plan.chunks(HOUR_BINS).flat_map(|hour| {
        let most = hour.iter().copied().fold(0.0, f64::max);
        std::iter::repeat_n(sized(most / 0.7, setup.throughput), hour.len())
    });
    Planned { floors: hourly.collect(), above: TargetTracking::at(0.7) }
}

const HOUR_BINS: usize = 60 / crate::BIN;

fn servers(demand: &[f64], padding: f64, setup: &Setup) -> Vec<u32> {
    demand.iter().map(|d| sized(d * padding, setup.throughput)).collect()
}
