use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::{Fan, Hindsight, Leads, Samples, Tape};
use tidecast_pilot::{Demand, Evidence, Ground, Issued, Menu, Reading, Tuning};

use super::Workshop;
use super::forecaster::Subject;
use super::practice::{AHEAD_MAX, BEHIND_MAX, DAY_S, START_MAX_MIN};
use super::workshop::{self, beside};
use crate::source::Rhythm;
use crate::trouble::Trouble;

const BIN_S: i64 = 300;
const DAY_MIN: usize = 1_440;

/// Where measurements are known late, whatever is decided by them serves as much later.
pub(super) fn delayed(ground: Ground, rhythm: &Rhythm) -> Ground {
    Ground { start_min: (ground.start_min + rhythm.late_min()).min(START_MAX_MIN as usize), ..ground }
}

/// What was learned, and the rhythm in which measurements were found to come.
#[derive(Debug)]
pub(super) struct Learned {
    pub(super) tuning: Box<Tuning>,
    pub(super) rhythm: Rhythm,
}

/// One job in the workshop: takes up what was kept, or learns from the history.
pub(super) struct Study {
    pub(super) workshop: Workshop,
    pub(super) subject: Subject,
    pub(super) rhythm: Rhythm,
    /// As told: what measurements that are known late do to it is not yet in it.
    pub(super) ground: Ground,
    pub(super) promise: f64,
    pub(super) now: Timestamp,
}

/// Of how many forecasts what happened since the last keeping is replayed with, at most.
const FORECASTS_MAX: i64 = 24;
/// By how much of the history it is seen how far apart measurements come.
const RHYTHM: SignedDuration = SignedDuration::from_hours(24);

impl Study {
    /// What can be learned, taken up from what was kept unless that is to be done `fresh`.
    ///
    /// # Errors
    /// [`Trouble`] when the history cannot be read, or learning does not end well.
    pub(super) async fn learned(mut self, fresh: bool) -> Result<Learned, Trouble> {
        let (bench, now) = self.workshop.study(self.now).await;
        self.now = now;
        let latest = now.saturating_sub(RHYTHM).unwrap_or(Timestamp::MIN);
        self.rhythm =
            self.rhythm.seen_in(&self.workshop.history().read(&self.subject.series, latest, now).await?);
        self.ground = delayed(self.ground, &self.rhythm);
        let rhythm = self.rhythm;
        self.learned_by_step(fresh, bench).await.map(|tuning| Learned { tuning, rhythm })
    }

    async fn learned_by_step(self, fresh: bool, bench: workshop::Study) -> Result<Box<Tuning>, Trouble> {
        if !fresh && let Some(tuning) = self.kept().await? {
            return self.caught_up(tuning, bench).await;
        }
        let begin = self.now.saturating_sub(self.subject.window).unwrap_or(Timestamp::MIN);
        let samples = self.workshop.history().read(&self.subject.series, begin, self.now).await?;
        let who = self.subject.series.clone();
        let work = beside(move || {
            let _bench = bench;
            self.over_history(samples)
        });
        work.await.map_err(|error| Trouble::Unusable { who, why: error.to_string() })
    }

    fn begun(&self, menu: Menu, at: Timestamp) -> Box<Tuning> {
        self.begun_from(menu, at, 0)
    }

    fn begun_from(&self, menu: Menu, at: Timestamp, replayed_from: usize) -> Box<Tuning> {
        let midnight = at.as_second().div_euclid(DAY_S) * DAY_S;
        let midnight = Timestamp::from_second(midnight).unwrap_or(at);
        Box::new(Tuning::for_promises(midnight, menu, &self.ground, &[self.promise], replayed_from))
    }

    /// Long steps have no minutes, and nothing to nowcast.
    fn menu(&self) -> Menu {
        if self.rhythm.step.as_secs() > BIN_S { Menu::Outlooks } else { self.workshop.menu() }
    }

