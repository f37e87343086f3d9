use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Size;

/// The fleet as last seen. Never corrected by wishes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sighting {
    /// When it was seen.
    pub at: Timestamp,
    /// How many servers the actuator has been told to keep: replicas, desired capacity. Includes what still boots.
    pub ordered: Size,
    /// How many of them serve.
    pub serving: Size,
    /// The servers one by one, where the actuator knows them; those of fleets that are anonymous are not listed.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// Whether the whole fleet was seen: every page read, every region answered.
    pub complete: bool,
    /// Somebody else who changes the size, if one was caught.
    #[serde(default)]
    pub foreign: Option<String>,
    /// What else of the fleet is worth telling, in sentences: what keeps it from doing what it is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub says: Vec<String>,
}

impl Sighting {
    /// An anonymous fleet of which `serving` of the `ordered` servers serve.
    pub fn of(at: Timestamp, ordered: Size, serving: Size) -> Self {
        Self { at, ordered, serving, nodes: Vec::new(), complete: true, foreign: None, says: Vec::new() }
    }
}

/// What a server is called by its actuator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeName(pub String);

impl std::fmt::Display for NodeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// What it is doing.
    pub phase: Phase,
    /// When it was launched.
    pub launched: Timestamp,
    /// When it first served, once it has.
    #[serde(default)]
    pub ready: Option<Timestamp>,
    /// The sessions on it. None: not known, which is not none.
    #[serde(default)]
    pub sessions: Option<Sessions>,
}

/// How many sessions a server holds, and who says so since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sessions {
    /// How many.
    pub count: u32,
    /// When they were counted.
    pub at: Timestamp,
    /// Since when the count has been zero without a break, if it is zero.
    #[serde(default)]
    pub empty_since: Option<Timestamp>,
}

/// What a server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Phase {
    /// Launched, not serving yet.
    Booting,
    /// Serving.
    Serving,
    /// Gets no new sessions; goes when its last one has ended.
    Draining {
        /// Since when.
        since: Timestamp,
    },
    /// Exists, but has not been heard of: neither counted as capacity nor taken for empty.
    Silent {
        /// Since when.
        since: Timestamp,
    },
}
