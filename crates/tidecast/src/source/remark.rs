use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidecast_forecast::{Sample, Samples};

use super::Taken;
use crate::trouble::one_line;

/// Something in a source's answer that was left out or is worth telling, with how often and where first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    /// What it is.
    pub kind: RemarkKind,
    /// How often.
    pub count: u64,
    /// Where it was first seen, if that has a time.
    pub first: Option<Timestamp>,
    /// The first of them, as it came.
    pub example: String,
}

/// What can be wrong with a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RemarkKind {
    /// The source had nothing for the whole span.
    Empty,
    /// Text, `null`, a truth value: no number at all.
    NotANumber,
    /// NaN or infinite.
    NotFinite,
    /// Below zero, which no demand is.
    Negative,
    /// A time that was not asked for, such as one in the future, or milliseconds taken for seconds.
    OutsideSpan,
    /// A measurement without a readable time.
    NoTime,
    /// The source's own warning.
    Warning,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, example, .. } = self;
        let (s, are) = if *count == 1 { ("", "is") } else { ("s", "are") };
        match self.kind {
            RemarkKind::Empty => {
                return f.write_str("the source has no measurement at all here; unknown is not zero");
            }
            RemarkKind::Warning => return write!(f, "the source warns: {example}"),
            RemarkKind::NotANumber => write!(f, "{count} value{s} {are} no number but {example}")?,
            RemarkKind::NotFinite => write!(f, "{count} value{s} {are} not finite: {example}")?,
            RemarkKind::Negative => write!(f, "{count} value{s} {are} negative: {example}")?,
            RemarkKind::OutsideSpan => {
                return write!(f, "{count} measurement{s} with a time outside the span left out: {example}");
            }
            RemarkKind::NoTime => {
                return write!(f, "{count} measurement{s} without a readable time left out: {example}");
            }
        }
        match self.first {
            Some(first) => write!(f, ", left unknown, the first at {first}"),
            None => f.write_str(", left unknown"),
        }
    }
}

/// Joins remarks of one kind.
pub(super) fn merge(into: &mut Vec<Remark>, from: Vec<Remark>) {
    for remark in from {
        match into.iter_mut().find(|known| known.kind == remark.kind) {
            Some(known) => known.count += remark.count,
            None => into.push(remark),
        }
    }
}

/// Takes measurements in one by one, and keeps only those that are sound and asked for.
pub(super) struct Sieve {
    since: Timestamp,
    until: Timestamp,
    taken: Taken,
}

impl Sieve {
    pub(super) fn new(since: Timestamp, until: Timestamp) -> Self {
        Self { since, until, taken: Taken::default() }
    }

    /// A value as a number; `shown` is how it came.
    pub(super) fn value(&mut self, time: Timestamp, value: f64, shown: &dyn fmt::Display) {
        let kind = match value {
            _ if time < self.since || time > self.until => {
                return self.remark(RemarkKind::OutsideSpan, Some(time), &time);
            }
            v if !v.is_finite() => RemarkKind::NotFinite,
            v if v < 0.0 => RemarkKind::Negative,
            v => return self.taken.samples.0.push(Sample { time, value: v + 0.0 }),
        };
        self.remark(kind, Some(time), shown);
    }

    /// A value as text.
    pub(super) fn text(&mut self, time: Timestamp, text: &str) {
        match text.trim().parse::<f64>() {
            Ok(value) => self.value(time, value, &text.trim()),
            Err(_) => self.remark(RemarkKind::NotANumber, Some(time), &format_args!("{text:?}")),
        }
    }

    /// Something else that is left out.
    pub(super) fn remark(&mut self, kind: RemarkKind, first: Option<Timestamp>, shown: &dyn fmt::Display) {
        match self.taken.remarks.iter_mut().find(|known| known.kind == kind) {
            Some(known) => known.count += 1,
            None => {
                let example = one_line(&shown.to_string());
                self.taken.remarks.push(Remark { kind, count: 1, first, example });
            }
        }
    }

    pub(super) fn partial(&mut self, why: String) {
        self.taken.partial.get_or_insert(why);
    }

    pub(super) fn done(mut self) -> Taken {
        let Taken { samples: Samples(samples), remarks, .. } = &self.taken;
        if samples.is_empty() && remarks.iter().all(|r| r.kind == RemarkKind::Warning) {
            self.remark(RemarkKind::Empty, None, &"");
        }
        self.taken
    }
}
