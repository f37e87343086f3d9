use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sizing::ready_within;
use crate::vigil::never_ready;
use crate::{Briefing, Budget, Command, Node, NodeName, Note, Phase, Sighting, Size, Workload};

/// How servers with sessions on them are emptied (D1, D3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Drain {
    /// How long a drained server stays empty before it is ended: demand may yet come back.
    pub cooling: SignedDuration,
    /// How old the count of its sessions may be at that moment.
    pub fresh_for: SignedDuration,
    /// How long a server may be silent before another one is launched in its place.
    pub silent_for: SignedDuration,
    /// How long a server may be silent before it is ended, sessions or not. None: never, somebody must look (A12).
    pub lost_after: Option<SignedDuration>,
    /// Which of the servers that have sessions are drained first.
    pub order: DrainOrder,
    /// How long a server may drain before it is ended, sessions or not. None: for as long as its last session takes.
    pub deadline: Option<SignedDuration>,
}

/// Which servers are drained first; those that are empty come before all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DrainOrder {
    /// Those launched first, whose sessions have lived longest and so end first.
    #[default]
    OldestFirst,
    /// Those with the fewest sessions.
    FewestFirst,
}

impl Default for Drain {
    /// Five minutes empty, counted within the last minute and a half; replaced after five minutes of silence, never cut.
    fn default() -> Self {
        Self {
            cooling: SignedDuration::from_mins(5),
            fresh_for: SignedDuration::from_secs(90),
            silent_for: SignedDuration::from_mins(5),
            lost_after: None,
            order: DrainOrder::OldestFirst,
            deadline: None,
        }
    }
}

/// What brings the fleet to `size` servers that take sessions, without ever ending a session before its deadline, if there
/// is one.
///
/// Servers are drained, never cut: those that are empty first, then the oldest. A server is ended when it has been seen
/// empty for the cooling time by a count that is fresh; a count that is unknown is not zero. When more is needed, draining
/// servers take sessions again before new ones are launched, the fullest first, for those would take longest to empty.
pub(crate) fn take_away(
    drain: &Drain,
    sighting: &Sighting,
    size: Size,
    given_up: &GivenUp<'_>,
    now: Timestamp,
) -> Vec<Command> {
    let (open, rest): (Vec<&Node>, Vec<&Node>) =
        sighting.nodes.iter().partition(|node| takes_sessions(drain, node, given_up, now));
    let draining: Vec<&Node> =
        rest.iter().copied().filter(|node| matches!(node.phase, Phase::Draining { .. })).collect();
    let (has, wants) = (open.len(), size.get() as usize);
    let restored = restore(&draining, wants.saturating_sub(has));
    let mut commands: Vec<Command> =
        restored.iter().map(|node| Command::Restore { node: (*node).clone() }).collect();
    if has + restored.len() < wants {
        // The actuator counts those too that take no sessions any more.
        let to = Size((wants + rest.len() - restored.len()) as u32);
        commands.push(Command::Grow { to: given_up.within_bounds(to) });
    }
    commands.extend(leaving(drain.order, open, has.saturating_sub(wants)));
    let leaves = rest.iter().filter(|node| !restored.contains(&&node.name));
    commands.extend(leaves.filter_map(|node| end(drain, node, now)));
    commands
}

/// How a server that takes no sessions any more is ended, if it may be.
fn end(drain: &Drain, node: &Node, now: Timestamp) -> Option<Command> {
    let named = || node.name.clone();
    match () {
        () if may_end(drain, node, now) => Some(Command::Terminate { node: named() }),
        () if overdue(drain, node, now).is_some() => Some(Command::Cut { node: named() }),
        () => None,
    }
}

/// Since when a server drains that has done so for longer than it may.
fn overdue(drain: &Drain, node: &Node, now: Timestamp) -> Option<(Timestamp, SignedDuration)> {
    let Phase::Draining { since } = node.phase else { return None };
    let deadline = drain.deadline?;
    (now.duration_since(since) >= deadline).then_some((since, deadline))
}

