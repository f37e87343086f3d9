use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

/// The time that a cluster lives in.
pub(crate) struct Clock {
    began: Timestamp,
    real: Timestamp,
    speed: f64,
    /// What was added by hand.
    added: Mutex<SignedDuration>,
}

impl Clock {
    /// As on the wall.
    pub(crate) fn real() -> Self {
        Self::fast(1.0)
    }

    /// So many times as fast as on the wall, beginning now.
    pub(crate) fn fast(speed: f64) -> Self {
        Self { began: wall(), real: wall(), speed, added: Mutex::default() }
    }

    /// Standing at an instant until somebody moves it.
    pub(crate) fn still(at: Timestamp) -> Self {
        Self { began: at, real: wall(), speed: 0.0, added: Mutex::default() }
    }

    /// The instant that it shows.
    pub(crate) fn now(&self) -> Timestamp {
        let passed = wall().duration_since(self.real).as_secs_f64() * self.speed;
        let added = *self.added.lock().expect("no holder panics");
        self.began + SignedDuration::from_secs_f64(passed) + added
    }

    /// Moves it by hand.
    pub(crate) fn advance(&self, by: SignedDuration) {
        *self.added.lock().expect("no holder panics") += by;
    }
}

#[expect(clippy::disallowed_methods, reason = "real clients live in real time")]
fn wall() -> Timestamp {
    Timestamp::now()
}
