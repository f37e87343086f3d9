use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::told::clock;
use crate::{Demand, Size, Throughput};

/// A span of time, its end excluded. Invariant: it is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "FromUntil", into = "FromUntil")]
pub struct Span {
    from: Timestamp,
    until: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FromUntil {
    from: Timestamp,
    until: Timestamp,
}

/// A span that ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a span ends after it begins: {until} is not after {from}")]
pub struct EmptySpan {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

impl Span {
    /// From a time until another.
    ///
    /// # Errors
    /// If nothing lies between them.
    pub fn new(from: Timestamp, until: Timestamp) -> Result<Self, EmptySpan> {
        if from < until { Ok(Self { from, until }) } else { Err(EmptySpan { from, until }) }
    }

    /// From a time on for a duration; at least a second.
    pub fn lasting(from: Timestamp, duration: SignedDuration) -> Self {
        let duration = duration.max(SignedDuration::from_secs(1));
        let until =
            from.saturating_add(duration).expect("a duration without calendar units is never refused");
        let from = from.min(Timestamp::MAX - SignedDuration::from_nanos(1));
        Self { from, until: until.max(from + SignedDuration::from_nanos(1)) }
    }

    /// Its beginning.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// Its end, which is not part of it.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Whether `time` lies within.
    pub fn holds(&self, time: Timestamp) -> bool {
        self.from <= time && time < self.until
    }

    /// Whether any moment is common to both.
    pub fn meets(&self, other: &Self) -> bool {
        self.from < other.until && other.from < self.until
    }
}

impl TryFrom<FromUntil> for Span {
    type Error = EmptySpan;

    fn try_from(told: FromUntil) -> Result<Self, EmptySpan> {
        Self::new(told.from, told.until)
    }
}

impl From<Span> for FromUntil {
    fn from(span: Span) -> Self {
        Self { from: span.from, until: span.until }
    }
}

/// Something that a person, or a calendar on a person's behalf, decrees for a span of time (S5.3, S7.3, D8).
///
/// Invariant: it ends. Several at once are combined so that their order does not matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Override {
    /// By which it is named and withdrawn.
    pub id: String,
    /// When it holds.
    pub span: Span,
    /// What it decrees.
    pub change: Change,
    /// Who says so.
    pub author: String,
    /// And why.
    pub reason: String,
}

/// What an [`Override`] decrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// No fewer servers. The highest floor holds, and beats every ceiling.
    Floor(Size),
    /// No more servers. The lowest ceiling holds.
    Ceiling(Size),
    /// Exactly so many servers, whatever demand does. The highest holds.
    Fixed(Size),
    /// So many percent more servers than needed. Percents add up.
    PadPercent(f64),
    /// So many more servers than needed. They add up.
    PadServers(Size),
    /// Expect this demand, whatever the forecast says. The highest holds.
    Demand(Demand),
    /// A server serves this much, whatever was measured. The lowest holds.
    Throughput(Throughput),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Floor(size) => write!(f, "at least {size} servers"),
            Self::Ceiling(size) => write!(f, "at most {size} servers"),
            Self::Fixed(size) => write!(f, "exactly {size} servers"),
            Self::PadPercent(percent) => write!(f, "{percent} % more servers than needed"),
            Self::PadServers(size) => write!(f, "{size} more servers than needed"),
            Self::Demand(demand) => write!(f, "a demand of {demand}"),
            Self::Throughput(throughput) => write!(f, "{throughput} per server"),
        }
    }
}

impl Override {
    /// What it says about itself, on the clock of `zone`.
    pub fn tell(&self, zone: &TimeZone) -> String {
        format!(
            "{} until {} by {} ({})",
            self.change,
            clock(self.span.until(), zone),
            self.author,
            self.reason
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_span_that_does_not_end() {
        let told = r#"{"from":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}"#;
        let why = serde_json::from_str::<Span>(told).unwrap_err().to_string();
        assert!(why.contains("2026-01-01T00:00:00Z is not after 2026-01-02T00:00:00Z"), "{why}");
    }

    #[test]
    fn lasts_even_at_the_end_of_time() {
        let span = Span::lasting(Timestamp::MAX, SignedDuration::MAX);
        assert!(span.from() < span.until());
    }

    #[test] // B7, D8
    fn tells_who_decreed_what_until_when_and_why() {
        let from: Timestamp = "2026-11-27T16:30:00Z".parse().unwrap();
        let floor = Override {
            id: "o1".into(),
            span: Span::lasting(from, SignedDuration::from_hours(3)),
            change: Change::Floor(Size(80)),
            author: "mara".into(),
            reason: "Black Friday".into(),
        };
        assert_eq!(
            floor.tell(&TimeZone::get("Europe/Berlin").unwrap()),
            "at least 80 servers until 2026-11-27 20:30 (+01:00) by mara (Black Friday)"
        );
    }
}
