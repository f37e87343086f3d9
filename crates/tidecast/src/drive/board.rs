use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Decision, WorkloadName};
use tokio::sync::{Notify, broadcast};

use super::{Drained, Turned};

/// What the turns have seen and decided, for everybody to read: the API, the metrics, the command line. Nobody waits
/// for a turn, and no turn waits for a reader.
#[derive(Debug)]
pub struct Board {
    seats: RwLock<BTreeMap<WorkloadName, Seat>>,
    nudges: Mutex<BTreeMap<WorkloadName, Arc<Notify>>>,
    late: Mutex<Late>,
    decreed: Arc<AtomicU64>,
    news: broadcast::Sender<News>,
}

/// Something about a workload that has just changed, for those who follow along.
#[derive(Debug, Clone)]
pub enum News {
    /// It was decided otherwise than the turn before.
    Decided(WorkloadName, Arc<Turned>),
    /// A turn could not be had, for another reason than the turn before.
    Troubled(WorkloadName, Timestamp, String),
}

/// How many news are held for readers who are slow; who is slower is told how many were missed.
const NEWS_MAX: usize = 1_024;

impl Default for Board {
    fn default() -> Self {
        Self {
            seats: RwLock::default(),
            nudges: Mutex::default(),
            late: Mutex::default(),
            decreed: Arc::default(),
            news: broadcast::Sender::new(NEWS_MAX),
        }
    }
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
    /// How servers that were being drained have gone.
    pub drained: Drained,
    /// What is told of it to whoever asks, made by the first who asks after a turn.
    pub told: Arc<OnceLock<Box<str>>>,
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
        self.read(|seats| seats.get(name).cloned())
    }

    /// The latest about all, by name.
    pub fn seats(&self) -> BTreeMap<WorkloadName, Seat> {
        self.read(BTreeMap::clone)
    }

    /// How late turns have begun so far.
    pub fn lateness(&self) -> Late {
        *self.late.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// How often somebody has decreed something; whoever decrees adds one.
    pub fn decreed(&self) -> &Arc<AtomicU64> {
        &self.decreed
    }

    /// Somebody has decreed something, for this workload or for all: it is heeded at once.
    pub fn heed(&self, workload: Option<&WorkloadName>) {
        self.decreed.fetch_add(1, Ordering::AcqRel);
        if let Some(nudge) = workload.and_then(|name| self.lock_nudges().get(name).cloned()) {
            nudge.notify_one();
        }
    }

    /// What changes from now on.
    pub fn follow(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// By which a workload is asked to take its turn at once.
    pub(super) fn nudges(&self, name: &WorkloadName) -> Arc<Notify> {
        self.lock_nudges().entry(name.clone()).or_default().clone()
    }

    fn lock_nudges(&self) -> std::sync::MutexGuard<'_, BTreeMap<WorkloadName, Arc<Notify>>> {
        self.nudges.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn show(&self, name: &WorkloadName, turned: Turned) {
        let before = self.seat(name).unwrap_or_default();
        if let Some(trouble) = &turned.trouble {
            self.tell_trouble(name, turned.at, trouble.to_string(), &before);
        }
        let turned = Arc::new(turned);
        let differs = match (&before.turned, &turned.decision) {
            (Some(known), Some(decision)) => known.decision.as_deref().is_none_or(|d| differ(d, decision)),
            (None, decision) => decision.is_some(),
            (_, None) => false,
        };
        if differs {
            tell(name, &turned);
            let _ = self.news.send(News::Decided(name.clone(), turned.clone()));
        }
        self.change(name, |seat| {
            let at = turned.at;
            seat.turns += 1;
            seat.drained.take_in(&turned);
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
                seat.turned = Some(turned);
            }
        });
    }

    fn tell_trouble(&self, name: &WorkloadName, at: Timestamp, trouble: String, before: &Seat) {
        if before.trouble.as_ref().is_none_or(|(_, known)| *known != trouble) {
            tracing::warn!(workload = %name, "the turn could not be had: {trouble}");
            let _ = self.news.send(News::Troubled(name.clone(), at, trouble));
        }
    }

    pub(super) fn note_trouble(&self, name: &WorkloadName, at: Timestamp, trouble: String) {
        self.tell_trouble(name, at, trouble.clone(), &self.seat(name).unwrap_or_default());
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
        self.lock_nudges().remove(name);
    }

    /// Reads without copying: for those who look at all.
    pub fn read<T>(&self, reader: impl FnOnce(&BTreeMap<WorkloadName, Seat>) -> T) -> T {
        reader(&self.seats.read().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    fn change(&self, name: &WorkloadName, change: impl FnOnce(&mut Seat)) {
        let mut seats = self.seats.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let seat = seats.entry(name.clone()).or_default();
        change(seat);
        seat.told = Arc::default();
    }

    /// What was told is made anew for all, as when the configuration has changed.
    pub(crate) fn tell_anew(&self) {
        let mut seats = self.seats.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        seats.values_mut().for_each(|seat| seat.told = Arc::default());
    }
}

/// Whether two decisions say something else, apart from the numbers in their reasons, which change all the time.
fn differ(a: &Decision, b: &Decision) -> bool {
    (a.size, a.wanted, a.because.code(), &a.commands) != (b.size, b.wanted, b.because.code(), &b.commands)
}

/// A line in the log.
fn tell(name: &WorkloadName, turned: &Turned) {
    let Some(decision) = &turned.decision else { return };
    let receipt = match &turned.receipt {
        Some(Ok(receipt)) => receipt.to_string(),
        Some(Err(trouble)) => format!("failed: {trouble}"),
        None => "not ours to carry out".to_owned(),
    };
    tracing::info!(
        workload = %name, turn = decision.turn, size = decision.size.get(), wanted = decision.wanted.get(),
        reason = decision.because.code(), commands = decision.commands.len(), outcome = receipt,
        "{}", decision.because
    );
}