/// What is worth telling of the servers that drain: how many, what keeps them, and which are cut (F29).
pub(crate) fn notes(briefing: &Briefing, commands: &[Command]) -> Vec<Note> {
    let (Some(drain), Some(sighting)) = (&briefing.workload.drain, &briefing.sighting) else {
        return Vec::new();
    };
    let is_draining = |node: &&Node| matches!(node.phase, Phase::Draining { .. });
    let draining: Vec<&Node> = sighting.nodes.iter().filter(is_draining).collect();
    let count = |count: usize| Size(u32::try_from(count).unwrap_or(u32::MAX));
    let known = draining.iter().filter_map(|node| node.sessions);
    let sum = known.clone().fold(0, |sum: u32, sessions| sum.saturating_add(sessions.count));
    let unknown = count(draining.len() - known.count());
    let all = (!draining.is_empty()).then(|| Note::Draining {
        servers: count(draining.len()),
        sessions: sum,
        unknown,
    });
    let cut = draining.iter().filter(|node| commands.contains(&Command::Cut { node: node.name.clone() }));
    let cut = cut.filter_map(|node| {
        let (since, deadline) = overdue(drain, node, briefing.now)?;
        let sessions = node.sessions.map(|sessions| sessions.count);
        Some(Note::Cut { node: node.name.clone(), since, deadline, sessions })
    });
    all.into_iter().chain(cut).collect()
}

/// How many servers take sessions, or have been silent for too short a time to give them up.
pub(crate) fn open(drain: &Drain, sighting: &Sighting, given_up: &GivenUp<'_>, now: Timestamp) -> Size {
    Size(sighting.nodes.iter().filter(|node| takes_sessions(drain, node, given_up, now)).count() as u32)
}

/// Servers that have not come up and are replaced (F28). At most a batch of them, so that a pool that has nothing to give is
/// not asked for more and more.
#[derive(Debug, Default)]
pub(crate) struct GivenUp<'a> {
    nodes: Vec<&'a NodeName>,
    most: Size,
}

impl<'a> GivenUp<'a> {
    pub(crate) fn of(briefing: &Briefing, sighting: &'a Sighting) -> Self {
        let Workload { batch, bounds, .. } = &*briefing.workload;
        let mut never: Vec<&Node> = never_ready(sighting, briefing.now, ready_within(briefing)).collect();
        never.sort_by_key(|node| (node.launched, &node.name));
        let tenth = Budget::default().of(Size(sighting.nodes.len() as u32));
        let batch = batch.preferred.or(batch.max).unwrap_or(tenth).max(Size(1));
        let nodes = never.into_iter().take(batch.get() as usize).map(|node| &node.name).collect();
        Self { nodes, most: bounds.max() }
    }

    /// What is launched in their place stays within the bounds, even while they are still there.
    fn within_bounds(&self, to: Size) -> Size {
        to.min(self.most.max(to - Size(self.nodes.len() as u32)))
    }
}

fn takes_sessions(drain: &Drain, node: &Node, given_up: &GivenUp<'_>, now: Timestamp) -> bool {
    match node.phase {
        Phase::Booting => !given_up.nodes.contains(&&node.name),
        Phase::Serving => true,
        Phase::Draining { .. } => false,
        Phase::Silent { since } => now.duration_since(since) < drain.silent_for,
    }
}

fn sessions(node: &Node) -> u32 {
    node.sessions.map_or(u32::MAX, |sessions| sessions.count)
}

fn restore<'a>(draining: &[&'a Node], missing: usize) -> Vec<&'a NodeName> {
    let mut fullest: Vec<&Node> = draining.to_vec();
    fullest.sort_by_key(|node| (std::cmp::Reverse(sessions(node)), &node.name));
    fullest.into_iter().take(missing).map(|node| &node.name).collect()
}

/// The servers to drain: empty ones first, then in the order that was asked for.
fn leaving(order: DrainOrder, mut open: Vec<&Node>, count: usize) -> Vec<Command> {
    open.sort_by_key(|node| {
        let first = match order {
            DrainOrder::OldestFirst => u32::from(sessions(node) > 0),
            DrainOrder::FewestFirst => sessions(node),
        };
        (first, node.launched, &node.name)
    });
    open.into_iter().take(count).map(|node| Command::Drain { node: node.name.clone() }).collect()
}

