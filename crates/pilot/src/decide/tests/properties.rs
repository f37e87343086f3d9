use jiff::tz::TimeZone;
use proptest::prelude::*;
use tidecast_forecast::LEVELS;

use super::*;

prop_compose! {
    fn any_override()(
        kind in 0usize..7,
        value in 1u32..60,
        from in -60i64..90,
        long in 1i64..90,
        id in "[a-c]",
    ) -> Override {
        let change = match kind {
            0 => Change::Floor(Size(value)),
            1 => Change::Ceiling(Size(value)),
            2 => Change::Fixed(Size(value)),
            3 => Change::PadPercent(f64::from(value)),
            4 => Change::PadServers(Size(value / 8)),
            5 => Change::Demand(Demand::new(f64::from(value) * 9.0).unwrap()),
            _ => Change::Throughput(Throughput::new(f64::from(value) / 3.0).unwrap()),
        };
        decree(&id, change, from, long)
    }
}

prop_compose! {
    fn any_briefing()(
        demand in proptest::collection::vec(0.0f64..700.0, 1..24),
        measured in proptest::collection::vec((0.0f64..700.0, prop_oneof![4 => Just(1.0), 1 => Just(0.4)]), 0..20),
        ordered in proptest::option::weighted(0.9, 0u32..70),
        overrides in proptest::collection::vec(any_override(), 0..4),
        costs in (0.0f64..60.0, 0.0f64..20.0, 0.0f64..10.0),
        limits in (proptest::option::of(1u32..9), proptest::option::of(1u32..9), 0i64..30),
        seen in (any::<bool>(), 0i64..120),
        shape in (0u32..6, 6u32..60),
    ) -> Briefing {
        with(|b, w| {
            let fans = |value: &f64| Fan::new(*value, LEVELS.map(|level| value * (0.6 + level)));
            let grid = Grid::new(now(), 300, demand.len());
            let forecast = Forecast::new(grid, demand.iter().map(fans).collect(), "test");
            b.issued = Some(Arc::new(Issued { at: now() - minutes(seen.1), forecast }));
            b.evidence = evidence(measured.iter().map(|(demand, _)| *demand));
            b.evidence.readings.iter_mut().zip(&measured).for_each(|(r, (_, coverage))| r.coverage = *coverage);
            b.sighting = ordered.map(|ordered| Sighting::of(now(), Size(ordered), Size(ordered)));
            // A store gives each id once.
            b.overrides = overrides;
            b.overrides.iter_mut().enumerate().for_each(|(i, decree)| decree.id.push_str(&i.to_string()));
            w.bounds = Bounds::new(shape.0, shape.1).unwrap();
            w.costs.scale_up = Told::Given(costs.0);
            w.costs.scale_down = costs.1;
            w.costs.change_of_plan = Told::Given(costs.2);
            w.batch.max = limits.0.map(Size);
            w.ramp.up = limits.1.map(|servers| crate::Rate { servers: Size(servers), per: minutes(5) });
            w.dwell = minutes(limits.2);
            w.zone = if seen.0 { TimeZone::UTC } else { TimeZone::get("Asia/Kathmandu").unwrap() };
        })
    }
}

proptest! {
    #[test] // I14: recorded, a briefing is a test case
    fn decides_the_same_of_a_recorded_briefing(briefing in any_briefing()) {
        let recorded = serde_json::to_string(&briefing).unwrap();
        let replayed: Briefing = serde_json::from_str(&recorded).unwrap();
        prop_assert_eq!(decide(&replayed), decide(&briefing));
    }

    #[test]
    fn does_nothing_more_when_it_decides_again(briefing in any_briefing()) {
        let mut briefing = briefing;
        // A ramp, a batch and a pace go on where they left off; without them one turn arrives.
        let mut workload = (*briefing.workload).clone();
        (workload.batch.max, workload.ramp.up) = (None, None);
        briefing.workload = Arc::new(workload);
        let first = decide(&briefing);
        let paced = first.limits.iter().any(|limit| limit.code() == "pace");
        let size = first.size;
        let again = decide(&next(&briefing, first));
        prop_assert!(again.size == size || (paced && again.size < size));
        prop_assert!(again.commands.is_empty() || briefing.sighting.is_none() || paced, "{:?}", told(&again));
    }

    #[test] // I3
    fn stays_within_bounds(briefing in any_briefing()) {
        let decision = decide(&briefing);
        let bounds = briefing.workload.bounds;
        prop_assert!(bounds.hold(decision.wanted));
        prop_assert_eq!(flaws(&decision.plan, &briefing.workload), vec![]);
        let stood = briefing.sighting.as_ref().map_or(decision.size, |s| s.ordered);
        prop_assert!(bounds.hold(decision.size) || decision.size <= stood, "{} of {stood}", decision.size);
        for command in &decision.commands {
            if let Command::Grow { to } = command {
                prop_assert!(*to <= bounds.max());
            }
        }
    }

    #[test]
    fn does_not_care_in_which_order_overrides_come(briefing in any_briefing(), turn in 0usize..4) {
        let mut other = briefing.clone();
        if !other.overrides.is_empty() {
            let by = turn % other.overrides.len();
            other.overrides.rotate_left(by);
            other.overrides.reverse();
        }
        prop_assert_eq!(decide(&other), decide(&briefing));
    }

    #[test]
    fn wants_no_fewer_servers_for_more_demand(briefing in any_briefing(), factor in 1.0f64..3.0) {
        // Where nothing but server time costs and nothing limits a change, a plan is its floors.
        let mut less = briefing;
        let mut workload = (*less.workload).clone();
        (workload.costs.scale_up, workload.costs.scale_down) = (Told::Given(0.0), 0.0);
        workload.costs.change_of_plan = Told::Given(0.0);
        (workload.batch.max, workload.ramp.up, workload.dwell) = (None, None, SignedDuration::ZERO);
        less.workload = Arc::new(workload);
        let mut more = less.clone();
        more.evidence.readings.iter_mut().for_each(|r| r.demand = r.demand * factor);
        let issued = (**less.issued.as_ref().unwrap()).clone();
        let fans = issued.forecast.fans().iter().map(|f| Fan::new(f.point * factor, f.quantiles().map(|q| q * factor)));
        let forecast = Forecast::new(issued.forecast.grid(), fans.collect(), "test");
        more.issued = Some(Arc::new(Issued { at: issued.at, forecast }));
        prop_assert!(decide(&less).wanted <= decide(&more).wanted);
    }

    #[test] // I1, B3
    fn takes_nothing_away_without_complete_evidence(briefing in any_briefing()) {
        let decision = decide(&briefing);
        let quality = briefing.evidence.quality(now(), briefing.workload.hold);
        if let Some(sighting) = &briefing.sighting && !quality.is_complete() {
            prop_assert!(decision.size >= sighting.ordered);
        }
    }

    #[test] // B1
    fn says_why_in_words_and_codes(briefing in any_briefing()) {
        let decision = decide(&briefing);
        prop_assert!(told(&decision).iter().all(|sentence| sentence.len() > 10));
        if decision.size != decision.wanted {
            prop_assert!(!decision.limits.is_empty(), "{} of {}", decision.size, decision.wanted);
        }
        for step in &decision.plan.steps {
            prop_assert!(!step.because.code().is_empty());
        }
    }
}
