use std::collections::VecDeque;

use super::{SCALES, Shape};
use crate::{Fan, Tape, Taped};

/// What the regression is given: deviations in units of demand, divided by the scale when used.
pub(super) const FEATURES: usize = 9;
/// The minutes over whose means recent demand is seen.
const SPANS: [usize; 4] = [3, 8, 20, 60];
/// The level whose distance from the median is a fan's width.
const WIDE: f64 = 0.95;
/// The least scale, as a share of what is usual for the level.
const LEAST: f64 = 0.25;

/// The outlook in force, and the latest values.
#[derive(Debug, Clone)]
pub(super) struct View {
    shape: Shape,
    points: Vec<f64>,
    uppers: Vec<f64>,
    widths: Vec<f64>,
    /// The most of the bin before, less what was foretold of it; the most of the present bin so far.
    surprise: f64,
    foretold: f64,
    peak: f64,
    /// A new outlook came, but not yet the last value of the bin before it.
    turning: bool,
    latest: VecDeque<f64>,
    sums: [f64; SPANS.len()],
    mean: f64,
    /// Width of a fan for the root of its level; zero before the first fan that has any.
    usual_width: f64,
    seen: usize,
}

/// What is known at one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    pub(super) base: f64,
    pub(super) scales: [f64; SCALES],
    pub(super) root: f64,
    pub(super) mean_root: f64,
    pub(super) features: [f64; FEATURES],
}

impl View {
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            shape,
            points: Vec::new(),
            uppers: Vec::new(),
            widths: Vec::new(),
            surprise: 0.0,
            foretold: f64::NAN,
            peak: f64::NAN,
            turning: false,
            latest: VecDeque::with_capacity(SPANS[SPANS.len() - 1] + 1),
            sums: [0.0; SPANS.len()],
            mean: 0.0,
            usual_width: 0.0,
            seen: 0,
        }
    }

    pub(super) fn look_out(&mut self, bins: &[Fan]) {
        self.turning = true;
        self.points = bins.iter().map(|fan| fan.point).collect();
        self.uppers = bins.iter().map(|fan| fan.at(WIDE)).collect();
        self.widths = bins.iter().map(|fan| fan.at(WIDE) - fan.median()).collect();
    }

    pub(super) fn take_in(&mut self, value: f64) {
        self.peak = self.peak.max(value);
        if std::mem::take(&mut self.turning) {
            let surprise = self.peak - self.foretold;
            self.surprise = if surprise.is_finite() { surprise } else { 0.0 };
            self.foretold = self.points.first().copied().unwrap_or(f64::NAN);
            self.peak = f64::NAN;
        }
        self.seen += 1;
        let share = (1.0 / self.seen as f64).max(1.0 / (28 * self.shape.day) as f64);
        self.mean += share * (value - self.mean);
        for (sum, span) in self.sums.iter_mut().zip(SPANS) {
            *sum +=
                value - if self.latest.len() >= span { self.latest[self.latest.len() - span] } else { 0.0 };
        }
        if self.latest.len() == SPANS[SPANS.len() - 1] {
            self.latest.pop_front();
        }
        self.latest.push_back(value);
    }

    /// What is known before the step `at`; nothing without an outlook or without a value.
    pub(super) fn sight(&mut self, at: usize) -> Option<Sight> {
        let newest = *self.latest.back()?;
        let last = (at % self.shape.bin + self.shape.reach) / self.shape.bin;
        let last = last.min(self.points.len().checked_sub(1)?);
        let base = self.points[..=last].iter().copied().fold(0.0, f64::max);
        let widest = (0..=last).max_by(|a, b| self.uppers[*a].total_cmp(&self.uppers[*b])).unwrap_or(0);
        let root = (base + 0.02 * self.mean + 1e-12).sqrt();
        let width = self.width(self.widths[widest], root);
        let means = self.means();
        let near = [self.points[last], self.points[0], newest, means[0], means[1], means[2], means[3]];
        let mut features = [self.surprise; FEATURES];
        features.iter_mut().zip(near).for_each(|(feature, value)| *feature = value - base);
        features[FEATURES - 1] = base;
        Some(Sight { base, scales: [root, width], root, mean_root: self.mean.sqrt(), features })
    }

    /// The fan's width, kept off zero by what is usual for the level.
    fn width(&mut self, width: f64, root: f64) -> f64 {
        let relative = width / root;
        if self.usual_width == 0.0 {
            self.usual_width = relative;
        }
        self.usual_width += (relative - self.usual_width) / (7 * self.shape.day) as f64;
        if self.usual_width > 0.0 { width.max(LEAST * self.usual_width * root) } else { root }
    }

    fn means(&self) -> [f64; SPANS.len()] {
        std::array::from_fn(|i| self.sums[i] / self.latest.len().clamp(1, SPANS[i]) as f64)
    }
}

impl Taped for View {
    fn tape(&mut self, tape: &mut Tape) {
        for bins in [&mut self.points, &mut self.uppers, &mut self.widths] {
            let mut list = VecDeque::from(std::mem::take(bins));
            tape.list(&mut list, |value, tape| tape.number(value));
            *bins = list.into();
        }
        tape.number(&mut self.surprise);
        tape.number(&mut self.foretold);
        tape.number(&mut self.peak);
        let mut turning = usize::from(self.turning);
        tape.count(&mut turning);
        self.turning = turning > 0;
        tape.list(&mut self.latest, |value, tape| tape.number(value));
        tape.numbers(&mut self.sums);
        tape.number(&mut self.mean);
        tape.number(&mut self.usual_width);
        tape.count(&mut self.seen);
    }
}
