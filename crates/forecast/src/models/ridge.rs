//! Direct regression on the deviations from the weekly profile: the workhorse.

use crate::Tape;
use crate::linalg::{dot, solve_spd};
use crate::method::{Method, Walker, row};
use crate::past::{Past, Track, median, positive};

/// A ridge regression for each lead on how recent hours and the same hours of earlier days and weeks deviated from
/// their weekly profile.
///
/// # What it assumes
/// That there is a weekly profile, and that how much the past hours, yesterday and last week deviated from theirs
/// says how much the target will. Which of them matters, and how much, is learned for each lead, with forgetting
/// (half-life six weeks), and renewed once a day.
///
/// # When it shines
/// Nearly everywhere from a quarter of an hour to a day ahead: the best single model on real traffic. In square
/// roots it is steady, in logarithms it follows growth; `wide` adds four other profiles to choose from.
///
/// # When it fails
/// In the first weeks, while the profile is young; on bursts that wander within the hour; on days unlike any other.
///
/// # Source
/// Hoerl & Kennard, *Ridge regression*, Technometrics 12 (1970); direct multi-step forecasting as in Ben Taieb et al.,
/// Expert Systems with Applications 39 (2012); weights against outliers after Huber, *Robust Estimation of a Location
/// Parameter* (1964). Cost: p² multiplications a step and lead for p ≈ 21 to 25 features, p³/3 a day and lead.
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Leads, Model, models::Ridge};
/// assert_eq!(Calibrated::new(Ridge::root(), Leads::knots()).name(), "ridge_root");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ridge {
    /// Logarithms if true, square roots if not.
    pub log: bool,
    /// Whether four more profiles are offered.
    pub wide: bool,
    /// Penalty in tenths of a percent of the features' own power.
    pub penalty: f64,
    /// Residuals beyond this many robust standard deviations count less; none counts all alike.
    pub huber: Option<f64>,
    /// Days after which an observation counts half.
    pub half_life_days: f64,
}

impl Ridge {
    /// In square roots.
    pub fn root() -> Self {
        Self { log: false, wide: false, penalty: 1.0, huber: Some(2.0), half_life_days: 42.0 }
    }

    /// In logarithms; large residuals count in full.
    pub fn log() -> Self {
        Self { log: true, huber: None, ..Self::root() }
    }

    /// In square roots, with the four other profiles.
    pub fn root_wide() -> Self {
        Self { wide: true, penalty: 10.0, ..Self::root() }
    }

    /// In logarithms, with the four other profiles.
    pub fn log_wide() -> Self {
        Self { log: true, ..Self::root_wide() }
    }

    fn track<'a>(&self, past: &'a Past) -> &'a Track {
        if self.log { &past.log } else { &past.root }
    }
}

impl Method for Ridge {
    fn name(&self) -> &'static str {
        match (self.log, self.wide) {
            (false, false) => "ridge_root",
            (true, false) => "ridge_log",
            (false, true) => "ridge_root_wide",
            (true, true) => "ridge_log_wide",
        }
    }

    fn start(&self, empty: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        let shape = Shape::of(empty, self);
        let fits = leads.iter().map(|lead| LeadFit::new(*lead, shape.count(*lead))).collect();
        Box::new(Regression { spec: *self, shape, fits, first: None, rows: Rows::default() })
    }
}

/// Days before the first solution is used.
const DAYS_MIN: usize = 4;
/// The most features there can be.
const FEATURES_MAX: usize = 25;

/// What the features are, in steps of this grid.
#[derive(Debug, Clone)]
struct Shape {
    wide: bool,
    level: f64,
    day: usize,
    week: usize,
    half_hour: usize,
    hour: usize,
    hours_3: usize,
    hours_6: usize,
    /// The lags at which the target's own season looks back.
    seasons: [usize; 8],
}

impl Shape {
    fn of(past: &Past, spec: &Ridge) -> Self {
        let (d, w) = (past.day, past.week);
        Self {
            wide: spec.wide,
            level: spec.track(past).transform.apply(past.mean),
            day: d,
            week: w,
            half_hour: past.steps(1800),
            hour: past.steps(3600),
            hours_3: past.steps(3 * 3600),
            hours_6: past.steps(6 * 3600),
            seasons: [d, 2 * d, 3 * d, w - d, w, w + d, 2 * w, 3 * w],
        }
    }

    fn count(&self, lead: usize) -> usize {
        let seasons = self.seasons.iter().filter(|l| **l >= lead).count();
        10 + seasons + 3 + if self.wide { 4 } else { 0 }
    }

