use std::collections::BTreeMap;

use super::{Context, DAY, HOUR, SECOND, demand, drain, edges, out_of_range, target, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{Mode, Rate, Target, Workload};
use crate::config::word::{Auto, Duration};

/// The most replicas that a workload can have.
const REPLICAS_MAX: u32 = 1_000_000;

/// The workloads, each for itself and all together.
pub(super) fn check(context: Context<'_>) -> Vec<Finding> {
    let each = context.items("workloads", &context.config.workloads);
    let alone = each.flat_map(|(workload, node)| {
        let checks = [
            bounds,
            shares,
            durations,
            demand::check,
            target::check,
            edges::check,
            drain::check,
            without_effect,
        ];
        checks.into_iter().flat_map(|check| check(context, workload, node)).collect::<Vec<_>>()
    });
    alone.chain(same_name(context)).chain(target::same(context)).collect()
}

fn bounds(context: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let (min, max) = (node.nearest(&["minReplicas"]), node.nearest(&["maxReplicas"]));
    let mut found = Vec::new();
    let (least, most) = (workload.min_replicas, workload.max_replicas);
    if most == 0 || most > REPLICAS_MAX {
        found.push(out_of_range(max, most, most.clamp(1, REPLICAS_MAX), format!("from 1 to {REPLICAS_MAX}")));
    } else if least > most {
        let message = format!("at least {least} and at most {most} replicas is no size at all");
        let finding =
            Finding::new(Code::MIN_ABOVE_MAX, message).at(min.place).also(max.place, "this is smaller");
        let help = format!("swap the two, or raise `maxReplicas` to at least {least}");
        found.push(if min.text().is_some() {
            finding.help(help).fix(min.place, most.to_string()).fix(max.place, least.to_string())
        } else {
            finding.help(help)
        });
    } else if least == most {
        let finding = Finding::new(
            Code::NO_ROOM,
            format!("with {least} as the least and the most, no forecast changes anything"),
        );
        found.push(
            finding
                .at(max.place)
                .also(min.place, "the same")
                .help(format!("raise `maxReplicas`, for example to {}, or lower `minReplicas`", 2 * most))
                .fix(max.place, (2 * most).to_string()),
        );
    }
    let fleet = context.config.limits.fleet_max.filter(|fleet| *fleet > 0 && *fleet < most);
    found.extend(fleet.map(|fleet| {
        let limit = context.tree.nearest(&["limits", "fleetMax"]).place;
        let finding = Finding::new(
            Code::FLEET_CUTS,
            format!("all workloads together may have {fleet} replicas, so this one never has {most}"),
        );
        finding
            .at(max.place)
            .also(limit, "this limit")
            .help(format!("write `maxReplicas: {fleet}`, or raise the limit"))
            .fix(max.place, fleet.to_string())
    }));
    found
}

fn shares(_: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let objective = workload.objective;
    let mut found = Vec::new();
    if !(0.5..=0.999_99).contains(&objective.share()) {
        let nearest = if objective.share() < 0.5 { "50%" } else { "99.99%" };
        found.push(out_of_range(
            node.nearest(&["objective"]),
            objective,
            nearest,
            "from 50% to 99.999%; nothing is certain".into(),
        ));
    }
    if let Auto::Given(level) = workload.service_level
        && !(0.5..=0.9999).contains(&level.share())
    {
        let nearest = if level.share() < 0.5 { "50%" } else { "99.99%" };
        found.push(out_of_range(
            node.nearest(&["serviceLevel"]),
            level,
            nearest,
            "from 50% to 99.99%; nothing is certain".into(),
        ));
    }
    if let Some(budget) = &workload.behavior.scale_down.budget
        && budget.percent.share() <= 0.0
    {
        let node = node.nearest(&["behavior", "scaleDown", "budget", "percent"]);
        found.push(out_of_range(
            node,
            "0%",
            "10%",
            "above 0%; to keep a workload from shrinking set its mode to scaleOutOnly".into(),
        ));
    }
    found
}

fn durations(_: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let (behavior, advanced) = (&workload.behavior, &workload.advanced);
    let none = Duration::seconds(0);
    let six_hours = Duration::seconds(6 * HOUR.as_seconds() as u64);
    let mut found = Vec::new();
    found.extend(
        workload.start_time.given().and_then(|time| within(node, &["startTime"], time, none, six_hours)),
    );
    found.extend(within(node, &["advanced", "hold"], advanced.hold, none, DAY));
    found.extend(within(node, &["advanced", "dwell"], advanced.dwell, none, DAY));
    let down = &behavior.scale_down;
    found.extend(
        down.cooldown.and_then(|time| within(node, &["behavior", "scaleDown", "cooldown"], time, none, DAY)),
    );
    let budget = down.budget.as_ref();
    found.extend(
        budget.and_then(|b| within(node, &["behavior", "scaleDown", "budget", "per"], b.per, SECOND, DAY)),
    );
    for (key, rate) in [("scaleUp", &behavior.scale_up.rate), ("scaleDown", &down.rate)] {
        found.extend(rate.iter().flat_map(|rate| self::rate(rate, node.nearest(&["behavior", key, "rate"]))));
    }
    for (key, batch) in
        [("preferredBatch", behavior.scale_up.preferred_batch), ("maxBatch", behavior.scale_up.max_batch)]
    {
        let zero = batch.filter(|batch| *batch == 0);
        found.extend(zero.map(|_| at_least_one(node.nearest(&["behavior", "scaleUp", key]))));
    }
    found
}

fn rate(rate: &Rate, node: &Node) -> Vec<Finding> {
    let none = (rate.replicas == 0).then(|| at_least_one(node.nearest(&["replicas"])));
    none.into_iter().chain(within(node, &["per"], rate.per, SECOND, DAY)).collect()
}

fn at_least_one(node: &Node) -> Finding {
    out_of_range(node, 0, 1, "at least 1; take the key away for no limit".into())
}

fn without_effect(_: Context<'_>, workload: &Workload, node: &Node) -> Vec<Finding> {
    let up = &workload.behavior.scale_up;
    let mut found = Vec::new();
    let scale_down = node.get("behavior").and_then(|behavior| behavior.entry("scaleDown"));
    if let (Mode::ScaleOutOnly, Some(entry)) = (workload.mode, scale_down) {
        let finding = Finding::new(Code::SCALE_DOWN_UNUSED, "`scaleDown` has no effect in mode scaleOutOnly")
            .at(entry.place);
        found.push(
            finding
                .also(node.nearest(&["mode"]).place, "this mode")
                .help("take it away, or set the mode to full")
                .remove(entry),
        );
    }
    if let (Mode::Full | Mode::ScaleOutOnly, Target::None(_)) = (workload.mode, &workload.target) {
        let mode = node.nearest(&["mode"]).place;
        let finding =
            Finding::new(Code::NOTHING_SCALED, "there is nothing to scale, so the mode has no effect")
                .at(mode);
        found.push(
            finding
                .also(node.nearest(&["target"]).headline(), "this target")
                .help("write `mode: observe`, or give a target")
                .fix(mode, "observe"),
        );
    }
    if let (Some(preferred), Some(most)) = (up.preferred_batch, up.max_batch)
        && preferred > most
    {
        let section = node.nearest(&["behavior", "scaleUp"]);
        let place = section.nearest(&["preferredBatch"]).place;
        let finding = Finding::new(
            Code::BATCH_WITHOUT_EFFECT,
            format!("no step brings {preferred} replicas, as {most} are the most"),
        )
        .at(place);
        found.push(
            finding
                .help(format!("write `preferredBatch: {most}`, or raise `maxBatch`"))
                .fix(place, most.to_string()),
        );
    }
    let tuned = workload.service_level.given().is_none() || workload.advanced.reactive.given().is_none();
    if let (Some(entry), false) = (node.entry("objective"), tuned) {
        let finding =
            Finding::new(Code::OBJECTIVE_UNUSED, "nothing is tuned to the objective").at(entry.place);
        let help = "take it away, or let `serviceLevel` be tuned by taking that away";
        found.push(finding.help(help).remove(entry));
    }
    found
}

fn same_name(context: Context<'_>) -> Vec<Finding> {
    let mut first = BTreeMap::new();
    let named = context.items("workloads", &context.config.workloads);
    named
        .filter_map(|(workload, node)| {
            let place = node.nearest(&["name"]).place;
            let before = *first.entry(&workload.name).or_insert(place);
            let finding =
                || Finding::new(Code::SAME_WORKLOAD, format!("two workloads are called `{}`", workload.name));
            let instead = format!("{}-2", workload.name);
            (before != place).then(|| {
                finding()
                    .at(place)
                    .label("again here")
                    .also(before, "first here")
                    .help(format!("give one of them another name, such as `{instead}`"))
                    .fix(place, instead)
            })
        })
        .collect()
}
