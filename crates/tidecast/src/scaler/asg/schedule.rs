//! The plan as scheduled actions: what is to stand there, what stands there, and the way from one to the other.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Allowed, Decision};

use super::calls::{BATCH, Calls};
use super::floors::{Floor, Ground, first_start_s, floors};
use super::seen::{Group, Scheduled};
use crate::trouble::Trouble;

/// The most actions of ours in one group: AWS takes 125, and others need some.
pub(super) const OURS_MAX: usize = 100;
/// The most that AWS takes.
const ALL_MAX: usize = 125;
/// So many places are left to others beside those that they use.
const SPARE: usize = 5;
/// How long after its start an action that is no longer listed has surely fired.
const FIRED_S: i64 = 150;
/// How long what was read is believed.
const BELIEVED: SignedDuration = SignedDuration::from_mins(5);

/// What stands in a group's schedule, as last read.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    read: Option<Timestamp>,
    ours: Vec<Floor>,
    /// Ours by name, but not as we put them.
    odd: Vec<String>,
    others: BTreeSet<String>,
    taken: BTreeSet<i64>,
}

/// The way from what stands to what is to stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Taken away first: they would let the fleet shrink.
    pub delete_first: Vec<String>,
    /// Put then, earliest first.
    pub rises: Vec<Floor>,
    /// Put only when all rises are there.
    pub falls: Vec<Floor>,
    /// Taken away last.
    pub delete_last: Vec<String>,
}

impl Standing {
    /// As these actions say.
    pub(super) fn of(all: &[Scheduled], now: Timestamp) -> Self {
        let (ours, others): (Vec<&Scheduled>, Vec<&Scheduled>) =
            all.iter().partition(|action| action.is_ours());
        let floor = |action: &&Scheduled| {
            let floor = Floor { start_s: action.start_s?, min: action.min? };
            (action.says(&floor) && action.name == floor.name()).then_some(floor)
        };
        let mut known: Vec<Floor> = ours.iter().filter_map(floor).collect();
        known.sort_unstable();
        let odd =
            ours.iter().filter(|action| floor(action).is_none()).map(|action| action.name.clone()).collect();
        Self {
            read: Some(now),
            ours: known,
            odd,
            taken: others.iter().filter_map(|action| action.start_s).collect(),
            others: others.into_iter().map(|action| action.name.clone()).collect(),
        }
    }

    /// What others have scheduled, by name.
    pub(super) fn others(&self) -> &BTreeSet<String> {
        &self.others
    }

    /// How many of ours stand.
    pub(super) fn count(&self) -> usize {
        self.ours.len()
    }

