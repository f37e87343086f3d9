//! The sections of the configuration, a file each. Their doc comments are the reference manual and the schema.

mod calendar;
mod cluster;
mod demand;
mod drain;
mod keda;
mod limits;
mod operator;
mod server;
mod source;
mod target;
mod workload;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::word::{FilePath, Name};

pub use calendar::{CalendarEntry, CalendarFile, SpecialDays};
pub use cluster::Cluster;
pub use demand::{Capacity, Counted, Demand, Metric, Statistic};
pub use drain::{Drain, DrainOrder};
pub use keda::{Clients, Keda, KedaTls};
pub use limits::Limits;
pub(in crate::config) use operator::EVERYWHERE;
pub use operator::Operator;
pub use server::{Auth, Heartbeat, Server, Store};
pub use source::{BasicAuth, CloudwatchSource, CsvSource, PrometheusSource, PushSource, Source, Tls};
pub(in crate::config) use target::target_types;
pub use target::{
    AgonesTarget, AsgAction, AsgTarget, CommandTarget, Ec2Target, JitsiTarget, KedaAction, KedaTarget,
    KubernetesTarget, NoTarget, Scaled, Target, WebhookTarget,
};
pub use workload::{Advanced, Behavior, Budget, Mode, Rate, ScaleDown, ScaleUp, Workload};

/// The whole configuration: one file, or the files of a folder taken together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "Config")]
pub struct Config {
    /// The version of this format. Files without it are of the first version.
    pub api_version: ApiVersion,
    /// How the server runs and who may talk to it.
    pub server: Server,
    /// The gRPC server that KEDA asks.
    pub keda: Option<Keda>,
    /// Where history and decisions are kept.
    pub store: Store,
    /// The folder below which files with secrets may lie; the folder of the configuration unless said otherwise.
    pub secrets_dir: Option<FilePath>,
    /// Where demand is measured, by a name of your choice.
    pub sources: BTreeMap<Name, Source>,
    /// Kubernetes clusters, by a name of your choice. Where there is but one, it need not be named here.
    pub clusters: BTreeMap<Name, Cluster>,
    /// What is scaled.
    pub workloads: Vec<Workload>,
    /// Events that are known beforehand.
    pub calendar: Vec<CalendarEntry>,
    /// Events that are known from iCalendar files.
    pub calendar_files: Vec<CalendarFile>,
    /// Days that are not as their weekday lets one expect.
    pub special_days: Vec<SpecialDays>,
    /// Limits that hold for all workloads together.
    pub limits: Limits,
    /// Workloads that are told as resources of Kubernetes.
    pub operator: Option<Operator>,
}

/// The versions of this format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum ApiVersion {
    /// The first.
    #[default]
    #[serde(rename = "tidecast.dev/v1alpha1")]
    V1Alpha1,
}

/// An enum of sections whose `type` says which: written as one section with that key.
///
/// serde reads it as an ordinary enum, since our reader finds the tag (see `decode`); this writes it likewise.
macro_rules! tagged {
    ($type:ident { $($variant:ident = $tag:literal),* $(,)? }) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                use serde::ser::Error;
                let (tag, section) = match self {
                    $(Self::$variant(section) => ($tag, serde_json::to_value(section)),)*
                };
                let mut section = section.map_err(S::Error::custom)?;
                section[crate::config::TAG] = tag.into();
                section.serialize(to)
            }
        }
    };
}
use tagged;