    /// The features known at `t` for `t + lead`; unknown ones are zero deviations. False when too little is known.
    fn features(&self, track: &Track, t: usize, lead: usize, out: &mut [f64; FEATURES_MAX]) -> bool {
        let i = t as i64;
        let base = track.profile.at(t + lead);
        let recent = |width: usize, lag: i64| {
            if width > 1 { track.dev.trailing(i, width) } else { track.dev.at(i - lag) }
        };
        out[0] = 1.0;
        out[1] = base - self.level;
        out[2] = track.dev.at(i);
        out[3] = track.dev.at(i - 1);
        out[4] = recent(self.half_hour, 2);
        out[5] = recent(self.hour, 3);
        if out[..6].iter().any(|x| !x.is_finite()) {
            return false;
        }
        out[6] = track.dev.trailing(i, self.hours_3);
        out[7] = track.dev.trailing(i, self.hours_6);
        out[8] = track.dev.trailing(i, self.day);
        out[9] = track.dev.trailing(i, self.week);
        let mut n = 10;
        for season in self.seasons.iter().filter(|l| **l >= lead) {
            out[n] = season_deviation(track, i, season - lead);
            n += 1;
        }
        for lag in [self.day, self.week, 2 * self.week] {
            out[n] = track.dev.trailing(i - lag as i64, self.hour);
            n += 1;
        }
        if self.wide {
            self.other_profiles(track, t, lead, base, &mut out[n..n + 4]);
            n += 4;
        }
        out[..n].iter_mut().filter(|x| !x.is_finite()).for_each(|x| *x = 0.0);
        true
    }

    /// Four other views of the target's season, as differences to the base profile.
    fn other_profiles(&self, track: &Track, t: usize, lead: usize, base: f64, out: &mut [f64]) {
        let target = (t + lead) as i64;
        let mut sum = (0.0, 0.0);
        for days in 1..=7 {
            let lag = days * self.day;
            if lag >= lead + track.smooth_20.radius {
                let value = track.smooth_20.at(target - lag as i64);
                if value.is_finite() {
                    sum = (sum.0 + value, sum.1 + 1.0);
                }
            }
        }
        out[0] = track.wide.at(t + lead) - base;
        out[1] = sum.0 / sum.1 - base;
        let known = self.week >= lead + track.smooth_15.radius;
        out[2] = if known { track.smooth_15.at(target - self.week as i64) - base } else { f64::NAN };
        out[3] = track.long.at(t + lead) - base;
    }
}

/// How the season deviated `lag` steps before `i`, smoothed as far as is known at `i`.
fn season_deviation(track: &Track, i: i64, lag: usize) -> f64 {
    let radius = track.dev_smooth.radius;
    match lag {
        0 if radius > 0 => track.dev.trailing(i, 2 * radius + 1),
        _ if lag < radius => track.dev.at(i - lag as i64),
        _ => track.dev_smooth.at(i - lag as i64),
    }
}

#[derive(Clone)]
struct Regression {
    spec: Ridge,
    shape: Shape,
    fits: Vec<LeadFit>,
    first: Option<usize>,
    rows: Rows,
}

/// The normal equations of one lead, and their solution.
#[derive(Clone)]
struct LeadFit {
    lead: usize,
    p: usize,
    /// Lower triangle, row after row.
    gram: Vec<f64>,
    rhs: Vec<f64>,
    beta: Vec<f64>,
    used: usize,
}

/// One day's rows, kept between days only to spare the allocation.
#[derive(Clone, Default)]
struct Rows {
    x: Vec<[f64; FEATURES_MAX]>,
    y: Vec<f64>,
    w: Vec<f64>,
    scratch: Vec<f64>,
}

impl Rows {
    fn clear(&mut self) {
        self.x.clear();
        self.y.clear();
        self.w.clear();
    }
}

impl LeadFit {
    fn new(lead: usize, p: usize) -> Self {
        Self { lead, p, gram: vec![0.0; p * (p + 1) / 2], rhs: vec![0.0; p], beta: Vec::new(), used: 0 }
    }

    /// Takes in the rows whose targets have come since the last time.
    fn learn(&mut self, past: &Past, spec: &Ridge, shape: &Shape, rows: &mut Rows) {
        let to = past.now().saturating_sub(self.lead);
        if to <= self.used {
            return;
        }
        self.gather(past, spec, shape, to, rows);
        self.used = to;
        if rows.y.is_empty() {
            return;
        }
        if let Some(huber) = spec.huber {
            self.down_weigh(huber, rows);
        }
        let keep = 0.5f64.powf(1.0 / spec.half_life_days);
        self.gram.iter_mut().chain(&mut self.rhs).for_each(|v| *v *= keep);
        for ((x, y), w) in rows.x.iter().zip(&rows.y).zip(&rows.w) {
            self.add(&x[..self.p], *y, *w);
        }
    }

