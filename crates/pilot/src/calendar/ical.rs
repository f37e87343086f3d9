use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::recur::{parse_date, parse_datetime};
use super::{Ends, Event, Recurrence, Schedule, instant};
use crate::Change;

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

/// Logical lines, with the number of the first physical one: a line that begins with a blank continues the one before.
fn unfold(text: &str) -> Vec<(String, usize)> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((last, _))) => last.push_str(rest),
            _ if line.trim().is_empty() => {}
            _ => lines.push((line.to_owned(), number + 1)),
        }
    }
    lines
}

/// `NAME;PARAM=VALUE;…:VALUE`.
struct Line {
    number: usize,
    name: String,
    params: Vec<(String, String)>,
    value: String,
}

impl Line {
    fn parse(text: &str, number: usize) -> Result<Self, Unreadable> {
        let mut quoted = false;
        let mut cuts = Vec::new();
        let mut colon = None;
        for (at, letter) in text.char_indices() {
            match letter {
                '"' => quoted = !quoted,
                ';' if !quoted => cuts.push(at),
                ':' if !quoted => {
                    colon = Some(at);
                    break;
                }
                _ => {}
            }
        }
        let colon = colon.ok_or_else(|| Unreadable {
            line: number,
            why: format!("{:?} is no line of a calendar", text.chars().take(40).collect::<String>()),
        })?;
        cuts.push(colon);
        let name = text[..cuts[0]].to_ascii_uppercase();
        let param = |pair: &[usize]| {
            let (key, value) = text[pair[0] + 1..pair[1]].split_once('=')?;
            Some((key.to_ascii_uppercase(), value.trim_matches('"').to_owned()))
        };
        let params = cuts.windows(2).filter_map(param).collect();
        Ok(Self { number, name, params, value: text[colon + 1..].trim_end().to_owned() })
    }

    fn param(&self, key: &str) -> Option<&str> {
        self.params.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn bad(&self, why: String) -> Unreadable {
        Unreadable { line: self.number, why }
    }

    /// The times of this line, and their zone.
    fn times(&self, zone: &TimeZone) -> Result<Vec<When>, Unreadable> {
        let zone = match self.param("TZID") {
            None => zone.clone(),
            Some(name) => TimeZone::get(name.trim_start_matches('/')).map_err(|_| {
                self.bad(format!("{name:?} is no time zone of the IANA, such as Europe/Berlin"))
            })?,
        };
        let one = |text: &str| {
            let when = When::parse(text, &zone);
            when.ok_or_else(|| self.bad(format!("{text:?} is no time, such as 20260301 or 20260301T093000")))
        };
        self.value.split(',').map(|text| one(text.trim())).collect()
    }

    fn time(&self, zone: &TimeZone) -> Result<When, Unreadable> {
        let times = self.times(zone)?;
        times.into_iter().next().ok_or_else(|| self.bad(format!("{} has no time", self.name)))
    }

    fn text(&self) -> String {
        let mut out = String::new();
        let mut letters = self.value.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some('n' | 'N') => out.push(' '),
                    Some(escaped) => out.push(escaped),
                    None => {}
                },
                _ => out.push(letter),
            }
        }
        out
    }
}

/// A time on a wall clock; a whole day, if it is told as a date.
#[derive(Debug, Clone, PartialEq)]
struct When {
    civil: DateTime,
    zone: TimeZone,
    day: bool,
}

impl When {
    fn parse(text: &str, zone: &TimeZone) -> Option<Self> {
        if let Some(date) = parse_date(text) {
            return Some(Self { civil: date.to_datetime(Time::midnight()), zone: zone.clone(), day: true });
        }
        let zone = if text.ends_with('Z') { TimeZone::UTC } else { zone.clone() };
        let civil = parse_datetime(text.trim_end_matches('Z'))?;
        Some(Self { civil, zone, day: false })
    }

    fn instant(&self) -> Timestamp {
        instant(self.civil, &self.zone)
    }

    /// The same instant on the clock of `zone`.
    fn there(&self, zone: &TimeZone) -> DateTime {
        if self.zone == *zone { self.civil } else { self.instant().to_zoned(zone.clone()).datetime() }
    }
}

/// An event that is being read.
#[derive(Default)]
struct Draft {
    uid: String,
    summary: String,
    cancelled: bool,
    start: Option<When>,
    end: Option<When>,
    duration: Option<Ends>,
    rule: Option<Line>,
    except: Vec<When>,
    extra: Vec<When>,
    moved_from: Option<When>,
}

impl Draft {
    fn take(&mut self, line: Line, zone: &TimeZone) -> Result<(), Unreadable> {
        match line.name.as_str() {
            "UID" => self.uid = line.text(),
            "SUMMARY" => self.summary = line.text(),
            "STATUS" => self.cancelled = line.value.eq_ignore_ascii_case("CANCELLED"),
            "DTSTART" => self.start = Some(line.time(zone)?),
            "DTEND" => self.end = Some(line.time(zone)?),
            "DURATION" => self.duration = Some(parse_duration(&line)?),
            "EXDATE" => self.except.extend(line.times(zone)?),
            "RDATE" if line.param("VALUE") == Some("PERIOD") => {
                return Err(line.bad("RDATE with periods is not understood, only with times".to_owned()));
            }
            "RDATE" => self.extra.extend(line.times(zone)?),
            "RECURRENCE-ID" if line.param("RANGE").is_some() => {
                return Err(
                    line.bad("RECURRENCE-ID with RANGE is not understood, only of one occurrence".to_owned())
                );
            }
            "RECURRENCE-ID" => self.moved_from = Some(line.time(zone)?),
            "RRULE" if self.rule.is_some() => {
                return Err(
                    line.bad("an event with two rules is not understood: make two events of it".to_owned())
                );
            }
            "RRULE" => self.rule = Some(line),
            "EXRULE" => {
                return Err(line.bad("EXRULE is not understood: list the exceptions as EXDATE".to_owned()));
            }
            _ => {}
        }
        Ok(())
    }

