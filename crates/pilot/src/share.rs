use serde::{Deserialize, Serialize};

use crate::Size;

/// What all workloads together leave to this one for now (A10, F17): granted before the turn, so that a decision stays a
/// function of its briefing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Share {
    /// How many servers it may add in this turn.
    pub servers: Size,
    /// What that is its share of: whichever leaves less.
    pub of: Shared,
}

/// What is shared among all workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is", rename_all_fields = "camelCase")]
pub enum Shared {
    /// Launches in a minute.
    Launches {
        /// How many all together may make.
        per_minute: Size,
    },
    /// Servers at a time.
    Fleet {
        /// How many all together may have.
        max: Size,
    },
}

impl Share {
    /// The sentence, where `wanted` servers were wanted.
    pub(crate) fn tell(&self, wanted: Size) -> String {
        let Self { servers, of } = self;
        match of {
            Shared::Launches { per_minute } => format!(
                "{wanted} would be needed, but all workloads together launch at most {per_minute} servers a minute, and \
                 {servers} of these are its share now"
            ),
            Shared::Fleet { max } => format!(
                "{wanted} would be needed, but all workloads together have at most {max} servers, and {servers} more are \
                 its share now"
            ),
        }
    }
}
