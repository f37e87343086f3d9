//! The commands that ask a server that runs.

mod audit;
mod decree;
mod doctor;
mod drain;
#[cfg(feature = "kubernetes")]
mod permissions;
mod show;

pub(crate) use audit::Audit;
pub(crate) use decree::{Freeze, Override, Pause, Resume};
pub(crate) use doctor::Doctor;
pub(crate) use drain::Drain;
pub(crate) use show::{Describe, Get, Plan, explained, steps};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time on this machine's wall clock, as short as it can be understood today.
pub(crate) fn when(time: Timestamp) -> String {
    tidecast::explain::clock(time, &TimeZone::system())
}

/// The same without year and offset, for tables.
pub(crate) fn when_briefly(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%m-%d %H:%M").to_string()
}

/// The time. A command's own clock; nothing is decided by it.
pub(crate) fn now() -> Timestamp {
    tidecast::drive::clock()
}

/// How long ago, or how far ahead.
pub(crate) fn apart(time: Timestamp) -> String {
    super::figures::span(now().duration_since(time).as_secs().abs())
}
