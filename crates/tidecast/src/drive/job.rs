//! One forecast in the making: what is known is read, a model goes on where it was or is fitted, and speaks.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::models::{self, Willing};
use tidecast_forecast::{Fitted, Leads, Model, Samples, Series, Useless};
use tidecast_pilot::calendar::SpecialDays;
use tidecast_pilot::{Drift, Issued, Lessons, learn};

use super::{Cadence, Workshop};
use crate::store::{Label, Shelved, settled};
use crate::trouble::Trouble;

/// All that one forecast needs.
pub(super) struct Job {
    pub(super) workshop: Workshop,
    pub(super) series: String,
    pub(super) model: String,
    pub(super) zone: TimeZone,
    pub(super) special: Arc<SpecialDays>,
    pub(super) cadence: Cadence,
    /// What a fitted model on the shelf must have been made for.
    pub(super) purpose: Arc<str>,
    /// What lies in memory, for models that cannot be put on the shelf.
    pub(super) learned: Option<Learned>,
    /// All is to be learned anew, whatever lies there.
    pub(super) anew: bool,
    pub(super) lessons: Lessons,
    pub(super) now: Timestamp,
}

/// What a model has become, and what it has taken in.
pub(super) struct Learned {
    fitted: Box<dyn Fitted>,
    label: Label,
    history: Series,
    /// How much of the history the copy on the shelf has taken in, if there is one.
    shelved: Option<usize>,
}

/// What came of one job in the workshop.
pub(super) struct Made {
    /// What must be kept in memory until the next one.
    pub(super) learned: Option<Learned>,
    pub(super) issued: Result<Arc<Issued>, String>,
    pub(super) drift: Option<Drift>,
}

/// Where a job begins.
enum Begun {
    InMemory(Learned),
    OnTheShelf(Shelved),
}

impl Begun {
    fn label(&self) -> &Label {
        match self {
            Self::InMemory(learned) => &learned.label,
            Self::OnTheShelf(shelved) => &shelved.label,
        }
    }

    fn history(&self) -> &Series {
        match self {
            Self::InMemory(learned) => &learned.history,
            Self::OnTheShelf(shelved) => &shelved.history,
        }
    }
}

/// Forecasts of this age are judged by what has come since.
const JUDGED_AFTER: SignedDuration = SignedDuration::from_hours(2);
/// How far back new measurements are looked through, to find the axis that they lie on.
const TAIL_S: i64 = 6 * 3_600;
/// The same in steps, where they are long.
const TAIL_STEPS: i64 = 24;
/// After how many steps a model that has gone on is put on the shelf again.
const SHELVED_EVERY: usize = 36;

impl Job {
    pub(super) async fn make(mut self) -> Made {
        let _bench = self.workshop.bench().await;
        let (history, series) = (self.workshop.history.clone(), self.series.clone());
        let begun = self.begun().await;
        let (begun, known) = match self.known(begun).await {
            (begun, Ok(known)) => (begun, known),
            (begun, Err(why)) => return Made::failed(begun, why),
        };
        let judged = self.now.saturating_sub(JUDGED_AFTER).unwrap_or(Timestamp::MIN);
        let due = match history.forecast(&series, judged).await {
            Ok(due) => due,
            Err(trouble) => return Made::failed(begun, trouble.to_string()),
        };
        let made = tokio::task::spawn_blocking(move || self.forecast(begun, known, due)).await;
        let ended = |error| Made::failed(None, format!("making the forecast did not end well: {error}"));
        let mut made = made.unwrap_or_else(ended);
        if let Ok(issued) = &made.issued
            && let Err(trouble) = history.keep_forecast(&series, Issued::clone(issued)).await
        {
            made.issued = Err(format!("the forecast could not be kept: {trouble}"));
        }
        made
    }

