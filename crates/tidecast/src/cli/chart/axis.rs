//! The axes of a chart: round numbers upward, civil time to the right.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};

use crate::cli::terminal::Terminal;

/// The least round number that is not below `most`, such that its quarters are round too.
pub(crate) fn nice_top(most: f64) -> f64 {
    if most <= 0.0 || !most.is_finite() {
        return 1.0;
    }
    let decade = 10f64.powf(most.log10().floor());
    let steps = [1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.4, 2.8, 3.2, 3.6, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * decade).find(|top| *top >= most * 0.999).unwrap_or(10.0 * decade)
}

/// The label of a row, of five from 0 to the top; empty for rows between.
pub(super) fn label_of_row(row: usize, rows: usize, labels: &[String]) -> String {
    let last = rows.saturating_sub(1).max(1);
    let quarter = (0..labels.len()).find(|i| (last * i + 2) / 4 == last - row);
    quarter.map(|i| labels[i].clone()).unwrap_or_default()
}

/// How far apart ticks may be, and how their times are written.
#[derive(Clone, Copy)]
enum Stride {
    Minutes(i64),
    Days(i64),
    Months(i64),
}

const STRIDES: [Stride; 17] = [
    Stride::Minutes(5),
    Stride::Minutes(15),
    Stride::Minutes(30),
    Stride::Minutes(60),
    Stride::Minutes(120),
    Stride::Minutes(180),
    Stride::Minutes(360),
    Stride::Minutes(720),
    Stride::Days(1),
    Stride::Days(2),
    Stride::Days(7),
    Stride::Days(14),
    Stride::Months(1),
    Stride::Months(2),
    Stride::Months(3),
    Stride::Months(6),
    Stride::Months(12),
];

impl Stride {
    fn seconds(self) -> i64 {
        match self {
            Self::Minutes(n) => 60 * n,
            Self::Days(n) => 86_400 * n,
            Self::Months(n) => 30 * 86_400 * n,
        }
    }

    /// Columns that a label with the space after it needs.
    fn label_width(self) -> usize {
        if matches!(self, Self::Months(_)) { 10 } else { 8 }
    }

    fn span(self) -> Span {
        match self {
            Self::Minutes(n) => n.minutes(),
            Self::Days(n) => n.days(),
            Self::Months(n) => n.months(),
        }
    }

    fn label(self, time: &Zoned) -> String {
        match self {
            Self::Minutes(_) if time.time() != Time::midnight() => time.strftime("%H:%M").to_string(),
            Self::Months(_) => time.strftime("%b %Y").to_string(),
            Self::Days(n) if n >= 7 => time.strftime("%d %b").to_string(),
            _ => time.strftime("%a %d").to_string(),
        }
    }

    /// The last tick not after the civil time of `from`.
    fn before(self, from: DateTime) -> DateTime {
        let midnight = from.date().to_datetime(Time::midnight());
        match self {
            Self::Minutes(_) => midnight,
            Self::Days(n) if n >= 7 => {
                let back = i64::from(from.date().weekday().to_monday_zero_offset());
                midnight.saturating_sub(back.days())
            }
            Self::Days(_) => midnight,
            Self::Months(_) => from.date().first_of_year().to_datetime(Time::midnight()),
        }
    }
}

/// The axis below a chart with its ticks, their civil times, and the zone they are of.
pub(super) fn time_axis(
    from: Timestamp,
    until: Timestamp,
    zone: &TimeZone,
    columns: usize,
    gutter: usize,
    terminal: &Terminal,
) -> String {
    let ticks = ticks(from, until, zone, columns);
    let (corner, flat, tick) = if terminal.unicode { ('└', '─', '┬') } else { ('+', '-', '+') };
    let mut line = vec![flat; columns];
    let mut labels = vec![' '; columns];
    for (column, label) in ticks {
        line[column] = tick;
        label.chars().enumerate().for_each(|(i, c)| labels[column + i] = c);
    }
    let (line, labels): (String, String) = (line.into_iter().collect(), labels.into_iter().collect());
    let pad = " ".repeat(gutter + 1);
    let [span, place] = span_in_words(from, until, zone);
    let fits = span.len() + place.len() + 2 <= columns;
    let words = if fits { format!("{span}, {place}") } else { format!("{span},\n{pad} {place}") };
    format!("{pad}{corner}{line}\n{pad} {}\n{pad} {words}\n", labels.trim_end())
}

