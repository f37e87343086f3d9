use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidecast_pilot::{Decision, Halt, Lessons, Override};

use crate::source::Guard;

/// What is known about one workload when a turn begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// The number of the last turn committed; 0 before the first. After a restore it is ahead of `last`, so that no
    /// number is given twice.
    pub turn: u64,
    /// The last decision committed.
    pub last: Option<Arc<Decision>>,
    /// What was learned.
    pub lessons: Lessons,
    /// What is usual for its source.
    pub guard: Guard,
    /// Decrees that concern it, those to come and those just over too.
    pub overrides: Vec<Override>,
    /// Pauses and freezes that concern it.
    pub halts: Vec<Halt>,
}

/// A decision that changed something, kept to be asked about; without its plan, which is kept only while it is in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The decision.
    pub decision: Arc<Decision>,
    /// What came of carrying it out, if that was told.
    pub outcome: Option<String>,
}

/// Whether two decisions in a row say the same: the same sizes for the same kinds of reason, and nothing to do.
/// Numbers inside the reasons change all the time, and are not what one looks for later.
pub(super) fn gist(decision: &Decision) -> String {
    let Decision { size, wanted, because, limits, withheld, notes, commands, .. } = decision;
    let limits: Vec<_> = limits.iter().map(|limit| limit.code()).collect();
    let notes: Vec<_> = notes.iter().map(|note| note.code()).collect();
    format!("{size:?} {wanted:?} {} {limits:?} {notes:?} {withheld:?} {commands:?}", because.code())
}