    /// The model as it was left, unless it is to be fitted anew.
    async fn begun(&mut self) -> Option<Begun> {
        let in_memory = self.learned.take().map(Begun::InMemory);
        let begun = match (in_memory, self.workshop.shelf.clone()) {
            (None, Some(shelf)) if !self.anew => {
                let (series, purpose) = (self.series.clone(), self.purpose.clone());
                let taken = tokio::task::spawn_blocking(move || shelf.take(&series, &purpose)).await;
                taken.ok().flatten().map(Begun::OnTheShelf)
            }
            (in_memory, _) => in_memory,
        };
        let fresh = |begun: &Begun| {
            let age = self.now.duration_since(begun.label().fitted);
            (SignedDuration::ZERO..self.cadence.refit).contains(&age)
        };
        begun.filter(fresh)
    }

    /// The history: what the model has taken in, and what is new; or all of it, if the two do not fit together.
    async fn known(&self, begun: Option<Begun>) -> (Option<Begun>, Result<Series, String>) {
        if let Some(begun) = begun {
            match self.grown(begun.history()).await {
                Ok(Some(grown)) => return (Some(begun), Ok(grown)),
                Ok(None) => {}
                Err(trouble) => return (Some(begun), Err(trouble.to_string())),
            }
        }
        (None, self.whole().await)
    }

    async fn grown(&self, history: &Series) -> Result<Option<Series>, Trouble> {
        let grid = history.grid();
        let tail = SignedDuration::from_secs(TAIL_S.max(TAIL_STEPS * grid.step_s));
        let since = grid.end().saturating_sub(tail).unwrap_or(Timestamp::MIN);
        let samples = self.workshop.history.read(&self.series, since, self.whole_steps_end()).await?;
        Ok(match peaks(samples, self.cadence.step_s) {
            Ok(peaks) => longer(history, &peaks),
            Err(_) => Some(history.clone()), // nothing has come
        })
    }

    async fn whole(&self) -> Result<Series, String> {
        let begin = self.now.saturating_sub(self.cadence.window).unwrap_or(Timestamp::MIN);
        let samples = self.workshop.history.read(&self.series, begin, self.whole_steps_end()).await;
        let (samples, step_s) = (samples.map_err(|trouble| trouble.to_string())?, self.cadence.step_s);
        let gathered = tokio::task::spawn_blocking(move || peaks(samples, step_s)).await;
        let gathered =
            gathered.map_err(|error| format!("gathering the history did not end well: {error}"))?;
        gathered.map_err(|useless| useless.to_string())
    }

    /// The last moment before the step that is not over yet.
    fn whole_steps_end(&self) -> Timestamp {
        let step_s = self.cadence.step_s;
        let start = self.now.as_second().div_euclid(step_s) * step_s;
        Timestamp::from_millisecond(start * 1_000 - 1).unwrap_or(self.now)
    }

    fn forecast(self, begun: Option<Begun>, history: Series, due: Option<Issued>) -> Made {
        let drift = due.map(|due| learn(&self.lessons, &[due.forecast], &history).drift);
        let mut learned = match begun.and_then(|begun| self.resumed(begun, &history)) {
            Some(learned) => learned,
            None => match self.fit(&history) {
                Ok(learned) => learned,
                Err(why) => return Made { learned: None, issued: Err(why), drift },
            },
        };
        learned.fitted.update(&history);
        learned.history = history;
        let (history, grid) = (&learned.history, learned.history.grid());
        let behind = (self.now.as_second() - grid.end().as_second()).max(0);
        let steps = (behind + self.cadence.horizon.as_secs()) / grid.step_s;
        let mut forecast = learned.fitted.forecast(history, grid.after(steps.max(1) as usize));
        forecast.fallback = learned.label.fallback.clone().or(forecast.fallback);
        let issued = Issued { at: self.now, forecast: settled(&forecast) };
        Made { learned: self.put_away(learned), issued: Ok(Arc::new(issued)), drift }
    }

    fn resumed(&self, begun: Begun, history: &Series) -> Option<Learned> {
        match begun {
            Begun::InMemory(learned) => Some(learned),
            Begun::OnTheShelf(Shelved { label, history: known, tape }) => {
                let fitted = self.built(&label.model)?.resume(history, &tape)?;
                Some(Learned { fitted, label, shelved: Some(known.len()), history: known })
            }
        }
    }

