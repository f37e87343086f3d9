//! Nothing after an origin reaches a forecast, and no model panics on an ugly history.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use proptest::prelude::*;
use tidecast_forecast::{Grid, HOUR_S, Leads, Row, Series, Unwatched, backtest, leak, models};

/// Weeks of hours with a day, a week, growth, gaps and a wobble that is different in every hour.
fn history(weeks: usize) -> Series {
    let grid = Grid::new("2026-01-05T05:00:00Z".parse().unwrap(), HOUR_S, weeks * 168);
    let value = |t: usize| {
        let day = 1.0 + 0.6 * (std::f64::consts::TAU * (t % 24) as f64 / 24.0).sin();
        let week = if t / 24 % 7 >= 5 { 0.5 } else { 1.0 };
        let wobble = 1.0 + 0.1 * ((t * 7919 % 101) as f64 / 101.0 - 0.5);
        if t.is_multiple_of(97) { f64::NAN } else { 100.0 * day * week * wobble * (1.0 + t as f64 / 5000.0) }
    };
    Series::new(grid, (0..grid.len).map(value).collect())
}

fn forecasts(name: &'static str) -> impl Fn(&Series) -> Vec<Row> {
    move |series| {
        let model = models::named(name, Leads::exactly([HOUR_S, 24 * HOUR_S])).unwrap();
        backtest(series, &*model, &mut Unwatched).unwrap().rows
    }
}

#[test]
fn never_learns_from_the_future() {
    let series = history(9);
    for name in models::NAMES {
        let found = leak(&series, series.len() - 100, forecasts(name));
        assert!(found.is_none(), "{name} forecasts differently when the future does: {found:?}");
    }
}

#[test]
fn says_the_same_whether_it_was_fitted_now_or_has_grown() {
    let series = history(7);
    let long = series.len();
    let leads = || Leads::exactly([HOUR_S, 24 * HOUR_S]);
    for name in ["last_week", "recent_days", "clusters_tuned", "analogues_8h", "profile_ratio", "harmonics"] {
        let model = models::named(name, leads()).unwrap();
        let next = series.grid().after(1);
        let fresh = model.fit(&series).unwrap().forecast(&series, next);
        // A fit from six weeks on has the same scale: it is taken from the first four.
        let early = series.slice(0, long - 168);
        let mut grown = model.fit(&early).unwrap();
        assert_eq!(grown.forecast(&series, next), fresh, "{name}, run ahead");
        grown.update(&series);
        assert_eq!(grown.forecast(&series, next), fresh, "{name}, updated");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test] // B5
    fn answers_any_history_with_a_sound_fan(
        values in proptest::collection::vec(prop_oneof![Just(f64::NAN), Just(0.0), 0.0..1e-6, 1.0..100.0, 1e9..1e12], 60..500),
        lead in 1usize..200,
    ) {
        let grid = Grid::new("2026-01-05T05:00:00Z".parse().unwrap(), HOUR_S, values.len());
        let series = Series::new(grid, values);
        for name in models::NAMES {
            let model = models::named(name, Leads::knots()).unwrap();
            if let Ok(fitted) = model.fit(&series) {
                let at = series.grid().at(series.len() + lead - 1);
                let fan = fitted.forecast(&series, Grid::point(at, HOUR_S)).fans()[0];
                prop_assert!(fan.point.is_finite() && fan.quantiles().windows(2).all(|w| w[0] <= w[1]));
            }
        }
    }
}
