use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::told::clock;
use crate::{Drain, Node, Phase};

/// What keeps a server that is being drained from being ended (F29).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// How many sessions it holds is not known, and unknown is not zero.
    Unknown,
    /// It holds sessions.
    Busy {
        /// How many.
        sessions: u32,
    },
    /// Its sessions were counted too long ago.
    Stale {
        /// When.
        at: Timestamp,
    },
    /// It has not been empty for long enough.
    Cooling {
        /// Until when it waits, if it stays empty.
        until: Timestamp,
    },
}

impl Drain {
    /// What keeps a server from being ended, beside whatever keeps the whole fleet; nothing of one that is not being drained.
    pub fn keeps(&self, node: &Node, now: Timestamp) -> Option<Kept> {
        let Phase::Draining { since } = node.phase else { return None };
        let Some(sessions) = node.sessions else { return Some(Kept::Unknown) };
        if sessions.count > 0 {
            return Some(Kept::Busy { sessions: sessions.count });
        }
        if now.duration_since(sessions.at) > self.fresh_for {
            return Some(Kept::Stale { at: sessions.at });
        }
        let Some(empty) = sessions.empty_since else { return Some(Kept::Unknown) };
        let empty = empty.max(since);
        let cooling = sessions.at.duration_since(empty) < self.cooling;
        cooling.then(|| Kept::Cooling { until: empty.saturating_add(self.cooling).unwrap_or(Timestamp::MAX) })
    }
}

impl Kept {
    /// The sentence, with times on the clock of `zone`.
    pub fn tell(&self, zone: &TimeZone) -> String {
        match self {
            Self::Unknown => "how many sessions it holds is not known".to_owned(),
            Self::Busy { sessions: 1 } => "1 session runs on it".to_owned(),
            Self::Busy { sessions } => format!("{sessions} sessions run on it"),
            Self::Stale { at } => format!("its sessions were last counted at {}", clock(*at, zone)),
            Self::Cooling { until } => format!("it is empty, and waits until {}", clock(*until, zone)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NodeName, Sessions};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_770_000_000 + 60 * minute).unwrap()
    }

    #[track_caller]
    fn check(sessions: Option<(u32, i64, Option<i64>)>, expected: &str) {
        since(20, sessions, expected);
    }

    #[track_caller]
    fn since(drained: i64, sessions: Option<(u32, i64, Option<i64>)>, expected: &str) {
        let sessions = sessions.map(|(count, counted, empty)| Sessions {
            count,
            at: at(counted),
            empty_since: empty.map(at),
        });
        let phase = Phase::Draining { since: at(drained) };
        let node = Node { name: NodeName("n".into()), phase, launched: at(0), ready: None, sessions };
        let told = Drain::default().keeps(&node, at(60)).map(|kept| kept.tell(&TimeZone::UTC));
        assert_eq!(told.unwrap_or_default(), expected);
    }

    #[test] // F29
    fn says_what_keeps_a_server() {
        check(None, "how many sessions it holds is not known");
        check(Some((1, 60, None)), "1 session runs on it");
        check(Some((3, 10, None)), "3 sessions run on it");
        check(Some((0, 50, Some(0))), "its sessions were last counted at 2026-02-02 03:30 (UTC)");
        check(Some((0, 60, None)), "how many sessions it holds is not known");
        check(Some((0, 60, Some(57))), "it is empty, and waits until 2026-02-02 03:42 (UTC)");
        check(Some((0, 60, Some(55))), "");
        let long_empty = Some((0, 60, Some(0)));
        since(58, long_empty, "it is empty, and waits until 2026-02-02 03:43 (UTC)");
        since(55, long_empty, "");
    }
}
