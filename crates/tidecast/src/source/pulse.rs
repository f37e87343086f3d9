use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How often one and the same value comes in a row, and how often it has within a day: who repeats the last word far more
/// often than ever measures no more (F6). A load that never moves is what it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pulse {
    last: Option<f64>,
    run: u32,
    /// Values before the run, within the day or a little more.
    before: u32,
    /// Runs that were longer than all after them, with their ends: the longest first.
    longest: VecDeque<(Timestamp, u32)>,
}

/// Fewer repetitions prove nothing.
const REPEATS_MIN: u32 = 4;
/// So many values must have been seen before.
const SEEN_MIN: u32 = 10 * REPEATS_MIN;
/// How many times longer than ever a run must be.
const FACTOR: u32 = 3;

impl Pulse {
    /// For how long a run is remembered: a night's constant load comes again the next night.
    pub const MEMORY: SignedDuration = SignedDuration::from_hours(25);

    /// Takes in the next measurement.
    pub fn note(&mut self, at: Timestamp, value: f64) {
        self.longest.retain(|(end, _)| at.duration_since(*end) <= Self::MEMORY);
        if self.last == Some(value) {
            self.run += 1;
            return;
        }
        if self.run > 0 {
            let run = self.run;
            while self.longest.pop_back_if(|(_, shorter)| *shorter <= run).is_some() {}
            self.longest.push_back((at, run));
            self.before = self.before.saturating_add(run);
        }
        (self.last, self.run) = (Some(value), 1);
    }

    /// How often the newest value has come, and how often one came at most before, if the source seems to repeat its
    /// last word.
    pub fn frozen(&self) -> Option<(u32, u32)> {
        let usual = self.longest.front()?.1;
        let frozen = self.before >= SEEN_MIN && self.run >= REPEATS_MIN && self.run > FACTOR * usual;
        frozen.then_some((self.run, usual))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], frozen: Option<(u32, u32)>) {
        let mut pulse = Pulse::default();
        for (minute, value) in values.iter().enumerate() {
            pulse.note(Timestamp::from_second(60 * minute as i64).unwrap(), *value);
        }
        assert_eq!(pulse.frozen(), frozen);
        assert!(pulse.longest.len() < 64, "{}", pulse.longest.len());
        let text = serde_json::to_string(&pulse).unwrap();
        assert_eq!(serde_json::from_str::<Pulse>(&text).unwrap(), pulse);
    }

    #[test] // F6
    fn notices_a_source_that_repeats_its_last_word() {
        let moving: Vec<f64> = (0..200).map(|i| f64::from(i % 7) + 0.5).collect();
        check(&moving, None);
        check(&[moving.clone(), vec![3.25; 5]].concat(), Some((5, 1)));
        check(&[7.0; 200], None); // constant load is what it is
        let quiet_nights = [moving.clone(), vec![0.0; 100], moving.clone(), vec![0.0; 100]].concat();
        check(&quiet_nights, None);
        check(&[moving.clone(), vec![0.0; 100], moving, vec![0.0; 301]].concat(), Some((301, 100)));
    }

    #[test] // F6
    fn forgets_a_run_after_a_day() {
        let moving =
            |days: usize| (0..days * 1_440).map(|i| f64::from(i as u32 % 7) + 0.5).collect::<Vec<_>>();
        check(&[moving(1), vec![0.0; 100], moving(2), vec![0.0; 50]].concat(), Some((50, 1)));
        check(&[moving(1), vec![0.0; 100], moving(1), vec![0.0; 50]].concat(), None);
    }
}
