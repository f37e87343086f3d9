use std::collections::VecDeque;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::pulse::Pulse;

/// What stood behind a measurement: how many series, how many samples, how new.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// When it was counted.
    pub at: Timestamp,
    /// One for each selector of the query; none if the source has nothing to count but its newest time.
    pub parts: Vec<Part>,
    /// The newest sample's time; of several selectors, the one that lags most.
    pub newest: Option<Timestamp>,
}

/// What stood behind one selector.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Scraped targets with at least one series.
    pub targets: u32,
    /// Series.
    pub series: u32,
    /// Samples of all series within the query's window.
    pub samples: f64,
}

/// How much of what was expected is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// 0 to 1.
    pub share: f64,
    /// Why it is not 1, if it is not.
    pub doubt: Option<Doubt>,
}

impl Coverage {
    /// Everything is there.
    pub const FULL: Self = Self { share: 1.0, doubt: None };

    /// Nothing can be said about how much is there.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self { share: 0.0, doubt: Some(Doubt::Unknown(why.into())) }
    }
}

/// Why a measurement may show less than there is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "is", content = "of")]
pub enum Doubt {
    /// Fewer targets or series than usual for a fleet of this size.
    Fewer {
        /// `targets` or `series`.
        what: String,
        /// How many are there.
        have: u32,
        /// How many were to be expected.
        usual: u32,
    },
    /// Fewer samples in each series than usual.
    Thin {
        /// Samples per series now.
        have: f64,
        /// And usually.
        usual: f64,
    },
    /// The newest sample is older than several intervals.
    Old {
        /// How old, in seconds.
        age_s: i64,
        /// How old it may be.
        allowed_s: i64,
    },
    /// The measurements are one and the same, for longer than they ever were before.
    Frozen {
        /// How often the newest value has come.
        times: u32,
        /// How often one value came at most within the day before.
        usual: u32,
    },
    /// There is no series at all.
    Nothing,
    /// The source itself says so, or could not be asked.
    Unknown(String),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fewer { what, have, usual } => {
                write!(f, "{have} of {usual} {what} reporting: this looks like lost scrapes, not lost load")
            }
            Self::Thin { have, usual } => {
                write!(f, "{have:.1} samples in each series where {usual:.1} are usual")
            }
            Self::Old { age_s, allowed_s } => {
                write!(f, "the newest sample is {age_s} s old, more than {allowed_s} s")
            }
            Self::Frozen { times, usual } => write!(
                f,
                "{times} measurements in a row are the same where {usual} are usual: the source repeats its last word"
            ),
            Self::Nothing => f.write_str("no series at all, which is unknown and not zero"),
            Self::Unknown(why) => f.write_str(why),
        }
    }
}

/// Knows what is usual, and so tells falling load from lost scrapes (RELIABILITY F3, F4, F6).
///
/// A target that stops answering does not look missing: the sum just falls. Its series, however, are gone at once,
/// and after a source's own restart each series is thin until a window has passed. Usual is the median of what was
/// complete before, in proportion to the fleet where its size is known; so a fleet that shrinks on purpose
/// is no loss. What is incomplete never becomes usual while it lasts, up to two days. A window that lacks one sample may
/// lack it by chance, or be about to fill: only where no window of the last one's length lacked more is it chance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guard {
    past: VecDeque<Seen>,
    /// Since when no count was missed and none lacked more than chance explains; of this process alone.
    #[serde(skip)]
    sound_since: Option<Timestamp>,
    /// How the measurements themselves move.
    #[serde(default)]
    pub pulse: Pulse,
}

/// A complete count of the past, and the fleet that it was of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    at: Timestamp,
    fleet: Option<u32>,
    parts: Vec<Part>,
}

impl Guard {
    /// Less than this of what is usual is a loss.
    pub const SHARE_MIN: f64 = 0.9;

    /// How long what was usual stays so although nothing confirms it: as long as a stored plan may serve.
    pub const MEMORY: SignedDuration = SignedDuration::from_hours(48);

    /// The same where the fleet's size is unknown, so that a fleet others resize does not seem lost for days.
    pub const MEMORY_WITHOUT_FLEET: SignedDuration = SignedDuration::from_hours(1);

    /// For so long after it has grown, a fleet's new servers may be missing among the targets.
    pub const APART_AFTER: SignedDuration = SignedDuration::from_mins(30);

