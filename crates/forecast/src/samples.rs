use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::span;
use crate::{DAY_S, Grid, Series};

/// One measurement as it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was measured, or when the interval that it sums up began.
    pub time: Timestamp,
    /// What was measured; anything at all, for this is the border of the world.
    pub value: f64,
}

/// Measurements as they arrived: irregular, late, doubled, broken. No invariant.
///
/// [`Samples::gather`] makes a [`Series`] of them and names everything it did on the way.
///
/// ```
/// use tidecast_forecast::{RepairKind, Sample, Samples};
/// let at = |minute: i64| jiff::Timestamp::from_second(1_770_000_000 + 60 * minute).unwrap();
/// let mut samples: Vec<_> = (0..20).map(|m| Sample { time: at(m), value: 5.0 }).collect();
/// samples[7].value = -1.0;
/// let gathered = Samples(samples).gather(60).unwrap();
/// assert_eq!(gathered.series.measured(), 19);
/// assert_eq!(gathered.repairs[0].kind, RepairKind::Negative);
/// assert_eq!(gathered.repairs[0].to_string(), "1 negative value left out, at 2026-02-02T02:47:00Z");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Samples(pub Vec<Sample>);

/// What [`Samples::gather`] makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathered {
    /// The measurements on a regular grid.
    pub series: Series,
    /// Seconds between two measurements as they came, before any averaging.
    pub native_step_s: i64,
    /// Everything that was mended, in the order of [`RepairKind`].
    pub repairs: Vec<Repair>,
}

/// Why no series can be made of some samples.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Useless {
    /// Nothing there at all.
    #[error("there is no measurement at all; a history needs at least two")]
    Empty,
    /// No two different times.
    #[error("all measurements are of one time, {0}; a history needs at least two times")]
    OneTime(Timestamp),
    /// Nothing finite and non-negative.
    #[error("none of the {0} measurements is a finite number that is not negative")]
    NothingSound(usize),
    /// The grid would be larger than any history needs.
    #[error(
        "from {from} to {to} in steps of {step_s} s makes {points} points; at most {POINTS_MAX} are taken"
    )]
    TooLong {
        /// The first time.
        from: Timestamp,
        /// The last time.
        to: Timestamp,
        /// The step found.
        step_s: i64,
        /// The points that would be needed.
        points: i64,
    },
}

/// The most points a series may have: ten years of minutes.
pub const POINTS_MAX: i64 = 5_300_000;

/// Something that was mended on the way from samples to a series, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repair {
    /// What was mended.
    pub kind: RepairKind,
    /// How often.
    pub count: usize,
    /// Where it was first seen.
    pub first: Timestamp,
    /// Seconds that it spans: the longest gap's length; zero for the others.
    pub longest_s: i64,
}

/// What can be mended between samples and a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RepairKind {
    /// Came later than a newer one; sorted in.
    OutOfOrder,
    /// NaN or infinite: left out, which is unknown and not zero.
    NotFinite,
    /// Below zero, which no demand is: left out.
    Negative,
    /// The same time twice: the one that came last counts.
    Doubled,
    /// Not on the grid: counted to the interval that it falls into.
    OffGrid,
    /// An interval with fewer than half of its measurements: taken as unknown.
    Thin,
    /// Points without a measurement: they stay unknown.
    Gap,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.count == 1 { "" } else { "s" };
        let Self { count, first, longest_s, .. } = self;
        match self.kind {
            RepairKind::OutOfOrder => {
                write!(f, "{count} measurement{s} out of order sorted in, the first at {first}")
            }
            RepairKind::NotFinite => write!(f, "{count} value{s} not finite left out, at {first}"),
            RepairKind::Negative => write!(f, "{count} negative value{s} left out, at {first}"),
            RepairKind::Doubled => {
                write!(f, "{count} time{s} measured twice, the later measurement counts, at {first}")
            }
            RepairKind::OffGrid => {
                write!(f, "{count} measurement{s} off the grid put into the interval, at {first}")
            }
            RepairKind::Thin => {
                write!(
                    f,
                    "{count} interval{s} with fewer than half of the measurements left unknown, at {first}"
                )
            }
            RepairKind::Gap => {
                write!(
                    f,
                    "{count} point{s} missing and left unknown, the longest gap {} from {first} on",
                    span(*longest_s)
                )
            }
        }
    }
}

