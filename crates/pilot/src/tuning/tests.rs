use std::sync::Arc;

use tidecast_forecast::{Forecast, Grid, LEVELS};

use super::*;
use crate::{Buffer, Evidence, Issued, Reading, Size, Throughput};

fn start() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn ground() -> Ground {
    let sizer = Sizer::new(Throughput::new(10.0).unwrap(), Buffer::default());
    Ground { start_min: 5, sizer: Some(sizer), bounds: Bounds::new(1, 500).unwrap(), up_cost: None }
}

/// A day's wave with noise and, at seventeen past each hour, a burst.
fn demand(minute: usize) -> f64 {
    let wave = 200.0 + 100.0 * (minute as f64 / 229.2).sin();
    let noise = (minute * 7_919 % 101) as f64 / 10.0;
    wave + noise + if minute % 60 == 17 { 150.0 } else { 0.0 }
}

/// What is foretold of the bin that begins at a minute: its most, give or take a tenth.
fn fan(minute: usize) -> Fan {
    let most = (minute..minute + BIN).map(demand).fold(0.0, f64::max);
    Fan::new(most, LEVELS.map(|level| most * (0.95 + 0.1 * level)))
}

fn issued(minute: usize) -> Issued {
    let begin = minute.next_multiple_of(BIN);
    let grid = Grid::new(start() + minutes(begin as i64), 300, 24);
    let fans = (0..24).map(|k| fan(begin + k * BIN)).collect();
    Issued { at: start() + minutes(minute as i64), forecast: Forecast::new(grid, fans, "test") }
}

fn watched(days: usize, value: impl Fn(usize) -> f64) -> Tuning {
    let mut tuning = Tuning::new(start(), Menu::Whole, &ground(), 0.001);
    watch(&mut tuning, 0..days * DAY, value);
    tuning
}

fn watch(tuning: &mut Tuning, minutes: std::ops::Range<usize>, value: impl Fn(usize) -> f64) {
    for minute in minutes {
        if (minute + 1).is_multiple_of(BIN) {
            let fans: Vec<Fan> = (0..tuning.bins()).map(|k| fan(minute + 1 + k * BIN)).collect();
            tuning.look_out(&fans);
        }
        tuning.minute(value(minute));
    }
}

#[test] // S7.2
fn keeps_the_promise_at_less_than_the_others_cost() {
    let tuning = watched(12, demand);
    let sizing = tuning.sizing().expect("days were replayed");
    assert!(sizing.chosen.served > 1.0 - 0.001, "{sizing:?}");
    assert!(sizing.chosen.cost <= sizing.outlook.cost, "{sizing:?}");
    assert!(!sizing.outlook.way.is_nowcast(), "{sizing:?}");
    let frontier = tuning.frontier();
    assert!((1..=TOLD_MAX).contains(&frontier.len()), "{frontier:?}");
    assert!(frontier.windows(2).all(|pair| pair[0].cost < pair[1].cost && pair[0].served < pair[1].served));
}

#[test] // S9.1
fn goes_on_from_a_tape_as_if_nothing_had_happened() {
    let mut tuning = watched(9, demand);
    let numbers = Tape::of(&mut tuning);
    println!("{} numbers", numbers.len());
    let mut heir = Tuning::new(start(), Menu::Whole, &ground(), 0.001);
    assert!(Tape::play(numbers.clone(), &mut heir));
    for tuning in [&mut tuning, &mut heir] {
        watch(tuning, 9 * DAY..11 * DAY + 77, demand);
    }
    assert_eq!(
        (tuning.says(SignedDuration::ZERO), tuning.sizing()),
        (heir.says(SignedDuration::ZERO), heir.sizing())
    );
    assert_eq!(tuning.frontier(), heir.frontier());
    let bits = |tuning: &mut Tuning| Tape::of(tuning).into_iter().map(f64::to_bits).collect::<Vec<_>>();
    assert!(bits(&mut tuning) == bits(&mut heir), "all numbers are the same");
    let other = Ground { start_min: 7, ..ground() };
    assert!(!Tape::play(numbers.clone(), &mut Tuning::new(start(), Menu::Whole, &other, 0.001)));
    assert!(!Tape::play(numbers.clone(), &mut Tuning::new(start(), Menu::Outlooks, &ground(), 0.001)));
    assert!(!Tape::play(numbers, &mut Tuning::new(start(), Menu::Whole, &ground(), 0.01)), "another promise");
}

