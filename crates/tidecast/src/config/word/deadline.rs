use std::fmt;

use super::{Duration, Word, words};
use crate::config::fault::Complaint;

/// How long something may take: `never` to end it for that, or a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deadline {
    /// As long as it takes.
    #[default]
    Never,
    /// No longer than this.
    After(Duration),
}

words! {
    Deadline: { "type": "string", "pattern": "^(never|([0-9]+(ms|s|m|h|d|w))+)$", "examples": ["never", "6h"] };
}

impl Word for Deadline {
    const EXPECTED: &'static str = "`never`, or a duration such as `6h`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.eq_ignore_ascii_case("never") {
            return Ok(Self::Never);
        }
        Duration::parse(text).map(Self::After).map_err(|complaint| Complaint {
            help: format!("{}, or `never` to wait for the last session", complaint.help),
            ..complaint
        })
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::After(duration) => duration.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;
    use crate::config::codes::Code;

    #[test]
    fn waits_for_ever_or_for_a_while() {
        check::<Deadline>("never", Ok("never"));
        check::<Deadline>("6h", Ok("6h"));
        check::<Deadline>("360", Err((Code::DURATION_WITHOUT_UNIT, Some("360s"))));
        check::<Deadline>("nevr", Err((Code::BAD_DURATION, None)));
    }
}