    /// A fleet that was so many times as large as at another time, with as many targets, has others than its servers.
    pub const APART_FACTOR: u32 = 2;

    /// The newest sample may be this old, or three intervals.
    pub const AGE_MAX: SignedDuration = SignedDuration::from_secs(90);

    /// By where a window begins and ends it holds a sample more or less; so it does as well when it is about to fill.
    pub const SAMPLES_BY_CHANCE: f64 = 1.0;

    const SPACING_RECENT: SignedDuration = SignedDuration::from_mins(5);
    const SPACING: SignedDuration = SignedDuration::from_mins(30);

    /// Judges a count by what was usual, and remembers it if it is complete. `window` is the span in which
    /// the samples were counted, `fleet` the number of servers, if it is known.
    pub fn judge(&mut self, count: &Count, window: SignedDuration, fleet: Option<u32>) -> Coverage {
        self.past.retain(|seen| {
            let age = count.at.duration_since(seen.at);
            age > SignedDuration::ZERO && age <= Self::MEMORY
        });
        let since = self.sound_since.unwrap_or(count.at);
        let sound = count.at.duration_since(since) >= window;
        let coverage = self.coverage(count, window, fleet, sound);
        let by_chance_full = || self.coverage(count, window, fleet, true).doubt.is_none();
        self.sound_since = (coverage.doubt.is_none() || by_chance_full()).then_some(since);
        if coverage.doubt.is_none() {
            self.remember(count, fleet);
        }
        coverage
    }

    /// Notes that nothing could be counted: what comes next may be a window that is about to fill.
    pub fn miss(&mut self) {
        self.sound_since = None;
    }

    /// Lets an operator say that what is there now is all there is.
    pub fn accept(&mut self, count: &Count, fleet: Option<u32>) {
        self.past.clear();
        self.remember(count, fleet);
    }

    /// `sound` if a window that lacks one sample lacks it by chance.
    fn coverage(&self, count: &Count, window: SignedDuration, fleet: Option<u32>, sound: bool) -> Coverage {
        let loss = |share: f64, doubt| Coverage { share: share.clamp(0.0, 1.0), doubt: Some(doubt) };
        let silent = count.parts.iter().any(|part| part.series == 0) && self.usually_has_series(count);
        if silent || (count.parts.is_empty() && count.newest.is_none()) {
            return loss(0.0, Doubt::Nothing);
        }
        if let Some((age_s, allowed_s)) = too_old(count, window) {
            return loss(0.0, Doubt::Old { age_s, allowed_s });
        }
        let worst = (0..count.parts.len()).filter_map(|i| self.shortfall(count, i, fleet, sound));
        let worst = worst.min_by(|(a, _), (b, _)| a.total_cmp(b));
        worst.map_or(Coverage::FULL, |(share, doubt)| loss(share, doubt))
    }

    /// A part without series is a loss if it had some, or if all parts are without.
    fn usually_has_series(&self, count: &Count) -> bool {
        let all = count.parts.iter().all(|part| part.series == 0);
        let had =
            |i: usize| self.past.iter().any(|seen| seen.parts.get(i).is_some_and(|part| part.series > 0));
        all || (0..count.parts.len()).any(|i| count.parts[i].series == 0 && had(i))
    }

    /// By how much one part falls short, if it does.
    fn shortfall(
        &self,
        count: &Count,
        index: usize,
        fleet: Option<u32>,
        sound: bool,
    ) -> Option<(f64, Doubt)> {
        let part = count.parts[index];
        let by_targets = part.targets > 1 || self.parts(index).any(|(_, usual)| usual.targets > 1);
        let many = |part: Part| if by_targets { part.targets } else { part.series };
        let what = if by_targets { "targets" } else { "series" };
        let usual = self.median(index, count.at, fleet, |usual| f64::from(many(usual)))?;
        let usual_samples = self.samples_per_series(index)?;
        let share = f64::from(many(part)) / usual.max(1.0);
        let have = per_series(part).unwrap_or(0.0);
        let thickness = have / usual_samples.max(1e-9);
        if share < Self::SHARE_MIN && !self.stands_apart(index, count.at, f64::from(many(part)), &many) {
            let doubt = Doubt::Fewer { what: what.into(), have: many(part), usual: usual.round() as u32 };
            return Some((share.min(thickness), doubt));
        }
        let by_chance = sound && have + Self::SAMPLES_BY_CHANCE >= usual_samples;
        let thin = thickness < Self::SHARE_MIN && !by_chance;
        thin.then_some((thickness, Doubt::Thin { have, usual: usual_samples }))
    }

