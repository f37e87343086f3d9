//! The loop: look, decide, commit, carry out.
//!
//! Every workload has a task of its own, which takes a turn at its own moment of the interval. So a source that hangs
//! keeps only those waiting who ask it, and a workload whose turn panics is begun anew without the others noticing.
//! What a turn has seen and decided is on the [`Board`] for everybody to read.

mod board;
mod charge;
mod forecaster;
mod pace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tidecast_pilot::WorkloadName;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use board::{Board, Late, Seat};
pub use charge::{Charge, Turned};
pub use forecaster::{Cadence, Forecaster, Workshop};
pub use pace::Pace;

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
    stops: BTreeMap<WorkloadName, watch::Sender<bool>>,
}

impl Drive {
    /// Nothing to drive yet.
    pub fn new(pace: Pace, board: Arc<Board>) -> Self {
        Self { pace, board, tasks: JoinSet::new(), stops: BTreeMap::new() }
    }

    /// Begins to drive a workload; one of that name that is driven already is let go first.
    pub fn enlist(&mut self, name: WorkloadName, recipe: Recipe) {
        self.dismiss(&name);
        let (stop, stopped) = watch::channel(false);
        self.stops.insert(name.clone(), stop);
        self.tasks.spawn(attend(name, recipe, self.pace, self.board.clone(), stopped));
    }

    /// Lets a workload go once its turn is over. Its fleet stays as it is.
    pub fn dismiss(&mut self, name: &WorkloadName) {
        if let Some(stop) = self.stops.remove(name) {
            let _ = stop.send(true);
        }
    }

    /// The workloads that are driven.
    pub fn workloads(&self) -> impl Iterator<Item = &WorkloadName> {
        self.stops.keys()
    }

    /// Lets all go: turns that are under way are finished, for as long as `patience` lasts.
    pub async fn stop(mut self, patience: Duration) {
        for stop in self.stops.values() {
            let _ = stop.send(true);
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
    mut stopped: watch::Receiver<bool>,
) {
    let mut charge: Option<Charge> = None;
    let mut due = pace.first(&name, clock());
    loop {
        let wait = Duration::try_from(due.duration_since(clock())).unwrap_or(Duration::ZERO);
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            () = tokio::time::sleep(wait) => {}
        }
        let now = clock();
        board.note_lateness(now.duration_since(due));
        charge = take_turn(&name, charge, &recipe, &board, now).await;
        due = pace.next(&name, clock());
    }
    if let Some(mut charge) = charge {
        charge.close(clock()).await;
    }
    board.leave(&name);
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
