use std::collections::BTreeMap;

use super::{Context, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{Target, Workload};
use crate::config::word::Duration;

/// The names of what is scaled.
pub(super) fn check(_: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let node = node.nearest(&["target"]);
    let names: Vec<(&str, &str)> = match &workload.target {
        Target::Kubernetes(target) => vec![("namespace", &target.namespace), ("name", &target.name)],
        Target::Keda(target) => vec![("namespace", &target.namespace), ("name", &target.name)],
        Target::Asg(target) => vec![("region", &target.region)],
        Target::Webhook(_) | Target::None(_) => Vec::new(),
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
    if let Target::Webhook(target) = &workload.target {
        let (from, to) = (Duration(std::time::Duration::from_millis(100)), Duration::seconds(120));
        found.extend(within(node, &["timeout"], target.timeout, from, to));
    }
    found
}

/// The name of a region: `eu-west-1`.
pub(super) fn region(name: &str, node: &Node) -> Option<Finding> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let sound = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain);
    (!sound).then(|| bad_name(node.nearest(&["region"]), name))
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
        let key = match &workload.target {
            Target::Kubernetes(t) => ("kubernetes", t.namespace.clone(), format!("{}/{}", t.kind, t.name)),
            Target::Keda(t) => ("keda", t.namespace.clone(), t.name.clone()),
            Target::Asg(t) => ("asg", t.region.clone(), t.group.clone()),
            Target::Webhook(_) | Target::None(_) => return None,
        };
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
