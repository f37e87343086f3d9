use jiff::civil::date;

use super::{Context, within};
use crate::config::codes::Code;
use crate::config::finding::Finding;
use crate::config::node::Node;
use crate::config::section::{CalendarEntry, Workload};
use crate::config::suggest::nearest;
use crate::config::word::{Duration, Schedule};

/// The calendar, each entry for itself and beside the workloads that it concerns.
pub(super) fn check(context: Context<'_>) -> Vec<Finding> {
    let entries = context.items("calendar", &context.config.calendar);
    entries
        .flat_map(|(entry, node)| {
            let year = Duration::seconds(366 * 86_400);
            let mut found: Vec<Finding> =
                within(node, &["for"], entry.lasts, Duration::seconds(60), year).into_iter().collect();
            found.extend(begins(entry, node));
            found.extend(changes(entry, node));
            found.extend(
                entry.schedule.as_ref().and_then(|schedule| never(schedule, node.nearest(&["schedule"]))),
            );
            found.extend(concerns(context, entry, node));
            found
        })
        .collect()
}

fn begins(entry: &CalendarEntry, node: &Node) -> Option<Finding> {
    let finding = |message: &str| Finding::new(Code::ONE_OF, message);
    if let (Some(rule), None) = (node.entry("rule"), node.entry("at")) {
        let finding = finding("a `rule` needs to be told when it first happens").at(rule.place);
        return Some(finding.help("add `at: 2026-12-31T18:00`").insert(node, "at: 2026-12-31T18:00"));
    }
    match (node.entry("at"), node.entry("schedule")) {
        (Some(at), Some(schedule)) if entry.at.is_some() && entry.schedule.is_some() => {
            let finding =
                finding("an event begins `at` a time or by a `schedule`, not both").at(schedule.place);
            Some(finding.also(at.place, "and this").help("take one of the two away").remove(schedule))
        }
        (None, None) => Some(
            finding("it is not said when this event begins")
                .at(node.headline())
                .help("add `at: 2026-12-31T18:00` or `schedule: 0 8 * * MON-FRI`")
                .insert(node, "at: 2026-12-31T18:00"),
        ),
        _ => None,
    }
}

fn changes(entry: &CalendarEntry, node: &Node) -> Option<Finding> {
    const KEYS: [&str; 5] = ["minReplicas", "maxReplicas", "padding", "demand", "perReplica"];
    if let (Some(min), Some(max)) = (entry.min_replicas, entry.max_replicas)
        && min > max
    {
        let (at, also) = (node.nearest(&["minReplicas"]).place, node.nearest(&["maxReplicas"]).place);
        let finding = Finding::new(
            Code::MIN_ABOVE_MAX,
            format!("at least {min} and at most {max} replicas is no size at all"),
        );
        return Some(
            finding
                .at(at)
                .also(also, "this is smaller")
                .help("swap the two")
                .fix(at, max.to_string())
                .fix(also, min.to_string()),
        );
    }
    let nothing = KEYS.iter().all(|key| node.entry(key).is_none());
    nothing.then(|| {
        let finding = Finding::new(Code::NO_EFFECT_AT_ALL, "this event changes nothing").at(node.headline());
        let help = "add what changes while it lasts, such as `padding: 20%` or `minReplicas: 40`";
        finding.help(help).insert(node, "padding: 20%")
    })
}

/// A day that never comes, such as the 30th of February, in the next years.
fn never(schedule: &Schedule, node: &Node) -> Option<Finding> {
    let start = date(2024, 1, 1).at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    let comes = schedule.cron().find_next_occurrence(&start, true).is_ok();
    let finding = || Finding::new(Code::BAD_SCHEDULE, "this day never comes").at(node.place);
    (!comes).then(|| finding().help("write a day that exists in that month"))
}

fn concerns(context: Context<'_>, entry: &CalendarEntry, node: &Node) -> Vec<Finding> {
    let concerned: Vec<&Workload> =
        context.config.workloads.iter().filter(|w| entry.workload.matches(&w.name)).collect();
    if concerned.is_empty() && context.all_known() {
        let finding =
            Finding::new(Code::MATCHES_NOTHING, format!("no workload is called `{}`", entry.workload));
        return vec![suggest(context, entry, finding.at(node.nearest(&["workload"]).place))];
    }
    let Some(floor) = entry.min_replicas else { return Vec::new() };
    let place = node.nearest(&["minReplicas"]).place;
    let cut = concerned.iter().find(|workload| workload.max_replicas < floor).map(|workload| {
        let (name, max) = (&workload.name, workload.max_replicas);
        let finding = Finding::new(
            Code::FLOOR_CUT,
            format!("`{name}` never has {floor} replicas, as {max} are its most"),
        );
        finding
            .at(place)
            .help(format!("write `minReplicas: {max}`, or raise its `maxReplicas`"))
            .fix(place, max.to_string())
    });
    let idle = !concerned.is_empty() && concerned.iter().all(|workload| workload.min_replicas >= floor);
    let idle = idle.then(|| {
        let finding = Finding::new(
            Code::FLOOR_WITHOUT_EFFECT,
            format!("these workloads never have fewer than {floor} replicas anyway"),
        );
        let more = 1 + concerned.iter().map(|workload| workload.min_replicas).min().unwrap_or_default();
        finding
            .at(place)
            .help(format!("write {more} or more, or take the entry away"))
            .fix(place, more.to_string())
    });
    cut.into_iter().chain(idle).collect()
}

fn suggest(context: Context<'_>, entry: &CalendarEntry, finding: Finding) -> Finding {
    let names = || context.config.workloads.iter().map(|workload| workload.name.as_str());
    let only = || names().next().filter(|_| context.config.workloads.len() == 1);
    let meant = nearest(&entry.workload.to_string(), names()).or_else(only);
    match (meant, finding.place) {
        (Some(meant), Some(place)) => finding.help(format!("did you mean `{meant}`?")).fix(place, meant),
        _ => finding.help("write the name of a workload, or `\"*\"` for all of them"),
    }
}
