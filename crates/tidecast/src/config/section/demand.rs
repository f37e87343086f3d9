use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::word::{Auto, Duration, Name, Rate};

/// What users ask for: a measure that recurs, and that does not change with the size of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Demand {
    /// The source, by its name under `sources`.
    #[schemars(example = &"main")]
    pub source: Name,
    /// The query, for sources that answer queries. It yields one series: the demand of the whole workload.
    pub query: Option<String>,
    /// How far apart two measurements are, for sources that answer queries: from 10s to 1h.
    #[serde(default = "a_minute")]
    pub step: Duration,
    /// The selector of the series that are counted to tell lost scrapes from falling demand, such as
    /// `http_requests_total{app="checkout"}`; found in the query unless given.
    pub coverage: Option<String>,
    /// The metric, for sources of type cloudwatch.
    pub metric: Option<Metric>,
    /// The unit, as people say it: `req/s`, `sessions`. For sentences and charts only.
    pub unit: Option<String>,
}

/// A metric in CloudWatch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    /// The namespace.
    #[schemars(example = &"AWS/ApplicationELB")]
    pub namespace: String,
    /// The name.
    #[schemars(example = &"RequestCount")]
    pub name: String,
    /// All dimensions that it was sent with: with fewer, CloudWatch takes it for another metric, which is empty.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "TargetGroup": "targetgroup/checkout/943f017f100becff" }))]
    pub dimensions: BTreeMap<String, String>,
    /// What is made of the samples of a period.
    #[serde(default)]
    pub statistic: Statistic,
    /// What is counted to tell lost samples from falling demand.
    #[serde(default)]
    pub count: Counted,
}

/// What is made of the samples of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Statistic {
    /// Their sum, given per second: requests, jobs, bytes that were counted.
    #[default]
    Sum,
    /// Their mean: a momentary value that one reporter sends.
    Average,
    /// The largest of them.
    Maximum,
}

/// What is counted to tell lost samples from falling demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Counted {
    /// Whether the newest period is there: for metrics of AWS's own services.
    #[default]
    Newest,
    /// The samples of each period: for metrics of which every server sends one sample in a period.
    Samples,
}

const fn a_minute() -> Duration {
    Duration::seconds(60)
}

/// What one replica can do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Capacity {
    /// The demand that one replica serves while its users are content, in the unit of the demand; learned from
    /// history if `auto`, and shown before it is used.
    pub per_replica: Auto<Rate>,
}
