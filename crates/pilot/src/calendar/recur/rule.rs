use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};

use super::BadRule;

/// What stands after `RRULE:`, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
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

impl Rule {
    /// A rule whose first occurrence is at `start`.
    pub(super) fn parse(text: &str, start: DateTime) -> Result<Self, BadRule> {
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

    /// The occurrences from `from` until `until`, of a rule whose first is at `start`.
    pub(super) fn occurrences(&self, start: DateTime, from: DateTime, until: DateTime) -> Vec<DateTime> {
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
pub(in crate::calendar) fn parse_date(text: &str) -> Option<Date> {
    let number = |from: usize, until: usize| text.get(from..until)?.parse::<i16>().ok();
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    Date::new(number(0, 4).filter(|_| digits)?, number(4, 6)? as i8, number(6, 8)? as i8).ok()
}

/// `20260301T093000`.
pub(in crate::calendar) fn parse_datetime(text: &str) -> Option<DateTime> {
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
