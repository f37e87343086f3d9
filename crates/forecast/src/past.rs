//! The past as every point method wants it: filled, transformed, smoothed and profiled once, for all of them.
//!
//! A [`Past`] grows by one value at a time and never changes what it has said of an earlier time, so a method
//! may look at any index up to [`Past::now`] and is causal by construction. Smoothed values reach a few steps
//! ahead of their index and are only there once those steps are known.

use crate::{DAY_S, Grid, HOUR_S, Series, Unfit};

/// The longest history that is used, in days: no method looks back further than about 20 weeks.
pub const HISTORY_DAYS: usize = 500;

/// The shortest history from which anything is learned, in days.
pub const HISTORY_DAYS_MIN: i64 = 2;

/// How many values more a resumed past has room for: it mostly takes in a few.
const AHEAD: usize = 16;

/// A growing history on a grid that divides the day, from a midnight on.
#[derive(Debug, Clone)]
pub struct Past {
    grid: Grid,
    /// Points of the source series before the first midnight used.
    skipped: usize,
    /// Steps in a day.
    pub day: usize,
    /// Steps in a week.
    pub week: usize,
    /// Mean of the first four weeks (or of less, if there is less): the scale of everything relative.
    pub mean: f64,
    measured: Vec<f64>,
    filled: Vec<f64>,
    /// As measured.
    pub linear: Track,
    /// Square roots: steadies the variance of counts.
    pub root: Track,
    /// Logarithms of value + 5 % of the mean: makes growth and seasons additive.
    pub log: Track,
}

impl Past {
    /// The scale and the axis for `history`, with no value taken in yet.
    ///
    /// # Errors
    /// [`Unfit::OddStep`] when the step does not divide a day, [`Unfit::TooShort`] below two days after the
    /// first midnight.
    pub fn begin(history: &Series) -> Result<Self, Unfit> {
        let grid = history.grid();
        let day = grid.day().filter(|d| *d >= 2).ok_or(Unfit::OddStep { step_s: grid.step_s })?;
        let skipped = first_midnight(&grid, day);
        let have_s = history.len().saturating_sub(skipped) as i64 * grid.step_s;
        if have_s < HISTORY_DAYS_MIN * DAY_S {
            return Err(Unfit::TooShort { need_s: HISTORY_DAYS_MIN * DAY_S, have_s });
        }
        let values = &history.values()[skipped..];
        let head = fill_all(&values[..values.len().min(4 * 7 * day)], day, 7 * day);
        let mean = head.iter().sum::<f64>() / head.len().max(1) as f64;
        Ok(Self::empty(grid.slice(skipped, skipped), skipped, day, mean))
    }

    /// The past that was begun with the beginning of `history`, with `len` values taken in; none if it has fewer.
    pub(crate) fn resume(history: &Series, skipped: usize, len: usize, mean: f64) -> Option<Self> {
        let grid = history.grid();
        let day = grid.day().filter(|day| *day >= 2)?;
        let values = history.values().get(skipped..skipped.checked_add(len)?)?;
        let mut past = Self::empty(grid.slice(skipped, skipped), skipped, day, mean);
        past.reserve(len + AHEAD);
        past.extend(values);
        Some(past)
    }

    fn empty(grid: Grid, skipped: usize, day: usize, mean: f64) -> Self {
        let step_s = grid.step_s;
        Self {
            grid,
            skipped,
            day,
            week: 7 * day,
            mean,
            measured: Vec::new(),
            filled: Vec::new(),
            linear: Track::new(Transform::Linear, step_s, day),
            root: Track::new(Transform::Root, step_s, day),
            log: Track::new(Transform::Log { offset: 0.05 * mean + 1e-9 }, step_s, day),
        }
    }

    /// How many points of the history lie before the first one that is used.
    pub(crate) fn skipped(&self) -> usize {
        self.skipped
    }

    /// Makes room for so many values at once, instead of growing again and again.
    fn reserve(&mut self, len: usize) {
        [&mut self.measured, &mut self.filled].into_iter().for_each(|values| values.reserve(len));
        [&mut self.linear, &mut self.root, &mut self.log].into_iter().for_each(|track| track.reserve(len));
    }

    /// Takes in one value, NaN if it was not measured.
    pub fn push(&mut self, value: f64) {
        self.extend(&[value]);
    }