    /// What was kept, if it is of the same menu, fleet and promise and not too old.
    async fn kept(&self) -> Result<Option<Box<Tuning>>, Trouble> {
        let Some((begun, numbers)) = self.workshop.history().tuning(&self.subject.series).await? else {
            return Ok(None);
        };
        let mut tuning = self.begun(self.menu(), begun);
        let whole = Tape::play(numbers, &mut *tuning) && tuning.stand_on(&self.ground);
        let behind = self.rhythm.step_end(self.now).duration_since(tuning.now());
        Ok((whole && behind < BEHIND_MAX && -behind < AHEAD_MAX).then_some(tuning))
    }

    /// Replays what was measured since, with the forecasts that were in force then.
    async fn caught_up(
        self,
        mut tuning: Box<Tuning>,
        bench: workshop::Study,
    ) -> Result<Box<Tuning>, Trouble> {
        let (history, series) = (self.workshop.history(), &self.subject.series);
        let begin = tuning.now().saturating_sub(self.rhythm.step * 2).unwrap_or(Timestamp::MIN);
        let evidence = self.evidence(&history.read(series, begin, self.now).await?);
        let mut forecasts = BTreeMap::new();
        let known = self.rhythm.known(tuning.now());
        let every = (self.now.duration_since(known).as_secs() / FORECASTS_MAX).max(BIN_S);
        for slot in 0..=FORECASTS_MAX {
            let at = known.saturating_add(SignedDuration::from_secs(slot * every)).unwrap_or(self.now);
            if at <= self.now
                && let Some(issued) = history.forecast(series, at).await?
            {
                forecasts.insert(self.rhythm.step_end(at), issued);
            }
        }
        let who = series.clone();
        let work = beside(move || {
            let _bench = bench;
            tuning.follow_by(&evidence, |begin, bins| as_issued(&forecasts, begin, bins));
            tuning
        });
        work.await.map_err(|error| Trouble::Unusable { who, why: error.to_string() })
    }

    /// Everything from the beginning of the history, with what could have been foretold then.
    fn over_history(self, samples: Samples) -> Box<Tuning> {
        let Ok(gathered) = samples.clone().gather(0) else {
            return self.begun(self.menu(), self.now);
        };
        let peaks = gathered.series.peaks(BIN_S);
        let grown_min = DAY_MIN * Hindsight::grown_after(&peaks);
        let mut tuning = self.begun_from(self.menu(), gathered.series.grid().start, grown_min);
        let leads = Leads::exactly((1..=tuning.bins() as i64).map(|k| k * peaks.grid().step_s));
        let hindsight = Hindsight::of(&peaks, tuning.bins(), |known| self.subject.fit(known, &leads));
        let evidence = self.evidence(&samples);
        tuning.follow_by(&evidence, |begin, bins| hindsight.ahead(begin, bins, BIN_S));
        tuning
    }

    /// Samples as readings, each at the end of its step: what stands in the history was believed.
    fn evidence(&self, samples: &Samples) -> Evidence {
        let reading = |sample: &tidecast_forecast::Sample| {
            let at = sample.time.saturating_add(self.rhythm.step).ok()?;
            Some(Reading::complete(at, Demand::new(sample.value)?))
        };
        let mut readings: Vec<Reading> = samples.0.iter().filter_map(reading).collect();
        readings.retain(|reading| self.rhythm.known(reading.at) <= self.now);
        Evidence { readings, interval: self.rhythm.step, lag: self.rhythm.step }
    }
}

/// What was forecast for so many bins from `begin` by the newest forecast of then, as far as it reaches.
fn as_issued(forecasts: &BTreeMap<Timestamp, Issued>, begin: Timestamp, bins: usize) -> Vec<Fan> {
    let issued = forecasts.range(..=begin).next_back().map(|(_, issued)| issued);
    let fan = |bin: i64| {
        let at = begin.saturating_add(SignedDuration::from_secs(bin * BIN_S)).ok()?;
        issued?.forecast.fan_at(at).copied()
    };
    (0..bins as i64).map_while(fan).collect()
}
