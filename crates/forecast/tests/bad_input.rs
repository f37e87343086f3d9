//! What arrives from outside may be anything: each case has a verdict, none a panic, and what comes out is
//! finite, on a grid, with everything named that was done on the way.
#![allow(clippy::unwrap_used, reason = "this is test code, also outside of the test functions")]

mod common;

use jiff::Timestamp;
use proptest::prelude::*;
use tidecast_forecast::{Gathered, Sample, Samples, Useless};

/// Midnight of a Monday, in epoch seconds.
const START: i64 = 1_772_409_600;
const DAY: i64 = 86_400;
const NAN: f64 = f64::NAN;

fn sample(second: i64, value: f64) -> Sample {
    Sample { time: Timestamp::from_second(START + second).unwrap(), value }
}

/// `n` samples of 5, a step apart.
fn every(step_s: i64, n: i64) -> Vec<Sample> {
    (0..n).map(|i| sample(i * step_s, 5.0)).collect()
}

/// The same with the sample `at` replaced.
fn with(mut samples: Vec<Sample>, at: usize, value: f64) -> Vec<Sample> {
    samples[at].value = value;
    samples
}

fn also(mut samples: Vec<Sample>, more: impl IntoIterator<Item = Sample>) -> Vec<Sample> {
    samples.extend(more);
    samples
}

fn without(mut samples: Vec<Sample>, gap: std::ops::Range<usize>) -> Vec<Sample> {
    samples.drain(gap);
    samples
}

fn verdict(gathered: &Result<Gathered, Useless>) -> String {
    match gathered {
        Err(why) => format!("refused: {why}"),
        Ok(Gathered { series, native_step_s, repairs }) => {
            let grid = series.grid();
            let (len, measured) = (series.len(), series.measured());
            let mut text = format!("{native_step_s} s to {} s, {measured} of {len}", grid.step_s);
            repairs.iter().for_each(|repair| text += &format!("; {:?} {}", repair.kind, repair.count));
            text
        }
    }
}

#[track_caller]
fn check(samples: Vec<Sample>, bin_s: i64, expected: &str) -> Option<Gathered> {
    let gathered = Samples(samples).gather(bin_s);
    assert_eq!(verdict(&gathered), expected);
    gathered.ok()
}

#[test]
fn has_a_verdict_for_each_bad_value() {
    let one_gap = "60 s to 60 s, 19 of 20";
    for (value, verdict) in [
        (NAN, "; NotFinite 1; Gap 1"),
        (f64::INFINITY, "; NotFinite 1; Gap 1"),
        (f64::NEG_INFINITY, "; NotFinite 1; Gap 1"),
        (-1.0, "; Negative 1; Gap 1"),
        (-f64::MIN_POSITIVE, "; Negative 1; Gap 1"),
        (1e308, "; TooLarge 1; Gap 1"),
        (f64::MAX, "; TooLarge 1; Gap 1"),
    ] {
        check(with(every(60, 20), 7, value), 0, &format!("{one_gap}{verdict}"));
    }
    for value in [0.0, 0.4, f64::MIN_POSITIVE, 1e30] {
        let kept = check(with(every(60, 20), 7, value), 0, "60 s to 60 s, 20 of 20").unwrap();
        assert_eq!(kept.series.values()[7], value); // A5
    }
}

#[test]
fn takes_minus_zero_as_zero() {
    let kept = check(with(every(60, 20), 7, -0.0), 0, "60 s to 60 s, 20 of 20").unwrap();
    assert!(kept.series.values()[7].is_sign_positive());
}

#[test] // B1
fn refuses_what_no_series_can_be_made_of() {
    check(vec![], 300, "refused: there is no measurement at all; a history needs at least two");
    let once =
        "refused: all measurements are of one time, 2026-03-02T00:00:00Z; a history needs at least two times";
    check(every(60, 1), 300, once);
    check(vec![sample(0, 1.0), sample(0, 2.0)], 300, once);
    let unsound = "refused: none of the 3 measurements is a finite number that is not negative";
    check(vec![sample(0, NAN), sample(60, -1.0), sample(120, 1e99)], 300, unsound);
    let thin = "refused: no interval of 5m has half of its measurements, which come every 1m; more of them are needed";
    check(every(60, 2), 300, thin);
    check(every(3600, 2), 300, "3600 s to 3600 s, 2 of 2");
}

#[test]
fn refuses_times_whose_grid_would_fill_the_memory() {
    let mixed = (0..200).map(|i| sample(if i % 2 == 0 { 60 * i } else { 60 * i - START }, 5.0)).collect();
    check(
        mixed,
        300,
        "refused: from 1970-01-01T00:01:00Z to 2026-03-02T03:18:00Z in steps of 300 s makes 5908072 points; at most 5300000 are taken",
    );
    let ends = vec![
        Sample { time: Timestamp::MIN, value: 1.0 },
        Sample { time: Timestamp::MAX, value: 1.0 },
        sample(0, 1.0),
    ];
    assert!(verdict(&Samples(ends).gather(300)).starts_with("refused: from -009999-01-02"));
}