    /// Whether it has to be read again before it is relied on.
    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        self.read.is_none_or(|read| now.duration_since(read).abs() >= BELIEVED)
    }

    /// It has been changed: it is read again before it is relied on.
    pub(super) fn touch(&mut self) {
        self.read = None;
    }

    /// What is to stand there for a decision.
    pub(super) fn wanted(
        &self,
        decision: &Decision,
        group: &Group,
        lower_ahead: SignedDuration,
    ) -> Vec<Floor> {
        let (now, allowed, plan) = (decision.at, decision.allowed, &decision.plan);
        let (mut kept, level) = self.about_to_fire(allowed, group.min, now);
        if plan.at(now).is_none() && plan.after(now).is_empty() && allowed != Allowed::Nothing {
            // A plan that says nothing takes nothing back: what was to grow still grows (B3).
            kept.extend(self.rises(level, now));
            return kept;
        }
        let room =
            OURS_MAX.min((ALL_MAX - SPARE).saturating_sub(self.others.len())).saturating_sub(kept.len());
        let ground = Ground { min: level, max: group.max, taken: self.taken.clone(), room, lower_ahead };
        kept.extend(floors(&decision.plan, allowed, &ground, now));
        kept
    }

    /// Actions of ours that are too near to be moved, and the minimum once they have fired.
    fn about_to_fire(&self, allowed: Allowed, stands: u32, now: Timestamp) -> (Vec<Floor>, u32) {
        let (mut kept, mut level) = (Vec::new(), stands);
        if allowed == Allowed::Nothing {
            return (kept, level);
        }
        for floor in self.to_come(now).take_while(|floor| floor.start_s < first_start_s(now)) {
            if floor.min >= level || allowed == Allowed::Everything {
                level = floor.min;
                kept.push(*floor);
            }
        }
        (kept, level)
    }

    /// What of ours lifts the minimum from `level` on, later than what is about to fire.
    fn rises(&self, mut level: u32, now: Timestamp) -> Vec<Floor> {
        let later = self.to_come(now).filter(|floor| floor.start_s >= first_start_s(now));
        let mut rises: Vec<Floor> = later.copied().collect();
        rises.retain(|floor| {
            let rises = floor.min > level;
            level = level.max(floor.min);
            rises
        });
        rises
    }

    fn to_come(&self, now: Timestamp) -> impl Iterator<Item = &Floor> {
        self.ours.iter().filter(move |floor| floor.start_s + FIRED_S >= now.as_second())
    }

    /// The way to `wanted`; none if it stands already.
    pub(super) fn change(&self, wanted: &[Floor], group: &Group, now: Timestamp) -> Option<Change> {
        let level = |at_s: i64| {
            wanted.iter().rfind(|floor| floor.start_s <= at_s).map_or(group.min, |floor| floor.min)
        };
        let stale: Vec<Floor> = self.to_come(now).filter(|floor| !wanted.contains(floor)).copied().collect();
        // One that is put again under its name needs no deletion.
        let gone = stale.iter().filter(|floor| wanted.iter().all(|other| other.start_s != floor.start_s));
        let (lowering, harmless): (Vec<&Floor>, Vec<&Floor>) = gone.partition(|f| f.min < level(f.start_s));
        let mut change = Change { delete_first: self.odd.clone(), ..Change::default() };
        change.delete_first.extend(lowering.iter().map(|floor| floor.name()));
        let mut before = group.min;
        for floor in wanted {
            if !self.ours.contains(floor) {
                let rises = floor.min > before;
                (if rises { &mut change.rises } else { &mut change.falls }).push(*floor);
            }
            before = floor.min;
        }
        change.delete_last = harmless.into_iter().map(Floor::name).collect();
        self.make_room(&mut change);
        (change != Change::default()).then_some(change)
    }

    /// Where old and new do not fit side by side, the latest of the old go first.
    fn make_room(&self, change: &mut Change) {
        let stand = self.ours.len() + self.others.len() - change.delete_first.len().min(self.ours.len());
        let peak = stand + change.rises.len() + change.falls.len();
        let excess = peak.saturating_sub(ALL_MAX).min(change.delete_last.len());
        let early = change.delete_last.split_off(change.delete_last.len() - excess);
        change.delete_first.extend(early);
    }
}

/// That the plan goes beyond what the group's own maximum lets any floor be.
pub(super) fn beyond(decision: &Decision, group: &Group) -> Option<String> {
    let (now, plan) = (decision.at, &decision.plan);
    let sizes = plan.at(now).into_iter().chain(plan.after(now)).map(|step| step.size.get());
    let most = sizes.max().filter(|most| *most > group.max)?;
    Some(format!("{most} are planned, but its MaxSize of {} allows no floor above it", group.max))
}

