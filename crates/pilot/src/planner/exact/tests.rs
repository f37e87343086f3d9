use proptest::prelude::*;

use super::*;

/// What a plan costs by the definition, written without any of the solver's shortcuts; none if a rule forbids it.
fn price(problem: &Problem<'_>, rules: &Rules, sizes: &[u32]) -> Option<f64> {
    let mut total = 0.0;
    let mut changed: Option<usize> = None;
    let mut before = problem.standing;
    for (step, size) in sizes.iter().copied().enumerate() {
        let planned = problem.in_force.get(step).copied().flatten();
        if size != before {
            let bound = changed.is_some_and(|at| step < at + rules.dwell.max(1));
            if bound || step < rules.frozen || !allowed(rules, step, before, size) {
                return None;
            }
            changed = Some(step);
            total += if size > before {
                rules.up_cost * rules.preferred.map_or(1.0, |p| f64::from((size - before).div_ceil(p)))
            } else {
                rules.down_cost
            };
            total += if planned == Some(size) { 0.0 } else { rules.change_cost };
        } else if planned.is_some_and(|to| to != size) {
            total += rules.change_cost;
        }
        let cap = problem.caps.get(step).copied().unwrap_or(u32::MAX);
        total += f64::from(size)
            + 1e9 * f64::from(problem.floors[step].saturating_sub(size))
            + 1e5 * f64::from(size.saturating_sub(cap));
        before = size;
    }
    Some(total)
}

fn allowed(rules: &Rules, step: usize, from: u32, to: u32) -> bool {
    let absolute = rules.first + step as i64;
    if to > from {
        absolute.rem_euclid(rules.up_every as i64) == 0 && rules.up_max.is_none_or(|max| to - from <= max)
    } else {
        absolute.rem_euclid(rules.down_every as i64) == 0
            && rules.down_max.is_none_or(|max| from - to <= max.of(from))
    }
}

/// The least price of all plans there are.
fn exhaustively(problem: &Problem<'_>, rules: &Rules, top: u32) -> f64 {
    let steps = problem.floors.len();
    let count = (top as usize + 1).pow(steps as u32);
    let plan = |code: usize| -> Vec<u32> {
        let base = top as usize + 1;
        (0..steps).map(|step| (code / base.pow(step as u32) % base) as u32).collect()
    };
    (0..count).filter_map(|code| price(problem, rules, &plan(code))).fold(f64::INFINITY, f64::min)
}

/// Lot sizing, written differently: between two scale-ups the plan is the suffix maximum of the need.
fn lot_sizing(need: &[u32], standing: u32, up_cost: f64) -> (Vec<u32>, f64) {
    let mut best = vec![(0.0, 0, standing)];
    for j in 1..=need.len() {
        let (mut most, mut area) = (0, 0.0);
        let mut cheapest = (f64::INFINITY, 0, need[j - 1]);
        for i in (0..j).rev() {
            most = most.max(need[i]);
            area += f64::from(most);
            let cost = best[i].0 + area + if most > best[i].2 { up_cost } else { 0.0 };
            if cost < cheapest.0 {
                cheapest = (cost, i, need[j - 1]);
            }
        }
        best.push(cheapest);
    }
    let mut sizes = vec![0; need.len()];
    let mut until = need.len();
    while until > 0 {
        let (from, mut most) = (best[until].1, 0);
        for step in (from..until).rev() {
            most = most.max(need[step]);
            sizes[step] = most;
        }
        until = from;
    }
    (sizes, best[need.len()].0)
}

