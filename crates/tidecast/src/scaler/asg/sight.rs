//! From what was read to a sighting: pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Node, NodeName, Phase, Sighting, Size};

use super::fence::{Fence, Mark};
use super::seen::{Activity, Group, Life, Member};

/// What is remembered of a group from sighting to sighting.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Instances by id: when launched, and when in service.
    pub launches: BTreeMap<String, Launch>,
    /// When this process first looked: what others did before is not judged.
    pub since: Option<Timestamp>,
    /// The last look at the activities.
    pub looked: Option<(Timestamp, u32)>,
    /// Sizes that this process has set, and when.
    pub sets: Vec<(u32, i64)>,
    /// Changes of the desired capacity by others: when, and to what.
    pub foreign: BTreeMap<i64, u32>,
    /// Instances that were unhealthy at the last look, and since when.
    pub sick: BTreeMap<String, Timestamp>,
    /// The newest activity that has ended.
    pub newest: Option<String>,
    /// Instances of which no activity tells, and how often that was looked up: attached by hand, or older than six weeks.
    pub untold: BTreeMap<String, u32>,
}

/// When an instance was launched, and when it came into service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Launch {
    /// The activity's start.
    pub start: Timestamp,
    /// Its end, if it has ended well.
    pub end: Option<Timestamp>,
}

/// How often activities are read although nothing seems to have changed.
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// How long another's change of size is held against him.
const FOREIGN_FOR_S: i64 = 1_800;
/// Once may be a person who helps; twice is a second driver.
const FOREIGN_MIN: usize = 2;
/// How often activities are read for the sake of an instance of which none tells.
const ASKED_MAX: u32 = 3;
/// How the description of a launch begins; that of one into a warm pool does not, as it serves nobody yet.
const LAUNCHING: [&str; 2] =
    ["Launching a new EC2 instance: ", "Launching a new EC2 instance from warm pool: "];

impl Known {
    /// Whether the activities are worth a call.
    pub(super) fn wants_activities(&self, group: &Group, now: Timestamp) -> bool {
        let unknown = |member: &Member| match self.launches.get(&member.id) {
            None => {
                let asked = self.untold.get(&member.id).copied().unwrap_or(0);
                member.life != Life::Leaving && asked < ASKED_MAX
            }
            Some(launch) => launch.end.is_none() && member.life == Life::InService,
        };
        let Some((at, desired)) = self.looked else { return true };
        desired != group.desired || group.members.iter().any(unknown) || now.duration_since(at) >= LOOK_EVERY
    }

    /// Whether nothing that is new can stand on the pages of activities that were not `read` yet: what is in progress comes
    /// first there, then what has ended by the time at which it began.
    pub(super) fn is_enough(&self, read: &[Activity]) -> bool {
        let tells_of = |id: &String| read.iter().any(|activity| launched(activity) == Some(id));
        let known = |newest: &String| read.iter().any(|activity| activity.id == *newest);
        self.newest.as_ref().is_some_and(known)
            && self.launches.iter().all(|(id, launch)| launch.end.is_some() || tells_of(id))
    }

    /// Learns from activities: launches (B6), and who else sets sizes.
    pub(super) fn learn(&mut self, activities: &[Activity], group: &Group, now: Timestamp) {
        let fence = Fence::read(&group.tags).remembering(&self.sets);
        let since_s = self.since.get_or_insert(now).as_second().max(fence.remembers_since());
        for activity in activities {
            if let (Some(id), Some(start)) = (launched(activity), activity.start) {
                let end = activity.end.filter(|_| activity.successful);
                let launch = self.launches.entry(id.to_owned()).or_insert(Launch { start, end });
                // One that comes out of a warm pool again is launched again: the latest counts.
                if start >= launch.start {
                    *launch = Launch { start, end };
                }
            }
            if let Some((at_s, to)) = set_by_user(&activity.cause)
                && at_s > since_s
                && !fence.was_ours(to, at_s)
            {
                self.foreign.insert(at_s, to);
            }
        }
        self.newest =
            activities.iter().find(|activity| activity.end.is_some()).map(|activity| activity.id.clone());
        self.looked = Some((now, group.desired));
        self.forget(group, now);
        let here = group.members.iter().filter(|member| member.life != Life::Leaving);
        for member in here.filter(|member| !self.launches.contains_key(&member.id)) {
            *self.untold.entry(member.id.clone()).or_default() += 1;
        }
    }

    fn forget(&mut self, group: &Group, now: Timestamp) {
        self.launches.retain(|id, _| group.members.iter().any(|member| member.id == *id));
        self.untold.retain(|id, _| group.members.iter().any(|member| member.id == *id));
        self.foreign.retain(|at_s, _| *at_s > now.as_second() - FOREIGN_FOR_S);
        self.sets.retain(|(_, at_s)| *at_s > now.as_second() - 2 * FOREIGN_FOR_S);
    }

