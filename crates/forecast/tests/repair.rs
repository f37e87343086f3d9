//! What is not a history's usual course is found, named, and not learned from; what recurs stays.
#![allow(clippy::unwrap_used, reason = "this is test code, also outside of the test functions")]

mod common;

use proptest::prelude::*;
use tidecast_forecast::{Finding, FindingKind, Grid, Lookout, Series, readiness, repair};

const DAY: usize = 288;
const WEEK: usize = 7 * DAY;

/// A week's course with noise that only looks like chance: a tenth of the demand.
fn demand(i: usize) -> f64 {
    let noise = 1.0 + 0.2 * (((i * 7919 + i * i * 31) % 101) as f64 / 101.0 - 0.5);
    let day = 1.3 + (i as f64 / DAY as f64 * std::f64::consts::TAU).sin();
    100.0 * day * noise * if i / DAY % 7 > 4 { 0.6 } else { 1.0 }
}

fn five_minutes(days: usize, value: impl Fn(usize) -> f64) -> Series {
    let start = "2026-03-02T00:00:00Z".parse().unwrap(); // a Monday
    Series::new(Grid::new(start, 300, days * DAY), (0..days * DAY).map(value).collect())
}

/// Repairs, and says what was found without the gaps; checks that exactly these points were made unknown.
#[track_caller]
fn check(series: &Series, left_out: std::ops::Range<usize>) -> Vec<Finding> {
    let repaired = repair(series);
    let findings: Vec<Finding> =
        repaired.findings.into_iter().filter(|finding| finding.kind != FindingKind::Gap).collect();
    let known = |i: usize| repaired.series.values()[i].is_finite();
    let out: Vec<usize> =
        (0..series.len()).filter(|i| !known(*i) && series.values()[*i].is_finite()).collect();
    assert_eq!(out, left_out.collect::<Vec<_>>(), "{findings:?}");
    findings
}

#[test] // A1, S4.3
fn leaves_out_an_outage_and_the_storm_after_it() {
    let (outage, storm) = (20 * DAY + 100..20 * DAY + 104, 20 * DAY + 104..20 * DAY + 108);
    let series = five_minutes(28, |i| match i {
        i if outage.contains(&i) => 0.0,
        i if storm.contains(&i) => 2.5 * demand(i),
        _ => demand(i),
    });
    let findings = check(&series, outage.start..storm.end);
    let says: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert_eq!(
        says[0],
        "outage from 2026-03-22T08:20:00Z for 20m: 0 % of what was to be expected; not learned from"
    );
    assert!(says[1].starts_with("spike from 2026-03-22T08:40:00Z for 20m: 2."), "{says:?}");
}

#[test] // A2
fn leaves_out_one_abnormal_wednesday_and_keeps_the_thursday() {
    let wednesday = 23 * DAY..24 * DAY;
    let series = five_minutes(28, |i| if wednesday.contains(&i) { 1.7 * demand(i) } else { demand(i) });
    let repaired = repair(&series);
    let known = |day: usize| {
        (day * DAY..(day + 1) * DAY).filter(|i| repaired.series.values()[*i].is_finite()).count()
    };
    assert!(known(23) < DAY / 20, "{} of Wednesday's points are left", known(23));
    assert!(known(22) > DAY * 9 / 10 && known(24) > DAY * 9 / 10, "{} and {}", known(22), known(24));
    let unusual: Vec<&Finding> =
        repaired.findings.iter().filter(|f| f.kind == FindingKind::Unusual).collect();
    assert!(unusual.len() == 1 && (1.6..1.8).contains(&unusual[0].ratio), "{unusual:?}");
}

#[test] // A2
fn leaves_out_an_abnormal_day_while_it_is_the_newest() {
    let series = five_minutes(28, |i| if i >= 27 * DAY + DAY / 2 { 0.3 * demand(i) } else { demand(i) });
    let left = repair(&series).series;
    let known = left.values()[27 * DAY + DAY / 2..].iter().filter(|v| v.is_finite()).count();
    assert!(known < DAY / 20, "{known}");
}

#[test] // A3
fn names_gaps_and_invents_nothing() {
    let hole = 4000..4024;
    let series = five_minutes(14, |i| if i % 20 == 3 || hole.contains(&i) { f64::NAN } else { demand(i) });
    let repaired = repair(&series);
    let says: Vec<String> = repaired.findings.iter().map(Finding::to_string).collect();
    assert_eq!(
        says,
        [
            "200 points missing and left unknown, 5m of them at a stretch from 2026-03-02T00:15:00Z on",
            "24 points missing and left unknown, 2h of them at a stretch from 2026-03-15T21:20:00Z on",
        ]
    );
    assert_eq!(repaired.series.values().iter().filter(|v| v.is_finite()).count(), series.measured());
    assert!(readiness(&series).is_ready());
}

#[test] // S4.4, S4.5
fn keeps_bursts_that_recur_even_when_they_are_not_punctual() {
    let burst = |i: usize| i % 36 == (i / 500) % 4;
    check(&five_minutes(28, |i| if burst(i) { 4.0 * demand(i) } else { demand(i) }), 0..0);
    let weekly = |i: usize| i % WEEK == 900 + i / WEEK * 5;
    check(&five_minutes(42, |i| if weekly(i) { 4.0 * demand(i) } else { demand(i) }), 0..0);
}

