use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Forecast, Grid, Series};

/// An algorithm, an ensemble, a filter around another, or a foreign model: history in, [`Fitted`] out.
///
/// Fit rarely (hours), forecast every turn. An implementation is a value: its parameters are public fields, and
/// fitting twice to the same history gives the same bytes.
pub trait Model: fmt::Debug + Send + Sync {
    /// What the model is called, on the command line and in reasons: `last_week`.
    fn name(&self) -> String;

    /// Learns from `history`, or says why it cannot.
    ///
    /// # Errors
    /// [`Unfit`] when the history is too short, too full of gaps, or not of the shape this model assumes.
    fn fit(&self, history: &Series) -> Result<Box<dyn Fitted>, Unfit>;

    /// Goes on where [`Fitted::taped`] was, without learning all of it again: `history` begins with what was known then,
    /// and may have grown. None if the tape is not of this model and this history, and for models that leave none.
    fn resume(&self, history: &Series, tape: Vec<f64>) -> Option<Box<dyn Fitted>> {
        let _ = (history, tape);
        None
    }
}

/// What a [`Model`] has become by learning from one history.
pub trait Fitted: Send + Sync {
    /// Takes in the points that came after the last call; cheap, meant for every turn.
    ///
    /// `history` is the one it was fitted to, grown at its end. A model that learns nothing between two fits
    /// leaves this as it is.
    fn update(&mut self, history: &Series) {
        let _ = history;
    }

    /// All that was learned, as numbers by which [`Model::resume`] goes on later, in another process too. None if this
    /// model leaves no tape, and must be kept or fitted anew.
    fn taped(&mut self) -> Option<Vec<f64>> {
        None
    }

    /// The points of `horizon`, each later than the end of `history`, which may have grown since the fit.
    ///
    /// `horizon` has the step of `history` and lies on its grid; it may be one single point far ahead.
    fn forecast(&self, history: &Series, horizon: Grid) -> Forecast;
}

/// A fitted model that speaks under another name.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) fitted: Box<dyn Fitted>,
}

impl Fitted for Named {
    fn update(&mut self, history: &Series) {
        self.fitted.update(history);
    }

    fn forecast(&self, history: &Series, horizon: Grid) -> Forecast {
        let mut forecast = self.fitted.forecast(history, horizon);
        forecast.model = self.name.into();
        forecast
    }
}

/// Why a model declines a history. An answer, not a failure: the caller goes on with another model and says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase", tag = "why")]
pub enum Unfit {
    /// Not enough history.
    #[error("too short: {} of history are there, {} are needed", span(*.have_s), span(*.need_s))]
    TooShort {
        /// Seconds needed.
        need_s: i64,
        /// Seconds there.
        have_s: i64,
    },
    /// No period explains enough of the movement.
    #[error("not periodic: the strongest period has a strength of {strength:.2}, {need:.2} is needed")]
    NotPeriodic {
        /// Strength of the strongest period, 0 to 1.
        strength: f64,
        /// Strength needed.
        need: f64,
    },
    /// Too much is missing.
    #[error("too many gaps: {:.0} % of the points are missing, the longest gap begins at {longest_from} and lasts {}", 100.0 * .share, span(*.longest_s))]
    TooManyGaps {
        /// Share of the points that are missing, 0 to 1.
        share: f64,
        /// Where the longest gap begins.
        longest_from: Timestamp,
        /// How long it lasts, in seconds.
        longest_s: i64,
    },
    /// The step does not divide a day.
    #[error("a step of {step_s} s does not divide a day, so no time of day recurs on this grid")]
    OddStep {
        /// The grid's step.
        step_s: i64,
    },
    /// A model outside this process did not give a usable answer.
    #[error("the foreign model gave no usable answer: {0}")]
    Foreign(String),
}

/// Seconds as people say them: `9d 4h`, `35m`.
pub(crate) fn span(seconds: i64) -> String {
    let parts = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let first = parts.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3);
    let mut rest = seconds.max(0);
    let mut out = Vec::new();
    for (unit, name) in parts.iter().skip(first).take(2) {
        if rest / unit > 0 || out.is_empty() {
            out.push(format!("{}{name}", rest / unit));
        }
        rest %= unit;
    }
    out.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // B1
    fn says_why_as_a_sentence() {
        let why = Unfit::TooShort { need_s: 14 * 86_400, have_s: 9 * 86_400 + 4 * 3_600 };
        assert_eq!(why.to_string(), "too short: 9d 4h of history are there, 14d are needed");
        assert_eq!(span(59), "59s");
        assert_eq!(span(3_660), "1h 1m");
        assert_eq!(span(0), "0s");
    }
}
