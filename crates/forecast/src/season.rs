use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::span;
use crate::periods::Search;
use crate::{DAY_S, HOUR_S, Series, Unfit, WEEK_S};

/// A period counts as found from this strength on; more is asked of few cycles.
pub const STRENGTH_MIN: f64 = 0.1;
/// A period and how strongly a series repeats in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Season {
    /// The period in seconds, to a fraction of a step.
    pub period_s: f64,
    /// The share of the variance around the slow level that the other cycles' mean profile explains, 0 to 1.
    /// Each cycle is judged by the profile of all others, so chance explains nothing.
    pub strength: f64,
}

/// The periods of a series: how strong a day and a week are, and whatever else repeats.
///
/// ```
/// use tidecast_forecast::{Grid, Series, seasons};
/// let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 600, 6 * 24 * 28);
/// let wave = |i: usize| 10.0 + (i as f64 / 42.0 * std::f64::consts::TAU).sin();
/// let seasons = seasons(&Series::new(grid, (0..grid.len).map(wave).collect()));
/// assert_eq!(seasons.to_string(), "repeats every 7h (strength 1.00)");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seasons {
    /// Strength of the day; none before two days, or where a day is not a whole number of steps.
    pub day: Option<f64>,
    /// Strength of the week, its days included; none before two weeks.
    pub week: Option<f64>,
    /// The periods that count, ascending; harmonics and multiples of one of them are not listed.
    pub found: Vec<Season>,
    /// The strongest period tried, whether it counts or not.
    pub strongest: Option<Season>,
}

/// Finds the periods of a series, gaps tolerated.
///
/// Lines that stand out of the periodogram and are hills of the autocorrelation are candidates, the day and the
/// week always. From the shortest on, each takes its mean profile out of what the shorter ones left, and
/// counts if that explains something; last, the harmonics of longer ones are struck out.
pub fn seasons(series: &Series) -> Seasons {
    Search::of(series).run()
}

impl Seasons {
    /// Whether anything repeats strongly enough to count.
    pub fn periodic(&self) -> bool {
        !self.found.is_empty()
    }

    /// Why a model that needs a period declines, if none counts.
    pub fn unfit(&self) -> Option<Unfit> {
        let strength = self.strongest.map_or(0.0, |season| season.strength);
        (!self.periodic()).then_some(Unfit::NotPeriodic { strength, need: STRENGTH_MIN })
    }
}

impl fmt::Display for Season {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match rounded(self.period_s) {
            HOUR_S => "hour".into(),
            DAY_S => "day".into(),
            WEEK_S => "week".into(),
            seconds => span(seconds),
        };
        write!(f, "every {name} (strength {:.2})", self.strength)
    }
}

/// As people say it: in the largest unit that tells it to half a percent.
fn rounded(seconds: f64) -> i64 {
    let units = [DAY_S, HOUR_S, 1800, 60, 1].map(|unit| unit as f64);
    let whole = units.map(|unit| (seconds / unit).round() * unit);
    let close = whole.into_iter().find(|whole| (whole / seconds - 1.0).abs() < 0.005);
    close.unwrap_or(seconds).round() as i64
}

