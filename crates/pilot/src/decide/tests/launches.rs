use super::*;
use crate::{Batch, Drain, Node, NodeName, Phase, Stuck};

/// A day of turns a minute apart: what is wanted and how many serve at each minute; what is ordered is kept by the actuator.
struct Days {
    briefing: Briefing,
    ordered: u32,
}

impl Days {
    fn new() -> Self {
        let briefing = with(|b, w| {
            w.bounds = Bounds::new(2, 30).unwrap();
            b.issued = None;
        });
        Self { briefing, ordered: 10 }
    }

    fn turn(&mut self, minute: i64, demand: f64, serving: u32) -> Arc<Decision> {
        let now = now() + minutes(minute);
        self.briefing.now = now;
        self.briefing.turn += 1;
        let reading = |ago| Reading::complete(now - minutes(ago), Demand::new(demand).unwrap());
        self.briefing.evidence.readings = (0..15).rev().map(reading).collect();
        self.briefing.sighting = Some(Sighting::of(now, Size(self.ordered), Size(serving)));
        let decision = Arc::new(decide(&self.briefing));
        for command in &decision.commands {
            match command {
                Command::Grow { to } => self.ordered = self.ordered.max(to.get()),
                Command::Shrink { to } => self.ordered = self.ordered.min(to.get()),
                _ => {}
            }
        }
        self.briefing.last = Some(decision.clone());
        decision
    }
}

fn grows(decision: &Decision) -> bool {
    decision.commands.iter().any(|command| matches!(command, Command::Grow { .. }))
}

#[test] // F28
fn launches_no_more_than_six_times_in_half_an_hour_while_nothing_comes_up() {
    let mut days = Days::new();
    // Demand grows by a server a minute; none comes up.
    let decisions: Vec<_> = (0..60).map(|m| days.turn(m, 100.0 + 10.0 * m.min(18) as f64, 10)).collect();
    assert!(
        decisions.iter().take(10).all(|decision| !decision.notes.iter().any(|n| n.code() == "neverReady"))
    );
    let launches: Vec<usize> = (0..60).filter(|m| grows(&decisions[*m])).collect();
    assert_eq!(launches, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20], "five minutes apart once it is known");
    let held = decisions[12].limits.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        held,
        [
            "22 would be needed, but 1 servers that were launched have not come up in 10m: the next launch is tried at \
          2026-03-02 09:15 (UTC)"
        ]
    );
    let noted = decisions[59].notes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(
        noted.iter().any(|note| note.starts_with("18 servers that were launched have not come up")),
        "{noted:?}"
    );
}

#[test] // F28
fn grows_freely_again_once_a_server_has_come_up() {
    let mut days = Days::new();
    (0..30).for_each(|m| _ = days.turn(m, 150.0, 10));
    assert!(!grows(&days.turn(30, 200.0, 10)) || !grows(&days.turn(31, 210.0, 10)));
    assert!(grows(&days.turn(32, 250.0, 15)));
    assert!(grows(&days.turn(33, 260.0, 15)));
}

#[test] // F28
fn is_not_held_up_by_one_server_that_never_starts_while_others_do() {
    let mut days = Days::new();
    // One of ten has crashed for an hour; then demand surges, and what is launched comes up five minutes later.
    (0..60).for_each(|m| _ = days.turn(m, 100.0, 9));
    let mut ordered = vec![10; 60];
    for minute in 60..90 {
        let up = ordered[minute - 5];
        let decision = days.turn(minute as i64, 100.0 + 5.0 * (minute - 60) as f64, up - 1);
        assert!(decision.limits.iter().all(|limit| limit.code() != "backOff"), "{minute}");
        ordered.push(days.ordered);
    }
    assert_eq!(days.ordered, 25);
}

