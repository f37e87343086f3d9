//! Fleets whose own autoscaler asks us: KEDA through its external trigger, Agones through its webhook.
//!
//! Nothing is sent to them. What they may be told is an [`Opinion`]; what they were told is remembered, for it is what they
//! have been ordered to keep, and no answer may be older than one that was given.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Allowed, Briefing, Decision, Limit, Quality, Sighting, Size, WorkloadName};

use super::{Receipt, Scaler};
use crate::drive::Seat;
use crate::trouble::Trouble;

/// What an autoscaler that asks may be told of a workload.
#[derive(Debug, Clone, PartialEq)]
pub enum Opinion {
    /// Have so many servers.
    Wants {
        /// How many.
        size: Size,
        /// By which turn.
        turn: u64,
    },
    /// Nothing may be carried out, so nothing may move: mode, halts or another writer forbid it.
    Observes {
        /// How many stand, if that is known.
        stands: Option<Size>,
        /// Why, as a sentence.
        why: String,
    },
    /// Nothing is known that would justify any size.
    None {
        /// Why not, as a sentence.
        why: String,
    },
}

/// After so long without a turn the plan speaks as well: it was made for that.
const TURN_LATE: SignedDuration = SignedDuration::from_mins(5);
/// An autoscaler that has not asked for so long does not see to its fleet.
const ASKS_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// What was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    at: Timestamp,
    turn: u64,
    size: Size,
}

/// What came of the last questions about a workload.
#[derive(Debug, Clone, Default)]
struct Heard {
    asked: Option<Timestamp>,
    told: Option<Told>,
    seen: Option<Sighting>,
}

/// What autoscalers have asked and been told, by workload, for as long as the process lives.
#[derive(Debug, Default)]
pub struct Answers(Mutex<BTreeMap<WorkloadName, Heard>>);

impl Answers {
    /// What an autoscaler that asks now is told; it is remembered. `seat` is what the last turn has seen and decided.
    pub fn tell(&self, name: &WorkloadName, seat: Option<&Seat>, now: Timestamp) -> Opinion {
        let mut heard = self.lock();
        let heard = match heard.get_mut(name) {
            Some(heard) => heard,
            None if seat.is_none() => return opinion(None, None, now),
            None => heard.entry(name.clone()).or_default(),
        };
        heard.asked = Some(now);
        let opinion = opinion(seat, heard.told, now);
        if let Opinion::Wants { size, turn } = opinion {
            heard.told = Some(Told { at: now, turn, size });
        }
        opinion
    }

    /// An autoscaler that asks has shown its fleet.
    pub fn see(&self, name: &WorkloadName, sighting: Sighting) {
        let mut heard = self.lock();
        let heard = heard.entry(name.clone()).or_default();
        heard.asked = Some(sighting.at);
        heard.seen = Some(sighting);
    }

