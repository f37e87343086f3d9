use std::collections::BTreeMap;

use super::Call;
use crate::Chance;

/// What can go wrong with an account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// Calls are refused as too many.
    Throttled,
    /// Calls end in an internal error, undone.
    Internal,
    /// The credentials have expired.
    Expired,
    /// Nobody answers in the region.
    Down,
    /// It is done, but the reply is lost.
    ReplyLost,
    /// The same, of calls that change something.
    WriteLost,
    /// Something is under way that excludes changes of size.
    InProgress,
    /// Only some of a batch is done.
    PartlyDone,
    /// Others have filled the group's quota of scheduled actions since it was read: none more is taken.
    QuotaFull,
    /// Ends of chosen instances are refused: of ten that are asked for, some are done.
    EndsRefused,
    /// Of what is to be launched outside of groups there is only this share, but never less than was enough.
    FewMachines(f64),
    /// Of instances outside of groups, descriptions leave out some that were launched in so many seconds before, and show
    /// some that were ended since as if they were not: each time others.
    Patchy(i64),
    /// Descriptions of instances outside of groups are empty.
    Blank,
    /// Launches outside of groups end in an internal error, undone.
    RunsBreak,
    /// Ends outside of groups end in an internal error, undone.
    EndsBreak,
    /// What is described is so many seconds old.
    Lag(i64),
    /// Nothing can be launched.
    NoCapacity,
    /// This share of launches fails.
    LaunchesFail(f64),
    /// Launches take so much longer, as a factor on top.
    Slower(f64),
}

/// A fault from one time to another, that hits a share of what it can hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spell {
    /// What goes wrong.
    pub fault: Fault,
    /// How much of it, 0 to 1.
    pub share: f64,
    /// From when, in seconds.
    pub from_s: i64,
    /// Until when.
    pub until_s: i64,
}

/// What goes wrong when, and how often it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// The list.
    pub spells: Vec<Spell>,
    /// Calls that a fault has hit.
    pub hits: u64,
    /// The same, by how the call went.
    pub struck: BTreeMap<Outcome, u64>,
}

/// How a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As it should.
    Well,
    /// Refused: too many calls.
    Throttled,
    /// Refused: an internal error.
    Internal,
    /// Refused: expired credentials.
    Expired,
    /// No answer at all, and nothing is done.
    Down,
    /// No answer, but it is done.
    ReplyLost,
    /// Refused: something is under way.
    InProgress,
    /// Of a batch, every third is not done.
    PartlyDone,
    /// Of a batch, nothing is done, as there is no room.
    QuotaFull,
    /// Refused: that instance does not end now. Of several outside of groups, every third ends all the same.
    EndRefused,
    /// Instances that were launched or ended lately are described as if they had not been.
    Patchy(i64),
    /// Nothing is described.
    Blank,
}

impl Faults {
    fn now(&self, now_s: i64) -> impl Iterator<Item = &Spell> {
        self.spells.iter().filter(move |spell| (spell.from_s..spell.until_s).contains(&now_s))
    }

    /// How this call goes: only what it can meet hits it, and counts.
    pub(super) fn strike(&mut self, call: &Call, now_s: i64, chance: &mut Chance) -> Outcome {
        let drawn: Vec<(Fault, bool)> =
            self.now(now_s).map(|spell| (spell.fault, chance.happens(spell.share))).collect();
        let outcome = drawn.into_iter().filter(|(_, hits)| *hits).find_map(|(fault, _)| match fault {
            Fault::Throttled => Some(Outcome::Throttled),
            Fault::Internal => Some(Outcome::Internal),
            Fault::RunsBreak if matches!(call, Call::Run { .. }) => Some(Outcome::Internal),
            Fault::EndsBreak if matches!(call, Call::EndBare { .. }) => Some(Outcome::Internal),
            Fault::Expired => Some(Outcome::Expired),
            Fault::Down => Some(Outcome::Down),
            Fault::ReplyLost => Some(Outcome::ReplyLost),
            Fault::WriteLost if call.writes() => Some(Outcome::ReplyLost),
            Fault::InProgress if call.resizes() => Some(Outcome::InProgress),
            Fault::PartlyDone if matches!(call, Call::Schedule { .. }) => Some(Outcome::PartlyDone),
            Fault::QuotaFull if matches!(call, Call::Schedule { .. }) => Some(Outcome::QuotaFull),
            Fault::EndsRefused if matches!(call, Call::End { .. } | Call::EndBare { .. }) => {
                Some(Outcome::EndRefused)
            }
            Fault::Patchy(young_s) if matches!(call, Call::Bare { .. }) => Some(Outcome::Patchy(young_s)),
            Fault::Blank if matches!(call, Call::Bare { .. }) => Some(Outcome::Blank),
            _ => None,
        });
        // What is described late is no refusal: it counts as little as a lag does.
        self.hits += u64::from(outcome.is_some_and(|outcome| !matches!(outcome, Outcome::Patchy(_))));
        *self.struck.entry(outcome.unwrap_or(Outcome::Well)).or_default() += 1;
        outcome.unwrap_or(Outcome::Well)
    }

    /// How old descriptions are.
    pub(super) fn lag_s(&self, now_s: i64) -> i64 {
        let lags = self.now(now_s).filter_map(|spell| match spell.fault {
            Fault::Lag(lag_s) => Some(lag_s),
            _ => None,
        });
        lags.max().unwrap_or(0)
    }

    /// What launches are like.
    pub(super) fn mood(&self, now_s: i64) -> super::group::Mood {
        let mut mood = super::group::Mood::default();
        for spell in self.now(now_s) {
            match spell.fault {
                Fault::NoCapacity => mood.no_capacity = true,
                Fault::LaunchesFail(share) => mood.fails = share,
                Fault::Slower(factor) => mood.slower = factor,
                Fault::FewMachines(share) => mood.share = share,
                _ => {}
            }
        }
        mood
    }
}
