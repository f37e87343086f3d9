//! What commands come down to: sizes set at once, chosen instances drained and ended.

use jiff::Timestamp;
use tidecast_pilot::Command;

use super::fence::{DRAIN, Fence, Mark, TURN};
use super::seen::Group;

/// What a turn's commands come down to on a group as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Todo {
    /// The desired capacity to set.
    pub set: Option<u32>,
    /// Instances to mark, so that they get no new sessions.
    pub drain: Vec<String>,
    /// Marks to take away.
    pub restore: Vec<String>,
    /// Instances to end.
    pub end: Vec<String>,
    /// Those of them that are ended although sessions may run on them.
    pub cut: Vec<String>,
    /// Marks of instances that are gone.
    pub sweep: Vec<String>,
    /// What is worth telling.
    pub remarks: Vec<String>,
}

/// Who lets a group shrink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shrinking {
    /// We do.
    Ours,
    /// The group's own policies do.
    Theirs,
}

/// How long what was set may be missing from what is read.
const LAG_S: i64 = 120;
/// After how long without effect an instance's end is asked for again.
const AGAIN_S: i64 = 180;
/// The most instances that are marked at once.
const MARKS_MAX: usize = 30;
/// The most tags that a group has, those that AWS gives it left out.
const TAGS_MAX: usize = 50;
/// The most that are ended in one turn.
const ENDS_MAX: usize = 10;

impl Todo {
    /// What `commands` come down to.
    pub(super) fn of(commands: &[Command], group: &Group, shrinking: Shrinking, now: Timestamp) -> Self {
        let mut todo = Self::default();
        for command in commands {
            match command {
                Command::Grow { to } => todo.grow(to.get(), group, now),
                Command::Shrink { to } => todo.shrink(to.get(), group, shrinking),
                Command::Drain { node } => todo.drain(&node.0, group),
                Command::Restore { node } => todo.restore(&node.0, group, now),
                Command::Terminate { node } => todo.end(&node.0, group, now),
                Command::Cut { node } => {
                    todo.end(&node.0, group, now);
                    todo.cut.push(node.0.clone());
                }
            }
        }
        todo.hold(commands, group, now);
        let marked = group.tags.keys().filter_map(|key| key.strip_prefix(DRAIN));
        todo.sweep
            .extend(marked.filter(|id| group.member(id).is_none() && group.complete).map(str::to_owned));
        todo
    }

    /// Whether there is nothing to do.
    pub(super) fn is_nothing(&self) -> bool {
        self.set.is_none()
            && [&self.drain, &self.restore, &self.end, &self.sweep].iter().all(|ids| ids.is_empty())
    }

    /// Never lowers: what was set lately counts although it may not be seen yet.
    fn grow(&mut self, to: u32, group: &Group, now: Timestamp) {
        let lately = Fence::read(&group.tags).last_since(now.as_second() - LAG_S).unwrap_or(0);
        let target = to.max(lately).min(group.max);
        if to > group.max {
            self.remarks.push(format!("its MaxSize of {} allows no more", group.max));
        }
        self.set = (target > group.desired).then_some(target);
    }

    fn shrink(&mut self, to: u32, group: &Group, shrinking: Shrinking) {
        if shrinking == Shrinking::Theirs {
            self.remarks.push("taking instances away is left to its own scaling policies".into());
            return;
        }
        let target = to.max(group.min);
        if to < group.min {
            self.remarks.push(format!("its MinSize of {} allows no less", group.min));
        }
        self.set = (target < group.desired).then_some(target);
    }

    fn drain(&mut self, id: &str, group: &Group) {
        let marked = group.tags.keys().filter(|key| key.starts_with(DRAIN)).count() + self.drain.len();
        match group.member(id) {
            Some(_) if Mark::of(&group.tags, id).is_some() => {}
            Some(_) if group.weighted => self.remarks.push(format!("{id} is not drained: {WEIGHTED}")),
            Some(_) if marked >= marks_max(group) => {
                self.remarks.push(format!("{id} is drained later: {marked} are being drained"));
            }
            Some(_) => self.drain.push(id.to_owned()),
            None => self.remarks.push(format!("{id} is not there any more")),
        }
    }

    fn restore(&mut self, id: &str, group: &Group, now: Timestamp) {
        match Mark::of(&group.tags, id) {
            _ if is_ending(id, group, now) => self.remarks.push(format!("{id} is ending already")),
            Some(_) => self.restore.push(id.to_owned()),
            None => {}
        }
    }

    /// Ends nobody beside one that was counted on to take sessions and is ending already: others may have to.
    fn hold(&mut self, commands: &[Command], group: &Group, now: Timestamp) {
        let lost = |command: &Command| match command {
            Command::Restore { node } => is_ending(&node.0, group, now),
            _ => false,
        };
        if commands.iter().any(lost) {
            let why = "not all that were to get sessions back have them";
            self.remarks.extend(self.end.drain(..).map(|id| format!("{id} stays for now: {why}")));
        }
    }

