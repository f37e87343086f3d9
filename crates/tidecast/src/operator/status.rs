use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What tidecast has seen of the workload and decided for it. Written when it changes, and by nobody else.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The generation of the spec that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What the API, the metrics and the command line call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// What is scaled, in short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How far decisions are carried out: observe, scaleOutOnly or full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Replicas that the fleet had when it was last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<u32>,
    /// Where the fleet is to arrive now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<u32>,
    /// The code of why it is so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The next planned step, for people: by how many, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// The next planned step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// The error of forecasts of the last days, as a share of what was measured (WAPE).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<String>,
    /// What holds, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// A planned step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    /// From when.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How many replicas.
    pub replicas: u32,
    /// Why, in a sentence.
    pub because: String,
}

/// Something that holds, or does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Ready, DataFresh, ForecastReady, Acting, Limited, Paused or Conflict.
    #[serde(rename = "type")]
    #[schemars(rename = "type")]
    pub kind: String,
    /// True, False or Unknown.
    pub status: String,
    /// Why, in one word: a reason of tidecast, or the code of a mistake in the spec.
    pub reason: String,
    /// Why, in sentences.
    pub message: String,
    /// The generation of the spec that this is about.
    pub observed_generation: Option<i64>,
    /// When the status last became another.
    #[schemars(with = "String")]
    pub last_transition_time: Timestamp,
}

/// The conditions, in the order in which they are shown.
pub const CONDITIONS: [&str; 7] =
    ["Ready", "DataFresh", "ForecastReady", "Acting", "Limited", "Paused", "Conflict"];
