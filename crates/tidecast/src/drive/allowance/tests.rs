use std::sync::Arc;

use tidecast_pilot::{
    Bounds, Briefing, Change, Command, Evidence, Limit, Mode, Override, Sighting, Span, Told, Workload,
    decide,
};

use super::*;
use crate::drive::Pace;

fn eight() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn name(i: usize) -> WorkloadName {
    WorkloadName(format!("shop/{i}"))
}

/// Workloads that all want to grow at eight, taking their turns as the drive has them take theirs.
struct Town {
    allowance: Allowance,
    briefings: Vec<Briefing>,
    launches: Vec<(Timestamp, usize, u32)>,
}

impl Town {
    /// So many workloads with a server each, which each want `more` of them from eight on.
    fn of(workloads: usize, more: impl Fn(usize) -> u32, together: Together) -> Self {
        let allowance = Allowance::default();
        allowance.set(together);
        let briefing = |i: usize| {
            let mut workload = Workload::new(name(i).0, Bounds::new(1, 500).unwrap());
            workload.mode = Mode::Full;
            workload.start_up = Told::Given(SignedDuration::ZERO);
            Briefing {
                now: eight(),
                turn: 1,
                workload: Arc::new(workload),
                issued: None,
                evidence: Evidence::default(),
                sighting: Some(Sighting::of(eight(), Size(1), Size(1))),
                overrides: vec![Override {
                    id: "rush".into(),
                    span: Span::lasting(eight(), SignedDuration::from_hours(9)),
                    change: Change::Floor(Size(1 + more(i))),
                    author: "mara".into(),
                    reason: "shops open".into(),
                }],
                halts: Vec::new(),
                lessons: Default::default(),
                share: None,
                nowcast: None,
                last: None,
            }
        };
        let briefings: Vec<_> = (0..workloads).map(briefing).collect();
        (0..workloads).for_each(|i| allowance.note(&name(i), 1));
        Self { allowance, briefings, launches: Vec::new() }
    }

    fn servers(&self, i: usize) -> u32 {
        self.briefings[i].sighting.as_ref().unwrap().ordered.get()
    }

    fn lacking(&self, more: impl Fn(usize) -> u32) -> usize {
        (0..self.briefings.len()).filter(|i| self.servers(*i) < 1 + more(*i)).count()
    }

    /// One turn, as a charge takes it.
    fn turn(&mut self, i: usize, now: Timestamp) {
        let has = self.servers(i);
        let briefing = &mut self.briefings[i];
        briefing.now = now;
        briefing.share = self.allowance.grant(&name(i), has, now);
        let decision = decide(briefing);
        let taken = Taken::of(&decision, has);
        self.allowance.settle(&name(i), taken, now);
        if taken.servers > 0 {
            self.launches.push((now, i, taken.servers));
        }
        let size = Size(has + taken.servers);
        briefing.sighting = Some(Sighting::of(now, size, size));
        briefing.last = Some(Arc::new(decision));
        briefing.turn += 1;
    }

    /// So many minutes of turns, each at its moment of the half minute; after each of them, a look.
    fn run(&mut self, minutes: i64, mut look: impl FnMut(&Self, Timestamp)) {
        let pace = Pace::default();
        let mut due: BTreeMap<(Timestamp, usize), ()> =
            (0..self.briefings.len()).map(|i| ((pace.next(&name(i), eight()), i), ())).collect();
        while let Some(((now, i), ())) = due.pop_first()
            && now < eight() + SignedDuration::from_mins(minutes)
        {
            self.turn(i, now);
            look(self, now);
            due.insert((pace.next(&name(i), now), i), ());
        }
    }

    /// The most launches in any window of a minute.
    fn most_in_a_minute(&self) -> u32 {
        let from =
            |at: Timestamp| self.launches.iter().filter(move |(t, ..)| *t >= at && *t < at + seconds(60));
        self.launches.iter().map(|(at, ..)| from(*at).map(|(.., n)| n).sum()).max().unwrap_or(0)
    }
}

#[test] // A10, F17
fn lets_a_thousand_workloads_grow_at_eight_and_starves_none() {
    let together = Together { launches_per_minute: Some(600), fleet_max: None };
    let mut town = Town::of(1_000, |_| 2, together);
    let mut half_way = 0;
    town.run(6, |town, now| {
        if half_way == 0 && town.launches.iter().map(|(.., n)| n).sum::<u32>() >= 1_000 {
            half_way = now.duration_since(eight()).as_secs();
        }
    });
    assert!(town.most_in_a_minute() <= 600, "{}", town.most_in_a_minute());
    assert_eq!(town.lacking(|_| 2), 0, "all have grown");
    let last = town.launches.iter().map(|(at, ..)| *at).max().unwrap().duration_since(eight());
    assert!(last <= SignedDuration::from_mins(5), "{last:?}");
    assert!(half_way > 0 && half_way <= 150, "{half_way} s until half of it was there");
}

