use jiff::tz::TimeZone;
use tidecast_forecast::{Fan, Forecast, Grid, LEVELS, Series};

use super::*;
use crate::cli::terminal::Chatter;

fn terminal(unicode: bool, width: usize) -> Terminal {
    let (colour, colour_messages, watched) = (false, false, false);
    Terminal { colour, colour_messages, unicode, width, watched, chatter: Chatter::Quiet }
}

fn wave(hour: usize) -> f64 {
    1_000.0 * (1.0 - 0.8 * (hour as f64 / 24.0 * std::f64::consts::TAU).cos())
}

/// Two days measured, with a gap, and one day of forecast.
fn chart() -> Chart {
    let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 3_600, 48);
    let value = |hour| if (30..34).contains(&hour) { f64::NAN } else { wave(hour) };
    let series = Series::new(grid, (0..48).map(value).collect());
    let ahead = grid.after(24);
    let fans =
        (0..24).map(|h| Fan::new(wave(h), LEVELS.map(|level| wave(h) * (0.7 + 0.6 * level)))).collect();
    let forecast = Forecast::new(ahead, fans, "wave");
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    Chart::new(grid.start, ahead.end(), &zone, 10)
        .line(Ink::Measured, "measured", &series)
        .forecast(&forecast, (0.1, 0.9))
}

#[test]
fn draws_measurements_and_forecast_in_braille() {
    insta::assert_snapshot!(chart().draw(&terminal(true, 80)));
}

#[test]
fn draws_the_same_in_ascii() {
    let drawn = chart().draw(&terminal(false, 80));
    assert!(drawn.is_ascii(), "{drawn}");
    insta::assert_snapshot!(drawn);
}

#[test]
fn keeps_within_the_width_given() {
    for width in [44, 80, 120] {
        let drawn = chart().draw(&terminal(true, width));
        let widest = drawn.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(width), "{widest:?} of {width}:\n{drawn}");
    }
}

#[test]
fn draws_capacity_as_steps() {
    let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 3_600, 24);
    let demand = Series::new(grid, (0..24).map(wave).collect());
    let capacity = Series::new(grid, (0..24).map(|h| (wave(h + 1) / 400.0).ceil() * 400.0).collect());
    let chart = Chart::new(grid.start, grid.end(), &TimeZone::UTC, 8)
        .line(Ink::Measured, "demand", &demand)
        .steps(Ink::Capacity, "capacity", &capacity);
    insta::assert_snapshot!(chart.draw(&terminal(true, 72)));
}

#[test]
fn survives_a_series_without_a_measurement() {
    let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 3_600, 3);
    let void = Series::new(grid, vec![f64::NAN; 3]);
    let drawn = Chart::new(grid.start, grid.end(), &TimeZone::UTC, 4).line(Ink::Measured, "x", &void);
    assert!(drawn.draw(&terminal(true, 60)).contains("2026-03-02"));
}
