use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::WorkloadName;

use super::Turned;

/// What the turns have seen and decided, for everybody to read: the API, the metrics, the command line. Nobody waits
/// for a turn, and no turn waits for a reader.
#[derive(Debug, Default)]
pub struct Board {
    seats: RwLock<BTreeMap<WorkloadName, Seat>>,
    late: Mutex<Late>,
}

/// The latest about one workload.
#[derive(Debug, Clone, Default)]
pub struct Seat {
    /// Its last turn that was had.
    pub turned: Option<Arc<Turned>>,
    /// When a turn was last committed: the dead man's sign of life.
    pub committed_at: Option<Timestamp>,
    /// What kept the last turn from being had, and when.
    pub trouble: Option<(Timestamp, String)>,
    /// Turns since the start.
    pub turns: u64,
    /// Turns that somebody else had first.
    pub lost: u64,
    /// Turns that could not be had.
    pub failed: u64,
}

/// How late turns begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Late {
    /// How many, up to each of [`Late::BOUNDS_MS`], and the rest.
    pub buckets: [u64; Late::BOUNDS_MS.len() + 1],
    /// The sum of all, in milliseconds.
    pub sum_ms: u64,
}

impl Late {
    /// The buckets' upper ends.
    pub const BOUNDS_MS: [u64; 9] = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 30_000];

    /// How many turns there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn add(&mut self, late: SignedDuration) {
        let ms = u64::try_from(late.as_millis()).unwrap_or(0);
        self.buckets[Self::BOUNDS_MS.partition_point(|bound| *bound < ms)] += 1;
        self.sum_ms += ms;
    }
}

impl Board {
    /// The latest about a workload.
    pub fn seat(&self, name: &WorkloadName) -> Option<Seat> {
        self.seats().get(name).cloned()
    }

    /// The latest about all, by name.
    pub fn seats(&self) -> BTreeMap<WorkloadName, Seat> {
        self.seats.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// How late turns have begun so far.
    pub fn lateness(&self) -> Late {
        *self.late.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn show(&self, name: &WorkloadName, turned: Turned) {
        self.change(name, |seat| {
            let at = turned.at;
            seat.turns += 1;
            match (&turned.committed, &turned.trouble) {
                (_, Some(trouble)) => {
                    seat.failed += 1;
                    seat.trouble = Some((at, trouble.to_string()));
                }
                (true, None) => {
                    seat.committed_at = Some(at);
                    seat.trouble = None;
                }
                (false, None) => seat.lost += 1,
            }
            if turned.decision.is_some() {
                seat.turned = Some(Arc::new(turned));
            }
        });
    }

    pub(super) fn note_trouble(&self, name: &WorkloadName, at: Timestamp, trouble: String) {
        self.change(name, |seat| {
            seat.failed += 1;
            seat.trouble = Some((at, trouble));
        });
    }

    pub(super) fn note_lateness(&self, late: SignedDuration) {
        self.late.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).add(late);
    }

    pub(super) fn leave(&self, name: &WorkloadName) {
        self.seats.write().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(name);
    }

    fn change(&self, name: &WorkloadName, change: impl FnOnce(&mut Seat)) {
        let mut seats = self.seats.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        change(seats.entry(name.clone()).or_default());
    }
}