#[test] // F28
fn counts_no_server_as_capacity_that_never_came_up() {
    let mut days = Days::new();
    days.briefing.issued =
        Some(Arc::new(Issued { at: now() + minutes(60), ..(*issued(&[60.0]).unwrap()).clone() }));
    (0..60).for_each(|m| _ = days.turn(m, 100.0, 7));
    // Six would do, and seven serve: one may go.
    let decision = days.turn(61, 60.0, 7);
    let stuck = Stuck { servers: Size(3), within: minutes(10) };
    assert!(decision.notes.contains(&Note::NeverReady { stuck }), "{:?}", decision.notes);
    assert_eq!(decision.commands, [Command::Shrink { to: Size(9) }]);
    days.briefing.workload = Arc::new(Workload {
        scale_in: crate::Budget { percent: 50.0, per: minutes(10) },
        ..(*days.briefing.workload).clone()
    });
    let decision = days.turn(72, 60.0, 6);
    assert_eq!(decision.commands, []);
    assert!(decision.limits.iter().any(|limit| limit.code() == "neverReady"), "{:?}", decision.limits);
}

#[test] // F28
fn learns_from_its_own_launches_how_long_to_wait() {
    let mut days = Days::new();
    days.briefing.lessons.start_ups = vec![minutes(2); 20];
    (0..4).for_each(|m| _ = days.turn(m, 150.0, 10));
    assert!(days.turn(4, 150.0, 10).notes.iter().all(|note| note.code() != "neverReady"));
    let late = days.turn(5, 150.0, 10);
    let stuck = Stuck { servers: Size(5), within: minutes(4) };
    assert!(late.notes.contains(&Note::NeverReady { stuck }), "{:?}", late.notes);
}

#[test] // F14, F28
fn replaces_at_most_a_batch_of_those_that_never_came_up() {
    let node = |i: i64, ready: bool| Node {
        name: NodeName(format!("n{i:02}")),
        phase: if ready { Phase::Serving } else { Phase::Booting },
        launched: now() - minutes(60 + i),
        ready: ready.then(|| now() - minutes(50)),
        sessions: None,
    };
    let fleet = |broken: i64, batch: Option<u32>, max: u32| {
        with(|b, w| {
            let nodes: Vec<Node> = (0..20).map(|i| node(i, i >= broken)).collect();
            let seen = Sighting::of(now(), Size(20), Size(20 - broken as u32));
            b.sighting = Some(Sighting { nodes, ..seen });
            b.issued = issued(&[200.0]);
            b.evidence = evidence([200.0; 15]);
            w.bounds = Bounds::new(2, max).unwrap();
            w.batch = Batch { preferred: batch.map(Size), max: None };
            w.drain = Some(Drain::default());
        })
    };
    let grown = |briefing: &Briefing| decide(briefing).commands;
    assert_eq!(grown(&fleet(0, None, 50)), []);
    assert_eq!(grown(&fleet(1, None, 50)), [Command::Grow { to: Size(21) }]);
    assert_eq!(grown(&fleet(9, None, 50)), [Command::Grow { to: Size(22) }], "a tenth of the fleet");
    assert_eq!(grown(&fleet(9, Some(4), 50)), [Command::Grow { to: Size(24) }]);
    assert_eq!(grown(&fleet(9, Some(4), 21)), [Command::Grow { to: Size(21) }], "never above the maximum");
}

#[test] // D1
fn takes_nothing_away_unseen_where_sessions_live() {
    let quiet = |drain: Option<Drain>| {
        with(|b, w| {
            b.sighting = Some(Sighting::of(now(), Size(20), Size(20)));
            b.issued = issued(&[50.0]);
            b.evidence = evidence([50.0; 15]);
            w.bounds = Bounds::new(2, 50).unwrap();
            w.drain = drain;
        })
    };
    assert!(matches!(decide(&quiet(None)).commands[..], [Command::Shrink { .. }]));
    assert_eq!(decide(&quiet(Some(Drain::default()))).commands, [], "which one would go is chance");
}

