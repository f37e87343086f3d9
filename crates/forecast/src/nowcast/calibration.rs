use std::f64::consts::LN_2;

use super::histogram::Histogram;
use super::{Flavour, Shape};
use crate::{Fan, LEVELS, Tape, Taped};

/// Days of errors after which one counts half.
const HALF_LIFE_DAYS: f64 = 20.0;
/// Deviations beyond this many mean ones are cut before a volatility learns from them.
const CUT: f64 = 8.0;
/// And before a bias does.
const CUT_BIAS: f64 = 4.0;
/// Parts of a day that have a volatility of their own: ten minutes each.
const TIMES: usize = 144;
const HOURS: usize = 24;
/// How far the time of day is believed.
const TIME_POWER: f64 = 0.7;

/// The half-life of the latest errors' volatility, as a share of a day: four hours.
const LOCAL: f64 = 1.0 / 6.0;

/// When errors of one flavour are large or small, and how they are spread beside that.
#[derive(Debug, Clone)]
pub(super) struct Calibration {
    flavour: Flavour,
    shape: Shape,
    /// Mean error and mean deviation, for each step of an hour.
    hour_bias: Vec<f64>,
    hour: Vec<f64>,
    time: [f64; TIMES],
    /// Mean deviation, and what it is when the phase of the hour is allowed for.
    usual: [f64; 2],
    /// What it is when everything is allowed for: in the long run, and lately.
    size: f64,
    lately: f64,
    count: usize,
    spread: Histogram,
    quantiles: [f64; LEVELS.len()],
}

/// What was known of an error when its nowcast was issued.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Issue {
    bias: f64,
    /// How large errors are then, as far as the phase of the hour tells, the time of day too, and the last hours too.
    scales: [f64; 3],
    size: f64,
}

impl Calibration {
    pub(super) fn new(flavour: Flavour, shape: Shape) -> Self {
        let hour = (shape.day / HOURS).max(1);
        Self {
            flavour,
            shape,
            hour_bias: vec![0.0; hour],
            hour: vec![f64::NAN; hour],
            time: [f64::NAN; TIMES],
            usual: [0.0; 2],
            size: 0.0,
            lately: 0.0,
            count: 0,
            spread: Histogram::new(HALF_LIFE_DAYS * shape.day as f64),
            quantiles: [0.0; LEVELS.len()],
        }
    }

    /// What is known of the error of the window that begins at `at`.
    pub(super) fn issue(&mut self, at: usize) -> Issue {
        let hour = at % self.hour.len();
        if hour == 0 || self.count < self.hour.len() {
            self.quantiles = self.spread.quantiles();
        }
        let by_hour = self.known(1, self.flavour.by_hour, ratio(self.hour[hour], self.usual[0], 0.2, 5.0));
        let time = ratio(self.time[self.time_of_day(at)], self.usual[1], 0.3, 3.0).powf(TIME_POWER);
        let by_day = by_hour * self.known(3, self.flavour.by_day, time);
        let lately = ratio(self.lately, self.size, 0.5, 3.0).powf(self.flavour.local);
        let local = by_day * self.known(1, self.flavour.local, lately);
        Issue { bias: self.hour_bias[hour], scales: [by_hour, by_day, local], size: self.size }
    }

    /// A factor, once some days are known and if this flavour heeds it.
    fn known(&self, days: usize, heeded: f64, factor: f64) -> f64 {
        if heeded > 0.0 && self.count > days * self.shape.day { factor } else { 1.0 }
    }

    /// None where numbers have run away, as after values beyond all measure.
    pub(super) fn fan(&self, base: f64, scale: f64, point: f64, issue: Issue) -> Option<Fan> {
        let centre = base + scale * (point + issue.bias);
        let width = scale * issue.scales[2] * issue.size;
        let quantiles = self.quantiles.map(|q| centre + width * q);
        let sound = centre.is_finite() && quantiles.iter().all(|q| q.is_finite());
        sound.then(|| Fan::new(centre, quantiles))
    }

    /// Learns from an error, in scales.
    pub(super) fn learn(&mut self, at: usize, error: f64, issue: Issue) {
        self.count += 1;
        let share = (1.0 / self.count as f64).max(1.0 / (10 * self.shape.day) as f64);
        let off = error - issue.bias;
        let most = if self.count > 2 * self.shape.day { self.usual[0].max(1e-9) } else { f64::INFINITY };
        let cut = off.abs().min(CUT * most);
        self.learn_hour(at % self.hour.len(), error.clamp(-CUT_BIAS * most, CUT_BIAS * most), cut);
        self.usual[0] += share * (cut - self.usual[0]);
        let rest = cut / issue.scales[0];
        self.usual[1] += share * (rest - self.usual[1]);
        let time = self.time_of_day(at);
        follow(&mut self.time[time], rest, self.flavour.by_day);
        let deviation = off.abs() / issue.scales[1];
        self.lately +=
            LN_2 / (LOCAL * self.shape.day as f64) * (deviation.min(CUT * self.size) - self.lately);
        self.size += share * (deviation - self.size);
        if issue.size > 0.0 {
            self.spread.push(off / issue.scales[2] / issue.size);
        }
    }

    fn learn_hour(&mut self, hour: usize, error: f64, deviation: f64) {
        if self.flavour.by_hour > 0.0 {
            self.hour_bias[hour] += self.flavour.by_hour * (error - self.hour_bias[hour]);
            follow(&mut self.hour[hour], deviation, self.flavour.by_hour);
        }
    }

    fn time_of_day(&self, at: usize) -> usize {
        at % self.shape.day * TIMES / self.shape.day
    }
}

impl Taped for Calibration {
    fn tape(&mut self, tape: &mut Tape) {
        tape.numbers(&mut self.hour_bias);
        tape.numbers(&mut self.hour);
        tape.numbers(&mut self.time);
        tape.numbers(&mut self.usual);
        tape.number(&mut self.size);
        tape.number(&mut self.lately);
        tape.count(&mut self.count);
        self.spread.tape(tape);
        tape.numbers(&mut self.quantiles);
    }
}

impl Taped for Issue {
    fn tape(&mut self, tape: &mut Tape) {
        tape.number(&mut self.bias);
        tape.numbers(&mut self.scales);
        tape.number(&mut self.size);
    }
}

fn follow(mean: &mut f64, value: f64, rate: f64) {
    *mean = if mean.is_finite() { *mean + rate * (value - *mean) } else { value };
}

/// How a volatility compares with the usual one; 1 where either is unknown.
fn ratio(value: f64, usual: f64, least: f64, most: f64) -> f64 {
    let ratio = value / usual;
    if ratio.is_finite() { ratio.clamp(least, most) } else { 1.0 }
}
