use std::collections::BTreeMap;

use jiff::Timestamp;

/// What a group's tag says of the turns that have been carried out on it: the newest one's number, and which sizes were
/// set when. It is written before anything is done (intent before act), so it also tells our changes from those of others.
///
/// AWS writes tags unconditionally: between reading and writing, another process may come in. What it can do then is what
/// an older turn wanted, for the moment until the next turn; turns themselves are given out once, by the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fence {
    /// The newest turn that was carried out, or was about to be.
    pub turn: u64,
    /// Sizes that were about to be set, and when, oldest first.
    pub sets: Vec<(u32, i64)>,
}

/// The tag.
pub(super) const TURN: &str = "tidecast:turn";
/// The tag of an instance that gets no new sessions, with its id behind.
pub(super) const DRAIN: &str = "tidecast:drain:";
/// So many sizes are remembered: a value has 256 characters.
const SETS_MAX: usize = 12;

impl Fence {
    /// What the tag says; nothing of one that nobody has written.
    pub(super) fn read(tags: &BTreeMap<String, String>) -> Self {
        let mut words = tags.get(TURN).map_or("", String::as_str).split(' ');
        let turn = words.next().and_then(|turn| turn.parse().ok()).unwrap_or(0);
        let set = |word: &str| {
            let (size, at) = word.split_once('@')?;
            Some((size.parse().ok()?, at.parse().ok()?))
        };
        Self { turn, sets: words.filter_map(set).collect() }
    }

    /// With sizes that this process remembers to have set, which what was read may not show yet.
    #[must_use]
    pub(super) fn remembering(mut self, sets: &[(u32, i64)]) -> Self {
        let fresh: Vec<(u32, i64)> = sets.iter().filter(|set| !self.sets.contains(set)).copied().collect();
        self.sets.extend(fresh);
        self.sets.sort_by_key(|(_, at_s)| *at_s);
        self
    }

    /// As this turn leaves it.
    #[must_use]
    pub(super) fn then(mut self, turn: u64, set: Option<u32>, at: Timestamp) -> Self {
        self.turn = turn;
        self.sets.extend(set.map(|size| (size, at.as_second())));
        let excess = self.sets.len().saturating_sub(SETS_MAX);
        self.sets.drain(..excess);
        self
    }

    /// The tag's value.
    pub(super) fn written(&self) -> String {
        let sets = self.sets.iter().map(|(size, at_s)| format!(" {size}@{at_s}"));
        std::iter::once(self.turn.to_string()).chain(sets).collect()
    }

    /// Since when every size that was set is remembered.
    pub(super) fn remembers_since(&self) -> i64 {
        match self.sets.len() < SETS_MAX {
            true => i64::MIN,
            false => self.sets[self.sets.len() - SETS_MAX].1,
        }
    }

    /// Whether this size was set by us at about this time.
    pub(super) fn was_ours(&self, size: u32, at_s: i64) -> bool {
        self.sets.iter().any(|(set, set_s)| *set == size && (set_s - 60..=set_s + 300).contains(&at_s))
    }

    /// The size that was set last, if that was lately: what is read may not show it yet.
    pub(super) fn last_since(&self, since_s: i64) -> Option<u32> {
        self.sets.last().filter(|(_, at_s)| *at_s >= since_s).map(|(size, _)| *size)
    }
}

/// What a drain tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// No new sessions, since then.
    Draining(i64),
    /// Its end was asked for, or was about to be; drained since the first of both times.
    Ending(i64, i64),
}

impl Mark {
    /// The mark of an instance.
    pub(super) fn of(tags: &BTreeMap<String, String>, id: &str) -> Option<Self> {
        let value = tags.get(&format!("{DRAIN}{id}"))?;
        let mut words = value.split(' ');
        let since_s = words.next()?.parse().ok()?;
        Some(match words.next().and_then(|word| word.parse().ok()) {
            Some(ending_s) => Self::Ending(since_s, ending_s),
            None => Self::Draining(since_s),
        })
    }

    /// Since when it gets no new sessions.
    pub(super) fn since_s(self) -> i64 {
        match self {
            Self::Draining(since_s) | Self::Ending(since_s, _) => since_s,
        }
    }

    /// The tag for an instance.
    pub(super) fn tag(self, id: &str) -> (String, String) {
        let value = match self {
            Self::Draining(since_s) => since_s.to_string(),
            Self::Ending(since_s, ending_s) => format!("{since_s} {ending_s}"),
        };
        (format!("{DRAIN}{id}"), value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test] // F24
    fn reads_what_it_has_written() {
        let fence = (0..30)
            .fold(Fence::default(), |fence, n| fence.then(n, Some(n as u32), at(1_790_000_000 + n as i64)));
        let value = fence.written();
        assert!(value.len() <= 256, "{}", value.len());
        assert_eq!(Fence::read(&BTreeMap::from([(TURN.to_owned(), value)])), fence);
        assert_eq!((fence.turn, fence.sets.len()), (29, 12));
        assert!(fence.was_ours(29, 1_790_000_100) && !fence.was_ours(29, 1_790_009_000));
        assert!(!fence.was_ours(3, 1_790_000_003) && fence.remembers_since() == 1_790_000_018);
    }

    #[test]
    fn takes_a_strangers_words_for_nothing() {
        let read = |value: &str| Fence::read(&BTreeMap::from([(TURN.to_owned(), value.to_owned())]));
        assert_eq!(read("what? 7@ @8 x@y"), Fence::default());
        assert_eq!(
            Mark::of(&BTreeMap::from([("tidecast:drain:i-1".to_owned(), "soon".to_owned())]), "i-1"),
            None
        );
    }

    #[test]
    fn keeps_marks_in_tags() {
        for mark in [Mark::Draining(5), Mark::Ending(5, 9)] {
            assert_eq!(Mark::of(&BTreeMap::from([mark.tag("i-1")]), "i-1"), Some(mark));
        }
    }
}
