//! What forecasts at one lead have been worth, and what their errors say of the next one.

use std::collections::VecDeque;

use crate::calibrated::K;
use crate::method::{maybe, row};
use crate::past::Past;
use crate::ranked::Ranked;
use crate::{Fan, LEVELS, Tape, Taped};

/// What all leads of a history have in common.
#[derive(Debug, Clone)]
pub(crate) struct LaneShape {
    step_s: i64,
    day: usize,
    week: usize,
    /// Keeps the scale off zero: 2 % of the mean.
    least: f64,
}

impl LaneShape {
    pub(crate) fn of(past: &Past) -> Self {
        Self {
            step_s: past.grid().step_s,
            day: past.day,
            week: past.week,
            least: 0.02 * past.mean.max(1e-300),
        }
    }
}

/// Days of normalised residuals that the quantiles are taken from.
const WINDOW_DAYS: usize = 28;
/// Where the median stands among the levels.
const MEDIAN: usize = 4;
/// Step of the adaptive level, up to an hour ahead.
const ADAPTION: f64 = 0.003;

/// One lead: the forecasts under way, the volatilities known, the residuals of the last four weeks.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    lead: usize,
    shape: LaneShape,
    /// Forecasts whose targets have not come yet, the oldest first.
    open: VecDeque<Issued>,
    newest: Option<Issued>,
    slow: [Mean; 3],
    quick: Mean,
    hourly: Mean,
    by_week: Slots,
    by_hour: Option<Slots>,
    residuals: Residuals,
    levels: [f64; K],
    adaptive: bool,
}

/// A forecast as it was made, with the scale of its error as known then.
#[derive(Debug, Clone, Copy, Default)]
struct Issued {
    point: f64,
    /// After the level, the time of week, the phase of the hour, the last hours.
    scales: [f64; 4],
    /// Quantiles as issued, only where the level adapts.
    quantiles: Option<[f64; K]>,
}

impl Lane {
    pub(crate) fn new(lead: usize, shape: &LaneShape) -> Self {
        let day = shape.day as f64;
        let phase = 3600 % shape.step_s == 0 && shape.step_s <= 900;
        let local = if lead < shape.day / 4 { day / 6.0 } else { day };
        let adaptive = lead as i64 * shape.step_s <= 3600;
        Self {
            lead,
            shape: shape.clone(),
            open: VecDeque::with_capacity(lead + 1),
            newest: None,
            slow: [Mean::new(21.0 * day); 3],
            quick: Mean::new(local.max(6.0)),
            hourly: Mean::new(7.0 * day),
            by_week: Slots::new(shape.week, 0.3, (900 / shape.step_s).max(1) as usize),
            by_hour: phase.then(|| Slots::new((3600 / shape.step_s) as usize, 0.03, 0)),
            residuals: Residuals::new(shape),
            levels: LEVELS,
            adaptive,
        }
    }

    pub(crate) fn lead(&self) -> usize {
        self.lead
    }

    pub(crate) fn has_residuals(&self) -> bool {
        !self.residuals.ranked.is_empty()
    }

    /// Makes quantiles at its levels quick to have, as after steps that did not ask for any.
    pub(crate) fn ready(&mut self) {
        self.residuals.ranked.settle(&self.levels);
    }

    /// Settles the forecast made a lead ago with the newest value, then takes in the one made now.
    pub(crate) fn step(&mut self, past: &Past, point: f64) {
        let now = past.now();
        let due = if self.open.len() == self.lead { self.open.pop_front() } else { None };
        let truth = past.measured()[now];
        let normalised = due.filter(|_| truth.is_finite()).map(|due| self.settle(&due, now, truth));
        if normalised.is_none() {
            self.miss(now);
        }
        self.residuals.push(normalised.unwrap_or(f64::NAN));
        if self.adaptive {
            self.ready();
        }
        let issued = self.issue(now, point);
        self.open.push_back(issued);
        self.newest = Some(issued);
    }

