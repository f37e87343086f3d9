//! The mean shape of a period, and how much of a series it explains.

/// A profile has at most this many phases; longer periods are resolved less finely, which steadies them.
const PHASES_MAX: usize = 288;

/// `values` without their slow movement: a straight line, then a moving mean over `window` points, which goes
/// on in its last direction for the half windows at both ends. Gaps stay gaps.
pub(crate) fn without_level(values: &[f64], window: usize) -> Vec<f64> {
    let (base, slope) = line(&calm(values));
    let middle = values.len() as f64 / 2.0;
    let flat = |values: &[f64]| -> Vec<f64> {
        values.iter().enumerate().map(|(i, y)| y - base - slope * (i as f64 - middle)).collect()
    };
    let mut rest = flat(values);
    if rest.is_empty() {
        return rest;
    }
    let means = Means::of(&flat(&calm(values)));
    let window = window.clamp(1, rest.len());
    let (first, last) = (window / 2, rest.len() - window.div_ceil(2));
    let level = |i: usize| means.over(i - window / 2, i + window.div_ceil(2));
    let reach = (window / 2).min(last - first).max(1);
    let tilt =
        |from: usize, to: usize| if to > from { (level(to) - level(from)) / reach as f64 } else { 0.0 };
    let (start, end) =
        (tilt(first, (first + reach).min(last)), tilt(last.saturating_sub(reach).max(first), last));
    for (i, value) in rest.iter_mut().enumerate() {
        *value -= match i {
            _ if i < first => level(first) - (first - i) as f64 * start,
            _ if i > last => level(last) + (i - last) as f64 * end,
            _ => level(i),
        };
    }
    rest
}

/// Means over any stretch, each in no time.
pub(crate) struct Means(Vec<(f64, f64)>);

impl Means {
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut sums = Vec::with_capacity(values.len() + 1);
        let mut sum = (0.0, 0.0);
        sums.push(sum);
        for value in values {
            if value.is_finite() {
                sum = (sum.0 + value, sum.1 + 1.0);
            }
            sums.push(sum);
        }
        Self(sums)
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len() - 1
    }

    /// How many of `from..to` are known.
    pub(crate) fn known(&self, from: usize, to: usize) -> usize {
        (self.0[to].1 - self.0[from].1) as usize
    }

    /// The mean of `from..to`, zero where nothing is known.
    pub(crate) fn over(&self, from: usize, to: usize) -> f64 {
        let ((s0, n0), (s1, n1)) = (self.0[from], self.0[to]);
        if n1 > n0 { (s1 - s0) / (n1 - n0) } else { 0.0 }
    }
}

/// Without the outermost half percents, which would bend the level.
fn calm(values: &[f64]) -> Vec<f64> {
    let mut known: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if known.is_empty() {
        return values.to_vec();
    }
    let rank = known.len() / 200;
    let low = *known.select_nth_unstable_by(rank, f64::total_cmp).1;
    let rank = known.len() - 1 - rank;
    let high = *known.select_nth_unstable_by(rank, f64::total_cmp).1;
    values.iter().map(|v| v.clamp(low, high)).collect()
}

