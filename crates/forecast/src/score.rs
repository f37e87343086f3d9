use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::model::span;
use crate::{DAY_S, Grid, HOUR_S, Series, WeeklyNaive};

/// The probabilities at which forecasts are judged.
pub const SCORED_LEVELS: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// A distance into the future at which forecasts are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// How many steps of the series.
    pub steps: usize,
    /// The same in seconds.
    pub seconds: i64,
}

/// The leads of the protocol on a series of this step: 15 minutes, 1 hour and 24 hours, each rounded down to
/// whole steps and left out where the step is longer.
pub fn leads(step_s: i64) -> Vec<Lead> {
    let of = |lead: i64| Lead { steps: (lead / step_s) as usize, seconds: lead / step_s * step_s };
    [900, HOUR_S, DAY_S].into_iter().filter(|lead| *lead >= step_s).map(of).collect()
}

/// The first point that is judged: of the last eight weeks, at least six weeks being left to learn from and at
/// least one week judged; of the last third when there are three weeks or less.
pub(crate) fn window_start(points: usize, week: usize) -> usize {
    let judged = match points {
        n if n > 3 * week => (8 * week).min(week.max(n.saturating_sub(6 * week))),
        n => n / 3,
    };
    points - judged
}

/// One forecast, made at `origin` for `lead_s` later, as benchmarks exchange it. Displays as a line of CSV
/// under [`Row::HEADER`].
///
/// An origin names the newest interval known: it was forecast one step after its label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The newest interval that the forecast knew.
    pub origin: Timestamp,
    /// Seconds from the origin to the interval forecast.
    pub lead_s: i64,
    /// The point forecast.
    pub mean: f64,
    /// The quantiles at [`SCORED_LEVELS`].
    pub quantiles: [f64; 4],
}

impl Row {
    /// The names of the columns.
    pub const HEADER: &str = "origin,lead_s,mean,q0.5,q0.9,q0.95,q0.99";
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [q50, q90, q95, q99] = self.quantiles;
        write!(f, "{},{},{},{q50},{q90},{q95},{q99}", self.origin, self.lead_s, self.mean)
    }
}

/// A figure for each of [`SCORED_LEVELS`]; none where its denominator is zero. In JSON `{"0.5": …, …}`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PerLevel(pub [Option<f64>; 4]);

impl Serialize for PerLevel {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(SCORED_LEVELS.iter().map(|level| level.to_string()).zip(self.0))
    }
}

/// How good the forecasts of one lead were; y is the truth, ŷ the point forecast, q a quantile. A ratio whose
/// denominator is zero is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measures {
    /// Seconds from origin to target.
    pub lead_s: i64,
    /// How many forecasts were judged: targets without a measurement are not.
    pub n: usize,
    /// How many that should be there are not.
    pub missing: usize,
    /// Σ|y − ŷ| ÷ Σ|y|.
    pub wape: Option<f64>,
    /// Σ(ŷ − y) ÷ Σ|y|.
    pub bias: Option<f64>,
    /// Mean |y − ŷ| ÷ the mean |error| of weekly naive before the window.
    pub mase: Option<f64>,
    /// WAPE ÷ weekly naive's on the same origins.
    pub rel_wape: Option<f64>,
    /// Twice the pinball loss ÷ Σ|y|.
    pub wql: PerLevel,
    /// Pinball loss ÷ that of weekly naive with its conformal quantiles.
    pub rel_wql: PerLevel,
    /// Share of y ≤ q.
    pub coverage: PerLevel,
    /// Forecasts whose quantiles decrease somewhere.
    pub crossings: usize,
    /// WAPE of weekly naive on the same origins.
    pub naive_wape: Option<f64>,
}

/// Why forecasts of a series cannot be judged by the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unscorable {
    /// Less than a week would be left before the window.
    #[error("too short to be judged: {} of history are there, {} are needed, so that a week lies before the part that is judged", span(*.have_s), span(*.need_s))]
    TooShort {
        /// Seconds there.
        have_s: i64,
        /// Seconds needed.
        need_s: i64,
    },
    /// No time of day recurs on this grid.
    #[error("a step of {0} s does not divide a day, so there is no last week to compare with")]
    OddStep(i64),
}

/// The official protocol applied to one series: its window, its leads, and what weekly naive says at each
/// origin. Made once, it judges the forecasts of any number of models.
#[derive(Debug, Clone)]
pub struct Protocol<'a> {
    series: &'a Series,
    start: usize,
    week: usize,
    leads: Vec<Lead>,
    filled: Vec<f64>,
    offsets: Vec<[f64; 4]>,
    scale: f64,
}

impl<'a> Protocol<'a> {
    /// The protocol for this series.
    ///
    /// # Errors
    /// [`Unscorable`] when its step does not divide a day, or less than a week lies before the window.
    pub fn of(series: &'a Series) -> Result<Self, Unscorable> {
        let grid = series.grid();
        let odd = Unscorable::OddStep(grid.step_s);
        let (Some(week), Some(mut naive)) = (grid.week(), WeeklyNaive::new(grid)) else { return Err(odd) };
        let start = window_start(series.len(), week);
        if start < week || start == series.len() {
            let seconds = |steps: usize| steps as i64 * grid.step_s;
            let need_s = seconds(week + week.div_ceil(2));
            return Err(Unscorable::TooShort { have_s: seconds(series.len()), need_s });
        }
        let mut offsets = Vec::with_capacity(series.len() - start);
        for (t, value) in series.values().iter().enumerate() {
            naive.push(*value);
            if t >= start {
                offsets.push(SCORED_LEVELS.map(|level| naive.offset(level)));
            }
        }
        let filled = naive.filled().to_vec();
        let scale = naive_error(&series.values()[..start], &filled, week);
        Ok(Self { series, start, week, leads: leads(grid.step_s), filled, offsets, scale })
    }