    /// Learns from a forecast whose target has come; returns its normalised residual.
    fn settle(&mut self, due: &Issued, now: usize, truth: f64) -> f64 {
        if let Some(quantiles) = &due.quantiles {
            self.adapt(quantiles, truth);
        }
        let off = truth - due.point;
        let unit = |scale: f64| off.abs() / scale;
        self.slow[0].push(unit(due.scales[0]));
        let usual = self.slow[0].value();
        self.by_week.push(now, unit(due.scales[0]).min(6.0 * usual));
        self.slow[1].push(unit(due.scales[1]));
        self.hourly.push(unit(due.scales[1]));
        if let Some(by_hour) = &mut self.by_hour {
            by_hour.push(now, unit(due.scales[1]).min(8.0 * self.slow[1].value()));
        }
        self.slow[2].push(unit(due.scales[2]));
        self.quick.push(unit(due.scales[2]));
        off / due.scales[3]
    }

    fn miss(&mut self, now: usize) {
        self.by_week.push(now, f64::NAN);
        if let Some(by_hour) = &mut self.by_hour {
            by_hour.push(now, f64::NAN);
        }
    }

    fn adapt(&mut self, quantiles: &[f64; K], truth: f64) {
        for ((level, target), q) in self.levels.iter_mut().zip(LEVELS).zip(quantiles) {
            let missed = if truth > *q { 1.0 } else { 0.0 };
            let care = target.min(1.0 - target) / 0.1;
            *level = (*level + ADAPTION * (missed - (1.0 - target)) * care).clamp(0.0005, 0.9999);
        }
    }

    /// The scale of the error of `point`, made now.
    fn issue(&self, now: usize, point: f64) -> Issued {
        let weeks = now as f64 / self.shape.week as f64;
        let target = now + self.lead;
        let mut scales = [(point + self.shape.least).sqrt(); 4];
        let trust = 0.7 * ((weeks - 1.0) / 5.0).clamp(0.1, 1.0);
        let known = self.lead + self.by_week.radius <= self.shape.week;
        let week = if known { self.by_week.visited(target) } else { f64::NAN };
        scales[1] = scales[0] * ratio(week, self.slow[0].value(), 0.05, 4.0).powf(trust);
        let hour = self.by_hour.as_ref().map_or(f64::NAN, |slots| slots.visited(target));
        scales[2] = scales[1] * ratio(hour, self.hourly.value(), 0.1, 8.0);
        scales[3] = scales[2] * ratio(self.quick.value(), self.slow[2].value(), 0.5, 3.0).powf(0.6);
        let mut issued = Issued { point, scales, quantiles: None };
        if self.adaptive && self.has_residuals() {
            issued.quantiles = Some(self.quantiles(&issued, &self.residuals));
        }
        issued
    }

    fn quantiles(&self, issued: &Issued, residuals: &Residuals) -> [f64; K] {
        let quantile = |residual: f64| (issued.point + residual * issued.scales[3]).max(0.0);
        residuals.ranked.quantiles(&self.levels).map(quantile)
    }

    /// The fan of the newest forecast; `instead` lends its residuals while this lane has none.
    pub(crate) fn fan(&self, instead: Option<&Lane>) -> Fan {
        let Some(issued) = &self.newest else { return Fan::certain(0.0) };
        let lane = if self.has_residuals() { Some(self) } else { instead };
        let quantiles = lane.map_or([issued.point; K], |lane| self.quantiles(issued, &lane.residuals));
        // Half-way to the calibrated median: the methods' own bias is worth correcting, but not all of it.
        Fan::new(0.5 * (issued.point + quantiles[MEDIAN]), quantiles)
    }
}

impl Taped for Lane {
    fn tape(&mut self, tape: &mut Tape) {
        tape.same(self.lead as f64);
        tape.list(&mut self.open, |issued, tape| issued.tape(tape));
        maybe(&mut self.newest, tape, |issued, tape| issued.tape(tape));
        for mean in self.slow.iter_mut().chain([&mut self.quick, &mut self.hourly]) {
            tape.number(&mut mean.sum);
            tape.number(&mut mean.count);
        }
        for slots in std::iter::once(&mut self.by_week).chain(&mut self.by_hour) {
            tape.numbers(&mut slots.means);
            tape.numbers(&mut slots.visits);
        }
        self.residuals.tape(tape);
        tape.numbers(&mut self.levels);
    }
}

impl Taped for Issued {
    fn tape(&mut self, tape: &mut Tape) {
        tape.number(&mut self.point);
        tape.numbers(&mut self.scales);
        maybe(&mut self.quantiles, tape, |quantiles, tape| tape.numbers(quantiles));
    }
}

