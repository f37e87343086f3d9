use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tidecast_forecast::{
    Fitted, Forecast, Grid, InCivilTime, Leads, Model, Series, models, readiness, repair,
};
use tidecast_pilot::calendar::{SpecialDays, WithSpecialDays};
use tidecast_pilot::{COMPLETE, Issued};

use crate::{BIN, DAY_BINS, Forecaster, Measured};

/// Forecasts by a real model, from what was measured: fitted once a day to what is worth learning from, taken on at every
/// forecast. Where the model declines, another one stands in, and the forecast says so.
pub struct Modelled {
    /// The model's name.
    pub model: String,
    /// How many bins of five minutes it looks ahead.
    pub reach: usize,
    /// On whose clock days recur.
    pub zone: TimeZone,
    /// Days that it is not to be misled by.
    pub special: Arc<SpecialDays>,
    /// When the first minute was.
    pub start: Timestamp,
    fitted: Option<Learned>,
}

struct Learned {
    model: Box<dyn Fitted>,
    /// What it was fitted to, and what came after.
    history: Series,
    fitted_at: usize,
    fallback: Option<String>,
}

impl Modelled {
    /// This model, which has learned nothing yet.
    pub fn new(
        model: &str,
        reach: usize,
        zone: TimeZone,
        special: Arc<SpecialDays>,
        start: Timestamp,
    ) -> Self {
        Self { model: model.to_owned(), reach, zone, special, start, fitted: None }
    }

    fn learn(&self, measured: &Measured, bins: usize) -> Option<Learned> {
        let grid = Grid::new(self.start, 60 * BIN as i64, bins);
        let history = repair(&Series::new(grid, (0..bins).map(|bin| peak(measured, bin)).collect())).series;
        let doubts = readiness(&history).doubts;
        let doubt = doubts.first().map(ToString::to_string);
        let (model, fallback) = match self.named(&self.model).fit(&history) {
            Ok(model) => (model, doubt),
            Err(why) => {
                let stand_in = self.named("all_seen").fit(&history).ok()?;
                (stand_in, Some(format!("{} declines: {why}; all_seen stands in", self.model)))
            }
        };
        Some(Learned { model, history, fitted_at: bins, fallback })
    }

    fn named(&self, name: &str) -> WithSpecialDays {
        let near = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360];
        let far = [480, 720, 960, 1_200, 1_440, 1_800, 2_160, 2_880];
        let leads =
            near.into_iter().chain(far).filter(|min| *min <= self.reach * BIN).map(|min| 60 * min as i64);
        let model = models::named(name, Leads::exactly(leads)).expect("a story names a model that there is");
        let model: Box<dyn Model> = match self.zone.iana_name() {
            Some("UTC") | None => model,
            Some(_) => Box::new(InCivilTime::new(model, self.zone.clone())),
        };
        WithSpecialDays { model, days: Arc::clone(&self.special) }
    }
}

/// The most of a bin; unknown unless all of it was measured on nearly all targets.
fn peak(measured: &Measured, bin: usize) -> f64 {
    let minutes = &measured.0[bin * BIN..(bin + 1) * BIN];
    let seen = minutes.iter().map(|minute| minute.filter(|(_, coverage)| *coverage >= COMPLETE));
    seen.fold(0.0, |most, minute| {
        minute.map_or(f64::NAN, |(demand, _)| if most.is_nan() { most } else { demand.max(most) })
    })
}

impl Forecaster for Modelled {
    fn forecast(&mut self, now: Timestamp, minute: usize, measured: &Measured, _: f64) -> Option<Issued> {
        let bins = minute / BIN;
        if self.fitted.as_ref().is_none_or(|known| bins >= known.fitted_at + DAY_BINS) {
            self.fitted = self.learn(measured, bins).or(self.fitted.take());
        }
        let reach = self.reach;
        let known = self.fitted.as_mut()?;
        (known.history.len()..bins).for_each(|bin| known.history.push(peak(measured, bin)));
        known.model.update(&known.history);
        let ahead = known.history.grid().after(reach);
        let mut forecast: Forecast = known.model.forecast(&known.history, ahead);
        forecast.fallback = known.fallback.clone().or(forecast.fallback);
        Some(Issued { at: now, forecast })
    }
}