    /// Puts a model on the shelf if it is time; gives it back if it must stay in memory.
    fn put_away(&self, mut learned: Learned) -> Option<Learned> {
        let Some(shelf) = &self.workshop.shelf else { return Some(learned) };
        let known = learned.history.len();
        if learned.shelved.is_some_and(|shelved| known < shelved + SHELVED_EVERY) {
            return None;
        }
        let Some(tape) = learned.fitted.taped() else { return Some(learned) };
        let Learned { label, history, .. } = learned;
        if let Err(trouble) = shelf.put(&Shelved { label, history, tape }) {
            tracing::debug!(series = self.series, "the model is fitted anew for each forecast: {trouble}");
        }
        None
    }

    fn built(&self, name: &str) -> Option<Box<dyn Model>> {
        super::forecaster::built(name, Leads::knots(), &self.zone, &self.special)
    }

    /// The model, or the first of those that stand in for it.
    fn fit(&self, history: &Series) -> Result<Learned, String> {
        let made = |name: &str| self.built(name);
        let Willing { name, fitted, fallback } = models::willing(Some(&self.model), history, made)?;
        let label = self.label(name, fallback);
        Ok(Learned { fitted, label, history: history.clone(), shelved: None })
    }

    fn label(&self, model: &str, fallback: Option<String>) -> Label {
        let (series, purpose) = (self.series.clone(), self.purpose.to_string());
        Label { series, purpose, model: model.into(), fallback, fitted: self.now }
    }
}

impl Made {
    /// No forecast; what was in memory stays there.
    fn failed(begun: Option<Begun>, why: String) -> Self {
        let learned = match begun {
            Some(Begun::InMemory(learned)) => Some(learned),
            _ => None,
        };
        Self { learned, issued: Err(why), drift: None }
    }
}

/// The most of each step: capacity must cover that, and not the mean.
fn peaks(samples: Samples, step_s: i64) -> Result<Series, Useless> {
    samples.gather(0).map(|gathered| gathered.series.peaks(step_s))
}

/// A history with what has come after its end; none if the two do not lie on one axis.
fn longer(history: &Series, tail: &Series) -> Option<Series> {
    let (known, new) = (history.grid(), tail.grid());
    let apart = new.start.as_second() - known.start.as_second();
    if new.step_s != known.step_s || apart < 0 || apart % known.step_s != 0 {
        return None;
    }
    let first = (apart / known.step_s) as usize;
    let mut grown = history.clone();
    for i in known.len..first + new.len {
        grown.push(i.checked_sub(first).map_or(f64::NAN, |i| tail.values()[i]));
    }
    Some(grown)
}

#[cfg(test)]
mod tests {
    use tidecast_forecast::Grid;

    use super::*;

    fn series(minute: i64, values: &[f64]) -> Series {
        let start = Timestamp::from_second(60 * minute).unwrap();
        Series::new(Grid::new(start, 60, values.len()), values.to_vec())
    }

    #[test]
    fn grows_by_what_is_new_and_leaves_gaps_unknown() {
        let known = series(10, &[1.0, 2.0, 3.0]);
        assert_eq!(longer(&known, &series(12, &[9.0, 4.0])).unwrap().values(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(longer(&known, &series(11, &[2.0])).unwrap(), known);
        let gap = longer(&known, &series(15, &[6.0])).unwrap();
        assert_eq!((gap.len(), gap.measured(), gap.values()[5]), (6, 4, 6.0));
    }

    #[test]
    fn does_not_grow_by_what_lies_on_another_axis() {
        let known = series(10, &[1.0, 2.0, 3.0]);
        assert!(longer(&known, &series(9, &[1.0])).is_none());
        let start = Timestamp::from_second(60 * 13 + 30).unwrap();
        assert!(longer(&known, &Series::new(Grid::new(start, 60, 1), vec![1.0])).is_none());
        assert!(longer(&known, &Series::new(Grid::new(known.grid().end(), 300, 1), vec![1.0])).is_none());
    }
}
