use super::Context;
use super::target::cluster;
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::section::{EVERYWHERE, Operator, target_types};
use crate::config::suggest::nearest;

/// Which namespaces are watched, and what may be named there.
pub(super) fn check(context: Context<'_>) -> Vec<Finding> {
    let Some(operator) = &context.config.operator else { return Vec::new() };
    let section = context.tree.nearest(&["operator"]);
    let cluster = cluster(context, operator.cluster.as_ref(), section, "the operator");
    let found = namespaces(context, operator).into_iter().chain(targets(context, operator));
    found.chain(cluster).collect()
}

fn namespaces(context: Context<'_>, operator: &Operator) -> Vec<Finding> {
    let list = context.tree.nearest(&["operator", "namespaces"]);
    if operator.namespaces.is_empty() {
        let help = "name a namespace, write `['*']` for all of them, or take the section away";
        return vec![
            Finding::new(Code::NOTHING_WATCHED, "no namespace is watched").at(list.place).help(help),
        ];
    }
    let several = operator.namespaces.len() > 1;
    let each = operator.namespaces.iter().zip(list.items());
    each.filter_map(|(name, node)| match name.as_str() {
        EVERYWHERE if several => {
            let finding = Finding::new(
                Code::NOTHING_WATCHED,
                "`*` stands for all namespaces, so the others add nothing",
            );
            Some(finding.at(node.place).help("write `['*']`, or take it away"))
        }
        EVERYWHERE => None,
        name if sound(name) => None,
        name => {
            let finding =
                Finding::new(Code::BAD_NAME, format!("no namespace can be called `{name}`")).at(node.place);
            Some(finding.help("namespaces have small letters, digits and hyphens, at most 63"))
        }
    })
    .collect()
}

/// A DNS label, as namespaces are.
fn sound(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 63
        && name.starts_with(plain)
        && name.ends_with(plain)
        && name.chars().all(|c| plain(c) || c == '-')
}

fn targets(context: Context<'_>, operator: &Operator) -> Vec<Finding> {
    let list = context.tree.nearest(&["operator", "targets"]);
    let known = target_types();
    let each = operator.targets.iter().zip(list.items()).filter(|(target, _)| !known.contains(target));
    each.map(|(target, node)| {
        let finding =
            Finding::new(Code::UNKNOWN_WORD, format!("there is no type of target `{target}`")).at(node.place);
        match nearest(target, known.iter().map(String::as_str)) {
            Some(meant) => finding.help(format!("write `{meant}`")).fix(node.place, meant),
            None => finding.help(format!("write one of {}", known.join(", "))),
        }
    })
    .collect()
}
