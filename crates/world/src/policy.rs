//! The policies that a rehearsal can follow: a closed list, and one file for each way to decide.

mod hpa;
mod planned;
pub(crate) mod rivals;
mod target_tracking;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

pub(crate) use hpa::Hpa;
pub(crate) use target_tracking::TargetTracking;

/// How a fleet is sized during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// This project: forecasts and nowcasts, sized by whatever has kept the promise at the least cost in replay.
    Tidecast,
    /// The same of forecasts alone, without measured demand.
    TidecastPredictiveOnly,
    /// As many servers, always, as the most demand of the 28 days before needed.
    StaticPeak,
    /// Kubernetes' HorizontalPodAutoscaler at 70 % utilisation.
    Hpa,
    /// AWS target tracking at 70 % utilisation.
    TargetTracking,
    /// AWS predictive scaling at 70 %: an hourly forecast that only adds to target tracking.
    AwsPredictive,
    /// Dyte's load predictor, a quarter of an hour ahead, with a buffer of 30 %.
    Dyte,
    /// Scryer's two predictors, a day ahead, with a padding of 10 %.
    Scryer,
    /// Five minutes of foresight: the true demand of this bin and those within a start-up.
    Perfect,
    /// The exact offline optimum, knowing everything.
    Oracle,
}

impl Policy {
    /// Every policy, in the order in which tables show them.
    pub const ALL: [Self; 10] = [
        Self::Tidecast,
        Self::TidecastPredictiveOnly,
        Self::StaticPeak,
        Self::Hpa,
        Self::TargetTracking,
        Self::AwsPredictive,
        Self::Dyte,
        Self::Scryer,
        Self::Perfect,
        Self::Oracle,
    ];

    /// Its name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tidecast => "tidecast",
            Self::TidecastPredictiveOnly => "tidecast-predictive-only",
            Self::StaticPeak => "static-peak",
            Self::Hpa => "hpa",
            Self::TargetTracking => "target-tracking",
            Self::AwsPredictive => "aws-predictive",
            Self::Dyte => "dyte",
            Self::Scryer => "scryer",
            Self::Perfect => "perfect",
            Self::Oracle => "oracle",
        }
    }

    /// What it does, in a sentence.
    pub fn says(self) -> &'static str {
        match self {
            Self::Tidecast => {
                "forecasts and nowcasts, sized by what has kept the promise at the least cost in replay"
            }
            Self::TidecastPredictiveOnly => "the same of forecasts alone, without measured demand",
            Self::StaticPeak => "as many servers, always, as the busiest minute of the 28 days before needed",
            Self::Hpa => "Kubernetes' HorizontalPodAutoscaler at 70 % utilisation",
            Self::TargetTracking => "AWS target tracking at 70 % utilisation",
            Self::AwsPredictive => {
                "AWS predictive scaling at 70 %: hourly, and only ever adding to target tracking"
            }
            Self::Dyte => "Dyte's load predictor, 15 minutes ahead, with a buffer of 30 %",
            Self::Scryer => "Scryer's two predictors, a day ahead, with a padding of 10 %",
            Self::Perfect => "knows the demand of the current five minutes and of one start-up ahead",
            Self::Oracle => "the cheapest schedule that is never short, knowing everything",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A policy that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no policy '{0}'; there are {list}", list = Policy::ALL.map(Policy::name).join(", "))]
pub struct NoSuchPolicy(String);

impl FromStr for Policy {
    type Err = NoSuchPolicy;

    fn from_str(name: &str) -> Result<Self, NoSuchPolicy> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.name() == name)
            .ok_or_else(|| NoSuchPolicy(name.to_owned()))
    }
}

/// What a rule is shown at the start of a minute: the demand of the minute before, and the fleet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Minute of the trace.
    pub(crate) minute: usize,
    /// Demand of the minute before.
    pub(crate) demand: f64,
    /// Servers that serve.
    pub(crate) ready: u32,
    /// Servers billed.
    pub(crate) total: u32,
    /// Demand that one server serves in a minute.
    pub(crate) throughput: f64,
}

impl Seen {
    /// Demand ÷ ready capacity; whole if nothing is ready.
    fn utilisation(&self) -> f64 {
        if self.ready == 0 { 1.0 } else { self.demand / (f64::from(self.ready) * self.throughput) }
    }
}

/// A policy at work: wants a number of servers, each minute.
pub(crate) trait Rule {
    /// Servers planned for a minute whatever its demand; the fleet starts with at least as many.
    fn floor(&self, minute: usize) -> u32 {
        let _ = minute;
        0
    }

    /// Servers to be billed from this minute on.
    fn want(&mut self, seen: &Seen) -> u32;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_found_by_its_name_and_by_no_other() {
        assert!(Policy::ALL.into_iter().all(|policy| policy.name().parse() == Ok(policy)));
        let refusal = "hpa2".parse::<Policy>().unwrap_err().to_string();
        assert!(refusal.starts_with("there is no policy 'hpa2'; there are tidecast, "), "{refusal}");
    }
}
