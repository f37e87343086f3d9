//! What simulations have shown: a table and a chart for people, lines of JSON or CSV for programs.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use serde::Serialize;
use tidecast_forecast::{Grid, Series};
use tidecast_world::{DAY, Run, Scorecard, Timeline};

use super::{Played, Setting};
use crate::cli::Context;
use crate::cli::chart::{Chart, Ink};
use crate::cli::figures::{brief, fixed, percent, significant, span};
use crate::cli::table::{Format, Sheet};
use crate::cli::terminal::{Paint, Terminal};

/// A scorecard as programs get it; version 1 of the schema.
#[derive(Serialize)]
struct Record<'a> {
    version: u8,
    file: String,
    policy: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_level: Option<f64>,
    start_s: usize,
    throughput_per_min: f64,
    violated_requests: f64,
    violated_time: f64,
    cost: f64,
    overprovision: f64,
    utilisation: f64,
    ups_per_day: f64,
    downs_per_day: f64,
    server_hours: f64,
}

/// Days that a chart shows.
const CHART_DAYS: usize = 3;

pub(super) fn print(played: &[Played], zone: &TimeZone, context: &mut Context) -> io::Result<()> {
    match context.format {
        Format::Table => tables(played, zone, context),
        Format::Json => lines(played, context.out),
        Format::Csv => sheet(played).print_csv(context.out),
    }
}

/// `minute,demand,ready,total` for every minute.
pub(super) fn timeline(timeline: &Timeline, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "minute,demand,ready,total")?;
    let start = timeline.start.as_second();
    for (i, demand) in timeline.demand.iter().enumerate() {
        let minute = jiff::Timestamp::from_second(start + 60 * i as i64).map_err(io::Error::other)?;
        writeln!(out, "{minute},{demand},{},{}", timeline.ready[i], timeline.total[i])?;
    }
    Ok(())
}

fn lines(played: &[Played], out: &mut dyn Write) -> io::Result<()> {
    for record in played.iter().flat_map(records) {
        serde_json::to_writer(&mut *out, &record)?;
        writeln!(out)?;
    }
    Ok(())
}

fn records<'a>(played: &'a Played) -> impl Iterator<Item = Record<'a>> {
    let level = |i: usize| played.levels.map(|levels| levels[i]);
    played.runs.iter().enumerate().map(move |(i, run)| record(played.setting, level(i), run))
}

fn record<'a>(setting: &Setting, service_level: Option<f64>, run: &'a Run) -> Record<'a> {
    let Scorecard { violated_requests, violated_time, cost, overprovision, utilisation, .. } = run.scorecard;
    let Scorecard { ups_per_day, downs_per_day, server_hours, .. } = run.scorecard;
    Record {
        version: 1,
        file: setting.file.display().to_string(),
        policy: run.policy.name(),
        service_level,
        start_s: 60 * setting.setup.start_min,
        throughput_per_min: setting.setup.throughput,
        violated_requests: significant(violated_requests),
        violated_time: significant(violated_time),
        cost: significant(cost),
        overprovision: significant(overprovision),
        utilisation: significant(utilisation),
        ups_per_day: significant(ups_per_day),
        downs_per_day: significant(downs_per_day),
        server_hours: significant(server_hours),
    }
}

fn sheet(played: &[Played]) -> Sheet {
    let columns = [
        "file",
        "policy",
        "service_level",
        "start_s",
        "throughput_per_min",
        "violated_requests",
        "violated_time",
        "cost",
        "overprovision",
        "utilisation",
        "ups_per_day",
        "downs_per_day",
        "server_hours",
    ];
    let mut sheet = Sheet::new(2, columns);
    for r in played.iter().flat_map(records) {
        let level = r.service_level.map(|level| level.to_string()).unwrap_or_default();
        let mut row = vec![r.file, r.policy.to_owned(), level, r.start_s.to_string()];
        let figures = [
            r.throughput_per_min,
            r.violated_requests,
            r.violated_time,
            r.cost,
            r.overprovision,
            r.utilisation,
            r.ups_per_day,
            r.downs_per_day,
            r.server_hours,
        ];
        row.extend(figures.map(|figure| figure.to_string()));
        sheet.push(row);
    }
    sheet
}

fn tables(played: &[Played], zone: &TimeZone, context: &mut Context) -> io::Result<()> {
    for (i, one) in played.iter().enumerate() {
        if i > 0 {
            writeln!(context.out)?;
        }
        let file = one.setting.file.display().to_string();
        writeln!(context.out, "{}", Paint::Bold.on(context.terminal.colour, &context.terminal.plain(&file)))?;
        writeln!(context.out, "{}", context.terminal.plain(&circumstances(one.setting, zone)))?;
        table(one).print(&context.terminal, context.out)?;
        if played.len() == 1 && one.levels.is_none() {
            writeln!(context.out)?;
            context.out.write_all(chart(one, zone, &context.terminal).as_bytes())?;
        }
    }
    Ok(())
}

pub(super) fn circumstances(setting: &Setting, zone: &TimeZone) -> String {
    let from = setting.trace.at(setting.setup.score_from).to_zoned(zone.clone());
    format!(
        "{:.1} days from {} on, start-up {}, {} a minute each{}",
        setting.days(),
        from.strftime("%Y-%m-%d %H:%M"),
        span(60 * setting.setup.start_min as i64),
        brief(setting.setup.throughput),
        if setting.derived { " (derived)" } else { "" },
    )
}

pub(super) fn table(played: &Played) -> Sheet {
    let first = if played.levels.is_some() { "level" } else { "policy" };
    let columns = [first, "short", "minutes", "cost", "idle", "used", "ups/day", "downs/day", "server-h"];
    let mut sheet = Sheet::new(1, columns);
    for (i, run) in played.runs.iter().enumerate() {
        let card = &run.scorecard;
        sheet.push(vec![
            played.levels.map_or_else(|| run.policy.name().to_owned(), |levels| levels[i].to_string()),
            percent(Some(card.violated_requests), 3),
            percent(Some(card.violated_time), 2),
            fixed(Some(card.cost), 3),
            percent(Some(card.overprovision), 0),
            percent(Some(card.utilisation), 0),
            fixed(Some(card.ups_per_day), 0),
            fixed(Some(card.downs_per_day), 0),
            fixed(Some(card.server_hours), 0),
        ]);
    }
    sheet
}

/// Demand under the capacity of tidecast, else of the first policy, over the last days.
fn chart(played: &Played, zone: &TimeZone, terminal: &Terminal) -> String {
    let Some(run) = played.runs.iter().find(|run| run.policy.name() == "tidecast").or(played.runs.first())
    else {
        return String::new();
    };
    let timeline = &run.timeline;
    let from = timeline.minutes().saturating_sub(CHART_DAYS * DAY);
    let shown = timeline.since(from);
    let grid = Grid::new(shown.start, 60, shown.minutes());
    let capacity = shown.ready.iter().map(|ready| f64::from(*ready) * shown.throughput).collect();
    let name = format!("capacity under {}", run.policy.name());
    Chart::new(grid.start, grid.end(), zone, 10)
        .steps(Ink::Capacity, name, &Series::new(grid, capacity))
        .line(Ink::Measured, "demand a minute", &Series::new(grid, shown.demand.clone()))
        .draw(terminal)
}