    /// Takes in some at once, which says the same as one after the other.
    fn extend(&mut self, values: &[f64]) {
        let known = self.len();
        for value in values {
            self.filled.push(self.fill(*value));
        }
        self.measured.extend_from_slice(values);
        self.grid.len += values.len();
        for track in [&mut self.linear, &mut self.root, &mut self.log] {
            track.extend(&self.filled[known..]);
        }
    }

    /// What stands for a missing value where a method needs a number: last week's, yesterday's, the one before.
    fn fill(&self, value: f64) -> f64 {
        let n = self.filled.len();
        let back = |lag: usize| n.checked_sub(lag).map(|i| self.filled[i]);
        if value.is_finite() {
            return value;
        }
        back(self.week).or_else(|| back(self.day)).or_else(|| back(1)).unwrap_or(0.0)
    }

    /// `values` as they would be taken in from the beginning.
    pub(crate) fn fill_all(&self, values: &[f64]) -> Vec<f64> {
        fill_all(values, self.day, self.week)
    }

    /// How many values were taken in.
    pub fn len(&self) -> usize {
        self.filled.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.filled.is_empty()
    }

    /// The index of the newest value.
    ///
    /// # Panics
    /// If there is none yet.
    pub fn now(&self) -> usize {
        self.filled.len() - 1
    }

    /// The axis of the values taken in.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// How many of `history`'s points this past has seen or skipped.
    pub fn seen(&self) -> usize {
        self.skipped + self.len()
    }

    /// The values, with what stands in for missing ones.
    pub fn filled(&self) -> &[f64] {
        &self.filled
    }

    /// The values as measured, NaN where they were not.
    pub fn measured(&self) -> &[f64] {
        &self.measured
    }

    /// How many steps are nearest to `seconds`; at least one.
    pub fn steps(&self, seconds: i64) -> usize {
        steps(self.grid.step_s, seconds)
    }

    /// The seasonal value for `lead` steps ahead: the newest known one a whole number of `period`s before it.
    pub fn seasonal(&self, lead: usize, period: usize) -> Option<f64> {
        let target = self.now() + lead;
        target.checked_sub(lead.div_ceil(period) * period).map(|i| self.filled[i])
    }
}

fn steps(step_s: i64, seconds: i64) -> usize {
    ((seconds as f64 / step_s as f64).round_ties_even() as usize).max(1)
}

/// Index of the first midnight UTC that leaves at most [`HISTORY_DAYS`].
fn first_midnight(grid: &Grid, day: usize) -> usize {
    let to_midnight = (-grid.start.as_second()).rem_euclid(DAY_S).div_euclid(grid.step_s) as usize;
    let extra = grid.len.saturating_sub(to_midnight + HISTORY_DAYS * day);
    to_midnight + extra.div_ceil(day) * day
}

/// `values` with gaps filled as [`Past`] fills them.
fn fill_all(values: &[f64], day: usize, week: usize) -> Vec<f64> {
    let mut filled: Vec<f64> = Vec::with_capacity(values.len());
    for (i, v) in values.iter().enumerate() {
        let back = |lag: usize| i.checked_sub(lag).map(|j| filled[j]);
        let stand_in = || back(week).or_else(|| back(day)).or_else(|| back(1)).unwrap_or(0.0);
        let value = if v.is_finite() { *v } else { stand_in() };
        filled.push(value);
    }
    filled
}

/// How a value is bent before differences are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transform {
    /// Not at all.
    Linear,
    /// √v.
    Root,
    /// ln(v + offset).
    Log {
        /// What keeps zero finite, in units of the series.
        offset: f64,
    },
}

impl Transform {
    /// There.
    pub fn apply(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Root => value.max(0.0).sqrt(),
            Self::Log { offset } => (value.max(0.0) + offset).ln(),
        }
    }

    /// And back; negative results stay, for the caller to cut.
    pub fn invert(self, z: f64) -> f64 {
        match self {
            Self::Linear => z,
            Self::Root => positive(z) * positive(z),
            Self::Log { offset } => z.min(50.0).exp() - offset,
        }
    }
}

