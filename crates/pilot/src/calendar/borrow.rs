use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use tidecast_forecast::{Fan, Fitted, Forecast, Grid, HOUR_S, Model, Series, Unfit};

use super::{Special, SpecialDay, SpecialDays, instant};
use crate::Span;

/// A model that knows special days: they are left out of what it learns from, and are forecast as the days they behave
/// like. A model around a model, so that whatever forecasts can be asked for it (S4.6, B7).
#[derive(Debug)]
pub struct WithSpecialDays {
    /// What forecasts.
    pub model: Box<dyn Model>,
    /// What it shall not be misled by.
    pub days: Arc<SpecialDays>,
}

impl Model for WithSpecialDays {
    fn name(&self) -> String {
        self.model.name()
    }

    fn fit(&self, history: &Series) -> Result<Box<dyn Fitted>, Unfit> {
        let fitted = self.model.fit(&without(history, &self.days))?;
        Ok(Box::new(Knowing { fitted, days: Arc::clone(&self.days) }))
    }

    fn resume(&self, history: &Series, tape: Vec<f64>) -> Option<Box<dyn Fitted>> {
        let fitted = self.model.resume(&without(history, &self.days), tape)?;
        Some(Box::new(Knowing { fitted, days: Arc::clone(&self.days) }))
    }
}

struct Knowing {
    fitted: Box<dyn Fitted>,
    days: Arc<SpecialDays>,
}

impl Fitted for Knowing {
    fn update(&mut self, history: &Series) {
        self.fitted.update(&without(history, &self.days));
    }

    fn taped(&mut self) -> Option<Vec<f64>> {
        self.fitted.taped()
    }

    fn forecast(&self, history: &Series, horizon: Grid) -> Forecast {
        forecast(&*self.fitted, history, horizon, &self.days)
    }
}

/// The same history with its special days unknown.
pub fn without(history: &Series, days: &SpecialDays) -> Series {
    mask(history, &days.exclusions(history.grid()))
}

/// The same history with these spans unknown.
pub fn mask(history: &Series, spans: &[Span]) -> Series {
    let grid = history.grid();
    let mut values = history.values().to_vec();
    for span in spans {
        // A point names the interval that begins there: it is masked if any of it lies within.
        let from = grid.steps_to(span.from()).clamp(0, grid.len as i64) as usize;
        let last = span.until().as_second() - 1 - grid.start.as_second();
        let until = (last.div_euclid(grid.step_s) + 1).clamp(from as i64, grid.len as i64) as usize;
        values[from..until].fill(f64::NAN);
    }
    Series::new(grid, values)
}

/// A forecast in which special days are forecast as the days they behave like, at the same time of day.
///
/// `fitted` has learned from the history without them. What the hours of a special day that have passed already tell about
/// its level is used, the less the further ahead. `horizon` lies after the history and on its grid, as for
/// [`Fitted::forecast`].
pub fn forecast(fitted: &dyn Fitted, history: &Series, horizon: Grid, special: &SpecialDays) -> Forecast {
    let plain = fitted.forecast(&without(history, special), horizon);
    if special.is_empty() {
        return plain;
    }
    let mut loans = Loans { fitted, history, special, step_s: horizon.step_s, lent: BTreeMap::new() };
    let level = loans.level();
    let mut fans = plain.fans().to_vec();
    for (point, fan) in fans.iter_mut().enumerate() {
        let at = horizon.at(point);
        let Some(borrowed) = loans.at(at) else { continue };
        let today = level.filter(|level| special.at(at).is_some_and(|(day, _)| day == level.day));
        let lead = at.duration_since(history.grid().end()).as_secs() as f64;
        let factor = today.map_or(1.0, |level| 1.0 + (level.factor - 1.0) * (-lead / LEVEL_LASTS_S).exp());
        *fan = scaled(&borrowed, factor);
    }
    let mut forecast = Forecast::new(horizon, fans, plain.model.clone());
    forecast.fallback.clone_from(&plain.fallback);
    forecast
}

/// How long the level of a special day's past hours speaks for the hours to come.
const LEVEL_LASTS_S: f64 = 6.0 * HOUR_S as f64;

/// How the day in progress compares with the day that it borrows from.
#[derive(Debug, Clone, Copy)]
struct Level {
    day: Date,
    factor: f64,
}