    /// Whether as many as ever are there although the fleet has grown some time ago: then they do not belong to the fleet's
    /// servers, as those of a load balancer do not.
    fn stands_apart(&self, index: usize, now: Timestamp, have: f64, many: &impl Fn(Part) -> u32) -> bool {
        let Some((seen, part)) = self.parts(index).last() else { return false };
        have >= f64::from(many(part)) && now.duration_since(seen.at) >= Self::APART_AFTER
    }

    fn parts(&self, index: usize) -> impl Iterator<Item = (&Seen, Part)> {
        self.past.iter().filter_map(move |seen| seen.parts.get(index).map(|part| (seen, *part)))
    }

    /// Whether there were always as many although the fleet had grown to a multiple: then no growth need bring more of them.
    /// A fleet that has shrunk proves nothing, for those that go are still there for a while.
    fn is_apart(&self, index: usize, of: &impl Fn(Part) -> f64) -> bool {
        let mut least = u32::MAX;
        let (mut grown, mut usual) = (false, None);
        for (fleet, many) in self.parts(index).filter_map(|(seen, part)| Some((seen.fleet?, of(part)))) {
            if *usual.get_or_insert(many) != many {
                return false;
            }
            grown |= fleet >= least.saturating_mul(Self::APART_FACTOR);
            least = least.min(fleet.max(1));
        }
        grown
    }

    /// What was usual, in proportion to the fleet, unless it stands apart.
    fn median(
        &self,
        index: usize,
        now: Timestamp,
        fleet: Option<u32>,
        of: impl Fn(Part) -> f64,
    ) -> Option<f64> {
        let apart = self.is_apart(index, &of);
        let scaled = self.parts(index).filter_map(|(seen, part)| match (fleet, seen.fleet) {
            (Some(_), Some(_)) if apart => Some(of(part)),
            (Some(fleet), Some(then)) if then > 0 => Some(of(part) * f64::from(fleet) / f64::from(then)),
            _ => (now.duration_since(seen.at) <= Self::MEMORY_WITHOUT_FLEET).then(|| of(part)),
        });
        middle(scaled.collect())
    }

    fn samples_per_series(&self, index: usize) -> Option<f64> {
        middle(self.parts(index).filter_map(|(_, part)| per_series(part)).collect())
    }

    /// Keeps one count in five minutes of the last hour, and one in thirty before.
    fn remember(&mut self, count: &Count, fleet: Option<u32>) {
        if count.parts.is_empty() {
            return;
        }
        let recent = |seen: &Seen| count.at.duration_since(seen.at) < Self::SPACING_RECENT;
        if self.past.back().is_some_and(recent) {
            return;
        }
        let mut kept: Option<Timestamp> = None;
        self.past.retain(|seen| {
            let old = count.at.duration_since(seen.at) > Self::MEMORY_WITHOUT_FLEET;
            let close = kept.is_some_and(|kept| seen.at.duration_since(kept) < Self::SPACING);
            if !(old && close) {
                kept = Some(seen.at);
            }
            !(old && close)
        });
        self.past.push_back(Seen { at: count.at, fleet, parts: count.parts.clone() });
    }
}

fn per_series(part: Part) -> Option<f64> {
    (part.series > 0).then(|| part.samples / f64::from(part.series))
}

/// The age of the newest sample and the age allowed, if it is older.
fn too_old(count: &Count, window: SignedDuration) -> Option<(i64, i64)> {
    let age_s = count.at.duration_since(count.newest?).as_secs();
    let thinnest = count.parts.iter().filter_map(|part| per_series(*part)).reduce(f64::min);
    let interval_s = thinnest.map_or(0.0, |samples| window.as_secs() as f64 / samples.max(1.0));
    let allowed_s = Guard::AGE_MAX.as_secs().max((3.0 * interval_s) as i64);
    (age_s > allowed_s).then_some((age_s, allowed_s))
}

fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: SignedDuration = SignedDuration::from_mins(1);

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_770_000_000 + 60 * minute).unwrap()
    }

    fn count(minute: i64, targets: u32, samples: f64) -> Count {
        let part = Part { targets, series: 3 * targets, samples: 3.0 * f64::from(targets) * samples };
        Count { at: at(minute), parts: vec![part], newest: (targets > 0).then(|| at(minute)) }
    }

    /// A guard that has seen a day of a fleet of four, scraped four times a minute.
    fn guard(fleet: Option<u32>) -> Guard {
        let mut guard = Guard::default();
        for minute in -1_440..0 {
            assert_eq!(guard.judge(&count(minute, 4, 4.0), WINDOW, fleet), Coverage::FULL);
        }
        guard
    }

    #[track_caller]
    fn check(coverage: &Coverage, share: f64, doubt: &str) {
        let said = coverage.doubt.as_ref().map_or("full".into(), ToString::to_string);
        assert_eq!((coverage.share, said.as_str()), (share, doubt));
    }

    #[test] // F3
    fn does_not_take_a_window_that_held_a_sample_more_for_the_usual_one() {
        let mut guard = Guard::default();
        guard.judge(&count(0, 4, 6.0), WINDOW, None);
        for minute in 1..600 {
            check(&guard.judge(&count(minute, 4, 5.0), WINDOW, None), 1.0, "full");
        }
        check(
            &guard.judge(&count(600, 4, 3.0), WINDOW, None),
            0.6,
            "3.0 samples in each series where 5.0 are usual",
        );
    }

    #[test] // F4
    fn does_not_take_a_window_that_is_about_to_fill_for_one_that_lacks_a_sample_by_chance() {
        let mut guard = guard(Some(4));
        let doubted = |guard: &mut Guard, minute| {
            let judged = guard.judge(&count(minute, 4, 3.0), WINDOW, Some(4));
            judged.doubt.map(|doubt| doubt.to_string())
        };
        let thin = Some("3.0 samples in each series where 4.0 are usual".to_owned());
        assert_eq!(doubted(&mut guard, 0), None, "by chance");
        guard.judge(&count(1, 4, 2.0), WINDOW, Some(4));
        assert_eq!(doubted(&mut guard, 2), thin, "after a window that lacked two");
        assert_eq!(doubted(&mut guard, 3), None, "a window later");
        guard.miss();
        assert_eq!(doubted(&mut guard, 4), thin, "after nothing could be counted");
        let text = serde_json::to_string(&guard).unwrap();
        let mut guard: Guard = serde_json::from_str(&text).unwrap();
        assert_eq!(doubted(&mut guard, 60), thin, "after a start");
        assert_eq!(doubted(&mut guard, 61), None, "and a window later");
    }

    #[test] // F3, A17, B3
    fn sees_lost_targets_at_once_and_for_as_long_as_they_are_lost() {
        let mut guard = guard(Some(4));
        for minute in [0, 1, 60, 1_200, 2_000] {
            check(
                &guard.judge(&count(minute, 2, 4.0), WINDOW, Some(4)),
                0.5,
                "2 of 4 targets reporting: this looks like lost scrapes, not lost load",
            );
        }
        check(&guard.judge(&count(2_001, 4, 4.0), WINDOW, Some(4)), 1.0, "full");
    }

    #[test] // F3
    fn takes_a_fleet_that_shrinks_or_grows_for_what_it_is() {
        let mut guard = guard(Some(4));
        check(&guard.judge(&count(0, 2, 4.0), WINDOW, Some(2)), 1.0, "full");
        check(&guard.judge(&count(1, 8, 4.0), WINDOW, Some(8)), 1.0, "full");
        check(
            &guard.judge(&count(2, 4, 4.0), WINDOW, Some(8)),
            0.5,
            "4 of 8 targets reporting: this looks like lost scrapes, not lost load",
        );
    }

    #[test] // F3
    fn believes_in_time_that_a_load_balancer_does_not_grow_with_the_fleet() {
        let mut guard = guard(Some(4));
        guard.judge(&count(0, 4, 4.0), WINDOW, Some(4));
        assert_eq!(guard.judge(&count(1, 4, 4.0), WINDOW, Some(40)).share, 0.1);
        assert_eq!(guard.judge(&count(28, 4, 4.0), WINDOW, Some(40)).share, 0.1);
        check(&guard.judge(&count(31, 4, 4.0), WINDOW, Some(40)), 1.0, "full");
        let lost = guard.judge(&count(90, 2, 4.0), WINDOW, Some(40));
        assert!(lost.share <= 0.5, "half of them gone is a loss: {lost:?}");
        // Once that was seen it is known, and no growth is doubted any more; nor is a loss overlooked.
        check(&guard.judge(&count(100, 4, 4.0), WINDOW, Some(4)), 1.0, "full");
        check(&guard.judge(&count(101, 4, 4.0), WINDOW, Some(80)), 1.0, "full");
        assert_eq!(guard.judge(&count(102, 2, 4.0), WINDOW, Some(4)).share, 0.5);
        // Servers that are targets after all: with them more are usual, for a fleet of that size.
        check(&guard.judge(&count(110, 80, 4.0), WINDOW, Some(80)), 1.0, "full");
        assert!(guard.judge(&count(116, 40, 4.0), WINDOW, Some(80)).share <= 0.5);
    }

    #[test] // F3
    fn takes_servers_that_are_still_scraped_for_no_proof_that_they_stand_apart() {
        let mut guard = guard(Some(4));
        // Of four two were sent away, and all four are still there.
        check(&guard.judge(&count(6, 4, 4.0), WINDOW, Some(2)), 1.0, "full");
        check(&guard.judge(&count(7, 2, 4.0), WINDOW, Some(2)), 1.0, "full");
    }

    #[test] // F4
    fn waits_until_the_window_is_full_again() {
        let mut guard = guard(Some(4));
        check(
            &guard.judge(&count(0, 4, 1.0), WINDOW, Some(4)),
            0.25,
            "1.0 samples in each series where 4.0 are usual",
        );
        check(&guard.judge(&count(1, 4, 3.9), WINDOW, Some(4)), 1.0, "full");
    }

    #[test] // F1, F6
    fn takes_nothing_and_old_news_for_unknown() {
        let mut guard = guard(Some(4));
        check(
            &guard.judge(&count(0, 0, 0.0), WINDOW, Some(4)),
            0.0,
            "no series at all, which is unknown and not zero",
        );
        let stale = Count { newest: Some(at(-2)), ..count(0, 4, 4.0) };
        check(&guard.judge(&stale, WINDOW, Some(4)), 0.0, "the newest sample is 120 s old, more than 90 s");
    }

    #[test]
    fn forgets_the_usual_within_an_hour_where_the_fleet_is_unknown() {
        let mut guard = guard(None);
        assert_eq!(guard.judge(&count(10, 2, 4.0), WINDOW, None).share, 0.5);
        assert_eq!(guard.judge(&count(50, 2, 4.0), WINDOW, None).share, 0.5);
        check(&guard.judge(&count(62, 2, 4.0), WINDOW, None), 1.0, "full");
    }

    #[test]
    fn believes_an_operator_that_this_is_all_there_is() {
        let mut guard = guard(Some(4));
        guard.accept(&count(0, 2, 4.0), Some(4));
        check(&guard.judge(&count(1, 2, 4.0), WINDOW, Some(4)), 1.0, "full");
    }

    #[test]
    fn counts_series_where_targets_cannot_be_told_apart() {
        let mut guard = Guard::default();
        let count = |minute, series| {
            let part = Part { targets: 1, series, samples: f64::from(series) };
            Count { at: at(minute), parts: vec![part], newest: Some(at(minute)) }
        };
        guard.judge(&count(0, 10), WINDOW, None);
        let doubt = guard.judge(&count(10, 6), WINDOW, None).doubt.unwrap().to_string();
        assert_eq!(doubt, "6 of 10 series reporting: this looks like lost scrapes, not lost load");
    }

    #[test]
    fn minds_the_worst_of_several_selectors() {
        let mut guard = Guard::default();
        let both = |minute, a: u32, b: u32| {
            let parts = [count(minute, a, 4.0).parts[0], count(minute, b, 4.0).parts[0]].into();
            Count { at: at(minute), parts, newest: Some(at(minute)) }
        };
        assert_eq!(guard.judge(&both(0, 100, 2), WINDOW, None), Coverage::FULL);
        assert_eq!(guard.judge(&both(10, 100, 1), WINDOW, None).share, 0.5);
        assert_eq!(guard.judge(&both(10, 100, 0), WINDOW, None).share, 0.0);
    }

    #[test]
    fn stays_small_and_survives_being_written_down() {
        let mut guard = guard(Some(4));
        guard.miss();
        assert!(guard.past.len() <= 64, "{}", guard.past.len());
        let text = serde_json::to_string(&guard).unwrap();
        assert_eq!(serde_json::from_str::<Guard>(&text).unwrap(), guard);
    }
}
