use std::collections::BTreeMap;

use super::{Context, source, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{CommandTarget, KedaAction, Mode, Target, Workload};
use crate::config::word::Duration;

/// What is scaled, and how.
pub(super) fn check(context: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let mut found = names(workload, node.nearest(&["target"]));
    found.extend(reached(context, workload, node.nearest(&["target"])));
    found.extend(unseen(workload, node));
    found
}

/// The names of what is scaled.
fn names(workload: &Workload, node: &Node) -> Vec<Finding> {
    let names: Vec<(&str, &str)> = match &workload.target {
        Target::Kubernetes(target) => vec![("namespace", &target.namespace), ("name", &target.name)],
        Target::Keda(target) => vec![("namespace", &target.namespace), ("name", &target.name)],
        Target::Asg(target) => vec![("region", &target.region)],
        Target::Agones(target) => vec![("namespace", &target.namespace), ("fleet", &target.fleet)],
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
    if let Target::Jitsi(target) = &workload.target {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let sound = (1..=256).contains(&target.group.len()) && target.group.chars().all(plain);
        let finding = || {
            let message = format!("no group can have the name `{}`", target.group);
            let place = node.nearest(&["group"]).place;
            let mended: String = target.group.chars().map(|c| if plain(c) { c } else { '-' }).collect();
            let finding = Finding::new(Code::BAD_NAME, message).at(place);
            finding.help("names of groups have letters, digits, `-`, `_` and `.`").fix(place, mended)
        };
        found.extend((!sound).then(finding));
    }
    found
}

/// How what is scaled is reached: connections, programs, and how long they may take.
fn reached(context: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let (from, to) = (Duration(std::time::Duration::from_millis(100)), Duration::seconds(120));
    match &workload.target {
        Target::Webhook(target) => {
            let limit = within(node, &["timeout"], target.timeout, from, to);
            limit.into_iter().chain(source::tls(&target.url, &target.tls, false, node)).collect()
        }
        Target::Jitsi(target) => {
            let limit = within(node, &["timeout"], target.timeout, from, to);
            let secret = target.bearer_token.is_some();
            limit.into_iter().chain(source::tls(&target.url, &target.tls, secret, node)).collect()
        }
        Target::Command(target) => {
            let limit = within(node, &["timeout"], target.timeout, from, to);
            limit.into_iter().chain(commands(context, target, node)).collect()
        }
        Target::Kubernetes(_) | Target::Asg(_) | Target::Keda(_) | Target::Agones(_) | Target::None(_) => {
            Vec::new()
        }
    }
}

fn commands(context: Context<'_>, target: &CommandTarget, node: &Node) -> Vec<Finding> {
    let mut found = Vec::new();
    let allowed = context.config.server.allow_commands;
    let said = context.written("server").iter().find(|entry| entry.key == "allowCommands");
    if !allowed {
        let message = "this target runs programs, which the server does not allow";
        let finding = Finding::new(Code::COMMANDS_NOT_ALLOWED, message).at(node.nearest(&["run"]).place);
        let help = "say `server: { allowCommands: true }`, if whoever may edit this file may run programs as the server";
        found.push(match said {
            Some(entry) => {
                finding.help(help).also(entry.value.place, "not allowed here").fix(entry.value.place, "true")
            }
            None => finding.help(help),
        });
    }
    let lines = [("run", Some(&target.run)), ("sight", target.sight.as_ref())];
    for (key, line) in lines.into_iter().filter_map(|(key, line)| Some((key, line?))) {
        found.extend(command(line, node.nearest(&[key])));
    }
    let odd = |name: &&String| name.is_empty() || name.contains(['=', '\0']);
    found.extend(target.env.iter().find(odd).map(|name| {
        Finding::new(Code::BAD_COMMAND, format!("`{name}` is no name of an environment variable"))
            .at(node.nearest(&["env"]).place)
            .help("name variables of the server's own environment; their values are not written here")
    }));
    found
}

fn command(line: &[String], node: &Node) -> Option<Finding> {
    let program = line.first().map_or("", |program| program.trim());
    let words = program.split_whitespace().count();
    let finding = |message: String| Finding::new(Code::BAD_COMMAND, message).at(node.place);
    match () {
        () if program.is_empty() => {
            let finding = finding("there is no program to run".into());
            Some(
                finding.help(
                    "write the program and its arguments as a list: `[/usr/local/bin/scale, checkout]`",
                ),
            )
        }
        () if words > 1 && line.len() == 1 => {
            let list = format!("[{}]", program.split_whitespace().collect::<Vec<_>>().join(", "));
            let help = format!("no shell reads it; write each argument for itself: `{list}`");
            let finding = finding(format!("`{program}` is a whole command line in one word"));
            Some(finding.help(help).fix(node.extent(), list))
        }
        () if line.iter().any(|word| word.contains('\0')) => {
            Some(finding("an argument holds a NUL character".into()).help("take it away"))
        }
        () => None,
    }
}

/// What follows when the servers cannot be seen.
fn unseen(workload: &Workload, node: &Node) -> Vec<Finding> {
    let target = node.nearest(&["target"]);
    let blind = match &workload.target {
        Target::Webhook(webhook) => webhook.sight.is_none(),
        Target::Command(command) => command.sight.is_none(),
        _ => false,
    };
    let trigger = matches!(&workload.target, Target::Keda(keda) if keda.action == KedaAction::Trigger);
    let unknown = workload.capacity.per_replica.given().is_none();
    let mut found = Vec::new();
    if unknown && (blind || trigger) {
        let message = "nothing shows how many servers serve, so what one of them serves cannot be learned";
        let help = match trigger {
            true => {
                "say `capacity: { perReplica: … }`, or take `action: floor`, which looks into the cluster"
            }
            false => "say `capacity: { perReplica: … }`, or where the fleet can be seen, as `sight`",
        };
        let action = target.entry("action").filter(|_| trigger).map(|entry| entry.value.place);
        let finding = Finding::new(Code::NO_CAPACITY, message).help(help);
        found.push(match action {
            Some(action) => finding.at(action).fix(action, "floor"),
            None => finding.at(target.headline()),
        });
    }
    if blind && workload.mode == Mode::Full {
        let message = "nothing shows the fleet, so it grows and is never shrunk";
        let finding = Finding::new(Code::NEVER_SHRUNK, message).at(target.headline());
        let finding = finding.help("say where it can be seen, as `sight`, or set the mode to scaleOutOnly");
        found.push(finding.fix(node.nearest(&["mode"]).place, "scaleOutOnly"));
    }
    found
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
            Target::Agones(t) => ("agones", t.namespace.clone(), t.fleet.clone()),
            Target::Jitsi(t) => ("jitsi", t.url.to_string(), t.group.clone()),
            Target::Webhook(_) | Target::Command(_) | Target::None(_) => return None,
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
