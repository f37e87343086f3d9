use std::collections::VecDeque;

use crate::anomaly::{DAYS_LIKE_IT, LIKE, POINT_Z, SIZE_MIN};
use crate::past::median;
use crate::{Grid, HOUR_S};

/// Days of which the largest deviations are remembered.
const DAYS: usize = 28;
/// Before so many days, only what no weekday explains is judged.
const DAYS_YOUNG: usize = 14;
/// How fast spreads follow, per visit of their half-hour.
const SPREAD_RATE: f64 = 0.1;

/// What a new value is, judged by what came before it alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// What this time of the day and week makes one expect.
    Usual,
    /// Much less: an outage, of the service or of its measurement.
    Outage {
        /// Measured ÷ expected.
        ratio: f64,
    },
    /// Much more.
    Spike {
        /// Measured ÷ expected.
        ratio: f64,
    },
    /// Nothing was measured.
    Missing,
    /// Not enough history yet to judge.
    TooEarly,
}

impl Verdict {
    /// Whether the value should not be learned from.
    pub fn is_anomaly(self) -> bool {
        matches!(self, Self::Outage { .. } | Self::Spike { .. })
    }
}

/// Judges each new value by its past: the streaming form of [`crate::repair`].
///
/// Expected is the median of this time of the week in the last four weeks (of the last seven days before there are two
/// weeks), moved by what the last hours were off. A value is an anomaly when it is off by six robust spreads of its
/// half-hour of the day, and on at most three of the last 28 days something was off as much: what recurs is the usual
/// course. When most values of three days are anomalies, that is the new level and usual again.
///
/// A value costs at most nine look-ups and a comparison with 28 numbers, well below a microsecond; memory is four weeks
/// of values.
///
/// ```
/// use tidecast_forecast::{Grid, Lookout, Verdict};
/// let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 3600, 0);
/// let mut lookout = Lookout::new(grid).unwrap();
/// let verdicts: Vec<Verdict> = (0..24 * 21).map(|hour| lookout.push(f64::from(100 + hour % 24 + hour % 5))).collect();
/// assert!(verdicts[24 * 14..].iter().all(|verdict| *verdict == Verdict::Usual));
/// assert_eq!(lookout.push(0.0), Verdict::Outage { ratio: 0.0 });
/// ```
#[derive(Debug, Clone)]
pub struct Lookout {
    day: usize,
    hour: usize,
    /// √ of the last four weeks' values, NaN where unknown or an anomaly.
    learned: VecDeque<f64>,
    /// Whether each value of the last three days was an anomaly, and how many were.
    recent: VecDeque<bool>,
    anomalies: usize,
    seen: usize,
    /// How far the last hours were off, and the mean of √value.
    drift: f64,
    level: f64,
    /// Mean |off| of each half-hour of the day, and of all.
    spreads: Vec<f64>,
    spread: f64,
    /// The largest deviations down and up, of each of the last days and of today.
    extremes: VecDeque<[f64; 2]>,
}

impl Lookout {
    /// Knows nothing yet; none where a day is not a whole number of steps.
    pub fn new(grid: Grid) -> Option<Self> {
        let day = grid.day()?;
        Some(Self {
            day,
            hour: grid.steps_in(HOUR_S),
            learned: VecDeque::new(),
            recent: VecDeque::new(),
            anomalies: 0,
            seen: 0,
            drift: 0.0,
            level: f64::NAN,
            spreads: vec![f64::NAN; 48],
            spread: f64::NAN,
            extremes: VecDeque::new(),
        })
    }

    /// Judges the next value, NaN for a gap, and learns from it unless it is an anomaly.
    pub fn push(&mut self, value: f64) -> Verdict {
        if self.seen.is_multiple_of(self.day) {
            self.begin_day();
        }
        let (root, usual) = (value.sqrt(), self.usual());
        let verdict = self.judge(value, root, usual);
        self.learn(root, usual, verdict);
        self.seen += 1;
        verdict
    }

