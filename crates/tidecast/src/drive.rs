//! The loop: look, decide, commit, carry out.
//!
//! Every workload has a task of its own, which takes a turn at its own moment of the interval. So a source that hangs
//! keeps only those waiting who ask it, and a workload whose turn panics is begun anew without the others noticing.
//! What a turn has seen and decided is on the [`Board`] for everybody to read.

mod allowance;
mod board;
mod calendar;
mod charge;
mod cuts;
mod drained;
mod flag;
mod forecaster;
mod job;
mod pace;
mod practice;
mod study;
mod workshop;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tidecast_pilot::WorkloadName;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use allowance::{Allowance, Taken, Together};
pub use board::{Board, Late, News, Seat};
pub use calendar::Agenda;
pub use charge::{Charge, Turned};
pub use drained::Drained;
pub use flag::{FLAG, Flag};
pub use forecaster::{Cadence, Forecaster};
pub use pace::Pace;
pub use workshop::Workshop;
pub(crate) use workshop::beside;

use crate::trouble::Trouble;

/// The time. The one line in tidecast that reads the clock; everything else is told.
#[expect(clippy::disallowed_methods, reason = "the one line that reads the clock")]
pub fn clock() -> Timestamp {
    Timestamp::now()
}

/// Makes a workload's charge, at the start and again if its turn has panicked.
pub type Recipe = Arc<dyn Fn() -> Result<Charge, Trouble> + Send + Sync>;

/// Drives any number of workloads until it is told to stop.
#[derive(Debug)]
pub struct Drive {
    pace: Pace,
    board: Arc<Board>,
    tasks: JoinSet<()>,
    stops: BTreeMap<WorkloadName, watch::Sender<Going>>,
}

/// Whether a workload's turns go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Going {
    /// They do.
    On,
    /// They end here, and somebody else goes on with them: its place on the board stays.
    Over,
    /// They end.
    Away,
}

impl Drive {
    /// Nothing to drive yet.
    pub fn new(pace: Pace, board: Arc<Board>) -> Self {
        Self { pace, board, tasks: JoinSet::new(), stops: BTreeMap::new() }
    }

    /// How those take their turns who are enlisted from now on.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// Begins to drive a workload; one of that name that is driven already is let go first.
    pub fn enlist(&mut self, name: WorkloadName, recipe: Recipe) {
        self.end(&name, Going::Over);
        let (stop, stopped) = watch::channel(Going::On);
        self.stops.insert(name.clone(), stop);
        self.tasks.spawn(attend(name, recipe, self.pace, self.board.clone(), stopped));
    }

    /// Lets a workload go once its turn is over. Its fleet stays as it is.
    pub fn dismiss(&mut self, name: &WorkloadName) {
        self.end(name, Going::Away);
    }

    fn end(&mut self, name: &WorkloadName, going: Going) {
        if let Some(stop) = self.stops.remove(name) {
            let _ = stop.send(going);
        }
        while self.tasks.try_join_next().is_some() {}
    }

    /// The workloads that are driven.
    pub fn workloads(&self) -> impl Iterator<Item = &WorkloadName> {
        self.stops.keys()
    }

    /// Lets all go: turns that are under way are finished, for as long as `patience` lasts.
    pub async fn stop(mut self, patience: Duration) {
        for stop in self.stops.values() {
            let _ = stop.send(Going::Over);
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

/// One workload's turns, each at its moment.
async fn attend(
    name: WorkloadName,
    recipe: Recipe,
    pace: Pace,
    board: Arc<Board>,
    mut stopped: watch::Receiver<Going>,
) {
    let mut charge: Option<Charge> = None;
    let mut due = pace.first(&name, clock());
    let nudge = board.nudges(&name);
    loop {
        let wait = Duration::try_from(due.duration_since(clock())).unwrap_or(Duration::ZERO);
        tokio::select! {
            _ = stopped.wait_for(|going| *going != Going::On) => break,
            () = nudge.notified() => {}
            () = tokio::time::sleep(wait) => board.note_lateness(clock().duration_since(due)),
        }
        let now = clock();
        charge = take_turn(&name, charge, &recipe, &board, now).await;
        due = pace.next(&name, clock());
    }
    if let Some(mut charge) = charge {
        charge.close(clock()).await;
    }
    if *stopped.borrow() == Going::Away {
        board.leave(&name);
    }
}

/// One turn in a task of its own, so that a panic ends the turn and nothing else; the charge, unless it is lost.
async fn take_turn(
    name: &WorkloadName,
    charge: Option<Charge>,
    recipe: &Recipe,
    board: &Board,
    now: Timestamp,
) -> Option<Charge> {
    let mut charge = match charge.map_or_else(|| recipe(), Ok) {
        Ok(charge) => charge,
        Err(trouble) => {
            board.note_trouble(name, now, trouble.to_string());
            return None;
        }
    };
    let turn = tokio::spawn(async move {
        let turned = charge.turn(now).await;
        (charge, turned)
    });
    match turn.await {
        Ok((charge, turned)) => {
            board.show(name, turned);
            Some(charge)
        }
        Err(error) => {
            board.note_trouble(name, now, format!("its turn did not end well and is begun anew: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
