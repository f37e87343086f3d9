use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::Menu;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::Instant;

use crate::source::BackFill;
use crate::store::{History, Shelf};
use crate::trouble::Trouble;

/// Where forecasts are made: a few at a time, beside the loop, so that a long fit delays no turn, and apart from those that
/// only go on, so that a thousand fits delay none of them. What is worked on there gives way to turns and answers, and it
/// may stay closed until all have had their first turn.
#[derive(Debug, Clone)]
pub struct Workshop {
    pub(super) history: Arc<History>,
    benches: Arc<Semaphore>,
    places: Arc<Semaphore>,
    studies: Arc<Semaphore>,
    fills: Arc<Semaphore>,
    open: Arc<watch::Sender<bool>>,
    pub(super) shelf: Option<Arc<Shelf>>,
    menu: Menu,
}

impl Workshop {
    /// A workshop in which so many models are fitted, and so many histories filled back, at once.
    pub fn new(history: Arc<History>, benches: usize, fills: usize) -> Self {
        let room = |count: usize| Arc::new(Semaphore::new(count.max(1)));
        let (benches, places, studies, fills) = (room(benches), room(1), room(1), room(fills));
        let open = Arc::new(watch::Sender::new(true));
        Self { history, benches, places, studies, fills, open, shelf: None, menu: Menu::Whole }
    }

    /// The same, where nothing begins until somebody [opens](Self::open) it.
    #[must_use]
    pub fn closed(self) -> Self {
        self.open.send_replace(false);
        self
    }

    /// From now on there is work.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    async fn opened(&self) {
        let opened = self.open.subscribe().wait_for(|open| *open).await.map(|open| *open);
        opened.expect("the workshop itself holds the other end");
    }

    /// The same, with fitted models on a shelf between two forecasts and not in memory, where each needs megabytes. A
    /// model for which there is no room is fitted anew for each forecast.
    #[must_use]
    pub fn with_shelf(self, shelf: Arc<Shelf>) -> Self {
        Self { shelf: Some(shelf), ..self }
    }

    /// The same, where only these ways to size are tried.
    #[must_use]
    pub fn trying(self, menu: Menu) -> Self {
        Self { menu, ..self }
    }

    pub(super) fn menu(&self) -> Menu {
        self.menu
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// A bench for what takes seconds, when one is free, and what time it is then.
    pub(super) async fn bench(&self, now: Timestamp) -> (OwnedSemaphorePermit, Timestamp) {
        let begin = Instant::now();
        self.opened().await;
        let bench = self.benches.clone().acquire_owned().await.expect("the workshop is never closed");
        (bench, after(now, begin))
    }

    /// A bench for what can wait longer than fits can: only one asks for it at a time, and so stands behind every fit that
    /// waits already.
    pub(super) async fn study(&self, now: Timestamp) -> (Study, Timestamp) {
        let begin = Instant::now();
        let turn = self.studies.clone().acquire_owned().await.expect("the workshop is never closed");
        let (bench, _) = self.bench(now).await;
        (Study { _turn: turn, _bench: bench }, after(now, begin))
    }

    /// A place for what takes milliseconds, when it is free.
    pub(super) async fn place(&self) -> OwnedSemaphorePermit {
        self.opened().await;
        self.places.clone().acquire_owned().await.expect("the workshop is never closed")
    }

    /// Fills a history back when it is its turn.
    pub(super) async fn fill(
        self,
        back_fill: BackFill,
        now: Timestamp,
        share: watch::Sender<f64>,
    ) -> Result<Filled, Trouble> {
        self.opened().await;
        let _place = self.fills.acquire().await.expect("the workshop is never closed");
        let mut first = None;
        let told = |progress: crate::source::Progress| {
            first.get_or_insert(progress.share);
            share.send_replace(progress.share);
        };
        back_fill.run(now, told).await?;
        let there = first.is_some_and(|share| share > ALL_BUT_NOTHING);
        Ok(if there { Filled::There } else { Filled::Grown })
    }
}

/// The right to work at a bench on what can wait.
#[derive(Debug)]
pub(super) struct Study {
    _turn: OwnedSemaphorePermit,
    _bench: OwnedSemaphorePermit,
}

/// What a back-fill has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// The history was there already, as after a restart.
    There,
    /// Much of it has come only now.
    Grown,
}

