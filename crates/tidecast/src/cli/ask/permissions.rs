//! Whether the clusters of a configuration let us do what its workloads need.

use std::collections::BTreeMap;
use std::path::Path;

use tidecast::config::Config;
use tidecast::config::section::{KubernetesTarget, Mode, Target};
use tidecast::config::word::Name;
use tidecast::manifests::review::missing;
use tidecast::manifests::rights::{Access, Feature, Rule, rules};
use tidecast::scaler::kubernetes::{Cluster, Way};

use super::doctor::Findings;
use crate::cli::exit::Stop;

/// What is needed in one namespace of one cluster; in all of them if none is named.
#[derive(Debug, Default)]
struct Need {
    acts: bool,
    operator: bool,
    extras: Vec<Feature>,
}

/// A cluster by its name, and a namespace in it.
type Place<'a> = (Option<&'a Name>, Option<&'a str>);

/// Asks each cluster for each namespace, and says what is missing as rules to add.
pub(super) fn check(config: &Config, folder: &Path, findings: &mut Findings) -> Result<(), Stop> {
    let needs = needs(config);
    if needs.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for ((named, namespace), need) in needs {
        let cluster = Cluster::new(way(config, folder, named));
        let what = format!(
            "rights in {}",
            namespace.map_or("all namespaces".into(), |name| format!("the namespace {name}"))
        );
        match runtime.block_on(missing(&cluster, namespace, &need.rules())) {
            Ok(missing) if missing.is_empty() => {
                findings.say(true, &what, &format!("all are given by {}", cluster.who()))?
            }
            Ok(missing) => {
                for rule in missing {
                    findings.say(
                        false,
                        &what,
                        &format!("{} does not allow it: add the rule {rule}", cluster.who()),
                    )?;
                }
            }
            Err(trouble) => findings.say(false, &what, &trouble.to_string())?,
        }
    }
    Ok(())
}

fn needs(config: &Config) -> BTreeMap<Place<'_>, Need> {
    let mut needs: BTreeMap<Place<'_>, Need> = BTreeMap::new();
    for workload in &config.workloads {
        let (place, extras) = match &workload.target {
            Target::Kubernetes(target) => {
                ((target.cluster.as_ref(), Some(target.namespace.as_str())), extras(target))
            }
            Target::Keda(target) => ((target.cluster.as_ref(), Some(target.namespace.as_str())), Vec::new()),
            _ => continue,
        };
        let need = needs.entry(place).or_default();
        need.acts |= workload.mode != Mode::Observe;
        for extra in extras {
            if !need.extras.contains(&extra) {
                need.extras.push(extra);
            }
        }
    }
    if let Some(operator) = &config.operator {
        let all: Vec<Option<&str>> = match operator.everywhere() {
            true => vec![None],
            false => operator.namespaces.iter().map(|name| Some(name.as_str())).collect(),
        };
        for namespace in all {
            needs.entry((operator.cluster.as_ref(), namespace)).or_default().operator = true;
        }
    }
    needs
}

fn extras(target: &KubernetesTarget) -> Vec<Feature> {
    let kind = match target.kind.as_str() {
        "Rollout" => Some(Feature::Rollouts),
        "Fleet" => Some(Feature::Fleets),
        _ => None,
    };
    kind.into_iter().chain(target.node_headroom.map(|_| Feature::NodeHeadroom)).collect()
}

impl Need {
    fn rules(&self) -> Vec<Rule> {
        let access = if self.acts { Access::Act } else { Access::Observe };
        rules(access, self.operator, &self.extras)
    }
}

fn way(config: &Config, folder: &Path, named: Option<&Name>) -> Way {
    let only = || config.clusters.values().next().filter(|_| config.clusters.len() == 1);
    let section = named.map_or_else(only, |name| config.clusters.get(name));
    section.map_or_else(Way::default, |section| Way {
        kubeconfig: section.kubeconfig.as_ref().map(|file| folder.join(&file.0)),
        context: section.context.clone(),
    })
}
