use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Status;

/// A PredictiveScaler as the cluster has it. Its spec is not trusted: it is read like a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Where it lies.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// What tells it from another of the same name before or after it.
    pub uid: String,
    /// How often its spec has changed.
    pub generation: i64,
    /// When it was made; of two that want the same, the older one has it.
    pub created: Timestamp,
    /// What it asks for.
    pub spec: Value,
    /// What holds it back, if anything does.
    pub pause: Pause,
    /// What was written back last.
    pub status: Status,
}

/// What an annotation holds back, in the style of KEDA's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pause {
    /// Nothing.
    #[default]
    None,
    /// Scaling in: `tidecast.dev/paused-scale-in`.
    ScaleIn,
    /// Everything: `tidecast.dev/paused`.
    All,
}

/// The annotation that pauses everything.
pub const PAUSED: &str = "tidecast.dev/paused";
/// The annotation that pauses scaling in.
pub const PAUSED_SCALE_IN: &str = "tidecast.dev/paused-scale-in";

/// Which resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Where it lies.
    pub namespace: String,
    /// Its name there.
    pub name: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Resource {
    /// Reads an object; none if it is no object of a namespace with a name.
    pub fn read(object: &Value) -> Option<Self> {
        let metadata = &object["metadata"];
        let text = |key: &str| metadata[key].as_str().map(str::to_owned);
        Some(Self {
            namespace: text("namespace")?,
            name: text("name")?,
            uid: text("uid").unwrap_or_default(),
            generation: metadata["generation"].as_i64().unwrap_or(0),
            created: metadata["creationTimestamp"]
                .as_str()
                .and_then(|at| at.parse().ok())
                .unwrap_or(Timestamp::UNIX_EPOCH),
            spec: object["spec"].clone(),
            pause: Pause::told(&metadata["annotations"]),
            // What cannot be read was not written by this version, and is written anew.
            status: serde_json::from_value(object["status"].clone()).unwrap_or_default(),
        })
    }

    /// Which it is.
    pub fn key(&self) -> Key {
        Key { namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

impl Pause {
    fn told(annotations: &Value) -> Self {
        let set = |key: &str| annotations[key].as_str().is_some_and(|told| told != "false");
        match (set(PAUSED), set(PAUSED_SCALE_IN)) {
            (true, _) => Self::All,
            (false, true) => Self::ScaleIn,
            (false, false) => Self::None,
        }
    }
}
