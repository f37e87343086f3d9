use std::f64::consts::TAU;

use jiff::Timestamp;

use crate::samples::{Mended, POINTS_MAX, RepairKind, Sample, Useless};
use crate::{DAY_S, Grid, Series};

/// Steps that people measure in, from a second to a day.
const USUAL_STEPS_S: [i64; 20] =
    [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

/// This many equal distances in a row are a habit and no accident.
const HABIT: usize = 12;

/// The axis that samples were meant to lie on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    pub(crate) step_s: i64,
    /// Seconds that the axis is off the epoch's multiples of the step.
    phase_s: i64,
    /// Seconds that a sample may come before its point and still belong to it.
    early_s: i64,
}

impl Axis {
    /// The axis of sorted samples; none when they are all of one time.
    pub(crate) fn of(sorted: &[Sample]) -> Option<Self> {
        let seconds: Vec<i64> = sorted.iter().map(|s| s.time.as_second()).collect();
        let mut gaps: Vec<i64> = seconds.windows(2).map(|w| w[1] - w[0]).filter(|g| *g > 0).collect();
        gaps.sort_unstable();
        let median = *gaps.get(gaps.len() / 2)?;
        Some(Self::regular(&seconds, &gaps).unwrap_or_else(|| Self::usual(&seconds, median)))
    }

    /// The longest of the distances on whose multiples nearly all samples lie.
    fn regular(seconds: &[i64], sorted_gaps: &[i64]) -> Option<Self> {
        let mut steps: Vec<i64> = sorted_gaps.iter().copied().filter(|gap| DAY_S % gap == 0).collect();
        steps.dedup();
        steps.into_iter().rev().find_map(|step_s| {
            let phase_s = majority(seconds.iter().map(|s| s.rem_euclid(step_s)))?;
            let on = seconds.iter().filter(|s| s.rem_euclid(step_s) == phase_s).count();
            (20 * on >= 19 * seconds.len()).then_some(Self { step_s, phase_s, early_s: 0 })
        })
    }

    /// The usual step nearest to the median distance. Where samples gather around one phase of it, each
    /// belongs to the nearest point, so that a little jitter empties no interval.
    fn usual(seconds: &[i64], median: i64) -> Self {
        let off = |step: &i64| (step - median).abs().saturating_mul(1000) / (*step).min(median);
        let step_s = USUAL_STEPS_S.into_iter().min_by_key(off).unwrap_or(60);
        let angles = seconds.iter().map(|s| TAU * s.rem_euclid(step_s) as f64 / step_s as f64);
        let (sin, cos) = angles.fold((0.0, 0.0), |(sin, cos), a| (sin + a.sin(), cos + a.cos()));
        if sin.hypot(cos) < 0.5 * seconds.len() as f64 {
            return Self { step_s, phase_s: 0, early_s: 0 };
        }
        let centre = (sin.atan2(cos) / TAU * step_s as f64).round() as i64;
        let phase_s = if 10 * centre.abs() <= step_s { 0 } else { centre.rem_euclid(step_s) };
        Self { step_s, phase_s, early_s: step_s / 2 }
    }

    /// Whether a point of the axis is exactly here.
    pub(crate) fn holds(&self, time: Timestamp) -> bool {
        time.subsec_nanosecond() == 0 && (time.as_second() - self.phase_s).rem_euclid(self.step_s) == 0
    }