/// Columns and labels of the ticks: as many as can be read.
pub(crate) fn ticks(
    from: Timestamp,
    until: Timestamp,
    zone: &TimeZone,
    columns: usize,
) -> Vec<(usize, String)> {
    let seconds = until.as_second() - from.as_second();
    let room = |stride: &Stride| seconds / stride.seconds() < (columns / stride.label_width()) as i64;
    let stride = STRIDES.into_iter().find(room).unwrap_or(STRIDES[STRIDES.len() - 1]);
    let mut civil = stride.before(zone.to_datetime(from));
    let mut ticks = Vec::new();
    let mut free_from = 0;
    while let Some(at) = zone.to_zoned(civil).ok().filter(|at| at.timestamp() < until) {
        let since = at.timestamp().as_second() - from.as_second();
        let column = (since * columns as i64).div_euclid(seconds.max(1)) as usize;
        let label = stride.label(&at);
        if since >= 0 && column >= free_from && column + label.len() <= columns {
            ticks.push((column, label));
            free_from = column + stride.label_width() - 1;
        }
        let Ok(next) = civil.checked_add(stride.span()) else { break };
        civil = next;
    }
    ticks
}

fn span_in_words(from: Timestamp, until: Timestamp, zone: &TimeZone) -> [String; 2] {
    let (first, last) = (from.to_zoned(zone.clone()), until.to_zoned(zone.clone()));
    let minute = |time: &Zoned| time.strftime("%Y-%m-%d %H:%M").to_string();
    let offset = |time: &Zoned| time.strftime("%:z").to_string();
    let offsets = if offset(&first) == offset(&last) {
        offset(&first)
    } else {
        format!("{}, then {}", offset(&first), offset(&last))
    };
    let name = zone.iana_name().unwrap_or("UTC");
    [format!("{} to {}", minute(&first), minute(&last)), format!("{name} ({offsets})")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tops_a_chart_with_a_round_number() {
        for (most, top) in [(0.0, 1.0), (0.58, 0.6), (99.9, 100.0), (101.0, 120.0), (1890.0, 2000.0)] {
            assert!((nice_top(most) - top).abs() < 1e-9 * top, "{most}: {}", nice_top(most));
        }
    }

    #[test] // A14
    fn puts_ticks_at_civil_times_across_a_change_of_clocks() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let from = "2026-03-28T23:00:00Z".parse().unwrap();
        let until = "2026-03-29T22:00:00Z".parse().unwrap();
        let labels: Vec<String> = ticks(from, until, &zone, 72).into_iter().map(|(_, l)| l).collect();
        assert_eq!(labels, ["Sun 29", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]);
        assert_eq!(span_in_words(from, until, &zone)[1], "Europe/Berlin (+01:00, then +02:00)");
    }

    #[test]
    fn never_lets_labels_touch() {
        for hours in [1, 5, 24, 100, 700, 5_000, 40_000] {
            let until = Timestamp::from_second(3_600 * hours).unwrap();
            let ticks = ticks(Timestamp::UNIX_EPOCH, until, &TimeZone::UTC, 70);
            assert!(ticks.len() >= 2, "{hours} h: {ticks:?}");
            for pair in ticks.windows(2) {
                assert!(pair[1].0 > pair[0].0 + pair[0].1.len(), "{hours} h: {ticks:?}");
            }
        }
    }
}
