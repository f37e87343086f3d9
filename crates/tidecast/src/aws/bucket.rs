use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How many calls a region is asked to bear.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Calls a second at the beginning.
    pub first: f64,
    /// The least that it comes down to.
    pub least: f64,
    /// The most that it climbs to.
    pub most: f64,
    /// Calls at once after a quiet time.
    pub burst: f64,
    /// How long a call may wait for its place; who would wait longer goes on in the next turn.
    pub patience: Duration,
}

impl Default for Rates {
    /// AWS publishes no numbers for Auto Scaling; its own tools are throttled somewhere above ten calls a second.
    fn default() -> Self {
        Self { first: 5.0, least: 0.5, most: 10.0, burst: 20.0, patience: Duration::from_secs(6) }
    }
}

/// A token bucket whose rate is learned: a little more after each call that went well, half after each that was one too
/// many (AIMD). All workloads of a region share it, first come, first served.
#[derive(Debug, Clone)]
pub struct Bucket {
    rates: Rates,
    per_s: f64,
    /// Below zero: that many places are taken ahead.
    tokens: f64,
    then: Timestamp,
    /// No second halving for calls that were already under way at the first.
    halved: Timestamp,
}

/// By how much the rate climbs after each good call.
const CLIMB: f64 = 0.02;
/// How long after a halving further complaints are about the same burst.
const SAME_BURST: SignedDuration = SignedDuration::from_secs(1);

impl Bucket {
    /// A full bucket.
    pub fn new(rates: Rates) -> Self {
        let (then, halved) = (Timestamp::MIN, Timestamp::MIN);
        Self { per_s: rates.first, tokens: rates.burst, then, halved, rates }
    }

    /// Calls a second at the moment.
    pub fn per_s(&self) -> f64 {
        self.per_s
    }

    /// Takes a place: how long to wait for it; none if that is longer than anybody waits.
    pub fn take(&mut self, now: Timestamp) -> Option<Duration> {
        if now > self.then {
            let passed = now.duration_since(self.then).as_secs_f64();
            self.tokens = (self.tokens + passed * self.per_s).min(self.rates.burst);
            self.then = now;
        }
        // Who was told an earlier time waits from then on: clocks of turns under way may lie a little behind.
        let wait = Duration::from_secs_f64(((1.0 - self.tokens) / self.per_s).max(0.0));
        (wait <= self.rates.patience).then(|| {
            self.tokens -= 1.0;
            wait
        })
    }

    /// A call went well.
    pub fn went_well(&mut self) {
        self.per_s = (self.per_s + CLIMB).min(self.rates.most);
    }

    /// A call was one too many: half the rate, and nothing left of the burst.
    pub fn was_too_much(&mut self, now: Timestamp) {
        if now.duration_since(self.halved) > SAME_BURST {
            self.per_s = (self.per_s / 2.0).max(self.rates.least);
            self.tokens = self.tokens.min(0.0);
            self.halved = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_770_000_000_000 + ms).unwrap()
    }

    #[test] // F17
    fn lets_a_herd_through_in_order_and_within_its_rate() {
        let rates = Rates { first: 10.0, patience: Duration::from_secs(300), ..Rates::default() };
        let mut bucket = Bucket::new(rates);
        let waits: Vec<f64> = (0..1_000).map(|_| bucket.take(at(0)).unwrap().as_secs_f64()).collect();
        assert!(waits.windows(2).all(|pair| pair[1] >= pair[0]));
        assert_eq!(waits[19], 0.0, "the burst goes at once");
        for second in 1..98 {
            let within =
                waits.iter().filter(|w| (f64::from(second)..f64::from(second + 1)).contains(*w)).count();
            assert!(within <= 10, "{within} calls in second {second}");
        }
        assert!(*waits.last().unwrap() <= 98.1, "all are through in under five minutes");
    }

    #[test] // F17
    fn halves_when_it_was_too_much_and_climbs_slowly() {
        let mut bucket = Bucket::new(Rates::default());
        bucket.was_too_much(at(0));
        bucket.was_too_much(at(500));
        assert_eq!(bucket.per_s(), 2.5, "one burst halves once");
        bucket.was_too_much(at(5_000));
        bucket.was_too_much(at(10_000));
        bucket.was_too_much(at(15_000));
        assert_eq!(bucket.per_s(), 0.5, "and never to nothing");
        (0..50).for_each(|_| bucket.went_well());
        assert!((bucket.per_s() - 1.5).abs() < 1e-9);
        (0..5_000).for_each(|_| bucket.went_well());
        assert_eq!(bucket.per_s(), 10.0);
    }

    #[test]
    fn sends_away_who_would_wait_too_long() {
        let mut bucket = Bucket::new(Rates { first: 1.0, burst: 2.0, ..Rates::default() });
        let through = (0..100).filter(|_| bucket.take(at(0)).is_some()).count();
        assert_eq!(through, 8, "two at once, and six that wait up to six seconds");
        assert!(bucket.take(at(1_000)).is_some(), "places of those sent away are not taken");
    }
}
