//! What is written back: seen, decided, planned, and what is wrong.

use jiff::Timestamp;
use tidecast_pilot::Limit;

use super::resource::{Pause, Resource};
use super::roster::{Fault, Standing, in_short};
use super::status::{CONDITIONS, Condition, Next, Status};
use crate::api::said;
use crate::config::codes::Code;
use crate::drive::Seat;
use crate::explain::clock as on_the_clock;

/// What is known of the workload of a resource.
pub struct Known<'a> {
    /// What the API says of it.
    pub said: Option<&'a said::Workload>,
    /// Its last turn.
    pub seat: Option<&'a Seat>,
    /// The error of its forecasts, if that was computed.
    pub accuracy: Option<f64>,
}

/// The status that a resource should have, after the one that it has.
pub fn status(
    resource: &Resource,
    standing: &Standing,
    known: &Known<'_>,
    before: &Status,
    now: Timestamp,
) -> Status {
    let workload = standing.driven.as_ref();
    let said = known.said.filter(|_| workload.is_some());
    let plan = said.and_then(|said| said.size);
    let next = said.and_then(|said| said.next.as_ref());
    let zone = workload.map(|workload| workload.zone.zone().clone()).unwrap_or(jiff::tz::TimeZone::UTC);
    let decision = known.seat.and_then(|seat| seat.turned.as_ref()?.decision.clone());
    let conditions = CONDITIONS.map(|kind| {
        let (status, reason, message) = tell(kind, resource, standing, known);
        let same =
            before.conditions.iter().find(|condition| condition.kind == kind && condition.status == status);
        Condition {
            kind: kind.into(),
            status: status.into(),
            reason,
            message,
            observed_generation: Some(resource.generation),
            last_transition_time: same.map_or(now, |condition| condition.last_transition_time),
        }
    });
    Status {
        observed_generation: Some(resource.generation),
        workload: workload.map(|workload| workload.name.as_str().to_owned()),
        target: workload.map(|workload| in_short(&workload.target)),
        mode: said.map(|said| said.mode.clone()),
        now: said.and_then(|said| said.now),
        plan,
        reason: decision.filter(|_| said.is_some()).map(|decision| capital(decision.because.code())),
        next_step: next.map(|next| {
            let by = i64::from(next.size) - i64::from(plan.unwrap_or(next.size));
            format!("{by:+} at {}", on_the_clock(next.at, &zone))
        }),
        next: next.map(|next| Next { at: next.at, replicas: next.size, because: next.because.clone() }),
        accuracy: known.accuracy.filter(|_| said.is_some()).map(|wape| format!("{:.1} %", 100.0 * wape)),
        conditions: conditions.into(),
    }
}

/// Whether a condition holds, why in a word, and why in sentences.
type Told = (&'static str, String, String);

fn tell(kind: &str, resource: &Resource, standing: &Standing, known: &Known<'_>) -> Told {
    match kind {
        "Ready" => ready(standing, known),
        "Paused" => paused(resource, known),
        "Conflict" => conflict(standing, known),
        kind => from_the_turn(kind, standing, known),
    }
}

fn ready(standing: &Standing, known: &Known<'_>) -> Told {
    if let Some(first) = standing.faults.first() {
        let older = standing.generation.map(|generation| {
            format!("generation {generation} of the spec goes on, as this one has mistakes: ")
        });
        return ("False", first.code.to_string(), older.unwrap_or_default() + &sentences(&standing.faults));
    }
    let seat = known.seat;
    if let Some((_, trouble)) = seat.and_then(|seat| seat.trouble.as_ref()) {
        return ("False", "Trouble".into(), trouble.clone());
    }
    match seat.is_some_and(|seat| seat.turned.is_some()) {
        true => ("True", "Driven".into(), joined("turns are taken", &standing.warnings)),
        false => {
            ("Unknown", "Starting".into(), joined("its first turn has not been yet", &standing.warnings))
        }
    }
}

fn joined(said: &str, warnings: &[Fault]) -> String {
    if warnings.is_empty() { said.to_owned() } else { format!("{said}; {}", sentences(warnings)) }
}

fn sentences(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("{}: {}", fault.code, fault.said)).collect::<Vec<_>>().join(". ")
}

fn paused(resource: &Resource, known: &Known<'_>) -> Told {
    let halted =
        known.said.and_then(|said| said.conditions.iter().find(|one| one.kind == "Halted" && one.holds));
    match (resource.pause, halted) {
        (Pause::All, _) => {
            ("True", "Annotation".into(), format!("the annotation {} holds everything back", super::PAUSED))
        }
        (_, Some(halted)) => ("True", "Halted".into(), halted.why.clone()),
        (Pause::ScaleIn, None) => (
            "True",
            "ScaleInAnnotation".into(),
            format!("the annotation {} holds scaling in back", super::PAUSED_SCALE_IN),
        ),
        (Pause::None, None) => ("False", "NotPaused".into(), "nobody holds it back".into()),
    }
}

fn conflict(standing: &Standing, known: &Known<'_>) -> Told {
    let two = |fault: &&Fault| [Code::SAME_TARGET, Code::SAME_WORKLOAD].contains(&fault.code);
    if let Some(fault) = standing.faults.iter().find(two) {
        return ("True", fault.code.to_string(), fault.said.clone());
    }
    let decision = known.seat.and_then(|seat| seat.turned.as_ref()?.decision.as_ref());
    let foreign = decision.and_then(|decision| {
        decision.limits.iter().find(|limit| matches!(limit, Limit::ForeignWriter { .. }))
    });
    match foreign {
        Some(limit) => ("True", capital(limit.code()), limit.tell(&jiff::tz::TimeZone::UTC)),
        None => ("False", "NoConflict".into(), "nobody else sizes the target".into()),
    }
}

