use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::models::{self, Willing};
use tidecast_forecast::{Fitted, InCivilTime, Leads, Model, Series};
use tidecast_pilot::calendar::{SpecialDays, WithSpecialDays};
use tidecast_pilot::{Drift, Issued, Lessons};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Workshop;
use super::job::{Job, Learned, Made};
use crate::store::purpose;
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
    /// The forecast in use is by somebody who stands in until the model is fitted.
    interim: bool,
    /// What is said while the model waits to be fitted.
    meanwhile: watch::Sender<Option<Arc<Issued>>>,
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
        let made = |name: &str| built(name, leads.clone(), &self.zone, &self.special);
        models::willing(Some(&self.model), series, made).ok().map(|Willing { fitted, .. }| fitted)
    }
}

/// The model of that name, on the workload's clock and not misled by its special days.
pub(super) fn built(
    name: &str,
    leads: Leads,
    zone: &TimeZone,
    special: &Arc<SpecialDays>,
) -> Option<Box<dyn Model>> {
    let model: Box<dyn Model> = Box::new(InCivilTime::new(models::named(name, leads)?, zone.clone()));
    Some(match special.is_empty() {
        true => model,
        false => Box::new(WithSpecialDays { model, days: special.clone() }),
    })
}

const NOT_WHOLE: &str = "the forecast that was made is not whole";

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
            interim: false,
            meanwhile: watch::Sender::new(None),
        };
        made.purposeful()
    }

    /// Says what its model is made for, so that one on the shelf that was made for something else is not taken.
    fn purposeful(mut self) -> Self {
        let Cadence { window, step_s, .. } = self.cadence;
        self.purpose = purpose(&("peaks", &self.model, &self.zone, &self.special, window, step_s)).into();
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

    /// Learns anew at the next occasion, as when much more history has come; what is still being made of less is let go.
    pub fn learn_anew(&mut self) {
        self.let_go();
        (self.learned, self.tried, self.anew) = (None, None, true);
    }

    fn let_go(&mut self) {
        if let Some(work) = self.work.take() {
            work.abort();
        }
    }

    /// Takes a finished forecast in, and has a new one made if it is time; waits for neither.
    pub async fn tend(&mut self, now: Timestamp, lessons: &Lessons) {
        if self.work.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish().await;
        } else {
            self.hear();
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

    fn hear(&mut self) {
        if let Some(issued) = self.meanwhile.send_replace(None) {
            (self.issued, self.unfit, self.interim) = (Some(issued), None, true);
        }
    }

    /// Whether the forecast in use is by somebody who stands in until the model is fitted.
    pub(super) fn interim(&self) -> bool {
        self.interim
    }

    /// Waits for the forecast that is being made, if one is.
    pub async fn finish(&mut self) {
        let Some(work) = self.work.take() else { return };
        let made = work.await;
        self.hear();
        match made {
            Ok(Made { learned, issued, drift }) => {
                self.learned = learned.filter(|_| !self.anew);
                self.drift = drift.or(self.drift.take());
                match issued.and_then(|pressed| pressed.opened().ok_or_else(|| NOT_WHOLE.into())) {
                    Ok(issued) => {
                        (self.issued, self.unfit, self.interim) = (Some(Arc::new(issued)), None, false);
                    }
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
            anew: std::mem::take(&mut self.anew),
            lessons,
            now,
        };
        self.tried = Some(now);
        let issued = self.issued.as_ref().filter(|_| !job.anew).map(|issued| issued.at);
        let (learned, meanwhile) = (self.learned.take(), self.meanwhile.clone());
        self.work = Some(tokio::spawn(job.make(learned, issued, meanwhile)));
    }
}

impl Drop for Forecaster {
    fn drop(&mut self) {
        self.let_go();
    }
}
