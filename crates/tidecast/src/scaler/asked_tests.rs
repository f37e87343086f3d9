use futures_util::FutureExt as _;
use tidecast_forecast::{Fan, Forecast, Grid};
use tidecast_pilot::{
    Bounds, Demand, Evidence, Halt, Halted, Issued, Lessons, Mode, Reading, Span, Throughput, Told as Given,
    Workload, decide,
};

use super::*;
use crate::drive::Turned;

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn name() -> WorkloadName {
    WorkloadName("shop".into())
}

/// Demand of 100 a minute ago and for two hours to come, or of 300 from 10:00 on; ten a server.
fn briefing() -> Briefing {
    let mut workload = Workload::new("shop", Bounds::new(2, 50).unwrap());
    workload.throughput = Given::Given(Throughput::new(10.0).unwrap());
    workload.mode = Mode::Full;
    let grid = Grid::new(now(), 300, 24);
    let fan = |k: usize| Fan::certain(if k < 12 { 100.0 } else { 300.0 });
    let forecast = Forecast::new(grid, (0..24).map(fan).collect(), "test");
    let reading = |ago: i64| Reading::complete(now() - minutes(ago), Demand::new(100.0).unwrap());
    Briefing {
        now: now(),
        turn: 7,
        workload: Arc::new(workload),
        issued: Some(Arc::new(Issued { at: now(), forecast })),
        evidence: Evidence {
            readings: (0..15).rev().map(reading).collect(),
            interval: minutes(1),
            lag: minutes(1),
        },
        sighting: Some(Sighting::of(now(), Size(10), Size(10))),
        overrides: Vec::new(),
        halts: Vec::new(),
        lessons: Lessons::default(),
        share: None,
        nowcast: None,
        last: None,
    }
}

fn with(change: impl FnOnce(&mut Briefing, &mut Workload)) -> Briefing {
    let mut briefing = briefing();
    let mut workload = (*briefing.workload).clone();
    change(&mut briefing, &mut workload);
    briefing.workload = Arc::new(workload);
    briefing
}

/// The seat after a turn that was, or was not, committed.
fn seat(briefing: Briefing, committed: bool) -> Seat {
    let away = Trouble::Full { who: "the store".into() };
    let decision = decide(&briefing);
    let turned = Turned {
        at: briefing.now,
        decision: Some(Arc::new(decision)),
        briefing: Some(Arc::new(briefing)),
        committed,
        collected: Err(away.clone()),
        unseen: None,
        unfit: None,
        filled: 1.0,
        shows: Vec::new(),
        receipt: None,
        trouble: (!committed).then_some(away),
    };
    Seat { turned: Some(Arc::new(turned)), ..Seat::default() }
}

fn told(answers: &Answers, seat: &Seat, now: Timestamp) -> Opinion {
    answers.tell(&name(), Some(seat), now)
}

