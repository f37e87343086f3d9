//! What recurs: events that decree something each time, and special days that behave like other days (S5.3, B7).
//!
//! A schedule is told on the wall clock of a place, so it is kept in civil time and becomes instants only at the end, by one
//! rule for all: a time that the clock skips is the instant at which it goes on; a time that the clock shows twice is the
//! first of the two. So what is due once a day happens once on every day, also on those of 23 and of 25 hours.
//!
//! Nothing here decides. Events become [`Override`]s for a span of time, special days become spans to be left out of training
//! and points that borrow their forecast.

mod borrow;
mod event;
mod holidays;
mod ical;
mod recur;
mod special;
mod wall;

use serde::{Deserialize, Serialize};

use crate::{Override, Span};

pub use borrow::{WithSpecialDays, forecast, mask, without};
pub use event::{BadPattern, CronPattern, Ends, Event, Schedule};
pub use holidays::{Holidays, NoSuchRegion};
pub use ical::{Entry, Unreadable, read};
pub use recur::{BadRule, Recurrence};
pub use special::{Special, SpecialDay, SpecialDays};
pub use wall::instant;

/// What is known of a workload's days beforehand.
///
/// ```
/// use tidecast_pilot::calendar::{Calendar, Special};
/// let mut calendar = Calendar::default();
/// calendar.special.add_holidays("DE-BY", Special::Like(jiff::civil::Weekday::Sunday)).unwrap();
/// let epiphany = calendar.special.at("2026-01-06T12:00Z".parse().unwrap()).unwrap();
/// assert_eq!(epiphany.1.name, "Epiphany");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Calendar {
    /// What decrees something each time it occurs.
    pub events: Vec<Event>,
    /// Days that are not as their weekday lets one expect.
    pub special: SpecialDays,
}

impl Calendar {
    /// What its events decree within `span`.
    pub fn decrees(&self, span: Span) -> impl Iterator<Item = Override> + '_ {
        self.events.iter().flat_map(move |event| event.occurrences(span))
    }
}