impl Samples {
    /// The samples on a regular grid. Intervals shorter than `bin_s` are averaged into intervals of that
    /// length, aligned to the epoch; longer ones keep their step and phase. `bin_s` 0 keeps every step.
    ///
    /// # Errors
    /// [`Useless`] when there are not two different times with sound values, or their grid would be absurd.
    pub fn gather(self, bin_s: i64) -> Result<Gathered, Useless> {
        let mut mended = Mended::default();
        let total = self.0.len();
        let Some(any) = self.0.first().copied() else { return Err(Useless::Empty) };
        let sorted = mended.sorted(self.0);
        let axis = Axis::of(&sorted).ok_or(Useless::OneTime(any.time))?;
        let sound = mended.sound(sorted);
        if sound.is_empty() {
            return Err(Useless::NothingSound(total));
        }
        let unique = mended.unique(sound);
        mended.off_grid(&unique, &axis);
        let series = axis.place(&unique, bin_s, &mut mended)?;
        mended.gaps(&series);
        Ok(Gathered { series, native_step_s: axis.step_s, repairs: mended.list() })
    }
}

/// The axis the samples were meant to lie on.
struct Axis {
    step_s: i64,
    /// Seconds that the axis is off the epoch's multiples of the step.
    phase_s: i64,
    /// Whether every sample lies on it.
    exact: bool,
}

impl Axis {
    /// The axis of sorted samples: their smallest distance when all others are multiples of it, else the
    /// usual step nearest to their median distance.
    fn of(sorted: &[Sample]) -> Option<Self> {
        let seconds: Vec<i64> = sorted.iter().map(|s| s.time.as_second()).collect();
        let mut gaps: Vec<i64> = seconds.windows(2).map(|w| w[1] - w[0]).filter(|g| *g > 0).collect();
        let least = *gaps.iter().min()?;
        let whole = sorted.iter().all(|s| s.time.subsec_nanosecond() == 0);
        if whole && DAY_S % least == 0 && gaps.iter().all(|g| g % least == 0) {
            return Some(Self { step_s: least, phase_s: seconds[0].rem_euclid(least), exact: true });
        }
        gaps.sort_unstable();
        let median = gaps[gaps.len() / 2];
        let step_s = USUAL_STEPS_S.into_iter().min_by_key(|s| (s - median).abs() * 1000 / s.min(&median))?;
        Some(Self { step_s, phase_s: 0, exact: false })
    }

    fn bin(&self, time: Timestamp, bin_s: i64) -> i64 {
        (time.as_second() - self.phase_for(bin_s)).div_euclid(bin_s)
    }

    fn phase_for(&self, bin_s: i64) -> i64 {
        if bin_s == self.step_s { self.phase_s } else { 0 }
    }

