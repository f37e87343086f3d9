//! What is known at the start of a minute, and the demand that each choice provides for.

use tidecast_forecast::{FLAVOURS, Fan, Nowcast};
use tidecast_pilot::{Demand, Throughput};

use crate::menu::{Choice, Source, UNDER_NOWCAST};
use crate::window::Window;
use crate::{BIN, DAY};

/// What is known at the start of a minute, and what each of some [`Choice`]s makes of it.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    throughput: Throughput,
    choices: Vec<Choice>,
    /// The fans of the bins that an order now must cover.
    ahead: Vec<Fan>,
    nowcast: Nowcast,
    now: Option<[Fan; FLAVOURS.len()]>,
    measured: f64,
    /// What each choice keeps: measured demand or its nowcast.
    held: Vec<Window<f64>>,
    /// The demand that each choice provides for.
    demands: Vec<f64>,
}

impl Signals {
    /// Nothing is known yet of demand that is served at `throughput` by servers that start within `start_min`.
    pub(crate) fn new(throughput: f64, start_min: usize, choices: Vec<Choice>) -> Self {
        Self {
            throughput: Throughput::new(throughput).expect("a setup's throughput is positive"),
            ahead: Vec::new(),
            nowcast: Nowcast::new(BIN, start_min, DAY),
            now: None,
            measured: 0.0,
            held: choices.iter().map(|choice| Window::of(choice.hold_min)).collect(),
            demands: vec![0.0; choices.len()],
            choices,
        }
    }

    /// The forecast made at the end of the last bin, for the present one and those that begin within a start-up.
    pub(crate) fn look_out(&mut self, ahead: &[Fan]) {
        self.ahead.clear();
        self.ahead.extend_from_slice(ahead);
        self.nowcast.look_out(ahead);
    }

    /// The demand of the minute before. While it only learns, no choice provides for anything.
    pub(crate) fn measure(&mut self, demand: f64, learns_only: bool) {
        self.measured = demand;
        self.now = self.nowcast.step(demand);
        if learns_only {
            return;
        }
        for i in 0..self.choices.len() {
            self.demands[i] = self.provide(i);
        }
    }

    /// The demand that choice `i` provides for now.
    fn provide(&mut self, i: usize) -> f64 {
        let Choice { source, level, reactive, .. } = self.choices[i];
        let ahead = |level: f64| self.ahead.iter().map(|fan| fan.at(level)).fold(0.0, f64::max);
        let (outlook, now) = match (source, &self.now) {
            (Source::Nowcast(flavour), Some(fans)) => (ahead(UNDER_NOWCAST), fans[flavour].at(level)),
            _ => (ahead(level), reactive * self.measured),
        };
        self.held[i].most(now).max(outlook)
    }

    /// The choices, in the order in which sizes are asked for.
    pub(crate) fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// The servers that choice `i` wants; at least one.
    pub(crate) fn size(&self, i: usize) -> u32 {
        (Demand::new(self.demands[i]).unwrap_or(Demand::ZERO) / self.throughput).get().max(1)
    }
}
