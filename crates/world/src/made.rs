use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::{Fan, Forecast, Grid, LEVELS};
use tidecast_pilot::Issued;

use crate::chance::Purpose;
use crate::{BIN, Chance, DAY_BINS, Forecaster, Measured, Rehearsal};

/// Forecasts made from the truth: a little off, as good ones are, and as wrong as the weather has it.
#[derive(Debug)]
pub struct MadeForecasts {
    /// The most demand of each bin of five minutes; after the end, of the day before.
    peaks: Vec<f64>,
    reach: usize,
    factors: [f64; LEVELS.len()],
    chance: Chance,
}

/// How far a forecast looks.
const REACH_BINS: usize = 72;
/// By how much the .99 quantile lies above the median.
const SPREAD: f64 = 0.12;
/// How far a forecast is off where the weather is fine: the level of a whole forecast, and each bin of it.
const OFF: f64 = 0.01;

impl MadeForecasts {
    /// Forecasts for this world.
    pub fn of(world: &Rehearsal) -> Self {
        let mut peaks = world.trace.peaks();
        let day = peaks.len().saturating_sub(DAY_BINS).max(1) - 1;
        (0..REACH_BINS).for_each(|k| peaks.push(peaks[(day + k).min(peaks.len() - 1)]));
        let far = quantile(0.99);
        let factors = LEVELS.map(|level| (1.0 + SPREAD * quantile(level) / far).max(0.0));
        Self { peaks, reach: REACH_BINS, factors, chance: Chance::of(world.seed, Purpose::Forecasts) }
    }
}

/// The normal quantile, near enough: a logistic curve of the same deviation.
fn quantile(level: f64) -> f64 {
    (level / (1.0 - level)).ln() / 1.702
}

impl Forecaster for MadeForecasts {
    fn forecast(&mut self, now: Timestamp, minute: usize, _: &Measured, wrong: f64) -> Option<Issued> {
        let first = minute / BIN;
        let level = wrong * (1.0 + OFF * self.chance.between(-1.0, 1.0));
        let fan = |peak: &f64, chance: &mut Chance| {
            let value = peak * level * (1.0 + OFF * chance.between(-1.0, 1.0));
            Fan::new(value, self.factors.map(|factor| factor * value))
        };
        let chance = &mut self.chance;
        let fans = self.peaks[first..first + self.reach].iter().map(|peak| fan(peak, chance)).collect();
        let start = now - SignedDuration::from_mins((minute % BIN) as i64);
        let forecast = Forecast::new(Grid::new(start, 60 * BIN as i64, self.reach), fans, "made");
        Some(Issued { at: now, forecast })
    }
}
