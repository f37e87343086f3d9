use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tidecast_pilot::WorkloadName;

/// When whose turn is: once an interval, spread over it by name, so that a thousand workloads that change at eight do
/// not all ask at eight (A10, F17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From one turn of a workload to the next.
    pub interval: SignedDuration,
    /// Within what time after the start all have had their first turn.
    pub first_within: SignedDuration,
}

impl Default for Pace {
    /// Twice a minute, and all within five seconds at the start.
    fn default() -> Self {
        Self { interval: SignedDuration::from_secs(30), first_within: SignedDuration::from_secs(5) }
    }
}

impl Pace {
    /// The first turn after a start at `now`.
    pub fn first(&self, name: &WorkloadName, now: Timestamp) -> Timestamp {
        let within = self.first_within.min(self.interval);
        now.saturating_add(part(within, share(name))).unwrap_or(now)
    }

    /// The next turn after `now`: always at the same part of an interval.
    pub fn next(&self, name: &WorkloadName, now: Timestamp) -> Timestamp {
        let interval = self.interval.as_millis().max(1);
        let phase = part(self.interval, share(name)).as_millis();
        let now_ms = i128::from(now.as_millisecond());
        let turn = (now_ms - phase).div_euclid(interval) + 1;
        Timestamp::from_millisecond((turn * interval + phase) as i64).unwrap_or(now)
    }
}

fn part(of: SignedDuration, share: f64) -> SignedDuration {
    SignedDuration::from_millis((of.as_millis() as f64 * share) as i64)
}

/// Where in an interval a name stands, 0 to 1.
fn share(name: &WorkloadName) -> f64 {
    let digest = Sha256::digest(&name.0);
    let first =
        u32::from_be_bytes(digest[..4].try_into().expect("a SHA-256 digest has more than four bytes"));
    f64::from(first) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(i: u32) -> WorkloadName {
        WorkloadName(format!("shop/{i}"))
    }

    #[test] // A10, F17
    fn spreads_a_thousand_turns_evenly_over_the_interval() {
        let pace = Pace::default();
        let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let mut seconds = [0; 30];
        for i in 0..1_000 {
            let next = pace.next(&name(i), now);
            let wait = next.duration_since(now);
            assert!(wait > SignedDuration::ZERO && wait <= pace.interval);
            seconds[(wait.as_millis() / 1_000).min(29) as usize] += 1;
            assert!(pace.first(&name(i), now).duration_since(now) <= pace.first_within);
        }
        assert!(seconds.iter().all(|turns| (12..60).contains(turns)), "{seconds:?}");
    }

    #[test]
    fn keeps_each_workloads_moment() {
        let pace = Pace::default();
        let mut now: Timestamp = "2026-03-01T08:00:00.123Z".parse().unwrap();
        for _ in 0..100 {
            let next = pace.next(&name(7), now);
            assert_eq!(pace.next(&name(7), next).duration_since(next), pace.interval);
            now = next;
        }
    }
}