    fn end(&mut self, id: &str, group: &Group, now: Timestamp) {
        let asked = match Mark::of(&group.tags, id) {
            Some(Mark::Ending(_, at_s)) => now.as_second() - at_s < AGAIN_S,
            _ => false,
        };
        let left = group.desired.saturating_sub(self.end.len() as u32);
        match group.member(id) {
            None => self.remarks.push(format!("{id} is not there any more")),
            Some(_) if group.weighted => self.remarks.push(format!("{id} stays: {WEIGHTED}")),
            Some(_) if asked => self.remarks.push(format!("{id} was asked to end just now")),
            Some(_) if left <= group.min => {
                self.remarks.push(format!("{id} stays: its group's MinSize is {}", group.min));
            }
            Some(_) if self.end.len() >= ENDS_MAX => {}
            Some(_) => self.end.push(id.to_owned()),
        }
    }

    /// The tags to write before anything is done: the turn, the size that will be set, and the marks.
    pub(super) fn tags(
        &self,
        group: &Group,
        fence: Fence,
        turn: u64,
        now: Timestamp,
    ) -> Vec<(String, String)> {
        let fence = fence.then(turn, self.set, now);
        let since_s = |id: &String| Mark::of(&group.tags, id).map_or(now.as_second(), Mark::since_s);
        let drains = self.drain.iter().map(|id| Mark::Draining(now.as_second()).tag(id));
        let ends = self.end.iter().map(|id| Mark::Ending(since_s(id), now.as_second()).tag(id));
        std::iter::once((TURN.to_owned(), fence.written())).chain(drains).chain(ends).collect()
    }

    /// The calls that would be made, a line each.
    pub(super) fn shows(&self, group: &str) -> Vec<String> {
        let set = self.set.map(|to| format!("SetDesiredCapacity {group} DesiredCapacity={to}"));
        let drain = self.drain.iter().map(|id| format!("CreateOrUpdateTags {group} {DRAIN}{id}"));
        let restore = self.restore.iter().map(|id| format!("DeleteTags {group} {DRAIN}{id}"));
        let end =
            self.end.iter().map(|id| format!("TerminateInstanceInAutoScalingGroup {id} with decrement"));
        set.into_iter().chain(drain).chain(restore).chain(end).collect()
    }

    /// What was done, in words.
    pub(super) fn said(&self) -> Vec<String> {
        let mut said = Vec::new();
        said.extend(self.set.map(|to| format!("desired capacity set to {to}")));
        let (cut, ended): (Vec<String>, Vec<String>) =
            self.end.iter().cloned().partition(|id| self.cut.contains(id));
        let did = [
            (&self.drain, "drained"),
            (&self.restore, "restored"),
            (&ended, "ended"),
            (&cut, "ended although sessions may run on it, as its deadline has passed"),
        ];
        for (ids, what) in did {
            if !ids.is_empty() {
                said.push(format!("{} {what}", ids.join(", ")));
            }
        }
        said.extend(self.remarks.iter().cloned());
        said
    }
}

/// Whether the end of one that is marked was asked for, and may yet come about, or has.
fn is_ending(id: &str, group: &Group, now: Timestamp) -> bool {
    match Mark::of(&group.tags, id) {
        Some(Mark::Ending(_, at_s)) => now.as_second() - at_s < AGAIN_S || group.member(id).is_none(),
        _ => false,
    }
}

/// Why no instance is chosen there.
const WEIGHTED: &str =
    "its group counts units of capacity, and nobody knows by how many ending it would lower that";

