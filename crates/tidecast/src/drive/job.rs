//! One forecast in the making: what is known is read, a model goes on where it was or is fitted, and speaks.

use std::convert::Infallible;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::models::{self, Willing};
use tidecast_forecast::{Fitted, Leads, Model, Samples, Series, Useless};
use tidecast_pilot::calendar::SpecialDays;
use tidecast_pilot::{Drift, Issued, Lessons, learn};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::workshop::{Broken, after, beside};
use super::{Cadence, Workshop};
use crate::store::{Label, Pressed, Shelved, settled};
use crate::trouble::Trouble;

/// All that one forecast needs.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) workshop: Workshop,
    pub(super) series: String,
    pub(super) model: String,
    pub(super) zone: TimeZone,
    pub(super) special: Arc<SpecialDays>,
    pub(super) cadence: Cadence,
    /// What a fitted model on the shelf must have been made for.
    pub(super) purpose: Arc<str>,
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
    /// What the model says, pressed: half a minute long, until all have had a turn, every forecast is there twice.
    pub(super) issued: Result<Pressed, String>,
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
    /// Goes on where the model was left, which takes milliseconds; or learns anew, which takes a bench.
    ///
    /// `learned` is what lies in memory, for models that cannot be put on the shelf. `issued` is when the newest forecast
    /// was made: while there is no bench, and that is long ago, somebody stands in and `meanwhile` is told.
    pub(super) async fn make(
        mut self,
        learned: Option<Learned>,
        issued: Option<Timestamp>,
        meanwhile: watch::Sender<Option<Arc<Issued>>>,
    ) -> Made {
        if let Some(made) = self.gone_on(learned).await {
            return made;
        }
        let bench = self.workshop.bench(self.now);
        let (bench, now) = tokio::select! {
            biased;
            bench = bench => bench,
            never = Interim::of(&self).keep(issued, &meanwhile) => match never {},
        };
        self.now = now;
        self.learned_anew(bench).await
    }

    /// What comes of going on; none if there is nothing to go on with.
    async fn gone_on(&self, learned: Option<Learned>) -> Option<Made> {
        let place = self.workshop.place().await;
        let begun = self.begun(learned).await?;
        let grown = match self.grown(begun.history()).await {
            Ok(grown) => grown?,
            Err(trouble) => return Some(Made::failed(Some(begun), trouble.to_string())),
        };
        let due = match self.due().await {
            Ok(due) => due,
            Err(why) => return Some(Made::failed(Some(begun), why)),
        };
        let job = self.clone();
        // What has begun keeps its place until it is done, even if nobody waits for it any more.
        let resumed = move || {
            let _place = place;
            job.resumed(begun, &grown).map(|learned| job.forecast(learned, grown, due))
        };
        match beside(resumed).await {
            Ok(made) => Some(self.kept(made?).await),
            Err(error) => Some(Made::broken(&error)),
        }
    }

    async fn learned_anew(self, bench: OwnedSemaphorePermit) -> Made {
        let (history, due) = match (self.whole().await, self.due().await) {
            (Ok(history), Ok(due)) => (history, due),
            (Err(why), _) | (_, Err(why)) => return Made::failed(None, why),
        };
        let job = self.clone();
        let fitted = move || {
            let _bench = bench;
            match job.fit(&history) {
                Ok(learned) => job.forecast(learned, history, due),
                Err(why) => Made { drift: job.drift(due, &history), ..Made::failed(None, why) },
            }
        };
        match beside(fitted).await {
            Ok(made) => self.kept(made).await,
            Err(error) => Made::broken(&error),
        }
    }

    /// What was made, once its forecast is kept.
    async fn kept(&self, mut made: Made) -> Made {
        if let Ok(issued) = &made.issued
            && let Err(why) = self.keep(issued.clone()).await
        {
            made.issued = Err(why);
        }
        made
    }

    async fn keep(&self, issued: Pressed) -> Result<(), String> {
        let kept = self.workshop.history.keep_forecast(&self.series, issued).await;
        kept.map_err(|trouble| format!("the forecast could not be kept: {trouble}"))
    }

    /// The forecast that is to be judged now.
    async fn due(&self) -> Result<Option<Issued>, String> {
        let judged = self.now.saturating_sub(JUDGED_AFTER).unwrap_or(Timestamp::MIN);
        let due = self.workshop.history.forecast(&self.series, judged).await;
        due.map_err(|trouble| trouble.to_string())
    }

    /// The model as it was left, unless it is to be fitted anew.
    async fn begun(&self, learned: Option<Learned>) -> Option<Begun> {
        let begun = match (learned, self.workshop.shelf.clone()) {
            (Some(learned), _) => Begun::InMemory(learned),
            (None, Some(shelf)) if !self.anew => {
                let (series, purpose) = (self.series.clone(), self.purpose.clone());
                let taken = beside(move || shelf.take(&series, &purpose)).await;
                Begun::OnTheShelf(taken.ok().flatten()?)
            }
            _ => return None,
        };
        let age = self.now.duration_since(begun.label().fitted);
        (SignedDuration::ZERO..self.cadence.refit).contains(&age).then_some(begun)
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
        let gathered = beside(move || peaks(samples, step_s)).await;
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

    fn forecast(&self, mut learned: Learned, history: Series, due: Option<Issued>) -> Made {
        let drift = self.drift(due, &history);
        learned.fitted.update(&history);
        learned.history = history;
        let issued = Ok(Pressed::of(&self.spoken(&mut learned)));
        Made { learned: self.put_away(learned), issued, drift }
    }

    fn drift(&self, due: Option<Issued>, history: &Series) -> Option<Drift> {
        due.map(|due| learn(&self.lessons, &[due.forecast], history).drift)
    }

    /// What a model says that has taken in all there is.
    fn spoken(&self, learned: &mut Learned) -> Issued {
        let (history, grid) = (&learned.history, learned.history.grid());
        let behind = (self.now.as_second() - grid.end().as_second()).max(0);
        let steps = (behind + self.cadence.horizon.as_secs()) / grid.step_s;
        let mut forecast = learned.fitted.forecast(history, grid.after(steps.max(1) as usize));
        forecast.fallback = learned.label.fallback.clone().or(forecast.fallback);
        Issued { at: self.now, forecast: settled(&forecast) }
    }

    fn resumed(&self, begun: Begun, history: &Series) -> Option<Learned> {
        match begun {
            Begun::InMemory(learned) => Some(learned),
            Begun::OnTheShelf(Shelved { label, history: known, tape }) => {
                let fitted = self.built(&label.model)?.resume(history, tape)?;
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
        let Learned { label, history, fitted, .. } = learned;
        drop(fitted); // packing needs the room
        if let Err(trouble) = shelf.put(Shelved { label, history, tape }) {
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

    fn broken(error: &Broken) -> Self {
        Self::failed(None, format!("making the forecast did not end well: {error}"))
    }
}

/// Who speaks by the hour while the model waits for a bench, as ten thousand do that begin at once.
struct Interim(Job);

/// Who that is: of the models that are fitted in milliseconds the one that is best a day ahead.
const INTERIM_MODEL: &str = "ridge_root_wide";
/// A step of what it says. The most of each hour is safe where what happens within it is not known.
const INTERIM_STEP_S: i64 = 3_600;
/// How old a forecast becomes before the next.
const INTERIM_EVERY: SignedDuration = SignedDuration::from_mins(30);

impl Interim {
    fn of(job: &Job) -> Self {
        let mut job = job.clone();
        job.model = INTERIM_MODEL.into();
        job.cadence.step_s = job.cadence.step_s.max(INTERIM_STEP_S);
        Self(job)
    }

    /// Speaks whenever the newest forecast is old, until somebody stops it.
    async fn keep(
        mut self,
        issued: Option<Timestamp>,
        meanwhile: &watch::Sender<Option<Arc<Issued>>>,
    ) -> Infallible {
        let asked = self.0.now;
        let begin = Instant::now();
        let mut age = issued.map_or(INTERIM_EVERY, |issued| asked.duration_since(issued).abs());
        loop {
            tokio::time::sleep((INTERIM_EVERY - age).max(SignedDuration::ZERO).unsigned_abs()).await;
            self.0.now = after(asked, begin);
            match self.speak().await {
                Ok(issued) => drop(meanwhile.send_replace(Some(issued))),
                Err(why) => tracing::debug!(series = self.0.series, "nobody stands in: {why}"),
            }
            age = SignedDuration::ZERO;
        }
    }

    async fn speak(&self) -> Result<Arc<Issued>, String> {
        let place = self.0.workshop.place().await;
        let (job, history) = (self.0.clone(), self.0.whole().await?);
        let spoken = beside(move || {
            let _place = place;
            let mut learned = job.fit(&history)?;
            let who = &learned.label.model;
            learned.label.fallback = Some(format!("{WAITS}; {who} stands in, hour by hour"));
            Ok::<_, String>(Arc::new(job.spoken(&mut learned)))
        });
        let issued = spoken.await.map_err(|error| error.to_string())??;
        self.0.keep(Pressed::of(&issued)).await?;
        Ok(issued)
    }
}

const WAITS: &str = "the model waits for a processor that is free to fit it";

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
