//! From a source into the history: no more than is new, gently, and nothing that lost scrapes have falsified (S3.2,
//! S3.3).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::{Sample, Samples};
use tidecast_pilot::{Demand, Evidence, Reading};

use super::rhythm::{Rhythm, usual_gap};
use super::{Coverage, Doubt, Guard, Remark, Source, Taken};
use crate::store::{Asked, History};
use crate::trouble::Trouble;

/// Collects one series.
#[derive(Debug)]
pub struct Collector {
    source: Arc<dyn Source>,
    history: Arc<History>,
    series: String,
    window: SignedDuration,
    /// Seconds between two points.
    step: SignedDuration,
    /// What is usual.
    pub guard: Guard,
    readings: BTreeMap<Timestamp, Reading>,
    last: Option<Look>,
    deep: Option<Timestamp>,
}

/// What one look at the source has brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Collected {
    /// How many samples, new and again.
    pub samples: usize,
    /// How much of what was expected is there.
    pub coverage: Coverage,
    /// What was left out, and what is worth telling.
    pub remarks: Vec<Remark>,
}

/// How far a back-fill is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Everything from then on is there.
    pub from: Timestamp,
    /// The share that is done, 0 to 1.
    pub share: f64,
    /// Samples so far.
    pub samples: usize,
}

/// The look before.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Timestamp,
    share: f64,
    /// Since then measurements cannot be believed, and not until a window is full again.
    dark: bool,
}

impl Collector {
    /// How much is asked for again each time, for late samples.
    pub const OVERLAP: SignedDuration = SignedDuration::from_mins(15);
    /// And once an hour, for samples that were held up for long.
    pub const OVERLAP_DEEP: SignedDuration = SignedDuration::from_hours(6);
    /// How often is asked for them.
    const DEEP_EVERY: SignedDuration = SignedDuration::from_hours(1);
    /// What is asked for first, so that there is something to decide by at once.
    pub const AT_FIRST: SignedDuration = SignedDuration::from_hours(2);
    /// What is asked for at once when filling back: a day of minutes, or as many points of longer steps.
    pub const CHUNK: SignedDuration = SignedDuration::from_hours(24);
    /// How far back readings are kept as evidence.
    pub const READINGS: SignedDuration = SignedDuration::from_hours(2);

    /// Collects `source` as `series`, not further back than `window`, a point each `step`.
    pub fn new(
        source: Arc<dyn Source>,
        history: Arc<History>,
        series: impl Into<String>,
        window: SignedDuration,
        step: SignedDuration,
    ) -> Self {
        let (readings, series) = (BTreeMap::new(), series.into());
        Self {
            source,
            history,
            series,
            window,
            step,
            guard: Guard::default(),
            readings,
            last: None,
            deep: None,
        }
    }

    /// What was measured since this collector began, as far as it is evidence: what was measured before it looked
    /// itself is none.
    pub fn evidence(&self) -> Evidence {
        let readings = self.readings.values().copied().collect();
        Evidence { readings, interval: self.interval(), lag: self.source.lag() }
    }

    /// How far apart measurements come: as told, or, where nobody can tell, as the latest did.
    fn interval(&self) -> SignedDuration {
        const LATEST: usize = 10;
        let gap = usual_gap(self.readings.keys().rev().take(LATEST).copied());
        gap.map_or(self.step, |gap| self.step.max(gap))
    }

    /// When measurements are known, and how far apart they come, as told.
    pub fn rhythm(&self) -> Rhythm {
        Rhythm { lag: self.source.lag(), step: self.step }
    }

    /// Looks at what is new. `fleet` is the number of servers, if it is known.
    ///
    /// # Errors
    /// [`Trouble`] when the source or the history cannot be had; what is known stays as it is.
    pub async fn look(&mut self, now: Timestamp, fleet: Option<u32>) -> Result<Collected, Trouble> {
        let looked = self.look_once(now, fleet).await;
        if looked.is_err() {
            self.guard.miss();
            self.last = Some(Look { at: now, share: 0.0, dark: true });
        }
        looked
    }

    async fn look_once(&mut self, now: Timestamp, fleet: Option<u32>) -> Result<Collected, Trouble> {
        let coverage = self.coverage(now, fleet).await;
        let since = self.since(now).await?;
        let mut taken = self.source.samples(since, now).await?;
        let coverage = match taken.partial.take() {
            Some(why) => Coverage::unknown(why),
            None => coverage,
        };
        let coverage = self.moving(&taken.samples, now).unwrap_or(coverage);
        let dark = self.is_dark(&coverage);
        if dark && self.source.is_falsified_by_loss() {
            let from = self.last.map_or(now, |last| last.at);
            self.history.darken(&self.series, self.named(from), self.named(now)).await?;
        }
        let Taken { samples, remarks, .. } = taken;
        let (count, asked) = (samples.0.len(), Asked { from: since, until: now });
        self.read(&samples, now, coverage.share);
        self.history.put(&self.series, samples, asked, now).await?;
        self.last = Some(Look { at: now, share: coverage.share, dark });
        Ok(Collected { samples: count, coverage, remarks })
    }

    async fn coverage(&mut self, now: Timestamp, fleet: Option<u32>) -> Coverage {
        let window = self.source.count_window();
        match self.source.count(now).await {
            Ok(Some(count)) => self.guard.judge(&count, window, fleet),
            Ok(None) => Coverage::FULL,
            Err(trouble) => {
                self.guard.miss();
                Coverage::unknown(format!("coverage cannot be counted: {trouble}"))
            }
        }
    }

