use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::{Hindsight, Tape};
use tidecast_pilot::{Evidence, Ground, Lessons, Nowcasted, Rated, Sizer, Sizing, Tuning, Workload};
use tokio::task::JoinHandle;

use super::forecaster::Subject;
use super::study::{Learned, Study, delayed};
use super::{Forecaster, Workshop};
use crate::source::Rhythm;
use crate::trouble::Trouble;

/// Keeps one workload's ways to size at work on what is measured, and knows which keeps the promise best.
///
/// What was learned is taken up from the store or learned from the history, beside the turns; from then on each turn feeds
/// it the minutes that are new.
pub(super) struct Practice {
    workshop: Workshop,
    subject: Subject,
    rhythm: Rhythm,
    /// In the time of steps, as all that is replayed.
    pub(super) tuning: Option<Box<Tuning>>,
    /// Of which day what is told is.
    told: Option<i64>,
    pub(super) work: Option<JoinHandle<Result<Learned, Trouble>>>,
    tried: Option<Timestamp>,
    kept: Option<Timestamp>,
    /// What is known is to be learned once more, from the history.
    anew: bool,
    /// After how many days of the history the forecasts are good enough to be replayed, as of when it was learned.
    grown: usize,
}

/// After how long what failed is tried again.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// How often what was learned is kept: what lies between is learned again after a restart.
const KEEP_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Further ahead than this the clock has gone astray, and with it what was taken for minutes.
pub(super) const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(10);
/// After a longer silence it is better to learn anew than to take every minute for unknown.
pub(super) const BEHIND_MAX: SignedDuration = SignedDuration::from_hours(48);
/// Assumed of a start until one was seen.
const START_ASSUMED_MIN: i64 = 5;
/// The longest start-up that is replayed.
pub(super) const START_MAX_MIN: i64 = 120;

const MINUTE_S: i64 = 60;
pub(super) const DAY_S: i64 = 86_400;

impl Practice {
    /// Of what `forecaster` forecasts, measured in this rhythm.
    pub(super) fn beside(forecaster: &Forecaster, rhythm: Rhythm) -> Self {
        let (tuning, told, work, tried, kept, anew, grown) = (None, None, None, None, None, false, 0);
        let (workshop, subject) = (forecaster.workshop(), forecaster.subject());
        Self { workshop, subject, rhythm, tuning, told, work, tried, kept, anew, grown }
    }

