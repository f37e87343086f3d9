use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::span;
use crate::repair::{Finding, FindingKind, repair};
use crate::season::{Season, Seasons, seasons};
use crate::{DAY_S, Series, Unfit, WEEK_S};

/// History needed before days can be told apart at all.
const DAYS_S: i64 = 2 * DAY_S;
/// History needed before weekdays can.
const WEEKS_S: i64 = 2 * WEEK_S;
/// More than this share missing, of the times at which there usually is something, is too much.
const MISSING_MAX: f64 = 0.2;

/// How fit a history is to be forecast from: what is known of it, what speaks against it, and what is used instead.
/// Displays as sentences, one a line.
///
/// ```
/// use tidecast_forecast::{Grid, Series, readiness};
/// let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 3600, 24 * 9);
/// let history = Series::new(grid, (0..24 * 9).map(|hour| f64::from(hour % 24)).collect());
/// assert_eq!(readiness(&history).to_string(), "\
/// 9d of history in steps of 1h, all of it measured
/// repeats every day (strength 1.00)
/// too short: 9d of history are there, 14d are needed; earlier days stand in for earlier weeks, and no weekend is foreseen");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// Seconds of history.
    pub span_s: i64,
    /// Seconds between points.
    pub step_s: i64,
    /// Share of the points that were measured, 0 to 1.
    pub measured: f64,
    /// Its periods.
    pub seasons: Seasons,
    /// What in it is not its usual course.
    pub findings: Vec<Finding>,
    /// What speaks against it; none when it is ready.
    pub doubts: Vec<Doubt>,
}

/// Something that speaks against forecasting from a history as usual. Displays with what is used instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Doubt {
    /// Days cannot be compared: there are not two of them, or their length is no whole number of steps.
    NoDays(Unfit),
    /// Weekdays cannot be compared yet.
    NoWeeks(Unfit),
    /// Nothing repeats.
    NotPeriodic(Unfit),
    /// It repeats, but neither every day nor every week.
    OtherPeriod(Season),
    /// Too much is missing.
    Gaps(Unfit),
    /// The level changed less than two weeks ago.
    YoungLevel(Finding),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDays(why) => write!(f, "{why}; all values seen stand in, whatever the time of day"),
            Self::NoWeeks(why) => {
                write!(f, "{why}; earlier days stand in for earlier weeks, and no weekend is foreseen")
            }
            Self::NotPeriodic(why) => {
                write!(
                    f,
                    "{why}; the newest values and their usual changes carry the forecast, and no rush is foreseen"
                )
            }
            Self::OtherPeriod(season) => {
                write!(
                    f,
                    "it repeats {season}, which days and weeks do not hold; the newest values carry the forecast"
                )
            }
            Self::Gaps(why) => {
                write!(
                    f,
                    "{why}; last week, else yesterday, stands in for them, and no quantile is learned from them"
                )
            }
            Self::YoungLevel(shift) => {
                write!(
                    f,
                    "{shift}; until two weeks have passed, forecasts follow the newest days more than the weeks before"
                )
            }
        }
    }
}

/// How fit this history is to be forecast from (SPEC B1).
pub fn readiness(series: &Series) -> Readiness {
    let seasons = seasons(series);
    let findings = repair(series).findings;
    let grid = series.grid();
    let span_s = grid.step_s * grid.len as i64;
    let measured = series.measured() as f64 / grid.len.max(1) as f64;
    let doubts = [
        short(series, span_s),
        rhythm(series, &seasons, span_s),
        gappy(series),
        young_level(series, &findings),
    ];
    let doubts = doubts.into_iter().flatten().collect();
    Readiness { span_s, step_s: grid.step_s, measured, seasons, findings, doubts }
}

impl Readiness {
    /// Whether nothing speaks against it.
    pub fn is_ready(&self) -> bool {
        self.doubts.is_empty()
    }

    /// What there is, what repeats, what was left out, and every doubt: a sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let measured = match 100.0 * self.measured {
            all if all >= 100.0 => "all of it measured".into(),
            share => format!("{:.0} % of it measured", share.clamp(1.0, 99.0)),
        };
        let there = format!("{} of history in steps of {}, {measured}", span(self.span_s), span(self.step_s));
        let doubts = self.doubts.iter().map(Doubt::to_string);
        let periodic = !self.doubts.iter().any(|doubt| matches!(doubt, Doubt::NotPeriodic(_)));
        let repeats = periodic.then(|| self.seasons.to_string());
        std::iter::once(there).chain(repeats).chain(self.left_out()).chain(doubts).collect()
    }

    /// How much was left out, and its newest piece.
    fn left_out(&self) -> Option<String> {
        let out = |finding: &&Finding| !matches!(finding.kind, FindingKind::Gap | FindingKind::Shift);
        let left_out: Vec<&Finding> = self.findings.iter().filter(out).collect();
        let newest = left_out.last()?;
        Some(match left_out.len() {
            1 => newest.to_string(),
            n => format!("{n} outages, spikes and unusual times not learned from; the newest: {newest}"),
        })
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentences().join("\n"))
    }
}

fn short(series: &Series, have_s: i64) -> Option<Doubt> {
    let step_s = series.grid().step_s;
    let short = |need_s: i64| Unfit::TooShort { need_s, have_s };
    match series.grid().day() {
        None => Some(Doubt::NoDays(Unfit::OddStep { step_s })),
        Some(_) if have_s < DAYS_S => Some(Doubt::NoDays(short(DAYS_S))),
        Some(_) if have_s < WEEKS_S => Some(Doubt::NoWeeks(short(WEEKS_S))),
        Some(_) => None,
    }
}

