use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// When the wall clock of `zone` shows `time`: where it skips that time, the instant at which it goes on; where it shows it
/// twice, the first.
///
/// ```
/// use tidecast_pilot::calendar::instant;
/// let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
/// let at = |time: &str| instant(time.parse().unwrap(), &berlin).to_string();
/// assert_eq!(at("2026-03-29T01:59"), "2026-03-29T00:59:00Z");
/// assert_eq!(at("2026-03-29T02:30"), "2026-03-29T01:00:00Z"); // the clock goes from 02:00 to 03:00
/// assert_eq!(at("2026-10-25T02:30"), "2026-10-25T00:30:00Z"); // and from 03:00 back to 02:00
/// ```
pub fn instant(time: DateTime, zone: &TimeZone) -> Timestamp {
    let ambiguous = zone.to_ambiguous_timestamp(time);
    let edge = if time.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => ambiguous.earlier().unwrap_or(edge),
        AmbiguousOffset::Fold { before, after } => {
            // Where a zone's table ends and its rule begins, an overlap may be reported that never was (Nuuk, October
            // 2023): only an instant at which the clock really shows this time counts.
            let shows = |at: &Timestamp| zone.to_datetime(*at) == time;
            let both = [before, after].map(|offset| offset.to_timestamp(time).ok());
            both.into_iter()
                .flatten()
                .filter(shows)
                .min()
                .or_else(|| ambiguous.earlier().ok())
                .unwrap_or(edge)
        }
        AmbiguousOffset::Gap { before, .. } => {
            let Ok(after_it) = before.to_timestamp(time) else { return edge };
            let just_after = after_it.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(after_it);
            zone.preceding(just_after).next().map_or(after_it, |transition| transition.timestamp())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn believes_no_overlap_that_never_was() {
        let nuuk = TimeZone::get("America/Nuuk").unwrap();
        let before_midnight = jiff::civil::date(2023, 10, 28).at(23, 59, 0, 0);
        assert_eq!(instant(before_midnight, &nuuk).to_string(), "2023-10-29T01:59:00Z");
    }

    /// Every change of offset of every zone from 2020 to 2035: (zone, instant, offset before, offset after).
    fn changes() -> Vec<(TimeZone, Timestamp, i32, i32)> {
        let (from, until): (Timestamp, Timestamp) =
            ("2020-01-01T00:00:00Z".parse().unwrap(), "2036-01-01T00:00:00Z".parse().unwrap());
        let mut changes = Vec::new();
        for name in jiff::tz::db().available() {
            let zone = jiff::tz::db().get(name.as_str()).unwrap();
            let mut before = zone.to_offset(from).seconds();
            let times: Vec<_> = zone.following(from).take_while(|t| t.timestamp() < until).collect();
            for change in times {
                let after = change.offset().seconds();
                changes.push((zone.clone(), change.timestamp(), before, after));
                before = after;
            }
        }
        changes
    }

    #[test] // A14
    fn goes_on_after_every_gap_and_takes_the_first_of_every_overlap_in_all_zones() {
        let changes = changes();
        let (mut gaps, mut overlaps) = (0, 0);
        for (zone, at, before, after) in &changes {
            let seconds = |s: i32| SignedDuration::from_secs(s.into());
            let clock = |shift: SignedDuration| {
                jiff::tz::Offset::UTC.to_datetime(*at + seconds(*before)).checked_add(shift).unwrap()
            };
            let width = after - before;
            if width > 0 {
                gaps += 1;
                for skipped in [0, width / 2, width - 1] {
                    assert_eq!(instant(clock(seconds(skipped)), zone), *at, "{zone:?}");
                }
                assert_eq!(instant(clock(seconds(width)), zone), *at);
                assert_eq!(instant(clock(seconds(-1)), zone), *at - seconds(1));
            } else if width < 0 {
                overlaps += 1;
                for shown_twice in [width, width / 2, -1] {
                    assert_eq!(
                        instant(clock(seconds(shown_twice)), zone),
                        *at + seconds(shown_twice),
                        "{zone:?}"
                    );
                }
                assert_eq!(instant(clock(seconds(0)), zone), *at + seconds(-width), "{zone:?}");
            }
        }
        assert!(
            changes.len() > 5_000 && gaps > 2_500 && overlaps > 2_500,
            "{} {gaps} {overlaps}",
            changes.len()
        );
    }
}
