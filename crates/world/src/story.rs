//! Stories: a world, what happens in it, and what is expected of the fleet, as data that a person can read.

mod expect;
mod told;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tidecast_pilot::{Halt, Menu, Override, Workload};

use crate::modelled::Modelled;
use crate::{BIN, DAY, Fault, Forecaster, MadeForecasts, Rehearsal, Spell, Traffic, Ways};

pub use expect::{Expectation, Stretch};
pub use told::Told;

/// A regression test that tells what it is about.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Story {
    /// What happens, in a sentence.
    pub title: String,
    /// The requirements that it proves.
    pub proves: Vec<String>,
    /// Why it matters, and what would go wrong.
    pub because: String,
    /// What users ask for.
    pub traffic: Traffic,
    /// What the operator tells.
    pub workload: Workload,
    /// Who forecasts.
    #[serde(default)]
    pub forecast: Foretold,
    /// How long a launch takes.
    pub launch: SignedDuration,
    /// From one turn to the next.
    #[serde(default = "minute")]
    pub turn: SignedDuration,
    /// From when on the fleet is decided upon; what comes before is for learning.
    pub from: Timestamp,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<Trouble>,
    /// What people decree; known from the beginning.
    #[serde(default)]
    pub overrides: Vec<Override>,
    /// What people halt.
    #[serde(default)]
    pub halts: Vec<Halt>,
    /// If users stay on their server: how many find room on it, and how many minutes they stay.
    #[serde(default)]
    pub sessions: Option<(u32, f64)>,
    /// What is shown.
    pub show: Stretch,
    /// What must come true.
    pub expect: Vec<Expectation>,
}

/// Who forecasts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Foretold {
    /// A model by its name; `made` for forecasts made from the truth, where the story is not about forecasting.
    pub model: String,
    /// From one forecast to the next.
    pub every: SignedDuration,
    /// How far it looks.
    pub reach: SignedDuration,
}

impl Default for Foretold {
    fn default() -> Self {
        let (every, reach) = (SignedDuration::from_mins(5), SignedDuration::from_hours(6));
        Self { model: "ensemble".to_owned(), every, reach }
    }
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trouble {
    from: Timestamp,
    until: Timestamp,
    fault: Fault,
}

fn minute() -> SignedDuration {
    SignedDuration::from_mins(1)
}

impl Story {
    /// Plays it with the production code.
    pub fn play(&self) -> Told {
        let world = self.world();
        let mut forecaster = self.forecaster(&world);
        Told::of(self, &world, &mut *forecaster)
    }

    fn world(&self) -> Rehearsal {
        let mut trace = self.traffic.generate(&self.title, 1);
        let last = trace.minute(self.show.until).unwrap_or(trace.minutes());
        trace = crate::Trace::new(self.title.clone(), trace.start, trace.demand()[..last].to_vec());
        let minutes = |span: SignedDuration| span.as_mins().max(1) as usize;
        let minute = |time: Timestamp| trace.minute(time).unwrap_or(trace.minutes());
        let spell = |trouble: &Trouble| Spell {
            from: minute(trouble.from),
            until: minute(trouble.until),
            fault: trouble.fault,
        };
        Rehearsal {
            workload: Arc::new(self.workload.clone()),
            from: minute(self.from),
            start_min: minutes(self.launch),
            turn_min: minutes(self.turn),
            forecast_min: minutes(self.forecast.every),
            spells: self.faults.iter().map(spell).collect(),
            overrides: self.overrides.iter().map(|decree| (0, decree.clone())).collect(),
            halts: self.halts.clone(),
            sessions: self.sessions,
            ways: Ways::Tuned(Menu::Whole),
            seed: 1,
            trace,
        }
    }

    fn forecaster(&self, world: &Rehearsal) -> Box<dyn Forecaster> {
        if self.forecast.model == "made" {
            return Box::new(MadeForecasts::of(world));
        }
        let reach = (self.forecast.reach.as_mins().max(0) as usize / BIN).clamp(1, 2 * DAY / BIN);
        let special = Arc::new(self.workload.calendar.special.clone());
        let zone = self.traffic.zone.clone();
        Box::new(Modelled::new(&self.forecast.model, reach, zone, special, world.trace.start))
    }
}