#[test] // F1, I7
fn takes_lost_minutes_for_unknown_and_not_for_zero() {
    let whole = watched(12, demand);
    let lossy = watched(12, |minute| if minute / 90 % 8 == 3 { f64::NAN } else { demand(minute) });
    let (whole, lossy) = (whole.sizing().unwrap(), lossy.sizing().unwrap());
    assert!(lossy.chosen.served > 0.999, "{lossy:?}");
    // A zero would be a day's worth of demand missing, and a chance to shrink: server-minutes are counted while minutes
    // are known, which they are in seven of eight.
    let share = lossy.chosen.cost / whole.chosen.cost;
    assert!((0.8..0.95).contains(&share), "{share} of the cost");
}

#[test]
fn says_nothing_before_it_has_learned_and_nothing_new_of_what_it_does_not_know() {
    assert_eq!(watched(3, demand).says(SignedDuration::ZERO), None);
    let mut tuning = watched(12, demand);
    let said = tuning.says(SignedDuration::ZERO).expect("the chosen way is a nowcast");
    assert_eq!(said.at, start() + minutes(12 * DAY as i64));
    watch(&mut tuning, 12 * DAY..12 * DAY + 10, |_| f64::NAN);
    assert_eq!(tuning.says(SignedDuration::ZERO).unwrap().at, said.at, "as old as what was known last");
    assert_eq!(tuning.now(), said.at + minutes(10));
}

#[test]
fn keeps_what_it_says_for_as_long_as_it_is_told() {
    let mut tuning = watched(12, demand);
    let mut latest = std::collections::VecDeque::new();
    for minute in 12 * DAY..12 * DAY + 200 {
        watch(&mut tuning, minute..minute + 1, demand);
        latest.push_back(tuning.says(SignedDuration::ZERO).unwrap().demand);
        if latest.len() > 11 {
            latest.pop_front();
            let most = latest.iter().copied().fold(Demand::ZERO, Demand::max);
            assert_eq!(tuning.says(minutes(10)).unwrap().demand, most);
        }
    }
}

#[test] // F8
fn does_not_drown_in_absurd_values() {
    let absurd = |minute: usize| if minute == 10 * DAY + 7 { 1e30 } else { demand(minute) };
    let (sound, hit) = (watched(12, demand), watched(12, absurd));
    let said = |tuning: &Tuning| tuning.says(SignedDuration::ZERO).unwrap().demand.get();
    assert!((said(&hit) / said(&sound) - 1.0).abs() < 0.1, "{} beside {}", said(&hit), said(&sound));
}

#[test]
fn is_no_use_on_another_start_up() {
    let mut tuning = watched(1, demand);
    assert!(tuning.stand_on(&Ground { sizer: None, ..ground() }));
    assert!(!tuning.stand_on(&Ground { start_min: 6, ..ground() }));
}

/// Follows readings, given as (second, demand, coverage), each `interval` seconds, and says which minutes it took for what.
#[track_caller]
fn check(interval: i64, readings: &[(i64, f64, f64)], expected: &[f64]) {
    let reading = |(second, demand, coverage): &(i64, f64, f64)| Reading {
        at: start() + SignedDuration::from_secs(*second),
        demand: Demand::new(*demand).unwrap(),
        coverage: *coverage,
    };
    let mut evidence = Evidence {
        readings: Vec::new(),
        interval: SignedDuration::from_secs(interval),
        ..Evidence::default()
    };
    let mut tuning = Tuning::new(start(), Menu::Forecasts, &ground(), 0.001);
    let mut next = 0;
    let mut taken = Vec::new();
    for reading in readings.iter().map(reading) {
        evidence.readings.push(reading);
        while tuning.now() + minutes(1) <= reading.at {
            taken.push(follow::value(&evidence, &mut next, tuning.now() + minutes(1)));
            tuning.minute(0.0);
        }
        next = 0;
    }
    let same = taken.len() == expected.len()
        && taken.iter().zip(expected).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
    assert!(same, "{taken:?} instead of {expected:?}");
}

