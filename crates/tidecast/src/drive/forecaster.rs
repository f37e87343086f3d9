use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::{Fitted, InCivilTime, Leads, Model, Series, models};
use tidecast_pilot::calendar::{SpecialDays, WithSpecialDays};
use tidecast_pilot::{Drift, Issued, Lessons, Menu, learn};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

use crate::source::BackFill;
use crate::store::{History, settled};
use crate::trouble::Trouble;

/// How often is forecast and learned, and over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// From one forecast to the next.
    pub forecast: SignedDuration,
    /// From one fit to the next.
    pub refit: SignedDuration,
    /// How far ahead: as long as a plan may have to serve without any source.
    pub horizon: SignedDuration,
    /// How much history is learned from.
    pub window: SignedDuration,
    /// Seconds of one step of a forecast.
    pub step_s: i64,
}

impl Default for Cadence {
    /// A forecast of two days in steps of five minutes, every five minutes; a fit to eight weeks every six hours.
    fn default() -> Self {
        Self {
            forecast: SignedDuration::from_mins(5),
            refit: SignedDuration::from_hours(6),
            horizon: SignedDuration::from_hours(48),
            window: SignedDuration::from_hours(8 * 7 * 24),
            step_s: 300,
        }
    }
}

/// Where forecasts are made: a few at a time, beside the loop, so that a long fit delays no turn.
#[derive(Debug, Clone)]
pub struct Workshop {
    history: Arc<History>,
    benches: Arc<Semaphore>,
    fills: Arc<Semaphore>,
    forgetful: bool,
    menu: Menu,
}

impl Workshop {
    /// A workshop in which so many forecasts are made, and so many histories filled back, at once.
    pub fn new(history: Arc<History>, benches: usize, fills: usize) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.max(1)));
        Self { history, benches: places(benches), fills: places(fills), forgetful: false, menu: Menu::Whole }
    }

    /// The same, keeping no fitted model in memory: each forecast begins with a fit. Slower, and much smaller.
    #[must_use]
    pub fn forgetful(self) -> Self {
        Self { forgetful: true, ..self }
    }

    /// The same, where only these ways to size are tried.
    #[must_use]
    pub fn trying(self, menu: Menu) -> Self {
        Self { menu, ..self }
    }

    pub(super) fn menu(&self) -> Menu {
        self.menu
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// A place to work at, when it is free.
    pub(super) async fn bench(&self) -> OwnedSemaphorePermit {
        self.benches.clone().acquire_owned().await.expect("the workshop is never closed")
    }

    /// Fills a history back when it is its turn.
    pub(super) async fn fill(
        self,
        back_fill: BackFill,
        now: Timestamp,
        share: watch::Sender<f64>,
    ) -> Result<(), Trouble> {
        let _place = self.fills.acquire().await.expect("the workshop is never closed");
        let told = |progress: crate::source::Progress| {
            share.send_replace(progress.share);
        };
        back_fill.run(now, told).await.map(drop)
    }
}

/// Keeps one series' forecast fresh.
pub struct Forecaster {
    workshop: Workshop,
    series: String,
    model: String,
    zone: TimeZone,
    special: Arc<SpecialDays>,
    cadence: Cadence,
    issued: Option<Arc<Issued>>,
    learned: Option<Learned>,
    drift: Option<Drift>,
    /// Why there is no newer forecast, if one was tried.
    pub unfit: Option<String>,
    tried: Option<Timestamp>,
    /// What is being learned at the moment is to be forgotten.
    anew: bool,
    work: Option<JoinHandle<Made>>,
}

/// What is forecast, by whom and how.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) series: String,
    model: String,
    zone: TimeZone,
    special: Arc<SpecialDays>,
    pub(super) window: SignedDuration,
}

impl Subject {
    /// The model, or who stands in for it, fitted for these leads; none if none speaks.
    pub(super) fn fit(&self, series: &Series, leads: &Leads) -> Option<Box<dyn Fitted>> {
        let learned = fit(&self.model, self.zone.clone(), &self.special, series, Timestamp::MIN, leads);
        learned.ok().map(|learned| learned.fitted)
    }
}

/// How often a first forecast is tried for.
const AT_FIRST: SignedDuration = SignedDuration::from_secs(30);

/// What a model has become, when, and who stands in for it.
struct Learned {
    fitted: Box<dyn Fitted>,
    at: Timestamp,
    fallback: Option<String>,
}

/// What came of one job in the workshop.
struct Made {
    learned: Option<Learned>,
    issued: Result<Arc<Issued>, String>,
    drift: Option<Drift>,
}

