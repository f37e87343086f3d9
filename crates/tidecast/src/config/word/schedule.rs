use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;

use super::{Word, words};
use crate::config::codes::Code;
use crate::config::fault::Complaint;

/// A moment on the wall clock, without a zone: `2026-12-31T18:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub DateTime);

/// A time that comes again, as cron writes it: minute, hour, day of the month, month, day of the week.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    text: String,
    cron: Cron,
}

words! {
    Moment: { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$", "examples": ["2026-12-31T18:00"] };
    Schedule: { "type": "string", "examples": ["0 8 * * MON-FRI"] };
}

impl Word for Moment {
    const EXPECTED: &'static str = "a local time such as `2026-12-31T18:00`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        // What follows the time would be an offset, which the parser takes and forgets.
        let plain =
            text.len() <= 19 && text.chars().all(|letter| letter.is_ascii_digit() || "-:T ".contains(letter));
        if let Some(moment) = text.parse().ok().filter(|_| plain) {
            return Ok(Self(moment));
        }
        let bad = |help: &str| Complaint::new(Code::BAD_TIME, format!("`{text}` is not a local time"), help);
        let offset = text.char_indices().skip(11).find(|(_, letter)| "+-Z".contains(*letter));
        let local = offset.map_or(text, |(at, _)| &text[..at]);
        Err(match local.parse::<DateTime>() {
            Ok(moment) if local != text => {
                let help = format!("write \"{}\"; the zone stands in `zone`", Self(moment));
                bad(&help).instead(Self(moment).to_string())
            }
            _ => bad("write year, month, day, hour and minute such as 2026-12-31T18:00, a day that exists"),
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = if self.0.second() == 0 { "" } else { ":%S" };
        self.0.strftime(&format!("%Y-%m-%dT%H:%M{seconds}")).fmt(f)
    }
}

impl Schedule {
    /// The times themselves.
    pub fn cron(&self) -> &Cron {
        &self.cron
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Word for Schedule {
    const EXPECTED: &'static str = "a schedule such as `0 8 * * MON-FRI`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        match parser.parse(text) {
            Ok(cron) => Ok(Self { text: text.to_owned(), cron }),
            Err(error) => {
                let fields = text.split_whitespace().count();
                let help = "write five fields: minute, hour, day of the month, month, day of the week, \
                            such as `0 8 * * MON-FRI`";
                let complaint = |why: String| {
                    Complaint::new(Code::BAD_SCHEDULE, format!("`{text}` is not a schedule: {why}"), help)
                };
                Err(match text.split_once(char::is_whitespace) {
                    Some(("0", rest)) if fields == 6 => {
                        complaint("it has six fields, the first for seconds".into()).instead(rest.trim())
                    }
                    _ if fields != 5 => complaint(format!("it has {fields} fields instead of five")),
                    _ => complaint(error.to_string().to_lowercase()),
                })
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test] // B7
    fn tells_the_time_of_the_wall_clock() {
        check::<Moment>("2026-12-31T18:00", Ok("2026-12-31T18:00"));
        check::<Moment>("2026-12-31 18:00:30", Ok("2026-12-31T18:00:30"));
        check::<Moment>("2026-12-31", Ok("2026-12-31T00:00"));
        check::<Moment>("2026-12-31T18:00Z", Err((Code::BAD_TIME, Some("2026-12-31T18:00"))));
        check::<Moment>("2026-12-31T18:00:00+01:00", Err((Code::BAD_TIME, Some("2026-12-31T18:00"))));
        check::<Moment>("2026-02-30T18:00", Err((Code::BAD_TIME, None)));
        check::<Moment>("tomorrow", Err((Code::BAD_TIME, None)));
    }

    #[test]
    fn comes_again_as_cron_says() {
        check::<Schedule>("0 8 * * MON-FRI", Ok("0 8 * * MON-FRI"));
        check::<Schedule>("? * *", Err((Code::BAD_SCHEDULE, None)));
        check::<Schedule>("0 0 8 * * MON-FRI", Err((Code::BAD_SCHEDULE, Some("0 8 * * MON-FRI"))));
        check::<Schedule>("61 8 * * *", Err((Code::BAD_SCHEDULE, None)));
    }
}
