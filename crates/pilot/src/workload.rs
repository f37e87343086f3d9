use std::fmt;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::{Drain, Size, Throughput};

/// What a workload is called: `shop/checkout`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkloadName(pub String);

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the operator tells about one fleet. Everything but its bounds has a default or is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// Its name.
    pub name: WorkloadName,
    /// The fewest and the most servers, whatever else is asked for.
    pub bounds: Bounds,
    /// The demand that one server serves.
    #[serde(default)]
    pub throughput: Told<Throughput>,
    /// How long a server takes from its launch to its first served request.
    #[serde(default)]
    pub start_up: Told<SignedDuration>,
    /// The probability for which capacity is sized; if learned, the one that keeps `promise` at the least cost.
    #[serde(default)]
    pub service_level: Told<Level>,
    /// By how much measured demand is multiplied before it is sized; if learned, tuned together with the level.
    #[serde(default)]
    pub reactive: Told<f64>,
    /// The largest share of demand that may find no capacity; tuning aims at half of it.
    #[serde(default = "Workload::default_promise")]
    pub promise: f64,
    /// Free capacity kept at all times.
    #[serde(default)]
    pub buffer: Buffer,
    /// How far decisions are carried out.
    #[serde(default)]
    pub mode: Mode,
    /// Where civil time lives, for calendars and sentences.
    #[serde(default = "Workload::default_zone", with = "jiff::fmt::serde::tz::required")]
    pub zone: TimeZone,
    /// How many servers are best launched at once.
    #[serde(default)]
    pub batch: Batch,
    /// How fast the fleet may grow and shrink.
    #[serde(default)]
    pub ramp: Ramp,
    /// How long a planned size stays before it changes again.
    #[serde(default)]
    pub dwell: SignedDuration,
    /// How long after growing nothing is taken away.
    #[serde(default = "Workload::default_cool_down")]
    pub cool_down: SignedDuration,
    /// How long measured demand is remembered before the reactive floor follows it down.
    #[serde(default = "Workload::default_hold")]
    pub hold: SignedDuration,
    /// What of the fleet may be taken away in what time, whatever the cause.
    #[serde(default)]
    pub scale_in: Budget,
    /// What changes of size cost.
    #[serde(default)]
    pub costs: Costs,
    /// How servers are emptied, if sessions live on them. None: they are all alike and may go at once.
    #[serde(default)]
    pub drain: Option<Drain>,
    /// What is known of its days beforehand.
    #[serde(default)]
    pub calendar: Calendar,
}

impl Workload {
    /// A workload of which nothing is known but its name and bounds; it observes.
    pub fn new(name: impl Into<String>, bounds: Bounds) -> Self {
        Self {
            name: WorkloadName(name.into()),
            bounds,
            throughput: Told::Learned,
            start_up: Told::Learned,
            service_level: Told::Learned,
            reactive: Told::Learned,
            promise: Self::default_promise(),
            buffer: Buffer::default(),
            mode: Mode::default(),
            zone: Self::default_zone(),
            batch: Batch::default(),
            ramp: Ramp::default(),
            dwell: SignedDuration::ZERO,
            cool_down: Self::default_cool_down(),
            hold: Self::default_hold(),
            scale_in: Budget::default(),
            costs: Costs::default(),
            drain: None,
            calendar: Calendar::default(),
        }
    }

    /// One request in a thousand: what operators of web fleets mean by "enough".
    fn default_promise() -> f64 {
        0.001
    }

    fn default_zone() -> TimeZone {
        TimeZone::UTC
    }

    /// Nothing on top of the hold: a server needed again within a start-up is kept by the plan itself.
    fn default_cool_down() -> SignedDuration {
        SignedDuration::ZERO
    }

    /// Ten minutes: the shortest hold with which no trace of the benchmarks flaps.
    fn default_hold() -> SignedDuration {
        SignedDuration::from_mins(10)
    }
}

/// Given by the operator, or learned from what was seen. What is given beats what is learned.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Told<T> {
    /// This value.
    Given(T),
    /// Whatever was learned.
    #[default]
    Learned,
}

impl<T: Copy> Told<T> {
    /// What was given, else what was learned.
    pub fn or(self, learned: Option<T>) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Learned => learned,
        }
    }

    /// Whether nothing was given.
    pub fn is_learned(&self) -> bool {
        matches!(self, Self::Learned)
    }
}

/// The fewest and the most servers. Invariant: min ≤ max, and max ≥ 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct Bounds {
    min: Size,
    max: Size,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ends {
    min: Size,
    max: Size,
}

/// Bounds between which there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no size is at least {min} and at most {max}: the maximum is at least 1 and not below the minimum")]
pub struct EmptyBounds {
    /// The fewest.
    pub min: u32,
    /// The most.
    pub max: u32,
}

impl Bounds {
    /// From `min` to `max` servers.
    ///
    /// # Errors
    /// If no positive size lies between them.
    pub fn new(min: u32, max: u32) -> Result<Self, EmptyBounds> {
        if max == 0 || min > max {
            return Err(EmptyBounds { min, max });
        }
        Ok(Self { min: Size(min), max: Size(max) })
    }

    /// The fewest.
    pub fn min(&self) -> Size {
        self.min
    }

    /// The most.
    pub fn max(&self) -> Size {
        self.max
    }

    /// The nearest size within.
    pub fn clamp(&self, size: Size) -> Size {
        size.clamp(self.min, self.max)
    }