    /// Puts sorted, sound samples into bins; averages within a bin.
    fn place(&self, samples: &[Sample], bin_s: i64, mended: &mut Mended) -> Result<Series, Useless> {
        let bin_s = bin_s.max(self.step_s);
        let averaged = bin_s > self.step_s;
        let (from, to) = (samples[0].time, samples[samples.len() - 1].time);
        let first = self.bin(from, bin_s);
        let points = self.bin(to, bin_s) - first + 1;
        if points > POINTS_MAX {
            return Err(Useless::TooLong { from, to, step_s: bin_s, points });
        }
        let mut bins = vec![(0.0, 0u32); points as usize];
        for sample in samples {
            let bin = &mut bins[(self.bin(sample.time, bin_s) - first) as usize];
            *bin = (bin.0 + sample.value, bin.1 + 1);
        }
        let at = |i: i64| {
            Timestamp::from_second((first + i) * bin_s + self.phase_for(bin_s)).unwrap_or(Timestamp::MAX)
        };
        let full = |n: u32| !averaged || 2 * i64::from(n) * self.step_s >= bin_s;
        let mut values: Vec<f64> = Vec::with_capacity(bins.len());
        for (i, (sum, n)) in bins.into_iter().enumerate() {
            if n > 0 && !full(n) {
                mended.note(RepairKind::Thin, at(i as i64));
            }
            values.push(if n > 0 && full(n) { sum / f64::from(n) } else { f64::NAN });
        }
        Ok(trimmed(Grid::new(at(0), bin_s, values.len()), values))
    }
}

/// Steps that people measure in, from a second to a day.
const USUAL_STEPS_S: [i64; 20] =
    [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

/// Without the unknown points at both ends, which averaging may leave.
fn trimmed(grid: Grid, values: Vec<f64>) -> Series {
    let known = |v: &f64| v.is_finite();
    let from = values.iter().position(known).unwrap_or(0);
    let to = values.iter().rposition(known).map_or(0, |i| i + 1).max(from);
    Series::new(grid.slice(from, to), values[from..to].to_vec())
}

/// Counts what is mended.
#[derive(Default)]
struct Mended(std::collections::BTreeMap<RepairKind, Repair>);

impl Mended {
    fn note(&mut self, kind: RepairKind, time: Timestamp) {
        let new = Repair { kind, count: 0, first: time, longest_s: 0 };
        self.0.entry(kind).or_insert(new).count += 1;
    }

    fn sorted(&mut self, mut samples: Vec<Sample>) -> Vec<Sample> {
        for pair in samples.windows(2) {
            if pair[1].time < pair[0].time {
                self.note(RepairKind::OutOfOrder, pair[1].time);
            }
        }
        samples.sort_by_key(|s| s.time);
        samples
    }

    fn sound(&mut self, mut samples: Vec<Sample>) -> Vec<Sample> {
        samples.retain(|s| match s.value {
            v if !v.is_finite() => {
                self.note(RepairKind::NotFinite, s.time);
                false
            }
            v if v < 0.0 => {
                self.note(RepairKind::Negative, s.time);
                false
            }
            _ => true,
        });
        samples
    }

    fn unique(&mut self, samples: Vec<Sample>) -> Vec<Sample> {
        let mut unique: Vec<Sample> = Vec::with_capacity(samples.len());
        for sample in samples {
            match unique.last_mut() {
                Some(last) if last.time == sample.time => {
                    self.note(RepairKind::Doubled, sample.time);
                    *last = sample;
                }
                _ => unique.push(sample),
            }
        }
        unique
    }

    fn off_grid(&mut self, samples: &[Sample], axis: &Axis) {
        if axis.exact {
            return;
        }
        for sample in samples.iter().filter(|s| s.time.as_second().rem_euclid(axis.step_s) != 0) {
            self.note(RepairKind::OffGrid, sample.time);
        }
    }

    fn gaps(&mut self, series: &Series) {
        let (mut from, mut longest) = (None, (0, 0));
        for (i, value) in series.values().iter().chain([&0.0]).enumerate() {
            match (value.is_nan(), from) {
                (true, None) => from = Some(i),
                (false, Some(start)) => {
                    longest = if i - start > longest.1 { (start, i - start) } else { longest };
                    from = None;
                }
                _ => {}
            }
        }
        let count = series.len() - series.measured();
        if count > 0 {
            let first = series.grid().at(longest.0);
            let longest_s = longest.1 as i64 * series.grid().step_s;
            self.0.insert(RepairKind::Gap, Repair { kind: RepairKind::Gap, count, first, longest_s });
        }
    }

    fn list(self) -> Vec<Repair> {
        self.0.into_values().collect()
    }
}