    /// Puts sorted, sound samples into intervals of at least `bin_s`; averages within an interval.
    pub(crate) fn place(
        &self,
        samples: &[Sample],
        bin_s: i64,
        mended: &mut Mended,
    ) -> Result<Series, Useless> {
        let bins = Bins::of(self, bin_s);
        let (from, to) = (samples[0].time, samples[samples.len() - 1].time);
        let first = bins.index(from);
        let points = bins.index(to) - first + 1;
        if points > POINTS_MAX {
            return Err(Useless::TooLong { from, to, step_s: bins.bin_s, points });
        }
        let mut sums = vec![Bin::default(); points as usize];
        for (sample, stands_for_s) in samples.iter().zip(self.spans(samples, mended)) {
            sums[(bins.index(sample.time) - first) as usize].add(sample.value, stands_for_s);
        }
        let grid = Grid::new(bins.start(first), bins.bin_s, sums.len());
        let thin = |bin: &Bin| bin.n > 0 && bins.averaged && 2 * bin.covered_s < bins.bin_s;
        sums.iter()
            .enumerate()
            .filter(|(_, bin)| thin(bin))
            .for_each(|(i, _)| mended.note(RepairKind::Thin, grid.at(i)));
        let values = sums.iter().map(|bin| if thin(bin) { f64::NAN } else { bin.mean() }).collect();
        trimmed(grid, values).ok_or(Useless::Thin { bin_s: bins.bin_s, step_s: self.step_s })
    }

    /// How many seconds each sample stands for: the step, or where samples came less often for a while, that
    /// distance.
    fn spans(&self, samples: &[Sample], mended: &mut Mended) -> Vec<i64> {
        let mut spans = vec![self.step_s; samples.len()];
        let gap = |i: usize| samples[i + 1].time.as_second() - samples[i].time.as_second();
        let mut from = 0;
        while from + 1 < samples.len() {
            let length = (from..samples.len() - 1).take_while(|i| gap(*i) == gap(from)).count();
            if length >= HABIT && gap(from) > self.step_s {
                let last = from + length + 1 == samples.len();
                let habit = from..from + length + usize::from(last);
                spans[habit.clone()].fill(gap(from));
                habit.for_each(|i| mended.note(RepairKind::Sparse, samples[i].time));
            }
            from += length;
        }
        spans
    }
}

/// The intervals that an axis is brought into.
struct Bins {
    bin_s: i64,
    phase_s: i64,
    early_s: i64,
    averaged: bool,
}

impl Bins {
    /// Intervals as short as the axis allows, but not below `bin_s`; aligned to the epoch if longer.
    fn of(axis: &Axis, bin_s: i64) -> Self {
        match bin_s > axis.step_s {
            true => Self { bin_s, phase_s: 0, early_s: 0, averaged: true },
            false => {
                let Axis { step_s, phase_s, early_s } = *axis;
                Self { bin_s: step_s, phase_s, early_s, averaged: false }
            }
        }
    }

    fn index(&self, time: Timestamp) -> i64 {
        (time.as_second() - self.phase_s + self.early_s).div_euclid(self.bin_s)
    }

    fn start(&self, index: i64) -> Timestamp {
        let second = index.saturating_mul(self.bin_s).saturating_add(self.phase_s);
        Timestamp::from_second(second).unwrap_or(if second < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }
}

#[derive(Clone, Copy, Default)]
struct Bin {
    sum: f64,
    n: u32,
    covered_s: i64,
}

impl Bin {
    fn add(&mut self, value: f64, stands_for_s: i64) {
        *self = Self { sum: self.sum + value, n: self.n + 1, covered_s: self.covered_s + stands_for_s };
    }

    /// Unknown without a sample.
    fn mean(&self) -> f64 {
        if self.n > 0 { self.sum / f64::from(self.n) } else { f64::NAN }
    }
}

/// What more than half of them are, if anything.
fn majority(values: impl Iterator<Item = i64>) -> Option<i64> {
    let vote = |(candidate, lead), value| match lead {
        0 => (Some(value), 1),
        _ if candidate == Some(value) => (candidate, lead + 1),
        _ => (candidate, lead - 1),
    };
    values.fold((None, 0), vote).0
}

/// Without the unknown points at both ends, which averaging may leave; none if there is nothing else.
fn trimmed(grid: Grid, values: Vec<f64>) -> Option<Series> {
    let from = values.iter().position(|v| v.is_finite())?;
    let to = values.iter().rposition(|v| v.is_finite())? + 1;
    Some(Series::new(grid.slice(from, to), values[from..to].to_vec()))
}