    /// The group as the pilot sees it.
    pub(super) fn sighting(&mut self, group: &Group, now: Timestamp) -> Sighting {
        self.sick.retain(|id, _| group.members.iter().any(|member| member.id == *id && !member.healthy));
        let here = group.members.iter().filter(|m| matches!(m.life, Life::Pending | Life::InService));
        let (mut nodes, mut serving) = (Vec::new(), 0u32);
        for member in here {
            let node = self.node(member, group, now);
            if matches!(node.phase, Phase::Serving | Phase::Draining { .. }) {
                serving = serving.saturating_add(member.weight);
            }
            nodes.push(node);
        }
        let (complete, foreign) = (group.complete, self.second_driver());
        Sighting { nodes, complete, foreign, ..Sighting::of(now, Size(group.desired), Size(serving)) }
    }

    fn node(&mut self, member: &Member, group: &Group, now: Timestamp) -> Node {
        let launch = self.launches.get(&member.id).copied();
        let phase = match (member.life, member.healthy, Mark::of(&group.tags, &member.id)) {
            (Life::Pending, ..) => Phase::Booting,
            (_, false, _) => Phase::Silent { since: *self.sick.entry(member.id.clone()).or_insert(now) },
            (_, true, Some(mark)) => {
                Phase::Draining { since: Timestamp::from_second(mark.since_s()).unwrap_or(now) }
            }
            (_, true, None) => Phase::Serving,
        };
        Node {
            name: NodeName(member.id.clone()),
            phase,
            launched: launch.map_or(self.since.unwrap_or(now), |launch| launch.start),
            ready: launch.and_then(|launch| launch.end),
            sessions: None,
        }
    }

    /// Somebody else who sets sizes again and again, as a name to show.
    fn second_driver(&self) -> Option<String> {
        let enough = self.foreign.len() >= FOREIGN_MIN;
        let (at_s, to) = self.foreign.last_key_value().filter(|_| enough)?;
        let at = Timestamp::from_second(*at_s).map_or_else(|_| "some time".into(), |at| at.to_string());
        let times = self.foreign.len();
        Some(format!(
            "somebody who has set the desired capacity {times} times in half an hour, last to {to} at {at}"
        ))
    }
}

/// The instance that an activity launches.
fn launched(activity: &Activity) -> Option<&str> {
    let rest = LAUNCHING.iter().find_map(|start| activity.description.strip_prefix(start))?;
    let id = rest.split_whitespace().next()?;
    id.starts_with("i-").then_some(id)
}