#[track_caller]
fn size(opinion: &Opinion) -> u32 {
    match opinion {
        Opinion::Wants { size, .. } => size.get(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tells_what_was_decided() {
    let answers = Answers::default();
    let decision = decide(&briefing());
    assert_eq!(
        told(&answers, &seat(briefing(), true), now()),
        Opinion::Wants { size: decision.size, turn: 7 }
    );
    assert!(decision.size >= Size(10), "{decision:?}");
}

#[test] // B2, F21
fn moves_nothing_while_it_observes_or_is_halted() {
    let answers = Answers::default();
    let observing = seat(with(|_, workload| workload.mode = Mode::Observe), true);
    let Opinion::Observes { stands, why } = told(&answers, &observing, now()) else { panic!() };
    assert_eq!(stands, Some(Size(10)));
    assert!(why.contains("the mode is observe"), "{why}");
    let halt = Halt {
        span: Span::lasting(now(), minutes(60)),
        what: Halted::All,
        author: "mara".into(),
        reason: "incident".into(),
    };
    let halted = seat(with(|briefing, _| briefing.halts.push(halt)), true);
    let Opinion::Observes { why, .. } = told(&answers, &halted, now()) else { panic!() };
    assert!(why.contains("mara (incident)"), "{why}");
    let foreign = with(|briefing, _| briefing.sighting.as_mut().unwrap().foreign = Some("argo".into()));
    let Opinion::Observes { why, .. } = told(&answers, &seat(foreign, true), now()) else { panic!() };
    assert!(why.contains("argo"), "{why}");
}

#[test] // B3, F1
fn makes_no_guess_of_a_fleet_that_nobody_has_seen() {
    let check = |change: fn(&mut Briefing, &mut Workload), said: &str| {
        let seat = seat(with(change), true);
        let Opinion::None { why } = told(&Answers::default(), &seat, now()) else {
            panic!("{said}: {seat:?}")
        };
        assert!(why.contains(said), "{why}");
    };
    check(
        |briefing, _| (briefing.sighting, briefing.issued) = (None, None),
        "there is no forecast yet, and the fleet has not been seen",
    );
    check(
        |briefing, _| (briefing.sighting, briefing.evidence.readings) = (None, Vec::new()),
        "the fleet has not been seen, and",
    );
    let unseen = seat(with(|briefing, _| briefing.sighting = None), true);
    assert!(size(&told(&Answers::default(), &unseen, now())) >= 10, "with both it is no guess");
    assert_eq!(
        Answers::default().tell(&name(), None, now()),
        Opinion::None { why: "no turn has been had yet".into() }
    );
}

#[test] // F24
fn never_tells_an_older_turn_after_a_newer_one() {
    let answers = Answers::default();
    let newer = with(|briefing, _| {
        briefing.turn = 9;
        briefing.sighting = Some(Sighting::of(now(), Size(40), Size(40)));
    });
    let newer = told(&answers, &seat(newer, true), now());
    assert_eq!(told(&answers, &seat(briefing(), true), now()), newer);
}

#[test] // F32, B3
fn only_grows_on_what_is_not_in_the_ledger() {
    let answers = Answers::default();
    let before = size(&told(&answers, &seat(briefing(), true), now()));
    let shrinking = with(|briefing, _| {
        briefing.turn = 8;
        briefing.sighting = Some(Sighting::of(now(), Size(6), Size(6)));
        briefing.evidence.readings.clear();
        briefing.issued = None;
    });
    assert_eq!(decide(&shrinking).size, Size(6));
    assert_eq!(size(&told(&answers, &seat(shrinking.clone(), false), now())), before);
    let growing = with(|briefing, _| {
        briefing.turn = 8;
        briefing.sighting = Some(Sighting::of(now(), Size(30), Size(30)));
        briefing.evidence.readings.clear();
    });
    assert_eq!(size(&told(&answers, &seat(growing, false), now())), 30);
    assert_eq!(
        size(&told(&answers, &seat(with(|b, _| b.turn = 9), true), now())),
        before,
        "committed, it may shrink"
    );
}

#[test] // B3
fn follows_the_plan_up_when_turns_fail_to_come() {
    let answers = Answers::default();
    let seat = seat(briefing(), true);
    let at_nine = size(&told(&answers, &seat, now()));
    assert!(at_nine < 30);
    let at_ten = size(&told(&answers, &seat, now() + minutes(60)));
    assert!(at_ten >= 30, "the plan was made for that: {at_ten}");
    let beyond = size(&told(&answers, &seat, now() + minutes(60 * 24)));
    assert_eq!(beyond, at_nine, "beyond its end the plan says nothing");
}

#[test]
fn takes_what_was_told_for_what_is_ordered() {
    let answers = Arc::new(Answers::default());
    let hand = |seen| Asked::new("KEDA", name(), seen, answers.clone());
    let sight = |seen, at| hand(seen).sight(at).now_or_never().unwrap();
    let unasked = sight(Seen::AsTold, now()).unwrap_err();
    assert_eq!(unasked.to_string(), "KEDA has not asked yet");
    let size = Size(size(&told(&answers, &seat(briefing(), true), now())));
    assert_eq!(sight(Seen::AsTold, now() + minutes(1)), Ok(Some(Sighting::of(now(), size, size))));
    let unasked = sight(Seen::AsTold, now() + minutes(3)).unwrap_err();
    assert_eq!(unasked.to_string(), "KEDA has not asked since 2026-03-02T09:00:00Z");
    let shown = Sighting::of(now() + minutes(2), Size(4), Size(3));
    answers.see(&name(), shown.clone());
    assert_eq!(sight(Seen::AsShown, now() + minutes(3)), Ok(Some(shown)));
}

#[test] // F24, B2
fn says_what_the_next_question_carries_out() {
    let answers = Arc::new(Answers::default());
    let hand = Asked::new("KEDA", name(), Seen::AsTold, answers.clone());
    let carry = |briefing: &Briefing| hand.carry_out(&decide(briefing)).now_or_never().unwrap().unwrap();
    let growing = with(|briefing, _| briefing.sighting = Some(Sighting::of(now(), Size(5), Size(5))));
    let decision = decide(&growing);
    assert_eq!(
        carry(&growing).to_string(),
        format!("KEDA is told {} servers when it asks next", decision.size)
    );
    assert_eq!(hand.shows(&decision), [format!("KEDA is told {} servers", decision.size)]);
    let observing = with(|briefing, workload| {
        briefing.sighting = Some(Sighting::of(now(), Size(5), Size(5)));
        workload.mode = Mode::Observe;
    });
    assert_eq!(carry(&observing), Receipt::Shown);
    assert_eq!(hand.shows(&decide(&observing)).len(), 1, "what it would tell is shown");
    told(&answers, &seat(with(|briefing, _| briefing.turn = 9), true), now());
    assert_eq!(carry(&growing), Receipt::Overtaken { by: 9 });
}
