//! What recurs: events that decree something each time, and special days that behave like other days (S5.3, B7).
//!
//! A schedule is told on the wall clock of a place, so it is kept in civil time and becomes instants only at the end, by one
//! rule for all: a time that the clock skips is the instant at which it goes on; a time that the clock shows twice is the
//! first of the two. So what is due once a day happens once on every day, also on those of 23 and of 25 hours.
//!
//! Nothing here decides. Events become [`Override`](crate::Override)s for a span of time, special days become spans to be
//! left out of training and points that borrow their forecast.

mod alike;
mod event;
mod holidays;
mod ical;
mod recur;
mod wall;

pub use alike::{Special, SpecialDay, SpecialDays, forecast, mask};
pub use event::{BadPattern, CronPattern, Ends, Event, Schedule};
pub use holidays::{Holidays, NoSuchRegion};
pub use ical::{Entry, Unreadable, read};
pub use recur::{BadRule, Recurrence};
pub use wall::instant;
