use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::calendar::SpecialDays;
use tidecast_pilot::{Drift, Issued, Lessons};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::job::{Job, Learned, Made};
use crate::source::BackFill;
use crate::store::{History, Shelf, purpose};
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
    /// A forecast of two days in steps of five minutes, every five minutes; a fit to eight weeks once a day, since between
    /// two fits the model takes in every step and goes on learning.
    fn default() -> Self {
        Self {
            forecast: SignedDuration::from_mins(5),
            refit: SignedDuration::from_hours(24),
            horizon: SignedDuration::from_hours(48),
            window: SignedDuration::from_hours(8 * 7 * 24),
            step_s: 300,
        }
    }
}

/// Where forecasts are made: a few at a time, beside the loop, so that a long fit delays no turn.
#[derive(Debug, Clone)]
pub struct Workshop {
    pub(super) history: Arc<History>,
    pub(super) benches: Arc<Semaphore>,
    fills: Arc<Semaphore>,
    pub(super) shelf: Option<Arc<Shelf>>,
}

impl Workshop {
    /// A workshop in which so many forecasts are made, and so many histories filled back, at once.
    pub fn new(history: Arc<History>, benches: usize, fills: usize) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.max(1)));
        Self { history, benches: places(benches), fills: places(fills), shelf: None }
    }

    /// The same, with fitted models on a shelf between two forecasts and not in memory, where each needs megabytes. A
    /// model for which there is no room is fitted anew for each forecast.
    #[must_use]
    pub fn with_shelf(self, shelf: Arc<Shelf>) -> Self {
        Self { shelf: Some(shelf), ..self }
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
    purpose: Arc<str>,
    issued: Option<Arc<Issued>>,
    learned: Option<Learned>,
    drift: Option<Drift>,
    /// Why there is no newer forecast, if one was tried.
    pub unfit: Option<String>,
    tried: Option<Timestamp>,
    /// The next forecast begins with a fit.
    anew: bool,
    work: Option<JoinHandle<Made>>,
}

/// How often a first forecast is tried for.
const AT_FIRST: SignedDuration = SignedDuration::from_secs(30);

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
        let made = Self {
            workshop,
            series,
            model,
            zone,
            special,
            cadence,
            purpose: "".into(),
            issued,
            learned,
            drift,
            unfit,
            tried,
            anew,
            work,
        };
        made.purposeful()
    }

    /// Says what its model is made for, so that one on the shelf that was made for something else is not taken.
    fn purposeful(mut self) -> Self {
        let Cadence { window, step_s, .. } = self.cadence;
        self.purpose = purpose(&(&self.model, &self.zone, &self.special, window, step_s)).into();
        self
    }

    /// The same, not misled by these days.
    #[must_use]
    pub fn knowing(mut self, special: SpecialDays) -> Self {
        self.special = Arc::new(special);
        self.purposeful()
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
        (self.learned, self.tried, self.anew) = (None, None, true);
    }

    /// Takes a finished forecast in, and has a new one made if it is time; waits for neither.
    pub async fn tend(&mut self, now: Timestamp, lessons: &Lessons) {
        if self.work.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish().await;
        }
        let every =
            if self.issued.is_some() { self.cadence.forecast } else { AT_FIRST.min(self.cadence.forecast) };
        let due = self.tried.is_none_or(|tried| now.duration_since(tried).abs() >= every);
        if self.work.is_none() && due {
            self.begin(now, lessons.clone());
        }
    }

    /// Waits for the forecast that is being made, if one is.
    pub async fn finish(&mut self) {
        let Some(work) = self.work.take() else { return };
        match work.await {
            Ok(Made { learned, issued, drift }) => {
                self.learned = learned.filter(|_| !self.anew);
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
        let job = Job {
            workshop: self.workshop.clone(),
            series: self.series.clone(),
            model: self.model.clone(),
            zone: self.zone.clone(),
            special: self.special.clone(),
            cadence: self.cadence,
            purpose: self.purpose.clone(),
            learned: self.learned.take(),
            anew: std::mem::take(&mut self.anew),
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
