use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cluster, Tls, tagged};
use crate::config::word::{Duration, FilePath, Link, Name, SecretRef};

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
    Webhook(Box<WebhookTarget>),
    /// Anything that a program of your own moves.
    Command(CommandTarget),
    /// An Agones Fleet whose FleetAutoscaler asks tidecast.
    Agones(AgonesTarget),
    /// A group of jitsi-autoscaler, whose floor follows the plan.
    Jitsi(Box<JitsiTarget>),
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
        let only = clusters.keys().next().filter(|_| clusters.len() == 1);
        let cluster = |named: &Option<Name>| {
            let name = named.as_ref().map(Name::as_str).or(only.map(Name::as_str));
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
            Self::Ec2(t) => scaled("ec2", [String::new(), t.region.clone()], &t.fleet),
            Self::Agones(t) => scaled("agones", [String::new(), t.namespace.clone()], &t.fleet),
            Self::Jitsi(t) => scaled("jitsi", [String::new(), t.url.to_string()], &t.group),
            Self::Webhook(_) | Self::Command(_) | Self::None(_) => None,
        }
    }
}

tagged!(Target {
    Kubernetes = "kubernetes",
    Asg = "asg",
    Ec2 = "ec2",
    Keda = "keda",
    Webhook = "webhook",
    Command = "command",
    Agones = "agones",
    Jitsi = "jitsi",
    None = "none",
});

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
    /// How its size is set.
    #[serde(default)]
    pub action: KedaAction,
}

/// How the size of what a ScaledObject scales is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum KedaAction {
    /// Its `minReplicaCount` is written, which needs rights in the cluster. A trigger may ask besides.
    #[default]
    Floor,
    /// KEDA asks through an external trigger and nothing is written: no right in the cluster is needed.
    Trigger,
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
    /// Where the fleet can be seen; asked with a GET that is signed likewise. Without it nothing is ever taken away.
    pub sight: Option<Link>,
    /// How the two sides prove who they are.
    #[serde(default)]
    pub tls: Tls,
    /// How long each answer may take: from 100ms to 2m.
    #[serde(default = "ten_seconds")]
    pub timeout: Duration,
}

/// Anything that a program of your own moves. The server section must say `allowCommands: true`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommandTarget {
    /// The program and its arguments: no shell reads them. It gets the decision as JSON on its standard input.
    #[schemars(example = serde_json::json!(["/usr/local/bin/scale", "checkout"]))]
    pub run: Vec<String>,
    /// The program and its arguments that print the fleet as JSON. Without it nothing is ever taken away.
    pub sight: Option<Vec<String>>,
    /// The folder in which they run, relative to that of the configuration; that one unless given.
    pub folder: Option<FilePath>,
    /// The names of environment variables that they get; PATH alone unless given.
    #[serde(default = "path_alone")]
    pub env: Vec<String>,
    /// How long each may run: from 100ms to 2m. Then its process group is ended.
    #[serde(default = "ten_seconds")]
    pub timeout: Duration,
}

fn path_alone() -> Vec<String> {
    vec!["PATH".into()]
}

/// An Agones Fleet. Its FleetAutoscaler has a policy of the type Webhook that leads to `/agones/NAMESPACE/FLEET` here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgonesTarget {
    /// The namespace.
    #[schemars(example = &"default")]
    pub namespace: String,
    /// The name of the Fleet.
    #[schemars(example = &"lobby")]
    pub fleet: String,
    /// The token that the FleetAutoscaler's path ends with; it is good for nothing else.
    #[schemars(example = serde_json::json!({ "file": "agones.token" }))]
    pub token: SecretRef,
}

/// A group of jitsi-autoscaler. Its `minDesired` follows the plan; what lies above stays with jitsi-autoscaler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JitsiTarget {
    /// The address of jitsi-autoscaler, without `/groups`.
    #[schemars(example = &"https://autoscaler.example.org")]
    pub url: Link,
    /// The name of the group.
    #[schemars(example = &"jvb-eu-west")]
    pub group: String,
    /// The token that it asks for, if it is protected. Read anew for each request, since such tokens are short-lived.
    pub bearer_token: Option<SecretRef>,
    /// How the two sides prove who they are.
    #[serde(default)]
    pub tls: Tls,
    /// How long each answer may take: from 100ms to 2m.
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
