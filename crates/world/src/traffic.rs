use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

use crate::chance::{Chance, Purpose};
use crate::{DAY, Trace};

/// Made traffic: a day's shape, a week's shape, growth, noise, and what happens on some days.
///
/// ```
/// use tidecast_world::Traffic;
/// let traffic = Traffic { days: 3, mean: 40.0, ..Traffic::default() };
/// let trace = traffic.generate("shop", 7);
/// assert_eq!(trace.minutes(), 3 * 1_440);
/// assert_eq!(trace, traffic.generate("shop", 7));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Traffic {
    /// Midnight of the first day, on the clock of `zone`.
    pub start: Timestamp,
    /// Where people live whose day this is.
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub zone: TimeZone,
    /// How many days.
    pub days: usize,
    /// Mean demand of a weekday in the first week.
    pub mean: f64,
    /// How far a day rises above its mean and falls below it, as a share of it.
    pub swing: f64,
    /// Demand of a weekend day, as a share of a weekday's.
    pub weekend: f64,
    /// Growth from one week to the next, as a share.
    pub growth: f64,
    /// Standard deviation of a minute, as a share of the mean level; grows with the root of the level.
    pub noise: f64,
    /// What happens beside.
    pub events: Vec<Event>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            start: Timestamp::from_second(1_767_571_200).expect("the first Monday of 2026 is a timestamp"),
            zone: TimeZone::UTC,
            days: 28,
            mean: 100.0,
            swing: 0.6,
            weekend: 0.7,
            growth: 0.0,
            noise: 0.03,
            events: Vec::new(),
        }
    }
}

/// A stretch of time in which demand is multiplied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Event {
    /// The first day on which it happens; day 0 is the trace's first.
    pub day: usize,
    /// When it begins.
    pub at: Time,
    /// How long it lasts.
    pub lasts: SignedDuration,
    /// What demand is multiplied with: 0 is an outage, 1.5 a retry storm.
    pub factor: f64,
    /// On which days it comes back.
    #[serde(default)]
    pub again: Again,
}

/// On which days an event comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Again {
    /// On none.
    #[default]
    Never,
    /// On each.
    Daily,
    /// From Monday to Friday.
    Workdays,
    /// On the same day of the week.
    Weekly,
}

impl Traffic {
    /// The demand of each minute; the same for the same seed.
    pub fn generate(&self, name: &str, seed: u64) -> Trace {
        let minutes = self.days * DAY;
        let mut demand: Vec<f64> = (0..minutes).map(|minute| self.expected(minute)).collect();
        let factors = self.factors(minutes);
        let mut noise = Noise::of(seed);
        for (value, factor) in demand.iter_mut().zip(factors) {
            let level = *value * factor;
            *value = (level + self.noise * noise.next() * (self.mean * level).sqrt()).max(0.0);
        }
        Trace::new(name, self.start, demand)
    }

    /// What a minute would have without noise and events.
    pub fn expected(&self, minute: usize) -> f64 {
        let civil = self.civil(minute);
        let day = f64::from(civil.hour()) / 24.0 + f64::from(civil.minute()) / 1_440.0;
        // Lowest before five in the morning, highest in the late afternoon, and a shoulder at noon.
        let shape =
            -(std::f64::consts::TAU * (day + 0.05)).cos() - 0.25 * (2.0 * std::f64::consts::TAU * day).cos();
        let weekend = matches!(civil.weekday(), Weekday::Saturday | Weekday::Sunday);
        let growth = (1.0 + self.growth).powf(minute as f64 / (7 * DAY) as f64);
        let level = self.mean * growth * if weekend { self.weekend } else { 1.0 };
        (level * (1.0 + self.swing * shape / 1.25)).max(0.0)
    }

    fn civil(&self, minute: usize) -> Zoned {
        let time = self.start.as_second() + 60 * minute as i64;
        Timestamp::from_second(time).unwrap_or(Timestamp::MAX).to_zoned(self.zone.clone())
    }

    fn factors(&self, minutes: usize) -> Vec<f64> {
        let mut factors = vec![1.0; minutes];
        for (event, day) in self.events.iter().flat_map(|e| (e.day..self.days).map(move |d| (e, d))) {
            if let Some(from) = self.begins(event, day) {
                let until = (from + event.lasts.as_mins().max(0) as usize).min(minutes);
                factors[from.min(until)..until].iter_mut().for_each(|f| *f *= event.factor);
            }
        }
        factors
    }

    /// In which minute an event begins on this day, if it happens then.
    fn begins(&self, event: &Event, day: usize) -> Option<usize> {
        let first = self.start.to_zoned(self.zone.clone());
        let date = first.date().checked_add((day as i64).days()).ok()?;
        let happens = match event.again {
            Again::Never => day == event.day,
            Again::Daily => true,
            Again::Weekly => (day - event.day).is_multiple_of(7),
            Again::Workdays => !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday),
        };
        let at = date.to_datetime(event.at).to_zoned(self.zone.clone()).ok().filter(|_| happens)?;
        usize::try_from((at.timestamp().as_second() - self.start.as_second()) / 60).ok()
    }
}

/// Half of it drawn anew each minute, half of it remembered for about a quarter of an hour.
struct Noise {
    chance: Chance,
    slow: f64,
}

impl Noise {
    fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed, Purpose::Noise);
        let slow = chance.normal();
        Self { chance, slow }
    }

    fn next(&mut self) -> f64 {
        let keep: f64 = 0.935;
        self.slow = keep * self.slow + (1.0 - keep * keep).sqrt() * self.chance.normal();
        std::f64::consts::FRAC_1_SQRT_2 * (self.slow + self.chance.normal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Traffic {
        Traffic { noise: 0.0, days: 21, ..Traffic::default() }
    }

    fn event(day: usize, factor: f64, again: Again) -> Event {
        Event { day, at: Time::constant(10, 0, 0, 0), lasts: SignedDuration::from_mins(20), factor, again }
    }

    #[test]
    fn grows_from_week_to_week() {
        let trace = Traffic { growth: 0.05, ..quiet() }.generate("", 1);
        let week = |w: usize| trace.demand()[w * 7 * DAY..(w + 1) * 7 * DAY].iter().sum::<f64>();
        assert!((week(1) / week(0) - 1.05).abs() < 1e-9);
        assert!((week(2) / week(0) - 1.1025).abs() < 1e-9);
    }

    #[test]
    fn goes_silent_and_storms_only_when_told_to() {
        let events = vec![event(3, 0.0, Again::Never), event(5, 3.0, Again::Workdays)];
        let (with, without) = (Traffic { events, ..quiet() }.generate("", 1), quiet().generate("", 1));
        let ratio = |day: usize, minute: usize| {
            let at = day * DAY + 600 + minute;
            with.demand()[at] / without.demand()[at]
        };
        assert_eq!([ratio(3, 0), ratio(3, 19), ratio(3, 20), ratio(4, 0)], [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(
            [ratio(5, 0), ratio(6, 0), ratio(7, 0), ratio(8, 19)],
            [1.0, 1.0, 3.0, 3.0],
            "5 and 6 are a weekend"
        );
    }

    #[test] // A14
    fn keeps_to_the_clock_on_the_wall_when_it_is_changed() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let start = "2026-03-07T05:00:00Z".parse().unwrap();
        let traffic = Traffic { zone, start, weekend: 1.0, days: 3, noise: 0.0, ..Traffic::default() };
        let (saturday, monday) = (12 * 60, (24 + 23 + 12) * 60);
        assert!((traffic.expected(saturday) - traffic.expected(monday)).abs() < 1e-9);
    }
}