#[test] // F17
fn gives_the_small_their_turn_while_the_large_want_hundreds() {
    // Ten that want 300 each, and a hundred that want one.
    let more = |i: usize| if i < 10 { 300 } else { 1 };
    let mut town = Town::of(110, more, Together { launches_per_minute: Some(60), fleet_max: None });
    let mut small_done = None;
    town.run(10, |town, now| {
        let small = (10..110).all(|i| town.servers(i) > 1);
        small_done = small_done.or(small.then(|| now.duration_since(eight())));
    });
    assert!(town.most_in_a_minute() <= 60);
    // At most a round and a half of all who wait stands before the last of them.
    assert!(small_done.is_some_and(|long| long <= SignedDuration::from_mins(4)), "{small_done:?}");
    let large: Vec<u32> = (0..10).map(|i| town.servers(i)).collect();
    let (least, most) = (large.iter().min().unwrap(), large.iter().max().unwrap());
    // Whoever came first found the whole minute free.
    assert!(*least >= 20 && most - least <= 62, "{large:?}");
}

#[test] // F14, I3
fn never_lets_all_together_have_more_than_their_maximum() {
    let together = Together { launches_per_minute: None, fleet_max: Some(150) };
    let mut town = Town::of(100, |i| 1 + i as u32 % 5, together);
    town.run(3, |town, _| {
        let all: u32 = (0..100).map(|i| town.servers(i)).sum();
        assert!(all <= 150, "{all} servers");
    });
    assert_eq!((0..100).map(|i| town.servers(i)).sum::<u32>(), 150);
    let held = town.briefings.iter().filter_map(|briefing| briefing.last.as_ref()).find_map(|last| {
        last.limits.iter().find(|limit| matches!(limit, Limit::Shared { .. })).map(ToString::to_string)
    });
    let held = held.expect("somebody is held back");
    assert!(held.contains("all workloads together have at most 150 servers"), "{held}");
    // Some are given back: those who wait get them, and nobody else.
    let generous: Vec<usize> = (0..50).filter(|i| town.servers(*i) > 1).collect();
    assert!(!generous.is_empty());
    for i in generous {
        let size = Size(town.servers(i) - 1);
        town.briefings[i].sighting = Some(Sighting::of(eight(), size, size));
        town.briefings[i].overrides.clear();
        town.allowance.note(&name(i), size.get());
    }
    town.run(3, |_, _| ());
    assert_eq!((0..100).map(|i| town.servers(i)).sum::<u32>(), 150);
}

#[test]
fn limits_nothing_unless_told() {
    let mut town = Town::of(20, |_| 100, Together::default());
    town.run(1, |_, _| ());
    assert_eq!(town.lacking(|_| 100), 0);
    assert!(town.briefings.iter().all(|briefing| briefing.share.is_none()));
}

#[test] // F20
fn counts_launches_from_before_a_restart() {
    let allowance = Allowance::default();
    allowance.set(Together { launches_per_minute: Some(10), fleet_max: None });
    let moved = |ago: i64, from, to| Move { at: eight() - seconds(ago), from: Size(from), to: Size(to) };
    allowance.recall(&name(1), &[moved(90, 1, 5), moved(30, 5, 12), moved(20, 12, 9)]);
    let share = allowance.grant(&name(1), 9, eight()).unwrap();
    assert_eq!(share.servers, Size(3));
    allowance.settle(&name(1), Taken { servers: 3, lacks: 2 }, eight());
    assert_eq!(allowance.grant(&name(2), 1, eight()).unwrap().servers, Size(0));
    // The two that it waited for, and the five for which nobody does.
    assert_eq!(allowance.grant(&name(1), 12, eight() + seconds(31)).unwrap().servers, Size(7));
}

#[test]
fn takes_back_what_is_not_fetched() {
    let allowance = Allowance::default();
    allowance.set(Together { launches_per_minute: Some(4), fleet_max: None });
    // The first has taken all and wants more, and is never heard of again.
    allowance.grant(&name(1), 1, eight());
    allowance.settle(&name(1), Taken { servers: 4, lacks: 4 }, eight());
    assert_eq!(allowance.grant(&name(2), 1, eight() + seconds(61)).unwrap().servers, Size(0));
    allowance.settle(&name(2), Taken { servers: 0, lacks: 3 }, eight() + seconds(61));
    assert_eq!(allowance.grant(&name(2), 1, eight() + seconds(182)).unwrap().servers, Size(4));
    allowance.settle(&name(2), Taken { servers: 3, lacks: 0 }, eight() + seconds(182));
    allowance.leave(&name(1));
    assert_eq!(allowance.grant(&name(3), 1, eight() + seconds(183)).unwrap().servers, Size(1));
}

#[test]
fn does_not_take_what_is_withheld_for_launched() {
    let mut town = Town::of(1, |_| 5, Together { launches_per_minute: Some(3), fleet_max: None });
    let mut workload = (*town.briefings[0].workload).clone();
    workload.mode = Mode::Observe;
    town.briefings[0].workload = Arc::new(workload);
    town.turn(0, eight());
    assert!(town.launches.is_empty());
    let decision = town.briefings[0].last.clone().unwrap();
    assert_eq!(decision.withheld, [Command::Grow { to: Size(4) }]);
}