    /// The entry, and the occurrence of its series that it stands for, if it is a moved one.
    fn entry(self, end: &Line, zone: &TimeZone) -> Result<Option<(Entry, Option<DateTime>)>, Unreadable> {
        let Some(start) = &self.start else { return Err(end.bad("an event has no DTSTART".to_owned())) };
        let own = start.zone.clone();
        let moved_from = self.moved_from.as_ref().map(|from| from.there(&own));
        let ends = self.ends(start).ok_or_else(|| end.bad("an event ends before it begins".to_owned()))?;
        let schedule = match &self.rule {
            None if self.extra.is_empty() => Schedule::Once(start.civil),
            rule => Schedule::Rule(self.recurrence(rule.as_ref(), start, end, zone)?),
        };
        // A cancelled occurrence is gone, and stays gone: it is moved to where nothing happens.
        let schedule = match (self.cancelled, moved_from) {
            (false, _) => schedule,
            (true, Some(_)) => Schedule::Rule(recurring(start.civil, "", end)?.except([start.civil])),
            (true, None) => return Ok(None),
        };
        let entry = Entry { uid: self.uid, summary: self.summary, schedule, ends, zone: own };
        Ok(Some((entry, moved_from)))
    }

    fn ends(&self, start: &When) -> Option<Ends> {
        match (&self.end, self.duration) {
            (Some(end), _) if start.day && end.day => {
                let days = (end.civil.date() - start.civil.date()).get_days();
                u32::try_from(days).ok().filter(|days| *days > 0).map(Ends::Days)
            }
            (Some(end), _) => {
                let long = end.instant().duration_since(start.instant());
                (long >= SignedDuration::ZERO).then_some(Ends::After(long))
            }
            (None, Some(ends)) => Some(ends),
            (None, None) if start.day => Some(Ends::Days(1)),
            (None, None) => Some(Ends::After(SignedDuration::ZERO)),
        }
    }

    fn recurrence(
        &self,
        rule: Option<&Line>,
        start: &When,
        end: &Line,
        zone: &TimeZone,
    ) -> Result<Recurrence, Unreadable> {
        let text = rule.map(|line| on_the_clock(&line.value, start, zone)).unwrap_or_default();
        let there = |times: &[When]| times.iter().map(|when| when.there(&start.zone)).collect::<Vec<_>>();
        // A date excludes or adds the occurrence of that day.
        let on_day = |times: &[When]| {
            let at = |when: &When, civil: DateTime| match when.day && !start.day {
                true => civil.date().to_datetime(start.civil.time()),
                false => civil,
            };
            times.iter().zip(there(times)).map(|(when, civil)| at(when, civil)).collect::<Vec<_>>()
        };
        let line = rule.unwrap_or(end);
        Ok(recurring(start.civil, &text, line)?.except(on_day(&self.except)).also(on_day(&self.extra)))
    }
}

fn recurring(start: DateTime, rule: &str, line: &Line) -> Result<Recurrence, Unreadable> {
    Recurrence::new(start, rule).map_err(|why| line.bad(why.to_string()))
}

/// A rule whose end is told in UTC, with its end on the clock on which it recurs.
fn on_the_clock(rule: &str, start: &When, zone: &TimeZone) -> String {
    let local = |part: &str| {
        let utc = part.strip_prefix("UNTIL=").filter(|until| until.ends_with('Z'));
        let when = utc.and_then(|until| When::parse(until, zone));
        when.map_or(part.to_owned(), |when| {
            format!("UNTIL={}", when.there(&start.zone).strftime("%Y%m%dT%H%M%S"))
        })
    };
    rule.split(';').map(local).collect::<Vec<_>>().join(";")
}

/// `PT1H30M`, `P1D`, `P2W`.
fn parse_duration(line: &Line) -> Result<Ends, Unreadable> {
    let bad = || line.bad(format!("{:?} is no duration, such as PT1H30M or P1D", line.value));
    let span: jiff::Span = line.value.parse().map_err(|_| bad())?;
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let rest = span.days(0).weeks(0);
    let odd = rest.get_years() != 0 || rest.get_months() != 0 || span.is_negative();
    let rest = SignedDuration::try_from(rest).map_err(|_| bad())?;
    match (days, rest.is_zero()) {
        _ if odd => Err(bad()),
        (0, _) => Ok(Ends::After(rest)),
        (days, true) => u32::try_from(days).map(Ends::Days).map_err(|_| bad()),
        (days, false) => Ok(Ends::After(rest + SignedDuration::from_hours(24 * days))),
    }
}

#[cfg(test)]
mod tests {
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