/// Whether a day or a week holds what repeats; not asked of less than two days.
fn rhythm(series: &Series, seasons: &Seasons, have_s: i64) -> Option<Doubt> {
    if series.grid().day().is_none() || have_s < DAYS_S {
        return None;
    }
    if let Some(why) = seasons.unfit() {
        return Some(Doubt::NotPeriodic(why));
    }
    // A part of a day repeats with the day.
    let of_a_week = |season: &Season| {
        let times = WEEK_S as f64 / season.period_s;
        (times - times.round()).abs() < 0.05 && times > 0.5
    };
    let longest = seasons.found.last().filter(|_| !seasons.found.iter().any(of_a_week))?;
    Some(Doubt::OtherPeriod(*longest))
}

/// What is missing at times of the week at which there is something in every fifth week: closing hours are not gaps.
fn gappy(series: &Series) -> Option<Doubt> {
    let slots = series.grid().week()?.min(series.len().max(1));
    let mut known = vec![(0usize, 0usize); slots];
    for (i, value) in series.values().iter().enumerate() {
        let slot = &mut known[i % slots];
        *slot = (slot.0 + usize::from(value.is_finite()), slot.1 + 1);
    }
    let open = known.iter().filter(|(there, of)| 5 * there > *of);
    let (there, of) = open.fold((0, 0), |sum, slot| (sum.0 + slot.0, sum.1 + slot.1));
    let share = if of > 0 { 1.0 - there as f64 / of as f64 } else { 1.0 };
    let longest = crate::repair::spells(series.values()).into_iter().max_by_key(|(_, length)| *length)?;
    let (longest_from, longest_s) = (series.grid().at(longest.0), longest.1 as i64 * series.grid().step_s);
    (share > MISSING_MAX).then_some(Doubt::Gaps(Unfit::TooManyGaps { share, longest_from, longest_s }))
}

fn young_level(series: &Series, findings: &[Finding]) -> Option<Doubt> {
    let last = findings.iter().rfind(|finding| finding.kind == FindingKind::Shift)?;
    let age_s = series.grid().end().as_second() - last.from.as_second();
    (age_s < WEEKS_S).then_some(Doubt::YoungLevel(*last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grid;

    fn hourly(days: usize, value: impl Fn(usize) -> f64) -> Series {
        let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 3600, 24 * days);
        Series::new(grid, (0..24 * days).map(value).collect())
    }

    fn wave(hour: usize, period: f64) -> f64 {
        50.0 + 20.0 * (hour as f64 / period * std::f64::consts::TAU).sin()
            + ((hour * 7919 + hour * hour * 31) % 7) as f64
    }

    #[track_caller]
    fn check(series: &Series, doubts: &[&str]) {
        let readiness = readiness(series);
        let says: Vec<String> = readiness.doubts.iter().map(Doubt::to_string).collect();
        assert_eq!(says, doubts, "{readiness}");
    }

    #[test] // B1
    fn has_no_doubt_about_weeks_that_repeat() {
        check(&hourly(28, |hour| wave(hour, 24.0)), &[]);
    }

    #[test] // B1
    fn says_how_much_history_is_missing_and_what_stands_in() {
        check(
            &hourly(1, |hour| wave(hour, 24.0)),
            &[
                "too short: 1d of history are there, 2d are needed; all values seen stand in, whatever the time of day",
            ],
        );
        check(
            &hourly(9, |hour| wave(hour, 24.0)),
            &[
                "too short: 9d of history are there, 14d are needed; earlier days stand in for earlier weeks, and no weekend is foreseen",
            ],
        );
        let odd = Series::new(Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 7, 3), vec![1.0; 3]);
        check(
            &odd,
            &[
                "a step of 7 s does not divide a day, so no time of day recurs on this grid; all values seen stand in, whatever the time of day",
            ],
        );
    }

    #[test] // A4
    fn says_how_strong_a_series_is_that_does_not_repeat() {
        let noise = |hour: usize| 50.0 + ((hour * hour * 7919 + hour * 104_729) % 997) as f64 / 50.0;
        check(
            &hourly(28, noise),
            &[
                "not periodic: the strongest period has a strength of 0.00, 0.10 is needed; the newest values and their usual changes carry the forecast, and no rush is foreseen",
            ],
        );
        check(
            &hourly(28, |_| 5.0),
            &[
                "not periodic: the strongest period has a strength of 0.00, 0.10 is needed; the newest values and their usual changes carry the forecast, and no rush is foreseen",
            ],
        );
    }

    #[test]
    fn says_when_it_repeats_in_neither_days_nor_weeks() {
        let odd = readiness(&hourly(56, |hour| wave(hour, 23.0)));
        assert!(matches!(odd.doubts[..], [Doubt::OtherPeriod(_)]), "{odd}");
        assert!(readiness(&hourly(56, |hour| wave(hour, 8.0))).is_ready());
    }

    #[test] // A3
    fn tells_gaps_from_closing_hours() {
        let night = |hour: usize| if hour % 24 < 10 { f64::NAN } else { wave(hour, 24.0) };
        check(&hourly(28, night), &[]);
        let torn = hourly(28, |hour| if hour * 7919 % 10 < 3 { f64::NAN } else { wave(hour, 24.0) });
        let says = readiness(&torn).to_string();
        assert!(says.contains("too many gaps: 30 % of the points are missing"), "{says}");
        let few = hourly(28, |hour| if hour * 7919 % 20 == 3 { f64::NAN } else { wave(hour, 24.0) });
        check(&few, &[]);
    }

    #[test]
    fn says_when_the_level_is_young() {
        let young = readiness(&hourly(42, |hour| wave(hour, 24.0) * if hour > 35 * 24 { 2.0 } else { 1.0 }));
        assert!(matches!(young.doubts[..], [Doubt::YoungLevel(_)]), "{young}");
    }
}
