use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};

use crate::config::word::{Duration, Schedule, Word};

/// How long each time lasts that begins by one schedule and ends by another, in a zone; none if that differs from time to
/// time, or if one of them never comes.
pub(super) fn span(start: &str, end: &str, zone: &TimeZone) -> Option<Duration> {
    let (start, end) = (Schedule::parse(start).ok()?, Schedule::parse(end).ok()?);
    // Leap years, year's ends and months of all lengths lie within.
    let mut at = date(2023, 12, 31).at(0, 0, 0, 0).to_zoned(zone.clone()).ok()?;
    let mut span = None;
    for _ in 0..500 {
        at = start.cron().find_next_occurrence(&at, false).ok()?;
        let over = end.cron().find_next_occurrence(&at, false).ok()?;
        let one = on_the_clock(&at, &over);
        if *span.get_or_insert(one) != one {
            return None;
        }
    }
    u64::try_from(span?.as_secs()).ok().map(Duration::seconds)
}

/// As the clock on the wall shows it: an hour that daylight saving takes or gives does not count.
fn on_the_clock(start: &Zoned, end: &Zoned) -> SignedDuration {
    end.datetime().duration_since(start.datetime())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_how_long_it_lasts() {
        let zone = TimeZone::get("America/New_York").unwrap();
        for (start, end, expected) in [
            ("0 8 * * *", "0 18 * * *", Some("10h")),
            ("0 8 * * 1-5", "30 17 * * 1-5", Some("9h30m")),
            ("0 22 * * *", "0 6 * * *", Some("8h")),
            ("0 18 * * 5", "0 6 * * 1", Some("2d12h")),
            ("0 8 * * *", "0 18 * * 1-5", None),
            ("0 8 31 2 *", "0 18 * * *", None),
            ("every morning", "0 18 * * *", None),
        ] {
            assert_eq!(
                span(start, end, &zone).map(|span| span.to_string()).as_deref(),
                expected,
                "{start} to {end}"
            );
        }
    }
}