prop_compose! {
    fn any_rules()(
        costs in (0.0f64..4.0, 0.0f64..2.0, prop_oneof![Just(0.0), 0.0f64..2.0]),
        limits in (proptest::option::of(1u32..4), proptest::option::of(1u32..5)),
        down in proptest::option::of((10.0f64..100.0, proptest::option::of(1u32..4))),
        every in (1usize..4, 1usize..4, -3i64..9),
        dwell in 1usize..5,
        frozen in 0usize..3,
    ) -> Rules {
        Rules {
            up_cost: costs.0,
            down_cost: costs.1,
            change_cost: costs.2,
            preferred: limits.0,
            up_max: limits.1,
            down_max: down.map(|(percent, servers)| DownMax { percent, servers }),
            up_every: every.0,
            down_every: every.1,
            first: every.2,
            dwell,
            frozen,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test] // S5.1, S5.2
    fn costs_no_more_than_the_best_of_all_plans(
        rules in any_rules(),
        floors in proptest::collection::vec(0u32..5, 1..7),
        above in proptest::collection::vec(0u32..3, 7),
        capped in any::<bool>(),
        standing in 0u32..5,
        in_force in proptest::collection::vec(proptest::option::weighted(0.3, 0u32..5), 7),
    ) {
        let caps: Vec<u32> = floors.iter().zip(above).map(|(floor, more)| floor + more).collect();
        let problem = Problem {
            floors: &floors,
            caps: if capped { &caps } else { &[] },
            standing,
            in_force: if rules.change_cost > 0.0 { &in_force[..floors.len()] } else { &[] },
        };
        let found = solve(&problem, &rules);
        prop_assert_eq!(found.quantum, 1);
        let paid = price(&problem, &rules, &found.sizes);
        let best = exhaustively(&problem, &rules, 4);
        prop_assert!(paid.is_some_and(|paid| paid <= best + 1e-6 + 1e-12 * best), "{found:?} costs {paid:?}, the best {best}");
    }

    #[test] // S5.2
    fn equals_lot_sizing_where_nothing_but_scaling_up_costs(
        need in proptest::collection::vec(0u32..40, 1..120),
        standing in 0u32..40,
        up_cost in prop_oneof![Just(0.0), 0.0f64..60.0],
    ) {
        let problem = Problem { floors: &need, caps: &[], standing, in_force: &[] };
        let rules = Rules::free(up_cost);
        let found = solve(&problem, &rules);
        let (other, best) = lot_sizing(&need, standing, up_cost);
        let paid = price(&problem, &rules, &found.sizes).expect("nothing is forbidden");
        prop_assert!((paid - best).abs() < 1e-6, "{paid} and {best}: {:?} and {other:?}", found.sizes);
        prop_assert!(found.sizes.iter().zip(&need).all(|(size, need)| size >= need));
    }

    #[test]
    fn more_need_never_costs_less(
        rules in any_rules(),
        floors in proptest::collection::vec((0u32..30, 0u32..5), 1..60),
        standing in 0u32..30,
    ) {
        let less: Vec<u32> = floors.iter().map(|(floor, _)| *floor).collect();
        let more: Vec<u32> = floors.iter().map(|(floor, add)| floor + add).collect();
        let cost = |floors: &[u32]| {
            let problem = Problem { floors, caps: &[], standing, in_force: &[] };
            price(&problem, &rules, &solve(&problem, &rules).sizes).expect("a solution obeys its rules")
        };
        prop_assert!(cost(&less) <= cost(&more) + 1e-6 * cost(&more));
    }

    #[test]
    fn follows_the_plan_in_force_where_a_change_saves_too_little(
        need in proptest::collection::vec(0u32..40, 2..100),
        standing in 0u32..40,
    ) {
        let rules = Rules { change_cost: 3.0, ..Rules::free(10.0) };
        let problem = Problem { floors: &need, caps: &[], standing, in_force: &[] };
        let first = solve(&problem, &rules).sizes;
        let before = std::iter::once(&standing).chain(&first);
        let steps: Vec<_> = before.zip(&first).map(|(before, size)| (before != size).then_some(*size)).collect();
        let again = solve(&Problem { in_force: &steps, ..problem }, &rules).sizes;
        prop_assert_eq!(first, again);
    }
}

#[test]
fn gives_the_least_short_plan_where_the_ramp_is_too_slow() {
    let problem = Problem { floors: &[0, 0, 10, 10, 0], caps: &[], standing: 0, in_force: &[] };
    let rules = Rules { up_max: Some(2), ..Rules::free(1.0) };
    assert_eq!(solve(&problem, &rules).sizes, [2, 4, 6, 8, 0]);
}

#[test]
fn walks_a_very_wide_range_in_steps_of_several_servers() {
    let floors: Vec<u32> = (0..50).map(|k| 1_000 + 90_000 * (k % 7)).collect();
    let problem = Problem { floors: &floors, caps: &[], standing: 5_000, in_force: &[] };
    let rules = Rules { up_max: Some(200_000), ..Rules::free(10.0) };
    let found = solve(&problem, &rules);
    assert_eq!(found.quantum, 264);
    assert!(found.sizes.iter().zip(&floors).all(|(size, floor)| size >= floor));
    assert!(found.sizes.iter().all(|size| *size <= 541_000));
}

#[test]
fn fills_batches_of_the_preferred_size() {
    let floors = [1, 3, 5, 7, 9, 9, 9, 9];
    let problem = Problem { floors: &floors, caps: &[], standing: 1, in_force: &[] };
    let rules = Rules { preferred: Some(4), ..Rules::free(5.0) };
    assert_eq!(solve(&problem, &rules).sizes, [1, 5, 5, 9, 9, 9, 9, 9]);
}
