use super::Context;
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{CalendarFile, SpecialDays};
use crate::config::word::Pattern;

/// Calendar files and special days, each entry for itself and beside the workloads that it concerns.
pub(super) fn check(context: Context<'_>) -> Vec<Finding> {
    let days = context.items("specialDays", &context.config.special_days);
    let days = days.flat_map(|(days, node)| [which(days, node), nobody(context, &days.workload, node)]);
    let files = context.items("calendarFiles", &context.config.calendar_files);
    let files = files.flat_map(|(file, node)| [nothing(file, node), nobody(context, &file.workload, node)]);
    days.chain(files).flatten().collect()
}

fn which(days: &SpecialDays, node: &Node) -> Option<Finding> {
    let finding = |message: &str| Finding::new(Code::ONE_OF, message);
    match (node.entry("holidays"), node.entry("day")) {
        (Some(holidays), Some(day)) if days.holidays.is_some() && days.day.is_some() => {
            let finding = finding("an entry names `holidays` or a `day`, not both").at(day.place);
            Some(
                finding
                    .also(holidays.place, "and this")
                    .help("make two entries of it, or take one of the two away")
                    .remove(day),
            )
        }
        (None, None) => Some(
            finding("it is not said which days are special")
                .at(node.headline())
                .help("add `holidays: DE` or `day: 2026-12-24`")
                .insert(node, "day: 2026-12-24"),
        ),
        _ => None,
    }
}

fn nothing(file: &CalendarFile, node: &Node) -> Option<Finding> {
    file.changes().is_empty().then(|| {
        let finding = Finding::new(Code::NO_EFFECT_AT_ALL, "the events of this file change nothing")
            .at(node.headline());
        let help = "add what changes while one lasts, such as `padding: 20%` or `minReplicas: 40`";
        finding.help(help).insert(node, "padding: 20%")
    })
}

fn nobody(context: Context<'_>, pattern: &Pattern, node: &Node) -> Option<Finding> {
    let concerned = context.config.workloads.iter().any(|workload| pattern.matches(&workload.name));
    (context.all_known() && !concerned).then(|| {
        Finding::new(Code::MATCHES_NOTHING, format!("no workload is called `{pattern}`"))
            .at(node.nearest(&["workload"]).place)
            .help("write the name of a workload, or `\"*\"` for all of them")
    })
}