impl Change {
    /// How many actions are written, and how many taken away.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.rises.len() + self.falls.len(), self.delete_first.len() + self.delete_last.len())
    }

    /// The actions that would be written and taken away, a line each.
    pub(super) fn shows(&self) -> Vec<String> {
        let gone = self.delete_first.iter().chain(&self.delete_last);
        let gone = gone.map(|name| format!("DeleteScheduledAction {name}"));
        let put = self.rises.iter().chain(&self.falls).map(|floor| {
            let start =
                Timestamp::from_second(floor.start_s).map_or_else(|_| "?".into(), |at| at.to_string());
            format!("PutScheduledUpdateGroupAction {} StartTime={start} MinSize={}", floor.name(), floor.min)
        });
        gone.chain(put).collect()
    }

    /// Carries it out. What fails leaves the fleet no smaller than what succeeds would: falls are put last of all.
    pub(super) async fn carry_out(&self, calls: &Calls<'_>) -> Result<(), Trouble> {
        let mut failed = Vec::new();
        for names in self.delete_first.chunks(BATCH) {
            failed.extend(calls.delete(names).await?);
        }
        for floors in self.rises.chunks(BATCH) {
            failed.extend(calls.put(floors).await?);
        }
        if failed.is_empty() {
            for names in self.delete_last.chunks(BATCH) {
                failed.extend(calls.delete(names).await?);
            }
            for floors in self.falls.chunks(BATCH) {
                failed.extend(calls.put(floors).await?);
            }
        }
        let Some((name, why)) = failed.first() else { return Ok(()) };
        let what = format!("{} scheduled actions are not as wanted, {name} among them: {why}", failed.len());
        Err(Trouble::Partly { who: calls.who().into(), what })
    }
}

#[cfg(test)]
mod tests {
    use tidecast_pilot::{Plan, Reason, Size, Step};

    use super::*;