/// How a volatility compares with the usual one; 1 where either is unknown.
fn ratio(value: f64, usual: f64, least: f64, most: f64) -> f64 {
    let ratio = value / usual;
    if ratio.is_nan() { 1.0 } else { ratio.clamp(least, most) }
}

/// An exponentially weighted mean.
#[derive(Debug, Clone, Copy)]
struct Mean {
    keep: f64,
    sum: f64,
    count: f64,
}

impl Mean {
    fn new(half_life: f64) -> Self {
        Self { keep: 0.5f64.powf(1.0 / half_life), sum: 0.0, count: 0.0 }
    }

    fn push(&mut self, value: f64) {
        if value.is_finite() {
            self.sum = self.keep * self.sum + value;
            self.count = self.keep * self.count + 1.0;
        }
    }

    fn value(&self) -> f64 {
        if self.count > 0.0 { self.sum / self.count } else { f64::NAN }
    }
}

/// A mean for each slot of a recurring period, smoothed over the neighbours as of the last visit.
#[derive(Debug, Clone)]
struct Slots {
    rate: f64,
    radius: usize,
    means: Vec<f64>,
    visits: Vec<f64>,
}

impl Slots {
    fn new(slots: usize, rate: f64, radius: usize) -> Self {
        Self { rate, radius, means: vec![f64::NAN; slots], visits: vec![f64::NAN; slots] }
    }

    fn push(&mut self, now: usize, value: f64) {
        let n = self.means.len();
        if value.is_finite() {
            let mean = &mut self.means[now % n];
            *mean = if mean.is_finite() { *mean + self.rate * (value - *mean) } else { value };
        }
        if let Some(centre) = now.checked_sub(self.radius) {
            self.visits[centre % n] = self.around(centre);
        }
    }

    fn around(&self, centre: usize) -> f64 {
        let n = self.means.len();
        let from = centre + n - self.radius % n;
        let near = (0..=2 * self.radius).map(|k| self.means[(from + k) % n]).filter(|m| m.is_finite());
        let (sum, count) = near.fold((0.0, 0.0), |(s, c), m| (s + m, c + 1.0));
        if count > 0.0 { sum / count } else { f64::NAN }
    }

    /// What was known of this slot when it was last visited.
    fn visited(&self, target: usize) -> f64 {
        self.visits[target % self.visits.len()]
    }
}

/// The residuals of a sliding window, ranked once an hour.
#[derive(Debug, Clone)]
struct Residuals {
    window: VecDeque<f64>,
    length: usize,
    every: usize,
    warm: usize,
    seen: usize,
    ranked: Ranked,
    come: Vec<f64>,
    gone: Vec<f64>,
}

/// Residuals needed before their quantiles say anything.
const RESIDUALS_MIN: usize = 100;

impl Residuals {
    fn new(shape: &LaneShape) -> Self {
        let (window, ranked, come, gone) = Default::default();
        let (length, every, warm) = (WINDOW_DAYS * shape.day, (shape.day / 24).max(1), 2 * shape.day);
        Self { window, length, every, warm, seen: 0, ranked, come, gone }
    }

    fn push(&mut self, value: f64) {
        if self.window.len() == self.length {
            let old = self.window.pop_front().unwrap_or(f64::NAN);
            if old.is_finite() {
                self.gone.push(old);
            }
        }
        self.window.push_back(value);
        if value.is_finite() {
            self.come.push(value);
        }
        let due = self.seen.is_multiple_of(self.every) && self.seen > self.warm;
        self.seen += 1;
        let enough = self.ranked.len() + self.come.len() > RESIDUALS_MIN + self.gone.len();
        if due && (enough || !self.ranked.is_empty()) {
            self.ranked.change(&mut self.come, &mut self.gone);
        }
    }
}

impl Taped for Residuals {
    /// The ranked ones follow from the others, and are not written.
    fn tape(&mut self, tape: &mut Tape) {
        tape.count(&mut self.seen);
        tape.list(&mut self.window, |value, tape| tape.number(value));
        row(&mut self.come, tape);
        row(&mut self.gone, tape);
        let mut ranked = usize::from(!self.ranked.is_empty());
        tape.count(&mut ranked);
        if ranked > 0 && self.ranked.is_empty() {
            let finite = || self.window.iter().copied().filter(|value| value.is_finite());
            let known = finite().count().saturating_sub(self.come.len());
            self.ranked = Ranked::of(finite().take(known).chain(self.gone.iter().copied()).collect());
        }
    }
}
