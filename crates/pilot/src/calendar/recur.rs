mod rule;

use std::fmt;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use rule::Rule;
pub(super) use rule::{parse_date, parse_datetime};

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