    /// Takes in what is new, and has what is missing learned; waits for neither.
    pub(super) async fn tend(
        &mut self,
        now: Timestamp,
        ground: Ground,
        promise: f64,
        evidence: &Evidence,
        forecaster: &Forecaster,
    ) {
        let issued = forecaster.issued().map(|issued| &**issued);
        if self.work.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish().await;
        }
        let steadied = self.steadied(delayed(ground, &self.rhythm));
        if let Some(tuning) = &mut self.tuning {
            if !tuning.stand_on(&steadied) {
                self.anew = true;
            }
            let evidence = self.rhythm.by_step(evidence);
            // While nothing is measured there is nothing to learn anew, however long that lasts.
            let newest = evidence.readings.last().map_or(tuning.now(), |reading| reading.at);
            let behind = newest.duration_since(tuning.now());
            let ahead = tuning.now().duration_since(self.rhythm.step_end(now));
            match behind < BEHIND_MAX && ahead < AHEAD_MAX {
                true => {
                    tuning.follow(&evidence, issued);
                    self.anew |= grown_after(tuning, self.subject.window) > self.grown;
                }
                false => self.tuning = None,
            }
        }
        let due = self.tried.is_none_or(|tried| now.duration_since(tried).abs() >= AGAIN);
        // First all models are fitted, for that is what forecasts wait for.
        let fitted = issued.is_some() && !forecaster.interim();
        if self.work.is_none() && fitted && due && (self.tuning.is_none() || self.anew) {
            let fresh = std::mem::take(&mut self.anew);
            self.tried = Some(now);
            let (workshop, subject, rhythm) = (self.workshop.clone(), self.subject.clone(), self.rhythm);
            let study = Study { workshop, subject, rhythm, ground, promise, now };
            self.work = Some(tokio::spawn(study.learned(fresh)));
        }
    }

    /// The same start-up time as before while a new one hardly differs: another one means to learn everything anew.
    fn steadied(&self, ground: Ground) -> Ground {
        let known = self.tuning.as_ref().map(|tuning| tuning.ground().start_min);
        let near = |known: &usize| 5 * known.abs_diff(ground.start_min) <= (*known).max(5);
        Ground { start_min: known.filter(near).unwrap_or(ground.start_min), ..ground }
    }

    /// Waits for what is being learned, if anything is.
    pub(super) async fn finish(&mut self) {
        let Some(work) = self.work.take() else { return };
        match work.await {
            Ok(Ok(Learned { tuning, rhythm })) => {
                self.grown = grown_after(&tuning, self.subject.window);
                (self.tuning, self.rhythm, self.told) = (Some(tuning), rhythm, None);
            }
            Ok(Err(trouble)) => tracing::warn!("tuning of {} waits: {trouble}", self.subject.series),
            Err(error) => {
                tracing::error!("learning how to size {} did not end well: {error}", self.subject.series);
            }
        }
    }

    /// More history has come: what was learned from less is learned once more.
    pub(super) fn learn_anew(&mut self, now: Timestamp) {
        let long = self.subject.window.checked_sub(SignedDuration::from_hours(72)).unwrap_or_default();
        let whole = self.tuning.as_ref().is_some_and(|tuning| now.duration_since(tuning.begun()) >= long);
        self.anew = !whole && (self.tuning.is_some() || self.work.is_some());
    }

    /// How to size from now on and what else there would be, if that has changed since this was last asked.
    pub(super) fn news(&mut self) -> Option<(Sizing, Vec<Rated>)> {
        let tuning = self.tuning.as_ref()?;
        let day = tuning.now().as_second().div_euclid(DAY_S);
        if self.told == Some(day) {
            return None;
        }
        self.told = Some(day);
        tuning.sizing().map(|sizing| (sizing, tuning.frontier()))
    }

    /// What the chosen way says of the last minutes.
    pub(super) fn says(&self, hold: SignedDuration) -> Option<Nowcasted> {
        let said = self.tuning.as_ref()?.says(hold)?;
        Some(Nowcasted { at: self.rhythm.known(said.at), ..said })
    }

    /// Keeps what was learned, if it was not kept for a while.
    pub(super) async fn keep(&mut self, now: Timestamp, every: SignedDuration) {
        let every = every.max(if every > SignedDuration::ZERO { KEEP_EVERY } else { every });
        if self.kept.is_some_and(|kept| now.duration_since(kept).abs() < every) {
            return;
        }
        let Some(tuning) = &mut self.tuning else { return };
        let (begun, numbers) = (tuning.begun(), Tape::of(&mut **tuning));
        self.kept = Some(now);
        if let Err(trouble) = self.workshop.history().keep_tuning(&self.subject.series, begun, numbers).await
        {
            tracing::warn!("what tuning of {} has learned is not kept: {trouble}", self.subject.series);
        }
    }
}

impl std::fmt::Debug for Practice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Practice").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        if let Some(work) = &self.work {
            work.abort();
        }
    }
}

/// What a fleet is like on which the ways of this workload are replayed.
pub(super) fn ground(workload: &Workload, lessons: &Lessons) -> Ground {
    let start_up = workload.start_up.or(lessons.start_up_p95());
    let start_s = start_up.map_or(MINUTE_S * START_ASSUMED_MIN, |start_up| start_up.as_secs().max(0));
    let start_min = (start_s as u64).div_ceil(MINUTE_S as u64).clamp(1, START_MAX_MIN as u64) as usize;
    let throughput = workload.throughput.or(lessons.throughput);
    let sizer = throughput.map(|throughput| Sizer::new(throughput, workload.buffer));
    let up_cost = workload.costs.scale_up.or(None);
    Ground { start_min, sizer, bounds: workload.bounds, up_cost }
}

/// After how many days of its history a tuning would be replayed if it were learned anew from what is kept. Its first day, which
/// may not be whole, does not count.
fn grown_after(tuning: &Tuning, window: SignedDuration) -> usize {
    let whole = tuning.now().duration_since(tuning.begun()) - SignedDuration::from_hours(24);
    Hindsight::grown_after_days((whole.min(window).as_secs().max(0) / DAY_S) as usize)
}