    /// Whether `size` lies within.
    pub fn hold(&self, size: Size) -> bool {
        (self.min..=self.max).contains(&size)
    }
}

impl TryFrom<Ends> for Bounds {
    type Error = EmptyBounds;

    fn try_from(ends: Ends) -> Result<Self, EmptyBounds> {
        Self::new(ends.min.get(), ends.max.get())
    }
}

impl From<Bounds> for Ends {
    fn from(bounds: Bounds) -> Self {
        Self { min: bounds.min, max: bounds.max }
    }
}

/// A probability for which capacity is sized. Invariant: 0 < level < 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Level(f64);

/// A number that is no probability to size for.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a service level lies between 0 and 1, both excluded; {0} does not")]
pub struct NoLevel(pub f64);

impl Level {
    /// Until replay has tuned it. As a quantile of time it keeps far more than 99 of 100 requests within capacity.
    pub const UNTUNED: Self = Self(0.99);

    /// This probability.
    ///
    /// # Errors
    /// If it is certain, impossible, or no number.
    pub fn new(level: f64) -> Result<Self, NoLevel> {
        if level > 0.0 && level < 1.0 { Ok(Self(level)) } else { Err(NoLevel(level)) }
    }

    /// The number itself.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Level {
    type Error = NoLevel;

    fn try_from(level: f64) -> Result<Self, NoLevel> {
        Self::new(level)
    }
}

impl From<Level> for f64 {
    fn from(level: Level) -> f64 {
        level.0
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Free capacity kept on top of the need: so many servers, or so many percent, or both, whichever is more (D4).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Buffer {
    /// At least so many servers.
    pub servers: Size,
    /// At least so much of the need.
    pub percent: f64,
}

impl Buffer {
    /// The servers to add to `need`.
    pub fn on(&self, need: Size) -> Size {
        self.servers.max(need.percent_up(self.percent))
    }
}

/// How far decisions are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Shown, never carried out. The default (B2).
    #[default]
    Observe,
    /// The fleet is grown, never shrunk.
    ScaleOutOnly,
    /// Both ways.
    Full,
}

/// How many servers are best launched at once (S5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Batch {
    /// What one scale-up event brings comfortably: a larger one costs as much as several of this size.
    pub preferred: Option<Size>,
    /// The most that one scale-up event may bring.
    pub max: Option<Size>,
}

/// How fast the fleet may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Ramp {
    /// The most that may be added.
    pub up: Option<Rate>,
    /// The most that may be taken away; the [`Budget`] holds besides.
    pub down: Option<Rate>,
}

/// So many servers in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    /// How many; at least one is always allowed.
    pub servers: Size,
    /// In what time.
    pub per: SignedDuration,
}

/// A share of the fleet, and at least one server, in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// How much of the fleet as it was when the time began.
    pub percent: f64,
    /// In what time.
    pub per: SignedDuration,
}

impl Default for Budget {
    /// A tenth in ten minutes.
    fn default() -> Self {
        Self { percent: 10.0, per: SignedDuration::from_mins(10) }
    }
}

impl Budget {
    /// How much of a fleet of `size` may go at once.
    pub fn of(&self, size: Size) -> Size {
        size.percent_down(self.percent).max(Size(1))
    }
}

/// What changes of size cost, in minutes of one server.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Costs {
    /// One scale-up event. If learned: 0.3 minutes of the largest size in sight for plans, and a fifth of that where ways to
    /// size are compared in replay, whose lots are finer.
    pub scale_up: Told<f64>,
    /// One scale-down event.
    pub scale_down: f64,
    /// Deviating by one step from the plan in force. If learned: as much as a scale-up event.
    pub change_of_plan: Told<f64>,
}

impl Default for Costs {
    fn default() -> Self {
        Self { scale_up: Told::Learned, scale_down: 0.0, change_of_plan: Told::Learned }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_bounds_are_empty() {
        assert_eq!(
            Bounds::new(5, 4).unwrap_err().to_string(),
            "no size is at least 5 and at most 4: the maximum is at least 1 and not below the minimum"
        );
        assert!(Bounds::new(0, 0).is_err());
        assert!(serde_json::from_str::<Bounds>(r#"{"min":3,"max":2}"#).is_err());
    }

    #[test] // D4
    fn keeps_the_larger_of_both_buffers() {
        let buffer = Buffer { servers: Size(3), percent: 10.0 };
        assert_eq!(buffer.on(Size(10)), Size(3));
        assert_eq!(buffer.on(Size(100)), Size(10));
        assert_eq!(buffer.on(Size(101)), Size(11));
    }

    #[test]
    fn observes_unless_told_otherwise() {
        let told =
            r#"{"name":"shop","bounds":{"min":1,"max":9},"startUp":{"given":"4m"},"zone":"Europe/Berlin"}"#;
        let workload: Workload = serde_json::from_str(told).unwrap();
        assert_eq!(workload.mode, Mode::Observe);
        assert_eq!(workload.start_up, Told::Given(SignedDuration::from_mins(4)));
        let again: Workload = serde_json::from_str(&serde_json::to_string(&workload).unwrap()).unwrap();
        assert_eq!(again, workload);
    }

    #[test]
    fn lets_one_server_go_even_of_a_small_fleet() {
        assert_eq!(Budget::default().of(Size(3)), Size(1));
        assert_eq!(Budget::default().of(Size(50)), Size(5));
        assert_eq!(Budget::default().of(Size(59)), Size(5));
    }
}
