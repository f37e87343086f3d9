//! Which column holds the time, and which the value.

use super::Unreadable;
use super::clock::looks_like_time;
use super::number::number;

/// Names by which exporters call the time.
const TIME_NAMES: [&str; 8] = ["timestamp", "time", "datetime", "date", "ts", "ds", "_time", "date_time"];
/// Names by which exporters call the value.
const VALUE_NAMES: [&str; 8] = ["value", "values", "y", "count", "demand", "requests", "rps", "_value"];

/// Where to look in each row.
#[derive(Debug, PartialEq)]
pub(super) struct Columns {
    pub time: usize,
    pub value: usize,
    /// How many fields a row has.
    pub width: usize,
    /// Whether the first row names the columns.
    pub header: bool,
}

/// A column as a person asks for it: by name or by its place, counted from 1.
#[derive(Debug, Clone, Copy)]
struct Wish<'a> {
    flag: &'static str,
    asked: Option<&'a str>,
    names: &'static [&'static str],
    place: usize,
}

impl Columns {
    /// The columns of a file with this first row.
    pub(super) fn find(
        first: &[String],
        time: Option<&str>,
        value: Option<&str>,
    ) -> Result<Self, Unreadable> {
        let header = !first.iter().any(|field| is_data(field));
        let names = if header { first } else { &[] };
        let width = first.len();
        let time = Wish { flag: "--time-column", asked: time, names: &TIME_NAMES, place: 0 };
        let value = Wish { flag: "--value-column", asked: value, names: &VALUE_NAMES, place: 1 };
        let time_at = time.place_in(names, width, value.named(names))?;
        let value_at = value.place_in(names, width, Some(time_at))?;
        if time_at == value_at {
            return Err(Unreadable::SameColumn { name: first[time_at].clone() });
        }
        Ok(Self { time: time_at, value: value_at, width, header })
    }
}

/// Whether a field is data and not a column's name.
fn is_data(field: &str) -> bool {
    looks_like_time(field) || (!field.is_empty() && number(field, true).is_ok_and(f64::is_finite))
}

impl Wish<'_> {
    /// The place of the column, given that `taken` holds the other one.
    fn place_in(&self, names: &[String], width: usize, taken: Option<usize>) -> Result<usize, Unreadable> {
        if let Some(asked) = self.asked {
            return asked_for(asked, names, width).ok_or_else(|| self.absent(names, width));
        }
        if let Some(place) = self.named(names) {
            return Ok(place);
        }
        match (names.is_empty(), width) {
            (true, w) if w > self.place => Ok(self.place),
            (false, 2) => Ok(taken.map_or(self.place, |taken| 1 - taken)),
            _ => Err(self.absent(names, width)),
        }
    }

    /// The place of the first of the usual names.
    fn named(&self, names: &[String]) -> Option<usize> {
        if let Some(asked) = self.asked {
            return asked_for(asked, names, names.len());
        }
        self.names.iter().find_map(|usual| names.iter().position(|name| name.eq_ignore_ascii_case(usual)))
    }

    fn absent(&self, names: &[String], width: usize) -> Unreadable {
        let has = if names.is_empty() { format!("{width} without names") } else { names.join(", ") };
        Unreadable::NoColumn { flag: self.flag, asked: self.asked.map(str::to_owned), has }
    }
}

fn asked_for(asked: &str, names: &[String], width: usize) -> Option<usize> {
    let by_name = names.iter().position(|name| name == asked);
    let by_name = by_name.or_else(|| names.iter().position(|name| name.eq_ignore_ascii_case(asked)));
    by_name.or_else(|| asked.parse().ok().filter(|n| (1..=width).contains(n)).map(|n: usize| n - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: &str, time: Option<&str>, value: Option<&str>, expected: (usize, usize, bool)) {
        let first: Vec<String> = first.split(',').map(str::to_owned).collect();
        let found = Columns::find(&first, time, value).expect("columns");
        assert_eq!((found.time, found.value, found.header), expected);
    }

    #[test]
    fn finds_columns_by_usual_names_and_by_place() {
        check("timestamp,value", None, None, (0, 1, true));
        check("host,rps,Time", None, None, (2, 1, true));
        check("2026-01-01T00:00:00Z,5", None, None, (0, 1, false));
        check("when,calls", None, None, (0, 1, true));
        check("calls,when", Some("when"), None, (1, 0, true));
        check("calls,timestamp", None, None, (1, 0, true));
        check("a,b,c", Some("3"), Some("B"), (2, 1, true));
    }

    #[test] // B1
    fn lists_the_columns_when_it_cannot_choose() {
        let first: Vec<String> = ["when", "in", "out"].map(str::to_owned).to_vec();
        let why = Columns::find(&first, Some("when"), None).expect_err("two candidates").to_string();
        assert!(why.contains("when, in, out") && why.contains("--value-column"), "{why}");
    }
}
