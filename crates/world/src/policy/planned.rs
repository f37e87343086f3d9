use super::{Rule, Seen};
use crate::BIN;
use crate::window::Window;

/// Servers planned for each bin, under a rule that may want more.
#[derive(Debug)]
pub(crate) struct Planned<R> {
    /// For each bin of the trace.
    pub(crate) floors: Vec<u32>,
    /// What is wanted above the plan.
    pub(crate) above: R,
}

impl<R: Rule> Rule for Planned<R> {
    fn floor(&self, minute: usize) -> u32 {
        self.floors[minute / BIN]
    }

    fn want(&mut self, seen: &Seen) -> u32 {
        self.floor(seen.minute).max(self.above.want(seen))
    }
}

/// Wants nothing above a plan.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Rule for Nothing {
    fn want(&mut self, _: &Seen) -> u32 {
        0
    }
}

/// What the measured demand needs with a buffer, the most of the newest minute and some before.
#[derive(Debug)]
pub(crate) struct Reactive {
    buffer: f64,
    recent: Window<u32>,
}

impl Reactive {
    /// `buffer` × measured demand, held for `hold_min` minutes.
    pub(crate) fn of(buffer: f64, hold_min: usize) -> Self {
        Self { buffer, recent: Window::of(hold_min) }
    }
}

impl Rule for Reactive {
    fn want(&mut self, seen: &Seen) -> u32 {
        self.recent.most(sized(seen.demand * self.buffer, seen.throughput))
    }
}

/// Servers for this demand, rounded up.
pub(crate) fn sized(demand: f64, throughput: f64) -> u32 {
    (demand / throughput).ceil().max(0.0) as u32
}

/// The most of each bin and of those after it that begin within a start-up: what is launched now serves only then.
pub(crate) fn most_ahead(bins: &[f64], start_min: usize) -> Vec<f64> {
    let reach = start_min / BIN + 1;
    let most = |k: usize| bins[k..(k + reach).min(bins.len())].iter().copied().fold(0.0, f64::max);
    (0..bins.len()).map(most).collect()
}