#[test] // F29
fn says_whom_it_cuts_and_for_how_long_it_has_waited() {
    let node = |name: &str, since: i64, sessions: Option<u32>| Node {
        name: NodeName(name.into()),
        phase: Phase::Draining { since: now() - minutes(since) },
        launched: now() - minutes(600),
        ready: None,
        sessions: sessions.map(|count| crate::Sessions { count, at: now(), empty_since: None }),
    };
    let serving = |name: &str| Node { phase: Phase::Serving, ..node(name, 0, Some(2)) };
    let briefing = with(|b, w| {
        let nodes = vec![node("a", 400, Some(3)), node("b", 20, None), serving("c"), serving("d")];
        b.sighting = Some(Sighting { nodes, ..Sighting::of(now(), Size(4), Size(4)) });
        b.issued = issued(&[20.0]);
        b.evidence = evidence([20.0; 15]);
        w.bounds = Bounds::new(2, 50).unwrap();
        w.drain = Some(Drain { deadline: Some(minutes(360)), ..Drain::default() });
    });
    let decision = decide(&briefing);
    assert_eq!(decision.commands, [Command::Cut { node: NodeName("a".into()) }]);
    let told: Vec<String> = decision.notes.iter().map(ToString::to_string).collect();
    let all = "2 servers are being drained, on which 3 sessions are left; what 1 of them hold is not known, and unknown is \
               not empty";
    assert!(told.iter().any(|said| said == all), "{told:#?}");
    let cut = told.iter().find(|said| said.starts_with("a has been drained since ")).expect("it says so");
    assert!(
        cut.ends_with("longer than the deadline of 6h: it is ended although 3 sessions run on it"),
        "{cut}"
    );
}

#[test] // F13
fn takes_nothing_away_for_a_window_after_the_clock_went_back() {
    let evening = || {
        let mut days = Days::new();
        days.briefing.issued = issued(&[50.0]);
        let scale_in = crate::Budget { percent: 100.0, per: minutes(5) };
        days.briefing.workload = Arc::new(Workload { scale_in, ..(*days.briefing.workload).clone() });
        assert_eq!(days.turn(20, 100.0, 10).commands, []);
        days
    };
    let mut days = evening();
    assert_eq!(days.turn(18, 50.0, 10).limits.first().map(Limit::code), Some("clockWentBack"));
    for minute in 19..28 {
        let decision = days.turn(minute, 50.0, 10);
        assert_eq!((decision.size, decision.limits[0].code()), (Size(10), "clockJumped"), "{minute}");
    }
    assert_eq!(days.turn(28, 50.0, 10).size, Size(5));
    // Set right after a while, it is not believed that the time between has passed.
    let mut days = evening();
    assert_eq!(days.turn(21, 100.0, 10).commands, []);
    for minute in [15, 16, 17] {
        assert_eq!(days.turn(minute, 50.0, 10).size, Size(10), "{minute}");
    }
    for minute in 25..35 {
        let decision = days.turn(minute, 50.0, 10);
        assert_eq!((decision.size, decision.limits[0].code()), (Size(10), "clockJumped"), "{minute}");
    }
    assert_eq!(days.turn(35, 50.0, 10).size, Size(5));
    // A clock that is only kept right is no reason.
    let mut days = evening();
    let last = days.briefing.last.take().expect("a turn was taken");
    let ahead = Decision { at: last.at + SignedDuration::from_secs(80), ..(*last).clone() };
    days.briefing.last = Some(Arc::new(ahead));
    assert_eq!(days.turn(21, 50.0, 10).limits.first().map(Limit::code), Some("clockWentBack"));
    assert_eq!(days.turn(22, 50.0, 10).size, Size(5));
}

#[test] // F15
fn keeps_what_it_has_once_what_went_was_soon_needed_again_twice() {
    let mut days = Days::new();
    let scale_in = crate::Budget { percent: 100.0, per: minutes(5) };
    days.briefing.workload = Arc::new(Workload { scale_in, ..(*days.briefing.workload).clone() });
    let mut turn = |minute: i64, demand: f64| {
        days.briefing.issued =
            Some(Arc::new(Issued { at: now() + minutes(minute), ..(*issued(&[50.0]).unwrap()).clone() }));
        let ordered = days.ordered;
        days.turn(minute, demand, ordered)
    };
    let swing: Vec<u32> =
        (0..40).map(|m| turn(m, if m / 5 % 2 == 0 { 100.0 } else { 80.0 }).size.get()).collect();
    let rounds: Vec<usize> = (1..40).filter(|m| swing[*m] != swing[m - 1]).collect();
    assert_eq!(rounds, [5, 10, 15, 20], "{swing:?}");
    let held = turn(41, 80.0);
    assert!(
        held.limits.iter().any(|limit| limit.to_string().contains("until 2026-03-02 10:10 (UTC): twice")),
        "{held:?}"
    );
    assert_eq!(turn(71, 80.0).size, Size(8), "an hour after the first of them");
}