fn may_end(drain: &Drain, node: &Node, now: Timestamp) -> bool {
    match node.phase {
        Phase::Booting | Phase::Serving => false,
        Phase::Silent { since } => drain.lost_after.is_some_and(|long| now.duration_since(since) >= long),
        Phase::Draining { .. } => drain.keeps(node, now).is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sessions;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_770_000_000 + 60 * minute).unwrap()
    }

    fn node(name: &str, launched: i64, phase: Phase, sessions: Option<(u32, Option<i64>)>) -> Node {
        let sessions =
            sessions.map(|(count, empty)| Sessions { count, at: at(60), empty_since: empty.map(at) });
        Node { name: NodeName(name.into()), phase, launched: at(launched), ready: None, sessions }
    }

    /// Five servers: two busy, one empty, one draining that is empty, one silent.
    fn fleet() -> Vec<Node> {
        vec![
            node("old", 0, Phase::Serving, Some((4, None))),
            node("young", 9, Phase::Serving, Some((1, None))),
            node("idle", 5, Phase::Serving, Some((0, Some(30)))),
            node("leaving", 1, Phase::Draining { since: at(40) }, Some((0, Some(50)))),
            node("dark", 2, Phase::Silent { since: at(20) }, None),
        ]
    }

    #[track_caller]
    fn check(drain: Drain, nodes: Vec<Node>, size: u32, expected: &[&str]) {
        let mut sighting = Sighting::of(at(60), Size(nodes.len() as u32), Size(3));
        sighting.nodes = nodes;
        let said: Vec<String> = take_away(&drain, &sighting, Size(size), &GivenUp::default(), at(60))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(said, expected);
    }

    #[test] // D1, D3.1
    fn drains_the_empty_first_then_the_oldest() {
        check(Drain::default(), fleet(), 1, &["drain idle", "drain old", "terminate leaving"]);
    }

    #[test] // D1
    fn drains_the_fewest_sessions_first_if_asked_to() {
        let drain = Drain { order: DrainOrder::FewestFirst, ..Drain::default() };
        check(drain, fleet(), 1, &["drain idle", "drain young", "terminate leaving"]);
    }

    #[test] // F29
    fn cuts_no_session_before_a_deadline_that_was_asked_for() {
        let busy = |since| vec![node("n", 0, Phase::Draining { since: at(since) }, Some((3, None)))];
        check(Drain::default(), busy(0), 0, &[]);
        let drain = Drain { deadline: Some(SignedDuration::from_mins(30)), ..Drain::default() };
        check(drain, busy(31), 0, &[]);
        check(drain, busy(30), 0, &["cut n"]);
        check(drain, busy(30), 1, &["restore n"]);
        let unknown = vec![node("n", 0, Phase::Draining { since: at(0) }, None)];
        check(drain, unknown, 0, &["cut n"]);
        let empty = vec![node("n", 0, Phase::Draining { since: at(0) }, Some((0, Some(10))))];
        check(drain, empty, 0, &["terminate n"]);
        check(drain, vec![node("n", 0, Phase::Serving, Some((3, None)))], 0, &["drain n"]);
    }

    #[test] // D3.2
    fn gives_a_draining_server_its_sessions_back_before_it_launches_another() {
        check(Drain::default(), fleet(), 4, &["restore leaving"]);
        check(Drain::default(), fleet(), 6, &["restore leaving", "grow to 7 servers"]);
    }

    #[test] // D1
    fn ends_nothing_whose_sessions_are_not_known_to_be_over() {
        let draining = |sessions| vec![node("n", 0, Phase::Draining { since: at(0) }, sessions)];
        check(Drain::default(), draining(None), 0, &[]);
        check(Drain::default(), draining(Some((1, None))), 0, &[]);
        check(Drain::default(), draining(Some((0, Some(57)))), 0, &[]);
        check(Drain::default(), draining(Some((0, Some(55)))), 0, &["terminate n"]);
        let mut stale = draining(Some((0, Some(10))));
        stale[0].sessions.as_mut().unwrap().at = at(50);
        check(Drain::default(), stale, 0, &[]);
    }

    #[test] // A12
    fn replaces_a_silent_server_and_ends_it_only_if_told_to() {
        let drain = Drain { lost_after: Some(SignedDuration::from_mins(30)), ..Drain::default() };
        check(drain, fleet(), 3, &["terminate leaving", "terminate dark"]);
        let only_dark = || vec![node("dark", 0, Phase::Silent { since: at(20) }, None)];
        check(Drain::default(), only_dark(), 1, &["grow to 2 servers"]);
        let just_dark = vec![node("dark", 0, Phase::Silent { since: at(58) }, None)];
        check(Drain::default(), just_dark, 1, &[]);
    }
}
