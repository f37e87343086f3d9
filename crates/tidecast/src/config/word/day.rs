use std::fmt;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidecast_pilot::calendar::{Holidays, Recurrence};

use super::{Word, words};
use crate::config::codes::Code;
use crate::config::fault::Complaint;

/// A day: `2026-12-24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub Date);

/// A country or region whose public holidays are known: `DE`, `DE-BY`, `US-CA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region(String);

/// A recurrence as iCalendar writes it after `RRULE:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule(String);

words! {
    Day: { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples": ["2026-12-24"] };
    Region: { "type": "string", "examples": ["DE", "DE-BY", "US-CA"] };
    Rule: { "type": "string", "examples": ["FREQ=MONTHLY;BYDAY=-1FR"] };
}

/// A day of the week, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
#[expect(missing_docs, reason = "a day of the week says what it is")]
pub enum DayOfWeek {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    #[default]
    Sunday,
}

impl DayOfWeek {
    /// It, as the calendar knows it.
    pub fn weekday(self) -> Weekday {
        match self {
            Self::Monday => Weekday::Monday,
            Self::Tuesday => Weekday::Tuesday,
            Self::Wednesday => Weekday::Wednesday,
            Self::Thursday => Weekday::Thursday,
            Self::Friday => Weekday::Friday,
            Self::Saturday => Weekday::Saturday,
            Self::Sunday => Weekday::Sunday,
        }
    }
}

impl Word for Day {
    const EXPECTED: &'static str = "a day such as `2026-12-24`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let plain = text.len() == 10 && text.chars().all(|letter| letter.is_ascii_digit() || letter == '-');
        let bad = || {
            let help = "write year, month and day such as 2026-12-24, a day that exists";
            Complaint::new(Code::BAD_TIME, format!("`{text}` is not a day"), help)
        };
        text.parse().ok().filter(|_| plain).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Region {
    /// Its code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Word for Region {
    const EXPECTED: &'static str = "a country such as `DE`, or a region such as `DE-BY`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let Err(why) = Holidays::of(text) else { return Ok(Self(text.to_owned())) };
        let capital = text.to_ascii_uppercase();
        let complaint = Complaint::new(
            Code::UNKNOWN_REGION,
            why.to_string(),
            "write the two letters of the country, and after a hyphen the region if it has its own holidays",
        );
        Err(if Holidays::of(&capital).is_ok() { complaint.instead(capital) } else { complaint })
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Rule {
    /// It, from its first occurrence on.
    pub fn from(&self, first: jiff::civil::DateTime) -> Recurrence {
        Recurrence::new(first, &self.0)
            .expect("a rule that could be read can be read again, whatever its start")
    }
}

impl Word for Rule {
    const EXPECTED: &'static str = "a recurrence rule such as `FREQ=MONTHLY;BYDAY=-1FR`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let plain = text.strip_prefix("RRULE:").unwrap_or(text);
        let rule = Recurrence::new(jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC).datetime(), plain);
        let bad = |why: String| {
            let help = "write what stands after RRULE: in a calendar, such as FREQ=MONTHLY;BYDAY=-1FR";
            Complaint::new(Code::BAD_RULE, format!("`{text}` is no rule: {why}"), help)
        };
        match rule {
            _ if plain.is_empty() => Err(bad("it is empty".to_owned())),
            Ok(_) => Ok(Self(plain.to_owned())),
            Err(why) => Err(bad(why.to_string())),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test] // B7
    fn reads_days_regions_and_rules() {
        check::<Day>("2026-12-24", Ok("2026-12-24"));
        check::<Day>("2026-02-30", Err((Code::BAD_TIME, None)));
        check::<Region>("DE-BY", Ok("DE-BY"));
        check::<Region>("de-by", Err((Code::UNKNOWN_REGION, Some("DE-BY"))));
        check::<Region>("Germany", Err((Code::UNKNOWN_REGION, None)));
        check::<Rule>("RRULE:FREQ=MONTHLY;BYDAY=-1FR", Ok("FREQ=MONTHLY;BYDAY=-1FR"));
        check::<Rule>("FREQ=HOURLY", Err((Code::BAD_RULE, None)));
        check::<Rule>("", Err((Code::BAD_RULE, None)));
    }
}