impl fmt::Display for Seasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<String> = self.found.iter().map(Season::to_string).collect();
        match (list.split_last(), self.strongest) {
            (Some((last, [])), _) => write!(f, "repeats {last}"),
            (Some((last, first)), _) => write!(f, "repeats {} and {last}", first.join(", ")),
            (None, Some(season)) => write!(f, "not periodic: at most it repeats {season}"),
            (None, None) => {
                write!(f, "not periodic: nothing repeats, or it is too short or too even to tell")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grid;
    use std::f64::consts::TAU;

    /// Numbers between −1 and 1 that look like chance.
    fn chance(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        }
    }

    fn made(step_s: i64, days: f64, mut value: impl FnMut(f64) -> f64) -> Series {
        let grid = Grid::new(
            "2026-03-02T00:00:00Z".parse().unwrap(),
            step_s,
            (days * 86_400.0 / step_s as f64) as usize,
        );
        let hours = |i: usize| i as f64 * step_s as f64 / 3600.0;
        Series::new(grid, (0..grid.len).map(|i| value(hours(i)).max(0.0)).collect())
    }

    fn wave(hours: f64, period_h: f64) -> f64 {
        (hours / period_h * TAU).sin()
    }

    #[track_caller]
    fn check(series: &Series, expected: &[&str]) {
        let seasons = seasons(series);
        let names: Vec<String> = seasons.found.iter().map(|s| s.to_string()).collect();
        let same = names.len() == expected.len() && names.iter().zip(expected).all(|(n, e)| n.starts_with(e));
        assert!(same, "found {names:?}, not {expected:?}; {seasons:?}");
    }

    #[test]
    fn finds_any_period() {
        let mut noise = chance(1);
        check(&made(300, 28.0, |h| 10.0 + wave(h, 7.0) + noise()), &["every 7h "]);
        check(&made(300, 28.0, |h| 10.0 + wave(h, 1.5) + noise()), &["every 1h 30m "]);
        check(&made(3600, 300.0, |h| 10.0 + wave(h, 30.0 * 24.0) + noise()), &["every 30d"]);
        check(&made(60, 4.0, |h| 10.0 + wave(h, 0.5) + 2.0 * noise()), &["every 30m "]);
    }

    #[test]
    fn finds_a_period_that_is_no_whole_number_of_steps() {
        let mut noise = chance(2);
        let found = seasons(&made(300, 28.0, |h| 10.0 + wave(h, 2.345) + noise())).found;
        assert_eq!(found.len(), 1);
        assert!((found[0].period_s / (2.345 * 3600.0) - 1.0).abs() < 2e-4, "{found:?}");
    }

    #[test]
    fn finds_day_and_week_and_a_third() {
        let weekend = |h: f64| if (h / 24.0) as i64 % 7 >= 5 { 0.4 } else { 1.0 };
        let mut noise = chance(3);
        let week = made(3600, 42.0, |h| 20.0 * weekend(h) * (1.3 + wave(h, 24.0)) + noise());
        check(&week, &["every day", "every week"]);
        let bursts = |h: f64| if h % 2.0 < 0.2 { 30.0 } else { 0.0 };
        let third = made(300, 28.0, |h| bursts(h) + 20.0 * weekend(h) * (1.3 + wave(h, 24.0)) + noise());
        check(&third, &["every 2h ", "every day", "every week"]);
        check(
            &made(300, 42.0, |h| 30.0 + 9.0 * wave(h, 7.0) + 9.0 * wave(h, 24.0) + noise()),
            &["every 7h ", "every day"],
        );
    }

    #[test]
    fn does_not_report_harmonics_and_multiples() {
        let mut noise = chance(4);
        check(
            &made(300, 28.0, |h| 9.0 + 3.0 * wave(h, 24.0) + 3.0 * wave(h, 12.0) + wave(h, 8.0) + noise()),
            &["every day"],
        );
        check(&made(300, 28.0, |h| if h % 24.0 < 1.0 { 50.0 } else { 10.0 + noise() }), &["every day"]);
        check(&made(300, 28.0, |h| if h % 7.0 < 0.5 { 50.0 } else { 10.0 + noise() }), &["every 7h "]);
        check(&made(3600, 70.0, |h| if h % 168.0 < 10.0 { 50.0 } else { 10.0 + noise() }), &["every week"]);
    }

    #[test]
    fn tolerates_gaps() {
        let mut noise = chance(5);
        let holes = made(300, 28.0, |h| 10.0 + wave(h, 7.0) + noise());
        let gap =
            |i: usize, v: f64| if (i * 7919) % 10 < 4 || (2000..2400).contains(&i) { f64::NAN } else { v };
        let values = holes.values().iter().enumerate().map(|(i, v)| gap(i, *v)).collect();
        check(&Series::new(holes.grid(), values), &["every 7h "]);
        let nights = made(300, 28.0, |h| 10.0 + wave(h, 24.0) + noise());
        let closed = |i: usize, v: f64| if i % 288 < 120 { f64::NAN } else { v };
        let values = nights.values().iter().enumerate().map(|(i, v)| closed(i, *v)).collect();
        check(&Series::new(nights.grid(), values), &["every day"]);
    }

    #[test] // A4
    fn finds_nothing_in_noise_trend_and_constants() {
        for seed in 1..40 {
            let mut noise = chance(seed);
            check(&made(3600, 28.0, |_| 50.0 + noise()), &[]);
            check(&made(300, 14.0, |_| 50.0 + noise()), &[]);
            let mut level = 500.0;
            check(
                &made(3600, 28.0, |_| {
                    level += noise();
                    level
                }),
                &[],
            );
            let mut slow = 0.0;
            check(
                &made(300, 21.0, |_| {
                    slow = 0.98 * slow + noise();
                    50.0 + slow
                }),
                &[],
            );
        }
        check(&made(3600, 28.0, |h| 5.0 + 3.0 * h), &[]);
        check(&made(3600, 28.0, |h| (h / 100.0).exp()), &[]);
        check(&made(3600, 28.0, |_| 5.0), &[]);
        check(&made(3600, 28.0, |h| if h < 300.0 { 10.0 } else { 90.0 }), &[]);
        let mut noise = chance(1);
        check(&made(300, 14.0, |h| if (h - 200.0).abs() < 0.3 { 900.0 } else { 9.0 + noise() }), &[]);
    }

    #[test] // A4, B1
    fn says_in_a_sentence_what_it_found() {
        let mut noise = chance(6);
        let noisy = seasons(&made(3600, 28.0, |_| 50.0 + noise()));
        assert_eq!(
            noisy.to_string(),
            "not periodic: nothing repeats, or it is too short or too even to tell"
        );
        let says = noisy.unfit().unwrap().to_string();
        assert_eq!(says, "not periodic: the strongest period has a strength of 0.00, 0.10 is needed");
        let even = seasons(&made(3600, 28.0, |_| 5.0));
        assert_eq!(even.to_string(), "not periodic: nothing repeats, or it is too short or too even to tell");
        assert_eq!((even.day, even.week), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn knows_no_week_before_two_weeks() {
        let short = seasons(&made(3600, 10.0, |h| 10.0 + wave(h, 24.0)));
        assert!(short.day.unwrap() > 0.99);
        assert_eq!(short.week, None);
        let hours = seasons(&made(3600, 1.5, |h| h));
        assert_eq!((hours.day, hours.week, hours.found.len()), (None, None, 0));
        assert_eq!(seasons(&made(3600, 0.0, |h| h)).day, None);
    }

    #[test]
    fn weakens_with_the_noise() {
        let mut noise = chance(7);
        let mut strength =
            |loud: f64| seasons(&made(3600, 56.0, |h| 50.0 + wave(h, 24.0) + loud * noise())).day.unwrap();
        // A sine has a variance of 1/2, the noise of a third of its loudness squared.
        assert!((strength(1.0) - 0.5 / (0.5 + 1.0 / 3.0)).abs() < 0.05);
        assert!((strength(3.0) - 0.5 / (0.5 + 3.0)).abs() < 0.05);
    }
}
