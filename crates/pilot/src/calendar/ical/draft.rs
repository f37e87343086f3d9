use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::line::{Line, When};
use super::{Entry, Unreadable};
use crate::calendar::{Ends, Recurrence, Schedule};

/// An event that is being read.
#[derive(Default)]
pub(super) struct Draft {
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
    pub(super) fn take(&mut self, line: Line, zone: &TimeZone) -> Result<(), Unreadable> {
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
    pub(super) fn entry(
        self,
        end: &Line,
        zone: &TimeZone,
    ) -> Result<Option<(Entry, Option<DateTime>)>, Unreadable> {
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
