use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::word::{Deadline, Duration};

/// How servers with sessions on them (calls, games, streams) are emptied before they go. With this section no server is ended
/// before it is known to be empty, and without it servers are all alike and may go at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Drain {
    /// How many sessions a server holds, asked of the source of the demand: `$node` stands for the name of a server, such as
    /// `sfu_sessions{node="$node"}`. One request tells it of all of them. It may be left out where Pods tell their sessions
    /// themselves, in the annotations `tidecast.dev/sessions` and `tidecast.dev/sessions-at`.
    #[schemars(example = &"sfu_sessions{node=\"$node\"}")]
    pub sessions: Option<String>,
    /// Which servers are drained first; empty ones come before all others.
    pub order: DrainOrder,
    /// How long a server may drain before it is ended even though sessions run on it, from 1m to 30d, or `never`.
    pub deadline: Deadline,
    /// How long a drained server must have been empty without a break before it is ended, from 30s to 1d.
    pub cooling: Duration,
    /// How old a count of sessions may be when a server is ended by it, from 10s to 1h: more than the interval at which it is
    /// scraped.
    pub fresh_for: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            sessions: None,
            order: DrainOrder::OldestFirst,
            deadline: Deadline::Never,
            cooling: Duration::seconds(300),
            fresh_for: Duration::seconds(90),
        }
    }
}

/// Which servers are drained first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum DrainOrder {
    /// Those launched first: their sessions have lived longest, and so end first.
    #[default]
    OldestFirst,
    /// Those with the fewest sessions.
    FewestFirst,
}