impl std::fmt::Debug for Forecaster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forecaster")
            .field("series", &self.series)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl Forecaster {
    /// Forecasts `series` with the model of that name on the clock of `zone`.
    pub fn new(
        workshop: Workshop,
        series: impl Into<String>,
        model: impl Into<String>,
        zone: TimeZone,
        cadence: Cadence,
    ) -> Self {
        let (series, model) = (series.into(), model.into());
        let (issued, learned, drift, unfit, tried, anew, work) = (None, None, None, None, None, false, None);
        let special = Arc::new(SpecialDays::new(zone.clone()));
        Self {
            workshop,
            series,
            model,
            zone,
            special,
            cadence,
            issued,
            learned,
            drift,
            unfit,
            tried,
            anew,
            work,
        }
    }

    /// The same, not misled by these days.
    #[must_use]
    pub fn knowing(mut self, special: SpecialDays) -> Self {
        self.special = Arc::new(special);
        self
    }

    /// Remembers the newest forecast there is, so that the first turn has one.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be read.
    pub async fn warm(&mut self, now: Timestamp) -> Result<(), Trouble> {
        if self.issued.is_none() {
            self.issued = self.workshop.history.forecast(&self.series, now).await?.map(Arc::new);
        }
        Ok(())
    }

    pub(super) fn workshop(&self) -> Workshop {
        self.workshop.clone()
    }

    /// What is forecast, by whom and how.
    pub(super) fn subject(&self) -> Subject {
        Subject {
            series: self.series.clone(),
            model: self.model.clone(),
            zone: self.zone.clone(),
            special: self.special.clone(),
            window: self.cadence.window,
        }
    }

    /// The forecast in use, however old.
    pub fn issued(&self) -> Option<&Arc<Issued>> {
        self.issued.as_ref()
    }

    /// How far demand has been off its forecasts, if that was judged since this was last asked.
    pub fn drift(&mut self) -> Option<Drift> {
        self.drift.take()
    }

    /// Learns anew at the next occasion, as when much more history has come.
    pub fn learn_anew(&mut self) {
        (self.learned, self.tried, self.anew) = (None, None, self.work.is_some());
    }

    /// Takes a finished forecast in, and has a new one made if it is time; waits for neither.
    pub async fn tend(&mut self, now: Timestamp, lessons: &Lessons) {
        if self.work.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish().await;
        }
        let every =
            if self.issued.is_some() { self.cadence.forecast } else { AT_FIRST.min(self.cadence.forecast) };
        let due = self.tried.is_none_or(|tried| {
            now.duration_since(tried).abs() >= every || self.step_ended_since(tried, now)
        });
        if self.work.is_none() && due {
            self.begin(now, lessons.clone());
        }
    }

    /// Whether a step of the forecast's cadence has ended meanwhile: what it has brought is worth knowing at once.
    fn step_ended_since(&self, tried: Timestamp, now: Timestamp) -> bool {
        let step = |time: Timestamp| time.as_second().div_euclid(self.cadence.forecast.as_secs().max(1));
        self.issued.is_some() && step(now) > step(tried)
    }

    /// Waits for the forecast that is being made, if one is.
    pub async fn finish(&mut self) {
        let Some(work) = self.work.take() else { return };
        match work.await {
            Ok(Made { learned, issued, drift }) => {
                let forget = std::mem::take(&mut self.anew) || self.workshop.forgetful;
                self.learned = learned.filter(|_| !forget);
                self.drift = drift.or(self.drift.take());
                match issued {
                    Ok(issued) => (self.issued, self.unfit) = (Some(issued), None),
                    Err(why) => self.unfit = Some(why),
                }
            }
            Err(error) => self.unfit = Some(format!("making the forecast did not end well: {error}")),
        }
    }

    fn begin(&mut self, now: Timestamp, lessons: Lessons) {
        let stale = |learned: &Learned| now.duration_since(learned.at).abs() >= self.cadence.refit;
        let job = Job {
            workshop: self.workshop.clone(),
            series: self.series.clone(),
            model: self.model.clone(),
            zone: self.zone.clone(),
            special: self.special.clone(),
            cadence: self.cadence,
            learned: self.learned.take().filter(|learned| !stale(learned)),
            lessons,
            now,
        };
        self.tried = Some(now);
        self.work = Some(tokio::spawn(job.make()));
    }
}

impl Drop for Forecaster {
    fn drop(&mut self) {
        if let Some(work) = &self.work {
            work.abort();
        }
    }
}

