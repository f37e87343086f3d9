use std::fmt;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};
use serde::{Deserialize, Serialize};

/// A recurrence rule of iCalendar (RFC 5545), from its first occurrence on, less some exceptions and plus some extras.
///
/// Understood are `FREQ` from `DAILY` to `YEARLY`, `INTERVAL`, `COUNT`, `UNTIL`, `BYMONTH`, `BYMONTHDAY`, `BYDAY`,
/// `BYSETPOS` and `WKST`. Everything else is refused by name: half a rule is worse than none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Told", into = "Told")]
pub struct Recurrence {
    start: DateTime,
    rule: Option<Rule>,
    text: String,
    except: Vec<DateTime>,
    extra: Vec<DateTime>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Told {
    start: DateTime,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    except: Vec<DateTime>,
    #[serde(default)]
    extra: Vec<DateTime>,
}

/// Why a recurrence rule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// A part that is not understood here.
    #[error(
        "{part} is not understood in a recurrence rule; FREQ, INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS and WKST are"
    )]
    Unknown {
        /// The part.
        part: String,
    },
    /// A part whose value makes no sense.
    #[error("{value:?} makes no sense for {part} in a recurrence rule")]
    Senseless {
        /// The part.
        part: String,
        /// The value.
        value: String,
    },
    /// No frequency.
    #[error("a recurrence rule begins with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")]
    NoFrequency,
    /// An end in UTC for a rule on a wall clock.
    #[error(
        "UNTIL={0} is in UTC, but a recurrence rule is told on the clock of its zone: write it without the Z"
    )]
    UntilInUtc(String),
    /// Both an end and a number of occurrences.
    #[error("a recurrence rule has UNTIL or COUNT, not both")]
    TwoEnds,
    /// The nth weekday of something that has each weekday once.
    #[error("the nth weekday (as in BYDAY={0}) is of a month or of a year, so FREQ is MONTHLY or YEARLY")]
    NthOfNothing(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    every: Frequency,
    interval: u32,
    count: Option<usize>,
    until: Option<DateTime>,
    months: Vec<i8>,
    month_days: Vec<i8>,
    days: Vec<(i32, Weekday)>,
    positions: Vec<i32>,
    week_start: Weekday,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A rule that has matched nothing for so many periods in a row never will: 400 years repeat.
const BARREN_MAX: u32 = 5_000;

impl Recurrence {
    /// A rule, as written after `RRULE:`, from its first occurrence on. An empty one occurs once.
    ///
    /// # Errors
    /// If a part is not understood or makes no sense.
    pub fn new(start: DateTime, rule: &str) -> Result<Self, BadRule> {
        let parsed = if rule.is_empty() { None } else { Some(Rule::parse(rule, start)?) };
        Ok(Self { start, rule: parsed, text: rule.to_owned(), except: Vec::new(), extra: Vec::new() })
    }

    /// Without these occurrences.
    #[must_use]
    pub fn except(mut self, times: impl IntoIterator<Item = DateTime>) -> Self {
        self.except.extend(times);
        self
    }

    /// And at these times.
    #[must_use]
    pub fn also(mut self, times: impl IntoIterator<Item = DateTime>) -> Self {
        self.extra.extend(times);
        self.extra.sort_unstable();
        self
    }

    /// The first occurrence of the rule.
    pub fn start(&self) -> DateTime {
        self.start
    }

    /// The occurrences from `from` until `until`, in order.
    pub fn between(&self, from: DateTime, until: DateTime) -> impl Iterator<Item = DateTime> {
        let regular: Vec<DateTime> = match &self.rule {
            None => vec![self.start],
            Some(rule) => rule.occurrences(self.start, from, until),
        };
        let mut all: Vec<DateTime> = regular.into_iter().chain(self.extra.iter().copied()).collect();
        all.retain(|at| (from..until).contains(at) && !self.except.contains(at));
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }
}

impl Rule {
    fn parse(text: &str, start: DateTime) -> Result<Self, BadRule> {
        let mut rule = Self {
            every: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            month_days: Vec::new(),
            days: Vec::new(),
            positions: Vec::new(),
            week_start: Weekday::Monday,
        };
        let mut frequency = None;
        for assignment in text.trim().trim_end_matches(';').split(';') {
            let (part, value) = assignment.split_once('=').unwrap_or((assignment, ""));
            let part = part.to_ascii_uppercase();
            if part == "FREQ" {
                frequency = Some(parse_frequency(&value.to_ascii_uppercase())?);
            } else {
                rule.take(&part, &value.to_ascii_uppercase())?;
            }
        }
        rule.every = frequency.ok_or(BadRule::NoFrequency)?;
        rule.check()?;
        rule.fill_in(start);
        Ok(rule)
    }

    fn take(&mut self, part: &str, value: &str) -> Result<(), BadRule> {
        let senseless = || BadRule::Senseless { part: part.to_owned(), value: value.to_owned() };
        match part {
            "INTERVAL" => self.interval = value.parse().ok().filter(|n| *n > 0).ok_or_else(senseless)?,
            "COUNT" => self.count = Some(value.parse().ok().filter(|n| *n > 0).ok_or_else(senseless)?),
            "UNTIL" if value.ends_with('Z') => return Err(BadRule::UntilInUtc(value.to_owned())),
            "UNTIL" => self.until = Some(parse_until(value).ok_or_else(senseless)?),
            "BYMONTH" => self.months = numbers(value, 1..=12).ok_or_else(senseless)?,
            "BYMONTHDAY" => self.month_days = numbers(value, -31..=31).ok_or_else(senseless)?,
            "BYSETPOS" => self.positions = numbers(value, -366..=366).ok_or_else(senseless)?,
            "BYDAY" => {
                self.days = value.split(',').map(parse_day).collect::<Option<_>>().ok_or_else(senseless)?
            }
            "WKST" => self.week_start = parse_weekday(value).ok_or_else(senseless)?,
            _ => return Err(BadRule::Unknown { part: part.to_owned() }),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), BadRule> {
        if self.count.is_some() && self.until.is_some() {
            return Err(BadRule::TwoEnds);
        }
        let nth = self.days.iter().find(|(nth, _)| *nth != 0);
        match (self.every, nth) {
            (Frequency::Daily | Frequency::Weekly, Some((nth, _))) => {
                Err(BadRule::NthOfNothing(nth.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// What a rule leaves open is as on its first day.
    fn fill_in(&mut self, start: DateTime) {
        if !self.month_days.is_empty() || !self.days.is_empty() {
            return;
        }
        match self.every {
            Frequency::Daily => {}
            Frequency::Weekly => self.days = vec![(0, start.weekday())],
            Frequency::Monthly => self.month_days = vec![start.day()],
            Frequency::Yearly => {
                self.month_days = vec![start.day()];
                if self.months.is_empty() {
                    self.months = vec![start.month()];
                }
            }
        }
    }

    fn occurrences(&self, start: DateTime, from: DateTime, until: DateTime) -> Vec<DateTime> {
        let end = self.until.map_or(until, |last| until.min(last.saturating_add(1.second())));
        let mut found = Vec::new();
        let mut counted = 0;
        let mut barren = 0;
        // Counting needs every occurrence from the first on; without a count one may begin nearby.
        let mut period = if self.count.is_some() { 0 } else { self.period_before(start.date(), from.date()) };
        while barren < BARREN_MAX {
            let Some(first_day) = self.first_day(start.date(), period) else { break };
            if first_day.to_datetime(Time::midnight()) >= end {
                break;
            }
            period += 1;
            barren += 1;
            for day in self.days_of(first_day) {
                let at = day.to_datetime(start.time());
                if at < start {
                    continue;
                }
                barren = 0;
                if at >= end || self.count.is_some_and(|count| counted >= count) {
                    return found;
                }
                counted += 1;
                if at >= from {
                    found.push(at);
                }
            }
        }
        found
    }

    /// A period that begins before `day`, counted from the one that holds `start`.
    fn period_before(&self, start: Date, day: Date) -> u32 {
        let days = (day - start).get_days().max(0) as u32;
        let long = match self.every {
            Frequency::Daily => 1,
            Frequency::Weekly => 7,
            Frequency::Monthly => 31,
            Frequency::Yearly => 366,
        };
        (days / long / self.interval).saturating_sub(1)
    }

    /// The first day of the nth period; none beyond the end of all dates.
    fn first_day(&self, start: Date, nth: u32) -> Option<Date> {
        let steps = i64::from(nth) * i64::from(self.interval);
        match self.every {
            Frequency::Daily => start.checked_add(steps.days()).ok(),
            Frequency::Weekly => {
                let since = start.weekday().since(self.week_start);
                start.checked_sub(i64::from(since).days()).ok()?.checked_add(steps.weeks()).ok()
            }
            Frequency::Monthly => start.first_of_month().checked_add(steps.months()).ok(),
            Frequency::Yearly => start.first_of_year().checked_add(steps.years()).ok(),
        }
    }

    /// The days of one period that match, in order.
    fn days_of(&self, first: Date) -> Vec<Date> {
        let count = match self.every {
            Frequency::Daily => 1,
            Frequency::Weekly => 7,
            Frequency::Monthly => i32::from(first.days_in_month()),
            Frequency::Yearly => i32::from(first.days_in_year()),
        };
        let days = (0..count).filter_map(|n| first.checked_add(n.days()).ok());
        let matching: Vec<Date> = days.filter(|day| self.matches(*day)).collect();
        if self.positions.is_empty() {
            return matching;
        }
        let place = |position: &i32| match position {
            0 => None,
            n if *n > 0 => matching.get(*n as usize - 1),
            n => matching.len().checked_sub(n.unsigned_abs() as usize).and_then(|i| matching.get(i)),
        };
        let mut chosen: Vec<Date> = self.positions.iter().filter_map(place).copied().collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    fn matches(&self, day: Date) -> bool {
        let long = day.days_in_month();
        let month = self.months.is_empty() || self.months.contains(&day.month());
        let in_month = |told: &i8| *told == day.day() || (*told < 0 && long + told + 1 == day.day());
        let month_day = self.month_days.is_empty() || self.month_days.iter().any(in_month);
        let weekday = self.days.is_empty() || self.days.iter().any(|told| self.is_nth(day, *told));
        month && month_day && weekday
    }

    /// Whether `day` is this weekday, and the nth of its month, or of its year if the rule is yearly and names no month.
    fn is_nth(&self, day: Date, (nth, weekday): (i32, Weekday)) -> bool {
        let of_year = self.every == Frequency::Yearly && self.months.is_empty();
        let (place, long) = match of_year {
            true => (i32::from(day.day_of_year()), i32::from(day.days_in_year())),
            false => (i32::from(day.day()), i32::from(day.days_in_month())),
        };
        let right = match nth {
            0 => true,
            n if n > 0 => (place - 1) / 7 + 1 == n,
            n => (long - place) / 7 + 1 == -n,
        };
        right && day.weekday() == weekday
    }
}

fn parse_frequency(value: &str) -> Result<Frequency, BadRule> {
    Ok(match value {
        "DAILY" => Frequency::Daily,
        "WEEKLY" => Frequency::Weekly,
        "MONTHLY" => Frequency::Monthly,
        "YEARLY" => Frequency::Yearly,
        _ => return Err(BadRule::Senseless { part: "FREQ".to_owned(), value: value.to_owned() }),
    })
}

/// An end: a date, of which the whole day counts, or a time on the rule's own clock.
fn parse_until(value: &str) -> Option<DateTime> {
    match value.len() {
        8 => parse_date(value).map(|date| date.to_datetime(Time::constant(23, 59, 59, 0))),
        _ => parse_datetime(value),
    }
}

/// `20260301`.
pub(super) fn parse_date(text: &str) -> Option<Date> {
    let number = |from: usize, until: usize| text.get(from..until)?.parse::<i16>().ok();
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    Date::new(number(0, 4).filter(|_| digits)?, number(4, 6)? as i8, number(6, 8)? as i8).ok()
}

/// `20260301T093000`.
pub(super) fn parse_datetime(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once('T')?;
    let number = |from: usize| time.get(from..from + 2)?.parse::<i8>().ok();
    let digits = time.len() == 6 && time.bytes().all(|b| b.is_ascii_digit());
    // A leap second is the last of its minute.
    let time = Time::new(number(0).filter(|_| digits)?, number(2)?, number(4)?.min(59), 0).ok()?;
    Some(parse_date(date)?.to_datetime(time))
}

fn parse_weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

/// `FR`, `2TU`, `-1SU`: zero is every one.
fn parse_day(text: &str) -> Option<(i32, Weekday)> {
    let (nth, weekday) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let nth =
        if nth.is_empty() { 0 } else { nth.parse().ok().filter(|n| *n != 0 && (-53..=53).contains(n))? };
    Some((nth, parse_weekday(weekday)?))
}

fn numbers<T: std::str::FromStr + PartialOrd + From<i8>>(
    value: &str,
    range: std::ops::RangeInclusive<T>,
) -> Option<Vec<T>> {
    let sound = |number: &T| *number != T::from(0) && range.contains(number);
    value.split(',').map(|number| number.parse().ok().filter(sound)).collect()
}

impl TryFrom<Told> for Recurrence {
    type Error = BadRule;

    fn try_from(told: Told) -> Result<Self, BadRule> {
        Ok(Self::new(told.start, &told.rule)?.except(told.except).also(told.extra))
    }
}

impl From<Recurrence> for Told {
    fn from(told: Recurrence) -> Self {
        Self { start: told.start, rule: told.text, except: told.except, extra: told.extra }
    }
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} on, {}", self.start, if self.text.is_empty() { "once" } else { &self.text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules and their occurrences as python-dateutil computes them: see scripts/recurrence_cases.py.
    const CASES: &str = include_str!("recur/cases.tsv");

    #[test] // B7
    fn recurs_as_the_reference_does() {
        let mut cases = 0;
        for line in CASES.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [start, rule, from, until, expected] = fields[..] else { panic!("{line}") };
            let at = |text: &str| parse_datetime(text).expect(text);
            let found: Vec<String> = Recurrence::new(at(start), rule)
                .unwrap_or_else(|why| panic!("{rule}: {why}"))
                .between(at(from), at(until))
                .map(|at| at.strftime("%Y%m%dT%H%M%S").to_string())
                .collect();
            assert_eq!(found.join(","), expected, "{rule} from {start}");
            cases += 1;
        }
        assert!(cases > 300, "{cases}");
    }

    #[track_caller]
    fn refused(rule: &str, why: &str) {
        let start = parse_datetime("20260301T090000").unwrap();
        let said = Recurrence::new(start, rule).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }

    #[test]
    fn refuses_what_it_does_not_understand_by_name() {
        refused("FREQ=HOURLY", "\"HOURLY\" makes no sense for FREQ");
        refused("FREQ=DAILY;BYHOUR=9", "BYHOUR is not understood");
        refused("FREQ=YEARLY;BYWEEKNO=3", "BYWEEKNO is not understood");
        refused("INTERVAL=2", "begins with FREQ");
        refused("FREQ=DAILY;COUNT=0", "\"0\" makes no sense for COUNT");
        refused("FREQ=DAILY;COUNT=3;UNTIL=20260401", "UNTIL or COUNT, not both");
        refused("FREQ=WEEKLY;BYDAY=2MO", "the nth weekday (as in BYDAY=2)");
        refused("FREQ=DAILY;UNTIL=20260401T000000Z", "write it without the Z");
        refused("FREQ=MONTHLY;BYMONTHDAY=32", "\"32\" makes no sense for BYMONTHDAY");
        refused("FREQ=MONTHLY;BYDAY=XX", "\"XX\" makes no sense for BYDAY");
    }

    #[test]
    fn gives_up_on_days_that_never_come() {
        let start = parse_datetime("20260301T090000").unwrap();
        let never = Recurrence::new(start, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30").unwrap();
        let end = parse_datetime("99991231T000000").unwrap();
        assert_eq!(never.between(start, end).count(), 0);
    }

    #[test]
    fn leaves_out_exceptions_and_adds_extras() {
        let at = |day: i8| DateTime::constant(2026, 3, day, 9, 0, 0, 0);
        let rule = Recurrence::new(at(2), "FREQ=WEEKLY").unwrap().except([at(9)]).also([at(11), at(2)]);
        assert_eq!(rule.between(at(1), at(20)).collect::<Vec<_>>(), [at(2), at(11), at(16)]);
        let told = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<Recurrence>(&told).unwrap(), rule);
    }
}
