//! A method whose parameters are chosen on the history it is fitted to (SPEC S11.3).

use crate::model::Named;
use crate::{Calibrated, Fitted, Leads, Model, Series, Tunable, Unfit, tune};

/// Scryer's FFT, or its regression, with the parameters that a backtest on this very history likes best.
///
/// Each time it is fitted it begins with the published parameters, tries all that differ in one of them, takes the best,
/// and goes on from there while that lowers the error by half a percent: weeks, noise thresholds and outage limit of the
/// FFT; reach, width, decay, likeness of days and slope of the regression.
///
/// # What it assumes
/// That what was best in the last fourteen weeks is best in the next hours; four weeks at least, otherwise it is the
/// published method.
///
/// # When it shines
/// On traffic that differs from what the defaults were made for: very noisy, very slow to change, days unlike each other.
///
/// # When it fails
/// After a change of character that is younger than a few weeks. A fit costs three (regression) to fifteen (FFT) times that of the method.
///
/// # Source
/// *Scryer: Netflix's Predictive Auto Scaling Engine, Part 2*, "Future work": heuristics for the choice of cluster points
/// and of the noise thresholds, found automatically.
///
/// # Example
/// ```
/// use tidecast_forecast::{Grid, Leads, Model, Series, models::{Harmonics, SelfTuned}};
/// let grid = Grid::new("2026-01-05T00:00:00Z".parse().unwrap(), 3600, 24 * 35);
/// let wave = |i: usize| 100.0 + 60.0 * (i as f64 / 24.0 * std::f64::consts::TAU).sin();
/// let history = Series::new(grid, (0..grid.len).map(wave).collect());
/// let model = SelfTuned::new("harmonics_fitted", Harmonics::default(), Leads::exactly([3600]));
/// let fitted = model.fit(&history).unwrap();
/// let next = fitted.forecast(&history, history.grid().after(1));
/// assert!((next.fans()[0].point - wave(grid.len)).abs() < 5.0);
/// ```
#[derive(Debug, Clone)]
pub struct SelfTuned<T> {
    name: &'static str,
    method: T,
    leads: Leads,
}

impl<T: Tunable> SelfTuned<T> {
    /// The method under a name of its own, with quantiles learned at these leads.
    pub fn new(name: &'static str, method: T, leads: Leads) -> Self {
        Self { name, method, leads }
    }
}

impl<T: Tunable + 'static> Model for SelfTuned<T> {
    fn name(&self) -> String {
        self.name.into()
    }

    fn fit(&self, history: &Series) -> Result<Box<dyn Fitted>, Unfit> {
        let method = tune(&self.method, history).map_or_else(|_| self.method.clone(), |tuned| tuned.method);
        let fitted = Calibrated::new(method, self.leads.clone()).fit(history)?;
        Ok(Box::new(Named { name: self.name, fitted }))
    }
}
