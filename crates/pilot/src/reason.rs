use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::told::{clock, span};
use crate::{Demand, Level, Override, Share, Size, Stuck, Throughput, Way};

/// What makes a size necessary (B1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "code", rename_all_fields = "camelCase")]
pub enum Reason {
    /// Demand to come.
    Forecast {
        /// The demand expected at the service level.
        demand: Demand,
        /// When it is expected: the most demanding moment that this size must cover.
        at: Timestamp,
        /// The probability that demand will not exceed it.
        level: Level,
        /// What one server serves.
        throughput: Throughput,
        /// Buffer and padding that are part of the size.
        spare: Size,
        /// How long before it is needed a server must be launched.
        lead: SignedDuration,
    },
    /// Demand that is here.
    Measured {
        /// What was measured.
        demand: Demand,
        /// When.
        at: Timestamp,
        /// By how much it was multiplied.
        factor: f64,
        /// What one server serves.
        throughput: Throughput,
        /// Buffer and padding that are part of the size.
        spare: Size,
    },
    /// Demand that the last minutes announce.
    Nowcast {
        /// The most demand to come until an order would serve.
        demand: Demand,
        /// Servers that are part of the size because it steps in lots: ordered ahead, or not given up yet.
        #[serde(default)]
        lot: Size,
        /// The end of the last minute that was known.
        at: Timestamp,
        /// Whose word it is, and at which level.
        way: Way,
        /// What one server serves.
        throughput: Throughput,
        /// Buffer and padding that are part of the size.
        spare: Size,
        /// How long a server takes to start.
        lead: SignedDuration,
    },
    /// Kept for a need to come, because another scale-up would cost more than keeping it.
    Kept {
        /// What would do meanwhile.
        need: Size,
        /// Until when it is kept at least.
        until: Timestamp,
    },
    /// Somebody decreed it.
    Decreed(Override),
    /// Demand that somebody decreed.
    DecreedDemand {
        /// The decree.
        decree: Override,
        /// What one server serves.
        throughput: Throughput,
        /// Buffer and padding that are part of the size.
        spare: Size,
        /// How long before it is needed a server must be launched.
        lead: SignedDuration,
    },
    /// The workload's minimum.
    Minimum {
        /// It.
        min: Size,
    },
    /// Nothing is known that would justify another size than the one there is.
    Standing,
}

/// What held a size back, or pushed it from where its reason alone would have put it (B1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "code", rename_all_fields = "camelCase")]
pub enum Limit {
    /// The workload's maximum.
    Maximum {
        /// It.
        max: Size,
        /// What would have been wanted.
        wanted: Size,
    },
    /// A ceiling that somebody decreed.
    Ceiling {
        /// The decree.
        decree: Override,
        /// What would have been wanted.
        wanted: Size,
    },
    /// The fleet may not grow faster.
    RampUp {
        /// The most in `per`.
        servers: Size,
        /// In what time.
        per: SignedDuration,
        /// What would have been wanted.
        wanted: Size,
    },
    /// All workloads together may not have or launch more.
    Shared {
        /// What is left to this one.
        share: Share,
        /// What would have been wanted.
        wanted: Size,
    },
    /// The fleet was shrunk and soon grown again, and that twice: it keeps what it has for a while.
    Turned {
        /// Until when.
        until: Timestamp,
    },
    /// The clock went back a while ago.
    ClockJumped {
        /// Until when it counts.
        until: Timestamp,
    },
    /// Launches do not come up: the next one waits.
    BackOff {
        /// Which.
        stuck: Stuck,
        /// Until when.
        until: Timestamp,
        /// What would have been wanted.
        wanted: Size,
    },
    /// Servers that have not come up are not counted as capacity, so those that serve stay.
    NeverReady {
        /// Which.
        stuck: Stuck,
        /// What would do.
        wanted: Size,
    },
    /// What was planned before is kept: changing the plan would cost more than it saves.
    Steady,
    /// A planned size stays for a while.
    Dwell {
        /// Until when.
        until: Timestamp,
    },
    /// The budget for taking servers away is spent.
    Pace {
        /// How many may go now.
        allowed: Size,
        /// In what time the budget renews itself.
        per: SignedDuration,
        /// What would have been wanted.
        wanted: Size,
    },
    /// The fleet grew only just now.
    CoolDown {
        /// Until when nothing is taken away.
        until: Timestamp,
    },
    /// The measurements are no evidence for taking servers away.
    Evidence(crate::Quality),
    /// No forecast agrees to taking servers away.
    NoForecast,
    /// The forecast is too old to agree to taking servers away.
    OldForecast {
        /// How old it is.
        age: SignedDuration,
    },
    /// The fleet was not seen, or not all of it.
    NotSeen,
    /// Too many servers are silent to take any away.
    ManySilent {
        /// How many.
        silent: Size,
        /// Of how many.
        of: Size,
    },
    /// Somebody else changes the size.
    ForeignWriter {
        /// Who.
        writer: String,
    },
    /// Demand has fallen far below its forecast.
    Dip {
        /// Since when.
        since: Timestamp,
        /// Until when nothing is taken away for that.
        until: Timestamp,
    },
    /// Padding or throughput that somebody decreed is part of the size.
    Decreed {
        /// The decree.
        decree: Override,
    },
    /// The clock went back.
    ClockWentBack {
        /// The time of the turn before.
        before: Timestamp,
    },
    /// The mode allows no more.
    Mode {
        /// It.
        mode: crate::Mode,
    },
    /// Somebody halted it.
    Halted(crate::Halt),
}