    fn gather(&self, past: &Past, spec: &Ridge, shape: &Shape, to: usize, rows: &mut Rows) {
        let track = spec.track(past);
        rows.clear();
        let mut x = [0.0; FEATURES_MAX];
        for t in self.used..to {
            let target = t + self.lead;
            if past.measured()[target].is_finite() && shape.features(track, t, self.lead, &mut x) {
                let base = track.profile.at(target);
                rows.x.push(x);
                rows.y.push(track.z.values()[target] - base);
                rows.w.push(weight(past, spec, track, target, base));
            }
        }
    }

    /// Rows far from what the solution in force expects count less.
    fn down_weigh(&self, huber: f64, rows: &mut Rows) {
        let error = |x: &[f64; FEATURES_MAX], y: f64| {
            if self.beta.is_empty() { y } else { y - dot(&x[..self.p], &self.beta) }
        };
        rows.scratch.clear();
        rows.scratch
            .extend(rows.x.iter().zip(&rows.y).zip(&rows.w).map(|((x, y), w)| error(x, *y).abs() * w.sqrt()));
        let scaled = rows.scratch.clone();
        let scale = 1.4826 * median(&mut rows.scratch) + 1e-9;
        for (w, e) in rows.w.iter_mut().zip(scaled) {
            *w *= (huber / (e / scale).max(1e-9)).min(1.0);
        }
    }

    fn add(&mut self, x: &[f64], y: f64, w: f64) {
        let mut at = 0;
        for i in 0..x.len() {
            let wx = w * x[i];
            self.rhs[i] += wx * y;
            for (g, v) in self.gram[at..=at + i].iter_mut().zip(x) {
                *g += wx * v;
            }
            at += i + 1;
        }
    }

    fn solve(&mut self, penalty: f64) {
        let p = self.p;
        let first = self.gram[0];
        if first <= 0.0 {
            return;
        }
        let mut full = vec![0.0; p * p];
        let mut at = 0;
        for i in 0..p {
            full[i * p..=i * p + i].copy_from_slice(&self.gram[at..=at + i]);
            let share = (full[i * p + i] / first.max(1e-9)).max(1e-9);
            full[i * p + i] += penalty * share * (first * 1e-3).max(1.0);
            at += i + 1;
        }
        full[0] = first * (1.0 + 1e-6);
        let mut beta = vec![0.0; p];
        if solve_spd(&mut full, &self.rhs, &mut beta) {
            self.beta = beta;
        }
    }
}

/// How much the row of `target` counts: less while the profile is young, and in logarithms by its level.
fn weight(past: &Past, spec: &Ridge, track: &Track, target: usize, base: f64) -> f64 {
    let weeks = (target / past.week).min(4) as f64;
    let maturity = (weeks / 4.0).powi(2).max(0.02);
    let level = track.transform.invert(base).max(0.0) / past.mean.max(1e-300);
    if spec.log { (level + 0.05) * maturity } else { maturity }
}

impl Walker for Regression {
    fn step(&mut self, past: &Past, points: &mut [f64]) {
        let now = past.now();
        let track = self.spec.track(past);
        let mut x = [0.0; FEATURES_MAX];
        if self.first.is_none() && self.shape.features(track, now, self.fits[0].lead, &mut x) {
            self.first = Some(now);
            self.fits.iter_mut().for_each(|f| f.used = now);
        }
        let Some(first) = self.first else { return points.fill(f64::NAN) };
        if (now - first).is_multiple_of(past.day) {
            for fit in &mut self.fits {
                fit.learn(past, &self.spec, &self.shape, &mut self.rows);
                if now - first >= DAYS_MIN * past.day {
                    fit.solve(self.spec.penalty);
                }
            }
        }
        for (fit, point) in self.fits.iter().zip(points) {
            let known = !fit.beta.is_empty() && self.shape.features(track, now, fit.lead, &mut x);
            let z = || dot(&x[..fit.p], &fit.beta) + track.profile.at(now + fit.lead);
            *point = if known { positive(track.transform.invert(z())) } else { f64::NAN };
        }
    }

    fn boxed_clone(&self) -> Box<dyn Walker> {
        Box::new(self.clone())
    }

    fn tape(&mut self, _: &Past, tape: &mut Tape) {
        tape.maybe(&mut self.first);
        for fit in &mut self.fits {
            tape.numbers(&mut fit.gram);
            tape.numbers(&mut fit.rhs);
            row(&mut fit.beta, tape);
            tape.count(&mut fit.used);
        }
    }
}
