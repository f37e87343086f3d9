use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::word::FilePath;

/// A Kubernetes cluster, and who tidecast is in it.
///
/// Without any of its keys, and for targets that name no cluster where none is defined, it is the one that the
/// surroundings tell: what `KUBECONFIG` names, else the service account of the Pod that tidecast runs in, else
/// `~/.kube/config`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Cluster {
    /// The kubeconfig; relative to the folder of the configuration.
    #[schemars(example = &"kubeconfig")]
    pub kubeconfig: Option<FilePath>,
    /// The context in it; the current one unless given.
    #[schemars(example = &"production")]
    pub context: Option<String>,
}