    const NOW_S: i64 = 1_790_000_040;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW_S).unwrap()
    }

    fn ours(start: i64, min: u32) -> Scheduled {
        let floor = Floor { start_s: NOW_S + 60 * start, min };
        Scheduled { name: floor.name(), start_s: Some(floor.start_s), min: Some(min), more: false }
    }

    fn theirs(start: i64) -> Scheduled {
        Scheduled {
            name: format!("nightly-{start}"),
            start_s: Some(NOW_S + 60 * start),
            min: None,
            more: true,
        }
    }

    fn decision(steps: &[(i64, u32)], allowed: Allowed) -> Decision {
        let step = |(minute, size): &(i64, u32)| Step {
            at: now() + SignedDuration::from_mins(*minute),
            size: Size(*size),
            because: Reason::Minimum { min: Size(0) },
            limits: Vec::new(),
        };
        let until = Some(now() + SignedDuration::from_hours(48));
        let plan = Plan { steps: steps.iter().map(step).collect(), until, ..Plan::default() };
        Decision {
            turn: 7,
            at: now(),
            size: Size(1),
            wanted: Size(1),
            because: Reason::Minimum { min: Size(0) },
            limits: Vec::new(),
            plan: plan.into(),
            commands: Vec::new(),
            withheld: Vec::new(),
            allowed,
            notes: Vec::new(),
            vigil: Default::default(),
            moves: Vec::new(),
        }
    }

    fn group(min: u32) -> Group {
        Group { min, max: 100, complete: true, ..Group::default() }
    }

    const AHEAD: SignedDuration = SignedDuration::from_mins(15);

    #[track_caller]
    fn change(stands: &[Scheduled], decision: &Decision, min: u32) -> Option<Change> {
        let standing = Standing::of(stands, now());
        let wanted = standing.wanted(decision, &group(min), AHEAD);
        standing.change(&wanted, &group(min), now())
    }

    #[test] // S6.2
    fn writes_what_is_new_and_touches_nobody_elses() {
        let decision = decision(&[(-5, 5), (60, 20)], Allowed::Growing);
        let change = change(&[theirs(58), ours(200, 3)], &decision, 5).unwrap();
        // Minute 58 belongs to somebody else.
        assert_eq!(change.rises, [Floor { start_s: NOW_S + 57 * 60, min: 20 }]);
        assert_eq!(change.delete_first, [ours(200, 3).name]);
        assert!(change.delete_last.is_empty() && change.falls.is_empty());
    }

    #[test] // S6.2, B1
    fn says_that_the_groups_maximum_cuts_the_plan() {
        let plan = |size| decision(&[(-5, 5), (60, size)], Allowed::Growing);
        assert_eq!(beyond(&plan(100), &group(5)), None);
        let said = beyond(&plan(120), &group(5)).unwrap();
        assert_eq!(said, "120 are planned, but its MaxSize of 100 allows no floor above it");
    }

    #[test] // S6.2
    fn changes_nothing_where_all_stands() {
        let decision = decision(&[(-5, 5), (60, 20)], Allowed::Growing);
        assert_eq!(change(&[ours(58, 20), theirs(1)], &decision, 5), None);
    }

    #[test] // S6.2
    fn leaves_alone_what_is_about_to_fire() {
        let decision = decision(&[(-5, 9)], Allowed::Growing);
        assert_eq!(change(&[ours(1, 9)], &decision, 5), None, "one that catches up is not put off for ever");
        assert_eq!(change(&[ours(-1, 9)], &decision, 5), None, "one that is late is not put again");
        let gone = change(&[ours(-4, 9)], &decision, 5).unwrap();
        assert_eq!(gone.rises.len(), 1, "one that should have fired and has not is caught up with");
    }

    #[test] // B3
    fn withdraws_falls_when_the_evidence_is_lost() {
        let steps = [(-60, 20), (10, 6), (120, 12)];
        let everything = decision(&steps, Allowed::Everything);
        let put = change(&[], &everything, 20).unwrap();
        assert_eq!(put.falls, [Floor { start_s: NOW_S + 600, min: 6 }]);
        assert_eq!(put.rises, [Floor { start_s: NOW_S + 118 * 60, min: 12 }]);
        let stands = [ours(10, 6), ours(118, 12)];
        assert_eq!(change(&stands, &everything, 20), None);
        let lost = change(&stands, &decision(&steps, Allowed::Growing), 20).unwrap();
        assert_eq!(lost.delete_first, [ours(10, 6).name, ours(118, 12).name]);
        let near = [ours(1, 6)];
        let lost = change(&near, &decision(&steps, Allowed::Growing), 20).unwrap();
        assert_eq!(lost.delete_first, [ours(1, 6).name], "even one that is about to fire");
    }

    #[test] // B3, F5
    fn keeps_what_grows_when_there_is_no_plan_any_more() {
        let stands = [ours(10, 6), ours(118, 12), ours(200, 25)];
        let change = change(&stands, &decision(&[], Allowed::Growing), 20).unwrap();
        assert_eq!(change.counts(), (0, 2));
        assert_eq!(change.delete_first, [ours(10, 6).name, ours(118, 12).name]);
    }

    #[test] // B2, F21
    fn takes_all_of_its_own_away_when_it_may_do_nothing() {
        let stands = [ours(10, 6), ours(118, 12), theirs(30)];
        let change = change(&stands, &decision(&[(-60, 20)], Allowed::Nothing), 3).unwrap();
        assert_eq!(change.counts(), (0, 2));
    }

    #[test] // F27
    fn fits_beside_a_hundred_and_more_of_others() {
        let many: Vec<Scheduled> = (0..110).map(|n| theirs(3 + 7 * n)).collect();
        let steps: Vec<(i64, u32)> = (0..80).map(|n| (30 * n, 3 + n as u32)).collect();
        let change = change(&many, &decision(&steps, Allowed::Growing), 3).unwrap();
        assert!(change.counts().0 <= 10 && change.rises.last().unwrap().min == 82);
        let full: Vec<Scheduled> = (0..125).map(|n| theirs(3 + 7 * n)).collect();
        assert_eq!(super::tests::change(&full, &decision(&steps, Allowed::Growing), 3), None);
    }

    #[test] // F27
    fn makes_room_before_it_writes() {
        let old: Vec<Scheduled> = (0..100).map(|n| ours(200 + 20 * n, 5 + n as u32)).collect();
        let steps: Vec<(i64, u32)> = (0..95).map(|n| (7 + 30 * n, 5 + n as u32)).collect();
        let change = change(&old, &decision(&steps, Allowed::Growing), 3).unwrap();
        let before = old.len() - change.delete_first.len();
        assert!(before + change.rises.len() <= 125, "{before} and {}", change.rises.len());
        assert!(!change.delete_last.is_empty(), "what has room stays until the new is there");
    }
}
