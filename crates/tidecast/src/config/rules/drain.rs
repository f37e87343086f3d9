use super::{Context, DAY, HOUR, query, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{AsgAction, Drain, KubernetesTarget, Source, Target, Workload};
use crate::config::word::{Deadline, Duration};
use crate::source::{NotPerNode, PerNode, selectors};

/// How servers are emptied, beside the target and the source.
pub(super) fn check(context: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let Some(drain) = &workload.drain else { return Vec::new() };
    let section = node.nearest(&["drain"]);
    let place = node.entry("drain").map_or(section.headline(), |entry| entry.place);
    let cannot = cannot_drain(&workload.target).map(|(why, help)| {
        let target = node.nearest(&["target"]);
        let finding = Finding::new(Code::CANNOT_DRAIN, format!("no server can be drained here: {why}"))
            .at(place)
            .also(target.headline(), "this target")
            .help(help);
        mended(finding, workload, target, node)
    });
    let counted = match &drain.sessions {
        Some(text) => sessions(context, workload, text, section),
        None => uncounted(workload).then(|| {
            Finding::new(
                Code::NO_SESSIONS,
                "nobody tells how many sessions a server holds, so none would ever be ended",
            )
            .at(place)
            .help("add the query: `sessions: 'sfu_sessions{node=\"$node\"}'`")
        }),
    };
    let counted = counted.filter(|_| cannot.is_none());
    cannot.into_iter().chain(counted).chain(durations(drain, section)).chain(cuts(drain, section)).collect()
}

/// What the help says, done.
fn mended(finding: Finding, workload: &Workload, target: &Node, node: &Node) -> Finding {
    match (&workload.target, target.entry("action"), node.entry("drain")) {
        (Target::Asg(_), Some(action), _) => finding.fix(action.value.place, "direct"),
        (Target::Asg(group), None, _) => {
            let name = target.nearest(&["group"]).place;
            let gap = if target.place.start < target.place.end { ", " } else { "\n\u{1f}" };
            finding.fix(name, format!("{}{gap}action: direct", group.group))
        }
        (_, _, Some(drain)) => finding.remove(drain),
        _ => finding,
    }
}

/// Why no chosen server can be ended there, and what to do about it.
fn cannot_drain(target: &Target) -> Option<(String, &'static str)> {
    let take_away = "take the section away";
    match target {
        Target::Kubernetes(target) => ends_no_chosen(target),
        Target::Asg(target) if target.action == AsgAction::Schedule => Some((
            "with `action: schedule` AWS sets the size by itself, and chooses which instance goes".into(),
            "write `action: direct` in the target",
        )),
        Target::Asg(_) | Target::Ec2(_) | Target::None(_) => None,
        Target::Keda(_) => Some((
            "KEDA sets a number, and which Pod goes is not chosen".into(),
            "scale its target itself, with `{ type: kubernetes }`, or take the section away",
        )),
        Target::Agones(_) => Some((
            "Agones itself keeps game servers that are allocated".into(),
            take_away,
        )),
        Target::Jitsi(_) => Some(("jitsi-autoscaler drains bridges itself".into(), take_away)),
        Target::Webhook(_) | Target::Command(_) => Some((
            "whether a server is empty is looked at once more right before it is ended, which this target's own program does"
                .into(),
            "have that program drain, and take the section away",
        )),
    }
}

/// Kinds whose controller removes the Pod that costs least.
fn ends_no_chosen(target: &KubernetesTarget) -> Option<(String, &'static str)> {
    const CHOOSES: [&str; 4] = ["Deployment", "ReplicaSet", "ReplicationController", "Rollout"];
    if target.kind == "StatefulSet" {
        let why = "a StatefulSet gives up its highest ordinal, whichever Pod is empty".into();
        return Some((why, "run these servers in a Deployment, or take the section away"));
    }
    (!CHOOSES.contains(&target.kind.as_str())).then(|| {
        let why = format!("which Pod a {} gives up cannot be chosen", target.kind);
        (why, "Pods can be chosen of Deployments, ReplicaSets and Rollouts; take the section away")
    })
}

/// Whether nothing but a query could count.
fn uncounted(workload: &Workload) -> bool {
    !matches!(workload.target, Target::Kubernetes(_))
}

fn sessions(context: Context<'_>, workload: &Workload, text: &str, section: &Node) -> Option<Finding> {
    let node = section.nearest(&["sessions"]);
    let name = &workload.demand.source;
    match context.config.sources.get(name) {
        // That there is no such source is said where it is named.
        None | Some(Source::Prometheus(_)) => {}
        Some(Source::Cloudwatch(_) | Source::Csv(_) | Source::Push(_)) => {
            let message = format!("the source `{name}` answers no queries, so it cannot tell sessions");
            let help = "measure the demand by a source of type prometheus";
            return Some(Finding::new(Code::NO_SESSIONS, message).at(node.place).help(help));
        }
    }
    let broken = query::broken(text).map(|finding| Finding { fixes: Vec::new(), ..finding }.at(node.place));
    broken.or_else(|| {
        let why = PerNode::of(text).err()?;
        let finding =
            Finding::new(Code::SESSIONS_WITHOUT_NODE, why.to_string()).at(node.place).help(way_out(&why));
        let named = named(text).filter(|_| why == NotPerNode::NoNode);
        Some(match named {
            Some(named) => finding.fix(node.place, format!("'{}'", named.replace('\'', "''"))),
            None => finding,
        })
    })
}

fn way_out(why: &NotPerNode) -> &'static str {
    match why {
        NotPerNode::NoNode => "name the label that holds the server's name: `sfu_sessions{node=\"$node\"}`",
        NotPerNode::Misplaced => {
            "write `label=\"$node\"`, or `label=~\"$node:.*\"` where the label holds a port as well"
        }
        NotPerNode::TwoLabels(..) => "use the same label everywhere; `label_replace` can rename one",
        NotPerNode::Dropped(_) => "take that label out of `without`",
        NotPerNode::Past => "take the offset away",
        NotPerNode::Unread | NotPerNode::TooMany => {
            "write a simpler query, such as `sfu_sessions{node=\"$node\"}`"
        }
    }
}