#[test]
fn leaves_out_a_few_times_that_a_wrong_clock_made() {
    let all = "60 s to 300 s, 200 of 200";
    check(also(every(60, 1000), [sample(-START, 5.0)]), 300, &format!("{all}; OutOfOrder 1; Stray 1"));
    let year = also(every(60, 1000), [sample(366 * DAY, 9.0), sample(366 * DAY + 60, 9.0)]);
    check(year, 300, &format!("{all}; Stray 2"));
    let second = also(every(60, 1000), [sample(60 * 999 + 1, 5.0)]);
    check(second, 300, &format!("{all}; OffGrid 1"));
}

#[test]
fn keeps_what_came_after_a_long_closure() {
    let season = also(every(3600, 2000), (0..20).map(|i| sample(200 * DAY + 3600 * i, 7.0)));
    check(season, 300, "3600 s to 3600 s, 2020 of 4820; Gap 2800");
}

#[test]
fn counts_the_later_of_two_measurements_of_one_time() {
    let same = also(every(60, 20), [sample(60, 5.0)]);
    check(same, 0, "60 s to 60 s, 20 of 20; OutOfOrder 1; Doubled 1");
    let differing = also(every(60, 20), [sample(60, 6.0)]);
    let kept = check(differing, 0, "60 s to 60 s, 20 of 20; OutOfOrder 1; Doubled 1").unwrap();
    assert_eq!(kept.series.values()[1], 6.0);
    let broken = also(every(60, 20), [sample(60, NAN)]);
    check(broken, 0, "60 s to 60 s, 20 of 20; OutOfOrder 1; NotFinite 1");
}

#[test]
fn sorts_what_comes_backwards() {
    let mut backwards = every(60, 20);
    backwards.reverse();
    check(backwards, 0, "60 s to 60 s, 20 of 20; OutOfOrder 19");
}

#[test]
fn leaves_gaps_unknown_however_long() {
    check(without(every(300, 600), 100..101), 300, "300 s to 300 s, 599 of 600; Gap 1");
    check(without(every(300, 600), 100..112), 300, "300 s to 300 s, 588 of 600; Gap 12");
    let nine_days =
        check(without(every(300, 9000), 100..2692), 300, "300 s to 300 s, 6408 of 9000; Gap 2592");
    let says = nine_days.unwrap().repairs[0].to_string();
    assert_eq!(says, "2592 points missing and left unknown, the longest gap 9d from 2026-03-02T08:20:00Z on");
}

#[test]
fn finds_the_step_through_jitter() {
    // Up to half a step early or late, by a rule that only looks like chance.
    let jitter = |i: i64, by: i64| (i * 7919 % (2 * by + 1)) - by;
    let polls = |by: i64| (0..2000).map(|i| sample(300 * i + jitter(i, by), 5.0)).collect::<Vec<_>>();
    check(polls(1), 300, "300 s to 300 s, 2000 of 2000; OffGrid 1334");
    check(polls(60), 300, "300 s to 300 s, 2000 of 2000; OffGrid 1983");
    let wild = Samples(polls(150)).gather(300).unwrap();
    assert!(wild.series.measured() > 1300, "{}", verdict(&Ok(wild)));
    let minutes = (0..9000).map(|i| sample(60 * i + jitter(i, 30), 5.0)).collect();
    let averaged = Samples(minutes).gather(300).unwrap();
    assert_eq!((averaged.native_step_s, averaged.series.measured()), (60, averaged.series.len()));
}

#[test]
fn keeps_the_phase_of_jittered_polls() {
    let polls = (0..500).map(|i| sample(3600 * i + 1740 + i % 7, 5.0)).collect();
    let kept = check(polls, 300, "3600 s to 3600 s, 500 of 500; OffGrid 429").unwrap();
    assert_eq!(kept.series.grid().start.as_second(), START + 1743);
}

#[test]
fn bears_one_measurement_off_the_grid() {
    let stray_second = also(every(300, 600), [sample(3001, 5.0)]);
    check(stray_second, 300, "300 s to 300 s, 600 of 600; OutOfOrder 1; OffGrid 1");
}

#[test]
fn follows_a_change_of_the_sampling_interval() {
    let coarser = also(every(60, 3000), (0..600).map(|i| sample(180_000 + 300 * i, 5.0)));
    check(coarser, 300, "60 s to 300 s, 1200 of 1200; Sparse 600");
    let finer = also(every(300, 600), (0..3000).map(|i| sample(180_000 + 60 * i, 5.0)));
    check(finer, 300, "60 s to 300 s, 1200 of 1200; Sparse 600");
    let rarely_finer = also(every(300, 6000), (0..100).map(|i| sample(1_800_000 + 60 * i, 5.0)));
    check(rarely_finer, 300, "300 s to 300 s, 6020 of 6020; OffGrid 80");
}

