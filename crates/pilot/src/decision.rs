use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Command, Limit, Note, Plan, Reason, Size, Vigil};

/// One turn, decided: where the fleet is to arrive now, what is planned, and why.
#[must_use = "a decision that is not committed and carried out changes nothing"]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    /// The number of the turn; a scaler refuses an older one than the last it carried out.
    pub turn: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// Where the fleet is to arrive now, after everything that holds it back. Where nothing justifies a change, it is
    /// what stands there.
    pub size: Size,
    /// What would be wanted if nothing about the fleet held it back.
    pub wanted: Size,
    /// What makes the wanted size necessary.
    pub because: Reason,
    /// What cut it, and what keeps the fleet from it.
    pub limits: Vec<Limit>,
    /// What is planned from now on.
    pub plan: Arc<Plan>,
    /// What is to be carried out.
    pub commands: Vec<Command>,
    /// What would be carried out if mode and halts allowed it.
    pub withheld: Vec<Command>,
    /// How much of all that the actuator may do of itself, such as carry the plan out while nobody watches.
    #[serde(default)]
    pub allowed: Allowed,
    /// What else is worth telling.
    pub notes: Vec<Note>,
    /// Changes ordered lately, for budget, ramp and cool-down: they survive restarts with the ledger.
    pub moves: Vec<Move>,
    /// What else the turns to come must know: launches that do not come up, a clock that jumped.
    #[serde(default)]
    pub vigil: Vigil,
}

/// How much an actuator may do of itself on the strength of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Allowed {
    /// Nothing: mode, halts or a foreign writer withhold everything.
    #[default]
    Nothing,
    /// Growing: something speaks against taking servers away just now.
    Growing,
    /// Growing and taking away.
    Everything,
}

/// A change of size that was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Move {
    /// When.
    pub at: Timestamp,
    /// From how many servers.
    pub from: Size,
    /// To how many.
    pub to: Size,
}