/// The query of one plain metric with the matcher that is missing, if a label called `node` holds the name.
fn named(text: &str) -> Option<String> {
    let found = selectors(text);
    let [one] = &found[..] else { return None };
    let bare = one.text.trim_end_matches("{}");
    let named =
        (!bare.contains('{')).then(|| text.replacen(&one.text, &format!("{bare}{{node=\"$node\"}}"), 1))?;
    PerNode::of(&named).is_ok().then_some(named)
}

fn durations(drain: &Drain, section: &Node) -> Vec<Finding> {
    let (minute, month) = (Duration::seconds(60), Duration::seconds(30 * 86_400));
    let deadline = match drain.deadline {
        Deadline::Never => None,
        Deadline::After(deadline) => within(section, &["deadline"], deadline, minute, month),
    };
    let cooling = within(section, &["cooling"], drain.cooling, Duration::seconds(30), DAY);
    let fresh = within(section, &["freshFor"], drain.fresh_for, Duration::seconds(10), HOUR);
    [deadline, cooling, fresh].into_iter().flatten().collect()
}

/// A deadline is allowed, but never unnoticed.
fn cuts(drain: &Drain, section: &Node) -> Option<Finding> {
    let Deadline::After(deadline) = drain.deadline else { return None };
    let message = format!("a server that has drained for {deadline} is ended although sessions run on it");
    let place = section.nearest(&["deadline"]).place;
    let finding = Finding::new(Code::DEADLINE_CUTS, message).at(place);
    Some(finding.help("write `never` to wait for the last session").fix(place, "never"))
}
