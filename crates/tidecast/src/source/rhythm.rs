use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::Samples;
use tidecast_pilot::{Evidence, Reading};

/// When measurements are known, and which time they speak of.
///
/// Forecasts take a measurement for the step that begins at its name. It may be known before that step is over, as a
/// momentary value is, or after it, as a rate over five minutes. Ways to size are replayed by steps, so that what is measured
/// stands beside what was forecast of the same minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// How long after its name a measurement is known.
    pub lag: SignedDuration,
    /// How far apart measurements come.
    pub step: SignedDuration,
}

impl Rhythm {
    /// The same, or as far apart as these came, if that is further than told.
    pub fn seen_in(self, samples: &Samples) -> Self {
        let gap = usual_gap(samples.0.iter().map(|sample| sample.time));
        Self { step: gap.map_or(self.step, |gap| self.step.max(gap)), ..self }
    }

    /// How much later its step ends than a measurement is known; below zero if it is known later.
    pub fn ahead(&self) -> SignedDuration {
        self.step - self.lag
    }

    /// Minutes that pass after a step before anything can be decided by what was measured in it.
    pub fn late_min(&self) -> usize {
        (-self.ahead().as_secs()).max(0).unsigned_abs().div_ceil(60) as usize
    }

    /// The end of the newest step whose measurement is known at a time.
    pub fn step_end(&self, known: Timestamp) -> Timestamp {
        known.saturating_add(self.ahead()).unwrap_or(known)
    }

    /// When the measurement of the step is known that ends at a time.
    pub fn known(&self, step_end: Timestamp) -> Timestamp {
        step_end.saturating_sub(self.ahead()).unwrap_or(step_end)
    }

    /// What was measured, each at the end of its step.
    pub fn by_step<'a>(&self, evidence: &'a Evidence) -> Cow<'a, Evidence> {
        let interval = evidence.interval.max(self.step);
        if self.ahead().is_zero() && interval == evidence.interval {
            return Cow::Borrowed(evidence);
        }
        let moved = |reading: &Reading| Reading { at: self.step_end(reading.at), ..*reading };
        let readings = evidence.readings.iter().map(moved).collect();
        Cow::Owned(Evidence { readings, interval, lag: self.step })
    }
}

/// How far apart these times usually are, whichever way they are ordered; none of fewer than two.
pub(super) fn usual_gap(times: impl Iterator<Item = Timestamp>) -> Option<SignedDuration> {
    let times: Vec<Timestamp> = times.collect();
    let mut gaps: Vec<_> = times.windows(2).map(|pair| pair[1].duration_since(pair[0]).abs()).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use tidecast_forecast::Sample;
    use tidecast_pilot::Demand;

    use super::*;

    #[test]
    fn sets_what_is_measured_beside_what_is_forecast_of_it() {
        let at = |second: i64| Timestamp::from_second(1_770_000_000 + second).unwrap();
        let seconds = SignedDuration::from_secs;
        // A momentary value, a rate over a minute and one over five minutes; all are of the step from 300 to 360.
        for (lag, late_min) in [(0, 0), (60, 0), (180, 2), (181, 3)] {
            let rhythm = Rhythm { lag: seconds(lag), step: seconds(60) };
            let readings = vec![Reading::complete(at(300 + lag), Demand::new(7.0).unwrap())];
            let evidence = Evidence { readings, interval: seconds(60), lag: rhythm.lag };
            let moved = rhythm.by_step(&evidence);
            assert_eq!(
                moved.readings[0],
                Reading { at: at(360), ..evidence.readings[0] },
                "a lag of {lag} s"
            );
            assert_eq!(rhythm.known(at(360)), at(300 + lag));
            assert_eq!(rhythm.late_min(), late_min);
        }
    }

    #[test]
    fn is_as_slow_as_measurements_really_come() {
        let rhythm = Rhythm { lag: SignedDuration::ZERO, step: SignedDuration::from_mins(1) };
        let every = |gap_s: i64, count: i64| {
            let sample = |k| Sample { time: Timestamp::from_second(gap_s * k).unwrap(), value: 1.0 };
            rhythm.seen_in(&Samples((0..count).map(sample).collect())).step.as_secs()
        };
        assert_eq!([every(3_600, 24), every(60, 99), every(15, 99), every(60, 1)], [3_600, 60, 60, 60]);
    }
}