#[test]
fn leaves_thin_intervals_unknown() {
    let minutes = without(without(every(60, 100), 51..54), 20..22);
    check(minutes, 300, "60 s to 300 s, 19 of 20; Thin 1; Gap 1");
}

#[test] // A14
fn takes_a_day_of_23_or_25_hours_on_a_local_clock() {
    let spring = without(every(3600, 240), 26..27);
    check(spring, 300, "3600 s to 3600 s, 239 of 240; Gap 1");
    let autumn = also(every(3600, 240), [sample(26 * 3600, 8.0)]);
    check(autumn, 300, "3600 s to 3600 s, 240 of 240; OutOfOrder 1; Doubled 1");
}

#[test]
fn keeps_a_phase_of_its_own() {
    let quarter = (0..100).map(|i| sample(3600 * i + 2700, 5.0)).collect(); // +05:45
    let kept = check(quarter, 300, "3600 s to 3600 s, 100 of 100").unwrap();
    assert_eq!(kept.series.grid().start.as_second(), START + 2700);
}

#[test]
fn takes_constants_zeros_steps_and_spikes_as_they_are() {
    check(every(60, 1000), 300, "60 s to 300 s, 200 of 200");
    check((0..1000).map(|i| sample(60 * i, 0.0)).collect(), 300, "60 s to 300 s, 200 of 200");
    let scales = (0..600).map(|i| sample(300 * i, 5.0 * 10f64.powi((i / 100) as i32 - 3)));
    check(scales.collect(), 300, "300 s to 300 s, 600 of 600");
    let spike = check(with(every(300, 600), 300, 5e6), 300, "300 s to 300 s, 600 of 600").unwrap();
    assert_eq!(spike.series.values()[300], 5e6);
}

#[test]
fn takes_a_million_points() {
    check(every(60, 1_000_000), 300, "60 s to 300 s, 200000 of 200000");
}

#[test]
fn averages_the_largest_values_without_overflow() {
    let large = (0..1000).map(|i| sample(60 * i, 1e30)).collect();
    let kept = check(large, 86_400, "60 s to 86400 s, 1 of 1").unwrap();
    assert!((kept.series.values()[0] / 1e30 - 1.0).abs() < 1e-9);
}

fn anything() -> impl Strategy<Value = Vec<(i64, i32, f64)>> {
    let time = prop_oneof![
        8 => 0i64..200_000,
        2 => (0i64..2000).prop_map(|i| 60 * i),
        1 => -377_705_023_201i64..253_402_207_200,
    ];
    let value = prop_oneof![any::<f64>(), 0.0..1e6f64, Just(-0.0), Just(f64::INFINITY)];
    proptest::collection::vec((time, -999_999_999..999_999_999i32, value), 0..200)
}

proptest! {
    // Grids of millions of points are among the cases.
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn never_panics_and_gives_only_finite_values(raw in anything(), bin_s in -10i64..100_000) {
        let samples: Vec<Sample> = raw.iter().filter_map(|(second, nano, value)| {
            Some(Sample { time: Timestamp::new(*second, *nano).ok()?, value: *value })
        }).collect();
        if let Ok(Gathered { series, .. }) = Samples(samples).gather(bin_s) {
            prop_assert!(series.measured() > 0);
            prop_assert!(series.values().iter().all(|v| v.is_nan() || (0.0..=1e30).contains(v)));
            prop_assert!(series.values()[0].is_finite() && series.last_measured().unwrap().0 == series.len() - 1);
        }
    }

    #[test]
    fn does_not_mind_the_order_of_arrival_but_for_doubles(raw in anything(), order in any::<prop::sample::Index>()) {
        let mut samples: Vec<Sample> = raw.iter()
            .filter_map(|(second, _, value)| Some(Sample { time: Timestamp::from_second(*second).ok()?, value: *value }))
            .collect();
        samples.sort_by_key(|s| s.time);
        samples.dedup_by_key(|s| s.time);
        let series = |samples: &[Sample]| Samples(samples.to_vec()).gather(300).map(|g| (g.series.grid(), bits(&g)));
        let expected = series(&samples);
        if !samples.is_empty() {
            let at = order.index(samples.len());
            samples.rotate_left(at);
            samples[at..].reverse();
        }
        prop_assert_eq!(series(&samples).map_err(|_| ()), expected.map_err(|_| ()));
    }
}

fn bits(gathered: &Gathered) -> Vec<u64> {
    gathered.series.values().iter().map(|v| v.to_bits()).collect()
}