/// One transformed view of the past with its weekly profiles.
#[derive(Debug, Clone)]
pub struct Track {
    /// The bending.
    pub transform: Transform,
    /// Transformed values.
    pub z: Running,
    /// Centred means of `z` over ±10 min.
    pub smooth: Smooth,
    /// Median of the last four weeks at this time of the week.
    pub profile: Profile,
    /// `z` less its profile; `z` itself where there is none yet.
    pub dev: Running,
    /// Centred means of `dev` over ±10 min.
    pub dev_smooth: Smooth,
    /// Mean of the last four weeks, ±30 min.
    pub wide: Profile,
    /// Mean of the last eight weeks, ±20 min.
    pub long: Profile,
    /// What `wide` and `long` are means of; for `long` only where it is not the next.
    wide_smooth: Smooth,
    long_smooth: Option<Smooth>,
    /// Centred means of `z` over ±20 min.
    pub smooth_20: Smooth,
    /// Centred means of `z` over ±15 min.
    pub smooth_15: Smooth,
}

impl Track {
    fn new(transform: Transform, step_s: i64, day: usize) -> Self {
        let r = (600 / step_s).max(0) as usize;
        let r20 = if step_s < 1800 { steps(step_s, 1200) } else { 0 };
        let r_long = steps(step_s, 1200);
        let profile = |weeks, middle| Profile { weeks, middle, day, week: 7 * day, values: Vec::new() };
        Self {
            transform,
            z: Running::default(),
            smooth: Smooth::new(r),
            profile: profile(4, Middle::Median),
            dev: Running::default(),
            dev_smooth: Smooth::new(r),
            wide: profile(4, Middle::Mean),
            long: profile(8, Middle::Mean),
            wide_smooth: Smooth::new(steps(step_s, HOUR_S) / 2),
            long_smooth: (r_long != r20).then(|| Smooth::new(r_long)),
            smooth_20: Smooth::new(r20),
            smooth_15: Smooth::new(steps(step_s, 1800) / 2),
        }
    }

    fn reserve(&mut self, len: usize) {
        [&mut self.z, &mut self.dev].into_iter().for_each(|running| running.reserve(len));
        let smooths = [&mut self.smooth, &mut self.dev_smooth, &mut self.smooth_20, &mut self.smooth_15];
        let smooths = smooths.into_iter().chain([&mut self.wide_smooth]).chain(&mut self.long_smooth);
        smooths.for_each(|smooth| smooth.values.reserve(len));
        [&mut self.profile, &mut self.wide, &mut self.long].into_iter().for_each(|it| it.reserve(len));
    }

    fn extend(&mut self, values: &[f64]) {
        let known = self.z.len();
        values.iter().for_each(|value| self.z.push(self.transform.apply(*value)));
        for smooth in [&mut self.smooth, &mut self.smooth_20, &mut self.smooth_15, &mut self.wide_smooth] {
            smooth.follow(&self.z);
        }
        if let Some(smooth) = &mut self.long_smooth {
            smooth.follow(&self.z);
        }
        self.profile.follow(known, &self.z, &self.smooth);
        self.wide.follow(known, &self.z, &self.wide_smooth);
        self.long.follow(known, &self.z, self.long_smooth.as_ref().unwrap_or(&self.smooth_20));
        // What a profile says of a time was settled before that time came.
        for (i, z) in self.z.values().iter().enumerate().skip(known) {
            let usual = self.profile.at(i);
            self.dev.push(if usual.is_finite() { z - usual } else { *z });
        }
        self.dev_smooth.follow(&self.dev);
    }
}

/// Values with running sums: the mean of any stretch in one subtraction.
#[derive(Debug, Clone)]
pub struct Running {
    values: Vec<f64>,
    sums: Vec<f64>,
}

impl Default for Running {
    fn default() -> Self {
        Self { values: Vec::new(), sums: vec![0.0] }
    }
}

impl Running {
    fn reserve(&mut self, len: usize) {
        self.values.reserve(len);
        self.sums.reserve(len + 1);
    }

