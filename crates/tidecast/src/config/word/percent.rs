use std::fmt;

use super::{Word, words};
use crate::config::codes::Code;
use crate::config::fault::Complaint;

/// A share, written as a percentage (`99%`) or as a fraction (`0.99`). Invariant: from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(f64);

words! {
    Percent: {
        "type": ["string", "number"],
        "pattern": "^[0-9]+(\\.[0-9]+)?%?$",
        "minimum": 0,
        "maximum": 1,
        "examples": ["99%", 0.99]
    };
    Step: {
        "type": ["string", "integer"],
        "pattern": "^[0-9]+(\\.[0-9]+)?%?$",
        "minimum": 1,
        "examples": ["10%", 4]
    };
}

impl Percent {
    /// A share between 0 and 1.
    pub const fn of(share: f64) -> Self {
        assert!(share >= 0.0 && share <= 1.0, "a share lies between 0 and 1");
        Self(share)
    }

    /// The share, between 0 and 1.
    pub fn share(self) -> f64 {
        self.0
    }
}

impl Word for Percent {
    const EXPECTED: &'static str = "a percentage such as `99%`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let (digits, scale) = text.strip_suffix('%').map_or((text, 1.0), |digits| (digits.trim_end(), 100.0));
        match digits.parse::<f64>() {
            Ok(number) if number >= 0.0 && number <= scale => Ok(Self(shown(number / scale))),
            Ok(number) if scale == 1.0 && (1.0..=100.0).contains(&number) => {
                let message = format!("`{text}` is neither a percentage nor a fraction between 0 and 1");
                let help = format!("write \"{text}%\" or {}", shown(number / 100.0));
                Err(Complaint::new(Code::BAD_PERCENT, message, help).instead(format!("{text}%")))
            }
            Ok(_) => {
                let message = format!("`{text}` is not between 0% and 100%");
                Err(Complaint::new(Code::BAD_PERCENT, message, "write a percentage between 0% and 100%"))
            }
            Err(_) => Err(no_percentage(text)),
        }
    }
}

fn no_percentage(text: &str) -> Complaint {
    let message = format!("`{text}` is not a percentage");
    let complaint = |help: String| Complaint::new(Code::BAD_PERCENT, message.clone(), help);
    let number = text.split_whitespace().next().unwrap_or_default();
    match number.parse::<f64>() {
        Ok(share) if (0.0..=100.0).contains(&share) && text.contains('p') => {
            complaint(format!("write \"{number}%\"")).instead(format!("{number}%"))
        }
        _ => complaint("write digits and a percent sign, such as `10%`".into()),
    }
}

/// A number without the noise of binary fractions.
fn shown(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", shown(100.0 * self.0))
    }
}

/// How far a size may move at once: so many replicas (`4`) or a share of the present size (`10%`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// So many replicas; at least one.
    Replicas(u32),
    /// A share of the present size, above zero; always at least one replica.
    Share(Percent),
}

impl Word for Step {
    const EXPECTED: &'static str = "a number of replicas such as `4`, or a percentage such as `10%`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let nothing = || {
            let message = format!("`{text}` would never let the size move");
            Complaint::new(Code::OUT_OF_RANGE, message, "write at least 1, or take the key away for no limit")
                .instead("1")
        };
        match text.parse::<u32>() {
            Ok(0) => Err(nothing()),
            Ok(replicas) => Ok(Self::Replicas(replicas)),
            Err(_) if !text.ends_with('%') => {
                let message = format!("`{text}` is neither a number of replicas nor a percentage");
                Err(Complaint::new(
                    Code::BAD_PERCENT,
                    message,
                    "write replicas such as `4`, or a share such as `10%`",
                ))
            }
            Err(_) => Percent::parse(text)
                .and_then(|p| if p.share() > 0.0 { Ok(Self::Share(p)) } else { Err(nothing()) }),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replicas(replicas) => replicas.fmt(f),
            Self::Share(share) => share.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn knows_percentages_and_fractions() {
        check::<Percent>("99%", Ok("99%"));
        check::<Percent>("0.999", Ok("99.9%"));
        check::<Percent>("10 %", Ok("10%"));
        check::<Percent>("99", Err((Code::BAD_PERCENT, Some("99%"))));
        check::<Percent>("101%", Err((Code::BAD_PERCENT, None)));
        check::<Percent>("-1%", Err((Code::BAD_PERCENT, None)));
        check::<Percent>("nan", Err((Code::BAD_PERCENT, None)));
        check::<Percent>("10 percent", Err((Code::BAD_PERCENT, Some("10%"))));
        check::<Percent>("many", Err((Code::BAD_PERCENT, None)));
    }

    #[test]
    fn steps_by_replicas_or_by_a_share() {
        check::<Step>("4", Ok("4"));
        check::<Step>("10%", Ok("10%"));
        check::<Step>("0", Err((Code::OUT_OF_RANGE, Some("1"))));
        check::<Step>("0%", Err((Code::OUT_OF_RANGE, Some("1"))));
        check::<Step>("0.1", Err((Code::BAD_PERCENT, None)));
    }
}