const LOST: f64 = f64::NAN;

#[test] // S3.3
fn takes_readings_as_they_come() {
    let each = |second, demand| (second, demand, 1.0);
    // A minute each; a lost one is unknown, though one came before and one after it.
    check(60, &[each(60, 1.0), each(120, 2.0), each(240, 4.0)], &[1.0, 2.0, LOST, 4.0]);
    // A partial one is no more than a lower bound.
    check(60, &[each(60, 1.0), (120, 2.0, 0.5), each(180, 3.0)], &[1.0, LOST, 3.0]);
    // Off the minute: by the minute that they end in.
    check(60, &[each(67, 1.0), each(127, 2.0), each(187, 3.0)], &[LOST, 1.0, 2.0]);
    // A little uneven: none in the second minute, and none was lost.
    check(60, &[each(59, 1.0), each(121, 2.0), each(181, 3.0)], &[1.0, 2.0, 2.0]);
    // Four a minute are averaged.
    let quarter = |k: i64| each(15 * k, k as f64);
    check(15, &[1, 2, 3, 4, 5, 6, 7, 8].map(quarter), &[2.5, 6.5]);
    // One in five minutes stands for each of them; a lost one leaves five minutes unknown.
    let five = [&[1.0; 5][..], &[LOST; 5], &[3.0; 5]].concat();
    check(300, &[each(300, 1.0), each(900, 3.0)], &five);
}

#[test]
fn looks_out_by_the_forecast_in_force_however_old() {
    let mut tuning = Tuning::new(start(), Menu::Whole, &ground(), 0.001);
    let mut forecast = issued(0);
    let mut last = 0;
    for minute in 0..12 * DAY {
        if minute % 40 == 20 {
            forecast = issued(minute);
        }
        // Readings come four minutes late and together.
        if minute % 4 == 3 {
            let readings = (last..=minute)
                .map(|m| Reading::complete(start() + minutes(m as i64 + 1), Demand::new(demand(m)).unwrap()));
            let evidence = Evidence { readings: readings.collect(), interval: minutes(1), lag: minutes(1) };
            tuning.follow(&evidence, Some(&forecast));
            last = minute;
        }
    }
    assert_eq!(tuning.now(), start() + minutes(12 * DAY as i64));
    let sizing = tuning.sizing().expect("days were replayed");
    assert!(sizing.chosen.served > 0.999, "{sizing:?}");
    let said = tuning.says(SignedDuration::ZERO).expect("the nowcast is better than an old forecast");
    let need = (12 * DAY..12 * DAY + 6).map(demand).fold(0.0, f64::max);
    assert!((0.9 * need..1.6 * need).contains(&said.demand.get()), "{said:?} for {need}");
}

#[test]
fn sizes_within_bounds_and_with_the_buffer_in_replay() {
    let sizer = Sizer::new(Throughput::new(10.0).unwrap(), Buffer { servers: Size(10), percent: 0.0 });
    let buffered = Ground { sizer: Some(sizer), ..ground() };
    let bounded = Ground { bounds: Bounds::new(1, 20).unwrap(), ..ground() };
    let cost = |ground: &Ground| {
        let mut tuning = Tuning::fixed(start(), Menu::Whole.ways()[5], Menu::Whole.ways()[6], ground, 0);
        watch(&mut tuning, 0..3 * DAY, demand);
        tuning.sizing().unwrap().chosen.cost
    };
    let plain = cost(&ground());
    assert!((cost(&buffered) - plain - 10.0 * DAY as f64).abs() < 0.01 * plain, "ten servers more");
    assert!(cost(&bounded) <= (20 * DAY) as f64 + 3.0 * DAY as f64);
}

#[test]
fn remembers_little() {
    let numbers = Tape::of(&mut watched(40, demand)).len();
    assert!(numbers < 12_000, "{numbers} numbers");
    let _: Arc<Tuning> = Arc::new(watched(1, demand));
}
