use std::collections::BTreeMap;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use tidecast_forecast::{Fitted, Forecast, Grid, Series};

use super::{Holidays, instant};
use crate::Span;

/// Days that are not as their weekday lets one expect: what they are called, and which weekday they behave like (B7).
///
/// They are left out of training, so that one Christmas does not move all Thursdays; and when one comes, its demand is
/// forecast as that of the day it behaves like.
#[derive(Debug, Clone, PartialEq)]
pub struct SpecialDays {
    zone: TimeZone,
    days: BTreeMap<Date, SpecialDay>,
}

/// One special day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpecialDay {
    /// What it is called.
    pub name: String,
    /// As what it is forecast.
    pub special: Special,
}

/// As what a special day is forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Special {
    /// Like the nearest of these weekdays that is not special itself.
    Like(#[serde(with = "weekday")] Weekday),
    /// Like no other: left out of training, and forecast as any day is.
    Unlike,
}

/// How far away a day may be whose forecast is borrowed: two weeks have two of each weekday, if one is special too.
const BORROW_DAYS: i32 = 14;

impl SpecialDays {
    /// None yet, in this zone.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, days: BTreeMap::new() }
    }

    /// With one more; a day that is there already is replaced.
    pub fn add(&mut self, day: Date, name: impl Into<String>, special: Special) {
        self.days.insert(day, SpecialDay { name: name.into(), special });
    }

    /// With all holidays of a country or region, all behaving alike; days that are there already stay as they are.
    pub fn add_holidays(&mut self, holidays: &Holidays, special: Special) {
        let (first, last) = Holidays::years();
        let all = holidays
            .between(Date::constant(first, 1, 1), Date::constant(last, 12, 31).saturating_add(1.day()));
        for (day, name) in all {
            self.days.entry(day).or_insert_with(|| SpecialDay { name: name.to_owned(), special });
        }
    }

    /// The special day that holds `time`.
    pub fn at(&self, time: Timestamp) -> Option<(Date, &SpecialDay)> {
        let day = time.to_zoned(self.zone.clone()).date();
        self.days.get(&day).map(|special| (day, special))
    }

    /// The special days within a history, as spans from midnight to midnight: what training leaves out.
    pub fn exclusions(&self, history: Grid) -> Vec<Span> {
        let day = |time: Timestamp| time.to_zoned(self.zone.clone()).date();
        let (from, until) = (day(history.start), day(history.end()).saturating_add(1.day()));
        self.days.range(from..until).filter_map(|(day, _)| self.span(*day)).collect()
    }

    fn span(&self, day: Date) -> Option<Span> {
        let midnight = |day: Date| instant(day.to_datetime(Time::midnight()), &self.zone);
        Span::new(midnight(day), midnight(day.saturating_add(1.day()))).ok()
    }

    /// The day from which `day` borrows its forecast: the nearest that begins at `earliest` or later, the later of two.
    fn lender(&self, day: Date, like: Weekday, earliest: Timestamp) -> Option<Date> {
        let nearest = (1..=BORROW_DAYS).flat_map(|away| [away, -away]);
        nearest.filter_map(|away| day.checked_add(away.days()).ok()).find(|other| {
            let begins = instant(other.to_datetime(Time::midnight()), &self.zone);
            other.weekday() == like && !self.days.contains_key(other) && begins >= earliest
        })
    }
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
/// `horizon` lies after the history and on its grid, as for [`Fitted::forecast`].
pub fn forecast(fitted: &dyn Fitted, history: &Series, horizon: Grid, special: &SpecialDays) -> Forecast {
    let plain = fitted.forecast(history, horizon);
    let mut fans = plain.fans().to_vec();
    let mut lent: BTreeMap<Date, Forecast> = BTreeMap::new();
    for (point, fan) in fans.iter_mut().enumerate() {
        let time = horizon.at(point);
        let Some((day, SpecialDay { special: Special::Like(like), .. })) = special.at(time) else { continue };
        if day.weekday() == *like {
            continue;
        }
        let Some(lender) = special.lender(day, *like, history.grid().end()) else { continue };
        let whole = lent
            .entry(lender)
            .or_insert_with(|| fitted.forecast(history, day_grid(special, lender, horizon)));
        let clock = time.to_zoned(special.zone.clone()).time();
        let same_time = instant(lender.to_datetime(clock), &special.zone);
        if let Some(borrowed) = whole.fan_at(same_time) {
            *fan = *borrowed;
        }
    }
    let mut forecast = Forecast::new(horizon, fans, plain.model.clone());
    forecast.fallback.clone_from(&plain.fallback);
    forecast
}

/// The points of the horizon's own grid that cover a whole day.
fn day_grid(special: &SpecialDays, day: Date, horizon: Grid) -> Grid {
    let span = special.span(day).expect("a lender has a midnight before and one after");
    let first = horizon.steps_to(span.from());
    let start = horizon.shifted(first);
    let long = span.until().as_second() - start.as_second();
    Grid::new(start, horizon.step_s, (long.max(1) as u64).div_ceil(horizon.step_s as u64) as usize)
}

/// `sunday` in JSON and YAML.
mod weekday {
    use jiff::civil::Weekday;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    pub(super) fn serialize<S: Serializer>(day: &Weekday, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(NAMES[day.to_monday_zero_offset() as usize])
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Weekday, D::Error> {
        let told = String::deserialize(from)?;
        let place = NAMES.iter().position(|name| *name == told);
        let day = place.and_then(|place| Weekday::from_monday_zero_offset(place as i8).ok());
        day.ok_or_else(|| D::Error::custom(format!("{told:?} is no weekday: monday, tuesday, … sunday")))
    }
}

#[cfg(test)]
mod tests {
    use tidecast_forecast::Fan;

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
        special.add_holidays(&Holidays::of("DE").unwrap(), Special::Like(Weekday::Sunday));
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

    #[test]
    fn is_told_by_the_weekdays_name() {
        let told: SpecialDay =
            serde_json::from_str(r#"{"name":"Easter","special":{"like":"sunday"}}"#).unwrap();
        assert_eq!(told.special, Special::Like(Weekday::Sunday));
        assert_eq!(serde_json::to_string(&told).unwrap(), r#"{"name":"Easter","special":{"like":"sunday"}}"#);
        assert!(serde_json::from_str::<SpecialDay>(r#"{"name":"E","special":{"like":"sun"}}"#).is_err());
    }
}
