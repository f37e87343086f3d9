use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::told::{clock, span};
use crate::{Demand, NodeName, Override, Quality, Size, Stuck, Way};

/// Something worth telling that stopped nothing (B1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "code", rename_all_fields = "camelCase")]
pub enum Note {
    /// There is no forecast: the fleet follows its measured demand, upwards only.
    NoForecast,
    /// Another model speaks for the one that should.
    Fallback {
        /// Who speaks, and why.
        model: String,
    },
    /// The forecast in use is not the newest that there should be.
    OldForecast {
        /// How old it is.
        age: SignedDuration,
    },
    /// How demand is sized, and why so.
    Sized {
        /// The way that kept the promise at the least cost in replay.
        way: Way,
        /// The share of demand that it served, as far as any way could have.
        served: f64,
        /// On how many days.
        days: usize,
        /// Since when it is followed.
        since: Timestamp,
        /// What is followed until there is a nowcast, as after a restart.
        instead: Option<Way>,
        /// The best of the other kind, and what it would have cost more.
        other: Option<(Way, f64)>,
    },
    /// Measurements are lost or partial; the stored forecast keeps scaling out.
    Evidence(Quality),
    /// Nobody told or taught what a server serves: demand cannot be sized.
    NoThroughput,
    /// Nobody told or taught how long a server takes to start: this long is assumed.
    StartUpAssumed {
        /// How long.
        start_up: SignedDuration,
    },
    /// A floor and a ceiling contradict each other: the floor holds.
    FloorBeatsCeiling {
        /// The floor.
        floor: Override,
        /// The ceiling.
        ceiling: Override,
    },
    /// An override reaches beyond the workload's bounds: the bounds hold.
    BeyondBounds {
        /// The override.
        decree: Override,
    },
    /// The bounds, ramp, batch or dwell leave the plan short of the need.
    Short {
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
        /// By how many servers at most.
        by: Size,
        /// What stands in the way.
        because: Shortage,
    },
    /// The plan moves in steps of several servers, because the range of sizes is very wide.
    Coarse {
        /// How many servers a step has.
        quantum: Size,
    },
    /// The day is not as its weekday lets one expect.
    SpecialDay {
        /// What it is called.
        name: String,
        /// As what it is forecast, if as another day.
        like: Option<String>,
    },
    /// Demand has fallen far below everything that was forecast.
    Dip {
        /// Since when.
        since: Timestamp,
        /// What was expected then.
        expected: Demand,
    },
    /// Demand keeps deviating from its forecast.
    Drift {
        /// By how much, as a share of the forecast; positive if demand is higher.
        by: f64,
    },
    /// Measured demand and forecast are far apart, as after a change of unit or query.
    Apart {
        /// Measured divided by forecast.
        ratio: f64,
    },
    /// A plan that was found flawed was not used.
    Flawed {
        /// The first flaw, as a sentence.
        flaw: String,
    },
    /// Servers that were launched have not come up in the time in which they should have.
    NeverReady {
        /// Which.
        stuck: Stuck,
    },
    /// The fleet does not do all that it is told.
    Fleet {
        /// Why, as the sentence of whoever looks at it.
        said: String,
    },
    /// Servers are being emptied.
    Draining {
        /// How many.
        servers: Size,
        /// How many sessions are known to be left on them.
        sessions: u32,
        /// Of how many of them it is not known.
        unknown: Size,
    },
    /// A server is ended before its sessions are known to be over, since the operator has set a deadline.
    Cut {
        /// Which.
        node: NodeName,
        /// Since when it has been drained.
        since: Timestamp,
        /// How long it may drain.
        deadline: SignedDuration,
        /// The sessions on it, if that is known.
        sessions: Option<u32>,
    },
    /// The plan in force was kept.
    PlanKept {
        /// When it was made.
        issued: Option<Timestamp>,
    },
}

/// What leaves a plan short of the need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Shortage {
    /// The workload's maximum, or a ceiling.
    Maximum,
    /// The fleet may not grow faster, in rate or in batch.
    Ramp,
    /// A planned size stays for a while.
    Dwell,
    /// What is missing cannot start in time.
    StartUp,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Maximum => "the maximum or a ceiling allows no more",
            Self::Ramp => "the fleet may not grow faster",
            Self::Dwell => "a planned size stays for a while",
            Self::StartUp => "servers cannot start any sooner",
        })
    }
}