    fn begin_day(&mut self) {
        self.extremes.push_back([0.0; 2]);
        if self.extremes.len() > DAYS + 1 {
            self.extremes.pop_front();
        }
    }

    fn judge(&mut self, value: f64, root: f64, usual: Option<f64>) -> Verdict {
        let Some(usual) = usual.filter(|_| self.spread.is_finite()) else {
            return if value.is_nan() { Verdict::Missing } else { Verdict::TooEarly };
        };
        if value.is_nan() {
            return Verdict::Missing;
        }
        let expected = (usual + self.drift).max(0.0);
        let off = root - expected;
        let slot = self.spreads[self.time_of_day()];
        let spread = if slot.is_finite() { slot.max(0.5 * self.spread) } else { self.spread };
        // For a normal error, the standard deviation is 1.25 times its mean size.
        let far = off.abs() > (POINT_Z * 1.25 * spread).max(SIZE_MIN * self.level);
        let ratio = value / (expected * expected).max(0.01 * self.level * self.level);
        let credible = self.seen >= DAYS_YOUNG * self.day || !(0.2..3.0).contains(&ratio);
        let rare = self.is_rare(off);
        match off < 0.0 {
            _ if !(far && rare && credible) || self.is_new_level() => Verdict::Usual,
            true => Verdict::Outage { ratio },
            false => Verdict::Spike { ratio },
        }
    }

    /// Notes the deviation, and tells whether few days had the like.
    fn is_rare(&mut self, off: f64) -> bool {
        let side = usize::from(off > 0.0);
        let like_it = self.extremes.iter().filter(|day| day[side] >= LIKE * off.abs()).count();
        if let Some(today) = self.extremes.back_mut() {
            today[side] = today[side].max(off.abs());
        }
        like_it <= DAYS_LIKE_IT
    }

    fn is_new_level(&self) -> bool {
        self.recent.len() == 3 * self.day && 5 * self.anomalies > 3 * self.recent.len()
    }

    fn learn(&mut self, root: f64, usual: Option<f64>, verdict: Verdict) {
        let anomaly = verdict.is_anomaly();
        self.count(anomaly);
        self.learned.push_back(if anomaly { f64::NAN } else { root });
        if self.learned.len() > DAYS * self.day {
            self.learned.pop_front();
        }
        if anomaly || root.is_nan() {
            return;
        }
        self.level = follow(self.level, root, 1.0 / (7 * self.day) as f64);
        if let Some(usual) = usual {
            let off = (root - usual - self.drift).abs();
            let slot = self.time_of_day();
            let tame = |mean: f64| if mean.is_finite() { off.min(4.0 * mean) } else { off };
            self.spreads[slot] = follow(self.spreads[slot], tame(self.spreads[slot]), self.slot_rate());
            self.spread = follow(self.spread, tame(self.spread), 1.0 / self.day as f64);
            self.drift = follow(self.drift, root - usual, 1.0 / (6 * self.hour) as f64);
        }
    }

    fn count(&mut self, anomaly: bool) {
        self.recent.push_back(anomaly);
        self.anomalies += usize::from(anomaly);
        if self.recent.len() > 3 * self.day {
            self.anomalies -= usize::from(self.recent.pop_front() == Some(true));
        }
    }

    /// A half-hour of the day has several points where steps are short.
    fn slot_rate(&self) -> f64 {
        SPREAD_RATE / (self.day as f64 / 48.0).max(1.0)
    }

    fn time_of_day(&self) -> usize {
        self.seen % self.day * 48 / self.day
    }

    /// The middle of this time in the last four weeks, or in the last seven days as long as there are not two.
    fn usual(&self) -> Option<f64> {
        let week = 7 * self.day;
        let weeks = self.middle((1..=4).map(|k| k * week));
        weeks
            .filter(|(_, n)| *n >= 2)
            .or_else(|| self.middle((1..=7).map(|k| k * self.day)).filter(|(_, n)| *n >= 3))
            .map(|(middle, _)| middle)
    }

