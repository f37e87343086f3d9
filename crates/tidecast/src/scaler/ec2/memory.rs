use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::marks::Marks;
use super::read::Instance;

/// What is known of a fleet: by what was described, and by what was done.
///
/// Descriptions lag behind, and leave things out. What is not known counts as there where something would be launched in
/// its place, and as gone where something else would be ended beside it.
#[derive(Debug, Default)]
pub(super) struct Memory {
    since: Option<Timestamp>,
    /// Whether anything was ever described.
    told: bool,
    /// The newest turn that was carried out, here or by whoever marked the instances.
    pub(super) turn: u64,
    /// Whether this process has said once that it is there.
    pub(super) claimed: bool,
    /// A launch whose outcome is not known.
    pub(super) intent: Option<Intent>,
    launched: BTreeMap<String, Timestamp>,
    ended: BTreeMap<String, Ending>,
    /// Who gets no new sessions.
    pub(super) marks: Marks,
    /// When a launch was last refused for want of machines.
    pub(super) refused: Option<Timestamp>,
    /// How many looks there were.
    looks: u64,
    seen: BTreeMap<String, Seen>,
}

/// A launch that is asked for with the same words until its outcome is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) token: String,
    pub(super) turn: u64,
    pub(super) count: u32,
    /// When it was asked for last.
    pub(super) asked: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Ending {
    at: Timestamp,
    /// Whether EC2 said that it is done.
    sure: bool,
}

/// What was known of ends before they were asked for once more.
#[derive(Debug)]
pub(super) struct Before(Vec<(String, Option<Ending>)>);

#[derive(Debug)]
struct Seen {
    instance: Instance,
    /// Since which look it is not described.
    untold: Option<Timestamp>,
    /// At which look: two may be taken at one instant, and the second tell of nothing.
    look: u64,
}

/// How long what was done may be missing from what is read.
pub(super) const LAG: SignedDuration = SignedDuration::from_secs(120);
/// How long what was there counts although it is not described: what ended is described for about an hour.
const GONE: SignedDuration = SignedDuration::from_mins(10);
/// How long a process that has just begun is told of nothing until it takes that for an empty fleet.
const EMPTY: SignedDuration = SignedDuration::from_mins(5);
/// How long after a launch was refused the next one is tried: six times in half an hour at most (F28).
const AGAIN: SignedDuration = SignedDuration::from_mins(6);

impl Memory {
    /// Takes in what is described now.
    pub(super) fn learn(&mut self, there: Vec<Instance>, now: Timestamp) {
        self.since.get_or_insert(now);
        self.looks += 1;
        let blank = there.is_empty();
        if !self.told && !blank {
            self.since = if self.is_new(now) { Some(now) } else { self.since };
            self.told = true;
        }
        for instance in there {
            self.turn = self.turn.max(instance.turn());
            self.launched.remove(&instance.id);
            self.seen.insert(instance.id.clone(), Seen { instance, untold: None, look: self.looks });
        }
        let younger = |at: Timestamp, than: SignedDuration| now.duration_since(at) < than;
        let looks = self.looks;
        for seen in self.seen.values_mut().filter(|seen| seen.look != looks) {
            seen.untold.get_or_insert(now);
        }
        self.seen
            .retain(|_, seen| seen.untold.is_none_or(|since| seen.instance.stays() && younger(since, GONE)));
        // An answer that knows of nothing tells of no outcome either.
        let long = if blank { GONE } else { LAG };
        self.launched.retain(|_, at| younger(*at, long));
        self.ended.retain(|_, ending| younger(ending.at, LAG));
        self.marks.forget(now);
        // By now whatever it launched is described.
        self.intent.take_if(|intent| !younger(intent.asked, long));
    }

    /// Nobody answered. Where nothing of the fleet was told before, that counts anew from the next answer on: what is told
    /// through an outage may be as wrong as it.
    pub(super) fn went_unanswered(&mut self) {
        if self.seen.values().any(|seen| self.is_shown(seen)) {
            return;
        }
        self.seen.values_mut().for_each(|seen| seen.untold = None);
        self.since = self.since.filter(|_| self.told);
    }

    fn is_shown(&self, seen: &Seen) -> bool {
        seen.look == self.looks
    }

