use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tagged;
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
    /// Instances of EC2 outside of any group, launched from a template.
    Ec2(Ec2Target),
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
    /// What it moves; none if nothing that somebody else could move too.
    pub fn scaled(&self) -> Option<Scaled> {
        let cluster =
            |named: &Option<Name>| named.as_ref().map_or(String::new(), |name| name.as_str().to_owned());
        let scaled = |type_of, place, name: &str| Some(Scaled { type_of, place, name: name.to_owned() });
        match self {
            Self::Kubernetes(t) => scaled(
                "kubernetes",
                [cluster(&t.cluster), t.namespace.clone()],
                &format!("{}/{}", t.kind, t.name),
            ),
            Self::Keda(t) => scaled("keda", [cluster(&t.cluster), t.namespace.clone()], &t.name),
            Self::Asg(t) => scaled("asg", [String::new(), t.region.clone()], &t.group),
            Self::Ec2(t) => scaled("ec2", [String::new(), t.region.clone()], &t.fleet),
            Self::Webhook(_) | Self::None(_) => None,
        }
    }
}

tagged!(Target { Kubernetes = "kubernetes", Asg = "asg", Ec2 = "ec2", Keda = "keda", Webhook = "webhook", None = "none" });

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

/// Instances of EC2 outside of any group. They are known by a tag, and launched from a template that says all the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ec2Target {
    /// The value of their tag `tidecast:fleet`.
    #[schemars(example = &"encoders")]
    pub fleet: String,
    /// The region.
    #[schemars(example = &"eu-west-1")]
    pub region: String,
    /// The name of the launch template.
    #[schemars(example = &"encoder")]
    pub launch_template: String,
    /// The subnet to launch in, if the template names none.
    #[schemars(example = &"subnet-0a1b2c3d")]
    pub subnet: Option<String>,
    /// Another address than AWS's own: a VPC endpoint, or a server for tests.
    #[schemars(example = &"https://vpce-0a1b.ec2.eu-west-1.vpce.amazonaws.com")]
    pub endpoint: Option<Link>,
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