    fn heard(&self, name: &WorkloadName) -> Heard {
        self.lock().get(name).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<WorkloadName, Heard>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn opinion(seat: Option<&Seat>, told: Option<Told>, now: Timestamp) -> Opinion {
    let turned = seat.and_then(|seat| seat.turned.as_deref());
    let Some((turned, briefing, decision)) =
        turned.and_then(|turned| Some((turned, turned.briefing.as_deref()?, turned.decision.as_deref()?)))
    else {
        let trouble = seat.and_then(|seat| seat.trouble.as_ref());
        let why = trouble.map_or("no turn has been had yet".to_owned(), |(_, trouble)| trouble.clone());
        return Opinion::None { why };
    };
    if decision.allowed == Allowed::Nothing {
        return Opinion::Observes { stands: stands(briefing), why: withheld(briefing, decision) };
    }
    if let Some(why) = told.is_none().then(|| unfounded(briefing, now)).flatten() {
        return Opinion::None { why };
    }
    let (mut size, mut turn) = (decision.size, decision.turn);
    if now.duration_since(decision.at) > TURN_LATE {
        size = decision.plan.at(now).map_or(size, |step| step.size.max(size));
    }
    // What is not in the ledger may grow the fleet and nothing else; an older turn never follows a newer one (F24, F32).
    if let Some(told) = told.filter(|told| !turned.committed || told.turn > turn) {
        size = if told.turn > turn { told.size } else { size.max(told.size) };
        turn = turn.max(told.turn);
    }
    Opinion::Wants { size, turn }
}

fn stands(briefing: &Briefing) -> Option<Size> {
    briefing.sighting.as_ref().map(|sighting| sighting.ordered)
}

fn withheld(briefing: &Briefing, decision: &Decision) -> String {
    let forbids =
        |limit: &&Limit| matches!(limit, Limit::Mode { .. } | Limit::Halted(_) | Limit::ForeignWriter { .. });
    let limit = decision.limits.iter().rev().find(forbids);
    limit.map_or_else(|| "nothing may be carried out".to_owned(), |limit| limit.tell(&briefing.workload.zone))
}

/// Why a first answer would be a guess: nobody has seen the fleet, and too little is known of demand. A guess could be far
/// below what stands, and whoever asks would follow it down.
fn unfounded(briefing: &Briefing, now: Timestamp) -> Option<String> {
    if briefing.sighting.is_some() {
        return None;
    }
    let forecast = briefing.issued.as_ref().is_some_and(|issued| issued.forecast.grid().end() > now);
    if !forecast {
        return Some("there is no forecast yet, and the fleet has not been seen".into());
    }
    let quality = briefing.evidence.quality(briefing.now, briefing.workload.hold);
    let known = quality == Quality::Complete || briefing.last.is_some();
    (!known).then(|| format!("the fleet has not been seen, and {quality}"))
}

/// How the fleet of an asking autoscaler is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is what the autoscaler was told: all that is known of it.
    AsTold,
    /// The autoscaler shows it when it asks.
    AsShown,
}

/// The hand of a fleet whose autoscaler asks: it keeps still, and the next question carries the decision out.
pub struct Asked {
    who: String,
    workload: WorkloadName,
    seen: Seen,
    answers: Arc<Answers>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("who", &self.who).finish_non_exhaustive()
    }
}

impl Asked {
    /// The hand of `workload`, about which `who` asks.
    pub fn new(who: impl Into<String>, workload: WorkloadName, seen: Seen, answers: Arc<Answers>) -> Self {
        Self { who: who.into(), workload, seen, answers }
    }
}

#[async_trait]
impl Scaler for Asked {
    fn name(&self) -> String {
        self.who.clone()
    }

    async fn sight(&self, now: Timestamp) -> Result<Option<Sighting>, Trouble> {
        let Heard { asked, told, seen } = self.answers.heard(&self.workload);
        let lately = |at: &Timestamp| now.duration_since(*at) <= ASKS_WITHIN;
        if !asked.as_ref().is_some_and(lately) {
            return Err(Trouble::Unasked { who: self.who.clone(), since: asked });
        }
        Ok(match self.seen {
            Seen::AsTold => {
                told.filter(|told| lately(&told.at)).map(|told| Sighting::of(told.at, told.size, told.size))
            }
            Seen::AsShown => seen.filter(|seen| lately(&seen.at)),
        })
    }

    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        let told = self.answers.heard(&self.workload).told;
        if let Some(told) = told.filter(|told| told.turn > decision.turn) {
            return Ok(Receipt::Overtaken { by: told.turn });
        }
        Ok(match decision.allowed {
            Allowed::Nothing => Receipt::Shown,
            _ => Receipt::Done(format!("{} is told {} servers when it asks next", self.who, decision.size)),
        })
    }

    fn shows(&self, decision: &Decision) -> Vec<String> {
        let changes = !decision.commands.is_empty() || !decision.withheld.is_empty();
        changes.then(|| format!("{} is told {} servers", self.who, decision.size)).into_iter().collect()
    }
}

#[cfg(test)]
#[path = "asked_tests.rs"]
mod tests;
