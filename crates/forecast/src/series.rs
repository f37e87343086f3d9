use serde::{Deserialize, Serialize};

use crate::Grid;

/// Values on a grid. NaN is "not measured", which is never zero; all other values are finite and ≥ 0.
///
/// ```
/// use tidecast_forecast::{Grid, Series};
/// let grid = Grid::new("2026-03-01T00:00:00Z".parse().unwrap(), 300, 3);
/// let series = Series::new(grid, vec![4.0, f64::NAN, 6.0]);
/// assert_eq!(series.measured(), 2);
/// assert_eq!(series.last_measured(), Some((2, 6.0)));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    grid: Grid,
    #[serde(with = "gaps_as_null")]
    values: Vec<f64>,
}

impl Series {
    /// A series with as many values as the grid has points.
    ///
    /// # Panics
    /// If the lengths differ, or a value is infinite or negative: what comes from outside goes through
    /// [`crate::Samples`], which refuses such values by name.
    pub fn new(grid: Grid, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), grid.len, "a series has a value for each point of its grid");
        let bad = values.iter().position(|v| *v < 0.0 || v.is_infinite());
        assert!(bad.is_none(), "a series' values are finite and not negative; value {bad:?} is not");
        Self { grid, values }
    }

    /// The axis.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// The values, NaN where nothing was measured.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How many points, measured or not.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it has no point at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many points were measured.
    pub fn measured(&self) -> usize {
        self.values.iter().filter(|v| v.is_finite()).count()
    }

    /// The newest measured point and its index.
    pub fn last_measured(&self) -> Option<(usize, f64)> {
        self.values.iter().copied().enumerate().rev().find(|(_, v)| v.is_finite())
    }

    /// The mean of what was measured.
    pub fn mean(&self) -> Option<f64> {
        let n = self.measured();
        (n > 0).then(|| self.values.iter().filter(|v| v.is_finite()).sum::<f64>() / n as f64)
    }

    /// The points `from..to` as a series of their own.
    pub fn slice(&self, from: usize, to: usize) -> Self {
        Self { grid: self.grid.slice(from, to), values: self.values[from..to].to_vec() }
    }

    /// The most of each interval of `step_s` seconds, aligned to the epoch: what capacity must cover. One of which fewer
    /// than half of the points were measured is not measured. Longer steps than these stay as they are.
    ///
    /// ```
    /// use tidecast_forecast::{Grid, Series};
    /// let grid = Grid::new("2026-03-01T00:03:00Z".parse().unwrap(), 60, 12);
    /// let gaps = [2.0, 3.0, 1.0, 7.0, f64::NAN, 2.0, 1.0, 9.0, f64::NAN, f64::NAN, f64::NAN, 4.0];
    /// let peaks = Series::new(grid, gaps.to_vec()).peaks(300);
    /// assert_eq!(peaks.grid().start.to_string(), "2026-03-01T00:00:00Z");
    /// assert_eq!((peaks.values()[1], peaks.measured()), (7.0, 1));
    /// ```
    #[must_use]
    pub fn peaks(&self, step_s: i64) -> Self {
        let per = step_s / self.grid.step_s;
        if per <= 1 || self.is_empty() {
            return self.clone();
        }
        let place = |i: usize| self.grid.at(i).as_second().div_euclid(step_s);
        let first = place(0);
        let len = (place(self.len() - 1) - first + 1) as usize;
        let mut most = vec![(f64::NAN, 0); len];
        for (i, value) in self.values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            let (peak, count) = &mut most[(place(i) - first) as usize];
            (*peak, *count) = (peak.max(*value), *count + 1);
        }
        let known = most.into_iter().map(|(peak, count)| if 2 * count >= per { peak } else { f64::NAN });
        let start = jiff::Timestamp::from_second(first * step_s).unwrap_or(self.grid.start);
        Self { grid: Grid::new(start, step_s, len), values: known.collect() }
    }

    /// One point more, at the end.
    pub fn push(&mut self, value: f64) {
        assert!(!(value < 0.0 || value.is_infinite()), "a series takes no value {value}");
        self.values.push(value);
        self.grid.len += 1;
    }
}

/// JSON has no NaN: a gap is `null` there.
mod gaps_as_null {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|v| v.is_finite().then_some(*v)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(from)?;
        Ok(values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "value Some(1) is not")]
    fn refuses_negative_values() {
        Series::new(Grid::new("2026-01-01T00:00:00Z".parse().unwrap(), 60, 2), vec![1.0, -1.0]);
    }
}