/// When and to what a user has set the desired capacity, if that is the cause.
fn set_by_user(cause: &str) -> Option<(i64, u32)> {
    let sentence = cause.split("  ").find(|sentence| sentence.contains("a user request"))?;
    let (_, change) = sentence.split_once("changing the desired capacity from ")?;
    let to = change.split_once(" to ")?.1;
    let to = to.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    let at: Timestamp = sentence.strip_prefix("At ")?.split_once(' ')?.0.parse().ok()?;
    Some((at.as_second(), to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: &str = "At 2026-11-27T08:00:10Z a user request explicitly set group desired capacity changing the desired \
                         capacity from 2 to 15.  At 2026-11-27T08:00:12Z an instance was started in response to a difference \
                         between desired and actual capacity, increasing the capacity from 2 to 15.";

    fn now() -> Timestamp {
        "2026-11-27T08:05:00Z".parse().unwrap()
    }

    fn activity(description: &str, cause: &str, end: Option<&str>) -> Activity {
        Activity {
            id: "a".into(),
            description: description.into(),
            cause: cause.into(),
            start: Some("2026-11-27T08:00:12Z".parse().unwrap()),
            end: end.map(|end| end.parse().unwrap()),
            successful: end.is_some(),
        }
    }

    fn group(members: &[(&str, Life)]) -> Group {
        let member = |(id, life): &(&str, Life)| Member {
            id: (*id).into(),
            life: *life,
            healthy: true,
            protected: false,
            weight: 1,
        };
        Group {
            max: 20,
            desired: 2,
            members: members.iter().map(member).collect(),
            complete: true,
            ..Group::default()
        }
    }

    #[test] // B6
    fn measures_start_up_from_launch_to_in_service() {
        let mut known = Known::default();
        let group = group(&[("i-1", Life::InService), ("i-2", Life::Pending), ("i-3", Life::Leaving)]);
        assert!(known.wants_activities(&group, now()));
        let one = activity("Launching a new EC2 instance: i-1", CAUSE, Some("2026-11-27T08:03:00Z"));
        let two = activity("Launching a new EC2 instance: i-2", CAUSE, None);
        known.learn(&[one, two], &group, now());
        let sighting = known.sighting(&group, now());
        let took = sighting.nodes[0].ready.unwrap().duration_since(sighting.nodes[0].launched);
        assert_eq!(took, SignedDuration::from_secs(168));
        assert_eq!(
            (sighting.nodes.len(), sighting.nodes[1].phase, sighting.serving),
            (2, Phase::Booting, Size(1))
        );
        assert!(!known.wants_activities(&group, now()), "nothing is new");
    }

    #[test] // B6
    fn measures_from_the_warm_pool_what_comes_out_of_it() {
        let mut known = Known::default();
        let group = group(&[("i-1", Life::InService), ("i-2", Life::InService)]);
        let into =
            activity("Launching a new EC2 instance into warm pool: i-2", CAUSE, Some("2026-11-27T08:04:00Z"));
        let out =
            activity("Launching a new EC2 instance from warm pool: i-1", CAUSE, Some("2026-11-27T08:00:42Z"));
        let before = Activity { start: Some("2026-11-27T07:00:00Z".parse().unwrap()), ..out.clone() };
        known.learn(&[out, into, before], &group, now());
        let sighting = known.sighting(&group, now());
        let took = |n: usize| {
            sighting.nodes[n].ready.map(|ready| ready.duration_since(sighting.nodes[n].launched).as_secs())
        };
        assert_eq!((took(0), took(1)), (Some(30), None), "what is warm serves nobody yet");
    }

    #[test] // F17
    fn reads_no_further_than_what_it_knows() {
        let named = |id: &str, description: &str, end| Activity {
            id: id.into(),
            ..activity(description, CAUSE, end)
        };
        let ended = Some("2026-11-27T08:03:00Z");
        let mut known = Known::default();
        let group = group(&[("i-1", Life::InService), ("i-2", Life::Pending)]);
        let page = [
            named("b", "Launching a new EC2 instance: i-2", None),
            named("a", "Launching a new EC2 instance: i-1", ended),
        ];
        assert!(!known.is_enough(&page), "nothing is known yet");
        known.learn(&page, &group, now());
        assert!(known.is_enough(&page));
        let newer = [named("c", "Terminating EC2 instance: i-9", ended)];
        assert!(!known.is_enough(&newer), "between these and what is known there may be more");
        let without = [newer[0].clone(), page[1].clone()];
        assert!(!known.is_enough(&without), "a launch that was in progress may have ended, further down");
    }

    #[test] // F17
    fn does_not_ask_for_ever_about_an_instance_of_which_nothing_tells() {
        let mut known = Known::default();
        let group = group(&[("i-1", Life::InService)]);
        let asked = (0..10).filter(|_| {
            let wants = known.wants_activities(&group, now());
            if wants {
                known.learn(&[], &group, now());
            }
            wants
        });
        assert_eq!(asked.count(), 3);
        assert!(known.wants_activities(&group, now() + LOOK_EVERY), "now and then it looks all the same");
    }

    #[test] // S6.3
    fn counts_what_serves_in_the_units_of_the_group() {
        let mut group = group(&[("i-1", Life::InService), ("i-2", Life::InService), ("i-3", Life::Pending)]);
        group.members.iter_mut().for_each(|member| member.weight = 4);
        group.desired = 12;
        let sighting = Known::default().sighting(&group, now());
        assert_eq!((sighting.ordered, sighting.serving, sighting.nodes.len()), (Size(12), Size(8), 3));
    }

    #[test] // F22
    fn names_a_second_driver_but_neither_itself_nor_the_past() {
        assert_eq!(
            set_by_user(CAUSE),
            Some(("2026-11-27T08:00:10Z".parse::<Timestamp>().unwrap().as_second(), 15))
        );
        let by_policy =
            CAUSE.replace("a user request", "a monitor alarm X in state ALARM triggered policy Y");
        assert_eq!(set_by_user(&by_policy), None);
        let again = CAUSE.replace("08:00:10Z", "08:02:10Z").replace("to 15", "to 3");
        let two = [activity("x", CAUSE, None), activity("x", &again, None)];
        let since = Some("2026-11-27T07:00:00Z".parse().unwrap());
        let fresh = || Known { since, ..Known::default() };
        let judge = |mut known: Known, group: &Group| {
            known.learn(&two, group, now());
            known.sighting(group, now()).foreign
        };
        let said = judge(fresh(), &group(&[])).unwrap();
        assert!(said.contains("2 times") && said.ends_with("last to 3 at 2026-11-27T08:02:10Z"), "{said}");
        assert_eq!(judge(Known::default(), &group(&[])), None, "that was before it looked");
        let ours: Timestamp = "2026-11-27T08:02:09Z".parse().unwrap();
        let mut marked = group(&[]);
        marked
            .tags
            .insert(super::super::fence::TURN.into(), Fence::default().then(1, Some(3), ours).written());
        assert_eq!(judge(fresh(), &marked), None, "one of both was ours");
    }

    #[test] // F19
    fn takes_the_sick_for_silent_since_they_were_first_seen_so() {
        let mut group = group(&[("i-1", Life::InService)]);
        group.members[0].healthy = false;
        let mut known = Known::default();
        known.sighting(&group, now());
        let later = known.sighting(&group, now() + SignedDuration::from_mins(3));
        assert_eq!((later.nodes[0].phase, later.serving), (Phase::Silent { since: now() }, Size(0)));
    }
}
