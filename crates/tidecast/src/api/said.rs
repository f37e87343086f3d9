//! What the API says, as types; the command line reads the same ones.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidecast_pilot::{Change, Halted};
use utoipa::ToSchema;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Paged<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Where the list goes on, for `after` or `before`; nothing at its end.
    pub next: Option<String>,
}

/// One workload at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// How far decisions are carried out: `observe`, `scaleOutOnly` or `full`.
    pub mode: String,
    /// What is scaled.
    #[schema(value_type = Object)]
    pub target: serde_json::Value,
    /// `starting`, `acting`, `observing`, `halted` or `troubled`.
    pub state: String,
    /// The bounds.
    pub min: u32,
    /// The bounds.
    pub max: u32,
    /// Servers that the fleet had when it was last looked at, if it can be.
    pub now: Option<u32>,
    /// Where the fleet is to arrive now.
    pub size: Option<u32>,
    /// What would be wanted if nothing held it back.
    pub wanted: Option<u32>,
    /// Why, in a sentence.
    pub because: Option<String>,
    /// The next planned step.
    pub next: Option<Step>,
    /// The newest measurement.
    pub demand: Option<Measured>,
    /// The unit of the demand, if it was said.
    pub unit: Option<String>,
    /// The forecast in use.
    pub forecast: Option<ForecastAge>,
    /// The share of the history that has been collected, 0 to 1.
    pub filled: f64,
    /// The last turn.
    pub turn: Option<u64>,
    /// When it was.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub turned_at: Option<Timestamp>,
    /// What holds, and why.
    pub conditions: Vec<Condition>,
}

/// Something that holds of a workload, or does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`, `DataFresh`, `ForecastReady`, `Acting`, `Limited` or `Halted`.
    pub kind: String,
    /// Whether it holds.
    pub holds: bool,
    /// Why, in a sentence.
    pub why: String,
}

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What.
    pub value: f64,
    /// The share of what was expected that was really seen; absent for what lies in the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
}

/// How old a forecast is, and who made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForecastAge {
    /// When it was issued.
    #[schema(value_type = String, format = DateTime)]
    pub issued: Timestamp,
    /// Who made it.
    pub model: String,
    /// Who stood in, and why.
    pub fallback: Option<String>,
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How many servers.
    pub size: u32,
    /// Why, in a sentence.
    pub because: String,
    /// The code of the reason.
    pub code: String,
    /// What held it back, in sentences.
    pub limits: Vec<String>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The workload.
    pub workload: String,
    /// Servers that the fleet had when it was last looked at, if it can be.
    pub now: Option<u32>,
    /// The step in force.
    pub current: Option<Step>,
    /// The steps to come.
    pub steps: Vec<Step>,
    /// What the last turn sent to the fleet, or would have sent if mode and halts had allowed it: a line each, in the words of
    /// its target. Empty: nothing was to be changed.
    pub sends: Vec<String>,
    /// How far it reaches.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// What was measured in a span of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measurements {
    /// The workload.
    pub workload: String,
    /// The measurements, oldest first. What is not there was not measured; it is not zero.
    pub points: Vec<Measured>,
    /// From where to ask on, if there is more.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next: Option<Timestamp>,
}

/// A forecast as it was issued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// The workload.
    pub workload: String,
    /// When it was issued.
    #[schema(value_type = String, format = DateTime)]
    pub issued: Timestamp,
    /// Who made it.
    pub model: String,
    /// Who stood in, and why.
    pub fallback: Option<String>,
    /// The probabilities of `quantiles`.
    pub levels: Vec<f64>,
    /// Seconds of a step.
    pub step_s: i64,
    /// The steps.
    pub points: Vec<Expected>,
}

/// What is expected of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// When the step begins.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What is most to be expected.
    pub point: f64,
    /// What demand stays below, with each of the probabilities.
    pub quantiles: Vec<f64>,
}

