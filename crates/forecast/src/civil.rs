//! The same time of day is a civil notion: a model that sees local time, around a model that knows none.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::{Fan, Fitted, Forecast, Grid, Model, Series, Unfit};

/// Another model, on the clock of the people who make the demand.
///
/// The history is laid out by wall-clock time before the inner model sees it, so that "yesterday at nine" is nine
/// o'clock on both sides of a change of the clocks, and "Monday" begins at the zone's midnight. The hour that a change
/// skips is a gap, which is unknown and not zero; of the hour that it repeats the first pass counts, and during the
/// second the model stands still for that hour.
///
/// ```
/// use tidecast_forecast::{InCivilTime, Leads, Model, models};
/// let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
/// let model = InCivilTime::new(models::named("last_week", Leads::knots()).unwrap(), zone);
/// assert_eq!(model.name(), "last_week");
/// ```
#[derive(Debug)]
pub struct InCivilTime {
    inner: Box<dyn Model>,
    zone: TimeZone,
}

impl InCivilTime {
    /// `inner`, on the clock of `zone`.
    pub fn new(inner: Box<dyn Model>, zone: TimeZone) -> Self {
        Self { inner, zone }
    }
}

impl Model for InCivilTime {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn fit(&self, history: &Series) -> Result<Box<dyn Fitted>, Unfit> {
        let civil = Civil::of(history, &self.zone);
        let inner = self.inner.fit(&civil.series)?;
        Ok(Box::new(OnTheWall { inner, civil, name: self.inner.name() }))
    }

    fn resume(&self, history: &Series, tape: Vec<f64>) -> Option<Box<dyn Fitted>> {
        let civil = Civil::of(history, &self.zone);
        let inner = self.inner.resume(&civil.series, tape)?;
        Some(Box::new(OnTheWall { inner, civil, name: self.inner.name() }))
    }
}

/// A wall clock: civil time written as if it were UTC.
#[derive(Debug, Clone)]
struct Wall {
    zone: TimeZone,
    /// Offsets that are not whole steps differ from the first only by whole ones; that first is kept out.
    first_s: i64,
}

impl Wall {
    fn new(zone: TimeZone, start: Timestamp) -> Self {
        let first_s = i64::from(zone.to_offset(start).seconds());
        Self { zone, first_s }
    }

    fn time(&self, at: Timestamp) -> Timestamp {
        let offset = i64::from(self.zone.to_offset(at).seconds());
        Timestamp::from_second(at.as_second() + offset).unwrap_or(at)
    }

    /// Whether any change of offset since the first is a whole number of steps.
    fn shift_s(&self, at: Timestamp) -> i64 {
        i64::from(self.zone.to_offset(at).seconds()) - self.first_s
    }
}

/// A history by the wall clock.
#[derive(Debug, Clone)]
struct Civil {
    wall: Wall,
    series: Series,
    seen: usize,
}

impl Civil {
    fn of(history: &Series, zone: &TimeZone) -> Self {
        let wall = Wall::new(zone.clone(), history.grid().start);
        let grid = Grid::new(wall.time(history.grid().start), history.grid().step_s, 0);
        let mut civil = Self { wall, series: Series::new(grid, Vec::new()), seen: 0 };
        civil.take(history);
        civil
    }

    /// Takes in what `history` has more than the last time.
    fn take(&mut self, history: &Series) {
        let grid = history.grid();
        for i in self.seen..history.len() {
            let slot = self.slot(&grid, i);
            while (self.series.len() as i64) < slot {
                self.series.push(f64::NAN);
            }
            if self.series.len() as i64 == slot {
                self.series.push(history.values()[i]);
            }
        }
        self.seen = self.seen.max(history.len());
    }

    fn slot(&self, grid: &Grid, i: usize) -> i64 {
        i as i64 + self.wall.shift_s(grid.at(i)).div_euclid(grid.step_s)
    }

    /// Where `at` lies on the civil grid, never before the point after its end.
    fn ahead(&self, at: Timestamp) -> Grid {
        let grid = self.series.grid();
        let slot = grid.steps_to(self.wall.time(at)).max(self.series.len() as i64);
        Grid::point(grid.shifted(slot), grid.step_s)
    }
}

