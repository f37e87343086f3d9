//! A forecast in print: a chart and a table for people, JSON or CSV for programs.

use std::io;
use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tidecast_forecast::{Forecast, LEVELS, Series};
use tidecast_pilot::Planned;

use super::Spoken;
use crate::cli::Context;
use crate::cli::capacity::{self, Fleet, Shown};
use crate::cli::chart::{Chart, Ink};
use crate::cli::figures::{brief, significant};
use crate::cli::table::{Format, Sheet};
use crate::cli::terminal::Paint;

/// The band that charts show.
pub(super) const BAND: (f64, f64) = (0.1, 0.9);
/// Quantiles in the table.
const COLUMNS: [f64; 5] = [0.1, 0.5, 0.9, 0.99, 0.999];
/// Rows in the table.
const ROWS: usize = 12;
/// Steps of a plan in print.
const STEPS: usize = 24;

/// All that is printed.
pub(super) struct Page<'a> {
    pub file: &'a Path,
    pub spoken: &'a Spoken,
    pub plan: Option<(Fleet, Planned)>,
    pub zone: &'a TimeZone,
    pub show_s: i64,
}

pub(super) fn print(page: &Page, context: &mut Context) -> io::Result<()> {
    match context.format {
        Format::Table => for_people(page, context),
        Format::Json => {
            serde_json::to_writer(&mut *context.out, &record(page))?;
            writeln!(context.out)
        }
        Format::Csv => sheet(&page.spoken.expected).print_csv(context.out),
    }
}

fn for_people(page: &Page, context: &mut Context) -> io::Result<()> {
    let (out, terminal) = (&mut *context.out, &context.terminal);
    for line in facts(page.file, page.spoken) {
        writeln!(out, "{}", terminal.plain(&line))?;
    }
    writeln!(out)?;
    out.write_all(chart(page.spoken, page.zone, page.show_s, 12).draw(terminal).as_bytes())?;
    writeln!(out)?;
    let head = format!("demand that will not be exceeded, in {}", page.zone.iana_name().unwrap_or("UTC"));
    writeln!(out, "{}", Paint::Bold.on(terminal.colour, &head))?;
    table(&page.spoken.expected, page.zone).print(terminal, out)?;
    if let Some((fleet, plan)) = &page.plan {
        let head = format!("plan: {}", capacity::circumstances(fleet));
        writeln!(out, "\n{}", Paint::Bold.on(terminal.colour, &terminal.plain(&head)))?;
        capacity::print(plan, Shown::First(STEPS), page.zone, context)?;
    }
    Ok(())
}

/// What there is to say in sentences: what is there, what repeats, what was left out, who speaks.
fn facts(file: &Path, spoken: &Spoken) -> Vec<String> {
    let mean = brief(spoken.gathered.series.mean().unwrap_or(f64::NAN));
    let mut facts = vec![format!("{}: mean {mean}", file.display())];
    facts.extend(spoken.readiness.sentences());
    facts.extend(voice(spoken));
    facts
}

fn voice(spoken: &Spoken) -> Vec<String> {
    let expected = &spoken.expected;
    let spoke = format!("model: {}", expected.model);
    std::iter::once(spoke).chain(expected.fallback.iter().map(|why| format!("fallback: {why}"))).collect()
}

/// The chart of the last part of the history and of the forecast.
pub(crate) fn chart(spoken: &Spoken, zone: &TimeZone, show_s: i64, rows: usize) -> Chart {
    let series = &spoken.gathered.series;
    let shown = ((show_s / series.grid().step_s).max(1) as usize).min(series.len());
    let past: Series = series.slice(series.len() - shown, series.len());
    Chart::new(past.grid().start, spoken.expected.grid().end(), zone, rows)
        .line(Ink::Measured, "measured", &past)
        .forecast(&spoken.expected, BAND)
}

/// A few steps, with the quantiles that one sizes by.
pub(super) fn table(expected: &Forecast, zone: &TimeZone) -> Sheet {
    let mut sheet = Sheet::new(1, ["from", "10 %", "median", "90 %", "99 %", "99.9 %"]);
    let every = expected.grid().len.div_ceil(ROWS).max(1);
    for (time, fan) in expected.grid().times().zip(expected.fans()).step_by(every) {
        let mut row = vec![time.to_zoned(zone.clone()).strftime("%a %d %b %H:%M").to_string()];
        row.extend(COLUMNS.map(|level| brief(fan.at(level))));
        sheet.push(row);
    }
    sheet
}

/// Every step with every level.
pub(super) fn sheet(expected: &Forecast) -> Sheet {
    let mut columns = vec!["time", "mean"];
    columns.extend(LEVEL_NAMES);
    let mut sheet = Sheet::new(1, columns);
    for (time, fan) in expected.grid().times().zip(expected.fans()) {
        let mut row = vec![time.to_string(), significant(fan.point).to_string()];
        row.extend(fan.quantiles().map(|q| significant(q).to_string()));
        sheet.push(row);
    }
    sheet
}

/// [`LEVELS`] as columns are called.
const LEVEL_NAMES: [&str; LEVELS.len()] = [
    "q0.01", "q0.05", "q0.1", "q0.25", "q0.5", "q0.7", "q0.75", "q0.8", "q0.9", "q0.95", "q0.975", "q0.98",
    "q0.99", "q0.995", "q0.998", "q0.999", "q0.9995",
];

fn record(page: &Page) -> Value {
    let Page { file, spoken, plan, zone, .. } = page;
    let (series, expected) = (&spoken.gathered.series, &spoken.expected);
    let (grid, ahead) = (series.grid(), expected.grid());
    let points = ahead.times().zip(expected.fans()).map(|(time, fan)| {
        let quantiles = LEVELS.iter().zip(fan.quantiles());
        let quantiles = quantiles.map(|(level, q)| (level.to_string(), json!(significant(q))));
        json!({ "time": time, "mean": significant(fan.point), "quantiles": quantiles.collect::<Map<_, _>>() })
    });
    json!({
        "version": 1,
        "file": file.display().to_string(),
        "zone": zone.iana_name(),
        "step_s": grid.step_s,
        "history": {
            "from": grid.start,
            "to": grid.end(),
            "points": series.len(),
            "measured": series.measured(),
            "repairs": spoken.gathered.repairs,
        },
        "readiness": spoken.readiness,
        "model": expected.model,
        "fallback": expected.fallback,
        "forecast": points.collect::<Vec<_>>(),
        "plan": plan.as_ref().map(|(_, plan)| capacity::record(plan, zone)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_level() {
        for (level, name) in LEVELS.iter().zip(LEVEL_NAMES) {
            assert_eq!(format!("q{level}"), name);
        }
    }
}