struct Job {
    workshop: Workshop,
    series: String,
    model: String,
    zone: TimeZone,
    special: Arc<SpecialDays>,
    cadence: Cadence,
    learned: Option<Learned>,
    lessons: Lessons,
    now: Timestamp,
}

/// Forecasts of this age are judged by what has come since.
const JUDGED_AFTER: SignedDuration = SignedDuration::from_hours(2);

impl Job {
    async fn make(self) -> Made {
        let history = self.workshop.history.clone();
        let _bench = self.workshop.bench().await;
        let (series, now) = (self.series.clone(), self.now);
        let begin = now.saturating_sub(self.cadence.window).unwrap_or(Timestamp::MIN);
        let judged = now.saturating_sub(JUDGED_AFTER).unwrap_or(Timestamp::MIN);
        let known = async {
            let samples = history.read(&series, begin, self.whole_steps_end()).await?;
            Ok::<_, Trouble>((samples, history.forecast(&series, judged).await?))
        };
        let (samples, due) = match known.await {
            Ok(known) => known,
            Err(trouble) => {
                return Made { learned: self.learned, issued: Err(trouble.to_string()), drift: None };
            }
        };
        let step_s = self.cadence.step_s;
        let made = tokio::task::spawn_blocking(move || match samples.gather(0) {
            // Capacity must cover the most of a step, not its mean.
            Ok(gathered) => self.forecast(&gathered.series.peaks(step_s), due),
            Err(useless) => Made { learned: self.learned, issued: Err(useless.to_string()), drift: None },
        });
        let ended = |error| Made {
            learned: None,
            issued: Err(format!("making the forecast did not end well: {error}")),
            drift: None,
        };
        let mut made = made.await.unwrap_or_else(ended);
        if let Ok(issued) = &made.issued
            && let Err(trouble) = history.keep_forecast(&series, Issued::clone(issued)).await
        {
            made.issued = Err(format!("the forecast could not be kept: {trouble}"));
        }
        made
    }

    /// The last moment before the step that is not over yet.
    fn whole_steps_end(&self) -> Timestamp {
        let step_s = self.cadence.step_s;
        let start = self.now.as_second().div_euclid(step_s) * step_s;
        Timestamp::from_millisecond(start * 1_000 - 1).unwrap_or(self.now)
    }

    fn forecast(self, series: &Series, due: Option<Issued>) -> Made {
        let learned = match self.learned {
            Some(mut learned) => {
                learned.fitted.update(series);
                Ok(learned)
            }
            None => fit(&self.model, self.zone, &self.special, series, self.now, &Leads::knots()),
        };
        let learned = match learned {
            Ok(learned) => learned,
            Err(why) => return Made { learned: None, issued: Err(why), drift: None },
        };
        let behind = (self.now.as_second() - series.grid().end().as_second()).max(0);
        let steps = (behind + self.cadence.horizon.as_secs()) / series.grid().step_s;
        let mut forecast = learned.fitted.forecast(series, series.grid().after(steps.max(1) as usize));
        forecast.fallback = learned.fallback.clone().or(forecast.fallback);
        let drift = due.map(|due| learn(&self.lessons, &[due.forecast], series).drift);
        let issued = Issued { at: self.now, forecast: settled(&forecast) };
        Made { learned: Some(learned), issued: Ok(Arc::new(issued)), drift }
    }
}

/// Who is asked when a model declines, the best first.
const FALLBACKS: [&str; 4] = ["ensemble", "recent_days", "last_week", "all_seen"];

/// The model, or the first of those that stand in for it; why none does, if none does.
fn fit(
    name: &str,
    zone: TimeZone,
    special: &Arc<SpecialDays>,
    series: &Series,
    at: Timestamp,
    leads: &Leads,
) -> Result<Learned, String> {
    let mut declined: Option<String> = None;
    for candidate in [name].into_iter().chain(FALLBACKS) {
        let Some(model) = models::named(candidate, leads.clone()) else {
            declined.get_or_insert(format!("there is no model {candidate:?}"));
            continue;
        };
        let model: Box<dyn Model> = Box::new(InCivilTime::new(model, zone.clone()));
        let model = match special.is_empty() {
            true => model,
            false => Box::new(WithSpecialDays { model, days: special.clone() }),
        };
        match model.fit(series) {
            Ok(fitted) => {
                let fallback = declined.map(|why| format!("{why}; {candidate} stands in"));
                return Ok(Learned { fitted, at, fallback });
            }
            Err(unfit) => {
                declined.get_or_insert(format!("{candidate} declines: {unfit}"));
            }
        }
    }
    Err(declined.unwrap_or_else(|| "no model speaks".into()))
}
