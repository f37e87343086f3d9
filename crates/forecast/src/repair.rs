use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::anomaly::{Anomaly, anomalies};
use crate::model::span;
use crate::{HOUR_S, Series};

/// Gaps of at least this length are listed one by one, if they are not many.
const LONG_GAP_S: i64 = 2 * HOUR_S;
/// More long gaps than this are summed up, as of a service that closes at night.
const GAPS_LISTED: usize = 8;

/// A series fit for learning, and what was found on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Repaired {
    /// The series without what should not be learned: outages, spikes and abnormal days are unknown there.
    /// Nothing is put in their place.
    pub series: Series,
    /// What was found, in the order of time.
    pub findings: Vec<Finding>,
}

impl Repaired {
    /// From when on the level is today's: the latest level shift.
    pub fn counts_from(&self) -> Option<Timestamp> {
        let shifts = self.findings.iter().filter(|finding| finding.kind == FindingKind::Shift);
        shifts.map(|finding| finding.from).next_back()
    }
}

/// Something in a history that is not its usual course.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// When it begins.
    pub from: Timestamp,
    /// Seconds from its beginning to its end; of several gaps, those of the longest.
    pub span_s: i64,
    /// How many points are concerned; none for a level shift.
    pub points: usize,
    /// What was measured ÷ what was to be expected; for a level shift, the new level ÷ the old; 0 for gaps.
    pub ratio: f64,
}

/// What can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FindingKind {
    /// Nothing was measured.
    Gap,
    /// Much less than at this time on other days, for hours at most.
    Outage,
    /// Much more than at this time on other days, for hours at most.
    Spike,
    /// A day, or most of one, unlike the same day of other weeks.
    Unusual,
    /// From here on all is more, or less; nothing is left out, but what came before tells less.
    Shift,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, from, span_s, points, ratio } = self;
        let length = span(*span_s);
        let share = Ratio(*ratio);
        match kind {
            FindingKind::Gap if *points as i64 == 1 => write!(f, "gap of one point at {from}, left unknown"),
            FindingKind::Gap => {
                write!(
                    f,
                    "{points} points missing and left unknown, {length} of them at a stretch from {from} on"
                )
            }
            FindingKind::Outage => {
                write!(
                    f,
                    "outage from {from} for {length}: {share} what was to be expected; not learned from"
                )
            }
            FindingKind::Spike => {
                write!(f, "spike from {from} for {length}: {share} what was to be expected; not learned from")
            }
            FindingKind::Unusual => {
                write!(f, "unusual from {from} for {length}: {share} other weeks' demand; not learned from")
            }
            FindingKind::Shift => {
                write!(f, "level shift at {from}: {share} the level before; history counts from then on")
            }
        }
    }
}

/// A ratio as people say it: `3 % of`, `5.2 times`.
struct Ratio(f64);

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ratio if ratio < 0.995 => write!(f, "{:.0} % of", 100.0 * ratio),
            ratio => write!(f, "{ratio:.2} times"),
        }
    }
}

/// Finds and names outages, spikes, abnormal days, level shifts and gaps, and makes unknown what should not be
/// learned. Knows only the series it is given: of a history up to now, nothing later than now.
///
/// Bursts that recur are demand and stay. A level shift leaves everything in its place.
///
/// ```
/// use tidecast_forecast::{FindingKind, Grid, Series, repair};
/// let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 3600, 24 * 28);
/// let mut values: Vec<f64> = (0..24 * 28).map(|hour| f64::from(100 + hour % 24)).collect();
/// values[500..504].fill(0.0);
/// let repaired = repair(&Series::new(grid, values));
/// assert_eq!(repaired.findings[0].kind, FindingKind::Outage);
/// assert_eq!(repaired.findings[0].to_string(), "outage from 2026-03-22T20:00:00Z for 4h: 0 % of what was to be expected; not learned from");
/// assert_eq!(repaired.series.measured(), 24 * 28 - 4);
/// ```
pub fn repair(series: &Series) -> Repaired {
    let mut findings = gaps(series);
    let found = anomalies(series);
    let mut values = series.values().to_vec();
    for anomaly in &found {
        if !matches!(anomaly.kind, FindingKind::Shift) {
            anomaly.points.iter().for_each(|point| values[*point] = f64::NAN);
        }
    }
    findings.extend(found.iter().map(|anomaly| finding(series, anomaly)));
    findings.sort_by_key(|finding| (finding.from, finding.kind));
    Repaired { series: Series::new(series.grid(), values), findings }
}

fn finding(series: &Series, anomaly: &Anomaly) -> Finding {
    let grid = series.grid();
    let Anomaly { kind, from, to, ratio, .. } = *anomaly;
    let span_s = (to - from) as i64 * grid.step_s;
    Finding { kind, from: grid.at(from), span_s, points: anomaly.points.len(), ratio }
}

/// Long gaps one by one, unless they are many; the rest summed up under its longest.
fn gaps(series: &Series) -> Vec<Finding> {
    let grid = series.grid();
    let gap = |from: usize, points: usize, length: usize| Finding {
        kind: FindingKind::Gap,
        from: grid.at(from),
        span_s: length as i64 * grid.step_s,
        points,
        ratio: 0.0,
    };
    let spells = spells(series.values());
    let is_long = |length: usize| length as i64 * grid.step_s >= LONG_GAP_S;
    let listed = spells.iter().filter(|(_, length)| is_long(*length)).count() <= GAPS_LISTED;
    let (long, rest): (Vec<_>, Vec<_>) =
        spells.into_iter().partition(|(_, length)| listed && is_long(*length));
    let mut findings: Vec<Finding> =
        long.into_iter().map(|(from, length)| gap(from, length, length)).collect();
    if let Some((from, longest)) = rest.iter().rev().max_by_key(|(_, length)| *length) {
        findings.push(gap(*from, rest.iter().map(|(_, length)| length).sum(), *longest));
    }
    findings
}

/// Where each stretch of unknown values begins, and how long it is.
pub(crate) fn spells(values: &[f64]) -> Vec<(usize, usize)> {
    let mut spells: Vec<(usize, usize)> = Vec::new();
    for (i, _) in values.iter().enumerate().filter(|(_, value)| value.is_nan()) {
        match spells.last_mut() {
            Some((from, length)) if *from + *length == i => *length += 1,
            _ => spells.push((i, 1)),
        }
    }
    spells
}
