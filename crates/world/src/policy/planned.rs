use super::{Rule, Seen};
use crate::{BIN, Trace};

/// Servers planned for each bin, and nothing else.
#[derive(Debug)]
pub(crate) struct Planned {
    floors: Vec<u32>,
}

impl Planned {
    /// The plan alone.
    pub(crate) fn alone(floors: Vec<u32>) -> Self {
        Self { floors }
    }
}

impl Rule for Planned {
    fn floor(&self, minute: usize) -> u32 {
        self.floors[minute / BIN]
    }

    fn want(&mut self, seen: &Seen) -> u32 {
        self.floor(seen.minute)
    }
}

/// Looks from each bin over the bins that begin within a start-up, since what is launched now serves after them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead {
    bins: usize,
}

impl Ahead {
    /// For launches that take `start_min` minutes.
    pub(crate) fn of(start_min: usize) -> Self {
        Self { bins: start_min / BIN + 1 }
    }

    /// The most of each bin and those after it within reach.
    pub(crate) fn most(self, bins: &[f64]) -> Vec<f64> {
        (0..bins.len())
            .map(|k| {
                bins[k..(k + self.bins).min(bins.len())].iter().copied().fold(f64::NEG_INFINITY, f64::max)
            })
            .collect()
    }
}

/// Servers for each of these demands, rounded up.
pub(crate) fn sized(demand: &[f64], throughput: f64) -> Vec<u32> {
    demand.iter().map(|d| (d / throughput).ceil().max(0.0) as u32).collect()
}

/// Five minutes of foresight: the true most demand of each bin.
pub(crate) fn perfect(trace: &Trace, throughput: f64, start_min: usize) -> Planned {
    Planned::alone(sized(&Ahead::of(start_min).most(&trace.peaks()), throughput))
}

/// One size: what the busiest minute of the 28 days before `from` needs.
pub(crate) fn static_peak(trace: &Trace, from: usize, throughput: f64) -> Planned {
    let known = &trace.demand()[from.saturating_sub(28 * crate::DAY)..from.max(1)];
    let most = known.iter().copied().fold(0.0, f64::max);
    Planned::alone(vec![sized(&[most], throughput)[0]; trace.minutes().div_ceil(BIN)])
}