    fn middle(&self, lags: impl Iterator<Item = usize>) -> Option<(f64, usize)> {
        let (mut found, mut n) = ([f64::NAN; 7], 0);
        for lag in lags {
            let root = self.learned.len().checked_sub(lag).map_or(f64::NAN, |i| self.learned[i]);
            if root.is_finite() {
                found[n] = root;
                n += 1;
            }
        }
        (n > 0).then(|| (median(&mut found[..n]), n))
    }
}

/// An exponential mean, begun with its first value.
fn follow(mean: f64, value: f64, rate: f64) -> f64 {
    if mean.is_finite() { mean + rate * (value - mean) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: usize = 288;

    fn demand(i: usize) -> f64 {
        let weekday = i / DAY % 7;
        let noise = 1.0 + 0.1 * (((i * 7919 + i * i * 31) % 101) as f64 / 101.0 - 0.5);
        let day = 1.3 + (i as f64 / DAY as f64 * std::f64::consts::TAU).sin();
        100.0 * day * noise * if weekday > 4 { 0.6 } else { 1.0 }
    }

    fn watched(days: usize, value: impl Fn(usize) -> f64) -> Vec<Verdict> {
        let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 300, 0);
        let mut lookout = Lookout::new(grid).unwrap();
        (0..days * DAY).map(|i| lookout.push(value(i))).collect()
    }

    fn anomalies(verdicts: &[Verdict]) -> Vec<usize> {
        (0..verdicts.len()).filter(|i| verdicts[*i].is_anomaly()).collect()
    }

    #[test] // A1
    fn knows_an_outage_from_its_first_value_and_the_storm_after_it() {
        let outage = 20 * DAY + 100..20 * DAY + 104;
        let storm = 20 * DAY + 104..20 * DAY + 108;
        let verdicts = watched(24, |i| {
            if outage.contains(&i) {
                0.0
            } else if storm.contains(&i) {
                2.5 * demand(i)
            } else {
                demand(i)
            }
        });
        assert_eq!(anomalies(&verdicts), (outage.start..storm.end).collect::<Vec<_>>());
        assert!(matches!(verdicts[outage.start], Verdict::Outage { ratio } if ratio == 0.0));
        assert!(matches!(verdicts[storm.start], Verdict::Spike { ratio } if ratio > 2.0));
    }

    #[test]
    fn takes_bursts_that_recur_for_the_usual_course() {
        let burst = |i: usize| i % 36 == (i / 500) % 4;
        let verdicts = watched(35, |i| if burst(i) { 4.0 * demand(i) } else { demand(i) });
        assert_eq!(anomalies(&verdicts[14 * DAY..]), []);
    }

    #[test]
    fn takes_a_new_level_for_usual_after_three_days() {
        let verdicts = watched(42, |i| if i >= 21 * DAY { 2.5 * demand(i) } else { demand(i) });
        let found = anomalies(&verdicts);
        assert_eq!(found[0], 21 * DAY);
        assert!(*found.last().unwrap() < 25 * DAY, "{:?}", found.last());
    }

    #[test]
    fn does_not_take_the_first_weekend_for_an_outage() {
        assert_eq!(anomalies(&watched(21, demand)), []);
    }

    #[test]
    fn says_what_is_missing_and_when_it_is_too_early() {
        let verdicts = watched(21, |i| if i == 5 || i == 15 * DAY { f64::NAN } else { demand(i) });
        assert_eq!((verdicts[5], verdicts[15 * DAY]), (Verdict::Missing, Verdict::Missing));
        assert_eq!(verdicts[2 * DAY], Verdict::TooEarly);
        assert_eq!(verdicts[5 * DAY], Verdict::Usual);
    }
}