struct OnTheWall {
    inner: Box<dyn Fitted>,
    civil: Civil,
    name: String,
}

impl OnTheWall {
    fn fan(&self, civil: &Civil, at: Timestamp) -> Fan {
        self.inner.forecast(&civil.series, civil.ahead(at)).fans()[0]
    }
}

impl Fitted for OnTheWall {
    fn update(&mut self, history: &Series) {
        self.civil.take(history);
        self.inner.update(&self.civil.series);
    }

    fn taped(&mut self) -> Option<Vec<f64>> {
        self.inner.taped()
    }

    fn forecast(&self, history: &Series, horizon: Grid) -> Forecast {
        let grown;
        let civil = if history.len() > self.civil.seen {
            let mut ahead = self.civil.clone();
            ahead.take(history);
            grown = ahead;
            &grown
        } else {
            &self.civil
        };
        let fans = horizon.times().map(|at| self.fan(civil, at)).collect();
        Forecast::new(horizon, fans, self.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Leads, models};

    /// Hours of demand with a rush at nine in the morning in Berlin, up to `until`.
    fn rush(until: &str) -> Series {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let start: Timestamp = "2026-02-01T23:00:00Z".parse().unwrap();
        let end: Timestamp = until.parse().unwrap();
        let len = ((end.as_second() - start.as_second()) / 3600) as usize;
        let grid = Grid::new(start, 3600, len);
        let busy = |at: Timestamp| if at.to_zoned(zone.clone()).hour() == 9 { 900.0 } else { 100.0 };
        Series::new(grid, grid.times().map(busy).collect())
    }

    fn forecast(zone: &str, history: &Series, at: &str) -> f64 {
        let zone = TimeZone::get(zone).unwrap();
        let model = InCivilTime::new(models::named("last_week", Leads::knots()).unwrap(), zone);
        let fitted = model.fit(history).unwrap();
        fitted.forecast(history, Grid::point(at.parse().unwrap(), 3600)).fans()[0].point
    }

    #[test] // A14
    fn expects_the_rush_at_nine_on_both_sides_of_a_change_of_the_clocks() {
        // Clocks went forward on 29 March: nine o'clock was 08:00 UTC before it and is 07:00 UTC after it.
        let history = rush("2026-03-29T12:00:00Z");
        assert_eq!(forecast("Europe/Berlin", &history, "2026-03-30T07:00:00Z"), 900.0);
        assert_eq!(forecast("Europe/Berlin", &history, "2026-03-30T08:00:00Z"), 100.0);
        assert_eq!(forecast("UTC", &history, "2026-03-30T07:00:00Z"), 100.0);
    }

    #[test] // A14
    fn leaves_the_skipped_hour_unknown_and_lets_the_first_of_two_repeated_hours_count() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let civil = |start: &str| {
            let start = start.parse().unwrap();
            let grid = Grid::new(start, 3600, 6);
            let wall = Wall::new(zone.clone(), start);
            let begin = Series::new(Grid::new(wall.time(start), 3600, 0), Vec::new());
            let mut civil = Civil { wall, series: begin, seen: 0 };
            civil.take(&Series::new(grid, (1..=6).map(f64::from).collect()));
            civil.series.values().to_vec()
        };
        let spring = civil("2026-03-28T23:00:00Z");
        assert!(spring[2].is_nan());
        assert_eq!((spring[1], spring[3], spring.len()), (2.0, 3.0, 7));
        assert_eq!(civil("2026-10-24T22:00:00Z"), [1.0, 2.0, 3.0, 5.0, 6.0]);
    }

    #[test] // A14
    fn stands_still_for_the_repeated_hour_and_goes_on_after_it() {
        let history = rush("2026-10-25T01:00:00Z");
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let model = InCivilTime::new(models::named("last_week", Leads::knots()).unwrap(), zone);
        let mut fitted = model.fit(&history).unwrap();
        let longer = rush("2026-10-25T12:00:00Z");
        fitted.update(&longer);
        let next = fitted.forecast(&longer, Grid::point("2026-10-26T08:00:00Z".parse().unwrap(), 3600));
        assert_eq!(next.fans()[0].point, 900.0);
    }
}
