//! Times as files write them: ISO 8601 with or without a zone, or seconds since 1970 and their fractions.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Reads the times of one file, which agree on a unit and on a zone.
pub(super) struct Clock {
    zone: TimeZone,
    unit: Option<Unit>,
    last: Option<Timestamp>,
    /// How many times had no zone and were read in the file's.
    pub civil: usize,
    /// How many of them the zone has twice, or not at all, because its clocks were changed.
    pub doubtful: usize,
}

/// What a bare number counts since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

/// Why a time cannot be read.
#[derive(Debug, PartialEq)]
pub(super) struct NoTime {
    /// What is wrong with it.
    pub what: String,
    /// What would be right.
    pub help: String,
}

impl Clock {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { zone, unit: None, last: None, civil: 0, doubtful: 0 }
    }

    /// The unit of the file's numbers, once one was seen.
    pub(super) fn unit(&self) -> Option<Unit> {
        self.unit
    }

    /// The time that `text` says.
    pub(super) fn read(&mut self, text: &str) -> Result<Timestamp, NoTime> {
        let time = match epoch(text) {
            Some(count) => self.counted(text, count)?,
            None => self.written(text)?,
        };
        self.last = Some(time);
        Ok(time)
    }

    fn counted(&mut self, text: &str, count: f64) -> Result<Timestamp, NoTime> {
        let unit = *self.unit.get_or_insert(Unit::of(count));
        if Unit::of(count) != unit && count.abs() > 1e8 {
            let what = format!("{text:?} would be {}, but the rows before count {unit}", Unit::of(count));
            return Err(NoTime { what, help: "write all times in one unit".into() });
        }
        let seconds = count / unit.per_second();
        SignedDuration::try_from_secs_f64(seconds)
            .and_then(Timestamp::from_duration)
            .map_err(|_| NoTime { what: format!("{text:?} lies outside the calendar"), help: advice(text) })
    }

    fn written(&mut self, text: &str) -> Result<Timestamp, NoTime> {
        let in_utc = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT"));
        if let Some(time) = in_utc.and_then(|t| format!("{t}Z").parse().ok()) {
            return Ok(time);
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(time);
        }
        let civil: DateTime = text
            .parse()
            .map_err(|_| NoTime { what: format!("{text:?} is not a time"), help: advice(text) })?;
        self.civil += 1;
        self.placed(civil)
            .ok_or_else(|| NoTime { what: format!("{text:?} lies outside the calendar"), help: advice(text) })
    }

    /// The instant of a wall clock's time. Of an hour that comes twice, the rows decide by their order.
    fn placed(&mut self, civil: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(civil);
        if matches!(ambiguous.offset(), AmbiguousOffset::Unambiguous { .. }) {
            return ambiguous.compatible().ok();
        }
        self.doubtful += 1;
        let earlier = ambiguous.compatible().ok()?;
        let in_fold = matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. });
        let passed = self.last.is_some_and(|last| last >= earlier);
        if in_fold && passed { ambiguous.later().ok() } else { Some(earlier) }
    }
}

impl Unit {
    /// The unit in which `count` is a time of this age: seconds reach 10¹¹ in the year 5138.
    fn of(count: f64) -> Self {
        match count.abs() {
            c if c < 1e11 => Self::Seconds,
            c if c < 1e14 => Self::Milliseconds,
            c if c < 1e17 => Self::Microseconds,
            _ => Self::Nanoseconds,
        }
    }

    fn per_second(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Milliseconds => 1e3,
            Self::Microseconds => 1e6,
            Self::Nanoseconds => 1e9,
        }
    }
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        })
    }
}

/// Whether `text` looks like a time at all: what tells a row from a header.
pub(super) fn looks_like_time(text: &str) -> bool {
    Clock::new(TimeZone::UTC).read(text).is_ok()
}

/// The number that `text` is. Eight digits are a date without dashes, for no traffic is as old as 1973.
fn epoch(text: &str) -> Option<f64> {
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    let date = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    if !numeric || date { None } else { text.parse().ok() }
}

fn advice(text: &str) -> String {
    let turned = text.contains('/') || text.chars().filter(|c| *c == '.').count() == 2;
    if turned {
        "write the year first, so that day and month cannot be mixed up: 2026-03-01T14:05:00Z".into()
    } else {
        "write it as 2026-03-01T14:05:00Z, as 2026-03-01 14:05 (read in --zone), or as epoch seconds".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, text: &str, expected: &str) {
        let mut clock = Clock::new(TimeZone::get(zone).expect("a zone"));
        assert_eq!(clock.read(text).expect("a time").to_string(), expected, "{text} in {zone}");
    }

    #[test]
    fn reads_times_with_and_without_a_zone() {
        check("Europe/Berlin", "2026-03-01T14:05:00Z", "2026-03-01T14:05:00Z");
        check("Europe/Berlin", "2026-03-01T14:05:00+05:30", "2026-03-01T08:35:00Z");
        check("Europe/Berlin", "2026-03-01 14:05", "2026-03-01T13:05:00Z");
        check("Europe/Berlin", "2026-07-01", "2026-06-30T22:00:00Z");
        check("UTC", "20260301", "2026-03-01T00:00:00Z");
        check("Asia/Tokyo", "2026-03-01 14:05:00 UTC", "2026-03-01T14:05:00Z");
        check("UTC", "2026-03-01T14:05:00-05:00[America/New_York]", "2026-03-01T19:05:00Z");
    }

    #[test]
    fn reads_epochs_in_the_unit_of_their_size() {
        for text in ["1772373900", "1772373900000", "1772373900000000", "1772373900.0"] {
            check("UTC", text, "2026-03-01T14:05:00Z");
        }
        check("UTC", "1772373900.5", "2026-03-01T14:05:00.5Z");
    }

    #[test]
    fn refuses_a_change_of_unit_within_a_file() {
        let mut clock = Clock::new(TimeZone::UTC);
        clock.read("1772373900000").expect("milliseconds");
        let why = clock.read("1772373960").expect_err("seconds");
        assert!(why.what.contains("rows before count milliseconds"), "{}", why.what);
    }

    #[test] // A14, B7
    fn tells_the_two_hours_of_an_autumn_night_apart_by_their_order() {
        let mut clock = Clock::new(TimeZone::get("Europe/Berlin").expect("a zone"));
        let texts = ["2026-10-25 01:30", "2026-10-25 02:00", "2026-10-25 02:30", "2026-10-25 02:00"];
        let times = texts.map(|text| clock.read(text).expect("a time").as_second());
        assert_eq!([times[1] - times[0], times[2] - times[1], times[3] - times[2]], [1800; 3]);
        assert_eq!((clock.civil, clock.doubtful), (4, 3));
    }

    #[test] // B1
    fn says_what_would_be_right() {
        let mut clock = Clock::new(TimeZone::UTC);
        assert!(clock.read("03/01/2026 14:05").expect_err("turned").help.contains("year first"));
        assert!(clock.read("yesterday").expect_err("words").help.contains("epoch seconds"));
    }
}
