use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::Unreadable;
use crate::calendar::instant;
use crate::calendar::recur::{parse_date, parse_datetime};

/// Logical lines, with the number of the first physical one: a line that begins with a blank continues the one before.
pub(super) fn unfold(text: &str) -> Vec<(String, usize)> {
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
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) params: Vec<(String, String)>,
    pub(super) value: String,
}

impl Line {
    pub(super) fn parse(text: &str, number: usize) -> Result<Self, Unreadable> {
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

    pub(super) fn param(&self, key: &str) -> Option<&str> {
        self.params.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn bad(&self, why: String) -> Unreadable {
        Unreadable { line: self.number, why }
    }

    /// The times of this line, and their zone.
    pub(super) fn times(&self, zone: &TimeZone) -> Result<Vec<When>, Unreadable> {
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

    pub(super) fn time(&self, zone: &TimeZone) -> Result<When, Unreadable> {
        let times = self.times(zone)?;
        times.into_iter().next().ok_or_else(|| self.bad(format!("{} has no time", self.name)))
    }

    pub(super) fn text(&self) -> String {
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
pub(super) struct When {
    pub(super) civil: DateTime,
    pub(super) zone: TimeZone,
    pub(super) day: bool,
}

impl When {
    pub(super) fn parse(text: &str, zone: &TimeZone) -> Option<Self> {
        if let Some(date) = parse_date(text) {
            return Some(Self { civil: date.to_datetime(Time::midnight()), zone: zone.clone(), day: true });
        }
        let zone = if text.ends_with('Z') { TimeZone::UTC } else { zone.clone() };
        let civil = parse_datetime(text.trim_end_matches('Z'))?;
        Some(Self { civil, zone, day: false })
    }

    pub(super) fn instant(&self) -> Timestamp {
        instant(self.civil, &self.zone)
    }

    /// The same instant on the clock of `zone`.
    pub(super) fn there(&self, zone: &TimeZone) -> DateTime {
        if self.zone == *zone { self.civil } else { self.instant().to_zoned(zone.clone()).datetime() }
    }
}
