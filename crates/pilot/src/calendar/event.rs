use std::fmt;
use std::str::FromStr;

use croner::{Cron, Direction};
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use serde::{Deserialize, Serialize};

use super::{Recurrence, instant};
use crate::{Change, Override, Span};

/// Something that decrees the same each time it occurs: every Friday evening, each last of a month, at kick-off.
///
/// ```
/// use tidecast_pilot::{Change, Size, Span, calendar::{Ends, Event, Schedule}};
/// let friday = Event {
///     id: "quiz".into(),
///     schedule: Schedule::Cron("0 20 * * FRI".parse().unwrap()),
///     ends: Ends::After("2h".parse().unwrap()),
///     zone: jiff::tz::TimeZone::get("America/New_York").unwrap(),
///     change: Change::Floor(Size(80)),
///     author: "mara".into(),
///     reason: "pub quiz".into(),
/// };
/// let march = Span::new("2026-03-01T00:00Z".parse().unwrap(), "2026-04-01T00:00Z".parse().unwrap()).unwrap();
/// let begins: Vec<_> = friday.occurrences(march).iter().map(|o| o.span.from().to_string()).collect();
/// // Clocks go forward on 8 March: eight in the evening comes an hour earlier.
/// assert_eq!(begins, ["2026-03-07T01:00:00Z", "2026-03-14T00:00:00Z", "2026-03-21T00:00:00Z", "2026-03-28T00:00:00Z"]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Event {
    /// By which it is named; each occurrence adds its beginning.
    pub id: String,
    /// When it begins.
    pub schedule: Schedule,
    /// When it ends.
    pub ends: Ends,
    /// On whose wall clock.
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub zone: TimeZone,
    /// What it decrees.
    pub change: Change,
    /// Who says so.
    pub author: String,
    /// And why.
    pub reason: String,
}

/// When an [`Event`] begins, on a wall clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Schedule {
    /// Once.
    Once(DateTime),
    /// Whenever a cron pattern matches.
    Cron(CronPattern),
    /// By a recurrence rule of iCalendar.
    Rule(Recurrence),
}

/// When an [`Event`] ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ends {
    /// After so much time, however often clocks are changed meanwhile.
    After(SignedDuration),
    /// So many days later, when the clock shows the same time.
    Days(u32),
    /// When the clock next shows this time: tomorrow, if the event begins later in the day (A14).
    At(Time),
}

/// A cron pattern of five fields, or six with seconds first. Invariant: it can be read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CronPattern {
    text: String,
    cron: Cron,
}

/// A cron pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is no cron pattern: {why}")]
pub struct BadPattern {
    /// What was written.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

/// No calendar needs more occurrences than this at once: a week of minutes.
const OCCURRENCES_MAX: usize = 10_080;

impl Event {
    /// The occurrences that meet `span`, as overrides that end by themselves; in order.
    pub fn occurrences(&self, span: Span) -> Vec<Override> {
        // One that began a day or its whole length earlier may still last.
        let reach = self.ends.at_most();
        let from = span.from().saturating_sub(reach).unwrap_or(span.from());
        let (from, until) = (self.clock(from), self.clock(span.until()));
        let mut spans: Vec<Span> =
            self.schedule.between(from, until).into_iter().filter_map(|begin| self.lasting(begin)).collect();
        spans.retain(|occurrence| occurrence.meets(&span));
        // Times that a clock skips all begin when it goes on.
        spans.sort_unstable();
        spans.dedup();
        spans.into_iter().map(|span| self.decree(span)).collect()
    }

    fn clock(&self, time: jiff::Timestamp) -> DateTime {
        time.to_zoned(self.zone.clone()).datetime()
    }

    /// The occurrence that begins at `begin`; none if a change of clocks leaves nothing of it.
    fn lasting(&self, begin: DateTime) -> Option<Span> {
        let from = instant(begin, &self.zone);
        match &self.ends {
            Ends::After(duration) => Some(Span::lasting(from, *duration)),
            Ends::Days(days) => {
                let end = begin.saturating_add(i64::from(*days).days());
                Span::new(from, instant(end, &self.zone)).ok()
            }
            Ends::At(time) => {
                let same_day = begin.date().to_datetime(*time);
                let end = if same_day > begin { same_day } else { same_day.saturating_add(1.day()) };
                Span::new(from, instant(end, &self.zone)).ok()
            }
        }
    }

