//! Why this size, why not more, why not less, why not now: one turn in sentences.
//!
//! Nothing is computed here that was not decided: the sentences are those of the decision's reason, limits and notes, put
//! under the questions that people ask.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tidecast_pilot::{Briefing, Command, Decision, Limit, Rated, Step};
use utoipa::ToSchema;

/// The answers to the questions that people ask about one turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The workload.
    pub workload: String,
    /// The number of the turn.
    pub turn: u64,
    /// When it was decided.
    #[schema(value_type = String, format = DateTime)]
    pub at: jiff::Timestamp,
    /// All in one sentence.
    pub headline: String,
    /// What makes the size necessary.
    pub why: Vec<String>,
    /// Why it is not more.
    pub why_not_more: Vec<String>,
    /// Why it is not less.
    pub why_not_less: Vec<String>,
    /// What comes next, and why not now.
    pub why_not_now: Vec<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// What other ways to size would have cost and served in the weeks that were replayed, the cheapest first.
    #[serde(default)]
    pub alternatives: Vec<Alternative>,
    /// The codes of reason, limits and notes, for filters.
    pub codes: Vec<String>,
}

/// A way to size, and what became of it when it was replayed on the workload's own last weeks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    /// What it goes by, and at which level.
    pub way: String,
    /// Whether it is the one that is followed.
    pub chosen: bool,
    /// The share of demand that it served, as far as any way could have.
    pub served: f64,
    /// Server-hours a day, each scale-up counted at its price.
    pub server_hours: f64,
    /// Scale-ups a day, if that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_ups: Option<f64>,
}

/// Explains a decision by what was known.
pub fn explain(briefing: &Briefing, decision: &Decision) -> Explanation {
    let zone = &briefing.workload.zone;
    let (cuts, holds): (Vec<&Limit>, Vec<&Limit>) = decision.limits.iter().partition(|limit| cuts(limit));
    let codes = std::iter::once(decision.because.code())
        .chain(decision.limits.iter().map(Limit::code))
        .chain(decision.notes.iter().map(|note| note.code()));
    Explanation {
        workload: briefing.workload.name.to_string(),
        turn: decision.turn,
        at: decision.at,
        headline: headline(briefing, decision),
        why: vec![decision.because.tell(zone)],
        why_not_more: why_not_more(briefing, decision, &cuts),
        why_not_less: why_not_less(decision, &holds, zone),
        why_not_now: why_not_now(briefing, decision),
        notes: decision.notes.iter().map(|note| note.tell(zone)).collect(),
        alternatives: alternatives(briefing),
        codes: codes.map(str::to_owned).collect(),
    }
}

/// The frontier of cost and service that replay has found, with the chosen way in it.
fn alternatives(briefing: &Briefing) -> Vec<Alternative> {
    let Some(sizing) = briefing.lessons.sizing else { return Vec::new() };
    let others = briefing.lessons.frontier.iter().chain([&sizing.outlook]);
    let mut all = vec![sizing.chosen];
    for other in others {
        if all.iter().all(|known| known.way != other.way) {
            all.push(*other);
        }
    }
    all.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let told = |rated: &Rated| Alternative {
        way: rated.way.to_string(),
        chosen: rated.way == sizing.chosen.way && briefing.workload.service_level.is_learned(),
        served: rated.served,
        server_hours: rated.cost / 60.0,
        scale_ups: rated.ups,
    };
    all.iter().map(told).collect()
}

/// Whether a limit keeps a size down; the others keep it up, or keep it from being carried out.
fn cuts(limit: &Limit) -> bool {
    matches!(limit, Limit::Maximum { .. } | Limit::Ceiling { .. } | Limit::RampUp { .. })
}

fn headline(briefing: &Briefing, decision: &Decision) -> String {
    let (size, wanted) = (decision.size, decision.wanted);
    let now = briefing.sighting.as_ref().map(|sighting| sighting.ordered);
    let what = match now {
        Some(now) if size > now => format!("Growing from {now} to {size}"),
        Some(now) if size < now => format!("Shrinking from {now} to {size}"),
        Some(now) if wanted < now => format!("Not shrinking: staying at {now}, though {wanted} would do"),
        Some(now) => format!("Staying at {now}"),
        None => format!("{size} servers would be right"),
    };
    let shown = !decision.withheld.is_empty() || now.is_none();
    let held =
        decision.limits.iter().rev().find(|limit| {
            matches!(limit, Limit::Mode { .. } | Limit::Halted(_) | Limit::ForeignWriter { .. })
        });
    match held.filter(|_| shown) {
        Some(limit) => format!("{what}; {}.", limit.tell(&briefing.workload.zone)),
        None => format!("{what}."),
    }
}

fn why_not_more(briefing: &Briefing, decision: &Decision, cuts: &[&Limit]) -> Vec<String> {
    let zone = &briefing.workload.zone;
    if !cuts.is_empty() {
        return cuts.iter().map(|limit| limit.tell(zone)).collect();
    }
    let ahead = decision.plan.after(decision.at);
    let until = decision.plan.until.map(|until| clock(until, zone));
    match (ahead.iter().max_by_key(|step| step.size), until) {
        (Some(peak), _) if peak.size > decision.wanted => vec![format!(
            "nothing needs more before {}: servers take time to start, and that is counted in",
            clock(first_above(ahead, decision).at, zone)
        )],
        (_, Some(until)) => vec![format!("nothing that is planned needs more until {until}")],
        (_, None) => vec!["nothing that is known needs more".into()],
    }
}

fn first_above<'a>(ahead: &'a [Step], decision: &Decision) -> &'a Step {
    ahead.iter().find(|step| step.size > decision.wanted).unwrap_or(&ahead[0])
}

fn why_not_less(decision: &Decision, holds: &[&Limit], zone: &TimeZone) -> Vec<String> {
    let own = std::iter::once(decision.because.tell(zone));
    let held: Vec<String> = holds.iter().map(|limit| limit.tell(zone)).collect();
    if held.is_empty() { own.collect() } else { held }
}

fn why_not_now(briefing: &Briefing, decision: &Decision) -> Vec<String> {
    let zone = &briefing.workload.zone;
    let withheld =
        decision.withheld.iter().map(|command| format!("would do, but may not: {}", told(command)));
    let next = decision.plan.after(decision.at).first().map(|step| {
        format!("the next step is to {} at {}: {}", step.size, clock(step.at, zone), step.because.tell(zone))
    });
    let none = || format!("no further step is planned{}", until(decision, zone));
    withheld.chain([next.unwrap_or_else(none)]).collect()
}

fn until(decision: &Decision, zone: &TimeZone) -> String {
    decision.plan.until.map_or_else(String::new, |until| format!(" until {}", clock(until, zone)))
}

fn told(command: &Command) -> String {
    command.to_string()
}

/// A time on the wall clock of `zone`, with the offset that holds there and then.
pub fn clock(time: jiff::Timestamp, zone: &TimeZone) -> String {
    let there = time.to_zoned(zone.clone());
    let offset = if there.offset().is_zero() { "UTC".to_owned() } else { there.strftime("%:z").to_string() };
    format!("{} ({offset})", there.strftime("%Y-%m-%d %H:%M"))
}
