//! The rivals land where their published definitions land, trace by trace.

mod common;

use std::collections::BTreeMap;

use tidecast_world::{Policy, Setup, Stage};

/// Relative cost, and percentage points of violated requests, within which a rival is the one that was published.
const COST: f64 = 0.01;
const VIOLATED: f64 = 0.02;

#[test] // B2
fn rivals_land_on_their_reference_figures() {
    let Some(folder) = common::minutes() else { return };
    let mut cases: BTreeMap<&str, Vec<(usize, Policy, f64, f64)>> = BTreeMap::new();
    for row in include_str!("reference.csv").lines().skip(1) {
        let cells: Vec<_> = row.split(',').collect();
        let number = |i: usize| cells[i].parse::<f64>().expect("a number");
        let policy = cells[2].parse().expect("a policy");
        cases.entry(cells[0]).or_default().push((number(1) as usize, policy, number(3), number(4)));
    }
    let mut off = Vec::new();
    for (name, rows) in cases {
        let trace = common::trace(&folder, name);
        let stage = Stage::new(&trace);
        for (start_min, policy, violated, cost) in rows {
            let card = stage.play(policy, &Setup::usual(&trace, start_min)).scorecard;
            let points = 100.0 * card.violated_requests - violated;
            let share = card.cost / cost - 1.0;
            if points.abs() > VIOLATED || share.abs() > COST {
                off.push(format!(
                    "{name} {start_min} min {policy}: {:.3} % / {:.3} instead of {violated} % / {cost}",
                    100.0 * card.violated_requests,
                    card.cost
                ));
            }
        }
    }
    assert!(off.is_empty(), "{}", off.join("\n"));
}