/// A history of which this share is there is not worth learning anew for the rest.
const ALL_BUT_NOTHING: f64 = 0.99;

/// The time, so long after it was `asked`, by whole minutes: what takes less is as if it had taken no time.
pub(super) fn after(asked: Timestamp, begin: Instant) -> Timestamp {
    let minutes = begin.elapsed().as_secs() / 60;
    asked.saturating_add(SignedDuration::from_mins(minutes as i64)).unwrap_or(asked)
}

/// Works in a thread of its own that gives way to turns and answers: it goes on even if nobody waits for it any more.
///
/// # Errors
/// [`Broken`] when the work panics, or no thread is to be had.
pub(crate) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Broken> {
    let (tell, told) = oneshot::channel();
    let yielding = move || {
        give_way();
        let done = catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Broken(said(&*panic)));
        let _ = tell.send(done); // nobody may be waiting any more
    };
    let thread = std::thread::Builder::new().name("workshop".into()).spawn(yielding);
    thread.map_err(|error| Broken(format!("no thread could be begun: {error}")))?;
    told.await.unwrap_or_else(|_| Err(Broken("its thread has gone".into())))
}

/// Work that has ended without a result, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.map_or_else(|| "it panicked".into(), |text| format!("it panicked: {text}"))
}

/// How much more than the turns' a thread of the workshop gives way: at 10 it gets a tenth of a processor that they want
/// whole.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// On Linux a thread has a priority of its own. Where it cannot be changed, the work is done as well.
#[cfg(target_os = "linux")]
fn give_way() {
    use rustix::process::{getpriority_process, setpriority_process};
    let given = getpriority_process(None).and_then(|ours| setpriority_process(None, (ours + NICE).min(19)));
    if let Err(error) = given {
        tracing::debug!("the workshop does not give way: {error}");
    }
}

/// Elsewhere only whole processes have one.
#[cfg(not(target_os = "linux"))]
fn give_way() {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn workshop(folder: &tempfile::TempDir) -> Workshop {
        Workshop::new(Arc::new(History::open(&folder.path().join("history.db")).unwrap()), 1, 1)
    }

    #[tokio::test]
    async fn says_what_came_of_the_work_or_how_it_broke() {
        assert_eq!(beside(|| 6 * 7).await, Ok(42));
        let broken = beside(|| assert!(std::hint::black_box(false), "a poor bench")).await.unwrap_err();
        assert_eq!(broken.to_string(), "it panicked: a poor bench");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn gives_way_to_the_threads_of_the_turns() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let ours = priority();
        assert_eq!(beside(priority).await, Ok((ours + NICE).min(19)));
        assert_eq!(priority(), ours);
    }

    #[tokio::test]
    async fn begins_nothing_until_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let workshop = workshop(&folder).closed();
        let soon = Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, workshop.place()).await.is_err());
        assert!(tokio::time::timeout(soon, workshop.bench(Timestamp::UNIX_EPOCH)).await.is_err());
        workshop.clone().open();
        let _place = workshop.place().await;
        let (_bench, now) = workshop.bench(Timestamp::UNIX_EPOCH).await;
        assert_eq!(now, Timestamp::UNIX_EPOCH);
    }

    #[tokio::test]
    async fn lets_fits_go_before_studies() {
        let folder = tempfile::tempdir().unwrap();
        let (workshop, order) = (workshop(&folder), Arc::new(std::sync::Mutex::new(Vec::new())));
        let first = workshop.bench(Timestamp::UNIX_EPOCH).await;
        let mut work = tokio::task::JoinSet::new();
        for name in ["study 1", "study 2", "fit 1", "fit 2"] {
            let (workshop, order) = (workshop.clone(), order.clone());
            work.spawn(async move {
                let _study = if name.starts_with("study") {
                    Ok(workshop.study(Timestamp::UNIX_EPOCH).await)
                } else {
                    Err(workshop.bench(Timestamp::UNIX_EPOCH).await)
                };
                order.lock().unwrap().push(name);
            });
            tokio::task::yield_now().await;
        }
        drop(first);
        work.join_all().await;
        assert_eq!(*order.lock().unwrap(), ["study 1", "fit 1", "fit 2", "study 2"]);
    }
}
