mod draft;
mod line;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Ends, Event, Schedule};
use crate::Change;
use draft::Draft;
use line::{Line, unfold};

/// An event of an iCalendar file: when, how long, and what it is called. What it decrees is for the reader to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its identity in the file.
    pub uid: String,
    /// What it is called.
    pub summary: String,
    /// When it begins.
    pub schedule: Schedule,
    /// When it ends.
    pub ends: Ends,
    /// On whose wall clock.
    pub zone: TimeZone,
}

/// Why a calendar cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Unreadable {
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl Entry {
    /// The event that decrees `change` whenever this occurs.
    pub fn decree(self, change: Change, author: &str) -> Event {
        let Self { uid, summary, schedule, ends, zone } = self;
        Event { id: uid, schedule, ends, zone, change, author: author.to_owned(), reason: summary }
    }
}

/// The events of an iCalendar file (RFC 5545); times without a zone are on the clock of `zone`.
///
/// Cancelled events are left out, moved occurrences are where they were moved to. What cannot be understood is an error with
/// its line: a calendar that is half read is a promise half kept.
///
/// # Errors
/// At the first line that is no content line, or an event whose time or rule is not understood.
pub fn read(text: &str, zone: &TimeZone) -> Result<Vec<Entry>, Unreadable> {
    let mut entries: Vec<(Entry, Option<DateTime>)> = Vec::new();
    let mut draft: Option<Draft> = None;
    let mut inside: Vec<String> = Vec::new();
    for line in unfold(text.trim_start_matches('\u{feff}')) {
        let line = Line::parse(&line.0, line.1)?;
        match line.name.as_str() {
            "BEGIN" => {
                inside.push(line.value.to_ascii_uppercase());
                if inside.last().is_some_and(|name| name == "VEVENT") {
                    draft = Some(Draft::default());
                }
            }
            "END" => {
                if inside.pop().as_deref() != Some(line.value.to_ascii_uppercase().as_str()) {
                    return Err(line.bad(format!("END:{} ends nothing that has begun", line.value)));
                }
                if line.value.eq_ignore_ascii_case("VEVENT")
                    && let Some(draft) = draft.take()
                {
                    entries.extend(draft.entry(&line, zone)?);
                }
            }
            _ if inside.last().is_some_and(|name| name == "VEVENT") => {
                if let Some(draft) = &mut draft {
                    draft.take(line, zone)?;
                }
            }
            _ => {}
        }
    }
    match inside.last() {
        Some(open) => Err(Unreadable { line: text.lines().count(), why: format!("{open} does not end") }),
        None => Ok(moved(entries)),
    }
}