#[test] // S4.5
fn leaves_out_a_spike_among_bursts() {
    let burst = |i: usize| i % 36 == (i / 500) % 4;
    let series = five_minutes(28, |i| match i {
        5555 => 30.0 * demand(i),
        i if burst(i) => 4.0 * demand(i),
        _ => demand(i),
    });
    assert_eq!(check(&series, 5555..5556)[0].kind, FindingKind::Spike);
}

#[test] // S8
fn tells_a_level_shift_from_when_on_history_counts_and_leaves_it_in_place() {
    let series = five_minutes(35, |i| if i >= 20 * DAY + 96 { 1.7 * demand(i) } else { demand(i) });
    let findings = check(&series, 0..0);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!((findings[0].ratio - 1.7).abs() < 0.1, "{findings:?}");
    let from = repair(&series).counts_from().unwrap();
    assert!((from.as_second() - series.grid().at(20 * DAY + 96).as_second()).abs() <= 6 * 3600, "{from}");
}

#[test] // A4
fn finds_nothing_in_what_is_merely_restless() {
    let (mut level, mut state) = (1000.0f64, 0x9E37_79B9_7F4A_7C15u64);
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        level += (state >> 40) as f64 / 2e6 - 4.19;
        level.max(10.0)
    };
    let steps: Vec<f64> = (0..28 * DAY).map(|_| step()).collect();
    let repaired = repair(&five_minutes(28, |i| steps[i]));
    let left_out = 28 * DAY - repaired.series.measured();
    assert!(left_out < DAY / 4, "{left_out} left out: {:?}", repaired.findings);
    check(&five_minutes(28, |_| 5.0), 0..0);
    check(&five_minutes(28, |_| 0.0), 0..0);
    check(&five_minutes(42, |i| demand(i) * (1.0 + 0.05 * i as f64 / WEEK as f64)), 0..0); // A6
}

#[test]
fn does_not_take_the_first_weekend_for_an_outage() {
    for days in [1, 3, 6, 8, 10, 14, 20] {
        check(&five_minutes(days, demand), 0..0);
    }
}

/// What the notes on the traces tell of them: the finding's kind, and an hour that lies within it.
const KNOWN: [(&str, FindingKind, &str); 10] = [
    ("steam_apex", FindingKind::Outage, "2025-10-20T09:00:00Z"),
    ("netman_kpi", FindingKind::Spike, "2016-11-28T17:55:00Z"),
    ("netman_kpi", FindingKind::Outage, "2016-11-28T17:15:00Z"),
    ("nasa_http", FindingKind::Unusual, "1995-07-13T13:00:00Z"),
    ("ms_ecommerce", FindingKind::Spike, "2017-11-14T21:00:00Z"),
    ("ms_ecommerce", FindingKind::Spike, "2018-03-08T20:00:00Z"),
    ("ms_ecommerce", FindingKind::Outage, "2018-06-12T09:00:00Z"),
    ("ms_ecommerce", FindingKind::Unusual, "2018-07-12T15:00:00Z"),
    ("retailrocket", FindingKind::Unusual, "2015-07-25T12:00:00Z"),
    ("wikimedia", FindingKind::Unusual, "2008-10-21T20:00:00Z"),
];

#[test]
fn finds_the_known_events_of_real_traffic() {
    for (name, kind, hour) in KNOWN {
        let Some(series) = common::trace(name) else { return };
        let hour: jiff::Timestamp = hour.parse().unwrap();
        let findings = repair(&series).findings;
        let holds = |f: &Finding| {
            f.kind == kind && f.from <= hour && hour.as_second() < f.from.as_second() + f.span_s
        };
        assert!(findings.iter().any(holds), "{name}: no {kind:?} at {hour} among {findings:#?}");
    }
}

#[test]
fn knows_when_the_players_came() {
    for (name, day) in [("minecraft", "2026-03-20T00:00:00Z"), ("steam_apex", "2025-11-04T19:00:00Z")] {
        let Some(series) = common::trace(name) else { return };
        let day: jiff::Timestamp = day.parse().unwrap();
        let findings = repair(&series).findings;
        let near = |f: &Finding| (f.from.as_second() - day.as_second()).abs() < 43_200;
        assert!(findings.iter().any(|f| f.kind == FindingKind::Shift && near(f)), "{name}: {findings:#?}");
    }
}

#[test] // S4.4
fn keeps_the_regular_bursts_of_real_traffic() {
    let Some(series) = common::trace("twitter_sample_stream") else { return };
    check(&series, 0..0);
    let mut lookout = Lookout::new(series.grid()).unwrap();
    let anomalies = series.values().iter().filter(|value| lookout.push(**value).is_anomaly()).count();
    assert!(anomalies < 10, "{anomalies}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn only_ever_makes_unknown(values in proptest::collection::vec(prop_oneof![6 => 0.0..1e6f64, 1 => Just(f64::NAN), 1 => Just(0.0), 1 => Just(1e30)], 0..900), step in prop_oneof![Just(300i64), Just(3600), Just(7), Just(86_400)]) {
        let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), step, values.len());
        let series = Series::new(grid, values);
        let repaired = repair(&series);
        for (before, after) in series.values().iter().zip(repaired.series.values()) {
            prop_assert!(after.is_nan() || before.to_bits() == after.to_bits());
        }
        prop_assert!(!readiness(&series).sentences().is_empty());
    }
}
