use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::word::{
    self, Day, DayOfWeek, Duration, FilePath, Moment, Pattern, Region, Rule, Schedule, Step, Zone,
};

/// An event that is known beforehand, once or again and again, and what it changes while it lasts. It ends by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CalendarEntry {
    /// Whom it concerns: the name of a workload, or a pattern such as `media/*`.
    #[schemars(example = &"*")]
    pub workload: Pattern,
    /// When it begins, once or for the first time, on the wall clock of `zone`. Either this or `schedule`.
    pub at: Option<Moment>,
    /// How it comes again after `at`, as iCalendar writes it.
    pub rule: Option<Rule>,
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

/// An iCalendar file, and what each of its events changes while it lasts. Times without a zone are on the clock of `zone`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CalendarFile {
    /// Whom it concerns: the name of a workload, or a pattern such as `media/*`.
    #[schemars(example = &"*")]
    pub workload: Pattern,
    /// The file, read when the configuration is.
    #[schemars(example = &"matches.ics")]
    pub file: FilePath,
    /// The zone of times that name none; each workload's own unless given.
    pub zone: Option<Zone>,
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
}

/// Days that are left out of training, and forecast as the weekday they behave like: a region's public holidays, or one
/// day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpecialDays {
    /// Whom they concern: the name of a workload, or a pattern such as `media/*`.
    #[schemars(example = &"*")]
    pub workload: Pattern,
    /// All public holidays of this country or region. Either this or `day`.
    pub holidays: Option<Region>,
    /// This one day, on the wall clock of the workload. Either this or `holidays`.
    pub day: Option<Day>,
    /// The weekday that they behave like; like no other, and only left out of training, if it is not said.
    pub like: Option<DayOfWeek>,
    /// What the day is called.
    pub reason: Option<String>,
}
