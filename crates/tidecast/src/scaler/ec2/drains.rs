//! Chosen instances: marked so that they get no new sessions, given them back, and ended when they are empty (D1, D3).

use std::collections::BTreeMap;

use jiff::Timestamp;
use tidecast_pilot::{Command, Decision, NodeName};

use super::memory::Memory;
use super::{Ec2Fleet, NEW};
use crate::trouble::Trouble;

/// What a decision comes down to for single instances, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    drain: Vec<String>,
    restore: Vec<String>,
    end: Vec<String>,
    /// Those that are ended although sessions may run on them: their deadline has passed.
    cut: Vec<String>,
    /// How many were to get sessions back, and cannot.
    lost: usize,
    remarks: Vec<String>,
}

/// The most that are ended in one turn.
const ENDS_MAX: usize = 10;

impl Chosen {
    pub(super) fn of(decision: &Decision, memory: &Memory) -> Self {
        let mut chosen = Self::default();
        for command in &decision.commands {
            match command {
                Command::Grow { .. } | Command::Shrink { .. } => {}
                Command::Drain { node } => chosen.drain(&node.0, memory, decision.at),
                Command::Restore { node } => chosen.restore(&node.0, memory),
                Command::Terminate { node } => {
                    let why = chosen.keeps(&node.0, memory, decision.at);
                    chosen.end.extend(why.is_none().then(|| node.0.clone()));
                    chosen.remarks.extend(why);
                }
                Command::Cut { node } => {
                    let why = chosen.keeps(&node.0, memory, decision.at);
                    chosen.cut.extend(why.is_none().then(|| node.0.clone()));
                    chosen.remarks.extend(why);
                }
            }
        }
        chosen
    }

    fn drain(&mut self, id: &str, memory: &Memory, now: Timestamp) {
        match memory.here(id) {
            None => self.remarks.push(not_here(id)),
            Some(_) if memory.is_new(now) => self.remarks.push(format!("{id} is not drained yet: {NEW}")),
            Some(_) if memory.leaves(id).is_some() => {}
            Some(here) if memory.marks.since(here).is_some() && !memory.marks.is_unsure(id) => {}
            Some(_) => self.drain.push(id.to_owned()),
        }
    }

    fn restore(&mut self, id: &str, memory: &Memory) {
        let lost = match memory.here(id) {
            None => not_here(id),
            Some(_) if memory.leaves(id).is_some() => format!("{id} is ending already"),
            Some(here) if memory.marks.since(here).is_none() => return,
            Some(_) => return self.restore.push(id.to_owned()),
        };
        self.lost += 1;
        self.remarks.push(lost);
    }

    /// Ends nobody: some that were counted on do not take sessions, and others may have to.
    fn hold(&mut self) {
        let held: Vec<String> = self.end.drain(..).chain(self.cut.drain(..)).collect();
        let why = "not all that were to get sessions back have them";
        self.remarks.extend(held.iter().map(|id| format!("{id} stays for now: {why}")));
    }

    /// Why a chosen instance is not ended now.
    fn keeps(&self, id: &str, memory: &Memory, now: Timestamp) -> Option<String> {
        let Some(here) = memory.here(id) else { return Some(not_here(id)) };
        if memory.is_new(now) {
            return Some(format!("{id} stays: {NEW}"));
        }
        if memory.marks.is_unsure(id) {
            return Some(format!("{id} stays: whether it is being drained is not certain"));
        }
        if memory.marks.since(here).is_none() {
            return Some(format!("{id} stays: it is not being drained any more"));
        }
        let ends = self.end.len() + self.cut.len();
        (ends >= ENDS_MAX).then(|| format!("{id} is ended later: {ends} are ended now"))
    }

    /// What was done, in words.
    pub(super) fn said(self) -> Vec<String> {
        let did = [
            (self.drain, "drained"),
            (self.restore, "restored"),
            (self.end, "ended"),
            (self.cut, "ended although sessions may run on it, as its deadline has passed"),
        ];
        let done = did.into_iter().filter(|(ids, _)| !ids.is_empty());
        done.map(|(ids, what)| format!("{} {what}", ids.join(", "))).chain(self.remarks).collect()
    }
}

fn not_here(id: &str) -> String {
    format!("{id} is left alone: no such instance of the fleet is there")
}

impl Ec2Fleet {
    /// Gives sessions back, takes new ones away, ends who is empty. What cannot be done keeps nothing else from it.
    pub(super) async fn choose(&self, chosen: &mut Chosen, now: Timestamp) -> Result<(), Trouble> {
        let restored = self.unmark(&chosen.restore, now).await;
        let drained = self.mark_drained(&chosen.drain, now).await;
        if restored.is_err() || chosen.lost > 0 {
            chosen.hold();
        }
        self.keep_busy(chosen).await;
        let ended = self.end_each(chosen.end.iter().chain(&chosen.cut), now).await;
        restored.and(drained).and(ended)
    }

    /// Takes back the end of whoever is not known to be empty at this moment (F29): it goes on draining.
    async fn keep_busy(&self, chosen: &mut Chosen) {
        let Some(tally) = self.tally.as_ref().filter(|_| !chosen.end.is_empty()) else { return };
        let asked: Vec<NodeName> = chosen.end.iter().cloned().map(NodeName).collect();
        let busy: BTreeMap<NodeName, String> = tally.not_empty(&asked).await;
        chosen.end.retain(|id| !busy.contains_key(&NodeName(id.clone())));
        chosen.remarks.extend(busy.iter().map(|(id, why)| format!("{id} stays: {why}")));
    }

    /// Ends one after the other: where several are ended at once, one that may not be ended keeps others.
    async fn end_each(&self, ids: impl Iterator<Item = &String>, now: Timestamp) -> Result<(), Trouble> {
        let mut first = Ok(());
        for id in ids {
            let Err(trouble) = self.end(vec![id.clone()], now).await else { continue };
            let others_may = matches!(trouble, Trouble::Answered { .. } | Trouble::Unsure { .. });
            first = first.and(Err(trouble));
            if !others_may {
                break;
            }
        }
        first
    }
}
