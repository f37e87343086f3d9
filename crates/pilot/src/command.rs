use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{NodeName, Size};

/// What a scaler is to do. Idempotent: it says where to arrive, not how far to go, so doing it twice does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "do", rename_all_fields = "camelCase")]
pub enum Command {
    /// Have at least so many servers ordered. Never lowers anything.
    Grow {
        /// How many.
        to: Size,
    },
    /// Have at most so many servers ordered, whichever go. For fleets whose servers are all alike.
    Shrink {
        /// How many.
        to: Size,
    },
    /// Give this server no new sessions.
    Drain {
        /// Which.
        node: NodeName,
    },
    /// Give this server sessions again.
    Restore {
        /// Which.
        node: NodeName,
    },
    /// End this server, after making sure once more that it is empty.
    Terminate {
        /// Which.
        node: NodeName,
    },
    /// End this server although sessions may still run on it: it has drained for longer than its deadline allows.
    Cut {
        /// Which.
        node: NodeName,
    },
}

impl Command {
    /// Whether it takes capacity away.
    pub fn takes_away(&self) -> bool {
        matches!(self, Self::Shrink { .. } | Self::Drain { .. } | Self::Terminate { .. } | Self::Cut { .. })
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grow { to } => write!(f, "grow to {to} servers"),
            Self::Shrink { to } => write!(f, "shrink to {to} servers"),
            Self::Drain { node } => write!(f, "drain {node}"),
            Self::Restore { node } => write!(f, "restore {node}"),
            Self::Terminate { node } => write!(f, "terminate {node}"),
            Self::Cut { node } => write!(f, "cut {node}"),
        }
    }
}
