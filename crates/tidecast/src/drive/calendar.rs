use std::sync::{Arc, Mutex};

use croner::Cron;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Change, Override, Span};

/// What is known beforehand about one workload, as overrides of the days around now.
///
/// Times are civil: an event at eight begins at eight on the clock of its zone, on the days when the clocks change too. What
/// would begin in the hour that is skipped begins when that hour is over.
#[derive(Debug, Default)]
pub struct Calendar {
    events: Vec<Event>,
    looked_up: Mutex<Option<(Timestamp, Arc<[Override]>)>>,
}

/// Something that comes once or again and again.
#[derive(Debug, Clone)]
pub struct Event {
    /// By which its overrides are named; each also by the time when it begins.
    pub id: String,
    /// When it begins.
    pub when: When,
    /// Whose clock counts.
    pub zone: TimeZone,
    /// How long it lasts.
    pub lasts: SignedDuration,
    /// What it changes.
    pub changes: Vec<Change>,
    /// Why.
    pub reason: String,
}

/// When an event begins.
#[derive(Debug, Clone)]
pub enum When {
    /// Once.
    Once(DateTime),
    /// Again and again.
    Cron(Box<Cron>),
}

/// How far ahead events are looked up: as far as a plan may reach, and a little more.
const AHEAD: SignedDuration = SignedDuration::from_hours(54);
/// For how long the answer is good.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);
/// The most occurrences of one event at a time.
const OCCURRENCES_MAX: usize = 1_000;

impl Calendar {
    /// The calendar of these events.
    pub fn new(events: Vec<Event>) -> Self {
        Self { events, looked_up: Mutex::default() }
    }

    /// The overrides that hold now, or will within the next two days.
    pub fn due(&self, now: Timestamp) -> Vec<Override> {
        if self.events.is_empty() {
            return Vec::new();
        }
        let mut known = self.looked_up.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let good = |at: Timestamp| at <= now && now.duration_since(at) < GOOD_FOR;
        if known.as_ref().is_none_or(|(at, _)| !good(*at)) {
            *known = Some((now, self.events.iter().flat_map(|event| event.around(now)).collect()));
        }
        known.iter().flat_map(|(_, overrides)| overrides.iter().cloned()).collect()
    }
}

impl Event {
    fn around(&self, now: Timestamp) -> Vec<Override> {
        let first = now.saturating_sub(self.lasts).unwrap_or(Timestamp::MIN);
        let last = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        let begins = match &self.when {
            When::Once(at) => at.to_zoned(self.zone.clone()).map(|at| at.timestamp()).into_iter().collect(),
            When::Cron(cron) => self.occurrences(cron, first, last),
        };
        let holds = |begin: &Timestamp| *begin > first && *begin <= last;
        begins.into_iter().filter(holds).flat_map(|begin| self.overrides(begin)).collect()
    }

    fn occurrences(&self, cron: &Cron, first: Timestamp, last: Timestamp) -> Vec<Timestamp> {
        let (mut from, mut found) = (first.to_zoned(self.zone.clone()), Vec::new());
        while found.len() < OCCURRENCES_MAX
            && let Ok(next) = cron.find_next_occurrence(&from, false)
            && next.timestamp() <= last
            && next.timestamp() > from.timestamp()
        {
            found.push(next.timestamp());
            from = next;
        }
        found
    }

    fn overrides(&self, begin: Timestamp) -> Vec<Override> {
        let one = |(i, change): (usize, &Change)| Override {
            id: format!("{}/{begin}/{i}", self.id),
            span: Span::lasting(begin, self.lasts),
            change: *change,
            author: "the calendar".into(),
            reason: self.reason.clone(),
        };
        self.changes.iter().enumerate().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use croner::parser::CronParser;
    use tidecast_pilot::Size;

    use super::*;

    fn event(when: When, hours: i64) -> Event {
        Event {
            id: "calendar-0".into(),
            when,
            zone: TimeZone::get("America/New_York").unwrap(),
            lasts: SignedDuration::from_hours(hours),
            changes: vec![Change::Floor(Size(9))],
            reason: "sale".into(),
        }
    }

    #[track_caller]
    fn check(event: Event, now: &str, begins: &[&str]) {
        let due = Calendar::new(vec![event]).due(now.parse().unwrap());
        let spans: Vec<String> = due.iter().map(|decree| decree.span.from().to_string()).collect();
        assert_eq!(spans, begins, "at {now}");
    }

    #[test] // A14, B7
    fn begins_on_the_clock_of_its_zone_also_when_the_clocks_change() {
        let morning = || When::Cron(Box::new(CronParser::new().parse("0 8 * * *").unwrap()));
        // The clocks go forward on 8 March 2026 in New York.
        let begins = ["2026-03-07T13:00:00Z", "2026-03-08T12:00:00Z", "2026-03-09T12:00:00Z"];
        check(event(morning(), 2), "2026-03-07T13:30:00Z", &begins);
        let skipped = || When::Cron(Box::new(CronParser::new().parse("30 2 8 3 *").unwrap()));
        let due = event(skipped(), 1).around("2026-03-08T00:00:00Z".parse().unwrap());
        assert_eq!(due.len(), 1, "once, though the wall clock never shows half past two: {due:?}");
    }

    #[test] // A14
    fn holds_over_midnight_and_ends_by_itself() {
        let late = When::Once("2026-12-31T22:00".parse().unwrap());
        check(event(late.clone(), 4), "2027-01-01T06:59:00Z", &["2027-01-01T03:00:00Z"]);
        check(event(late, 4), "2027-01-01T07:00:00Z", &[]);
    }

    #[test]
    fn keeps_its_names_from_turn_to_turn() {
        let calendar = Calendar::new(vec![event(When::Once("2026-06-01T08:00".parse().unwrap()), 2)]);
        let (before, later) = ("2026-06-01T11:00:00Z", "2026-06-01T13:30:00Z");
        assert_eq!(calendar.due(before.parse().unwrap()), calendar.due(later.parse().unwrap()));
    }
}
