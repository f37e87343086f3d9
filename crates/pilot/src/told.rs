//! Times and durations as people say them, for every sentence of this crate.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A duration in at most two units: `2d 3h`, `6m 20s`, `0s`.
pub(crate) fn span(duration: SignedDuration) -> String {
    let mut rest = duration.as_secs().max(0);
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let first = units.iter().position(|(unit, _)| rest >= *unit).unwrap_or(3);
    let mut said = Vec::new();
    for (unit, name) in units.iter().skip(first).take(2) {
        if rest / unit > 0 || said.is_empty() {
            said.push(format!("{}{name}", rest / unit));
        }
        rest %= unit;
    }
    said.join(" ")
}

/// A time on the wall clock of `zone`, with the offset that holds there and then: `2026-03-01 18:10 (+01:00)`.
pub(crate) fn clock(time: Timestamp, zone: &TimeZone) -> String {
    let there = time.to_zoned(zone.clone());
    let pattern = if there.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    let offset = if there.offset().is_zero() { "UTC".to_owned() } else { there.strftime("%:z").to_string() };
    format!("{} ({offset})", there.strftime(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_spans_and_clocks() {
        assert_eq!(span(SignedDuration::from_secs(380)), "6m 20s");
        assert_eq!(span(SignedDuration::from_secs(2 * 86_400 + 3 * 3_600 + 59)), "2d 3h");
        assert_eq!(span(SignedDuration::from_secs(-5)), "0s");
        let time: Timestamp = "2026-03-01T17:10:00Z".parse().unwrap();
        assert_eq!(clock(time, &TimeZone::UTC), "2026-03-01 17:10 (UTC)");
        assert_eq!(clock(time, &TimeZone::get("Asia/Kathmandu").unwrap()), "2026-03-01 22:55 (+05:45)");
    }
}
