use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::model::span;
use crate::{DAY_S, Series};

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
    /// No interval has half of its measurements.
    #[error(
        "no interval of {} has half of its measurements, which come every {}; more of them are needed",
        span(*.bin_s),
        span(*.step_s)
    )]
    Thin {
        /// Seconds that an interval lasts.
        bin_s: i64,
        /// Seconds between measurements.
        step_s: i64,
    },
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

/// The largest value taken for a demand: no service has more to do, and sums of squares stay finite.
pub const VALUE_MAX: f64 = 1e30;

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
    /// Above [`VALUE_MAX`]: left out.
    TooLarge,
    /// A few measurements months away from all others, as wrong clocks make them: left out.
    Stray,
    /// The same time twice: the one that came last counts.
    Doubled,
    /// Not on the grid: counted to the interval that it falls into.
    OffGrid,
    /// Measured less often than the rest for a while: each counts for the interval that it stands for.
    Sparse,
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
            RepairKind::TooLarge => {
                write!(f, "{count} value{s} above {VALUE_MAX:e} left out, at {first}")
            }
            RepairKind::Stray => {
                write!(f, "{count} measurement{s} months away from all others left out, at {first}")
            }
            RepairKind::Sparse => {
                write!(f, "{count} measurement{s} taken less often than the rest, from {first} on")
            }
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
        let sorted = mended.near(sorted);
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

/// Measurements further than this from all others are strays, if they are few.
const STRAY_S: i64 = 90 * DAY_S;
/// More than this many are no strays.
const STRAYS_MAX: usize = 5;

/// Counts what is mended.
#[derive(Default)]
pub(crate) struct Mended(std::collections::BTreeMap<RepairKind, Repair>);

impl Mended {
    pub(crate) fn note(&mut self, kind: RepairKind, time: Timestamp) {
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
            v if v > VALUE_MAX => {
                self.note(RepairKind::TooLarge, s.time);
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

    /// Without the strays: up to [`STRAYS_MAX`] measurements, fewer than one in a hundred, that lie
    /// [`STRAY_S`] before or after the others.
    fn near(&mut self, mut samples: Vec<Sample>) -> Vec<Sample> {
        let few = STRAYS_MAX.min(samples.len() / 100);
        let far = |pair: &[Sample]| pair[1].time.as_second() - pair[0].time.as_second() > STRAY_S;
        let after = (1..=few).rev().find(|n| far(&samples[samples.len() - n - 1..]));
        let late = samples.split_off(samples.len() - after.unwrap_or(0));
        let before = (1..=few).rev().find(|n| far(&samples[n - 1..])).unwrap_or(0);
        for stray in samples.drain(..before).chain(late) {
            self.note(RepairKind::Stray, stray.time);
        }
        samples
    }

    fn off_grid(&mut self, samples: &[Sample], axis: &Axis) {
        for sample in samples.iter().filter(|sample| !axis.holds(sample.time)) {
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
