//! Options that carry a unit: durations, throughputs, times, shares.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// What one server serves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Throughput {
    /// So much in a minute.
    PerMinute(f64),
    /// So much of whatever the file's values count.
    LikeFile(f64),
}

/// What a value of a file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Per {
    /// Requests a second.
    Second,
    /// Requests a minute, or a number present, such as sessions.
    Minute,
    /// Requests an hour.
    Hour,
    /// Requests from one row to the next.
    Step,
}

impl Per {
    /// By what to multiply a value to have it per minute.
    pub(crate) fn to_minutes(self, step_s: i64) -> f64 {
        match self {
            Self::Second => 60.0,
            Self::Minute => 1.0,
            Self::Hour => 1.0 / 60.0,
            Self::Step => 60.0 / step_s as f64,
        }
    }
}

impl Throughput {
    /// In a minute, for a file whose values become per minute by this factor.
    pub(crate) fn per_minute(self, to_minutes: f64) -> f64 {
        match self {
            Self::PerMinute(rate) => rate,
            Self::LikeFile(rate) => rate * to_minutes,
        }
    }
}

/// `40/min`, `0.7/s`, `2400/h` or a bare number.
pub(crate) fn throughput(text: &str) -> Result<Throughput, String> {
    let wrong = || {
        format!("{text:?} is no throughput; write 40/min, 0.7/s, 2400/h, or a bare 50 in the file's own unit")
    };
    let (number, unit) =
        text.split_once('/').map_or((text, None), |(number, unit)| (number, Some(unit.trim())));
    let rate: f64 = number.trim().parse().map_err(|_| wrong())?;
    if !(rate.is_finite() && rate > 0.0) {
        return Err(format!("a server serves more than nothing, not {text}"));
    }
    match unit {
        None => Ok(Throughput::LikeFile(rate)),
        Some("s" | "sec" | "second") => Ok(Throughput::PerMinute(rate * 60.0)),
        Some("m" | "min" | "minute") => Ok(Throughput::PerMinute(rate)),
        Some("h" | "hour") => Ok(Throughput::PerMinute(rate / 60.0)),
        Some(_) => Err(wrong()),
    }
}

/// `5m`, `90s`, `1h30m`, `7d`: seconds. A bare number has no unit and is refused.
pub(crate) fn duration(text: &str) -> Result<i64, String> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(format!("a duration needs a unit: write {text}s or {text}m"));
    }
    let wrong = || format!("{text:?} is no duration; write 90s, 5m, 1h30m or 7d");
    let in_hours = days_as_hours(text).ok_or_else(wrong)?;
    let seconds = in_hours.parse::<SignedDuration>().map_err(|_| wrong())?.as_secs();
    if seconds < 0 {
        Err(format!("{text} lies in the past; write a duration such as 5m"))
    } else {
        Ok(seconds)
    }
}

/// Days have 24 hours here: `2d3h` becomes `48h3h`, which means the same.
fn days_as_hours(text: &str) -> Option<String> {
    let Some((days, rest)) = text.split_once('d') else { return Some(text.to_owned()) };
    let hours = 24.0 * days.trim().parse::<f64>().ok()?;
    let rest = rest.trim().trim_start_matches("ays").trim_start_matches("ay");
    let total = SignedDuration::try_from_secs_f64(3_600.0 * hours).ok()?.as_secs();
    let rest = if rest.is_empty() { 0 } else { rest.parse::<SignedDuration>().ok()?.as_secs() };
    Some(format!("{}s", total + rest))
}

/// A time with a zone, or a civil time in `zone`.
pub(crate) fn time(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let wrong = || format!("{text:?} is no time; write 2026-03-01, 2026-03-01T14:00 or 2026-03-01T14:00:00Z");
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let civil: DateTime = text.parse().map_err(|_| wrong())?;
    zone.to_timestamp(civil).map_err(|_| wrong())
}

/// A share between 0 and 1, or percent: `0.001`, `0.1%`.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number.trim(), 100.0));
    let share = number.parse::<f64>().ok().map(|value| value / scale);
    share
        .filter(|s| (0.0..=1.0).contains(s))
        .ok_or_else(|| format!("{text:?} is no share; write 0.001 or 0.1%"))
}

/// A share below 1 that is to be served, or percent: `0.999`, `99.9%`.
pub(crate) fn promised(text: &str) -> Result<f64, String> {
    share(text).ok().filter(|level| (0.5..1.0).contains(level)).ok_or_else(|| {
        format!("{text:?} is no service level: write a share from 0.5 to below 1, such as 0.999 or 99.9%")
    })
}

/// Minutes of one server, none or more: `30`.
pub(crate) fn server_minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse::<f64>().ok().filter(|minutes| minutes.is_finite() && *minutes >= 0.0);
    minutes.ok_or_else(|| format!("{text:?} is no number of server-minutes; write 0 or more, such as 30"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_server_minutes() {
        assert_eq!((server_minutes("0"), server_minutes("37.5")), (Ok(0.0), Ok(37.5)));
        for text in ["-1", "5m", "NaN", "inf", ""] {
            assert!(server_minutes(text).unwrap_err().contains("such as 30"), "{text}");
        }
    }

    #[test]
    fn reads_throughputs_with_their_units() {
        assert_eq!(throughput("40/min"), Ok(Throughput::PerMinute(40.0)));
        assert_eq!(throughput("0.5/s"), Ok(Throughput::PerMinute(30.0)));
        assert_eq!(throughput("2400/h"), Ok(Throughput::PerMinute(40.0)));
        assert_eq!(throughput("0.0040296"), Ok(Throughput::LikeFile(0.0040296)));
        for wrong in ["0/s", "-5", "40/fortnight", "many", "nan", ""] {
            assert!(throughput(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn reads_durations_only_with_a_unit() {
        for (text, seconds) in
            [("90s", 90), ("5m", 300), ("1h30m", 5_400), ("7d", 604_800), ("1d12h", 129_600)]
        {
            assert_eq!(duration(text), Ok(seconds), "{text}");
        }
        assert_eq!(duration("300"), Err("a duration needs a unit: write 300s or 300m".into()));
        for wrong in ["", "soon", "5x", "-5m"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn reads_shares_as_fraction_or_percent() {
        assert_eq!(share("0.99"), Ok(0.99));
        assert_eq!(share("0.1%"), Ok(0.001));
        assert!(share("99").is_err());
    }

    #[test]
    fn reads_civil_times_in_the_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(time("2026-07-01", &berlin).unwrap().to_string(), "2026-06-30T22:00:00Z");
        assert_eq!(time("2026-07-01T00:00:00Z", &berlin).unwrap().to_string(), "2026-07-01T00:00:00Z");
    }
}
