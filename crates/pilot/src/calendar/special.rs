use std::collections::BTreeMap;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use tidecast_forecast::Grid;

use super::{Holidays, NoSuchRegion, instant};
use crate::Span;

/// Days that are not as their weekday lets one expect: what they are called, and which weekday they behave like (B7).
///
/// They are left out of training, so that one Christmas does not move all Thursdays; and when one comes, its demand is
/// forecast as that of the day it behaves like. Told one by one, or as the public holidays of a country or region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Told", into = "Told")]
pub struct SpecialDays {
    zone: TimeZone,
    regions: Vec<Observed>,
    own: BTreeMap<Date, SpecialDay>,
    /// All of them, whether told or looked up.
    days: BTreeMap<Date, SpecialDay>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Told {
    #[serde(with = "jiff::fmt::serde::tz::required")]
    zone: TimeZone,
    #[serde(default)]
    holidays: Vec<Observed>,
    #[serde(default)]
    days: BTreeMap<Date, SpecialDay>,
}

/// A country or region whose public holidays count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Observed {
    region: String,
    special: Special,
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

impl Special {
    /// The name of the day that it is forecast like: `Sunday`.
    pub fn like(self) -> Option<&'static str> {
        const NAMES: [&str; 7] =
            ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        match self {
            Self::Like(day) => Some(NAMES[day.to_monday_zero_offset() as usize]),
            Self::Unlike => None,
        }
    }
}

/// How far away a day may be whose forecast is borrowed: two weeks have two of each weekday, if one is special too.
const BORROW_DAYS: i32 = 14;

impl Default for SpecialDays {
    fn default() -> Self {
        Self::new(TimeZone::UTC)
    }
}

impl SpecialDays {
    /// None yet, in this zone.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, regions: Vec::new(), own: BTreeMap::new(), days: BTreeMap::new() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// On whose clock a day begins.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// With one more; a day that is there already is replaced.
    pub fn add(&mut self, day: Date, name: impl Into<String>, special: Special) {
        let told = SpecialDay { name: name.into(), special };
        self.days.insert(day, told.clone());
        self.own.insert(day, told);
    }

    /// With all public holidays of a country or region, all behaving alike; days that are there already stay as they are.
    ///
    /// # Errors
    /// If no such region is known.
    pub fn add_holidays(&mut self, region: &str, special: Special) -> Result<(), NoSuchRegion> {
        let holidays = Holidays::of(region)?;
        let (first, last) = Holidays::years();
        let end = Date::constant(last, 12, 31).saturating_add(1.day());
        for (day, name) in holidays.between(Date::constant(first, 1, 1), end) {
            self.days.entry(day).or_insert_with(|| SpecialDay { name: name.to_owned(), special });
        }
        self.regions.push(Observed { region: region.to_owned(), special });
        Ok(())
    }

    /// The special day that holds `time`.
    pub fn at(&self, time: Timestamp) -> Option<(Date, &SpecialDay)> {
        if self.is_empty() {
            return None;
        }
        let day = time.to_zoned(self.zone.clone()).date();
        self.days.get(&day).map(|special| (day, special))
    }

    /// The special days within a history, as spans from midnight to midnight: what training leaves out.
    pub fn exclusions(&self, history: Grid) -> Vec<Span> {
        let day = |time: Timestamp| time.to_zoned(self.zone.clone()).date();
        let (from, until) = (day(history.start), day(history.end()).saturating_add(1.day()));
        self.days.range(from..until).filter_map(|(day, _)| self.span(*day)).collect()
    }

    /// A day from midnight to midnight; none if the clock has neither.
    pub(super) fn span(&self, day: Date) -> Option<Span> {
        let midnight = |day: Date| instant(day.to_datetime(Time::midnight()), &self.zone);
        Span::new(midnight(day), midnight(day.saturating_add(1.day()))).ok()
    }

    /// The day from which `day` borrows its forecast: the nearest that begins at `earliest` or later, the later of two.
    pub(super) fn lender(&self, day: Date, like: Weekday, earliest: Timestamp) -> Option<Date> {
        let nearest = (1..=BORROW_DAYS).flat_map(|away| [away, -away]);
        nearest.filter_map(|away| day.checked_add(away.days()).ok()).find(|other| {
            let begins = instant(other.to_datetime(Time::midnight()), &self.zone);
            other.weekday() == like && !self.days.contains_key(other) && begins >= earliest
        })
    }
}

impl TryFrom<Told> for SpecialDays {
    type Error = NoSuchRegion;

    fn try_from(told: Told) -> Result<Self, NoSuchRegion> {
        let mut days = Self::new(told.zone);
        told.days.into_iter().for_each(|(day, told)| days.add(day, told.name, told.special));
        told.holidays.iter().try_for_each(|seen| days.add_holidays(&seen.region, seen.special))?;
        Ok(days)
    }
}

impl From<SpecialDays> for Told {
    fn from(days: SpecialDays) -> Self {
        Self { zone: days.zone, holidays: days.regions, days: days.own }
    }
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
    use super::*;

    #[test]
    fn is_told_by_the_weekdays_name() {
        let told: SpecialDay =
            serde_json::from_str(r#"{"name":"Easter","special":{"like":"sunday"}}"#).unwrap();
        assert_eq!(told.special, Special::Like(Weekday::Sunday));
        assert_eq!(serde_json::to_string(&told).unwrap(), r#"{"name":"Easter","special":{"like":"sunday"}}"#);
        let why = serde_json::from_str::<SpecialDay>(r#"{"name":"Easter","special":{"like":"sonntag"}}"#);
        assert!(why.unwrap_err().to_string().contains("\"sonntag\" is no weekday"));
    }

    #[test] // B7
    fn is_told_by_region_and_by_day_and_kept_as_it_was_told() {
        let told = r#"{"zone":"Europe/Berlin","holidays":[{"region":"DE-BY","special":{"like":"sunday"}}],
            "days":{"2026-02-17":{"name":"Carnival","special":"unlike"}}}"#;
        let days: SpecialDays = serde_json::from_str(told).unwrap();
        let at = |time: &str| days.at(time.parse().unwrap()).map(|(_, day)| day.name.clone());
        assert_eq!(at("2026-01-06T11:00Z").as_deref(), Some("Epiphany"));
        assert_eq!(at("2026-02-16T23:30Z").as_deref(), Some("Carnival"), "it is past midnight in Berlin");
        assert_eq!(at("2026-02-17T23:30Z"), None);
        let again = serde_json::to_string(&days).unwrap();
        assert!(again.len() < 250, "{again}");
        assert_eq!(serde_json::from_str::<SpecialDays>(&again).unwrap(), days);
        let why = serde_json::from_str::<SpecialDays>(&told.replace("DE-BY", "DE-XY")).unwrap_err();
        assert!(why.to_string().contains("DE has no region"), "{why}");
    }

    #[test]
    fn leaves_special_days_out_from_midnight_to_midnight() {
        let mut special = SpecialDays::new(TimeZone::get("Europe/Berlin").unwrap());
        special.add(Date::constant(2026, 3, 29), "clocks go forward", Special::Unlike);
        let grid = Grid::new("2026-03-17T22:00:00Z".parse().unwrap(), 3_600, 24 * 14);
        let spans = special.exclusions(grid);
        assert_eq!(spans.len(), 1);
        assert_eq!(spans[0].from().to_string(), "2026-03-28T23:00:00Z");
        assert_eq!(spans[0].until().to_string(), "2026-03-29T22:00:00Z");
    }
}
