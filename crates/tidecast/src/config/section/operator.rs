use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::word::Name;

/// Workloads that are told as resources of Kubernetes, beside those of the files. Nothing is watched unless this section is
/// there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Operator {
    /// The namespaces in which PredictiveScalers are watched; `*` alone for all of them.
    #[schemars(example = &["shop"])]
    pub namespaces: Vec<String>,
    /// Which of `clusters` it watches; need not be said where there is but one.
    pub cluster: Option<Name>,
    /// The types of target that a PredictiveScaler may name. It names what lies in its own namespace; groups in a cloud and
    /// addresses lie beyond it and are reached with tidecast's own rights, so that they are allowed only where they stand
    /// here.
    #[serde(default = "inside")]
    #[schemars(example = &["kubernetes", "keda", "none"])]
    pub targets: Vec<String>,
}

fn inside() -> Vec<String> {
    ["kubernetes", "keda", "none"].map(str::to_owned).into()
}

impl Operator {
    /// Whether all namespaces are watched.
    pub fn everywhere(&self) -> bool {
        self.namespaces.iter().any(|name| name == EVERYWHERE)
    }
}

/// What stands for all namespaces.
pub(in crate::config) const EVERYWHERE: &str = "*";
