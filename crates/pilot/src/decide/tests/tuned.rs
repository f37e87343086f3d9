use super::*;

/// A briefing whose operator leaves the sizing to replay, which has chosen this nowcast; 130 come at most, it says.
fn tuned(change: impl FnOnce(&mut Briefing, &mut Workload)) -> Briefing {
    let way = Way { source: Source::Nowcast(0), level: 0.97, reactive: 0.0, hold_min: 0, lot: 0.0 };
    let outlook = Way { source: Source::Outlook, level: 0.98, reactive: 1.1, hold_min: 10, lot: 0.0 };
    with(|briefing, workload| {
        workload.service_level = Told::Learned;
        workload.reactive = Told::Learned;
        let chosen = Rated { way, served: 0.99954, cost: 10_000.0, ups: Some(60.0) };
        let since = now() - SignedDuration::from_hours(33);
        briefing.lessons.sizing = Some(Sizing {
            chosen,
            outlook: Rated { way: outlook, served: 0.9996, cost: 10_900.0, ups: Some(70.0) },
            since,
            days: 28,
        });
        let demand = Demand::new(130.0).unwrap();
        briefing.nowcast = Some(Nowcasted { at: now(), demand, stepped: None, way });
        change(briefing, workload);
    })
}

const SIZED: &str = "note sized since 2026-03-01 00:00 (UTC) by the nowcast at 0.97: of all ways it kept the promise at the \
                     least cost in replay, 99.95 % of what could be served on 28 days, the latest counting most; the forecast at \
                     0.98 above 1.1 times measured demand would have cost 9.0 % more";
const SAID: &str = "130 at most within 5m of 2026-03-02 09:00 (UTC), says the nowcast at 0.97; 10 a server";

#[test] // S7.2, B1
fn sizes_by_the_way_that_replay_has_chosen_and_says_why() {
    check(&tuned(|_, _| ()), 13, &["grow to 13 servers", SAID, SIZED]);
}

#[test] // S7.2, B1
fn steps_in_lots_as_was_rehearsed_and_says_so() {
    let in_lots = |stepped: u32, change: fn(&mut Briefing, &mut Workload)| {
        tuned(|b, w| {
            let nowcast = b.nowcast.as_mut().unwrap();
            (nowcast.stepped, nowcast.way.lot) = (Some(Size(stepped)), 0.06);
            b.lessons.sizing.as_mut().unwrap().chosen.way.lot = 0.06;
            change(b, w);
        })
    };
    let said = "130 at most within 5m of 2026-03-02 09:00 (UTC), says the nowcast at 0.97, in lots of 6 %; 10 a server";
    let decision = decide(&in_lots(16, |_, _| ()));
    let lot = format!("{said}, and 3 of a lot, for steps to be few");
    assert_eq!((decision.wanted, decision.because.to_string()), (Size(16), lot));
    // What was rehearsed knows nothing of a decree; the demand still finds its servers.
    let padded = |b: &mut Briefing, _: &mut Workload| {
        b.overrides = vec![decree("p", Change::PadServers(Size(4)), -5, 60)];
    };
    assert_eq!(decide(&in_lots(16, padded)).wanted, Size(17));
    let small = decide(&in_lots(9, |_, _| ()));
    assert_eq!((small.wanted, small.because.to_string()), (Size(13), said.to_owned()));
}

#[test] // S7.2
fn gives_the_operators_level_and_factor_the_last_word() {
    let level = tuned(|_, w| w.service_level = Told::Given(Level::new(0.9).unwrap()));
    let reactive = "100 measured at 2026-03-02 09:00 (UTC), times 1.10, 10 a server";
    check(&level, 11, &["grow to 11 servers", reactive]);
    let both = tuned(|b, w| {
        w.reactive = Told::Given(1.5);
        b.nowcast.as_mut().unwrap().demand = Demand::new(120.0).unwrap();
    });
    let measured = "100 measured at 2026-03-02 09:00 (UTC), times 1.50, 10 a server";
    check(&both, 15, &["grow to 15 servers", measured, SIZED]);
}