    /// Those that are described as there to stay and whose end is not known to be under way.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Instance> {
        let stays = |seen: &&Seen| self.is_shown(seen) && self.counts(&seen.instance);
        self.seen.values().filter(stays).map(|seen| &seen.instance)
    }

    /// How many were there a short time ago and are not described now.
    pub(super) fn untold(&self) -> usize {
        self.seen.values().filter(|seen| !self.is_shown(seen) && self.counts(&seen.instance)).count()
    }

    fn counts(&self, instance: &Instance) -> bool {
        instance.stays() && !self.ended.get(&instance.id).is_some_and(|ending| ending.sure)
    }

    /// As many as there may be: what is not described counts too, and what may have ended or not.
    pub(super) fn most(&self) -> usize {
        let there = self.seen.values().filter(|seen| self.counts(&seen.instance)).count();
        there + self.launched.len()
    }

    /// Those that are certainly there: nothing of what may have ended.
    pub(super) fn least(&self) -> impl Iterator<Item = &Instance> {
        self.shown().filter(|instance| self.leaves(&instance.id).is_none())
    }

    /// Since when the end of one that is described may be under way.
    pub(super) fn leaves(&self, id: &str) -> Option<Timestamp> {
        self.ended.get(id).map(|ending| ending.at)
    }

    /// An instance of this fleet that is described as there to stay.
    pub(super) fn here(&self, id: &str) -> Option<&Instance> {
        self.shown().find(|instance| instance.id == id)
    }

    /// These were answered to a launch.
    pub(super) fn was_launched(&mut self, instances: Vec<Instance>, now: Timestamp) {
        self.intent = None;
        let unseen = instances.into_iter().filter(|instance| !self.seen.contains_key(&instance.id));
        self.launched.extend(unseen.map(|instance| (instance.id, now)));
    }

    /// The end of these is asked for; what was known of it before.
    pub(super) fn is_ending(&mut self, ids: &[String], now: Timestamp) -> Before {
        let unsure = Ending { at: now, sure: false };
        Before(ids.iter().map(|id| (id.clone(), self.ended.insert(id.clone(), unsure))).collect())
    }

    /// EC2 has said that these end.
    pub(super) fn ends(&mut self, ids: &[String]) {
        let named = self.ended.iter_mut().filter(|(id, _)| ids.contains(id));
        named.for_each(|(_, ending)| ending.sure = true);
    }

    /// None of these ends by what was asked for last; an earlier question may yet have done it.
    pub(super) fn remain(&mut self, before: Before) {
        for (id, ending) in before.0 {
            match ending {
                Some(ending) => self.ended.insert(id, ending),
                None => self.ended.remove(&id),
            };
        }
    }

    /// Whether it is too early for counting: what was done before the start may not be described yet.
    pub(super) fn is_new(&self, now: Timestamp) -> bool {
        let long = if self.told { LAG / 2 } else { EMPTY };
        self.since.is_none_or(|since| now.duration_since(since) < long)
    }

    /// Why nothing is launched just now.
    pub(super) fn waits(&self, now: Timestamp) -> Option<&'static str> {
        let calm = self.refused.is_none_or(|refused| now.duration_since(refused) >= AGAIN);
        match (self.is_new(now), calm) {
            (true, _) => Some("what was launched before the start may not be seen yet"),
            (_, false) => Some("a launch was refused a short time ago"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn running(id: &str) -> Instance {
        Instance { id: id.into(), state: "running".into(), ..Instance::default() }
    }

    #[test] // F25
    fn counts_what_may_have_ended_for_launching_and_not_for_ending() {
        let mut memory = Memory::default();
        memory.learn(vec![running("a"), running("b"), running("c")], at(0));
        memory.is_ending(&["a".into(), "b".into()], at(10));
        memory.ends(&["b".into()]);
        assert_eq!((memory.most(), memory.least().count(), memory.shown().count()), (2, 1, 2));
        memory.learn(vec![running("a"), running("b"), running("c")], at(131));
        assert_eq!((memory.most(), memory.least().count()), (3, 3), "it has not ended after all");
    }

    #[test] // F25
    fn remembers_an_end_of_unknown_outcome_when_asking_again_came_to_nothing() {
        let mut memory = Memory::default();
        memory.learn(vec![running("a"), running("b")], at(0));
        memory.is_ending(&["a".into()], at(10));
        let before = memory.is_ending(&["a".into(), "b".into()], at(30));
        memory.remain(before);
        assert_eq!((memory.leaves("a"), memory.leaves("b")), (Some(at(10)), None));
    }

    #[test] // F18, F20
    fn takes_nothing_for_an_empty_fleet_before_five_minutes() {
        let mut memory = Memory::default();
        memory.learn(vec![], at(0));
        assert!(memory.is_new(at(299)) && !memory.is_new(at(300)));
        memory.learn(vec![running("a")], at(280));
        memory.went_unanswered();
        assert!(memory.is_new(at(339)) && !memory.is_new(at(340)), "from then on a minute is enough");
    }

    #[test] // F18
    fn takes_nothing_told_through_an_outage_for_an_empty_fleet() {
        let mut memory = Memory::default();
        memory.learn(vec![], at(0));
        memory.learn(vec![], at(200));
        memory.went_unanswered();
        assert!(memory.is_new(at(900)));
        memory.learn(vec![], at(900));
        assert!(memory.is_new(at(1_199)) && !memory.is_new(at(1_200)), "five minutes without a break");
        memory.learn(vec![running("a"), running("b")], at(1_210));
        memory.learn(vec![], at(1_220));
        memory.went_unanswered();
        memory.learn(vec![], at(3_600));
        assert_eq!(memory.most(), 2, "nobody answered for longer than it takes");
        memory.learn(vec![running("a")], at(4_000));
        memory.went_unanswered();
        memory.learn(vec![running("a")], at(4_200));
        assert_eq!(memory.most(), 1, "where some of it is told, what is not counts by the clock");
    }

    #[test] // F18
    fn counts_for_ten_minutes_what_was_there_and_is_not_described() {
        let mut memory = Memory::default();
        memory.learn(vec![running("a"), running("b")], at(0));
        memory.learn(vec![], at(0));
        assert_eq!((memory.most(), memory.untold()), (2, 2), "although it is the same instant");
        memory.learn(vec![running("a"), running("b")], at(1));
        // Nobody answered for an hour: what it was then counts from the first answer on.
        memory.learn(vec![running("a")], at(3_600));
        assert_eq!((memory.most(), memory.least().count(), memory.untold()), (2, 1, 1));
        memory.learn(vec![running("a")], at(4_199));
        assert_eq!(memory.untold(), 1);
        memory.learn(vec![running("a")], at(4_200));
        assert_eq!((memory.most(), memory.untold()), (1, 0));
    }

    #[test] // F24
    fn knows_the_newest_turn_by_the_marks() {
        let mut memory = Memory::default();
        let tags = |turn: &str| [(super::super::read::TURN.to_owned(), turn.to_owned())].into();
        memory.learn(vec![Instance { tags: tags("7"), ..running("a") }], at(0));
        memory.learn(vec![Instance { tags: tags("5"), ..running("b") }], at(30));
        assert_eq!(memory.turn, 7);
    }
}