impl Note {
    /// A name that never changes, for metrics, filters and help pages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoForecast => "noForecast",
            Self::Fallback { .. } => "fallback",
            Self::OldForecast { .. } => "oldForecast",
            Self::Sized { .. } => "sized",
            Self::Evidence(_) => "evidence",
            Self::NoThroughput => "noThroughput",
            Self::StartUpAssumed { .. } => "startUpAssumed",
            Self::FloorBeatsCeiling { .. } => "floorBeatsCeiling",
            Self::BeyondBounds { .. } => "beyondBounds",
            Self::Short { .. } => "short",
            Self::Coarse { .. } => "coarse",
            Self::SpecialDay { .. } => "specialDay",
            Self::Dip { .. } => "dip",
            Self::Drift { .. } => "drift",
            Self::Apart { .. } => "apart",
            Self::Flawed { .. } => "flawed",
            Self::NeverReady { .. } => "neverReady",
            Self::Fleet { .. } => "fleet",
            Self::Draining { .. } => "draining",
            Self::Cut { .. } => "cut",
            Self::PlanKept { .. } => "planKept",
        }
    }

    /// The sentence, with times on the clock of `zone`.
    pub fn tell(&self, zone: &TimeZone) -> String {
        match self {
            Self::NoForecast => {
                "there is no forecast for this moment: the fleet follows measured demand, upwards only"
                    .to_owned()
            }
            Self::Fallback { model } => format!("the forecast is a fallback: {model}"),
            Self::OldForecast { age } => {
                format!("the forecast is {} old and still used, for growing only", span(*age))
            }
            Self::Sized { way, served, days, since, instead, other } => {
                let other = other.as_ref().map_or_else(String::new, |(way, more)| {
                    format!("; {way} would have cost {:.1} % more", 100.0 * more)
                });
                let instead = instead
                    .as_ref()
                    .map_or_else(String::new, |way| format!("; until there is a nowcast, {way} stands in"));
                format!(
                    "sized since {} by {way}: of all ways it kept the promise at the least cost in replay, {} of what could be \
                     served on {}, the latest counting most{other}{instead}",
                    clock(*since, zone),
                    share(*served),
                    if *days == 1 { "1 day".to_owned() } else { format!("{days} days") },
                )
            }
            Self::Evidence(quality) => format!("{quality}; the forecast keeps the fleet up"),
            Self::NoThroughput => {
                "what a server serves is neither told nor learned yet, so no demand can be sized".to_owned()
            }
            Self::StartUpAssumed { start_up } => {
                format!("no start has been seen yet: {} is assumed for one", span(*start_up))
            }
            Self::FloorBeatsCeiling { floor, ceiling } => {
                format!("{} beats {}", floor.tell(zone), ceiling.tell(zone))
            }
            Self::BeyondBounds { decree } => {
                format!("{} reaches beyond the workload's bounds, which hold", decree.tell(zone))
            }
            Self::Short { from, until, by, because } => format!(
                "from {} until {} the plan is up to {by} servers short: {because}",
                clock(*from, zone),
                clock(*until, zone)
            ),
            Self::Coarse { quantum } => {
                format!("the range of sizes is so wide that the plan moves in steps of {quantum} servers")
            }
            Self::SpecialDay { name, like: Some(like) } => {
                format!("today is {name}: it is forecast like a {like}, and nothing is learned from it")
            }
            Self::SpecialDay { name, like: None } => {
                format!("today is {name}: nothing is learned from it")
            }
            Self::Dip { since, expected } => format!(
                "since {} demand is far below the {expected} that were expected then: an outage looks like this",
                clock(*since, zone)
            ),
            Self::Drift { by } => format!(
                "demand has been {:.0} % {} than forecast for hours; the size makes up for it",
                100.0 * by.abs(),
                if *by > 0.0 { "higher" } else { "lower" }
            ),
            Self::Apart { ratio } => {
                format!(
                    "measured demand is {ratio:.2} times its forecast: has its unit or its query changed?"
                )
            }
            Self::Flawed { flaw } => format!("a flawed plan was not used: {flaw}"),
            Self::NeverReady { stuck: Stuck { servers, within } } => format!(
                "{servers} servers that were launched have not come up in {}, twice what launches usually take: they are \
                 not counted as capacity",
                span(*within)
            ),
            Self::Fleet { said } => said.clone(),
            Self::Draining { servers, sessions, unknown } => {
                let are =
                    if *servers == Size(1) { "1 server is".into() } else { format!("{servers} servers are") };
                let left =
                    if *sessions == 1 { "1 session is".into() } else { format!("{sessions} sessions are") };
                let unknown = match *unknown {
                    Size(0) => String::new(),
                    unknown => {
                        format!("; what {unknown} of them hold is not known, and unknown is not empty")
                    }
                };
                format!("{are} being drained, on which {left} left{unknown}")
            }
            Self::Cut { node, since, deadline, sessions } => {
                let left = match sessions {
                    Some(1) => "1 session runs on it".to_owned(),
                    Some(sessions) => format!("{sessions} sessions run on it"),
                    None => "nobody knows how many sessions run on it".to_owned(),
                };
                format!(
                    "{node} has been drained since {}, longer than the deadline of {}: it is ended although {left}",
                    clock(*since, zone),
                    span(*deadline)
                )
            }
            Self::PlanKept { issued: Some(issued) } => {
                format!("the plan of {} stays in force", clock(*issued, zone))
            }
            Self::PlanKept { issued: None } => "the plan in force stays".to_owned(),
        }
    }
}

/// A share of nearly everything: with as many digits as tell it from everything.
fn share(served: f64) -> String {
    let percent = 100.0 * served;
    if percent > 99.995 { "all".to_owned() } else { format!("{percent:.2} %") }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tell(&TimeZone::UTC))
    }
}
