use super::{Context, source, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{CommandTarget, JitsiTarget, KedaAction, Mode, Target, Workload};
use crate::config::word::Duration;

/// Targets that other people's programs move: webhooks, commands, jitsi-autoscaler, and KEDA where it asks.
pub(super) fn check(context: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let mut found = reached(context, workload, node.nearest(&["target"]));
    found.extend(unseen(workload, node));
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
            let tls = source::tls(&target.url, &target.tls, secret, node);
            limit.into_iter().chain(tls).chain(group(target, node)).collect()
        }
        Target::Command(target) => {
            let limit = within(node, &["timeout"], target.timeout, from, to);
            limit.into_iter().chain(commands(context, target, node)).collect()
        }
        Target::Kubernetes(_)
        | Target::Asg(_)
        | Target::Ec2(_)
        | Target::Keda(_)
        | Target::Agones(_)
        | Target::None(_) => Vec::new(),
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

fn group(target: &JitsiTarget, node: &Node) -> Option<Finding> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let sound = (1..=256).contains(&target.group.len()) && target.group.chars().all(plain);
    let place = node.nearest(&["group"]).place;
    let mended = || target.group.chars().map(|c| if plain(c) { c } else { '-' }).collect::<String>();
    (!sound).then(|| {
        Finding::new(Code::BAD_NAME, format!("no group can have the name `{}`", target.group))
            .at(place)
            .help("names of groups have letters, digits, `-`, `_` and `.`")
            .fix(place, mended())
    })
}
