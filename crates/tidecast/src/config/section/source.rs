use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tagged;
use crate::config::word::{Duration, FilePath, HeaderValue, Link, SecretRef};

/// Where demand is measured.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(tag = "type")]
pub enum Source {
    /// A server that answers PromQL: Prometheus, VictoriaMetrics, Thanos, Mimir.
    Prometheus(Box<PrometheusSource>),
    /// Amazon CloudWatch.
    Cloudwatch(CloudwatchSource),
    /// A file of measurements.
    Csv(CsvSource),
    /// Measurements that others send to the API.
    Push(PushSource),
}

tagged!(Source { Prometheus = "prometheus", Cloudwatch = "cloudwatch", Csv = "csv", Push = "push" });

/// A server that answers PromQL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrometheusSource {
    /// Its address, without `/api/v1`.
    #[schemars(example = &"http://127.0.0.1:9090")]
    pub url: Link,
    /// The token that it asks for.
    pub bearer_token: Option<SecretRef>,
    /// User and password that it asks for.
    pub basic_auth: Option<BasicAuth>,
    /// Headers to send along, such as `X-Scope-OrgID` for a tenant of Mimir.
    #[serde(default)]
    pub headers: BTreeMap<String, HeaderValue>,
    /// How it proves who it is, and how tidecast does.
    #[serde(default)]
    pub tls: Tls,
    /// How long an answer may take: from 100ms to 2m.
    #[serde(default = "ten_seconds")]
    pub timeout: Duration,
}

const fn ten_seconds() -> Duration {
    Duration::seconds(10)
}

/// User and password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BasicAuth {
    /// The user.
    #[schemars(example = &"tidecast")]
    pub username: String,
    /// Where the password is to be found.
    #[schemars(example = serde_json::json!({ "file": "prometheus.password" }))]
    pub password: SecretRef,
}

/// How the two sides of an https connection prove who they are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Tls {
    /// Certificates (PEM) to trust instead of the system's.
    pub ca_file: Option<FilePath>,
    /// Our own certificate (PEM).
    pub cert_file: Option<FilePath>,
    /// The private key of our own certificate (PEM).
    pub key: Option<SecretRef>,
    /// Trusts anybody. For a test set-up only.
    pub insecure_skip_verify: bool,
}

/// Amazon CloudWatch, one region of it. Credentials come from the SDK's usual chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudwatchSource {
    /// The region.
    #[schemars(example = &"eu-west-1")]
    pub region: String,
    /// Another address than AWS's own: a VPC endpoint, or a server for tests.
    #[schemars(example = &"https://vpce-0a1b.monitoring.eu-west-1.vpce.amazonaws.com")]
    pub endpoint: Option<Link>,
}

/// A file of measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CsvSource {
    /// The file; relative to the folder of the configuration. A time (RFC 3339, or seconds since 1970) and a value in
    /// each line. It may grow while it is read.
    #[schemars(example = &"demand.csv")]
    pub path: FilePath,
}

/// Measurements that others send to the API.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushSource {}
