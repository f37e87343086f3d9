use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Capacity, Demand, Drain, Target};
use crate::config::word::{self, Auto, Buffer, Duration, Name, Percent, Zone};

/// One fleet: where its demand is measured, what is scaled, and between which bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// Its name, of your choice.
    #[schemars(example = &"shop/checkout")]
    pub name: Name,
    /// How far decisions are carried out.
    #[serde(default)]
    pub mode: Mode,
    /// What is scaled.
    #[schemars(example = serde_json::json!({ "type": "none" }))]
    pub target: Target,
    /// What users ask for.
    #[schemars(example = serde_json::json!({ "source": "main", "query": "sum(rate(http_requests_total[5m]))" }))]
    pub demand: Demand,
    /// What one replica can do.
    #[serde(default)]
    pub capacity: Capacity,
    /// How long a replica takes from its launch to its first served request, up to 6h; measured if `auto`.
    #[serde(default)]
    pub start_time: Auto<Duration>,
    /// The fewest replicas, whatever is forecast.
    #[serde(default = "one")]
    pub min_replicas: u32,
    /// The most replicas, whatever is forecast: what you would pay for on the worst day. It must be said.
    #[schemars(example = 20)]
    pub max_replicas: u32,
    /// Capacity held free above the need: a percentage, a number of replicas, or the larger of both.
    #[serde(default = "no_buffer")]
    pub buffer: Buffer,
    /// The share of demand that must find capacity. The service level is tuned to it at the least cost.
    #[serde(default = "three_nines")]
    pub objective: Percent,
    /// The probability for which capacity is sized, from 50% to 99.99%; tuned to `objective` if `auto`.
    #[serde(default)]
    pub service_level: Auto<Percent>,
    /// Where its users live: the zone of calendars and of times in sentences.
    #[serde(default)]
    pub zone: Zone,
    /// How fast it may grow and shrink.
    #[serde(default)]
    pub behavior: Behavior,
    /// How servers with sessions on them are emptied before they go. Without it they are all alike and may go at once.
    #[schemars(example = serde_json::json!({ "sessions": "sfu_sessions{node=\"$node\"}" }))]
    pub drain: Option<Drain>,
    /// What nobody should need to touch.
    #[serde(default)]
    pub advanced: Advanced,
}

const fn one() -> u32 {
    1
}

const fn no_buffer() -> Buffer {
    Buffer::NONE
}

const fn three_nines() -> Percent {
    Percent::of(0.999)
}

/// How far decisions are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Mode {
    /// Shown, never carried out; needs no right to write anything.
    #[default]
    Observe,
    /// The fleet is grown ahead of demand, never shrunk.
    ScaleOutOnly,
    /// Both ways.
    Full,
}

/// How fast a workload may grow and shrink.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Behavior {
    /// How it grows.
    pub scale_up: ScaleUp,
    /// How it shrinks.
    pub scale_down: ScaleDown,
}

/// How a workload grows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ScaleUp {
    /// The fastest growth. No limit unless given.
    pub rate: Option<Rate>,
    /// The number of replicas that one step brings comfortably; a larger step counts as several.
    pub preferred_batch: Option<u32>,
    /// The most replicas that one step may bring. No limit unless given.
    pub max_batch: Option<u32>,
}

/// How a workload shrinks. It does so only on a fresh, complete measurement with which the forecast agrees.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ScaleDown {
    /// The fastest planned shrinking. No limit unless given; `budget` holds besides.
    pub rate: Option<Rate>,
    /// How much may go in what time, for whatever cause; `limits.scaleInPer10m` unless given.
    pub budget: Option<Budget>,
    /// How long after growing nothing is taken away, up to 1d.
    pub cooldown: Option<Duration>,
}

/// So many replicas in so much time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    /// How many; at least one.
    #[schemars(example = 10)]
    pub replicas: u32,
    /// In what time, from 1s to 1d.
    #[schemars(example = &"5m")]
    pub per: Duration,
}

/// A share of the workload in so much time; at least one replica may always go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// How much of it.
    #[schemars(example = &"10%")]
    pub percent: Percent,
    /// In what time, from 1s to 1d.
    #[schemars(example = &"10m")]
    pub per: Duration,
}

/// What nobody should need to touch: each is learned, or has a default that held on every trace of the benchmarks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Advanced {
    /// By how much measured demand is multiplied before it is sized, as the net below the forecast; tuned if `auto`.
    pub reactive: Auto<word::Rate>,
    /// How long measured demand is remembered before the net follows it down, up to 1d.
    pub hold: Duration,
    /// How long a planned size stays before it changes again, up to 1d.
    pub dwell: Duration,
    /// What one step up costs, in minutes of one replica: the more, the fewer and larger the steps. If `auto`, plans count 0.3
    /// minutes of the largest size in sight, and ways to size are compared at 0.06 minutes of the largest size of a usual day.
    pub scale_up_cost: Auto<word::Rate>,
}

impl Default for Advanced {
    fn default() -> Self {
        let (hold, dwell) = (Duration::seconds(600), Duration::seconds(0));
        Self { reactive: Auto::Auto, hold, dwell, scale_up_cost: Auto::Auto }
    }
}
