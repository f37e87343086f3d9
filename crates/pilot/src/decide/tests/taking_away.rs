use super::*;

fn too_many(change: impl FnOnce(&mut Briefing, &mut Workload)) -> Briefing {
    with(|b, w| {
        b.sighting = Some(Sighting::of(now(), Size(30), Size(30)));
        change(b, w);
    })
}

#[test] // S12
fn takes_away_what_measurement_and_forecast_agree_upon_at_a_pace() {
    let decision = decide(&too_many(|_, _| ()));
    assert_eq!(decision.commands, [Command::Shrink { to: Size(27) }]);
    assert_eq!(decision.moves, [Move { at: now(), from: Size(30), to: Size(27) }]);
}

#[test] // B3, A17
fn takes_nothing_away_when_half_of_the_targets_vanish() {
    let half = too_many(|b, _| {
        b.evidence = evidence((0..30).map(|minute| if minute < 8 { 300.0 } else { 150.0 }));
        b.evidence.readings[8..].iter_mut().for_each(|reading| reading.coverage = 0.5);
    });
    let decision = decide(&half);
    assert_eq!((decision.size, decision.commands.len()), (Size(30), 0));
    assert_eq!(
        decision.limits.last().unwrap().to_string(),
        "nothing is taken away: only 50 % of the expected samples were there at 2026-03-02T09:00:00Z, which looks like lost scrapes, not lost load"
    );
}

#[test] // B3
fn never_lowers_a_size_because_something_is_unknown() {
    let blind: [fn(&mut Briefing); 5] = [
        |b| b.evidence.readings.clear(),
        |b| b.evidence.readings.truncate(5),
        |b| b.issued = None,
        |b| b.sighting.as_mut().unwrap().complete = false,
        |b| b.issued = issued(&[0.0]).map(|i| Arc::new(Issued { at: now() - minutes(61), ..(*i).clone() })),
    ];
    for (case, blind) in blind.into_iter().enumerate() {
        let decision = decide(&too_many(|b, _| blind(b)));
        assert_eq!((decision.size, decision.commands.len()), (Size(30), 0), "case {case}");
        assert!(!decision.limits.is_empty() || decision.because == Reason::Standing, "case {case} says why");
    }
}

#[test] // B3
fn scales_out_from_the_stored_forecast_while_nothing_is_measured() {
    let blind = with(|b, _| {
        b.evidence.readings.clear();
        b.issued = issued(&[100.0, 250.0]);
        b.now = now() + minutes(10);
    });
    let decision = decide(&blind);
    assert_eq!(decision.commands, [Command::Grow { to: Size(25) }]);
    assert_eq!(
        decision.notes[1].to_string(),
        "nothing was measured, and unknown is not zero; the forecast keeps the fleet up"
    );
}

#[test]
fn never_shrinks_a_fleet_that_it_cannot_see() {
    let unseen = with(|b, _| b.sighting = None);
    let first = decide(&unseen);
    assert_eq!(first.commands, [Command::Grow { to: Size(10) }]);
    let later = with(|b, _| {
        b.sighting = None;
        b.issued = issued(&[20.0]);
        b.evidence = evidence([20.0; 15]);
        b.last = Some(Arc::new(first));
    });
    let decision = decide(&later);
    assert_eq!((decision.size, &decision.commands[..]), (Size(10), &[Command::Grow { to: Size(10) }][..]));
}

#[test] // B2
fn only_observes_by_default() {
    let observing = with(|b, w| {
        b.issued = issued(&[150.0]);
        w.mode = Mode::Observe;
    });
    let decision = decide(&observing);
    assert_eq!(decision.withheld, [Command::Grow { to: Size(15) }]);
    assert_eq!((decision.commands.len(), decision.moves.len()), (0, 0));
}

#[test]
fn stops_for_halts_for_others_at_the_wheel_and_for_its_mode() {
    let halt = |what| Halt {
        span: Span::lasting(now() - minutes(1), minutes(5)),
        what,
        author: "mara".into(),
        reason: "incident 7".into(),
    };
    let frozen = decide(&with(|b, _| {
        b.issued = issued(&[150.0]);
        b.halts.push(halt(Halted::All));
    }));
    assert_eq!(frozen.commands, []);
    assert_eq!(
        frozen.limits[0].to_string(),
        "nothing is carried out until 2026-03-02 09:04 (UTC): halted by mara (incident 7)"
    );
    let paused = decide(&too_many(|b, _| b.halts.push(halt(Halted::ScaleIn))));
    assert_eq!((paused.size, paused.limits.last().unwrap().code()), (Size(30), "halted"));
    let only_out = decide(&too_many(|_, w| w.mode = Mode::ScaleOutOnly));
    assert_eq!((only_out.size, only_out.limits.last().unwrap().code()), (Size(30), "mode"));
    let foreign = decide(&too_many(|b, _| b.sighting.as_mut().unwrap().foreign = Some("argocd".into())));
    assert_eq!(foreign.commands, []);
    assert_eq!(
        foreign.limits.last().unwrap().to_string(),
        "nothing is carried out: argocd changes the size too"
    );
}

#[test] // I4 of the safety rules, A9
fn spends_its_budget_only_once_in_its_time_whatever_happens_between() {
    let mut briefing = too_many(|_, _| ());
    let mut size = Size(30);
    let mut taken = Vec::new();
    for turn in 0..40 {
        let mut next = calm();
        next.now = now() + SignedDuration::from_secs(30 * turn);
        next.evidence = evidence([100.0; 40]);
        next.evidence
            .readings
            .iter_mut()
            .for_each(|reading| reading.at += SignedDuration::from_secs(30 * turn));
        next.sighting = Some(Sighting::of(next.now, size, size));
        // A restart: all that is left of the turn before is what the ledger wrote down.
        let json = serde_json::to_string(&briefing.last).unwrap();
        next.last = serde_json::from_str(&json).unwrap();
        let decision = decide(&next);
        taken.push(size.get() - decision.size.get());
        size = decision.size;
        next.last = Some(Arc::new(decision));
        briefing = next;
    }
    let moves: Vec<_> = taken.iter().enumerate().filter(|(_, n)| **n > 0).collect();
    assert_eq!(moves, [(0, &3), (20, &2)]);
}
