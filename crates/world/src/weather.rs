use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spell {
    /// The first minute.
    pub from: usize,
    /// The minute at which all is well again.
    pub until: usize,
    /// What.
    pub fault: Fault,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// Nothing is measured.
    Unmeasured,
    /// Only this share of the targets is measured, so that demand seems to have fallen.
    TargetsLost(f64),
    /// The newest measurements do not arrive.
    Late,
    /// The fleet cannot be looked at.
    Blind,
    /// Only a part of the fleet is seen.
    HalfSeen,
    /// Somebody else sets this size, again and again.
    Foreign(u32),
    /// No server can be launched.
    NoCapacity,
    /// Launches take so many times as long.
    SlowLaunches(f64),
    /// This share of the launches never serves.
    FailedLaunches(f64),
    /// This share of the servers is taken away each minute.
    Reclaimed(f64),
    /// Commands are lost on their way.
    LostCommands,
    /// No turn is taken: the process is down, and is started again at the end.
    Down,
    /// The clock is wrong by so many minutes.
    Clock(i64),
    /// No new forecast is made.
    NoForecast,
    /// Forecasts are wrong by this factor.
    Misforecast(f64),
    /// Sessions are not counted any more: the last counts stand.
    Uncounted,
    /// This share of the servers is not heard of any more, though users are on them.
    Dark(f64),
}

/// Everything that goes wrong in one minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// The share of the targets that is measured; none at all if zero.
    pub coverage: f64,
    /// The newest measurements do not arrive.
    pub late: bool,
    /// The fleet cannot be looked at.
    pub blind: bool,
    /// Only a part of it is seen.
    pub half_seen: bool,
    /// The size that somebody else sets.
    pub foreign: Option<u32>,
    /// No server can be launched.
    pub no_capacity: bool,
    /// How many times as long a launch takes.
    pub launch_factor: f64,
    /// The share of the launches that fail.
    pub launches_fail: f64,
    /// The share of the servers that are taken away.
    pub reclaimed: f64,
    /// Commands are lost.
    pub deaf: bool,
    /// No turn is taken.
    pub down: bool,
    /// By how many minutes the clock is wrong.
    pub clock: i64,
    /// No forecast is made.
    pub no_forecast: bool,
    /// By what factor forecasts are wrong.
    pub misforecast: f64,
    /// Sessions are not counted.
    pub uncounted: bool,
    /// The share of the servers that is not heard of.
    pub dark: f64,
}

impl Weather {
    /// When all is well.
    pub const FINE: Self = Self {
        coverage: 1.0,
        late: false,
        blind: false,
        half_seen: false,
        foreign: None,
        no_capacity: false,
        launch_factor: 1.0,
        launches_fail: 0.0,
        reclaimed: 0.0,
        deaf: false,
        down: false,
        clock: 0,
        no_forecast: false,
        misforecast: 1.0,
        uncounted: false,
        dark: 0.0,
    };

    /// What the spells make of this minute.
    pub fn at(minute: usize, spells: &[Spell]) -> Self {
        let mut weather = Self::FINE;
        let now = spells.iter().filter(|spell| (spell.from..spell.until).contains(&minute));
        now.for_each(|spell| weather.worsen(spell.fault));
        weather
    }

    fn worsen(&mut self, fault: Fault) {
        match fault {
            Fault::Unmeasured => self.coverage = 0.0,
            Fault::TargetsLost(share) => self.coverage = self.coverage.min(share),
            Fault::Late => self.late = true,
            Fault::Blind => self.blind = true,
            Fault::HalfSeen => self.half_seen = true,
            Fault::Foreign(size) => self.foreign = Some(size),
            Fault::NoCapacity => self.no_capacity = true,
            Fault::SlowLaunches(factor) => self.launch_factor = self.launch_factor.max(factor),
            Fault::FailedLaunches(share) => self.launches_fail = self.launches_fail.max(share),
            Fault::Reclaimed(share) => self.reclaimed = self.reclaimed.max(share),
            Fault::LostCommands => self.deaf = true,
            Fault::Down => self.down = true,
            Fault::Clock(minutes) => self.clock = minutes,
            Fault::NoForecast => self.no_forecast = true,
            Fault::Misforecast(factor) => self.misforecast = factor,
            Fault::Uncounted => self.uncounted = true,
            Fault::Dark(share) => self.dark = self.dark.max(share),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmeasured => f.write_str("nothing is measured"),
            Self::TargetsLost(share) => write!(f, "{:.0} % of the targets are measured", 100.0 * share),
            Self::Late => f.write_str("measurements are late"),
            Self::Blind => f.write_str("the fleet cannot be seen"),
            Self::HalfSeen => f.write_str("half of the fleet is seen"),
            Self::Foreign(size) => write!(f, "somebody else sets {size} servers"),
            Self::NoCapacity => f.write_str("no server can be launched"),
            Self::SlowLaunches(factor) => write!(f, "launches take {factor:.1} times as long"),
            Self::FailedLaunches(share) => write!(f, "{:.0} % of the launches fail", 100.0 * share),
            Self::Reclaimed(share) => write!(f, "{:.1} % of the servers are lost each minute", 100.0 * share),
            Self::LostCommands => f.write_str("commands are lost"),
            Self::Down => f.write_str("no turn is taken"),
            Self::Clock(minutes) => write!(f, "the clock is {minutes:+} minutes off"),
            Self::NoForecast => f.write_str("no forecast is made"),
            Self::Misforecast(factor) => write!(f, "forecasts are {factor:.2} times what they should be"),
            Self::Uncounted => f.write_str("sessions are not counted"),
            Self::Dark(share) => write!(f, "{:.0} % of the servers are not heard of", 100.0 * share),
        }
    }
}