    /// How much of the hour between two deep looks has gone by at the start, by name.
    fn rest(&self) -> SignedDuration {
        let sum =
            self.series.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        SignedDuration::from_secs(i64::from(sum) % Self::DEEP_EVERY.as_secs())
    }

    async fn since(&mut self, now: Timestamp) -> Result<Timestamp, Trouble> {
        let back = |duration| now.saturating_sub(duration).unwrap_or(Timestamp::MIN);
        let Some(asked) = self.history.asked(&self.series).await? else { return Ok(back(Self::AT_FIRST)) };
        // After a start each series has its first deep look at another moment of the hour.
        let rest = self.rest();
        let last = *self.deep.get_or_insert_with(|| now.saturating_sub(rest).unwrap_or(now));
        let deep = now.duration_since(last) >= Self::DEEP_EVERY;
        if deep {
            self.deep = Some(now);
        }
        let overlap = if deep { Self::OVERLAP_DEEP } else { Self::OVERLAP };
        let lag = self.source.lag();
        let from = asked.until.min(now).saturating_sub(overlap).and_then(|from| from.saturating_sub(lag));
        Ok(from.unwrap_or(Timestamp::MIN).max(asked.from).max(back(self.window)))
    }

    /// Feels the pulse of what is new; nothing can be said about it while the source repeats its last word.
    fn moving(&mut self, samples: &Samples, now: Timestamp) -> Option<Coverage> {
        let (since, lag) = (self.believed_since(now), self.source.lag());
        for Sample { time, value } in &samples.0 {
            let at = time.saturating_add(lag).unwrap_or(*time);
            if at > since && at <= now && !self.readings.contains_key(&at) {
                self.guard.pulse.note(at, *value);
            }
        }
        let (times, usual) = self.guard.pulse.frozen()?;
        Some(Coverage { share: 0.0, doubt: Some(Doubt::Frozen { times, usual }) })
    }

    /// After which time what is measured is new.
    fn believed_since(&self, now: Timestamp) -> Timestamp {
        self.last.map_or_else(|| now.saturating_sub(self.step).unwrap_or(now), |last| last.at)
    }

    /// A lost target falsifies what is measured, until a full window of samples is there again. Thin series alone
    /// do not: each new server's are.
    fn is_dark(&self, coverage: &Coverage) -> bool {
        let was = self.last.is_some_and(|last| last.dark);
        match &coverage.doubt {
            None => false,
            Some(Doubt::Fewer { .. } | Doubt::Nothing | Doubt::Old { .. }) => true,
            Some(Doubt::Thin { .. } | Doubt::Frozen { .. } | Doubt::Unknown(_)) => was,
        }
    }

    /// The time by which a measurement made at `at` is named.
    fn named(&self, at: Timestamp) -> Timestamp {
        at.saturating_sub(self.source.lag()).unwrap_or(at)
    }

    /// Adds what was measured since the last look to the evidence, believed as far as both looks were.
    fn read(&mut self, samples: &Samples, now: Timestamp, share: f64) {
        let lag = self.source.lag();
        let since = self.believed_since(now);
        let coverage = share.min(self.last.map_or(1.0, |last| last.share));
        for Sample { time, value } in &samples.0 {
            let at = time.saturating_add(lag).unwrap_or(*time);
            let Some(demand) = Demand::new(*value) else { continue };
            match self.readings.get_mut(&at) {
                Some(known) => known.demand = demand,
                None if at > since && at <= now => {
                    self.readings.insert(at, Reading { at, demand, coverage });
                }
                None => {}
            }
        }
        let oldest = now.saturating_sub(Self::READINGS).unwrap_or(Timestamp::MIN);
        self.readings = self.readings.split_off(&oldest);
    }

    /// What fills the history back, beside the looks.
    pub fn back_fill(&self) -> BackFill {
        let (source, history) = (self.source.clone(), self.history.clone());
        let chunk = Self::CHUNK * i32::try_from(self.step.as_secs() / 60).unwrap_or(1).clamp(1, 60);
        BackFill { source, history, series: self.series.clone(), window: self.window, chunk }
    }
}

/// Fills one series' history back to the beginning of its window.
#[derive(Debug, Clone)]
pub struct BackFill {
    source: Arc<dyn Source>,
    history: Arc<History>,
    series: String,
    window: SignedDuration,
    chunk: SignedDuration,
}

impl BackFill {
    /// The newest chunk first, saying after each how far it is. What is there is not asked for again, so that it can
    /// be interrupted at any time.
    ///
    /// # Errors
    /// [`Trouble`] at the first chunk that cannot be had; the chunks before it are kept.
    pub async fn run(
        &self,
        now: Timestamp,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Vec<Remark>, Trouble> {
        let goal = now.saturating_sub(self.window).unwrap_or(Timestamp::MIN);
        let (mut all, mut samples) = (Taken::default(), 0);
        loop {
            let from = self.history.asked(&self.series).await?.map_or(now, |asked| asked.from);
            let missing = from.duration_since(goal).as_secs_f64().max(0.0);
            let share = 1.0 - (missing / self.window.as_secs_f64().max(1.0)).min(1.0);
            progress(Progress { from, share, samples });
            if from <= goal {
                return Ok(all.remarks);
            }
            let since = from.saturating_sub(self.chunk).unwrap_or(goal).max(goal);
            let taken = self.source.samples(since, from).await?;
            samples += taken.samples.0.len();
            let asked = Asked { from: since, until: from };
            self.history.put(&self.series, taken.samples.clone(), asked, now).await?;
            all = all.and(Taken { samples: Samples::default(), ..taken });
        }
    }
}

#[cfg(test)]
mod tests;