fn scaled(fan: &Fan, factor: f64) -> Fan {
    if factor == 1.0 {
        *fan
    } else {
        Fan::new(factor * fan.point, fan.quantiles().map(|value| factor * value))
    }
}

/// What special days borrow, each day forecast once.
struct Loans<'a> {
    fitted: &'a dyn Fitted,
    history: &'a Series,
    special: &'a SpecialDays,
    step_s: i64,
    lent: BTreeMap<Date, Forecast>,
}

impl Loans<'_> {
    /// The forecast that a special day borrows for `time`; none on other days, and on days like no other.
    fn at(&mut self, time: Timestamp) -> Option<Fan> {
        let (day, SpecialDay { special: Special::Like(like), .. }) = self.special.at(time)? else {
            return None;
        };
        if day.weekday() == *like {
            return None;
        }
        let lender = self.special.lender(day, *like, self.history.grid().end())?;
        if !self.lent.contains_key(&lender) {
            let whole = self.day_grid(lender)?;
            let known = without(self.history, self.special);
            self.lent.insert(lender, self.fitted.forecast(&known, whole));
        }
        let zone = self.special.zone();
        let clock = time.to_zoned(zone.clone()).time();
        self.lent.get(&lender)?.fan_at(instant(lender.to_datetime(clock), zone)).copied()
    }

    /// How the last hour compares with what it would have borrowed, if all of it belongs to the special day in progress;
    /// at most twice, at least half.
    fn level(&mut self) -> Option<Level> {
        let grid = self.history.grid();
        let points = grid.steps_in(HOUR_S).max(1).min(grid.len);
        let (mut measured, mut expected) = (0.0, 0.0);
        let (day, _) = self.special.at(grid.at(grid.len.checked_sub(points)?))?;
        for point in grid.len - points..grid.len {
            let (at, value) = (grid.at(point), self.history.values()[point]);
            if value.is_finite() && self.special.at(at).is_some_and(|(other, _)| other == day) {
                measured += value;
                expected += self.at(at)?.median();
            }
        }
        (expected > 0.0).then(|| Level { day, factor: (measured / expected).clamp(0.5, 2.0) })
    }

    /// The points of the history's own grid that cover a whole day.
    fn day_grid(&self, day: Date) -> Option<Grid> {
        let (span, grid) = (self.special.span(day)?, self.history.grid());
        let start = grid.shifted(grid.steps_to(span.from()));
        let long = span.until().as_second() - start.as_second();
        Some(Grid::new(start, self.step_s, (long.max(1) as u64).div_ceil(self.step_s as u64) as usize))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::Weekday;
    use jiff::tz::TimeZone;

    use super::*;

    /// Forecasts the number of the weekday, and the hour as its fraction.
    struct Weekdays(TimeZone);

    impl Fitted for Weekdays {
        fn forecast(&self, history: &Series, horizon: Grid) -> Forecast {
            assert!(horizon.start >= history.grid().end(), "what has passed is not forecast");
            let fan = |time: Timestamp| {
                let there = time.to_zoned(self.0.clone());
                let day = f64::from(there.weekday().to_monday_one_offset());
                Fan::certain(100.0 * day + f64::from(there.hour()))
            };
            Forecast::new(horizon, horizon.times().map(fan).collect(), "weekdays")
        }
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn history(until: &str) -> Series {
        let end: Timestamp = until.parse().unwrap();
        let grid = Grid::new(end - jiff::SignedDuration::from_hours(24 * 14), 3_600, 24 * 14);
        Series::new(grid, vec![1.0; grid.len])
    }

    /// The median at noon of each of these days, forecast from 1 April 2026 on.
    #[track_caller]
    fn check(special: &SpecialDays, expected: &[(i64, f64)]) {
        let history = history("2026-03-31T22:00:00Z");
        let forecast = forecast(&Weekdays(berlin()), &history, history.grid().after(24 * 10), special);
        let noon = |day: i64| forecast.fans()[(24 * (day - 1) + 12) as usize].median();
        let found: Vec<(i64, f64)> = expected.iter().map(|(day, _)| (*day, noon(*day))).collect();
        assert_eq!(found, expected);
    }

    #[test] // B7
    fn forecasts_holidays_as_the_day_they_behave_like() {
        let mut special = SpecialDays::new(berlin());
        special.add_holidays("DE", Special::Like(Weekday::Sunday)).unwrap();
        // Good Friday is the third, Easter Monday the sixth; both like Sunday, the others as they are.
        check(&special, &[(2, 412.0), (3, 712.0), (4, 612.0), (6, 712.0), (7, 212.0)]);
    }

    #[test]
    fn borrows_from_no_day_that_is_special_itself() {
        let mut special = SpecialDays::new(berlin());
        special.add(Date::constant(2026, 4, 3), "Good Friday", Special::Like(Weekday::Sunday));
        special.add(Date::constant(2026, 4, 5), "Easter", Special::Unlike);
        check(&special, &[(3, 712.0), (5, 712.0)]);
    }

    #[test]
    fn leaves_special_days_out_of_training_from_midnight_to_midnight() {
        let mut special = SpecialDays::new(berlin());
        special.add(Date::constant(2026, 3, 29), "clocks go forward", Special::Unlike);
        let history = history("2026-03-31T22:00:00Z");
        let spans = special.exclusions(history.grid());
        assert_eq!(spans[0].from().to_string(), "2026-03-28T23:00:00Z");
        let masked = mask(&history, &spans);
        assert_eq!(history.measured() - masked.measured(), 23);
        assert_eq!(mask(&masked, &spans).measured(), masked.measured());
    }

    #[test]
    fn masks_every_point_of_which_any_part_is_left_out() {
        let grid = Grid::new("2026-01-01T00:00:00Z".parse().unwrap(), 3_600, 4);
        let span =
            Span::new("2026-01-01T01:30:00Z".parse().unwrap(), "2026-01-01T02:00:01Z".parse().unwrap());
        let masked = mask(&Series::new(grid, vec![1.0; 4]), &[span.unwrap()]);
        assert_eq!(
            masked.values().iter().map(|v| v.is_nan()).collect::<Vec<_>>(),
            [false, true, true, false]
        );
        let outside = Span::new(grid.shifted(-9), grid.shifted(-3)).unwrap();
        assert_eq!(mask(&Series::new(grid, vec![1.0; 4]), &[outside]).measured(), 4);
    }

    #[test] // B7
    fn takes_the_level_of_the_hours_that_have_passed_for_those_to_come() {
        let mut special = SpecialDays::new(berlin());
        special.add(Date::constant(2026, 4, 3), "Good Friday", Special::Like(Weekday::Sunday));
        // Noon of the third: half of what a Sunday has.
        let end: Timestamp = "2026-04-03T10:00:00Z".parse().unwrap();
        let grid = Grid::new(end - jiff::SignedDuration::from_hours(48), 3_600, 48);
        let mut values = vec![1.0; 47];
        values.push(0.6 * 711.0);
        let history = Series::new(grid, values);
        let found = forecast(&Weekdays(berlin()), &history, grid.after(36), &special);
        let medians: Vec<f64> = found.fans().iter().map(|fan| fan.median().round()).collect();
        assert_eq!(medians[0], (0.6f64 * 712.0).round(), "at once");
        assert!(medians[6] > 0.8 * 718.0 && medians[6] < 0.9 * 718.0, "less of it later: {medians:?}");
        assert_eq!(medians[24], 612.0, "and nothing of it the next day");
    }

    /// Demand until the end of March, the same each day but for what was odd.
    fn demand(odd: impl Fn(usize, usize) -> f64) -> Series {
        let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 3_600, 24 * 30);
        let value = |hour: usize| (100.0 + (hour % 24) as f64) * odd(hour / 24, hour % 24);
        Series::new(grid, (0..grid.len).map(value).collect())
    }

    #[test] // A2, B7
    fn learns_nothing_from_a_day_that_was_special() {
        let model =
            || tidecast_forecast::models::named("last_week", tidecast_forecast::Leads::knots()).unwrap();
        let mut special = SpecialDays::new(TimeZone::UTC);
        special.add(Date::constant(2026, 3, 25), "strike", Special::Unlike);
        let history = demand(|day, _| if day == 23 { 0.1 } else { 1.0 });
        let next = Grid::new("2026-04-01T00:00:00Z".parse().unwrap(), 3_600, 24);
        let noon =
            |model: &dyn Model| model.fit(&history).unwrap().forecast(&history, next).fans()[12].median();
        let knowing = WithSpecialDays { model: model(), days: Arc::new(special) };
        assert!(noon(&*model()) < 20.0, "a model that does not know repeats the day");
        assert!((noon(&knowing) - 112.0).abs() < 1.0, "{}", noon(&knowing));
        assert_eq!(knowing.name(), model().name());
    }
}
