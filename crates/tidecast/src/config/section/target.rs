use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tagged;
use crate::config::word::{Duration, Link, SecretRef};

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

tagged!(Target { Kubernetes = "kubernetes", Asg = "asg", Keda = "keda", Webhook = "webhook", None = "none" });

/// Anything in Kubernetes with a scale subresource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesTarget {
    /// The API group and version of the kind; for built-in kinds it need not be said.
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
    /// How far ahead scheduled actions may lower the group's minimum: from 5m to 48h. While tidecast is away, what was
    /// uploaded lowers it by no more than that; what raises it is always uploaded as far as the plan goes.
    #[serde(default = "fifteen_minutes")]
    pub lower_ahead: Duration,
    /// Another address than AWS's own: a VPC endpoint, or a server for tests.
    #[schemars(example = &"https://vpce-0a1b.autoscaling.eu-west-1.vpce.amazonaws.com")]
    pub endpoint: Option<Link>,
}

const fn fifteen_minutes() -> Duration {
    Duration::seconds(900)
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
