//! `tidecast init`.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;
use tidecast::config;
use tidecast::import::documents::documents;
use tidecast::import::{Around, Imported, Origin, import};

use super::Context;
use super::exit::{Exit, Outcome, Stop};

/// Write a configuration to begin with: an example, or what another autoscaler has now
#[derive(Debug, Args)]
#[command(
    after_help = "Beside the configuration it writes tidecast.schema.json, so that editors complete and check \
while you type. Nothing is overwritten without --force.

With --from, what exists becomes workloads that are observed only: nothing is changed anywhere. What cannot be carried over \
is named on standard error and above each workload; `tidecast explain CODE` says why.

Examples:
  tidecast init
  tidecast init conf.d/shop.yaml
  tidecast init - | less
  tidecast init --from hpa -n shop                           # asks the cluster of your kubeconfig
  kubectl get hpa,deploy -n shop -o yaml | tidecast init --from hpa --input -
  tidecast init --from keda --input scaledobjects/ --prometheus http://prometheus.monitoring.svc:9090
  aws autoscaling describe-auto-scaling-groups | tidecast init --from asg --input -"
)]
pub(crate) struct Init {
    /// Where to write it; - for standard output
    #[arg(default_value = "tidecast.yaml")]
    file: PathBuf,
    /// Overwrite what is there
    #[arg(long)]
    force: bool,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Import what another autoscaler has
    #[arg(long, value_enum, value_name = "WHOSE")]
    from: Option<Whose>,
    /// Files or folders with its objects, or - for standard input; unless given, the live system is asked
    #[arg(long, value_name = "FILE", requires = "from")]
    input: Vec<PathBuf>,
    /// Only objects of this namespace
    #[arg(short, long, requires = "from")]
    namespace: Option<String>,
    /// The Prometheus for metrics whose source is not said
    #[arg(long, value_name = "URL", requires = "from")]
    prometheus: Option<String>,
}

/// Whose objects they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Whose {
    /// HorizontalPodAutoscalers
    Hpa,
    /// KEDA's ScaledObjects
    Keda,
    /// EC2 Auto Scaling groups: what `aws autoscaling describe-…` prints
    Asg,
}

impl Init {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let text = match self.from {
            None => config::starter().to_owned(),
            Some(whose) => self.imported(whose, context)?.yaml,
        };
        if self.file == Path::new("-") {
            context.out.write_all(text.as_bytes())?;
            return Ok(Exit::Done);
        }
        let schema = self.file.with_file_name("tidecast.schema.json");
        if self.dry_run {
            if self.file.exists() && !self.force {
                return Err(there_already(&self.file));
            }
            let file = self.file.display();
            context.terminal.note(format_args!("{file} and {} would be written", schema.display()));
            return Ok(Exit::Done);
        }
        write(&self.file, &text, self.force)?;
        // The schema is generated, so an older one is no loss.
        write(&schema, &format!("{:#}\n", config::schema().as_value()), true)?;
        let file = self.file.display();
        context.terminal.note(format_args!("wrote {file} and {}", schema.display()));
        context.terminal.note(format_args!("next: edit it, then tidecast check {file}"));
        Ok(Exit::Done)
    }

    fn imported(&self, whose: Whose, context: &Context) -> Result<Imported, Stop> {
        let mut objects = match self.input.is_empty() {
            true => live(whose, self.namespace.as_deref())?,
            false => given(&self.input)?,
        };
        if let Some(namespace) = &self.namespace {
            // What lies beyond namespaces belongs to all of them.
            let within =
                |object: &Value| object["metadata"]["namespace"].as_str().unwrap_or("default") == namespace;
            objects.retain(|object| object["kind"] == "ClusterTriggerAuthentication" || within(object));
        }
        let around = Around { prometheus: self.prometheus.clone() };
        let imported = import(whose.origin(), &objects, &around).map_err(Stop::unusable)?;
        imported.warnings.iter().for_each(|warning| context.terminal.warn(warning));
        let (workloads, warnings) = (imported.workloads, imported.warnings.len());
        context.terminal.note(format_args!(
            "imported {workloads} workloads with {warnings} warnings; all are observed only"
        ));
        Ok(imported)
    }
}

