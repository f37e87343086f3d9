use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Seconds in an hour.
pub const HOUR_S: i64 = 3_600;
/// Seconds in a day of 24 hours.
pub const DAY_S: i64 = 86_400;
/// Seconds in a week of seven 24-hour days.
pub const WEEK_S: i64 = 7 * DAY_S;

/// A regular axis of time: `len` points, `step_s` seconds apart, the first at `start`.
///
/// A point names the interval that begins there. Invariant: `step_s > 0`.
///
/// ```
/// use tidecast_forecast::Grid;
/// let grid = Grid::new("2026-03-01T00:00:00Z".parse().unwrap(), 300, 3);
/// assert_eq!(grid.at(2).to_string(), "2026-03-01T00:10:00Z");
/// assert_eq!(grid.index(grid.at(2)), Some(2));
/// assert_eq!(grid.after(2).start, grid.end());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// The first point.
    pub start: Timestamp,
    /// Seconds between neighbours; at least one.
    pub step_s: i64,
    /// How many points.
    pub len: usize,
}

impl Grid {
    /// A grid of `len` points from `start` on.
    ///
    /// # Panics
    /// If `step_s` is not positive: a caller's bug, for steps from outside are checked where they enter.
    pub fn new(start: Timestamp, step_s: i64, len: usize) -> Self {
        assert!(step_s > 0, "a grid's step is positive, not {step_s} s");
        Self { start, step_s, len }
    }

    /// One single point.
    pub fn point(at: Timestamp, step_s: i64) -> Self {
        Self::new(at, step_s, 1)
    }

    /// The time of point `index`, which may lie beyond the grid; the end of time if it has no timestamp.
    pub fn at(&self, index: usize) -> Timestamp {
        self.shifted(index as i64)
    }

    /// The time `steps` from the start on, before it if negative.
    pub fn shifted(&self, steps: i64) -> Timestamp {
        let delta = SignedDuration::from_secs(self.step_s.saturating_mul(steps));
        self.start.saturating_add(delta).expect("a duration of seconds has no calendar units to refuse")
    }

    /// The end of the last interval.
    pub fn end(&self) -> Timestamp {
        self.at(self.len)
    }

    /// Which interval holds `time`; none outside the grid.
    pub fn index(&self, time: Timestamp) -> Option<usize> {
        let steps = self.steps_to(time);
        (0..self.len as i64).contains(&steps).then_some(steps as usize)
    }

    /// Whole steps from the start to `time`, rounded down; negative before the start.
    pub fn steps_to(&self, time: Timestamp) -> i64 {
        (time.as_second() - self.start.as_second()).div_euclid(self.step_s)
    }

    /// The grid of `len` points that follows directly upon this one.
    pub fn after(&self, len: usize) -> Self {
        Self::new(self.end(), self.step_s, len)
    }

    /// The points `from..to` of this grid.
    pub fn slice(&self, from: usize, to: usize) -> Self {
        Self::new(self.at(from), self.step_s, to.saturating_sub(from))
    }

    /// Steps in a day of 24 hours, if a day is a whole number of them.
    pub fn day(&self) -> Option<usize> {
        (DAY_S % self.step_s == 0).then_some((DAY_S / self.step_s) as usize)
    }

    /// Steps in a week, if a day is a whole number of them.
    pub fn week(&self) -> Option<usize> {
        self.day().map(|day| 7 * day)
    }

    /// How many steps make `seconds`: rounded down, at least one.
    pub fn steps_in(&self, seconds: i64) -> usize {
        (seconds / self.step_s).max(1) as usize
    }

    /// All points in order.
    pub fn times(&self) -> impl Iterator<Item = Timestamp> + '_ {
        (0..self.len).map(|i| self.at(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(step_s: i64, len: usize) -> Grid {
        Grid::new("2026-01-01T00:00:00Z".parse().expect("a timestamp"), step_s, len)
    }

    #[test]
    fn knows_days_only_where_a_day_is_whole() {
        assert_eq!(grid(300, 1).day(), Some(288));
        assert_eq!(grid(300, 1).week(), Some(2016));
        assert_eq!(grid(7, 1).day(), None);
    }

    #[test]
    fn lies_nowhere_outside_itself() {
        let grid = grid(60, 10);
        assert_eq!(grid.index(grid.end()), None);
        assert_eq!(grid.index(grid.shifted(-1)), None);
    }

    proptest! {
        #[test]
        fn finds_each_of_its_points_again(step in 1i64..100_000, len in 1usize..500, at in 0usize..500) {
            let grid = grid(step, len);
            prop_assert_eq!(grid.index(grid.at(at)), (at < len).then_some(at));
        }
    }
}
