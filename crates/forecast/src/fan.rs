use serde::{Deserialize, Serialize};

use crate::Grid;

/// The probabilities for which a fan has a value, ascending.
///
/// The upper tail is dense because capacity is sized there; the lower half is for charts and for the question
/// "could it be this low?".
pub const LEVELS: [f64; 17] =
    [0.01, 0.05, 0.1, 0.25, 0.5, 0.7, 0.75, 0.8, 0.9, 0.95, 0.975, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995];

/// Where `level` stands in [`LEVELS`], if it is one of them.
pub fn level_index(level: f64) -> Option<usize> {
    LEVELS.iter().position(|l| (l - level).abs() < 1e-12)
}

/// One future point: the value that demand will not exceed, for each of [`LEVELS`], and a point forecast.
///
/// Invariant: the quantiles are finite and ascending; a fan sorts as it builds. They are kept in single precision, with a
/// relative error of 6e-8, for a service keeps hundreds of them for each workload.
///
/// ```
/// use tidecast_forecast::{Fan, LEVELS};
/// let fan = Fan::new(10.0, LEVELS.map(|level| 20.0 * level));
/// assert_eq!(fan.at(0.9), 18.0);
/// assert!(fan.at(0.85) > fan.at(0.8));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fan {
    /// The point forecast: what is most to be expected. Loss functions without a level judge this.
    pub point: f64,
    quantiles: [f32; LEVELS.len()],
}

impl Fan {
    /// A fan of these quantiles, in the order of [`LEVELS`]; sorted, and cut off below zero and above
    /// `f32::MAX`, eight orders of magnitude beyond the largest value that is read.
    ///
    /// # Panics
    /// If a value is not finite: a model that has no forecast says so and does not return NaN.
    pub fn new(point: f64, mut quantiles: [f64; LEVELS.len()]) -> Self {
        let sound = point.is_finite() && quantiles.iter().all(|q| q.is_finite());
        assert!(sound, "a fan is finite: point {point}, quantiles {quantiles:?}");
        quantiles.iter_mut().for_each(|q| *q = q.clamp(0.0, f64::from(f32::MAX)));
        quantiles.sort_by(f64::total_cmp);
        Self { point: point.max(0.0), quantiles: quantiles.map(|q| q as f32) }
    }

    /// A fan without width.
    pub fn certain(value: f64) -> Self {
        Self::new(value, [value; LEVELS.len()])
    }

    /// All quantiles, in the order of [`LEVELS`].
    pub fn quantiles(&self) -> [f64; LEVELS.len()] {
        self.quantiles.map(f64::from)
    }

    /// The quantile at `LEVELS[nth]`.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn quantile(&self, nth: usize) -> f64 {
        f64::from(self.quantiles[nth])
    }

    /// The quantile at `level`: linear between the levels it has, the outermost beyond them.
    pub fn at(&self, level: f64) -> f64 {
        let quantile = |i: usize| self.quantile(i);
        match LEVELS.iter().position(|l| *l >= level - 1e-12) {
            None => quantile(LEVELS.len() - 1),
            Some(0) => quantile(0),
            Some(i) if (LEVELS[i] - level).abs() < 1e-12 => quantile(i),
            Some(i) => {
                let share = (level - LEVELS[i - 1]) / (LEVELS[i] - LEVELS[i - 1]);
                quantile(i - 1) + share * (quantile(i) - quantile(i - 1))
            }
        }
    }

    /// The median.
    pub fn median(&self) -> f64 {
        self.at(0.5)
    }
}

/// A grid of future points, a fan for each, and who says so.
///
/// Invariant: as many fans as points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    grid: Grid,
    fans: Vec<Fan>,
    /// The model that spoke.
    pub model: String,
    /// What stood in for it, if it could not speak itself.
    pub fallback: Option<String>,
}

impl Forecast {
    /// A forecast with a fan for each point of the grid.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn new(grid: Grid, fans: Vec<Fan>, model: impl Into<String>) -> Self {
        assert_eq!(fans.len(), grid.len, "a forecast has a fan for each point");
        Self { grid, fans, model: model.into(), fallback: None }
    }

    /// The points forecast.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// The fans, one for each point.
    pub fn fans(&self) -> &[Fan] {
        &self.fans
    }

    /// The fan of the interval that holds `time`.
    pub fn fan_at(&self, time: jiff::Timestamp) -> Option<&Fan> {
        self.grid.index(time).map(|i| &self.fans[i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test] // B5
        fn never_crosses(values in proptest::array::uniform17(-1e3f64..1e6)) {
            let fan = Fan::new(1.0, values);
            prop_assert!(fan.quantiles().windows(2).all(|w| w[0] <= w[1]));
            prop_assert!(fan.quantiles()[0] >= 0.0);
        }
    }

    #[test]
    fn reads_between_and_beyond_its_levels() {
        let fan = Fan::new(0.5, LEVELS);
        assert!((fan.at(0.6) - 0.6).abs() < 1e-7);
        assert_eq!(fan.at(0.99999), f64::from(0.9995f32));
        assert_eq!(fan.at(0.0), f64::from(0.01f32));
    }
}
