//! The model of last resort: it knows no time, only what has been seen at all.

use crate::{Fan, Fitted, Forecast, Grid, LEVELS, Model, Series, Unfit};

/// The spread of everything measured, the same for every future point.
///
/// # What it assumes
/// Only that the future is not wilder than half as far again as what has been seen.
///
/// # When it shines
/// On the first day, when there is nothing to recur yet: it gives a wide but honest fan where others decline.
///
/// # When it fails
/// Always, once another model can speak: it knows neither the hour nor the newest value.
///
/// # Source
/// The empirical distribution, its order statistics at level · (n + 1); beyond them, the upper (lower) half of the range
/// is drawn out linearly.
///
/// # Example
/// ```
/// use tidecast_forecast::{Grid, Model, Series, models::AllSeen};
/// let grid = Grid::new("2026-01-05T00:00:00Z".parse().unwrap(), 3600, 5);
/// let history = Series::new(grid, vec![30.0, 10.0, 20.0, 40.0, f64::NAN]);
/// let fan = AllSeen.fit(&history).unwrap().forecast(&history, grid.after(1)).fans()[0];
/// assert_eq!(fan.median(), 25.0);
/// assert!(fan.at(0.99) > 40.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllSeen;

impl Model for AllSeen {
    fn name(&self) -> String {
        "all_seen".into()
    }

    fn fit(&self, history: &Series) -> Result<Box<dyn Fitted>, Unfit> {
        let step_s = history.grid().step_s;
        let have_s = step_s * history.measured() as i64;
        if history.measured() < 2 {
            Err(Unfit::TooShort { need_s: 2 * step_s, have_s })
        } else {
            Ok(Box::new(*self))
        }
    }
}

impl Fitted for AllSeen {
    fn forecast(&self, history: &Series, horizon: Grid) -> Forecast {
        let mut seen: Vec<f64> = history.values().iter().copied().filter(|v| v.is_finite()).collect();
        seen.sort_by(f64::total_cmp);
        let fan = Fan::new(level(&seen, 0.5), LEVELS.map(|l| level(&seen, l)));
        Forecast::new(horizon, vec![fan; horizon.len], self.name())
    }
}

/// The quantile of sorted values at `level`.
fn level(seen: &[f64], level: f64) -> f64 {
    let (first, middle, last) = (seen[0], seen[seen.len() / 2], seen[seen.len() - 1]);
    let at = level * (seen.len() + 1) as f64 - 1.0;
    match at {
        at if at < 0.0 => first + at * (middle - first),
        at if at > (seen.len() - 1) as f64 => last + (at - (seen.len() - 1) as f64) * (last - middle),
        at => {
            seen[at as usize] + at.fract() * (seen[(at as usize + 1).min(seen.len() - 1)] - seen[at as usize])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(values: &[f64]) -> Series {
        Series::new(Grid::new("2026-01-05T00:00:00Z".parse().unwrap(), 3600, values.len()), values.to_vec())
    }

    #[test] // B1
    fn speaks_from_two_measurements_on() {
        assert!(AllSeen.fit(&history(&[5.0, f64::NAN])).is_err());
        let two = history(&[5.0, 7.0]);
        let fan = AllSeen.fit(&two).unwrap().forecast(&two, two.grid().after(3)).fans()[2];
        assert_eq!(fan.median(), 6.0);
        assert!(fan.quantiles().windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn is_certain_of_a_constant_only() {
        let same = history(&[4.0; 30]);
        let fan = AllSeen.fit(&same).unwrap().forecast(&same, same.grid().after(1)).fans()[0];
        assert_eq!((fan.at(0.01), fan.at(0.999)), (4.0, 4.0));
    }
}
