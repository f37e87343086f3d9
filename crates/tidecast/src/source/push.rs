use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::Samples;

use super::remark::Sieve;
use super::{Count, Part, RemarkKind, Source, Taken};
use crate::trouble::Trouble;

/// A source into which others push their measurements; it keeps them in memory until they are collected.
///
/// Its size is bounded: the oldest measurements make room for the newest.
#[derive(Debug)]
pub struct Inbox {
    name: String,
    samples: Mutex<BTreeMap<Timestamp, f64>>,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// How many were taken.
    pub taken: usize,
    /// What was left out, in sentences.
    pub left_out: Vec<String>,
}

impl Inbox {
    /// The most measurements kept: ten weeks of minutes.
    pub const POINTS_MAX: usize = 100_800;

    /// How far ahead of our clock a sender's may run.
    pub const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(1);

    /// An empty inbox.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), samples: Mutex::default() }
    }

    /// Takes measurements in; the same time again replaces the earlier value. Late ones are welcome, those of
    /// the future are not.
    pub fn push(&self, samples: Samples, now: Timestamp) -> Pushed {
        let until = now.saturating_add(Self::AHEAD_MAX).unwrap_or(Timestamp::MAX);
        let mut sieve = Sieve::new(Timestamp::MIN, until);
        for sample in samples.0 {
            sieve.value(sample.time, sample.value, &sample.value);
        }
        let Taken { samples, remarks, .. } = sieve.done();
        let mut kept = self.kept();
        kept.extend(samples.0.iter().map(|s| (s.time, s.value)));
        while kept.len() > Self::POINTS_MAX {
            kept.pop_first();
        }
        let said = remarks.iter().filter(|r| r.kind != RemarkKind::Empty).map(ToString::to_string);
        Pushed { taken: samples.0.len(), left_out: said.collect() }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Timestamp, f64>> {
        self.samples.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// From how many of the latest measurements it is concluded how often they come.
const LATEST: usize = 10;

#[async_trait]
impl Source for Inbox {
    fn name(&self) -> String {
        format!("the push inbox {}", self.name)
    }

    async fn samples(&self, since: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let mut sieve = Sieve::new(since, until);
        for (time, value) in self.kept().range(since..=until.max(since)) {
            sieve.value(*time, *value, value);
        }
        Ok(sieve.done())
    }

    /// One series, with as many samples in a window as it has lately had: so an inbox that is filled every five minutes is
    /// not late after two.
    async fn count(&self, now: Timestamp) -> Result<Option<Count>, Trouble> {
        let times: Vec<Timestamp> =
            self.kept().range(..=now).rev().take(LATEST).map(|(time, _)| *time).collect();
        let mut gaps: Vec<f64> =
            times.windows(2).map(|pair| pair[0].duration_since(pair[1]).as_secs_f64()).collect();
        gaps.sort_by(f64::total_cmp);
        let window_s = self.count_window().as_secs_f64();
        let samples = gaps.get(gaps.len() / 2).map_or(1.0, |gap| window_s / gap.max(1.0));
        let parts = vec![Part { targets: 1, series: 1, samples }];
        let parts = if times.is_empty() { Vec::new() } else { parts };
        Ok(Some(Count { at: now, parts, newest: times.first().copied() }))
    }

    /// What was not pushed is missing; what was pushed is whole.
    fn is_falsified_by_loss(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use tidecast_forecast::Sample;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn samples(pairs: &[(i64, f64)]) -> Samples {
        Samples(pairs.iter().map(|(s, value)| Sample { time: at(*s), value: *value }).collect())
    }

    #[tokio::test] // S3.1
    async fn keeps_what_is_pushed_late_points_too_and_the_last_word_of_each_time() {
        let inbox = Inbox::new("sfu");
        assert_eq!(inbox.push(samples(&[(120, 3.0), (60, 1.0)]), at(200)).taken, 2);
        inbox.push(samples(&[(120, 4.0), (0, 9.0)]), at(200));
        let taken = inbox.samples(at(30), at(200)).await.unwrap();
        assert_eq!(taken.samples, samples(&[(60, 1.0), (120, 4.0)]));
        assert_eq!(inbox.count(at(200)).await.unwrap().unwrap().newest, Some(at(120)));
    }

    #[tokio::test] // F2, F8
    async fn leaves_out_the_future_and_what_is_no_demand() {
        let inbox = Inbox::new("sfu");
        let pushed =
            inbox.push(samples(&[(0, -1.0), (1, f64::NAN), (500, 1.0), (261, 1.0), (260, 2.0)]), at(200));
        assert_eq!(pushed.taken, 1);
        assert_eq!(
            pushed.left_out,
            [
                "1 value is negative: -1, left unknown, the first at 1970-01-01T00:00:00Z",
                "1 value is not finite: NaN, left unknown, the first at 1970-01-01T00:00:01Z",
                "2 measurements with a time outside the span left out: 1970-01-01T00:08:20Z",
            ]
        );
    }

    #[tokio::test]
    async fn makes_room_for_the_newest() {
        let inbox = Inbox::new("sfu");
        let many = (0..Inbox::POINTS_MAX as i64 + 5).map(|s| (s, 1.0)).collect::<Vec<_>>();
        inbox.push(samples(&many), at(i64::from(i32::MAX)));
        let taken = inbox.samples(at(0), at(i64::from(i32::MAX))).await.unwrap();
        assert_eq!((taken.samples.0.len(), taken.samples.0[0].time), (Inbox::POINTS_MAX, at(5)));
    }

    #[tokio::test] // F1
    async fn says_that_an_empty_inbox_is_unknown() {
        let taken = Inbox::new("x").samples(at(0), at(9)).await.unwrap();
        assert_eq!(taken.remarks[0].kind, RemarkKind::Empty);
    }
}