impl Reason {
    /// A name that never changes, for metrics, filters and help pages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forecast { .. } => "forecast",
            Self::Measured { .. } => "measured",
            Self::Nowcast { .. } => "nowcast",
            Self::Kept { .. } => "kept",
            Self::Decreed(_) => "decreed",
            Self::DecreedDemand { .. } => "decreedDemand",
            Self::Minimum { .. } => "minimum",
            Self::Standing => "standing",
        }
    }

    /// The sentence, with times on the clock of `zone`.
    pub fn tell(&self, zone: &TimeZone) -> String {
        match self {
            Self::Forecast { demand, at, level, throughput, spare, lead } => format!(
                "{demand} expected at {} (level {level}), {throughput} a server{}; ordered {} ahead",
                clock(*at, zone),
                plus(*spare),
                span(*lead)
            ),
            Self::Measured { demand, at, factor, throughput, spare } => format!(
                "{demand} measured at {}{}, {throughput} a server{}",
                clock(*at, zone),
                if (factor - 1.0).abs() < 1e-9 { String::new() } else { format!(", times {factor:.2}") },
                plus(*spare)
            ),
            Self::Nowcast { demand, lot, at, way, throughput, spare, lead } => format!(
                "{demand} at most within {} of {}, says {way}; {throughput} a server{}{}",
                span(*lead),
                clock(*at, zone),
                plus(*spare),
                if *lot == Size(0) {
                    String::new()
                } else {
                    format!(", and {lot} of a lot, for steps to be few")
                }
            ),
            Self::Kept { need, until } => format!(
                "kept until {}, though {need} would do meanwhile: it costs less than another scale-up",
                clock(*until, zone)
            ),
            Self::Decreed(decree) => decree.tell(zone),
            Self::DecreedDemand { decree, throughput, spare, lead } => format!(
                "{}, {throughput} a server{}; ordered {} ahead",
                decree.tell(zone),
                plus(*spare),
                span(*lead)
            ),
            Self::Minimum { min } => format!("the minimum is {min}"),
            Self::Standing => "nothing is known that would justify another size".to_owned(),
        }
    }
}

fn plus(spare: Size) -> String {
    if spare == Size(0) { String::new() } else { format!(", plus {spare} spare") }
}