/// How many may be marked: a group that has many tags of its own has room for fewer, and one tag is that of the turn.
fn marks_max(group: &Group) -> usize {
    let others = group
        .tags
        .keys()
        .filter(|key| !key.starts_with("aws:") && !key.starts_with(DRAIN) && key.as_str() != TURN);
    MARKS_MAX.min(TAGS_MAX.saturating_sub(others.count() + 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tidecast_pilot::{NodeName, Size};

    use super::super::seen::{Life, Member};
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn group(desired: u32) -> Group {
        let member = |n: u32| Member {
            id: format!("i-{n}"),
            life: Life::InService,
            healthy: true,
            protected: true,
            weight: 1,
        };
        let members = (0..desired).map(member).collect();
        Group { min: 2, max: 10, desired, members, complete: true, ..Group::default() }
    }

    fn node(n: u32) -> NodeName {
        NodeName(format!("i-{n}"))
    }

    #[track_caller]
    fn set(command: Command, group: &Group, expected: Option<u32>) {
        assert_eq!(Todo::of(&[command], group, Shrinking::Ours, now()).set, expected);
    }

    #[test] // S6.3
    fn grows_and_shrinks_within_the_groups_own_bounds() {
        set(Command::Grow { to: Size(7) }, &group(5), Some(7));
        set(Command::Grow { to: Size(5) }, &group(5), None);
        set(Command::Grow { to: Size(40) }, &group(5), Some(10));
        set(Command::Shrink { to: Size(3) }, &group(5), Some(3));
        set(Command::Shrink { to: Size(0) }, &group(5), Some(2));
        set(Command::Shrink { to: Size(5) }, &group(5), None);
        let left = Todo::of(&[Command::Shrink { to: Size(3) }], &group(5), Shrinking::Theirs, now());
        assert!(left.is_nothing() && left.said()[0].contains("its own scaling policies"));
    }

    #[test] // A13, F25
    fn never_lowers_by_growing_although_it_reads_what_was() {
        let mut stale = group(5);
        stale.tags = BTreeMap::from([(TURN.to_owned(), Fence::default().then(1, Some(9), now()).written())]);
        set(Command::Grow { to: Size(7) }, &stale, Some(9));
    }

    #[test] // S6.3, D1
    fn ends_a_chosen_instance_once() {
        let mut group = group(5);
        let end = |group: &Group, later: i64| {
            let now = Timestamp::from_second(now().as_second() + later).unwrap();
            Todo::of(&[Command::Terminate { node: node(3) }], group, Shrinking::Ours, now)
        };
        assert_eq!(end(&group, 0).end, ["i-3"]);
        let tags = end(&group, 0).tags(&group, Fence::default(), 9, now());
        group.tags.extend(tags);
        assert!(end(&group, 30).is_nothing(), "its end was asked for, and nobody knows yet what came of it");
        assert_eq!(end(&group, 200).end, ["i-3"], "nothing came of it");
        group.members.retain(|member| member.id != "i-3");
        let swept = end(&group, 200);
        assert_eq!((swept.end.len(), swept.sweep.as_slice()), (0, &["i-3".to_owned()][..]));
    }

    #[test] // F27
    fn marks_no_more_than_the_group_has_room_for() {
        let mut group = Group { max: 60, ..group(40) };
        let all: Vec<Command> = (0..40).map(|n| Command::Drain { node: node(n) }).collect();
        let marked = |group: &Group| Todo::of(&all, group, Shrinking::Ours, now()).drain.len();
        assert_eq!(marked(&group), 30);
        group.tags.extend((0..10).map(|n| (format!("aws:internal-{n}"), String::new())));
        assert_eq!(marked(&group), 30, "what AWS itself has put there does not count");
        group.tags.extend((0..35).map(|n| (format!("team-{n}"), String::new())));
        assert_eq!(marked(&group), 14, "thirty-five, ours for the turn, and fourteen");
    }

    #[test] // S6.3
    fn chooses_no_instance_where_weights_count() {
        let group = Group { weighted: true, ..group(5) };
        let both = [Command::Drain { node: node(1) }, Command::Terminate { node: node(2) }];
        let todo = Todo::of(&both, &group, Shrinking::Ours, now());
        assert!(todo.is_nothing() && todo.said().len() == 2, "{todo:?}");
        assert!(todo.said()[1].starts_with("i-2 stays: its group counts units"), "{todo:?}");
    }

    #[test] // I3
    fn ends_none_below_the_minimum() {
        let all: Vec<Command> = (0..4).map(|n| Command::Terminate { node: node(n) }).collect();
        let todo = Todo::of(&all, &group(4), Shrinking::Ours, now());
        assert_eq!(todo.end.len(), 2);
        assert!(todo.said().iter().any(|said| said.contains("MinSize is 2")), "{:?}", todo.said());
    }

    #[test] // D1, D3.2
    fn ends_nobody_beside_one_that_should_take_sessions_again_and_is_ending() {
        let mut group = group(5);
        let (ending, empty) = (Mark::Ending(1, now().as_second() - 30), Mark::Draining(1));
        group.tags.extend([ending.tag("i-1"), empty.tag("i-2")]);
        let both = [Command::Restore { node: node(1) }, Command::Terminate { node: node(2) }];
        let todo = Todo::of(&both, &group, Shrinking::Ours, now());
        assert!(todo.is_nothing(), "{todo:?}");
        assert!(todo.said()[1].starts_with("i-2 stays for now: not all"), "{todo:?}");
        assert_eq!(Todo::of(&both[1..], &group, Shrinking::Ours, now()).end, ["i-2"]);
    }

    #[test] // D3.1
    fn marks_and_restores() {
        let mut group = group(5);
        let drained = Todo::of(&[Command::Drain { node: node(1) }], &group, Shrinking::Ours, now());
        assert_eq!(drained.drain, ["i-1"]);
        group.tags.extend(drained.tags(&group, Fence::default(), 1, now()));
        assert!(Todo::of(&[Command::Drain { node: node(1) }], &group, Shrinking::Ours, now()).is_nothing());
        let restored = Todo::of(&[Command::Restore { node: node(1) }], &group, Shrinking::Ours, now());
        assert_eq!(restored.restore, ["i-1"]);
    }
}
