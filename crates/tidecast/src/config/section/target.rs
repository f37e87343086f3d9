use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cluster, tagged};
use crate::config::word::{Duration, Link, Name, SecretRef};

/// What is scaled.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(tag = "type")]
pub enum Target {
    /// Anything in Kubernetes with a scale subresource; where an HPA or a ScaledObject owns it, their floor.
    Kubernetes(KubernetesTarget),
    /// An EC2 Auto Scaling group.
    Asg(AsgTarget),
    /// A KEDA ScaledObject that asks tidecast through its external trigger.
    Keda(KedaTarget),
    /// Anything that takes a signed decision over HTTP.
    Webhook(WebhookTarget),
    /// Nothing: forecasts and plans are made and shown.
    None(NoTarget),
}

/// The words that say of which type a target is.
pub(in crate::config) fn target_types() -> Vec<String> {
    let schema = schemars::schema_for!(Target);
    let variants = schema.get("oneOf").and_then(serde_json::Value::as_array).into_iter().flatten();
    variants
        .filter_map(|one| one["properties"][crate::config::TAG]["const"].as_str())
        .map(str::to_owned)
        .collect()
}

/// What a target moves, so that two that move the same are seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scaled {
    type_of: &'static str,
    place: [String; 2],
    name: String,
}

impl Target {
    /// What it moves; none if nothing that somebody else could move too. Where there is one cluster, not naming it is
    /// naming it.
    pub fn scaled(&self, clusters: &BTreeMap<Name, Cluster>) -> Option<Scaled> {
        let only = || clusters.keys().next().filter(|_| clusters.len() == 1);
        let cluster = |named: &Option<Name>| {
            let name = named.as_ref().map(Name::as_str).or_else(|| only().map(Name::as_str));
            name.unwrap_or_default().to_owned()
        };
        let scaled = |type_of, place, name: &str| Some(Scaled { type_of, place, name: name.to_owned() });
        match self {
            Self::Kubernetes(t) => scaled(
                "kubernetes",
                [cluster(&t.cluster), t.namespace.clone()],
                &format!("{}/{}", t.kind, t.name),
            ),
            Self::Keda(t) => scaled("keda", [cluster(&t.cluster), t.namespace.clone()], &t.name),
            Self::Asg(t) => scaled("asg", [String::new(), t.region.clone()], &t.group),
            Self::Webhook(_) | Self::None(_) => None,
        }
    }
}

tagged!(Target { Kubernetes = "kubernetes", Asg = "asg", Keda = "keda", Webhook = "webhook", None = "none" });

/// Anything in Kubernetes with a scale subresource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesTarget {
    /// Which of `clusters` it is in; need not be said where there is but one.
    pub cluster: Option<Name>,
    /// The API group and version of the kind; for built-in kinds, Rollouts and Fleets it need not be said.
    #[schemars(example = &"argoproj.io/v1alpha1")]
    pub api_version: Option<String>,
    /// The kind: Deployment, StatefulSet, Rollout, Fleet, or one of your own.
    #[serde(default = "deployment")]
    pub kind: String,
    /// The namespace.
    #[schemars(example = &"default")]
    pub namespace: String,
    /// The name.
    #[schemars(example = &"checkout")]
    pub name: String,
    /// Nodes are kept ready for what the plan orders within so long, from 1m to 6h: a CapacityBuffer
    /// (`autoscaling.x-k8s.io/v1beta1`) beside the target tells the cluster's own autoscaler. None unless given.
    #[schemars(example = &"15m")]
    pub node_headroom: Option<Duration>,
}

fn deployment() -> String {
    "Deployment".into()
}

/// An EC2 Auto Scaling group. Credentials come from the SDK's usual chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AsgTarget {
    /// The name of the group.
    #[schemars(example = &"checkout-asg")]
    pub group: String,
    /// The region.
    #[schemars(example = &"eu-west-1")]
    pub region: String,
    /// How its size is set.
    #[serde(default)]
    pub action: AsgAction,
}

/// How the size of an Auto Scaling group is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum AsgAction {
    /// The plan is uploaded as scheduled actions, which AWS carries out even while tidecast is away.
    #[default]
    Schedule,
    /// The desired capacity is set when a step is due.
    Direct,
}

/// A KEDA ScaledObject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KedaTarget {
    /// Which of `clusters` it is in; need not be said where there is but one.
    pub cluster: Option<Name>,
    /// The namespace.
    #[schemars(example = &"default")]
    pub namespace: String,
    /// The name of the ScaledObject.
    #[schemars(example = &"checkout")]
    pub name: String,
}

/// Anything that takes a signed decision over HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookTarget {
    /// Where decisions are posted.
    #[schemars(example = &"https://scaler.example.org/decisions")]
    pub url: Link,
    /// The key with which each decision is signed.
    #[schemars(example = serde_json::json!({ "file": "webhook.key" }))]
    pub secret: SecretRef,
    /// How long the answer may take: from 100ms to 2m.
    #[serde(default = "ten_seconds")]
    pub timeout: Duration,
}

const fn ten_seconds() -> Duration {
    Duration::seconds(10)
}

/// Nothing: forecasts and plans are made and shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoTarget {}
