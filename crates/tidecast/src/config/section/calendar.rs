use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::word::{self, Duration, Moment, Pattern, Schedule, Step, Zone};

/// An event that is known beforehand, once or again and again, and what it changes while it lasts. It ends by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CalendarEntry {
    /// Whom it concerns: the name of a workload, or a pattern such as `media/*`.
    #[schemars(example = &"*")]
    pub workload: Pattern,
    /// When it begins, once, on the wall clock of `zone`. Either this or `schedule`.
    pub at: Option<Moment>,
    /// When it begins, again and again, as cron writes it, on the wall clock of `zone`. Either this or `at`.
    pub schedule: Option<Schedule>,
    /// The zone of `at` and `schedule`; each workload's own unless given.
    pub zone: Option<Zone>,
    /// How long it lasts, from 1m to 366d.
    #[serde(rename = "for")]
    #[schemars(example = &"2h")]
    pub lasts: Duration,
    /// No fewer replicas than this.
    pub min_replicas: Option<u32>,
    /// No more replicas than this.
    pub max_replicas: Option<u32>,
    /// More replicas than needed: a percentage, or so many.
    pub padding: Option<Step>,
    /// Expect this demand, whatever the forecast says.
    pub demand: Option<word::Rate>,
    /// One replica serves this much, whatever was measured.
    pub per_replica: Option<word::Rate>,
    /// Why, for those who will ask.
    #[schemars(example = &"sale")]
    pub reason: String,
}
