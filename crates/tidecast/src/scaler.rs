//! Who carries a decision out: a pluggable list (S6.1 to S6.3).

#[cfg(feature = "aws")]
mod asg;
#[cfg(feature = "aws")]
mod ec2;
mod asked;
mod command;
mod jitsi;
mod message;
mod persist;
mod seen;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
mod shown;
mod tally;
mod webhook;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use tidecast_pilot::{Decision, NodeName, Sighting};

#[cfg(feature = "aws")]
pub use asg::{Action as AsgAction, Asg};
pub use asked::{Answers, Asked, Opinion, Seen};
pub use command::{Command, Program};
#[cfg(feature = "aws")]
pub use ec2::{Ec2Fleet, Launch};
pub use jitsi::Jitsi;
pub use shown::Shown;
pub use tally::Tally;
pub use webhook::{Webhook, signature};

use crate::trouble::Trouble;

/// The hand that moves one fleet.
///
/// It gets the whole decision: one scaler shows it, one uploads its plan as scheduled actions, one executes its
/// commands.
#[async_trait]
pub trait Scaler: fmt::Debug + Send + Sync {
    /// What reasons and logs call it.
    fn name(&self) -> String;

    /// The fleet as it is at `now`; none if this scaler has no fleet to look at.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be looked at.
    async fn sight(&self, now: Timestamp) -> Result<Option<Sighting>, Trouble>;

    /// What the servers of the last [`Scaler::sight`] are called besides their names, where that is known: addresses and host
    /// names by which a source may speak of them.
    fn also_called(&self) -> BTreeMap<NodeName, Vec<String>> {
        BTreeMap::new()
    }

    /// Carries a committed decision out; doing it twice does nothing more. Refuses a turn older than the last it has
    /// carried out.
    ///
    /// # Errors
    /// [`Trouble`] when it is not, or not wholly, carried out. What has become of it shows in the next sighting.
    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble>;

    /// What [`Scaler::carry_out`] would send for this decision if mode and halts allowed it, a line each in the words of
    /// its target: `PATCH …/scale {"spec":{"replicas":12}}`. Empty: nothing would change.
    ///
    /// It asks nobody and changes nothing. A scaler whose lines depend on what stands there (an Auto Scaling group's
    /// scheduled actions, the floor of an HPA) keeps what its last [`Scaler::sight`] saw and compares with that.
    fn shows(&self, decision: &Decision) -> Vec<String> {
        decision.commands.iter().chain(&decision.withheld).map(ToString::to_string).collect()
    }
}

/// What came of carrying a decision out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// There was nothing to do but to show it.
    Shown,
    /// It was done, as the sentence says.
    Done(String),
    /// A newer turn has been carried out already.
    Overtaken {
        /// Its number.
        by: u64,
    },
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown => f.write_str("shown, not carried out"),
            Self::Done(said) => f.write_str(said),
            Self::Overtaken { by } => write!(f, "left alone: turn {by} has been carried out already"),
        }
    }
}