    /// One value more.
    pub fn push(&mut self, value: f64) {
        self.values.push(value);
        self.sums.push(self.sums[self.sums.len() - 1] + value);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All values.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The value at `index`, NaN before the start.
    pub fn at(&self, index: i64) -> f64 {
        usize::try_from(index).ok().and_then(|i| self.values.get(i)).copied().unwrap_or(f64::NAN)
    }

    /// Mean of the `width` values up to and including `index`; NaN where the start is nearer than that.
    pub fn trailing(&self, index: i64, width: usize) -> f64 {
        if index + 1 < width as i64 || index >= self.values.len() as i64 {
            return f64::NAN;
        }
        let to = (index + 1) as usize;
        (self.sums[to] - self.sums[to - width]) / width as f64
    }

    /// Mean over `index` ± `radius`, the first value standing for what lies before the start.
    fn centred(&self, index: usize, radius: usize) -> f64 {
        let from = index.saturating_sub(radius);
        let before = radius.saturating_sub(index) as f64;
        let sum = self.sums[index + radius + 1] - self.sums[from] + before * self.values[0];
        sum / (2 * radius + 1) as f64
    }
}

/// Centred means: the value at an index is there `radius` steps later.
#[derive(Debug, Clone)]
pub struct Smooth {
    /// Steps to either side.
    pub radius: usize,
    values: Vec<f64>,
}

impl Smooth {
    fn new(radius: usize) -> Self {
        Self { radius, values: Vec::new() }
    }

    /// Adds the means that are known now.
    fn follow(&mut self, of: &Running) {
        let known = self.values.len()..of.len().saturating_sub(self.radius);
        self.values.extend(known.map(|index| of.centred(index, self.radius)));
    }

    /// The mean around `index`; NaN before the start and where it is not known yet.
    pub fn at(&self, index: i64) -> f64 {
        usize::try_from(index).ok().and_then(|i| self.values.get(i)).copied().unwrap_or(f64::NAN)
    }
}

/// Which middle of several weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Middle {
    Median,
    Mean,
}

/// What earlier weeks say of a time of the week, known up to a week ahead.
///
/// In the first week earlier days stand in, as far as they are known.
#[derive(Debug, Clone)]
pub struct Profile {
    weeks: usize,
    middle: Middle,
    day: usize,
    week: usize,
    values: Vec<f64>,
}

impl Profile {
    fn reserve(&mut self, len: usize) {
        self.values.reserve(len + self.week);
    }

    /// Says what is known since there were `before` values of `z`, of which `smooth` are centred means.
    fn follow(&mut self, before: usize, z: &Running, smooth: &Smooth) {
        let by_days = before + self.day..(z.len() + self.day).min(self.week);
        let known = before.saturating_sub(smooth.radius)..smooth.values.len();
        let end = if known.is_empty() { by_days.end } else { self.week + known.end };
        if self.values.len() < end {
            self.values.resize(end, f64::NAN);
        }
        for index in by_days {
            self.values[index] = self.by_earlier_days(index, z);
        }
        for index in known {
            self.values[self.week + index] = self.by_earlier_weeks(self.week + index, smooth);
        }
    }

    fn by_earlier_days(&self, index: usize, z: &Running) -> f64 {
        let mut found = [f64::NAN; 7];
        let mut n = 0;
        for days in 1..=7 {
            let value = z.at(index as i64 - (days * self.day) as i64);
            if value.is_finite() {
                found[n] = value;
                n += 1;
            }
        }
        median(&mut found[..n])
    }

    fn by_earlier_weeks(&self, index: usize, smooth: &Smooth) -> f64 {
        if self.middle == Middle::Median
            && let Some([a, b, c, d]) = self.four_weeks(index, smooth)
        {
            return middle_of_four(a, b, c, d);
        }
        let mut found = [f64::NAN; 8];
        let mut n = 0;
        for weeks in 1..=self.weeks {
            let value = smooth.at(index as i64 - (weeks * self.week) as i64);
            if value.is_finite() {
                found[n] = value;
                n += 1;
            }
        }
        match self.middle {
            Middle::Median => median(&mut found[..n]),
            Middle::Mean => found[..n].iter().sum::<f64>() / n as f64,
        }
    }

    /// The same time of the four weeks before, if all are known: the usual case.
    fn four_weeks(&self, index: usize, smooth: &Smooth) -> Option<[f64; 4]> {
        let oldest = index.checked_sub(4 * self.week)?;
        let found = [0, 1, 2, 3].map(|weeks| smooth.values[oldest + weeks * self.week]);
        found.iter().all(|value| value.is_finite()).then_some(found)
    }

