use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Rated, Sizing, Throughput};

/// What was learned about one workload. What the operator gives, and what an override decrees, beats it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Lessons {
    /// How long the latest launches took, oldest first (B6).
    pub start_ups: Vec<SignedDuration>,
    /// Launches up to this time have been counted.
    pub start_ups_until: Option<Timestamp>,
    /// What one server serves.
    pub throughput: Option<Throughput>,
    /// The loads from which that was concluded.
    pub load: Load,
    /// The way to size that kept the promise at the least cost in replay.
    pub sizing: Option<Sizing>,
    /// What others would have cost, and served: a few along the frontier, the cheapest first.
    pub frontier: Vec<Rated>,
    /// How far demand has been off its forecast lately.
    pub drift: Drift,
}

/// Whether demand keeps deviating from its forecast (S11.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Drift {
    /// Rolling mean of the deviation as a share of the forecast; positive if demand is higher.
    pub bias: f64,
    /// Cumulative sum of normalised deviations upwards, and downwards.
    pub sums: [f64; 2],
    /// Forecasts up to this time have been judged.
    pub until: Option<Timestamp>,
}

/// How much demand one server has served, and how often: a histogram that forgets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Load {
    /// The weight of each bin; a bin is 5 % wide.
    pub bins: BTreeMap<i32, f64>,
    /// When the first load was seen.
    pub since: Option<Timestamp>,
    /// When the last one was.
    pub until: Option<Timestamp>,
    /// How many half-lives the weights have been brought down by.
    pub scaled: f64,
}

/// Beyond this cumulative sum a deviation is no accident: half a deviation a step is forgiven, eight in all.
pub(crate) const DRIFTING: f64 = 8.0;

impl Drift {
    /// By how much the forecast is multiplied because demand keeps exceeding it: whole percents, so that it changes
    /// rarely; at most half as much again. A forecast that is too high corrects itself, and costs only money.
    pub fn correction(&self) -> f64 {
        if self.sums[0] <= DRIFTING {
            return 1.0;
        }
        1.0 + (100.0 * self.bias.clamp(0.0, 0.5)).round() / 100.0
    }

    /// The lasting deviation, if there is one.
    pub fn lasting(&self) -> Option<f64> {
        (self.sums[0] > DRIFTING || self.sums[1] > DRIFTING).then_some(self.bias)
    }
}

impl Lessons {
    /// The start-up time that 95 of 100 launches keep, by the launches seen; none before the first.
    pub fn start_up_p95(&self) -> Option<SignedDuration> {
        self.start_up_at(0.95)
    }

    /// The start-up time that all but one of a hundred launches keep: what takes twice as long is not coming up (F28).
    pub fn start_up_p99(&self) -> Option<SignedDuration> {
        self.start_up_at(0.99)
    }

    /// The start-up time that half of the launches keep, for accounting.
    pub fn start_up_p50(&self) -> Option<SignedDuration> {
        self.start_up_at(0.5)
    }

    fn start_up_at(&self, level: f64) -> Option<SignedDuration> {
        let mut sorted = self.start_ups.clone();
        sorted.sort_unstable();
        let rank = (level * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // B6
    fn takes_the_start_up_that_nearly_all_launches_keep() {
        let lessons =
            Lessons { start_ups: (1..=20).map(SignedDuration::from_mins).collect(), ..Lessons::default() };
        assert_eq!(lessons.start_up_p95(), Some(SignedDuration::from_mins(19)));
        assert_eq!(lessons.start_up_p50(), Some(SignedDuration::from_mins(10)));
        assert_eq!(Lessons::default().start_up_p95(), None);
    }
}