impl Whose {
    fn origin(self) -> Origin {
        match self {
            Self::Hpa => Origin::Hpa,
            Self::Keda => Origin::Keda,
            Self::Asg => Origin::Asg,
        }
    }
}

/// The objects of files, of the files of folders, and of standard input.
fn given(paths: &[PathBuf]) -> Result<Vec<Value>, Stop> {
    let mut objects = Vec::new();
    for path in paths {
        let unreadable = |why: io::Error| Stop::unusable(format!("{} cannot be read: {why}", path.display()));
        let mut texts = Vec::new();
        if path == Path::new("-") {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map_err(unreadable)?;
            texts.push(("standard input".to_owned(), text));
        } else {
            for file in files(path).map_err(unreadable)? {
                texts.push((file.display().to_string(), std::fs::read_to_string(&file).map_err(unreadable)?));
            }
        }
        for (name, text) in texts {
            objects.extend(documents(&text).map_err(|why| Stop::unusable(format!("{name}: {why}")))?);
        }
    }
    Ok(objects)
}

/// A file, or those of a folder that look like manifests, in the order of their names.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let like = |file: &PathBuf| {
        file.extension().is_some_and(|end| ["yaml", "yml", "json"].iter().any(|like| end == *like))
    };
    let entries = std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files: Vec<PathBuf> = entries.collect::<io::Result<Vec<_>>>()?.into_iter().filter(like).collect();
    files.sort();
    Ok(files)
}

/// The objects as the live system has them: the cluster of the kubeconfig, or the one that we run in.
#[cfg(feature = "kubernetes")]
fn live(whose: Whose, namespace: Option<&str>) -> Result<Vec<Value>, Stop> {
    use tidecast::import::live;
    use tidecast::scaler::kubernetes::{Cluster, Way};
    if whose == Whose::Asg {
        return live_groups();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let cluster = Cluster::new(Way::default());
    let objects = runtime.block_on(live::objects(&cluster, whose.origin(), namespace));
    objects.map_err(|trouble| {
        Stop::unreachable(trouble).help("KUBECONFIG says which cluster; or give manifests with --input")
    })
}

#[cfg(not(feature = "kubernetes"))]
fn live(whose: Whose, _: Option<&str>) -> Result<Vec<Value>, Stop> {
    if whose == Whose::Asg {
        return live_groups();
    }
    Err(Stop::unusable("this build knows no Kubernetes").help("give manifests with --input"))
}

/// The groups of the region that AWS_REGION names.
#[cfg(feature = "aws")]
fn live_groups() -> Result<Vec<Value>, Stop> {
    let named = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| std::env::var(name).ok());
    let Some(name) = named else {
        let help = "set AWS_REGION; or aws autoscaling describe-auto-scaling-groups | tidecast init --from asg --input -";
        return Err(Stop::unusable("it is not said of which region groups are to be imported").help(help));
    };
    let region = std::sync::Arc::new(tidecast::aws::Region::new(name, None));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let groups = runtime.block_on(tidecast::aws::groups(&region, tidecast::drive::clock()));
    groups.map_err(|trouble| {
        let help = "or give a file: aws autoscaling describe-auto-scaling-groups | tidecast init --from asg --input -";
        Stop::unreachable(trouble).help(help)
    })
}

#[cfg(not(feature = "aws"))]
fn live_groups() -> Result<Vec<Value>, Stop> {
    Err(Stop::unusable("this build knows no AWS: groups are imported from a file")
        .help("aws autoscaling describe-auto-scaling-groups | tidecast init --from asg --input -"))
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Stop> {
    let trouble = |why: io::Error| match why.kind() {
        io::ErrorKind::AlreadyExists => there_already(path),
        _ => Stop::unusable(format!("{} cannot be written: {why}", path.display())),
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).truncate(true).create(true).create_new(!force);
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(trouble)
}

fn there_already(path: &Path) -> Stop {
    Stop::unusable(format!("{} is there already", path.display()))
        .help("give another name, or --force to overwrite it")
}