    fn decree(&self, span: Span) -> Override {
        let Self { id, change, author, reason, .. } = self;
        Override {
            id: format!("{id}@{}", span.from()),
            span,
            change: *change,
            author: author.clone(),
            reason: reason.clone(),
        }
    }
}

impl Ends {
    fn at_most(&self) -> SignedDuration {
        let day = SignedDuration::from_hours(26);
        match self {
            Self::After(duration) => duration.saturating_add(day),
            Self::Days(days) => SignedDuration::from_hours(24 * i64::from(*days)).saturating_add(day),
            Self::At(_) => day + day,
        }
    }
}

impl Schedule {
    /// The beginnings from `from` until `until`, both on the wall clock.
    fn between(&self, from: DateTime, until: DateTime) -> Vec<DateTime> {
        match self {
            Self::Once(at) => Some(*at).filter(|at| (from..until).contains(at)).into_iter().collect(),
            Self::Cron(pattern) => pattern.between(from, until),
            Self::Rule(rule) => rule.between(from, until).take(OCCURRENCES_MAX).collect(),
        }
    }
}

impl CronPattern {
    fn between(&self, from: DateTime, until: DateTime) -> Vec<DateTime> {
        let mut found = Vec::new();
        let mut next = self.cron.find_next_occurrence(&from, true);
        while let Ok(at) = next
            && at < until
            && found.len() < OCCURRENCES_MAX
        {
            found.push(at);
            next = self
                .cron
                .iter_from(at, Direction::Forward)
                .nth(1)
                .ok_or(croner::errors::CronError::InvalidTime);
        }
        found
    }
}

impl FromStr for CronPattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let bad = |why: String| BadPattern { pattern: text.to_owned(), why };
        let cron = Cron::from_str(text).map_err(|why| bad(why.to_string()))?;
        // A pattern that never comes (30 February) is a mistake, and looking for it is slow.
        let start = DateTime::constant(2024, 1, 1, 0, 0, 0, 0);
        cron.find_next_occurrence(&start, true).map_err(|_| bad("it never matches any date".to_owned()))?;
        Ok(Self { text: text.to_owned(), cron })
    }
}

impl TryFrom<String> for CronPattern {
    type Error = BadPattern;

    fn try_from(text: String) -> Result<Self, BadPattern> {
        text.parse()
    }
}

impl From<CronPattern> for String {
    fn from(pattern: CronPattern) -> String {
        pattern.text
    }
}

