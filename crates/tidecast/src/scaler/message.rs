use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use tidecast_pilot::{Allowed, Command, Decision, Plan, Size};

/// A decision as other people's programs get it: what is to be done, and every reason as the sentence that log, API and
/// command line say too.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    /// The workload.
    workload: &'a str,
    /// The number of the turn; a newer one overrules it.
    turn: u64,
    /// When it was decided.
    at: Timestamp,
    /// Where the fleet is to arrive now.
    size: Size,
    /// What would be wanted if nothing about the fleet held it back.
    wanted: Size,
    /// What is to be carried out. Each says where to arrive, so doing it twice does nothing more.
    commands: &'a [Command],
    /// How much the receiver may do of itself, such as carry the plan out while tidecast is away.
    allowed: Allowed,
    /// What makes the size necessary.
    because: Said,
    /// What held it back.
    limits: Vec<Said>,
    /// What else is worth knowing.
    notes: Vec<Said>,
    /// What is planned.
    plan: Ahead,
}

#[derive(Debug, Serialize)]
struct Said {
    code: &'static str,
    said: String,
}

#[derive(Debug, Serialize)]
struct Ahead {
    steps: Vec<Step>,
    /// Beyond it the plan says nothing.
    until: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Step {
    at: Timestamp,
    size: Size,
    because: String,
}

impl<'a> Message<'a> {
    /// A decision, told on the clock of `zone`.
    pub(super) fn of(workload: &'a str, decision: &'a Decision, zone: &TimeZone) -> Self {
        let said = |code, said| Said { code, said };
        Self {
            workload,
            turn: decision.turn,
            at: decision.at,
            size: decision.size,
            wanted: decision.wanted,
            commands: &decision.commands,
            allowed: decision.allowed,
            because: said(decision.because.code(), decision.because.tell(zone)),
            limits: decision.limits.iter().map(|limit| said(limit.code(), limit.tell(zone))).collect(),
            notes: decision.notes.iter().map(|note| said(note.code(), note.tell(zone))).collect(),
            plan: Ahead::of(&decision.plan, zone),
        }
    }

    /// As JSON.
    pub(super) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a decision is text, times and finite numbers")
    }
}

impl Ahead {
    fn of(plan: &Plan, zone: &TimeZone) -> Self {
        let step = |step: &tidecast_pilot::Step| Step {
            at: step.at,
            size: step.size,
            because: step.because.tell(zone),
        };
        Self { steps: plan.steps.iter().map(step).collect(), until: plan.until }
    }
}
