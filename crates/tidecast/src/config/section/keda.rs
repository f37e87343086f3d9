use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::word::{FilePath, Listen, SecretRef};

/// The gRPC server that KEDA asks through an external trigger. Without this section nothing listens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Keda {
    /// Where it listens. Anything but a loopback address needs `tls` with `clientCaFile`, or `clients: anybody`.
    #[schemars(example = &"127.0.0.1:8081")]
    pub listen: Listen,
    /// How it proves who it is, and whom it answers. The files are read again when they change.
    pub tls: Option<KedaTls>,
    /// Whom it answers.
    pub clients: Clients,
}

impl Default for Keda {
    fn default() -> Self {
        let listen = Listen(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081));
        Self { listen, tls: None, clients: Clients::default() }
    }
}

/// How the server that KEDA asks proves who it is, and whom it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KedaTls {
    /// Its certificate (PEM), with those between it and the one that KEDA trusts.
    #[schemars(example = &"keda/tls.crt")]
    pub cert_file: FilePath,
    /// The private key of its certificate (PEM).
    #[schemars(example = serde_json::json!({ "file": "keda/tls.key" }))]
    pub key: SecretRef,
    /// Certificates (PEM): only who shows one that these have signed is answered.
    pub client_ca_file: Option<FilePath>,
}

/// Whom the server that KEDA asks answers beyond loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Clients {
    /// Who shows a certificate that `clientCaFile` has signed.
    #[default]
    Certified,
    /// Everybody who reaches it: they learn sizes, and can change nothing. Something else, such as a NetworkPolicy, keeps
    /// strangers away.
    Anybody,
}
