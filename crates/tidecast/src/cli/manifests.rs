//! `tidecast manifests`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tidecast::config::section::{Mode, Target};
use tidecast::config::{self, Config, Look};
use tidecast::manifests::rights::{Access, Feature};
use tidecast::manifests::{Part, Watched, Wishes, manifests, starter};
use tidecast::yaml;

use super::Context;
use super::exit::{Exit, Outcome, Stop};
use super::table::Format;

/// Print what to apply to a cluster: the resource, the rights, the deployment
#[derive(Debug, Args)]
#[command(
    after_help = "The rights are as few as they can be: without --access act, tidecast can change nothing but the status of \
its own resources. With -c, the namespaces and the access follow from the workloads of the configuration, which goes into a \
ConfigMap.

The API is open to those with a token only, so the deployment needs a Secret with the file that `tidecast token` makes lines \
for; an empty file will do to begin with:
  kubectl -n tidecast create secret generic tidecast-tokens --from-literal=tokens=

Examples:
  tidecast manifests | kubectl apply -f -
  tidecast manifests -c tidecast.yaml > base.yaml      # for kustomize
  tidecast manifests --watch shop --watch media --access act
  tidecast manifests --only crd"
)]
pub(crate) struct Manifests {
    /// Where tidecast itself runs
    #[arg(short, long, default_value = "tidecast")]
    namespace: String,
    /// The configuration to ship; one to begin with unless given
    #[arg(short, long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// A namespace with workloads; can be given several times [default: that of the workloads, or tidecast's own]
    #[arg(long, value_name = "NAMESPACE")]
    watch: Vec<String>,
    /// Workloads may lie anywhere: rights over the whole cluster
    #[arg(long, conflicts_with = "watch")]
    all_namespaces: bool,
    /// Whether fleets may be moved [default: what the workloads' modes need]
    #[arg(long, value_enum)]
    access: Option<Allowed>,
    /// What is used beyond Deployments, StatefulSets, HPAs and ScaledObjects
    #[arg(long, value_enum, value_name = "WHAT")]
    with: Vec<Extra>,
    /// No PredictiveScaler: all workloads stand in the configuration
    #[arg(long)]
    no_operator: bool,
    /// The image
    #[arg(long, default_value = concat!("tidecast:", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// The size of the volume for history and decisions
    #[arg(long, default_value = "1Gi", value_name = "QUANTITY")]
    storage: String,
    /// The priority class of the Pod
    #[arg(long, value_name = "NAME")]
    priority_class: Option<String>,
    /// Only these parts
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Piece>,
}

/// Whether fleets may be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Allowed {
    /// Read only
    Observe,
    /// Also scale
    Act,
}

/// What is used beyond the usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Extra {
    /// Argo Rollouts as targets
    Rollouts,
    /// Agones Fleets as targets
    Fleets,
    /// Draining servers with sessions
    Drain,
    /// Nodes kept ready through a CapacityBuffer
    NodeHeadroom,
}

/// A part of the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Piece {
    /// The definition of PredictiveScaler
    Crd,
    /// Account, roles and bindings
    Rbac,
    /// ConfigMap, volume, service, deployment, disruption budget
    App,
}

/// A configuration to ship, and its files: each one's name and text.
type Shipped = (Config, Vec<(String, String)>);

impl Manifests {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let loaded = self.loaded(context)?;
        let wishes = self.wishes(loaded.as_ref());
        if loaded.as_ref().is_some_and(|(config, _)| config.server.listen.0.ip().is_loopback()) {
            context.terminal.warn(
                "server.listen is a loopback address: the probes of the deployment cannot reach it; write 0.0.0.0:8080",
            );
        }
        let parts: Vec<Part> = match self.only.is_empty() {
            true => Part::ALL.to_vec(),
            false => self.only.iter().map(|piece| piece.part()).collect(),
        };
        let objects = manifests(&wishes, &parts);
        match context.format {
            Format::Json => {
                let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects });
                writeln!(context.out, "{list:#}")?;
            }
            _ => write!(context.out, "{}", yaml::documents(&objects))?,
        }
        Ok(Exit::Done)
    }

    /// The configuration to ship and its files, if one was given.
    fn loaded(&self, context: &Context) -> Result<Option<Shipped>, Stop> {
        if self.config.is_empty() {
            return Ok(None);
        }
        let loaded = config::load(&self.config);
        let Some(config) = loaded.config else {
            context.terminal.warn(config::human(&loaded.report, Look::Plain));
            return Err(Stop::unusable("the configuration has mistakes").help("`tidecast check` shows them"));
        };
        let file = |text: &config::Text| {
            let name =
                std::path::Path::new(&text.name).file_name().map(|name| name.to_string_lossy().into_owned());
            (name.unwrap_or_else(|| "tidecast.yaml".into()), text.content.clone())
        };
        Ok(Some((config, loaded.report.texts.0.iter().map(file).collect())))
    }

    fn wishes(&self, loaded: Option<&Shipped>) -> Wishes {
        let config = loaded.map(|(config, _)| config);
        let watched = self.watched(config);
        let acts = config.is_some_and(|config| config.workloads.iter().any(|w| w.mode != Mode::Observe));
        let files = loaded.map(|(_, files)| files.clone());
        Wishes {
            namespace: self.namespace.clone(),
            access: match self.access {
                Some(Allowed::Act) => Access::Act,
                None if acts => Access::Act,
                _ => Access::Observe,
            },
            extras: self.with.iter().map(|extra| extra.feature()).collect(),
            image: self.image.clone(),
            priority_class: self.priority_class.clone(),
            config: files.unwrap_or_else(|| vec![("tidecast.yaml".into(), starter(&watched))]),
            operator: !self.no_operator && config.is_none_or(|config| config.operator.is_some()),
            storage: self.storage.clone(),
            watched,
        }
    }

    fn watched(&self, config: Option<&Config>) -> Watched {
        if self.all_namespaces {
            return Watched::All;
        }
        let mut names = self.watch.clone();
        if let (true, Some(config)) = (names.is_empty(), config) {
            if config.operator.as_ref().is_some_and(|operator| operator.everywhere()) {
                return Watched::All;
            }
            names.extend(config.operator.iter().flat_map(|operator| operator.namespaces.clone()));
            names.extend(config.workloads.iter().filter_map(|workload| match &workload.target {
                Target::Kubernetes(target) => Some(target.namespace.clone()),
                Target::Keda(target) => Some(target.namespace.clone()),
                _ => None,
            }));
        }
        if names.is_empty() {
            names.push(self.namespace.clone());
        }
        names.sort();
        names.dedup();
        Watched::Named(names)
    }
}

impl Piece {
    fn part(self) -> Part {
        match self {
            Self::Crd => Part::Crd,
            Self::Rbac => Part::Rbac,
            Self::App => Part::App,
        }
    }
}

impl Extra {
    fn feature(self) -> Feature {
        match self {
            Self::Rollouts => Feature::Rollouts,
            Self::Fleets => Feature::Fleets,
            Self::Drain => Feature::Drain,
            Self::NodeHeadroom => Feature::NodeHeadroom,
        }
    }
}
