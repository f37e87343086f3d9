use std::collections::BTreeMap;

use super::{Context, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{KedaAction, KubernetesTarget, Target, Workload};
use crate::config::suggest::{listed, nearest};
use crate::config::word::{Duration, Name};

/// The names of what is scaled.
pub(super) fn check(context: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let node = node.nearest(&["target"]);
    let names: Vec<(&str, &str)> = match &workload.target {
        Target::Kubernetes(target) => vec![("namespace", &target.namespace), ("name", &target.name)],
        Target::Keda(target) => vec![("namespace", &target.namespace), ("name", &target.name)],
        Target::Asg(target) => vec![("region", &target.region)],
        Target::Agones(target) => vec![("namespace", &target.namespace), ("fleet", &target.fleet)],
        Target::Ec2(target) => vec![("region", &target.region), ("fleet", &target.fleet)],
        Target::Webhook(_) | Target::Command(_) | Target::Jitsi(_) | Target::None(_) => Vec::new(),
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let sound = |name: &str| {
        name.starts_with(plain)
            && name.ends_with(plain)
            && name.len() <= 253
            && name.chars().all(|c| plain(c) || "-.".contains(c))
    };
    let mut found: Vec<Finding> = names
        .into_iter()
        .filter(|(_, name)| !sound(name))
        .map(|(key, name)| bad_name(node.nearest(&[key]), name))
        .collect();
    if let Target::Asg(target) = &workload.target
        && target.group.trim().is_empty()
    {
        found.push(bad_name(node.nearest(&["group"]), ""));
    }
    if let Target::Asg(target) = &workload.target {
        let (from, to) = (Duration::seconds(300), Duration::seconds(172_800));
        found.extend(within(node, &["lowerAhead"], target.lower_ahead, from, to));
    }
    if let Target::Kubernetes(target) = &workload.target {
        found.extend(kubernetes(target, node));
    }
    found.extend(no_cluster(context, workload, node));
    found
}

/// The name of a region: `eu-west-1`.
pub(super) fn region(name: &str, node: &Node) -> Option<Finding> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let sound = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain);
    (!sound).then(|| bad_name(node.nearest(&["region"]), name))
}

fn kubernetes(target: &KubernetesTarget, node: &Node) -> Vec<Finding> {
    let (from, to) = (Duration::seconds(60), Duration::seconds(6 * 3_600));
    let headroom = target.node_headroom.and_then(|ahead| within(node, &["nodeHeadroom"], ahead, from, to));
    let homeless = target.api_version.is_none() && KINDS.iter().all(|(kind, _)| *kind != target.kind);
    let homeless = homeless.then(|| {
        let place = node.nearest(&["kind"]).place;
        let message = format!("it is not known where the kind `{}` lives", target.kind);
        let finding = Finding::new(Code::UNKNOWN_KIND, message).at(place);
        match nearest(&target.kind, KINDS.iter().map(|(kind, _)| *kind)) {
            Some(kind) => finding.help(format!("did you mean `{kind}`?")).fix(place, kind),
            None => finding.help("say its group and version: `apiVersion: example.org/v1`"),
        }
    });
    headroom.into_iter().chain(homeless).collect()
}

/// Where kinds with a scale subresource live, for those of which one need not say it.
pub(crate) const KINDS: [(&str, &str); 7] = [
    ("Deployment", "apps/v1"),
    ("StatefulSet", "apps/v1"),
    ("ReplicaSet", "apps/v1"),
    ("ReplicationController", "v1"),
    ("Rollout", "argoproj.io/v1alpha1"),
    ("Fleet", "agones.dev/v1"),
    ("GameServerSet", "game.kruise.io/v1alpha1"),
];

/// The cluster that a target names, or should name.
fn no_cluster(context: Context<'_>, workload: &Workload, node: &Node) -> Option<Finding> {
    let named = match &workload.target {
        Target::Kubernetes(target) => &target.cluster,
        // KEDA that asks is in whatever cluster it is in.
        Target::Keda(target) if target.action == KedaAction::Trigger => return None,
        Target::Keda(target) => &target.cluster,
        _ => return None,
    };
    cluster(context, named.as_ref(), node, "the target")
}

/// The cluster that a section names, or should name.
pub(super) fn cluster(
    context: Context<'_>,
    named: Option<&Name>,
    node: &Node,
    what: &str,
) -> Option<Finding> {
    let clusters = context.written("clusters");
    let names = || clusters.iter().map(|entry| entry.key.as_str());
    let Some(named) = named else {
        let message = format!("it is not said in which of the clusters {what} is");
        return (clusters.len() > 1).then(|| {
            let finding = Finding::new(Code::NO_SUCH_CLUSTER, message).at(node.headline());
            finding.help(format!("add `cluster` to {what}: {}", listed(names())))
        });
    };
    if names().any(|name| name == named.as_str()) {
        return None;
    }
    let node = node.nearest(&["cluster"]);
    let finding =
        Finding::new(Code::NO_SUCH_CLUSTER, format!("there is no cluster `{named}`")).at(node.place);
    Some(match nearest(named.as_str(), names()).or_else(|| names().next().filter(|_| clusters.len() == 1)) {
        Some(name) => finding.help(format!("did you mean `{name}`?")).fix(node.place, name),
        None if clusters.is_empty() => {
            finding.help(format!("define it: `clusters: {{ {named}: {{ kubeconfig: … }} }}`"))
        }
        None => finding.help(format!("the clusters are {}", listed(names()))),
    })
}

fn bad_name(node: &Node, name: &str) -> Finding {
    let finding =
        Finding::new(Code::BAD_NAME, format!("nothing there can have the name `{name}`")).at(node.place);
    let mended = name.to_lowercase().replace(['_', ' '], "-");
    let help = "names there have small letters, digits and hyphens";
    match mended.is_empty() || mended == name {
        true => finding.help(help),
        false => finding.help(format!("write `{mended}`: {help}")).fix(node.place, mended),
    }
}

/// I6: one writer for each thing that is scaled.
pub(super) fn same(context: Context<'_>) -> Vec<Finding> {
    let mut first = BTreeMap::new();
    let each = context.items("workloads", &context.config.workloads);
    each.filter_map(|(workload, node)| {
        let key = workload.target.scaled(&context.config.clusters)?;
        let place = node.entry("target").map_or(node.headline(), |entry| entry.place);
        let (before, who) = *first.entry(key).or_insert((place, &workload.name));
        let finding = || {
            Finding::new(Code::SAME_TARGET, format!("`{}` and `{who}` scale the same thing", workload.name))
        };
        (before != place).then(|| {
            finding()
                .at(place)
                .label("again here")
                .also(before, "first here")
                .help("give one of them another target, such as `{ type: none }`")
                .fix(node.nearest(&["target"]).extent(), "{ type: none }")
        })
    })
    .collect()
}