    /// What the profile says for `index`; NaN where it does not know.
    pub fn at(&self, index: usize) -> f64 {
        self.values.get(index).copied().unwrap_or(f64::NAN)
    }
}

/// Cut off below zero; NaN stays NaN, which `f64::max` would make a zero of.
pub(crate) fn positive(value: f64) -> f64 {
    if value < 0.0 { 0.0 } else { value }
}

/// The median of four finite values, without sorting: the profile asks for it at each step.
fn middle_of_four(a: f64, b: f64, c: f64, d: f64) -> f64 {
    let (below, above) = (a.min(b).max(c.min(d)), a.max(b).min(c.max(d)));
    0.5 * (below + above)
}

/// The median, the mean of the two middle ones for an even count; NaN of nothing.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    let n = values.len();
    if n == 0 {
        return f64::NAN;
    }
    let (below, middle, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
    let middle = *middle;
    if n % 2 == 1 {
        return middle;
    }
    let below = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    0.5 * (below + middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past_of(step_s: i64, values: Vec<f64>) -> Past {
        let start = "2026-01-05T00:00:00Z".parse().unwrap();
        let series = Series::new(Grid::new(start, step_s, values.len()), values);
        let mut past = Past::begin(&series).unwrap();
        series.values().iter().for_each(|v| past.push(*v));
        past
    }

    #[test]
    fn fills_from_last_week_then_yesterday_then_the_value_before() {
        let mut values: Vec<f64> = (0..24 * 9).map(f64::from).collect();
        for hole in [5, 30, 24 * 8] {
            values[hole] = f64::NAN;
        }
        let past = past_of(3600, values);
        assert_eq!(past.filled()[5], 4.0);
        assert_eq!(past.filled()[30], 6.0);
        assert_eq!(past.filled()[24 * 8], 24.0);
        assert!(past.measured()[30].is_nan());
    }

    #[test]
    fn knows_its_profile_a_week_ahead_and_no_further() {
        let past = past_of(3600, (0..24 * 15).map(|i| f64::from(i % 168)).collect());
        assert_eq!(past.linear.profile.at(past.now() + 168), f64::from((15 * 24 - 1) % 168));
        assert!(past.linear.profile.at(past.now() + 169).is_nan());
        assert!(past.linear.dev.at(past.now() as i64).abs() < 1e-12);
    }

    #[test]
    fn takes_in_many_at_once_as_it_does_one_after_the_other() {
        let value = |i: usize| if i % 41 == 7 { f64::NAN } else { ((i * 7_919) % 101) as f64 };
        let values: Vec<f64> = (0..48 * 40).map(value).collect();
        let one_by_one = past_of(1_800, values.clone());
        for parts in [1, 5, 48, 500, 5_000] {
            let mut past = past_of(1_800, values[..96].to_vec());
            past.mean = one_by_one.mean;
            past.log = Track::new(one_by_one.log.transform, 1_800, 48);
            past.log.extend(&past.filled.clone());
            values[96..].chunks(parts).for_each(|part| past.extend(part));
            assert_eq!(format!("{past:?}"), format!("{one_by_one:?}"), "{parts} at once");
        }
    }

    #[test]
    fn begins_at_a_midnight_and_refuses_what_is_too_short() {
        let start = "2026-01-05T22:00:00Z".parse().unwrap();
        let short = Series::new(Grid::new(start, 3600, 49), vec![1.0; 49]);
        let why = Past::begin(&short).unwrap_err();
        assert_eq!(why, Unfit::TooShort { need_s: 2 * DAY_S, have_s: 47 * HOUR_S });
        let odd = Series::new(Grid::new(start, 7 * 61, 49), vec![1.0; 49]);
        assert_eq!(Past::begin(&odd).unwrap_err(), Unfit::OddStep { step_s: 427 });
    }

    #[test]
    fn takes_the_middle_of_both_kinds() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        for [a, b, c, d] in
            [[1.0, 2.0, 4.0, 9.0], [9.0, 1.0, 4.0, 2.0], [2.0, 9.0, 1.0, 4.0], [4.0, 9.0, 2.0, 1.0]]
        {
            assert_eq!(middle_of_four(a, b, c, d), 3.0);
        }
        assert!(median(&mut []).is_nan());
    }
}