/// Takes moved occurrences out of the series that they belong to.
fn moved(entries: Vec<(Entry, Option<DateTime>)>) -> Vec<Entry> {
    let gone: Vec<(String, DateTime)> =
        entries.iter().filter_map(|(entry, from)| from.map(|from| (entry.uid.clone(), from))).collect();
    let without = |(mut entry, from): (Entry, Option<DateTime>)| {
        if let (Schedule::Rule(rule), None) = (&entry.schedule, from) {
            let own = gone.iter().filter(|(uid, _)| *uid == entry.uid).map(|(_, at)| *at);
            entry.schedule = Schedule::Rule(rule.clone().except(own));
        }
        entry
    };
    entries.into_iter().map(without).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{Size, Span};

    /// The occurrences of all events of a calendar in 2026, on the clock of Berlin.
    fn occurrences(events: &str) -> Vec<String> {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}\r\nEND:VCALENDAR\r\n");
        let year =
            Span::new("2026-01-01T00:00Z".parse().unwrap(), "2027-01-01T00:00Z".parse().unwrap()).unwrap();
        let entries = read(&text, &berlin).unwrap();
        let all = entries.into_iter().flat_map(|e| e.decree(Change::Floor(Size(9)), "ics").occurrences(year));
        let show = |time: Timestamp| time.to_zoned(berlin.clone()).strftime("%m-%d %H:%M").to_string();
        all.map(|o| format!("{}..{} {}", show(o.span.from()), show(o.span.until()), o.reason)).collect()
    }

    #[track_caller]
    fn check(event: &str, expected: &[&str]) {
        let lines = event.split('|').collect::<Vec<_>>().join("\r\n");
        assert_eq!(occurrences(&format!("BEGIN:VEVENT\r\nUID:1\r\n{lines}\r\nEND:VEVENT")), expected);
    }

    #[test] // B7
    fn reads_events_that_happen_once() {
        check(
            "SUMMARY:Cup final\\, live|DTSTART;TZID=America/New_York:20260719T150000|DTEND;TZID=America/New_York:20260719T180000",
            &["07-19 21:00..07-20 00:00 Cup final, live"],
        );
        check(
            "SUMMARY:launch|DTSTART:20260301T120000Z|DURATION:PT1H30M",
            &["03-01 13:00..03-01 14:30 launch"],
        );
        check(
            "SUMMARY:floating|DTSTART:20260301T120000|DURATION:PT1H",
            &["03-01 12:00..03-01 13:00 floating"],
        );
    }

    #[test]
    fn lets_whole_days_last_from_midnight_to_midnight() {
        check(
            "SUMMARY:sale|DTSTART;VALUE=DATE:20260328|DTEND;VALUE=DATE:20260330",
            &["03-28 00:00..03-30 00:00 sale"],
        );
        check("SUMMARY:day|DTSTART;VALUE=DATE:20260501", &["05-01 00:00..05-02 00:00 day"]);
    }

    #[test]
    fn reads_rules_with_exceptions_extras_and_ends_in_utc() {
        check(
            "SUMMARY:stand-up|DTSTART;TZID=Europe/Berlin:20260323T230000|DURATION:PT30M|RRULE:FREQ=WEEKLY;UNTIL=20260413T210000Z|EXDATE;TZID=Europe/Berlin:20260330T230000|RDATE;VALUE=DATE:20260401",
            &[
                "03-23 23:00..03-23 23:30 stand-up",
                "04-01 23:00..04-01 23:30 stand-up",
                "04-06 23:00..04-06 23:30 stand-up",
                "04-13 23:00..04-13 23:30 stand-up",
            ],
        );
    }

    #[test]
    fn moves_and_cancels_single_occurrences() {
        let series = "BEGIN:VEVENT\nUID:a\nSUMMARY:match\nDTSTART:20260301T120000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n";
        let moved = "BEGIN:VEVENT\nUID:a\nSUMMARY:match\nRECURRENCE-ID:20260302T120000Z\nDTSTART:20260302T150000Z\nDURATION:PT1H\nEND:VEVENT\n";
        let gone = "BEGIN:VEVENT\nUID:a\nSUMMARY:match\nSTATUS:CANCELLED\nRECURRENCE-ID:20260303T120000Z\nDTSTART:20260303T120000Z\nEND:VEVENT\n";
        assert_eq!(
            occurrences(&format!("{series}{moved}{gone}")),
            ["03-01 13:00..03-01 14:00 match", "03-02 16:00..03-02 17:00 match"]
        );
        check("STATUS:CANCELLED|DTSTART:20260301T120000Z", &[]);
    }

    #[test]
    fn unfolds_long_lines_and_passes_over_what_is_not_an_event() {
        check(
            "SUMMARY:a very lo|\u{20}ng name|DTSTART:20260301T120000Z|DURATION:PT1H|BEGIN:VALARM|TRIGGER:-PT15M|DURATION:PT9H|END:VALARM|X-FOO;BAR=\"a:b;c\":d",
            &["03-01 13:00..03-01 14:00 a very long name"],
        );
    }

    #[track_caller]
    fn refused(event: &str, why: &str) {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{event}\nEND:VEVENT\nEND:VCALENDAR\n");
        assert_eq!(read(&text, &TimeZone::UTC).unwrap_err().to_string(), why);
    }

    #[test]
    fn refuses_what_it_does_not_understand_with_its_line() {
        refused(
            "DTSTART;TZID=W. Europe Standard Time:20260301T120000",
            "line 3: \"W. Europe Standard Time\" is no time zone of the IANA, such as Europe/Berlin",
        );
        refused("DTSTART:tomorrow", "line 3: \"tomorrow\" is no time, such as 20260301 or 20260301T093000");
        refused(
            "DTSTART:20260301T120000Z\nRRULE:FREQ=SECONDLY",
            "line 4: \"SECONDLY\" makes no sense for FREQ in a recurrence rule",
        );
        refused("SUMMARY:when?", "line 4: an event has no DTSTART");
        refused("DTSTART:20260301T120000Z\nDTEND:20260301T110000Z", "line 5: an event ends before it begins");
        refused("nonsense", "line 3: \"nonsense\" is no line of a calendar");
        assert_eq!(
            read("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", &TimeZone::UTC).unwrap_err().to_string(),
            "line 2: VEVENT does not end"
        );
    }
}
