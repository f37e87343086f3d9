//! How far a foreign model's forecasts of the past were off, by how far ahead they looked.

use tidecast_forecast::LEVELS;

/// Where one class of leads ends and the next begins, in seconds.
const EDGES_S: [i64; 4] = [3_600, 14_400, 43_200, i64::MAX];
/// The least level that an error is measured against, as a share of the mean.
const LEAST: f64 = 0.02;
/// Normal scores of [`LEVELS`]: how much farther out a tail lies than what was seen.
const SCORES: [f64; LEVELS.len()] = [
    -2.326, -1.645, -1.282, -0.674, 0.0, 0.524, 0.674, 0.842, 1.282, 1.645, 1.960, 2.054, 2.326, 2.576,
    2.878, 3.090, 3.291,
];

/// Errors in units of the root of the level: demand counts things, and counts scatter like their root.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    step_s: i64,
    least: f64,
    errors: [Vec<f64>; EDGES_S.len()],
}

impl Spread {
    pub(super) fn new(step_s: i64, mean: f64) -> Self {
        Self { step_s, least: (LEAST * mean).max(f64::MIN_POSITIVE), errors: Default::default() }
    }

    /// Takes in what was foretold `lead` steps ahead, and what came; nothing if that is unknown.
    pub(super) fn learn(&mut self, lead: usize, foretold: f64, came: f64) {
        if came.is_finite() {
            let class = self.class(lead);
            let error = (came - foretold) / self.unit(foretold);
            let at = self.errors[class].partition_point(|known| *known < error);
            self.errors[class].insert(at, error);
        }
    }

    /// The value at each of [`LEVELS`] around a forecast; without any errors seen, the forecast itself.
    pub(super) fn fan(&self, lead: usize, value: f64) -> [f64; LEVELS.len()] {
        let class = self.class(lead);
        let nearest = (0..=class).rev().chain(class..EDGES_S.len()).find(|c| !self.errors[*c].is_empty());
        let Some(errors) = nearest.map(|class| &self.errors[class]) else { return [value; LEVELS.len()] };
        std::array::from_fn(|k| (value + self.unit(value) * quantile(errors, k)).max(0.0))
    }

    fn class(&self, lead: usize) -> usize {
        let ahead_s = lead as i64 * self.step_s;
        EDGES_S.iter().position(|edge| ahead_s <= *edge).unwrap_or(EDGES_S.len() - 1)
    }

    fn unit(&self, level: f64) -> f64 {
        level.max(self.least).sqrt()
    }
}

/// The k-th of [`LEVELS`] of sorted errors; beyond what so many can tell, the outermost, farther out by as much as the
/// normal distribution's tail.
fn quantile(sorted: &[f64], k: usize) -> f64 {
    let n = sorted.len() as f64;
    let at = LEVELS[k] * (n + 1.0) - 1.0;
    let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
    if at > n - 1.0 {
        return last + (last - sorted[sorted.len() / 2]).max(0.0) * beyond(n, SCORES[k]);
    }
    if at < 0.0 {
        return first - (sorted[sorted.len() / 2] - first).max(0.0) * beyond(n, -SCORES[k]);
    }
    let (below, share) = (at.floor() as usize, at.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + share * (sorted[above] - sorted[below])
}

/// By which share a normal score lies beyond that of the outermost of `n` values.
fn beyond(n: f64, score: f64) -> f64 {
    let known = SCORES.iter().zip(LEVELS).filter(|(_, level)| *level <= n / (n + 1.0));
    let outermost = known.map(|(score, _)| *score).fold(0.5, f64::max);
    (score / outermost - 1.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // B5
    fn covers_what_came_and_reaches_beyond_it() {
        let mut spread = Spread::new(300, 100.0);
        (-50..=50).for_each(|off| spread.learn(1, 100.0, 100.0 + f64::from(off)));
        let fan = spread.fan(1, 100.0);
        assert!((fan[4] - 100.0).abs() < 1.0 && (fan[8] - 140.0).abs() < 2.0, "{fan:?}");
        assert!(fan[16] > 150.0 && fan[16] < 220.0, "{fan:?}");
        assert!(fan.windows(2).all(|pair| pair[0] <= pair[1]), "{fan:?}");
        let far = spread.fan(288, 400.0);
        assert!((far[8] - 480.0).abs() < 4.0, "no errors so far ahead: the nearest, at this level; {far:?}");
    }

    #[test]
    fn knows_nothing_of_what_was_not_measured() {
        let mut spread = Spread::new(300, 100.0);
        spread.learn(1, 100.0, f64::NAN);
        assert_eq!(spread.fan(1, 7.0), [7.0; LEVELS.len()]);
    }
}
