use std::collections::VecDeque;

use crate::{Fan, Grid, LEVELS};

/// How long weekly naive remembers its own errors, in days.
const MEMORY_DAYS: usize = 28;

/// Weekly naive, the forecast against which every other is measured: last week's value, with the quantiles of
/// its own errors over the last 28 days around it. Grown one point at a time, it knows nothing of the future.
///
/// A missing value is first filled by the (filled) value one week, else one day, else one step before, else
/// zero; that filling stays inside this reference and is nowhere taken for a measurement.
///
/// ```
/// use tidecast_forecast::{Grid, WeeklyNaive};
/// let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), 3600, 0);
/// let mut naive = WeeklyNaive::new(grid).unwrap();
/// (0..400).for_each(|hour| naive.push(f64::from(hour % 24)));
/// assert_eq!(naive.ahead(1), f64::from(400 % 24));
/// assert_eq!(naive.offset(0.9), 0.0);
/// ```
#[derive(Debug, Clone)]
pub struct WeeklyNaive {
    day: usize,
    week: usize,
    filled: Vec<f64>,
    errors: VecDeque<(usize, f64)>,
    sorted: Vec<f64>,
}

impl WeeklyNaive {
    /// Knows nothing yet; none where a day is not a whole number of steps.
    pub fn new(grid: Grid) -> Option<Self> {
        let (day, week) = (grid.day()?, grid.week()?);
        Some(Self { day, week, filled: Vec::new(), errors: VecDeque::new(), sorted: Vec::new() })
    }

    /// The next value of the series, NaN where nothing was measured.
    pub fn push(&mut self, value: f64) {
        let now = self.filled.len();
        if value.is_finite() && now >= self.week {
            self.remember(now, value - self.filled[now - self.week]);
        }
        self.forget(now);
        let filled = if value.is_nan() { self.before(now) } else { value };
        self.filled.push(filled);
    }

    /// The value expected `steps` after the last one pushed.
    pub fn ahead(&self, steps: usize) -> f64 {
        let known = self.filled.len();
        let mut at = known + steps - 1;
        while at >= known && at >= self.week {
            at -= self.week;
        }
        while at >= known && at >= self.day {
            at -= self.day;
        }
        self.filled.get(at.min(known.wrapping_sub(1))).copied().unwrap_or(0.0)
    }

    /// What to add to [`WeeklyNaive::ahead`] for its quantile at `level`, before cutting off below zero: the
    /// order statistic at `level · (m + 1)` of the m errors remembered, interpolated; zero without errors.
    pub fn offset(&self, level: f64) -> f64 {
        let Some(last) = self.sorted.len().checked_sub(1) else { return 0.0 };
        let at = (level * (last + 2) as f64 - 1.0).clamp(0.0, last as f64);
        let (low, share) = (at as usize, at.fract());
        self.sorted[low] + share * (self.sorted[(low + 1).min(last)] - self.sorted[low])
    }

    /// The forecast `steps` ahead as a fan.
    pub fn fan(&self, steps: usize) -> Fan {
        let point = self.ahead(steps);
        Fan::new(point, LEVELS.map(|level| point + self.offset(level)))
    }

    /// Everything pushed so far, with its gaps filled.
    pub fn filled(&self) -> &[f64] {
        &self.filled
    }

    fn before(&self, now: usize) -> f64 {
        let lag = [self.week, self.day, 1].into_iter().find(|lag| *lag <= now);
        lag.map_or(0.0, |lag| self.filled[now - lag])
    }

    fn remember(&mut self, now: usize, error: f64) {
        self.errors.push_back((now, error));
        self.sorted.insert(self.sorted.partition_point(|e| *e < error), error);
    }

    fn forget(&mut self, now: usize) {
        while let Some((_, error)) = self.errors.pop_front_if(|(t, _)| *t + MEMORY_DAYS * self.day <= now) {
            self.sorted.remove(self.sorted.partition_point(|e| *e < error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(step_s: i64, values: impl IntoIterator<Item = f64>) -> WeeklyNaive {
        let grid = Grid::new("2026-03-02T00:00:00Z".parse().unwrap(), step_s, 0);
        let mut naive = WeeklyNaive::new(grid).unwrap();
        values.into_iter().for_each(|v| naive.push(v));
        naive
    }

    #[test]
    fn fills_a_gap_from_last_week_then_yesterday_then_the_step_before() {
        let gap = f64::NAN;
        assert_eq!(naive(86_400, [gap]).filled(), [0.0]);
        assert_eq!(naive(43_200, [3.0, gap, gap]).filled(), [3.0, 3.0, 3.0]);
        let week = naive(86_400, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, gap, gap]);
        assert_eq!(week.filled()[7..], [1.0, 2.0]);
    }

    #[test]
    fn repeats_the_last_week_however_far_ahead() {
        let week = naive(86_400, (0..9).map(f64::from));
        assert_eq!(week.ahead(1), 2.0);
        assert_eq!(week.ahead(7), 8.0);
        assert_eq!(week.ahead(8), 2.0);
        assert_eq!(naive(43_200, [1.0, 2.0, 3.0]).ahead(1), 2.0, "yesterday, before there is a last week");
        assert_eq!(naive(43_200, [1.0]).ahead(1), 1.0);
        assert_eq!(naive(43_200, []).ahead(3), 0.0);
    }

    #[test]
    fn forgets_its_errors_after_four_weeks() {
        let jump = naive(86_400, (0..43).map(|day| if day < 8 { 0.0 } else { 5.0 }));
        assert_eq!(jump.offset(0.99), 0.0, "the step is in the errors until day 14");
    }
}
