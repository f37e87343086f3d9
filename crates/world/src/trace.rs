use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::Series;

/// Minutes in a day.
pub const DAY: usize = 1_440;
/// Minutes in a bin, the step in which demand is forecast.
pub const BIN: usize = 5;
/// Bins in a day.
pub const DAY_BINS: usize = DAY / BIN;

/// Demand minute by minute, without gaps: what a rehearsal is played upon.
///
/// Invariant: at least one minute; every value is finite and not negative.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// What it is called in tables.
    pub name: String,
    /// The first minute.
    pub start: Timestamp,
    demand: Vec<f64>,
}

impl Trace {
    /// A trace of these values, one a minute.
    ///
    /// # Panics
    /// If it is empty, or a value is negative or not finite.
    pub fn new(name: impl Into<String>, start: Timestamp, demand: Vec<f64>) -> Self {
        assert!(!demand.is_empty(), "a trace has at least one minute");
        let bad = demand.iter().position(|d| !(d.is_finite() && *d >= 0.0));
        assert!(bad.is_none(), "demand is finite and not negative; minute {bad:?} is not");
        Self { name: name.into(), start, demand }
    }

    /// A measured series as minutes: finer ones averaged, coarser ones drawn out linearly between the centres of
    /// their intervals, gaps filled with last week's value, else yesterday's, else the one before.
    ///
    /// Also says how many points of the series were filled. None if nothing was measured at all.
    pub fn from_series(name: impl Into<String>, series: &Series) -> Option<(Self, usize)> {
        let first = series.values().iter().position(|v| v.is_finite())?;
        let grid = series.grid().slice(first, series.len());
        let (points, filled) = fill(&series.values()[first..], grid.day());
        let demand = if grid.step_s < 60 {
            points.chunks((60 / grid.step_s).max(1) as usize).map(mean).collect()
        } else {
            drawn_out(&points, (grid.step_s / 60) as usize)
        };
        Some((Self::new(name, grid.start, demand), filled))
    }

    /// The demand of each minute.
    pub fn demand(&self) -> &[f64] {
        &self.demand
    }

    /// Minutes.
    pub fn minutes(&self) -> usize {
        self.demand.len()
    }

    /// When a minute begins.
    pub fn at(&self, minute: usize) -> Timestamp {
        let after = SignedDuration::from_mins(minute as i64);
        self.start.saturating_add(after).expect("a duration of minutes has no calendar units to refuse")
    }

    /// Which minute `time` lies in; none outside the trace.
    pub fn minute(&self, time: Timestamp) -> Option<usize> {
        let minute = (time.as_second() - self.start.as_second()).div_euclid(60);
        (0..self.demand.len() as i64).contains(&minute).then_some(minute as usize)
    }

    /// Where scoring starts unless one says otherwise: at half of the history, or 28 days before its end when it is
    /// 60 days or longer; a whole number of days from its start. What comes before is for learning.
    pub fn usual_score_from(&self) -> usize {
        let n = self.minutes();
        let from = if n < 60 * DAY { n / 2 } else { n - 28 * DAY };
        from - from % DAY
    }

    /// The throughput at which the 99.5th percentile of demand before `score_from` needs 50 servers, to six digits.
    pub fn usual_throughput(&self, score_from: usize) -> f64 {
        let known = if score_from > 0 { &self.demand[..score_from] } else { &self.demand[..] };
        let share = percentile(known, 0.995) / 50.0;
        let rounded = format!("{share:.5e}").parse().expect("a formatted number is a number");
        if rounded > 0.0 { rounded } else { 1.0 }
    }

    /// The most demand of each bin's minutes, as a series of five-minute steps; the last bin may be short.
    pub fn peaks(&self) -> Vec<f64> {
        self.demand.chunks(BIN).map(|bin| bin.iter().copied().fold(0.0, f64::max)).collect()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The `p`-quantile, linear between order statistics.
fn percentile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = p * (sorted.len() - 1) as f64;
    let below = sorted[at.floor() as usize];
    below + at.fract() * (sorted[at.ceil() as usize] - below)
}

fn fill(values: &[f64], day: Option<usize>) -> (Vec<f64>, usize) {
    let day = day.unwrap_or(1);
    let mut out: Vec<f64> = Vec::with_capacity(values.len());
    let mut filled = 0;
    for (i, value) in values.iter().enumerate() {
        let earlier = || [7 * day, day, 1].into_iter().find(|lag| *lag <= i).map_or(0.0, |lag| out[i - lag]);
        filled += usize::from(!value.is_finite());
        out.push(if value.is_finite() { *value } else { earlier() });
    }
    (out, filled)
}

fn drawn_out(points: &[f64], minutes: usize) -> Vec<f64> {
    let n = points.len();
    let centre = |minute: usize| (minute as f64 + 0.5) / minutes as f64 - 0.5;
    (0..n * minutes)
        .map(|minute| {
            let at = centre(minute).clamp(0.0, (n - 1) as f64);
            let left = at.floor() as usize;
            points[left] + at.fract() * (points[(left + 1).min(n - 1)] - points[left])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use tidecast_forecast::Grid;

    use super::*;

    fn series(step_s: i64, values: &[f64]) -> Series {
        Series::new(Grid::new("2026-01-05T00:00:00Z".parse().unwrap(), step_s, values.len()), values.to_vec())
    }

    #[test]
    fn draws_coarse_points_out_between_their_centres() {
        let (trace, filled) = Trace::from_series("ramp", &series(120, &[2.0, 4.0])).unwrap();
        assert_eq!(trace.demand(), [2.0, 2.5, 3.5, 4.0]);
        assert_eq!(filled, 0);
    }

    #[test]
    fn averages_finer_points_and_fills_gaps_from_before() {
        let (trace, filled) =
            Trace::from_series("fine", &series(30, &[f64::NAN, 1.0, 3.0, f64::NAN, 5.0])).unwrap();
        assert_eq!(trace.demand(), [2.0, 4.0]);
        assert_eq!(filled, 1);
        assert_eq!(Trace::from_series("void", &series(30, &[f64::NAN])), None);
    }

    #[test]
    fn scores_from_half_of_a_short_history_and_the_last_four_weeks_of_a_long_one() {
        let of = |days: usize| {
            Trace::new("", Timestamp::UNIX_EPOCH, vec![1.0; days * DAY]).usual_score_from() / DAY
        };
        assert_eq!((of(11), of(59), of(60)), (5, 29, 32));
    }
}
