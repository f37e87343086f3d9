//! What could be foretold of a trace, at each of its bins, from what had been seen until then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tidecast_forecast::method::Method;
use tidecast_forecast::models::{self, Clusters, Harmonics, RecentDays};
use tidecast_forecast::past::Past;
use tidecast_forecast::{Grid, Hindsight, Leads, Model, Series};

use crate::{BIN, DAY_BINS, Trace};

/// The forecasts of the most demand per bin that policies work with, each computed when first asked for.
#[derive(Debug)]
pub(crate) struct Foresight {
    peaks: Series,
    recent_days: OnceLock<Vec<f64>>,
    day_ahead: OnceLock<Vec<f64>>,
    outlooks: Mutex<BTreeMap<usize, Arc<Hindsight>>>,
}

/// Bins that Dyte's predictor looks ahead: a quarter of an hour.
const QUARTER_BINS: usize = 3;

impl Foresight {
    /// Nothing computed yet.
    pub(crate) fn of(trace: &Trace) -> Self {
        let peaks = trace.peaks();
        let grid = Grid::new(trace.start, 60 * BIN as i64, peaks.len());
        let (recent_days, day_ahead, outlooks) = Default::default();
        Self { peaks: Series::new(grid, peaks), recent_days, day_ahead, outlooks }
    }

    /// The default ensemble's fans for each bin and the `bins` − 1 after it, made as the bin begins.
    ///
    /// It is fitted again when two weeks and when five weeks are there, each time from what has been seen until then.
    pub(crate) fn outlook(&self, bins: usize) -> Arc<Hindsight> {
        let mut outlooks = self.outlooks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(outlooks.entry(bins).or_insert_with(|| Arc::new(outlook(&self.peaks, bins))))
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

fn outlook(peaks: &Series, bins: usize) -> Hindsight {
    let step_s = peaks.grid().step_s;
    let model = models::default_model(Leads::exactly((1..=bins as i64).map(|k| k * step_s)));
    Hindsight::of(peaks, bins, |known| model.fit(known).ok())
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
