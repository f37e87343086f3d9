//! The naive methods: what was is what will be.

use crate::method::{Memoryless, Method, Walker};
use crate::past::Past;

/// The value one week before the target.
///
/// # What it assumes
/// That this week is last week again. Leads of up to a week look one week back, longer ones two, and so on.
///
/// # When it shines
/// Strong weekly patterns, hardly any growth, long leads; and as the yardstick every other model must beat.
///
/// # When it fails
/// Growth, level shifts, holidays: it repeats last week's outage as faithfully as last week's rush.
///
/// # Source
/// Seasonal naive; Hyndman & Athanasopoulos, *Forecasting: Principles and Practice*, section 5.2.
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Grid, Leads, Model, Series, models::LastWeek};
/// let grid = Grid::new("2026-01-05T00:00:00Z".parse().unwrap(), 3600, 24 * 15);
/// let history = Series::new(grid, (0..24 * 15).map(|h| f64::from(h % 168)).collect());
/// let fitted = Calibrated::new(LastWeek, Leads::knots()).fit(&history).unwrap();
/// let tomorrow = fitted.forecast(&history, history.grid().after(24));
/// assert_eq!(tomorrow.fans()[5].median(), f64::from((24 * 15 + 5) % 168));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastWeek;

impl Method for LastWeek {
    fn name(&self) -> &'static str {
        "last_week"
    }

    fn start(&self, _: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        Memoryless::boxed(leads, |past, lead| past.seasonal(lead, past.week).unwrap_or(f64::NAN))
    }
}

/// The value one day before the target.
///
/// # What it assumes
/// That today is yesterday again, whatever the day of the week.
///
/// # When it shines
/// Right after a level shift, and for services whose weekend is like their week; a useful contrarian in the ensemble.
///
/// # When it fails
/// On Saturdays and Mondays of everything that people use at work.
///
/// # Source
/// Seasonal naive with a period of a day; as [`LastWeek`].
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Leads, Model, models::Yesterday};
/// assert_eq!(Calibrated::new(Yesterday, Leads::knots()).name(), "yesterday");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Yesterday;

impl Method for Yesterday {
    fn name(&self) -> &'static str {
        "yesterday"
    }

    fn start(&self, _: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        Memoryless::boxed(leads, |past, lead| past.seasonal(lead, past.day).unwrap_or(f64::NAN))
    }
}

/// The newest value.
///
/// # What it assumes
/// Nothing, not even that time matters.
///
/// # When it shines
/// Minutes ahead on smooth series; right after anything unheard of.
///
/// # When it fails
/// Hours ahead, on everything that has a day and a night.
///
/// # Source
/// Naive; Hyndman & Athanasopoulos, *Forecasting: Principles and Practice*, section 5.2.
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Leads, Model, models::LastValue};
/// assert_eq!(Calibrated::new(LastValue, Leads::knots()).name(), "last_value");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastValue;

impl Method for LastValue {
    fn name(&self) -> &'static str {
        "last_value"
    }

    fn start(&self, _: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        Memoryless::boxed(leads, |past, _| past.filled()[past.now()])
    }
}
