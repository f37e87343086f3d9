//! What has to be applied to a cluster so that tidecast runs there: the definition of its resource, the rights it needs
//! and no others, and the workload itself.
//!
//! Read in this order: [`Wishes`] is what a person can choose; [`rights`] is what may be done to what; `parts` are the
//! objects. The Helm chart in `deploy/chart` makes the same objects, which a test compares.

mod parts;
pub mod review;
pub mod rights;

use serde_json::Value;

use rights::{Access, Feature};

/// What a person can choose.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Where tidecast itself runs.
    pub namespace: String,
    /// Where it looks for workloads.
    pub watched: Watched,
    /// Whether it may change anything.
    pub access: Access,
    /// What it is used for beyond the usual.
    pub extras: Vec<Feature>,
    /// The image.
    pub image: String,
    /// The priority class, so that it is not the first to go when nodes are short.
    pub priority_class: Option<String>,
    /// The files of the configuration, by name.
    pub config: Vec<(String, String)>,
    /// Whether workloads are told as resources, too.
    pub operator: bool,
    /// The size of the volume for history and decisions.
    pub storage: String,
}

/// Where workloads are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// In these namespaces.
    Named(Vec<String>),
    /// Anywhere in the cluster.
    All,
}

impl Watched {
    /// As the configuration has it under `operator.namespaces`.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Named(names) => names.clone(),
            Self::All => vec!["*".to_owned()],
        }
    }
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            namespace: "tidecast".into(),
            watched: Watched::Named(vec!["tidecast".into()]),
            access: Access::Observe,
            extras: Vec::new(),
            image: format!("tidecast:{}", env!("CARGO_PKG_VERSION")),
            priority_class: None,
            config: Vec::new(),
            operator: true,
            storage: "1Gi".into(),
        }
    }
}

/// A part of the objects, for those who let somebody else apply the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The definition of the resource: needs rights over the cluster to apply.
    Crd,
    /// The account and its rights.
    Rbac,
    /// Everything else.
    App,
}

impl Part {
    /// All, in the order in which they are applied.
    pub const ALL: [Self; 3] = [Self::Crd, Self::Rbac, Self::App];
}

/// The objects, always in the same order: each can be applied when those before it have been.
pub fn manifests(wishes: &Wishes, wanted: &[Part]) -> Vec<Value> {
    let part = |part: &Part| match part {
        Part::Crd if wishes.operator => vec![crate::operator::crd()],
        Part::Crd => Vec::new(),
        Part::Rbac => parts::rbac(wishes),
        Part::App => parts::app(wishes),
    };
    Part::ALL.iter().filter(|one| wanted.contains(one)).flat_map(part).collect()
}

/// A configuration for a cluster, to begin with.
pub fn starter(watched: &Watched) -> String {
    parts::starter(watched)
}
