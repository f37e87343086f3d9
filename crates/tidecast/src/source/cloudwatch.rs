//! CloudWatch: requests of a load balancer, or a metric of one's own.

mod period;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

pub use self::watch::Watch;

use self::period::{Stretch, stretches};
use self::watch::{Points, Series};
use super::coverage::Part;
use super::remark::Sieve;
use super::{Count, RemarkKind, Source, Taken};
use crate::trouble::Trouble;

/// One metric, as a source.
#[derive(Debug)]
pub struct CloudWatch {
    watch: Arc<Watch>,
    metric: Metric,
    step_s: i64,
    /// The latest time that was asked for: as near to now as a source gets to know.
    latest: Mutex<Timestamp>,
}

/// Which metric, and what of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// Such as `AWS/ApplicationELB`.
    pub namespace: String,
    /// Such as `RequestCount`.
    pub name: String,
    /// All of its dimensions: CloudWatch takes one with fewer for another metric.
    pub dimensions: BTreeMap<String, String>,
    /// What is made of a period's samples.
    pub statistic: Statistic,
    /// What tells a measurement that is missing in part.
    pub coverage: Counted,
}

/// What is made of a period's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Statistic {
    /// Their sum, given per second so that it does not depend on the period.
    #[default]
    Sum,
    /// Their mean.
    Average,
    /// The largest.
    Maximum,
}

/// What is counted to tell lost samples from falling demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Counted {
    /// Only whether the newest period is there: what AWS's own services send has no reporters to count.
    #[default]
    Newest,
    /// The samples of a period, where each server sends one.
    Samples,
}

impl Statistic {
    fn word(self) -> &'static str {
        match self {
            Self::Sum => "Sum",
            Self::Average => "Average",
            Self::Maximum => "Maximum",
        }
    }
}

/// How long after its end a period may still get samples. AWS gives no number; its own alarms wait about as long.
const SETTLES_S: i64 = 60;

impl CloudWatch {
    /// A metric of what `watch` sees, a value each `step_s` seconds: 60 or 300.
    pub fn new(watch: Arc<Watch>, metric: Metric, step_s: i64) -> Self {
        watch.attend(&metric, step_s);
        Self { watch, metric, step_s, latest: Mutex::new(Timestamp::MIN) }
    }

    fn latest(&self, until: Timestamp) -> Timestamp {
        let mut latest = self.latest.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *latest = latest.max(until);
        *latest
    }

    /// Takes the values in that are complete by `until`, each for every step of its period.
    fn sift(&self, points: &Points, stretch: &Stretch, until: Timestamp, sieve: &mut Sieve) {
        for (at_s, value) in &points.values {
            let whole = *at_s + stretch.period_s + SETTLES_S <= until.as_second();
            let value = match self.metric.statistic {
                Statistic::Sum => value / stretch.period_s as f64,
                Statistic::Average | Statistic::Maximum => *value,
            };
            let steps =
                (0..stretch.period_s / self.step_s.min(stretch.period_s)).map(|n| at_s + n * self.step_s);
            for step_s in steps.filter(|_| whole) {
                if let Ok(time) = Timestamp::from_second(step_s)
                    && (stretch.from_s..=stretch.until_s).contains(&step_s)
                {
                    sieve.value(time, value, &value);
                }
            }
        }
        for said in &points.messages {
            sieve.remark(RemarkKind::Warning, None, said);
        }
        if let Some(why) = &points.partial {
            sieve.partial(why.clone());
        }
    }
}

impl Drop for CloudWatch {
    fn drop(&mut self) {
        self.watch.leave(&self.metric, self.step_s);
    }
}

#[async_trait]
impl Source for CloudWatch {
    fn name(&self) -> String {
        self.watch.who()
    }

    async fn samples(&self, since: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let latest = self.latest(until);
        let mut sieve = Sieve::new(since, until);
        for stretch in stretches(since, until, latest, self.step_s) {
            let points = self.watch.values(&self.metric, &stretch, latest).await?;
            self.sift(&points, &stretch, until, &mut sieve);
        }
        Ok(sieve.done())
    }

    async fn count(&self, now: Timestamp) -> Result<Option<Count>, Trouble> {
        let latest = self.latest(now);
        let window_s = self.count_window().as_secs();
        let until_s = now.as_second() - self.step_s - SETTLES_S;
        let stretch = Stretch { from_s: until_s - window_s, until_s, period_s: self.step_s };
        let series =
            Series { samples: self.metric.coverage == Counted::Samples, metric: self.metric.clone() };
        let points = self.watch.counted(&series, &stretch, latest).await?;
        let newest = points.values.last_key_value();
        let end = newest.and_then(|(at_s, _)| Timestamp::from_second(at_s + self.step_s).ok());
        let periods = (window_s / self.step_s) as f64;
        // The newest period speaks for all: servers that have fallen silent are missing from it first.
        let reporters = match self.metric.coverage {
            Counted::Newest => u32::from(newest.is_some()),
            Counted::Samples => newest.map_or(0, |(_, count)| count.round() as u32),
        };
        let part = Part { targets: reporters, series: reporters, samples: f64::from(reporters) * periods };
        Ok(Some(Count { at: now, parts: vec![part], newest: end }))
    }

    fn count_window(&self) -> SignedDuration {
        SignedDuration::from_secs(5 * self.step_s)
    }

    fn lag(&self) -> SignedDuration {
        SignedDuration::from_secs(self.step_s + SETTLES_S)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Region;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_040 - 1_790_000_040 % 300 + second).unwrap()
    }

    #[track_caller]
    fn check(statistic: Statistic, period_s: i64, until: i64, expected: &[(i64, f64)]) {
        let watch = Arc::new(Watch::new(Arc::new(Region::new("eu-west-1", None))));
        let metric = Metric {
            namespace: "AWS/ApplicationELB".into(),
            name: "RequestCount".into(),
            dimensions: BTreeMap::new(),
            statistic,
            coverage: Counted::Newest,
        };
        let source = CloudWatch::new(watch, metric, 60);
        let zero = at(0).as_second();
        let values = [(zero, 600.0), (zero + 300, 900.0)].into();
        let points = Points { values, ..Points::default() };
        let stretch = Stretch { from_s: zero, until_s: zero + until, period_s };
        let mut sieve = Sieve::new(at(0), at(until));
        source.sift(&points, &stretch, at(until), &mut sieve);
        let taken = sieve.done();
        let seen: Vec<(i64, f64)> =
            taken.samples.0.iter().map(|sample| (sample.time.as_second() - zero, sample.value)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn gives_sums_by_the_second_so_that_periods_do_not_matter() {
        check(Statistic::Sum, 60, 600, &[(0, 10.0), (300, 15.0)]);
        check(Statistic::Sum, 300, 400, &[(0, 2.0), (60, 2.0), (120, 2.0), (180, 2.0), (240, 2.0)]);
        check(Statistic::Average, 60, 600, &[(0, 600.0), (300, 900.0)]);
    }

    #[test] // F4
    fn leaves_out_what_may_still_grow() {
        check(Statistic::Sum, 60, 419, &[(0, 10.0)]);
        check(Statistic::Sum, 60, 420, &[(0, 10.0), (300, 15.0)]);
    }
}
