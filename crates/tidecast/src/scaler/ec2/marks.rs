use std::collections::BTreeMap;

use jiff::Timestamp;

use super::memory::LAG;
use super::read::Instance;

/// What was written lately of who gets no new sessions: descriptions may show for a while what was before.
///
/// What is written and described again is read from the tags, so that all of this can be lost.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// What EC2 has said is done.
    sure: BTreeMap<String, Written>,
    /// When a change was asked for last of which nobody knows what became.
    unsure: BTreeMap<String, Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Written {
    /// Since when it gets no new sessions; none, if it gets some again.
    since: Option<Timestamp>,
    at: Timestamp,
}

impl Marks {
    /// Since when an instance gets no new sessions. One of which that is not certain does not count as taking any: else
    /// another would be drained beside it.
    pub(super) fn since(&self, instance: &Instance) -> Option<Timestamp> {
        let known = self.sure.get(&instance.id).map_or_else(|| instance.drained(), |written| written.since);
        known.or_else(|| self.unsure.get(&instance.id).copied())
    }

    /// Whether nobody knows if it is marked: then it does not count as empty either.
    pub(super) fn is_unsure(&self, id: &str) -> bool {
        self.unsure.contains_key(id)
    }

    /// The marks of these are about to change.
    pub(super) fn write(&mut self, ids: &[String], now: Timestamp) {
        let now = seconds(now);
        self.unsure.extend(ids.iter().map(|id| (id.clone(), now)));
    }

    /// They have changed.
    pub(super) fn wrote(&mut self, ids: &[String], since: Option<Timestamp>, now: Timestamp) {
        self.stand(ids);
        let (since, now) = (since.map(seconds), seconds(now));
        self.sure.extend(ids.iter().map(|id| (id.clone(), Written { since, at: now })));
    }

    /// They stand as they stood.
    pub(super) fn stand(&mut self, ids: &[String]) {
        self.unsure.retain(|id, _| !ids.contains(id));
    }

    /// By now descriptions show what was written so long ago.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.sure.retain(|_, written| now.duration_since(written.at) < LAG);
        self.unsure.retain(|_, at| now.duration_since(*at) < LAG);
    }
}

/// As a tag says it.
fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::super::read::DRAIN;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn described(mark: Option<&str>) -> Instance {
        let tags = mark.map(|since| (DRAIN.to_owned(), since.to_owned())).into_iter().collect();
        Instance { id: "i-1".into(), tags, ..Instance::default() }
    }

    #[test] // D3.1
    fn go_before_what_is_described_until_that_must_show_them() {
        let (mut marks, ids) = (Marks::default(), ["i-1".to_owned()]);
        assert_eq!(marks.since(&described(Some("40"))), Some(at(40)));
        assert_eq!(marks.since(&described(Some("soon"))), None, "a stranger's words");
        marks.write(&ids, at(100));
        marks.wrote(&ids, None, at(100));
        marks.forget(at(219));
        assert_eq!(marks.since(&described(Some("40"))), None, "it has sessions again");
        marks.forget(at(220));
        assert_eq!(marks.since(&described(Some("40"))), Some(at(40)), "somebody has marked it again");
    }

    #[test] // D1, F25
    fn are_unsure_while_nobody_knows_what_became_of_a_change() {
        let (mut marks, ids) = (Marks::default(), ["i-1".to_owned()]);
        marks.wrote(&ids, None, at(90));
        marks.write(&ids, at(100));
        assert!(marks.is_unsure("i-1") && !marks.is_unsure("i-2"));
        assert_eq!(marks.since(&described(None)), Some(at(100)), "it may get no sessions any more");
        marks.stand(&ids);
        assert!(!marks.is_unsure("i-1"));
        assert_eq!(marks.since(&described(Some("40"))), None, "what was done before stands");
        marks.write(&ids, at(110));
        marks.forget(at(229));
        assert!(marks.is_unsure("i-1"));
        marks.forget(at(230));
        assert!(!marks.is_unsure("i-1"), "by now it is described");
    }
}
