//! From readings as they come to minutes as they are replayed.

use jiff::{SignedDuration, Timestamp};

use tidecast_forecast::Fan;

use super::{BIN, Tuning};
use crate::{Evidence, Issued, Reading};

/// Seconds in a minute.
const MINUTE_S: i64 = 60;
/// Readings further apart than this many intervals have lost one between them: three halves.
const UNEVEN: (i32, i32) = (3, 2);

impl Tuning {
    /// Takes in every minute that has ended by the newest reading, complete or not.
    ///
    /// Several readings of a minute are averaged. One that comes every few minutes stands for each minute of its interval.
    /// A minute without a complete reading, though a later one has come, is unknown; a reading that comes after its minute
    /// was taken in changes nothing any more. At the end of each bin the outlook is that of `issued`, however old, as far as
    /// it reaches.
    pub fn follow(&mut self, evidence: &Evidence, issued: Option<&Issued>) {
        self.follow_by(evidence, |begin, bins| {
            let bin = |k: usize| begin.saturating_add(SignedDuration::from_mins((k * BIN) as i64));
            let fan = |k: usize| issued?.forecast.fan_at(bin(k).ok()?).copied();
            (0..bins).map_while(fan).collect()
        });
    }

    /// The same with whatever outlook there was: the fans of so many bins from a time on, none if none was known.
    pub fn follow_by(&mut self, evidence: &Evidence, outlook: impl Fn(Timestamp, usize) -> Vec<Fan>) {
        let Some(newest) = evidence.readings.last().map(|reading| reading.at) else { return };
        let mut next = 0;
        loop {
            let end = self.at(self.minute + 1);
            if end > newest {
                return;
            }
            if (self.minute + 1).is_multiple_of(BIN) {
                let fans = outlook(end, self.bins());
                if !fans.is_empty() {
                    self.look_out(&fans);
                }
            }
            self.minute(value(evidence, &mut next, end));
        }
    }
}

/// The demand of the minute that ends at `end`, NaN if it is not known; `next` is the first reading that may concern it.
pub(super) fn value(evidence: &Evidence, next: &mut usize, end: Timestamp) -> f64 {
    let begin = end.saturating_sub(SignedDuration::from_secs(MINUTE_S)).unwrap_or(Timestamp::MIN);
    let readings = &evidence.readings;
    while readings.get(*next).is_some_and(|reading| reading.at <= begin) {
        *next += 1;
    }
    let own = readings[*next..].iter().take_while(|reading| reading.at <= end);
    let (sum, count, complete) = own.fold((0.0, 0u32, true), |(sum, count, complete), reading| {
        (sum + reading.demand.get(), count + 1, complete && reading.is_complete())
    });
    let later = || {
        let before = next.checked_sub(1).map(|before| readings[before].at);
        readings.get(*next).filter(|later| stands_for(later, before, end, evidence.interval))
    };
    match count {
        0 => later().map_or(f64::NAN, |later| later.demand.get()),
        _ if complete => sum / f64::from(count),
        _ => f64::NAN,
    }
}

/// Whether a later reading speaks for the minute that ends at `end`: one of several minutes that it sums up, or one in
/// which none came because they come a little unevenly.
fn stands_for(later: &Reading, before: Option<Timestamp>, end: Timestamp, interval: SignedDuration) -> bool {
    let of_interval = later.at.duration_since(end) < interval;
    let long = interval.as_secs() > MINUTE_S;
    let uneven =
        before.is_some_and(|before| later.at.duration_since(before) <= interval * UNEVEN.0 / UNEVEN.1);
    later.is_complete() && of_interval && (long || uneven)
}