#[test] // B3, F1
fn falls_back_on_the_best_forecast_until_there_is_a_nowcast() {
    let decision = decide(&tuned(|b, _| b.nowcast = None));
    assert_eq!(
        decision.because.to_string(),
        "100 measured at 2026-03-02 09:00 (UTC), times 1.10, 10 a server"
    );
    let said = told(&decision).join("\n");
    assert!(said.contains("until there is a nowcast, the forecast at 0.98"), "{said}");
    let old = decide(&tuned(|b, _| b.nowcast.as_mut().unwrap().at = now() - minutes(4)));
    assert_eq!(old.because, decision.because, "a nowcast of four minutes ago is none");
    let other = decide(&tuned(|b, _| b.nowcast.as_mut().unwrap().way.level = 0.5));
    assert_eq!(other.because, decision.because, "nor is one of a way that is not followed any more");
}

#[test] // S12
fn serves_lasting_demand_whatever_the_nowcast_says() {
    let low = |b: &mut Briefing| b.nowcast.as_mut().unwrap().demand = Demand::new(60.0).unwrap();
    let burst = decide(&tuned(|b, _| {
        low(b);
        b.evidence = evidence([100.0, 100.0, 100.0, 180.0]);
    }));
    assert_eq!(burst.wanted, Size(10), "a minute's burst is the nowcast's to judge");
    let lasting = decide(&tuned(|b, _| {
        low(b);
        b.evidence = evidence([100.0, 180.0, 170.0, 180.0]);
    }));
    assert_eq!((lasting.wanted, lasting.because.code()), (Size(17), "measured"));
}

#[test] // A11
fn heeds_decrees_beside_a_nowcast() {
    let decreed = decide(&tuned(|b, _| {
        b.overrides = vec![decree("d", Change::Demand(Demand::new(50.0).unwrap()), -5, 60)]
    }));
    assert!(decreed.wanted <= Size(10) && decreed.because.code() != "nowcast", "{decreed:?}");
    let padded = decide(&tuned(|b, _| b.overrides = vec![decree("p", Change::PadServers(Size(4)), -5, 60)]));
    assert_eq!(padded.wanted, Size(17));
    let capped = decide(&tuned(|b, _| b.overrides = vec![decree("c", Change::Ceiling(Size(11)), -5, 60)]));
    assert_eq!((capped.wanted, capped.limits[0].code()), (Size(11), "ceiling"));
}

#[test] // B3
fn is_as_cautious_as_at_the_beginning_while_nothing_is_measured() {
    let blind = decide(&tuned(|b, _| {
        b.evidence.readings.retain(|reading| reading.at < now() - minutes(5));
        b.issued = wide();
    }));
    assert_eq!((blind.wanted, blind.because.code()), (Size(15), "forecast"), "{:?}", blind.because);
    assert!(blind.notes.iter().all(|note| note.code() != "sized"), "{:?}", blind.notes);
}

#[test] // A1
fn is_as_cautious_as_at_the_beginning_while_demand_has_fallen_as_in_an_outage() {
    let fallen = decide(&tuned(|b, _| {
        b.evidence = evidence([100.0, 100.0, 100.0, 10.0]);
        b.nowcast.as_mut().unwrap().demand = Demand::new(20.0).unwrap();
        b.issued = wide();
    }));
    assert!(fallen.notes.iter().any(|note| note.code() == "dip"), "{:?}", fallen.notes);
    assert_eq!((fallen.wanted, fallen.because.code()), (Size(15), "forecast"), "{:?}", fallen.because);
    let before = decide(&tuned(|b, _| b.issued = wide()));
    assert_eq!((before.wanted, before.because.code()), (Size(13), "nowcast"));
}

/// A forecast of 100 that may be half as much again.
fn wide() -> Option<Arc<Issued>> {
    let grid = Grid::new(now() - minutes(10), 300, 26);
    let fan =
        Fan::new(100.0, tidecast_forecast::LEVELS.map(|level| if level < 0.99 { 100.0 } else { 150.0 }));
    let forecast = Forecast::new(grid, vec![fan; 26], "test");
    Some(Arc::new(Issued { at: now(), forecast }))
}
