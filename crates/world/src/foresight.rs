//! What could be foretold of a trace, at each of its bins, from what had been seen until then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use tidecast_forecast::method::Method;
use tidecast_forecast::models::{Clusters, Harmonics, RecentDays};
use tidecast_forecast::past::Past;
use tidecast_forecast::{Fitted, Grid, Leads, Model, Series, models};

use crate::{BIN, DAY_BINS, Trace};

/// The forecasts of the most demand per bin that policies work with, each computed when first asked for.
#[derive(Debug)]
pub(crate) struct Foresight {
    peaks: Series,
    recent_days: OnceLock<Vec<f64>>,
    day_ahead: OnceLock<Vec<f64>>,
    quantiles: Mutex<BTreeMap<usize, Arc<Quantiles>>>,
}

/// The levels that the tuner may choose from.
pub(crate) const TUNED_LEVELS: [f64; 10] = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.9995];

/// For each bin and level the most demand to be expected within a start-up, as known at the end of the bin before;
/// NaN while nothing is known.
#[derive(Debug)]
pub(crate) struct Quantiles(Vec<[f64; TUNED_LEVELS.len()]>);

impl Quantiles {
    /// What `level` (an index of [`TUNED_LEVELS`]) says for a bin.
    pub(crate) fn at(&self, bin: usize, level: usize) -> f64 {
        self.0.get(bin).map_or(f64::NAN, |levels| levels[level])
    }
}

/// Days after which the default model is fitted anew, on all that is known by then.
const FIT_DAYS: [usize; 7] = [3, 7, 14, 28, 56, 112, 224];

/// Bins that Dyte's predictor looks ahead: a quarter of an hour.
const QUARTER_BINS: usize = 3;

impl Foresight {
    /// Nothing computed yet.
    pub(crate) fn of(trace: &Trace) -> Self {
        let peaks = trace.peaks();
        let grid = Grid::new(trace.start, 60 * BIN as i64, peaks.len());
        Self {
            peaks: Series::new(grid, peaks),
            recent_days: OnceLock::new(),
            day_ahead: OnceLock::new(),
            quantiles: Mutex::default(),
        }
    }

    /// Dyte's forecast for each bin: the larger of what was forecast for it, and of the newest forecast of two bins
    /// later; 0 while it knows too little.
    pub(crate) fn recent_days(&self) -> &[f64] {
        self.recent_days.get_or_init(|| {
            let made = forecasts(&RecentDays::default(), &self.peaks, QUARTER_BINS);
            let (newest, due) = (shifted(&made, 1), shifted(&made, QUARTER_BINS));
            newest.iter().zip(due).map(|(a, b)| known(*a).max(known(b))).collect()
        })
    }

    /// Scryer's forecast for each bin, made a day before: the mean of its two predictors, one of them while the
    /// other knows too little, 0 while both do.
    pub(crate) fn day_ahead(&self) -> &[f64] {
        self.day_ahead.get_or_init(|| {
            let waves = forecasts(&Harmonics::default(), &self.peaks, DAY_BINS);
            let clusters = forecasts(&Clusters::published(), &self.peaks, DAY_BINS);
            let both = |(a, b): (&f64, &f64)| match (a.is_finite(), b.is_finite()) {
                (true, true) => 0.5 * (a + b),
                (true, false) => *a,
                (false, _) => known(*b),
            };
            let made: Vec<f64> = waves.iter().zip(&clusters).map(both).collect();
            shifted(&made, DAY_BINS).into_iter().map(known).collect()
        })
    }
}

impl Foresight {
    /// The default model's quantiles over the next `bins` bins.
    pub(crate) fn quantiles(&self, bins: usize) -> Arc<Quantiles> {
        let mut known = self.quantiles.lock().expect("nothing panics while it holds this");
        known.entry(bins).or_insert_with(|| Arc::new(self.foretell(bins))).clone()
    }

    fn foretell(&self, bins: usize) -> Quantiles {
        let grid = self.peaks.grid();
        let leads = (1..=bins as i64).map(|lead| lead * grid.step_s);
        let model = models::default_model(Leads::exactly(leads));
        let mut fitted: Option<Box<dyn Fitted>> = None;
        let mut history = self.peaks.slice(0, 0);
        let mut most = Vec::with_capacity(self.peaks.len());
        for (bin, value) in self.peaks.values().iter().enumerate() {
            if bin % DAY_BINS == 0 && FIT_DAYS.contains(&(bin / DAY_BINS)) {
                fitted = model.fit(&history).ok().or(fitted);
            }
            most.push(fitted.as_mut().map_or([f64::NAN; TUNED_LEVELS.len()], |fitted| {
                fitted.update(&history);
                let ahead = fitted.forecast(&history, history.grid().after(bins));
                TUNED_LEVELS.map(|level| ahead.fans().iter().map(|fan| fan.at(level)).fold(0.0, f64::max))
            }));
            history.push(*value);
        }
        Quantiles(most)
    }
}

/// Unknown plans nothing: the reactive part stands in for it.
fn known(value: f64) -> f64 {
    if value.is_finite() { value.max(0.0) } else { 0.0 }
}

/// What was said `bins` earlier.
fn shifted(made: &[f64], bins: usize) -> Vec<f64> {
    let before = std::iter::repeat_n(f64::NAN, bins.min(made.len()));
    before.chain(made[..made.len().saturating_sub(bins)].iter().copied()).collect()
}

/// The forecast made at the end of each bin for the one `lead` bins later; NaN where there is none.
fn forecasts(method: &dyn Method, peaks: &Series, lead: usize) -> Vec<f64> {
    let Ok(mut past) = Past::begin(peaks) else { return vec![f64::NAN; peaks.len()] };
    let from = past.seen();
    let mut walker = method.start(&past, &peaks.values()[from..], &[lead]);
    let mut made = vec![f64::NAN; from];
    for value in &peaks.values()[from..] {
        let mut point = [f64::NAN];
        past.push(*value);
        walker.step(&past, &mut point);
        made.push(point[0]);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_nothing_before_it_was_seen() {
        let demand = |days: usize, end: f64| {
            let wave = |minute: usize| 50.0 + 40.0 * (minute as f64 / 229.2).sin();
            let mut demand: Vec<f64> = (0..days * crate::DAY).map(wave).collect();
            demand[15 * crate::DAY..].fill(end);
            Foresight::of(&Trace::new("", jiff::Timestamp::UNIX_EPOCH, demand))
        };
        let (one, other) = (demand(17, 10.0), demand(17, 500.0));
        let seen = 15 * DAY_BINS;
        assert_eq!(one.recent_days()[..=seen], other.recent_days()[..=seen]);
        assert_ne!(one.recent_days()[..=seen + 1], other.recent_days()[..=seen + 1]);
        assert_eq!(one.day_ahead()[..seen + DAY_BINS], other.day_ahead()[..seen + DAY_BINS]);
    }
}