/// The value in the middle, and the slope, of the straight line through what is there.
fn line(values: &[f64]) -> (f64, f64) {
    let (mut n, mut x1, mut x2, mut y1, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let middle = values.len() as f64 / 2.0;
    for (i, y) in values.iter().enumerate().filter(|(_, y)| y.is_finite()) {
        let x = i as f64 - middle;
        (n, x1, x2, y1, xy) = (n + 1.0, x1 + x, x2 + x * x, y1 + y, xy + x * y);
    }
    let spread = n * x2 - x1 * x1;
    let slope = if spread > 0.0 { (n * xy - x1 * y1) / spread } else { 0.0 };
    (if n > 0.0 { (y1 - slope * x1) / n } else { 0.0 }, slope)
}

/// Cuts the largest hundredth down to the rest, so that an outage does not pass for the whole movement.
pub(crate) fn tame(rest: &mut [f64]) {
    let mut sizes: Vec<f64> = rest.iter().map(|r| r.abs()).filter(|r| r.is_finite()).collect();
    if sizes.len() < 2 {
        return;
    }
    let rank = (sizes.len() * 99 / 100).min(sizes.len() - 2);
    let most = *sizes.select_nth_unstable_by(rank, f64::total_cmp).1;
    rest.iter_mut().for_each(|r| *r = r.clamp(-most, most));
}

/// Σ of the squares of what is there.
pub(crate) fn energy(rest: &[f64]) -> f64 {
    rest.iter().filter(|r| r.is_finite()).map(|r| r * r).sum()
}

/// The mean of each phase of each cycle over all *other* cycles, so that a profile of pure chance explains
/// nothing.
struct Profile {
    period: f64,
    phases: usize,
    /// Sum and count of each cell: a phase of one cycle.
    cells: Vec<(f64, f64)>,
    /// What the other cycles say of it.
    expected: Vec<f64>,
}

impl Profile {
    fn of(rest: &[f64], period: f64) -> Self {
        let phases = (period.round() as usize).clamp(1, PHASES_MAX);
        let mut profile = Self { period, phases, cells: Vec::new(), expected: Vec::new() };
        profile.cells.resize(profile.cell(rest.len()) + 1, (0.0, 0.0));
        for (i, value) in rest.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            let at = profile.cell(i);
            let (sum, n) = profile.cells[at];
            profile.cells[at] = (sum + value, n + 1.0);
        }
        profile.expected = profile.expectations();
        profile
    }

    fn cell(&self, point: usize) -> usize {
        // The trifle keeps points that are exactly on a border on its right side.
        (point as f64 * (self.phases as f64 / self.period) + 1e-9) as usize
    }

    fn expectations(&self) -> Vec<f64> {
        let mut total = vec![(0.0, 0.0); self.phases];
        for cycle in self.cells.chunks(self.phases) {
            total.iter_mut().zip(cycle).for_each(|(to, cell)| *to = (to.0 + cell.0, to.1 + cell.1));
        }
        let others = |(total, cell): (&(f64, f64), &(f64, f64))| match total.1 - cell.1 {
            n if n > 0.0 => (total.0 - cell.0) / n,
            _ => 0.0,
        };
        self.cells.chunks(self.phases).flat_map(|cycle| total.iter().zip(cycle).map(others)).collect()
    }

    /// By how much the profile lowers Σ of squares; negative if it only adds noise.
    fn gain(&self) -> f64 {
        let gain = |((sum, n), mean): (&(f64, f64), &f64)| mean * (2.0 * sum - mean * n);
        self.cells.iter().zip(&self.expected).map(gain).sum()
    }
}

/// By how much the profile of this period lowers Σ of squares; negative if it only adds noise.
pub(crate) fn gain(rest: &[f64], period: f64) -> f64 {
    Profile::of(rest, period).gain()
}

/// What remains of `rest` when each cycle is explained by the profile of the others.
pub(crate) fn unexplained(rest: &[f64], period: f64) -> Vec<f64> {
    let profile = Profile::of(rest, period);
    rest.iter().enumerate().map(|(i, value)| value - profile.expected[profile.cell(i)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(len: usize, period: f64) -> Vec<f64> {
        (0..len).map(|i| (i as f64 / period * std::f64::consts::TAU).sin()).collect()
    }

    #[test]
    fn explains_a_period_by_its_other_cycles() {
        let rest = wave(960, 24.0);
        assert!(energy(&unexplained(&rest, 24.0)) < 1e-9 * energy(&rest));
        assert!(energy(&unexplained(&rest, 17.0)) > energy(&rest));
        assert!((gain(&rest, 24.0) / energy(&rest) - 1.0).abs() < 1e-9);
        assert!(energy(&unexplained(&wave(960, 16.8), 16.8)) < 0.1 * energy(&rest));
    }

    #[test]
    fn explains_nothing_of_chance() {
        let chance: Vec<f64> =
            (0..2000u64).map(|i| ((i * i * 7_919 + i * 104_729) % 997) as f64 - 498.0).collect();
        assert!(energy(&unexplained(&chance, 500.0)) > energy(&chance));
    }

    #[test]
    fn takes_the_level_away_and_leaves_gaps() {
        let mut values: Vec<f64> =
            wave(240, 24.0).iter().enumerate().map(|(i, w)| w + 3.0 * i as f64).collect();
        values[50] = f64::NAN;
        let rest = without_level(&values, 24);
        assert!(rest[50].is_nan());
        let worst = rest.iter().zip(wave(240, 24.0)).map(|(r, w)| (r - w).abs()).fold(0.0, f64::max);
        assert!(worst < 0.5, "{worst}");
    }

    #[test]
    fn tames_a_spike() {
        let mut rest = wave(240, 24.0);
        rest[100] = 1e6;
        tame(&mut rest);
        assert!(rest[100] < 10.0, "{}", rest[100]);
        assert_eq!(rest[50], wave(240, 24.0)[50]);
    }
}
