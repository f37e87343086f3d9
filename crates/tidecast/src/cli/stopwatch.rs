//! How long something takes: the only clock that commands read, and only to tell people.

use std::time::{Duration, Instant};

/// Runs from when it was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// A running one.
    pub(crate) fn started() -> Self {
        Self(now())
    }

    /// How long it has been running.
    pub(crate) fn elapsed(&self) -> Duration {
        now() - self.0
    }
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch measures spans for people; no decision sees it")]
fn now() -> Instant {
    Instant::now()
}