impl fmt::Display for CronPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for CronPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::Size;

    fn event(schedule: Schedule, ends: Ends, zone: &str) -> Event {
        Event {
            id: "e".into(),
            schedule,
            ends,
            zone: TimeZone::get(zone).unwrap(),
            change: Change::Floor(Size(5)),
            author: "mara".into(),
            reason: "test".into(),
        }
    }

    fn span(from: &str, until: &str) -> Span {
        let at = |date: &str| format!("{date}:00Z").parse::<Timestamp>().unwrap();
        Span::new(at(from), at(until)).unwrap()
    }

    #[track_caller]
    fn check(event: &Event, within: Span, expected: &[(&str, &str)]) {
        let found: Vec<(String, String)> = event
            .occurrences(within)
            .iter()
            .map(|o| (o.span.from().to_string(), o.span.until().to_string()))
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(a, b)| (format!("{a}:00Z"), format!("{b}:00Z"))).collect();
        assert_eq!(found, expected);
    }

    fn cron(pattern: &str) -> Schedule {
        Schedule::Cron(pattern.parse().unwrap())
    }

    #[test] // A14
    fn wraps_midnight_on_days_of_23_and_of_25_hours() {
        let night = event(cron("0 22 * * *"), Ends::At(Time::constant(6, 0, 0, 0)), "America/New_York");
        check(
            &night,
            span("2026-03-07T12:00", "2026-03-09T12:00"),
            &[("2026-03-08T03:00", "2026-03-08T10:00"), ("2026-03-09T02:00", "2026-03-09T10:00")],
        );
        check(
            &night,
            span("2026-10-31T12:00", "2026-11-02T12:00"),
            &[("2026-11-01T02:00", "2026-11-01T11:00"), ("2026-11-02T03:00", "2026-11-02T11:00")],
        );
    }

    #[test] // A14
    fn happens_once_where_the_clock_skips_or_repeats_its_time() {
        let half_past_two =
            event(cron("30 2 * * *"), Ends::After(SignedDuration::from_hours(1)), "America/New_York");
        check(
            &half_past_two,
            span("2026-03-07T12:00", "2026-03-09T12:00"),
            &[("2026-03-08T07:00", "2026-03-08T08:00"), ("2026-03-09T06:30", "2026-03-09T07:30")],
        );
        let half_past_one =
            event(cron("30 1 * * *"), Ends::After(SignedDuration::from_hours(1)), "America/New_York");
        check(
            &half_past_one,
            span("2026-10-31T12:00", "2026-11-02T12:00"),
            &[("2026-11-01T05:30", "2026-11-01T06:30"), ("2026-11-02T06:30", "2026-11-02T07:30")],
        );
    }

    #[test]
    fn finds_what_began_before_and_still_lasts() {
        let long = event(cron("0 0 1 * *"), Ends::After(SignedDuration::from_hours(72)), "UTC");
        check(
            &long,
            span("2026-03-03T12:00", "2026-03-03T13:00"),
            &[("2026-03-01T00:00", "2026-03-04T00:00")],
        );
        check(&long, span("2026-03-04T00:00", "2026-03-05T00:00"), &[]);
    }

    #[test]
    fn leaves_out_what_a_change_of_clocks_leaves_nothing_of() {
        let skipped = event(cron("10 2 * * *"), Ends::At(Time::constant(2, 50, 0, 0)), "Europe/Berlin");
        check(&skipped, span("2026-03-29T00:00", "2026-03-30T00:00"), &[]);
    }

    #[test]
    fn refuses_patterns_that_cannot_be_read_or_never_come() {
        for (pattern, why) in [
            ("61 * * * *", "61 * * * *\" is no cron pattern"),
            ("0 0 30 2 *", "it never matches any date"),
            ("", "empty"),
        ] {
            let said = pattern.parse::<CronPattern>().unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn is_told_in_json_and_back() {
        let told = r#"{"id":"e","schedule":{"cron":"0 9 * * MON-FRI"},"ends":{"at":"17:30:00"},
            "zone":"Europe/Berlin","change":{"floor":7},"author":"mara","reason":"office hours"}"#;
        let event: Event = serde_json::from_str(told).unwrap();
        assert_eq!(event.ends, Ends::At(Time::constant(17, 30, 0, 0)));
        assert_eq!(serde_json::from_str::<Event>(&serde_json::to_string(&event).unwrap()).unwrap(), event);
    }

    /// Zones whose clocks change between 2020 and 2035, with the days on which they do.
    fn changes() -> Vec<(TimeZone, Timestamp)> {
        let (from, until): (Timestamp, Timestamp) =
            ("2020-01-01T00:00:00Z".parse().unwrap(), "2036-01-01T00:00:00Z".parse().unwrap());
        let zones = jiff::tz::db().available().map(|name| jiff::tz::db().get(name.as_str()).unwrap());
        zones
            .flat_map(|zone| {
                let times: Vec<_> = zone
                    .following(from)
                    .take_while(|t| t.timestamp() < until)
                    .map(|t| t.timestamp())
                    .collect();
                times.into_iter().map(move |at| (zone.clone(), at))
            })
            .collect()
    }

    #[test] // A14
    fn happens_once_a_day_in_all_zones_whenever_their_clocks_change() {
        let patterns =
            ["0 0 * * *", "30 0 * * *", "30 1 * * *", "0 2 * * *", "30 2 * * *", "0 3 * * *", "59 23 * * *"];
        let parsed: Vec<CronPattern> = patterns.iter().map(|p| p.parse().unwrap()).collect();
        let changes = changes();
        assert!(changes.len() > 5_000);
        // Every pattern in turn, so that each meets hundreds of changes of every kind.
        for (nth, (zone, at)) in changes.iter().enumerate() {
            let pattern = &parsed[nth % parsed.len()];
            let day = at.to_zoned(zone.clone()).datetime().date();
            let from = day.checked_sub(2.days()).unwrap().to_datetime(Time::midnight());
            let until = day.checked_add(3.days()).unwrap().to_datetime(Time::midnight());
            let begins: Vec<Timestamp> =
                pattern.between(from, until).into_iter().map(|civil| instant(civil, zone)).collect();
            assert_eq!(begins.len(), 5, "{pattern} in {zone:?} around {at}");
            let offset = |time: Timestamp| zone.to_offset(time).seconds();
            let shift = (offset(*at) - offset(*at - SignedDuration::from_secs(1))).unsigned_abs();
            for pair in begins.windows(2) {
                let off = (pair[1].duration_since(pair[0]) - SignedDuration::from_hours(24)).abs();
                assert!(off <= SignedDuration::from_secs(shift.into()), "{pattern} in {zone:?}: {pair:?}");
            }
        }
    }
}
