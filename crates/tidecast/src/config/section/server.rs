use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::word::{Bytes, Duration, FilePath, Link, Listen};

/// How the server runs and who may talk to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Server {
    /// Where the API and the UI listen. Anything but a loopback address needs `auth`.
    pub listen: Listen,
    /// Who may do what.
    pub auth: Option<Auth>,
    /// How often each workload is looked at and decided upon: from 5s to 10m.
    pub turn_every: Duration,
    /// Whether targets of the type `command` may run programs, with the rights of the server.
    pub allow_commands: bool,
    /// Whom to give a sign of life.
    pub heartbeat: Option<Heartbeat>,
}

/// Whom to give a sign of life, so that somebody outside notices when it stays away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Heartbeat {
    /// The address that is asked (GET) for as long as turns are taken.
    #[schemars(example = &"https://monitor.example.org/ping/tidecast")]
    pub url: Link,
    /// How often: from 10s to 1h.
    #[serde(default = "a_minute")]
    pub every: Duration,
}

const fn a_minute() -> Duration {
    Duration::seconds(60)
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            auth: None,
            turn_every: Duration::seconds(30),
            allow_commands: false,
            heartbeat: None,
        }
    }
}

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Auth {
    /// The file with the hashed tokens and their roles.
    #[schemars(example = &"tokens")]
    pub token_file: FilePath,
}

/// Where history and decisions are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Store {
    /// The folder; relative to that of the configuration.
    pub folder: FilePath,
    /// How far back measurements are kept: from 14d to 1830d. Eight weeks let every model reach its full strength.
    pub history: Duration,
    /// The most disk for fitted models between two forecasts, some 2 MiB for each workload, which also need it to go on after
    /// a restart. Workloads beyond that are fitted anew for each forecast.
    pub models_max: Bytes,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            folder: FilePath("tidecast-data".into()),
            history: Duration::seconds(56 * 86_400),
            models_max: Bytes(4 << 30),
        }
    }
}