/// A turn that changed something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The number of the turn.
    pub turn: u64,
    /// When it was decided.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Where the fleet was to arrive.
    pub size: u32,
    /// What would have been wanted if nothing had held it back.
    pub wanted: u32,
    /// Why, in a sentence.
    pub because: String,
    /// The code of the reason.
    pub code: String,
    /// What held it back, in sentences.
    pub limits: Vec<String>,
    /// What else was worth telling.
    pub notes: Vec<String>,
    /// What was to be carried out.
    pub commands: Vec<String>,
    /// What would have been carried out if it might have been.
    pub withheld: Vec<String>,
    /// What came of it, if that was told.
    pub outcome: Option<String>,
}

/// What is decreed for a span of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Override {
    /// By which it is ended.
    pub id: String,
    /// The workload; all if none is named.
    pub workload: Option<String>,
    /// What it changes, such as `{ "floor": 80 }`.
    #[schema(value_type = Object)]
    pub change: Change,
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Until when: it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Whose token it was.
    pub author: String,
    /// Why.
    pub reason: String,
}

/// What somebody wants to decree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOverride {
    /// The workload; all if none is named.
    pub workload: Option<String>,
    /// What it changes: `floor`, `ceiling`, `fixed`, `padPercent`, `padServers`, `demand` or `throughput`, with a number.
    #[schema(value_type = Object, example = json!({ "floor": 80 }))]
    pub change: Change,
    /// From when; at once unless given.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Until when; at most 366 days.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Why, for those who will ask.
    pub reason: String,
}

/// A pause, or a freeze.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Halt {
    /// By which it is lifted.
    pub id: String,
    /// The workload; all if none is named.
    pub workload: Option<String>,
    /// `all`: nothing is carried out; `scaleIn`: nothing is taken away.
    #[schema(value_type = String)]
    pub what: Halted,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Until when: it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Whose token it was.
    pub author: String,
    /// Why.
    pub reason: String,
}

/// What somebody wants to halt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewHalt {
    /// The workload; all if none is named.
    pub workload: Option<String>,
    /// `all`: nothing is carried out; `scaleIn`: nothing is taken away.
    #[schema(value_type = String, example = "all")]
    pub what: Halted,
    /// Until when; at most 366 days.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Why, for those who will ask.
    pub reason: String,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Audited {
    /// Its number, from 1 on, without gaps.
    pub seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// To which workload.
    pub workload: Option<String>,
    /// What was done, in a fixed word.
    pub what: String,
    /// Why.
    pub why: String,
    /// What was there before.
    #[schema(value_type = Option<Object>)]
    pub before: Option<serde_json::Value>,
    /// What is there now.
    #[schema(value_type = Option<Object>)]
    pub after: Option<serde_json::Value>,
    /// Over the entry and the hash before it.
    pub hash: String,
}

/// How forecasts have fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accuracy {
    /// The workload.
    pub workload: String,
    /// Over so many days.
    pub days: i64,
    /// By how far ahead.
    pub leads: Vec<LeadAccuracy>,
}

/// How forecasts up to one lead have fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeadAccuracy {
    /// Up to so many minutes ahead, and more than the lead before.
    pub minutes: i64,
    /// Forecast steps that could be judged.
    pub steps: usize,
    /// Absolute errors, as a share of what was measured (WAPE).
    pub wape: Option<f64>,
    /// The mean deviation as a share of what was measured; positive if demand was higher.
    pub bias: Option<f64>,
    /// How often demand lay between the 10 % and the 90 % quantile; 0.8 would be right.
    pub within_80: Option<f64>,
    /// How often demand stayed below the 99 % quantile; 0.99 would be right.
    pub below_99: Option<f64>,
}

/// Measurements that somebody pushes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pushing {
    /// The measurements, in any order; late ones are welcome. At most 10,000.
    pub points: Vec<Pushed>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pushed {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What.
    pub value: f64,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// How many are safe in the store.
    pub taken: usize,
    /// What was left out, in sentences.
    pub left_out: Vec<String>,
}

/// A copy of the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    /// Where it lies, on the machine of the server.
    pub folder: String,
    /// Its bytes.
    pub bytes: u64,
}

/// Something that has just changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct News {
    /// The workload.
    pub workload: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The turn, if it was decided.
    pub turn: Option<u64>,
    /// Where the fleet is to arrive.
    pub size: Option<u32>,
    /// What has happened, in a sentence.
    pub said: String,
}