    /// The series that is judged.
    pub fn series(&self) -> &'a Series {
        self.series
    }

    /// The part of the grid in which forecasts are judged.
    pub fn window(&self) -> Grid {
        self.series.grid().slice(self.start, self.series.len())
    }

    /// The leads that this series' step allows.
    pub fn leads(&self) -> &[Lead] {
        &self.leads
    }

    /// The index of the first origin.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Judges forecasts, in any order; those of other origins or leads count for nothing, and of two for the
    /// same origin and lead the last counts.
    pub fn judge(&self, rows: &[Row]) -> Vec<Measures> {
        self.leads.iter().map(|lead| self.judge_lead(*lead, rows)).collect()
    }

    fn judge_lead(&self, lead: Lead, rows: &[Row]) -> Measures {
        let grid = self.series.grid();
        let mut by_origin: Vec<Option<&Row>> = vec![None; grid.len];
        for row in rows.iter().filter(|row| row.lead_s == lead.seconds) {
            if let Some(at) = grid.index(row.origin).filter(|at| grid.at(*at) == row.origin) {
                by_origin[at] = Some(row);
            }
        }
        let mut sums = Sums::default();
        for origin in self.start..self.series.len().saturating_sub(lead.steps) {
            let truth = self.series.values()[origin + lead.steps];
            if truth.is_nan() {
                continue;
            }
            match by_origin[origin] {
                Some(row) => sums.add(truth, row, self.reference(origin, lead)),
                None => sums.missing += 1,
            }
        }
        sums.measures(lead, self.scale)
    }

    /// What weekly naive says: its point and its quantiles.
    fn reference(&self, origin: usize, lead: Lead) -> (f64, [f64; 4]) {
        let point = self.filled[origin + lead.steps - self.week];
        (point, self.offsets[origin - self.start].map(|offset| (point + offset).max(0.0)))
    }
}

/// The mean |error| of weekly naive over what was measured, from the second week on.
fn naive_error(values: &[f64], filled: &[f64], week: usize) -> f64 {
    let errors = values.iter().skip(week).zip(filled).map(|(y, last)| (y - last).abs());
    let (sum, n) = errors.filter(|e| e.is_finite()).fold((0.0, 0), |(sum, n), e| (sum + e, n + 1));
    sum / f64::from(n)
}

/// The loss of a quantile forecast: `level` times what it is too low, one minus that times what it is too high.
pub fn pinball(truth: f64, quantile: f64, level: f64) -> f64 {
    (level * (truth - quantile)).max((level - 1.0) * (truth - quantile))
}

#[derive(Default)]
struct Sums {
    n: usize,
    missing: usize,
    truth: f64,
    point: f64,
    error: f64,
    naive_error: f64,
    loss: [f64; 4],
    naive_loss: [f64; 4],
    covered: [f64; 4],
    crossings: usize,
}

impl Sums {
    fn add(&mut self, truth: f64, row: &Row, (naive, naive_quantiles): (f64, [f64; 4])) {
        self.n += 1;
        self.truth += truth.abs();
        self.point += row.mean;
        self.error += (truth - row.mean).abs();
        self.naive_error += (truth - naive).abs();
        for (i, level) in SCORED_LEVELS.into_iter().enumerate() {
            self.loss[i] += pinball(truth, row.quantiles[i], level);
            self.naive_loss[i] += pinball(truth, naive_quantiles[i], level);
            self.covered[i] += f64::from(u8::from(truth <= row.quantiles[i]));
        }
        self.crossings += usize::from(row.quantiles.windows(2).any(|pair| pair[1] < pair[0]));
    }

    fn measures(&self, lead: Lead, scale: f64) -> Measures {
        let n = self.n as f64;
        let level = |part: &dyn Fn(usize) -> Option<f64>| PerLevel(std::array::from_fn(part));
        Measures {
            lead_s: lead.seconds,
            n: self.n,
            missing: self.missing,
            wape: ratio(self.error, self.truth),
            bias: ratio(self.point - self.truth, self.truth),
            mase: ratio(self.error / n, scale),
            rel_wape: ratio(self.error, self.naive_error),
            wql: level(&|i| ratio(2.0 * self.loss[i], self.truth)),
            rel_wql: level(&|i| ratio(self.loss[i], self.naive_loss[i])),
            coverage: level(&|i| ratio(self.covered[i], n)),
            crossings: self.crossings,
            naive_wape: ratio(self.naive_error, self.truth),
        }
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    Some(part / whole).filter(|r| r.is_finite())
}

/// The geometric mean of what is there, each at least 1e-12; none of nothing. Relative measures of several
/// series are averaged so.
///
/// ```
/// assert_eq!(tidecast_forecast::geometric_mean([Some(0.5), None, Some(2.0)]), Some(1.0));
/// ```
pub fn geometric_mean(ratios: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let logs: Vec<f64> = ratios.into_iter().flatten().map(|r| r.max(1e-12).ln()).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}