/// What the API says of the last turn, with the reason's own code.
fn from_the_turn(kind: &str, standing: &Standing, known: &Known<'_>) -> Told {
    let said = known.said.filter(|_| standing.driven.is_some());
    let Some(condition) = said.and_then(|said| said.conditions.iter().find(|one| one.kind == kind)) else {
        let why = if standing.driven.is_some() {
            "its first turn has not been yet"
        } else {
            "nothing is driven for this resource"
        };
        return ("Unknown", "Starting".into(), why.into());
    };
    let decision = known.seat.and_then(|seat| seat.turned.as_ref()?.decision.as_ref());
    let limit = decision.and_then(|decision| match kind {
        "Acting" => {
            decision.limits.iter().find(|limit| matches!(limit, Limit::Mode { .. } | Limit::Halted(_)))
        }
        _ => decision.limits.first(),
    });
    let reason = match (kind, condition.holds) {
        ("DataFresh", true) => "Fresh".into(),
        ("DataFresh", false) => "NotFresh".into(),
        ("ForecastReady", true) => "Issued".into(),
        ("ForecastReady", false) => "NoForecast".into(),
        ("Limited", false) => "NotLimited".into(),
        ("Acting", true) => decision.map_or("Acting".into(), |decision| capital(decision.because.code())),
        _ => limit.map_or("Observing".into(), |limit| capital(limit.code())),
    };
    (if condition.holds { "True" } else { "False" }, reason, condition.why.clone())
}

/// A code as Kubernetes writes reasons: `coolDown` is `CoolDown`.
fn capital(code: &str) -> String {
    let mut letters = code.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Whether two statuses differ in something that somebody may act on; numbers in sentences change all the time.
pub fn differ(a: &Status, b: &Status) -> bool {
    let plain = |status: &Status| Status {
        next: status.next.as_ref().map(|next| Next { because: String::new(), ..next.clone() }),
        accuracy: None,
        conditions: status
            .conditions
            .iter()
            .map(|one| Condition {
                message: String::new(),
                last_transition_time: Timestamp::UNIX_EPOCH,
                ..one.clone()
            })
            .collect(),
        ..status.clone()
    };
    plain(a) != plain(b)
}

/// A status as a merge patch: what it has no longer is taken away.
pub fn patch(status: &Status) -> serde_json::Value {
    let mut told = serde_json::to_value(status).unwrap_or_default();
    for key in ["workload", "target", "mode", "now", "plan", "reason", "nextStep", "next", "accuracy"] {
        if told.get(key).is_none() {
            told[key] = serde_json::Value::Null;
        }
    }
    serde_json::json!({ "status": told })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resource() -> Resource {
        Resource::read(&json!({ "metadata": { "namespace": "shop", "name": "a", "generation": 4 } })).unwrap()
    }

    fn standing(faults: Vec<Fault>, generation: Option<i64>) -> Standing {
        Standing { driven: None, generation, faults, warnings: Vec::new() }
    }

    const NOTHING: Known<'_> = Known { said: None, seat: None, accuracy: None };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn has_every_condition_with_a_reason_that_kubernetes_takes() {
        let fault = Fault { code: Code::SAME_TARGET, said: "`a` and `b` scale the same thing".into() };
        let status =
            status(&resource(), &standing(vec![fault], Some(3)), &NOTHING, &Status::default(), at(10));
        let kinds: Vec<_> = status.conditions.iter().map(|condition| condition.kind.as_str()).collect();
        assert_eq!(kinds, CONDITIONS);
        for condition in &status.conditions {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            assert!(
                condition.reason.starts_with(char::is_alphabetic) && condition.reason.chars().all(word),
                "{condition:?}"
            );
            assert!(
                !condition.message.is_empty() && condition.observed_generation == Some(4),
                "{condition:?}"
            );
        }
        assert_eq!(
            (status.conditions[0].status.as_str(), status.conditions[0].reason.as_str()),
            ("False", "TIDE0136")
        );
        assert!(
            status.conditions[0].message.starts_with("generation 3 of the spec goes on"),
            "{:?}",
            status.conditions[0]
        );
        assert_eq!(status.conditions[6].status, "True");
    }

    #[test]
    fn keeps_the_time_at_which_a_condition_last_became_another() {
        let first = status(&resource(), &standing(Vec::new(), None), &NOTHING, &Status::default(), at(10));
        let again = status(&resource(), &standing(Vec::new(), None), &NOTHING, &first, at(99));
        assert_eq!(again, first, "again changes nothing");
        let fault = Fault { code: Code::NO_SUCH_SOURCE, said: "x".into() };
        let other = status(&resource(), &standing(vec![fault], None), &NOTHING, &first, at(99));
        assert_eq!(
            (other.conditions[0].last_transition_time, other.conditions[1].last_transition_time),
            (at(99), at(10))
        );
        assert!(differ(&first, &other) && !differ(&first, &again));
    }

    #[test]
    fn takes_numbers_in_sentences_for_no_difference() {
        let first = status(&resource(), &standing(Vec::new(), None), &NOTHING, &Status::default(), at(10));
        let mut other = first.clone();
        other.conditions[1].message = "14 s old".into();
        other.accuracy = Some("6.1 %".into());
        assert!(!differ(&first, &other));
        other.now = Some(3);
        assert!(differ(&first, &other));
    }

    #[test]
    fn takes_away_what_is_there_no_longer() {
        let told = patch(&Status::default());
        assert_eq!((&told["status"]["nextStep"], &told["status"]["plan"]), (&json!(null), &json!(null)));
        assert!(told["status"].as_object().unwrap().contains_key("nextStep"));
    }
}
