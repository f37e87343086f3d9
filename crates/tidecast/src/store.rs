//! What must not be forgotten: a pluggable place for the ledger of turns and for what people have decreed (S3.4, S9.1).
//!
//! A [`Store`] holds the truth that replicas share; any store with a conditional write will do. The [`Sqlite`] store is
//! the default: one file, safe on the disk before anything is acknowledged, sealed so that damage is noticed. The
//! [`History`] of measurements is no truth but a copy, which each replica may keep for itself.

mod audit;
mod clerk;
mod database;
mod history;
mod ledger;
mod memory;
mod sealed;
mod shelf;
mod snapshot;
mod sqlite;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidecast_pilot::{Decision, Halt, Lessons, Override, WorkloadName};

pub use audit::{Draft, Entry, broken_link};
pub use history::{Asked, History, Pressed, RETENTION, settled};
pub use ledger::{Kept, Ledger};
pub use memory::Memory;
pub use shelf::{Label, Shelf, Shelved, purpose};
pub use snapshot::{Manifest, check, restore};
pub use sqlite::Sqlite;

use crate::source::Guard;
use crate::trouble::Trouble;

/// The memory that replicas share.
///
/// Everything that is acknowledged survives; what people write is in the audit log in the same moment.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// What is known about a workload; a ledger at turn 0 if nothing is. `before` is what whoever asks knows already: if no
    /// turn was committed since, its decision, lessons and guard stay, and only what is decreed is read.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be read, or is not what was written.
    async fn load(&self, workload: &WorkloadName, before: Option<&Ledger>) -> Result<Ledger, Trouble>;

    /// True if this was the next turn and is now stored: compare-and-swap.
    ///
    /// # Errors
    /// [`Trouble`] when nobody can say whether it is stored; it must then not be carried out.
    async fn commit(&self, workload: &WorkloadName, decision: &Decision) -> Result<bool, Trouble>;

    /// What came of carrying a turn out, as a sentence.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored.
    async fn carried_out(
        &self,
        workload: &WorkloadName,
        turn: u64,
        outcome: &str,
        at: Timestamp,
    ) -> Result<(), Trouble>;

    /// Keeps what was learned; the last word counts.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored.
    async fn learn(&self, workload: &WorkloadName, keepsake: Keepsake) -> Result<(), Trouble>;

    /// The latest turns that changed something, newest first, before a turn.
    ///
    /// # Errors
    /// [`Trouble`] when they cannot be read.
    async fn turns(&self, workload: &WorkloadName, before: u64, limit: usize) -> Result<Vec<Kept>, Trouble>;

    /// Stores what somebody decrees; one with the same id is replaced.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored.
    async fn decree(&self, scope: &Scope, decree: &Decree, at: Timestamp) -> Result<(), Trouble>;

    /// Ends a decree before its time; false if there is none of that id.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored.
    async fn withdraw(&self, id: &str, who: &str, why: &str, at: Timestamp) -> Result<bool, Trouble>;

    /// All decrees, those to come and those just over too.
    ///
    /// # Errors
    /// [`Trouble`] when they cannot be read.
    async fn decrees(&self) -> Result<Vec<(Scope, Decree)>, Trouble>;

    /// Adds to the audit log.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored; what it tells of must then not happen.
    async fn log(&self, draft: Draft) -> Result<Entry, Trouble>;

    /// Entries of the audit log after a sequence number, oldest first; of one workload, if one is named.
    ///
    /// # Errors
    /// [`Trouble`] when they cannot be read.
    async fn audit(
        &self,
        after: u64,
        limit: usize,
        workload: Option<&WorkloadName>,
    ) -> Result<Vec<Entry>, Trouble>;
}

/// Whom a decree concerns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// Every workload.
    All,
    /// This one.
    One(WorkloadName),
}

impl Scope {
    /// Whether `workload` is concerned.
    pub fn concerns(&self, workload: &WorkloadName) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == workload,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all workloads"),
            Self::One(workload) => workload.fmt(f),
        }
    }
}

/// What somebody decrees for a span of time, by which it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Decree {
    /// A floor, a ceiling, a throughput, ….
    Override(Override),
    /// A pause or a freeze.
    Halt {
        /// By which it is lifted.
        id: String,
        /// It.
        halt: Halt,
    },
}

impl Decree {
    /// By which it is named and withdrawn.
    pub fn id(&self) -> &str {
        match self {
            Self::Override(decree) => &decree.id,
            Self::Halt { id, .. } => id,
        }
    }

    fn author(&self) -> &str {
        match self {
            Self::Override(decree) => &decree.author,
            Self::Halt { halt, .. } => &halt.author,
        }
    }

    fn reason(&self) -> &str {
        match self {
            Self::Override(decree) => &decree.reason,
            Self::Halt { halt, .. } => &halt.reason,
        }
    }

    fn until(&self) -> Timestamp {
        match self {
            Self::Override(decree) => decree.span.until(),
            Self::Halt { halt, .. } => halt.span.until(),
        }
    }
}

/// Something learned about a workload.
#[derive(Debug, Clone, PartialEq)]
pub enum Keepsake {
    /// What the feedback loop learned.
    Lessons(Arc<Lessons>),
    /// What is usual for its source.
    Guard(Arc<Guard>),
}
