use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sizing::ready_within;
use crate::{Briefing, Move, Node, Phase, Sighting, Size};

/// What turns watch from one to the next, besides the moves: launches that do not come up, and a clock that jumps. Stored
/// with the decision, so that a restart forgets nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Vigil {
    /// Since when at least so many servers have been ordered and not served; ascending in both.
    pub unready: Vec<Unready>,
    /// How many served when the fleet was last seen.
    pub serving: Size,
    /// When the fleet was first grown since a server last came up, or since all had.
    pub tried: Option<Timestamp>,
    /// When the fleet was last shrunk, if it has not been grown since.
    pub shrunk: Option<Timestamp>,
    /// When it was grown soon after it had been shrunk: the last two times.
    pub flaps: Vec<Timestamp>,
    /// When the clock was last seen to jump since it went back, while that still counts.
    pub jumped: Option<Timestamp>,
    /// How far apart turns are, as far as that can be told: no more than twice as far as those before.
    #[serde(skip_serializing_if = "SignedDuration::is_zero")]
    pub apart: SignedDuration,
}

/// So many servers that were ordered and do not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unready {
    /// Since when at least.
    pub since: Timestamp,
    /// How many at least.
    pub servers: Size,
}

/// Launches that have not come up in the time in which they should have: not counted as capacity (F28).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stuck {
    /// How many servers.
    pub servers: Size,
    /// In what time they should have served: twice what nearly all earlier launches took.
    pub within: SignedDuration,
}

/// How many levels of unreadiness are told apart.
const LEVELS_MAX: usize = 16;
/// The clock goes back by less than this where it is only kept right.
const JUMP: SignedDuration = SignedDuration::from_secs(30);
/// A fleet that is grown within this time after it was shrunk was shrunk too early.
const FLAP: SignedDuration = SignedDuration::from_hours(1);
/// After so many of these within that time nothing is taken away: so the fleet turns round four times an hour at most (F15).
const FLAPS_MAX: usize = 2;
/// From one launch to the next while no launch comes up: no more than six in half an hour.
pub(crate) const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(5);

impl Vigil {
    /// What is known after having looked at this briefing.
    pub(crate) fn after(briefing: &Briefing) -> Self {
        let mut vigil = briefing.last.as_ref().map(|last| last.vigil.clone()).unwrap_or_default();
        let (now, hold) = (briefing.now, briefing.workload.hold);
        if let Some(last) = &briefing.last {
            vigil.pass(now, now.duration_since(last.at));
        }
        vigil.jumped =
            vigil.jumped.filter(|at| (SignedDuration::ZERO..hold).contains(&now.duration_since(*at)));
        if let Some(seen) = briefing.sighting.as_ref().filter(|seen| seen.complete) {
            vigil.see(now, seen);
        }
        let within = ready_within(briefing);
        while let [_, second, ..] = &vigil.unready[..]
            && now.duration_since(second.since) >= within
        {
            vigil.unready.remove(0);
        }
        vigil
    }

    /// So long after the turn before, by a clock that may jump.
    fn pass(&mut self, now: Timestamp, passed: SignedDuration) {
        if -passed > JUMP {
            // Nothing that was told by that clock can be compared with what is told by this one.
            *self = Self { jumped: Some(now), serving: self.serving, apart: self.apart, ..Self::default() };
        } else if self.jumped.is_some() && !self.apart.is_zero() && passed > 2 * self.apart {
            // Set right again: what lies between has not passed.
            self.jumped = Some(now);
        } else if passed > SignedDuration::ZERO {
            let most = if self.apart.is_zero() { passed } else { 2 * self.apart };
            self.apart = passed.min(most);
        }
    }

    fn see(&mut self, now: Timestamp, seen: &Sighting) {
        if seen.serving > self.serving || seen.serving >= seen.ordered {
            self.tried = None;
        }
        self.serving = seen.serving;
        let (servers, mut since) = (seen.ordered - seen.serving, now);
        // What was unready before still is, as far as there are so many.
        while self.unready.last().is_some_and(|last| last.servers >= servers) {
            since = self.unready.pop().map_or(since, |last| last.since);
        }
        self.unready.push(Unready { since, servers });
        if self.unready.len() > LEVELS_MAX {
            self.unready.remove(1);
        }
    }

    /// The same, after the fleet has been grown.
    pub(crate) fn grown(mut self, now: Timestamp) -> Self {
        if self.shrunk.take().is_some_and(|shrunk| now.duration_since(shrunk) < FLAP) {
            self.flaps.push(now);
            let old = self.flaps.len().saturating_sub(FLAPS_MAX);
            self.flaps.drain(..old);
        }
        Self { tried: self.tried.or(Some(now)), ..self }
    }

    /// The same, after the fleet has been shrunk.
    pub(crate) fn shrunk(self, now: Timestamp) -> Self {
        Self { shrunk: Some(now), ..self }
    }

    /// Until when nothing is taken away because what was taken away was needed again too often.
    pub(crate) fn keeps_until(&self, now: Timestamp) -> Option<Timestamp> {
        let first = self.flaps.first().filter(|_| self.flaps.len() == FLAPS_MAX)?;
        let until = first.saturating_add(FLAP).unwrap_or(Timestamp::MAX);
        (until > now).then_some(until)
    }

    /// What should have come up by now and has not.
    pub(crate) fn stuck(&self, briefing: &Briefing) -> Option<Stuck> {
        let (now, within) = (briefing.now, ready_within(briefing));
        let seen = briefing.sighting.as_ref()?;
        let servers = if seen.nodes.is_empty() {
            let old = self.unready.first().filter(|unready| now.duration_since(unready.since) >= within)?;
            old.servers.min(seen.ordered - seen.serving)
        } else {
            Size(never_ready(seen, now, within).count() as u32)
        };
        (servers > Size(0)).then_some(Stuck { servers, within })
    }

    /// Until when nothing more is launched, and because of what: where launches have had their time and not one has come
    /// up, they are spaced.
    pub(crate) fn waits(&self, briefing: &Briefing, moves: &[Move]) -> Option<(Stuck, Timestamp)> {
        let (now, within) = (briefing.now, ready_within(briefing));
        self.tried.filter(|tried| now.duration_since(*tried) >= within)?;
        let seen = briefing.sighting.as_ref()?;
        let launched = moves.iter().rev().find(|change| change.to > change.from)?.at;
        let until = launched.saturating_add(AGAIN_AFTER).unwrap_or(Timestamp::MAX);
        let stuck = self.stuck(briefing).unwrap_or(Stuck { servers: seen.ordered - seen.serving, within });
        (until > now).then_some((stuck, until))
    }
}

/// The servers that were launched so long ago that they should have served, and have not.
pub(crate) fn never_ready(
    seen: &Sighting,
    now: Timestamp,
    within: SignedDuration,
) -> impl Iterator<Item = &Node> {
    let booting = |node: &&Node| node.phase == Phase::Booting && node.ready.is_none();
    let old = move |node: &&Node| now.duration_since(node.launched) >= within;
    seen.nodes.iter().filter(booting).filter(old)
}
