use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tidecast_pilot::planner::compress;

use super::told::{Said, Told};
use crate::turns_round;

/// From a time until another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stretch {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, which is not part of it.
    pub until: Timestamp,
}

/// Something that must come true.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Expectation {
    /// At most this share of the demand finds no server.
    Short {
        /// When.
        within: Option<Stretch>,
        /// The share.
        most: f64,
    },
    /// So many servers are billed at least.
    AtLeast {
        /// When.
        within: Option<Stretch>,
        /// How many.
        servers: u32,
    },
    /// So many servers are billed at most.
    AtMost {
        /// When.
        within: Option<Stretch>,
        /// How many.
        servers: u32,
    },
    /// Nothing is taken away.
    Keeps {
        /// When.
        within: Stretch,
    },
    /// Servers are taken away so many at once at most, and some are.
    Gradual {
        /// When.
        within: Stretch,
        /// How many.
        most: u32,
    },
    /// More servers are launched so many times at most, and some are.
    Launches {
        /// When.
        within: Stretch,
        /// How many times.
        most: usize,
    },
    /// Growing turns into shrinking or back so many times an hour at most.
    TurnsRound {
        /// When.
        within: Stretch,
        /// How many times in any hour.
        most: usize,
    },
    /// No session is ended by ending its server.
    CutsNobody,
    /// A reason, limit or note has these words.
    Says {
        /// When.
        within: Option<Stretch>,
        /// The words.
        words: String,
    },
    /// The plan of this moment fits into so many actions with unique times, and costs this share more at most.
    Fits {
        /// Of when the plan is.
        at: Timestamp,
        /// How many actions.
        actions: usize,
        /// What share more.
        extra: f64,
    },
}

impl Expectation {
    /// Whether it came true, and what did.
    pub(super) fn judge(&self, told: &Told) -> (bool, String) {
        match self {
            Self::Short { within, most } => {
                let share = told.short(*within);
                (
                    share <= *most,
                    format!("{:.3} % of the demand came while no server was left for it", 100.0 * share),
                )
            }
            Self::AtLeast { within, servers } => {
                let least = told.billed(*within).iter().copied().min().unwrap_or(0);
                (least >= *servers, format!("{least} servers at least"))
            }
            Self::AtMost { within, servers } => {
                let most = told.billed(*within).iter().copied().max().unwrap_or(0);
                (most <= *servers, format!("{most} servers at most"))
            }
            Self::Keeps { within } => match told.falls(*within).max() {
                None => (true, "nothing was taken away".to_owned()),
                Some(most) => (false, format!("{most} servers were taken away at once")),
            },
            Self::Gradual { within, most } => {
                let largest = told.falls(*within).max().unwrap_or(0);
                (
                    largest > 0 && largest <= *most,
                    format!("at most {largest} servers were taken away at once"),
                )
            }
            Self::Launches { within, most } => {
                let count = told.launches(*within);
                ((1..=*most).contains(&count), format!("launched {count} times"))
            }
            Self::TurnsRound { within, most } => {
                let hours = told.billed(Some(*within)).windows(61);
                let count = hours.map(turns_round).max().unwrap_or(0);
                (count <= *most, format!("turned round {count} times in the hour with most of it"))
            }
            Self::CutsNobody => {
                (told.cut == 0, format!("{} sessions were ended by ending their server", told.cut))
            }
            Self::Says { within, words } => {
                let said = told.said.iter().find(|said| within_or(*within, said.at) && said.has(words));
                match said {
                    Some(said) => (true, format!("{words:?} was said at {}", said.clock(&told.zone))),
                    None => (false, format!("{words:?} was never said")),
                }
            }
            Self::Fits { at, actions, extra } => match told.said.iter().find(|said| said.at == *at) {
                Some(said) => fits(said, *actions, *extra),
                None => (false, "there was no turn at that moment".to_owned()),
            },
        }
    }
}

fn within_or(within: Option<Stretch>, at: Timestamp) -> bool {
    within.is_none_or(|within| (within.from..within.until).contains(&at))
}

/// Seconds between two actions: the clocks of those who carry them out count minutes.
const APART_S: i64 = 60;

fn fits(said: &Said, actions: usize, extra: f64) -> (bool, String) {
    let steps: Vec<(i64, u32)> = said.plan.steps.iter().map(|s| (s.at.as_second(), s.size.get())).collect();
    let (Some(first), Some(until)) = (steps.first(), said.plan.until) else {
        return (false, "there was no plan".to_owned());
    };
    let end = until.as_second();
    let few = compress(&steps, end, actions, APART_S);
    let size = |steps: &[(i64, u32)], at: i64| steps[steps.partition_point(|s| s.0 <= at) - 1].1;
    let minutes = (first.0..end).step_by(60);
    let covers = minutes.clone().all(|at| size(&few.steps, at) >= size(&steps, at));
    let apart = few.steps.windows(2).all(|pair| pair[1].0 - pair[0].0 >= APART_S);
    let whole: f64 = minutes.map(|at| 60.0 * f64::from(size(&steps, at))).sum();
    let share = few.extra / whole.max(1.0);
    let sound = covers && apart && few.steps.len() <= actions && share <= extra;
    let hours = (end - first.0) as f64 / 3_600.0;
    let what = format!(
        "{} steps of {hours:.0} hours in {} actions, each at a time of its own, for {:.2} % more; {} in 12 for {:.1} % more",
        steps.len(),
        few.steps.len(),
        100.0 * share,
        compress(&steps, end, 12, APART_S).steps.len(),
        100.0 * compress(&steps, end, 12, APART_S).extra / whole.max(1.0)
    );
    (sound, what)
}

impl Stretch {
    /// From when until when, on the clock of `zone`.
    pub(super) fn tell(&self, zone: &TimeZone) -> String {
        let clock = |time: Timestamp| time.to_zoned(zone.clone()).strftime("%a %H:%M").to_string();
        format!("{} to {}", clock(self.from), clock(self.until))
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { most, .. } => {
                write!(f, "at most {:.3} % of the demand finds no server", 100.0 * most)
            }
            Self::AtLeast { servers, .. } => write!(f, "at least {servers} servers"),
            Self::AtMost { servers, .. } => write!(f, "at most {servers} servers"),
            Self::Keeps { .. } => f.write_str("nothing is taken away"),
            Self::Gradual { most, .. } => write!(f, "at most {most} are taken away at once"),
            Self::Launches { most, .. } => write!(f, "launches are tried at most {most} times"),
            Self::TurnsRound { most, .. } => write!(f, "it turns round at most {most} times an hour"),
            Self::CutsNobody => f.write_str("no session is cut"),
            Self::Says { words, .. } => write!(f, "it says {words:?}"),
            Self::Fits { actions, extra, .. } => {
                write!(f, "the plan fits into {actions} actions for {:.1} % more", 100.0 * extra)
            }
        }
    }
}

impl Expectation {
    pub(super) fn within(&self) -> Option<Stretch> {
        match self {
            Self::Short { within, .. } | Self::AtLeast { within, .. } | Self::AtMost { within, .. } => {
                *within
            }
            Self::Says { within, .. } => *within,
            Self::Keeps { within }
            | Self::Gradual { within, .. }
            | Self::Launches { within, .. }
            | Self::TurnsRound { within, .. } => Some(*within),
            Self::CutsNobody | Self::Fits { .. } => None,
        }
    }
}
