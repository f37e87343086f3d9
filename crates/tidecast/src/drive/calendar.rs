use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::calendar::Calendar;
use tidecast_pilot::{Override, Span};

/// What the calendar decrees around now, looked up every few minutes and not every turn.
#[derive(Debug, Default)]
pub struct Agenda {
    calendar: Calendar,
    looked_up: Mutex<Option<(Timestamp, Arc<[Override]>)>>,
}

/// How far ahead it is looked up: as far as a plan may reach, and a little more.
const AHEAD: SignedDuration = SignedDuration::from_hours(54);
/// For how long the answer is good.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);

impl Agenda {
    /// The agenda by this calendar.
    pub fn new(calendar: Calendar) -> Self {
        Self { calendar, looked_up: Mutex::default() }
    }

    /// The overrides that hold now, or will within the next two days.
    pub fn due(&self, now: Timestamp) -> Vec<Override> {
        if self.calendar.events.is_empty() {
            return Vec::new();
        }
        let mut known = self.looked_up.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let good = |at: Timestamp| at <= now && now.duration_since(at) < GOOD_FOR;
        if known.as_ref().is_none_or(|(at, _)| !good(*at)) {
            *known = Some((now, self.calendar.decrees(Span::lasting(now, AHEAD)).collect()));
        }
        let known = known.iter().flat_map(|(_, overrides)| overrides.iter());
        known.filter(|decree| decree.span.until() > now).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use tidecast_pilot::calendar::{Ends, Event, Schedule};
    use tidecast_pilot::{Change, Size};

    use super::*;

    #[test] // B7, A14
    fn tells_the_same_from_turn_to_turn_until_it_is_over() {
        let event = Event {
            id: "calendar/0/0".into(),
            schedule: Schedule::Once("2026-12-31T22:00".parse().unwrap()),
            ends: Ends::After(SignedDuration::from_hours(4)),
            zone: TimeZone::get("America/New_York").unwrap(),
            change: Change::Floor(Size(9)),
            author: "the calendar".into(),
            reason: "New Year".into(),
        };
        let agenda = Agenda::new(Calendar { events: vec![event], ..Calendar::default() });
        let due = |at: &str| agenda.due(at.parse().unwrap());
        assert_eq!(due("2026-12-31T20:00:00Z").len(), 1);
        assert_eq!(due("2026-12-31T20:00:00Z"), due("2027-01-01T06:59:00Z"));
        assert_eq!(due("2027-01-01T07:00:00Z"), []);
        assert_eq!(due("2026-12-29T00:00:00Z"), []);
    }
}
