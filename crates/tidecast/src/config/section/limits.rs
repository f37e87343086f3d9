use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::word::Percent;

/// Limits that hold for all workloads together, whatever each may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// How much of a workload may be taken away in ten minutes, for whatever cause: a tenth, as losing more at once
    /// is what turns a wrong measurement into an outage. At least one replica may always go.
    #[serde(rename = "scaleInPer10m")]
    #[schemars(rename = "scaleInPer10m")]
    pub scale_in_per_10m: Percent,
    /// How many replicas all workloads together may launch in a minute. No limit unless given.
    pub launches_per_minute: Option<u32>,
    /// How many replicas all workloads together may have. No limit unless given.
    pub fleet_max: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { scale_in_per_10m: Percent::of(0.1), launches_per_minute: None, fleet_max: None }
    }
}
