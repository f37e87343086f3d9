use std::borrow::Cow;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tidecast_forecast::Forecast;

use crate::told::clock;
use crate::{Decision, Evidence, Lessons, Nowcasted, Override, Share, Sighting, Span, Workload};

/// All that is known at one instant. Serialisable: recorded, it is a test case, and deciding again decides the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Briefing {
    /// The instant.
    pub now: Timestamp,
    /// The number of the turn to decide.
    pub turn: u64,
    /// What the operator told.
    pub workload: Arc<Workload>,
    /// The forecast in use, however old. None: there never was one.
    #[serde(default)]
    pub issued: Option<Arc<Issued>>,
    /// What was measured lately.
    pub evidence: Evidence,
    /// What the chosen way to size makes of the last minutes, if it looks at them.
    #[serde(default)]
    pub nowcast: Option<Nowcasted>,
    /// The fleet as last seen. None: it could not be looked at.
    #[serde(default)]
    pub sighting: Option<Sighting>,
    /// What people decree, now and later; what calendars do stands in the workload.
    #[serde(default)]
    pub overrides: Vec<Override>,
    /// What people have halted.
    #[serde(default)]
    pub halts: Vec<Halt>,
    /// What was learned.
    #[serde(default)]
    pub lessons: Lessons,
    /// What all workloads together leave to this one, where that is limited.
    #[serde(default)]
    pub share: Option<Share>,
    /// The decision before this one, from the ledger.
    #[serde(default)]
    pub last: Option<Arc<Decision>>,
}

impl Briefing {
    /// The same, with what the workload's calendar decrees from now on until `until` among the overrides.
    pub(crate) fn with_calendar(&self, until: Timestamp) -> Cow<'_, Self> {
        let calendar = &self.workload.calendar;
        let Ok(span) = Span::new(self.now, until) else { return Cow::Borrowed(self) };
        if calendar.events.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut known = self.clone();
        known.overrides.extend(calendar.decrees(span));
        Cow::Owned(known)
    }
}

/// A forecast, and when it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issued {
    /// When.
    pub at: Timestamp,
    /// It.
    pub forecast: Forecast,
}

/// How long after it was issued a forecast still agrees to taking servers away. Growing follows it to its end.
pub const FORECAST_FRESH: SignedDuration = SignedDuration::from_hours(1);

/// A pause or a freeze: beats everything, for a span of time, by someone, for a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Halt {
    /// When it holds.
    pub span: Span,
    /// What it stops.
    pub what: Halted,
    /// Who says so.
    pub author: String,
    /// And why.
    pub reason: String,
}

/// What a [`Halt`] stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Halted {
    /// Nothing is carried out.
    All,
    /// Nothing is taken away.
    ScaleIn,
}

impl Halt {
    /// The sentence, on the clock of `zone`.
    pub fn tell(&self, zone: &TimeZone) -> String {
        let what = match self.what {
            Halted::All => "carried out",
            Halted::ScaleIn => "taken away",
        };
        let Self { author, reason, .. } = self;
        format!("nothing is {what} until {}: halted by {author} ({reason})", clock(self.span.until(), zone))
    }
}
