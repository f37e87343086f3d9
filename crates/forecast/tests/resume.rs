//! A model goes on from its tape as if nothing had happened, and from no other.

#![allow(clippy::unwrap_used, reason = "this is test code, also outside of the test functions")]

use jiff::tz::TimeZone;
use tidecast_forecast::{Fitted, Grid, InCivilTime, Leads, Model, Series, models};

const STEP_S: i64 = 1_800;
const DAY: usize = 48;

/// Nights and days, a rush on workdays, noise, and gaps.
fn history(len: usize) -> Series {
    let grid = Grid::new("2026-02-02T05:00:00Z".parse().unwrap(), STEP_S, len);
    let value = |i: usize| {
        let of_day = (i % DAY) as f64 / DAY as f64;
        let rush = if (18..22).contains(&(i % DAY)) && i / DAY % 7 < 5 { 90.0 } else { 0.0 };
        let noise = (i * 7_919 % 101) as f64 / 10.0;
        let known = !i.is_multiple_of(197) && !(700..730).contains(&i);
        if known { 100.0 - 60.0 * (of_day * std::f64::consts::TAU).cos() + rush + noise } else { f64::NAN }
    };
    Series::new(grid, (0..len).map(value).collect())
}

fn model(name: &str) -> InCivilTime {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    InCivilTime::new(models::named(name, Leads::knots()).unwrap(), zone)
}

fn said(fitted: &dyn Fitted, history: &Series) -> String {
    format!("{:?}", fitted.forecast(history, history.grid().after(DAY)).fans())
}

/// Its tape; what is unknown on it is the same as what is unknown.
fn bits(fitted: &mut dyn Fitted) -> Vec<u64> {
    fitted.taped().unwrap().into_iter().map(f64::to_bits).collect()
}

#[track_caller]
fn check(name: &str, days: usize) {
    let model = model(name);
    let (before, after) = (history(days * DAY + 5), history(days * DAY + 5 + 3 * DAY));
    let mut fitted = model.fit(&before).unwrap();
    let tape = fitted.taped().expect("it leaves a tape");
    let mut heir = model.resume(&after, tape).expect("the tape fits");
    fitted.update(&after);
    heir.update(&after);
    assert_eq!(said(&*heir, &after), said(&*fitted, &after), "{name} after {days} days");
    assert_eq!(bits(&mut *heir), bits(&mut *fitted), "{name} after {days} days");
}

#[test] // S9.1
fn every_calibrated_model_goes_on_bit_for_bit() {
    for name in models::NAMES.into_iter().filter(|name| !name.ends_with("_fitted") && *name != "all_seen") {
        check(name, 31);
    }
    check("recent_days_fitted", 31);
}

#[test] // S9.1
fn the_ensemble_goes_on_at_every_age() {
    for days in [3, 4, 9, 16, 22, 45] {
        check("ensemble", days);
    }
}

#[test]
fn takes_no_tape_of_another_model_or_history_or_one_that_is_torn() {
    let known = history(20 * DAY);
    let tape = model("ensemble").fit(&known).unwrap().taped().unwrap();
    assert!(model("last_week").resume(&known, tape.clone()).is_none(), "another model's");
    assert!(model("ensemble").resume(&history(19 * DAY), tape.clone()).is_none(), "a longer history's");
    for len in [0, 3, 4, tape.len() / 2, tape.len() - 1] {
        assert!(model("ensemble").resume(&known, tape[..len].to_vec()).is_none(), "{len} numbers");
    }
    let mut other = tape.clone();
    other[0] = 99.0;
    assert!(model("ensemble").resume(&known, other).is_none(), "another version's");
    assert!(model("all_seen").fit(&known).unwrap().taped().is_none());
}
