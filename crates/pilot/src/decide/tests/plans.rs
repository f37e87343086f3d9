use super::*;

/// The turn five minutes later, with a newer forecast of these demands.
fn five_minutes_later(briefing: &Briefing, demand: &[f64]) -> Briefing {
    let mut later = next(briefing, decide(briefing));
    later.now += minutes(5);
    later.evidence.readings.iter_mut().for_each(|reading| reading.at += minutes(5));
    let mut issued = (*issued(demand).unwrap()).clone();
    issued.at = later.now;
    later.issued = Some(Arc::new(issued));
    later
}

/// What is planned at each five minutes from ten minutes past nine on.
fn planned(decision: &Decision) -> Vec<u32> {
    let at = |step: i64| decision.plan.at(now() + minutes(10 + 5 * step)).expect("a plan for two hours");
    (0..18).map(|step| at(step).size.get()).collect()
}

#[test] // S5.2, F15
fn leaves_the_plan_in_peace_while_a_newer_forecast_hardly_differs() {
    let rush = [100.0, 100.0, 100.0, 100.0, 200.0, 200.0, 200.0, 200.0, 200.0, 100.0];
    let costly = with(|b, w| {
        b.issued = issued(&rush);
        w.costs.scale_up = Told::Given(60.0);
        w.costs.change_of_plan = Told::Given(60.0);
    });
    let first = decide(&costly);
    let less = rush.map(|demand| 0.94 * demand);
    let same = decide(&five_minutes_later(&costly, &less));
    assert_eq!(planned(&same), planned(&first), "six percent less saves less than a change costs");
    let anew = with(|b, w| {
        b.issued = issued(&less);
        w.costs.scale_up = Told::Given(60.0);
    });
    assert_ne!(planned(&decide(&anew)), planned(&first), "without a plan in force it is planned otherwise");
    let more = decide(&five_minutes_later(&costly, &rush.map(|demand| 1.06 * demand)));
    assert_eq!(planned(&more)[2], 22, "what it does not cover is planned for at once");
    let none = decide(&five_minutes_later(&costly, &[50.0]));
    assert!(planned(&none)[2] < 20, "a rush that does not come is not waited for");
}

#[test] // S5.2
fn counts_the_price_of_a_scale_up_beside_a_level_that_was_given_too() {
    let rushes =
        [100.0, 100.0, 100.0, 100.0, 200.0, 200.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 200.0, 200.0];
    let ups = |cost: f64| {
        let briefing = with(|b, w| {
            b.issued = issued(&rushes);
            assert!(matches!(w.service_level, Told::Given(_)));
            w.costs.scale_up = Told::Given(cost);
        });
        decide(&briefing).plan.scale_ups(Size(10))
    };
    assert!(ups(5_000.0) < ups(0.0), "{} and {}", ups(5_000.0), ups(0.0));
}

#[test] // F15
fn changes_a_step_that_is_far_off_only_for_more_than_the_forecast_is_unsure_of() {
    let unsure = |rush: f64, at: i64| {
        let fan = |k: usize| {
            let demand = if k < 8 { 100.0 } else { rush };
            Fan::new(demand, tidecast_forecast::LEVELS.map(|level| demand * (0.8 + 0.25 * level)))
        };
        let forecast = Forecast::new(Grid::new(now(), 300, 24), (0..24).map(fan).collect(), "test");
        Some(Arc::new(Issued { at: now() + minutes(at), forecast }))
    };
    // 199.9 at the level of 0.9: twenty servers.
    let mut briefing = with(|b, _| b.issued = unsure(195.0, 0));
    let at_forty = |decision: &Decision| decision.plan.at(now() + minutes(40)).unwrap().clone();
    let first = decide(&briefing);
    assert_eq!(at_forty(&first).size, Size(20));
    // 205 at that level are twenty-one, but twenty are enough at 0.64: that far off, the plan stays as it is.
    let mut sizes = vec![];
    let mut last = first;
    for minute in [5, 10, 15, 20, 25, 30] {
        briefing = next(&briefing, last);
        briefing.now = now() + minutes(minute);
        briefing.issued = unsure(200.0, minute);
        last = decide(&briefing);
        sizes.push(at_forty(&last).size.get());
        if minute == 5 {
            assert!(at_forty(&last).limits.contains(&Limit::Steady), "{:?}", at_forty(&last));
            assert!(last.notes.iter().all(|note| note.code() != "short"), "{:?}", last.notes);
        }
    }
    assert_eq!(sizes, [20, 20, 20, 20, 20, 21], "what is carried out has what is needed");
    // More than that is planned for at once.
    let mut briefing =
        next(&with(|b, _| b.issued = unsure(195.0, 0)), decide(&with(|b, _| b.issued = unsure(195.0, 0))));
    briefing.now = now() + minutes(5);
    briefing.issued = unsure(220.0, 5);
    assert_eq!(at_forty(&decide(&briefing)).size, Size(23));
}