impl Limit {
    /// A name that never changes, for metrics, filters and help pages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Maximum { .. } => "maximum",
            Self::Ceiling { .. } => "ceiling",
            Self::RampUp { .. } => "rampUp",
            Self::Shared { .. } => "shared",
            Self::Turned { .. } => "turned",
            Self::ClockJumped { .. } => "clockJumped",
            Self::BackOff { .. } => "backOff",
            Self::NeverReady { .. } => "neverReady",
            Self::Steady => "steady",
            Self::Dwell { .. } => "dwell",
            Self::Pace { .. } => "pace",
            Self::CoolDown { .. } => "coolDown",
            Self::Evidence(_) => "evidence",
            Self::NoForecast => "noForecast",
            Self::OldForecast { .. } => "oldForecast",
            Self::NotSeen => "notSeen",
            Self::ManySilent { .. } => "manySilent",
            Self::ForeignWriter { .. } => "foreignWriter",
            Self::Dip { .. } => "dip",
            Self::Decreed { .. } => "decreed",
            Self::ClockWentBack { .. } => "clockWentBack",
            Self::Mode { .. } => "mode",
            Self::Halted(_) => "halted",
        }
    }

    /// The sentence, with times on the clock of `zone`.
    pub fn tell(&self, zone: &TimeZone) -> String {
        match self {
            Self::Maximum { max, wanted } => format!("cut from {wanted} to the maximum of {max}"),
            Self::Ceiling { decree, wanted } => format!("cut from {wanted}: {}", decree.tell(zone)),
            Self::RampUp { servers, per, wanted } => {
                format!("{wanted} would be needed, but at most {servers} are added in {}", span(*per))
            }
            Self::Shared { share, wanted } => share.tell(*wanted),
            Self::Turned { until } => format!(
                "nothing is taken away until {}: twice within the hour what went was soon needed again",
                clock(*until, zone)
            ),
            Self::ClockJumped { until } => format!(
                "nothing is taken away until {}: the clock has jumped, and what is told by it must first fill a window",
                clock(*until, zone)
            ),
            Self::BackOff { stuck: Stuck { servers, within }, until, wanted } => format!(
                "{wanted} would be needed, but {servers} servers that were launched have not come up in {}: the next \
                 launch is tried at {}",
                span(*within),
                clock(*until, zone)
            ),
            Self::NeverReady { stuck: Stuck { servers, within }, wanted } => format!(
                "{wanted} would do, but {servers} servers have not come up in {} and are not counted as capacity: \
                 those that serve stay",
                span(*within)
            ),
            Self::Steady => {
                "kept as planned before: changing the plan would cost more than it saves".to_owned()
            }
            Self::Dwell { until } => {
                format!("a planned size stays for a while, this one until {}", clock(*until, zone))
            }
            Self::Pace { allowed, per, wanted } => format!(
                "{wanted} would do, but of what may be taken away in {} only {allowed} are left",
                span(*per)
            ),
            Self::CoolDown { until } => {
                format!("the fleet grew only just now: nothing is taken away until {}", clock(*until, zone))
            }
            Self::Evidence(quality) => format!("nothing is taken away: {quality}"),
            Self::NoForecast => "nothing is taken away: no forecast reaches this moment".to_owned(),
            Self::OldForecast { age } => {
                format!("nothing is taken away: the forecast is {} old", span(*age))
            }
            Self::NotSeen => "nothing is taken away: the fleet was not seen completely".to_owned(),
            Self::ManySilent { silent, of } => {
                format!("nothing is taken away: {silent} of {of} servers have not been heard of")
            }
            Self::ForeignWriter { writer } => {
                format!("nothing is carried out: {writer} changes the size too")
            }
            Self::Dip { since, until } => format!(
                "nothing is taken away until {}: since {} demand is far below its forecast, as in an outage, and after \
                 one it comes back at once",
                clock(*until, zone),
                clock(*since, zone)
            ),
            Self::Decreed { decree } => decree.tell(zone),
            Self::ClockWentBack { before } => format!(
                "nothing is taken away: the clock went back, the turn before was at {}",
                clock(*before, zone)
            ),
            Self::Mode { mode: crate::Mode::ScaleOutOnly } => {
                "nothing is taken away: the mode is scaleOutOnly".to_owned()
            }
            Self::Mode { .. } => "nothing is carried out: the mode is observe".to_owned(),
            Self::Halted(halt) => halt.tell(zone),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tell(&TimeZone::UTC))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tell(&TimeZone::UTC))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shared;

    #[test] // B1
    fn says_what_is_expected_when_and_how_far_ahead() {
        let reason = Reason::Forecast {
            demand: Demand::new(1840.0).unwrap(),
            at: "2026-03-01T17:10:00Z".parse().unwrap(),
            level: Level::UNTUNED,
            throughput: Throughput::new(41.0).unwrap(),
            spare: Size(5),
            lead: SignedDuration::from_secs(380),
        };
        assert_eq!(
            reason.tell(&TimeZone::get("Europe/Berlin").unwrap()),
            "1840 expected at 2026-03-01 18:10 (+01:00) (level 0.99), 41 a server, plus 5 spare; ordered 6m 20s ahead"
        );
    }

    #[test] // A10, F17
    fn says_what_all_workloads_together_leave() {
        let of = Shared::Launches { per_minute: Size(60) };
        assert_eq!(
            Limit::Shared { share: Share { servers: Size(3), of }, wanted: Size(12) }.to_string(),
            "12 would be needed, but all workloads together launch at most 60 servers a minute, and 3 of these are its \
             share now"
        );
        let of = Shared::Fleet { max: Size(500) };
        assert_eq!(
            Limit::Shared { share: Share { servers: Size(0), of }, wanted: Size(12) }.to_string(),
            "12 would be needed, but all workloads together have at most 500 servers, and 0 more are its share now"
        );
    }

    #[test]
    fn writes_the_code_it_says() {
        let reasons = [Reason::Standing, Reason::Minimum { min: Size(2) }];
        for reason in reasons {
            let json = serde_json::to_value(&reason).unwrap();
            assert_eq!(json["code"], reason.code());
        }
        let limits = [
            Limit::NoForecast,
            Limit::NotSeen,
            Limit::Mode { mode: crate::Mode::Observe },
            Limit::Evidence(crate::Quality::Missing),
            Limit::Maximum { max: Size(2), wanted: Size(4) },
            Limit::Shared {
                share: Share { servers: Size(2), of: Shared::Fleet { max: Size(90) } },
                wanted: Size(9),
            },
        ];
        for limit in limits {
            let json = serde_json::to_value(&limit).unwrap();
            assert_eq!(json["code"], limit.code());
            assert_eq!(serde_json::from_value::<Limit>(json).unwrap(), limit);
        }
    }
}
