use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Demand;
use crate::told::span;

/// What was measured lately, and how much of it was really seen.
///
/// Lost scrapes do not look lost, they look like falling load; so each reading carries its coverage, and only a
/// window of complete readings is evidence for taking servers away. Unknown is never zero: what was not measured
/// is absent from `readings`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// Oldest first, at least as far back as the workload's hold.
    pub readings: Vec<Reading>,
    /// How far apart readings are when all is well.
    pub interval: SignedDuration,
    /// How long before it was known the step began that forecasts take a reading for: nothing for a momentary value, the
    /// interval for a sum over it, longer for a rate over a long window.
    #[serde(default)]
    pub lag: SignedDuration,
}

/// The demand of one interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reading {
    /// When the interval ended.
    pub at: Timestamp,
    /// What was measured; with less than full coverage no more than a lower bound.
    pub demand: Demand,
    /// The share of the expected series and samples that were there, 0 to 1.
    pub coverage: f64,
}

/// The least coverage that counts as complete.
pub const COMPLETE: f64 = 0.9;

impl Reading {
    /// A reading with nothing missing.
    pub fn complete(at: Timestamp, demand: Demand) -> Self {
        Self { at, demand, coverage: 1.0 }
    }

    /// Whether nearly all that was expected was there.
    pub fn is_complete(&self) -> bool {
        self.coverage >= COMPLETE
    }
}

impl Evidence {
    /// How old the newest reading may be: three intervals, so that one lost scrape is not an alarm.
    pub fn fresh_for(&self) -> SignedDuration {
        self.interval.max(SignedDuration::from_secs(1)) * 3
    }

    /// The newest reading that is not from the future.
    pub fn latest(&self, now: Timestamp) -> Option<&Reading> {
        self.readings.iter().rev().find(|r| r.at <= now)
    }

    /// Which time of a forecast a reading is to be compared with.
    pub fn speaks_of(&self, reading: &Reading) -> Timestamp {
        reading.at.saturating_sub(self.lag).unwrap_or(reading.at)
    }

    /// The readings of the last `window`, newest first.
    pub fn within(&self, now: Timestamp, window: SignedDuration) -> impl Iterator<Item = &Reading> {
        let from = now.saturating_sub(window).unwrap_or(Timestamp::MIN);
        self.readings.iter().rev().filter(move |r| r.at <= now).take_while(move |r| r.at >= from)
    }

    /// How much this says about the last `window`.
    pub fn quality(&self, now: Timestamp, window: SignedDuration) -> Quality {
        if let Some(ahead) = self.readings.last().map(|newest| newest.at.duration_since(now))
            && ahead > self.fresh_for()
        {
            return Quality::Ahead { by: ahead };
        }
        let Some(latest) = self.latest(now) else { return Quality::Missing };
        let age = now.duration_since(latest.at);
        if age > self.fresh_for() {
            return Quality::Stale { age };
        }
        let mut newest = latest.at;
        for reading in self.within(now, window) {
            if !reading.is_complete() {
                return Quality::Partial { coverage: reading.coverage, at: reading.at };
            }
            if newest.duration_since(reading.at) > self.fresh_for() {
                break;
            }
            newest = reading.at;
        }
        let have = now.duration_since(newest);
        let need = window - self.fresh_for().min(window);
        if have < need { Quality::Thin { have, need: window } } else { Quality::Complete }
    }
}

/// How much a window of readings says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is", rename_all_fields = "camelCase")]
pub enum Quality {
    /// Fresh, and complete for the whole window.
    Complete,
    /// Some of what was expected is missing.
    Partial {
        /// The share that was there.
        coverage: f64,
        /// When the newest such reading ended.
        at: Timestamp,
    },
    /// Nothing new for too long.
    Stale {
        /// How old the newest reading is.
        age: SignedDuration,
    },
    /// Complete, but not for long enough: readings have only just come back.
    Thin {
        /// How long they have been complete.
        have: SignedDuration,
        /// How long they need to be.
        need: SignedDuration,
    },
    /// The newest reading is of a time that the clock has not reached: one of the two is wrong, and what is counted by
    /// the clock cannot be trusted.
    Ahead {
        /// By how much.
        by: SignedDuration,
    },
    /// No reading at all.
    Missing,
}

impl Quality {
    /// Whether servers may be taken away on this evidence.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("the measurements are fresh and complete"),
            Self::Partial { coverage, at } => write!(
                f,
                "only {:.0} % of the expected samples were there at {at}, which looks like lost scrapes, not lost load",
                100.0 * coverage
            ),
            Self::Stale { age } => write!(f, "the newest measurement is {} old", span(*age)),
            Self::Thin { have, need } => {
                write!(
                    f,
                    "measurements have been complete for only {}, not yet for {}",
                    span(*have),
                    span(*need)
                )
            }
            Self::Ahead { by } => {
                write!(
                    f,
                    "the newest measurement is {} ahead of the clock, so one of the two is wrong",
                    span(*by)
                )
            }
            Self::Missing => f.write_str("nothing was measured, and unknown is not zero"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: SignedDuration = SignedDuration::from_mins(10);

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    /// A minute's readings, given as (minutes ago, demand, coverage), oldest first.
    #[track_caller]
    fn check(readings: impl IntoIterator<Item = (i64, f64)>, expected: &str) {
        let readings = readings.into_iter().map(|(ago, coverage)| Reading {
            at: now() - SignedDuration::from_mins(ago),
            demand: Demand::new(100.0).unwrap(),
            coverage,
        });
        let evidence = Evidence {
            readings: readings.collect(),
            interval: SignedDuration::from_mins(1),
            ..Evidence::default()
        };
        assert_eq!(evidence.quality(now(), WINDOW).to_string(), expected);
    }

    #[test]
    fn takes_a_full_window_for_evidence() {
        check((0..15).rev().map(|ago| (ago, 1.0)), "the measurements are fresh and complete");
        check(
            (0..15).rev().filter(|a| a % 3 == 0).map(|ago| (ago, 0.95)),
            "the measurements are fresh and complete",
        );
    }

    #[test] // B3, A17
    fn sees_lost_scrapes_where_load_seems_to_fall() {
        check(
            (0..15).rev().map(|ago| (ago, if ago == 4 { 0.5 } else { 1.0 })),
            "only 50 % of the expected samples were there at 2026-03-01T11:56:00Z, which looks like lost scrapes, not lost load",
        );
    }

    #[test] // B3
    fn waits_for_a_full_window_after_silence() {
        check([], "nothing was measured, and unknown is not zero");
        check((9..20).rev().map(|ago| (ago, 1.0)), "the newest measurement is 9m old");
        check(
            (0..3).rev().map(|ago| (ago, 1.0)),
            "measurements have been complete for only 2m, not yet for 10m",
        );
        let with_a_hole = (0..20).rev().filter(|ago| !(3..8).contains(ago)).map(|ago| (ago, 1.0));
        check(with_a_hole, "measurements have been complete for only 2m, not yet for 10m");
    }

    #[test] // F8, F13
    fn believes_no_reading_from_the_future() {
        check([(-2, 1.0)], "nothing was measured, and unknown is not zero");
        check(
            (-7..10).rev().map(|ago| (ago, 1.0)),
            "the newest measurement is 7m ahead of the clock, so one of the two is wrong",
        );
    }
}
