use std::fmt;

use super::{Word, words};
use crate::config::codes::Code;
use crate::config::fault::Complaint;

/// A length of time, always written with its unit: `500ms`, `90s`, `4m`, `1h30m`, `7d`, `2w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub std::time::Duration);

/// The units, the longest first, in milliseconds.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// The longest duration that is taken: ten years.
const MS_MAX: u64 = 3_652 * 86_400_000;

words! {
    Duration: {
        "type": "string",
        "pattern": "^([0-9]+(ms|s|m|h|d|w))+$",
        "examples": ["90s", "4m", "1h30m"]
    };
}

impl Duration {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// Whole seconds, rounded down.
    pub fn as_seconds(self) -> i64 {
        self.0.as_secs() as i64
    }
}

impl Word for Duration {
    const EXPECTED: &'static str = "a duration such as `90s` or `4m`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if let Ok(number) = text.parse::<f64>() {
            return Err(without_unit(text, number));
        }
        let mut rest = text;
        let mut ms: u64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let unit = rest[digits..]
                .find(|c: char| !c.is_ascii_alphabetic())
                .map_or(rest.len(), |end| digits + end);
            let factor = UNITS.iter().find(|(name, _)| *name == &rest[digits..unit]);
            let (Ok(count), Some((_, factor))) = (rest[..digits].parse::<u64>(), factor) else {
                return Err(garbled(text));
            };
            ms = count.checked_mul(*factor).and_then(|part| ms.checked_add(part)).unwrap_or(u64::MAX);
            rest = &rest[unit..];
        }
        match ms {
            _ if text.is_empty() => Err(garbled(text)),
            0..=MS_MAX => Ok(Self(std::time::Duration::from_millis(ms))),
            _ => Err(Complaint::new(
                Code::BAD_DURATION,
                format!("`{text}` is longer than ten years"),
                "write less",
            )),
        }
    }
}

fn without_unit(text: &str, number: f64) -> Complaint {
    let message = "duration needs a unit";
    if number < 0.0 || number.fract() != 0.0 || !number.is_finite() {
        return Complaint::new(
            Code::BAD_DURATION,
            format!("`{text}` is not a duration"),
            "write one such as `90s` or `1h30m`",
        );
    }
    let minutes = format!("{}m", number / 60.0);
    let either =
        if number >= 60.0 && number % 60.0 == 0.0 { format!(" or \"{minutes}\"") } else { String::new() };
    Complaint::new(Code::DURATION_WITHOUT_UNIT, message, format!("write \"{text}s\"{either}"))
        .instead(format!("{text}s"))
}

fn garbled(text: &str) -> Complaint {
    let message = format!("`{text}` is not a duration");
    let help = "write whole numbers with the units ms, s, m, h, d or w, such as `90s` or `1h30m`";
    let complaint = Complaint::new(Code::BAD_DURATION, message, help);
    match guess(text) {
        Some(instead) => {
            let help = format!("write \"{instead}\"; the units are ms, s, m, h, d and w");
            Complaint { help, ..complaint }.instead(instead)
        }
        None => complaint,
    }
}

/// What was probably meant: `5 minutes`, `1 h`, `PT5M`, `15x`.
fn guess(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let lower = lower.trim_start_matches("pt");
    let digits: String = lower.trim_start().chars().take_while(char::is_ascii_digit).collect();
    let unit = lower.trim_start()[digits.len()..].trim_start();
    let known = [
        ("milli", "ms"),
        ("ms", "ms"),
        ("mo", ""),
        ("m", "m"),
        ("h", "h"),
        ("d", "d"),
        ("w", "w"),
        ("s", "s"),
    ];
    let unit = known.iter().find(|(start, _)| unit.starts_with(start)).map_or("s", |(_, unit)| *unit);
    let plausible = (1..=9).contains(&digits.len()) && !unit.is_empty() && !lower.contains('.');
    plausible.then(|| format!("{digits}{unit}"))
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis() as u64;
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, ms) in UNITS {
            // Weeks are read but not written: "10d" says more than "1w3d".
            if unit != "w" && rest >= ms {
                write!(f, "{}{unit}", rest / ms)?;
                rest %= ms;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn always_carries_a_unit() {
        check::<Duration>("90s", Ok("1m30s"));
        check::<Duration>("1h30m", Ok("1h30m"));
        check::<Duration>("2w", Ok("14d"));
        check::<Duration>("500ms", Ok("500ms"));
        check::<Duration>("0s", Ok("0s"));
        check::<Duration>("240", Err((Code::DURATION_WITHOUT_UNIT, Some("240s"))));
    }

    #[test]
    fn says_what_was_probably_meant() {
        check::<Duration>("15x", Err((Code::BAD_DURATION, Some("15s"))));
        check::<Duration>("5 minutes", Err((Code::BAD_DURATION, Some("5m"))));
        check::<Duration>("PT5M", Err((Code::BAD_DURATION, Some("5m"))));
        check::<Duration>("1.5h", Err((Code::BAD_DURATION, None)));
        check::<Duration>("-5s", Err((Code::BAD_DURATION, None)));
        check::<Duration>("-5", Err((Code::BAD_DURATION, None)));
        check::<Duration>("", Err((Code::BAD_DURATION, None)));
        check::<Duration>("99999999999999999999d", Err((Code::BAD_DURATION, None)));
        check::<Duration>("99999999999d", Err((Code::BAD_DURATION, None)));
        check::<Duration>("3ä", Err((Code::BAD_DURATION, Some("3s"))));
    }
}
