//! What backtests have shown: tables for people, lines of JSON or CSV for programs.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tidecast_forecast::{Measures, Row, SCORED_LEVELS, geometric_mean};

use super::Result;
use crate::cli::Context;
use crate::cli::figures::{fixed, percent, significant, span};
use crate::cli::table::{Format, Sheet};
use crate::cli::terminal::Paint;

/// A backtest as programs get it; version 1 of the schema.
#[derive(Serialize)]
struct Record<'a> {
    version: u8,
    file: String,
    step_s: i64,
    origins: usize,
    model: &'a str,
    fit_ms: f64,
    forecast_us: f64,
    leads: Vec<Lead>,
}

#[derive(Serialize)]
struct Lead {
    lead_s: i64,
    n: usize,
    wape: Option<f64>,
    bias: Option<f64>,
    mase: Option<f64>,
    rel_wape: Option<f64>,
    wql: Value,
    coverage: Value,
}

pub(super) fn print(results: &[Result], context: &mut Context) -> io::Result<()> {
    match context.format {
        Format::Table => tables(results, context),
        Format::Json => lines(results, context.out),
        Format::Csv => sheet(results).print_csv(context.out),
    }
}

/// Every forecast as a line.
pub(super) fn forecasts(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", Row::HEADER)?;
    rows.iter().try_for_each(|row| writeln!(out, "{row}"))
}

fn lines(results: &[Result], out: &mut dyn Write) -> io::Result<()> {
    for result in results {
        serde_json::to_writer(&mut *out, &record(result))?;
        writeln!(out)?;
    }
    Ok(())
}

fn record(result: &Result) -> Record<'_> {
    let judged = &result.judged;
    Record {
        version: 1,
        file: result.file.display().to_string(),
        step_s: result.step_s,
        origins: judged.origins,
        model: &judged.model,
        fit_ms: significant(1e3 * judged.fit.as_secs_f64()),
        forecast_us: significant(1e6 * judged.turn().as_secs_f64()),
        leads: judged.leads.iter().map(lead).collect(),
    }
}

fn lead(measures: &Measures) -> Lead {
    let rounded = |value: Option<f64>| value.map(significant);
    Lead {
        lead_s: measures.lead_s,
        n: measures.n,
        wape: rounded(measures.wape),
        bias: rounded(measures.bias),
        mase: rounded(measures.mase),
        rel_wape: rounded(measures.rel_wape),
        wql: by_level(&measures.wql.0),
        coverage: by_level(&measures.coverage.0),
    }
}

fn by_level(values: &[Option<f64>]) -> Value {
    let pairs = SCORED_LEVELS.iter().zip(values);
    Value::Object(
        pairs.map(|(level, value)| (level.to_string(), json!(value.map(significant)))).collect::<Map<_, _>>(),
    )
}

/// All measures, a row for each file, model and lead.
fn sheet(results: &[Result]) -> Sheet {
    let columns = [
        "file",
        "model",
        "step_s",
        "origins",
        "fit_ms",
        "forecast_us",
        "lead_s",
        "n",
        "missing",
        "wape",
        "bias",
        "mase",
        "rel_wape",
        "wql_0.5",
        "wql_0.9",
        "wql_0.95",
        "wql_0.99",
        "rel_wql_0.5",
        "rel_wql_0.9",
        "rel_wql_0.95",
        "rel_wql_0.99",
        "coverage_0.5",
        "coverage_0.9",
        "coverage_0.95",
        "coverage_0.99",
    ];
    let mut sheet = Sheet::new(2, columns);
    let cell = |value: &Option<f64>| value.map(|v| significant(v).to_string()).unwrap_or_default();
    for result in results {
        let record = record(result);
        for m in &result.judged.leads {
            let mut row = vec![record.file.clone(), record.model.to_owned(), record.step_s.to_string()];
            row.extend([
                record.origins.to_string(),
                record.fit_ms.to_string(),
                record.forecast_us.to_string(),
            ]);
            row.extend([m.lead_s.to_string(), m.n.to_string(), m.missing.to_string()]);
            row.extend([m.wape, m.bias, m.mase, m.rel_wape].iter().map(cell));
            row.extend([m.wql, m.rel_wql, m.coverage].iter().flat_map(|levels| levels.0.iter().map(cell)));
            sheet.push(row);
        }
    }
    sheet
}

fn tables(results: &[Result], context: &mut Context) -> io::Result<()> {
    let colour = context.terminal.colour;
    for file in results.chunk_by(|a, b| a.file == b.file) {
        let head = heading(&file[0].file, &file[0]);
        writeln!(context.out, "{}", Paint::Bold.on(colour, &head))?;
        table(file).print(&context.terminal, context.out)?;
        writeln!(context.out)?;
    }
    let files = results.chunk_by(|a, b| a.file == b.file).count();
    if files > 1 {
        let head =
            format!("over {files} files: geometric mean of the error relative to last week's, mean MASE");
        writeln!(context.out, "{}", Paint::Bold.on(colour, &head))?;
        summary(results).print(&context.terminal, context.out)?;
    }
    Ok(())
}

fn heading(file: &Path, result: &Result) -> String {
    let judged = &result.judged;
    let seconds = judged.window.step_s * judged.window.len as i64;
    format!(
        "{}: judged on the last {}, {} origins in steps of {}",
        file.display(),
        span(seconds),
        judged.origins,
        span(result.step_s)
    )
}

fn table(results: &[Result]) -> Sheet {
    let columns =
        ["model", "lead", "WAPE", "bias", "MASE", "/naive", "wQL.9", "in .9", "in .99", "fit", "turn"];
    let mut sheet = Sheet::new(1, columns);
    for result in results {
        for (i, m) in result.judged.leads.iter().enumerate() {
            let first = |text: String| if i == 0 { text } else { String::new() };
            sheet.push(vec![
                first(result.judged.model.clone()),
                span(m.lead_s),
                percent(m.wape, 1),
                percent(m.bias, 1),
                fixed(m.mase, 2),
                fixed(m.rel_wape, 3),
                fixed(m.wql.0[1], 3),
                percent(m.coverage.0[1], 1),
                percent(m.coverage.0[3], 1),
                first(duration(result.judged.fit.as_secs_f64())),
                first(duration(result.judged.turn().as_secs_f64())),
            ]);
        }
    }
    sheet
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 9.95 => format!("{s:.0}s"),
        s if s >= 0.995 => format!("{s:.1}s"),
        s if s >= 9.95e-4 => format!("{:.0}ms", 1e3 * s),
        s => format!("{:.0}us", 1e6 * s),
    }
}

/// A row for each model and lead, over all files.
fn summary(results: &[Result]) -> Sheet {
    let mut keys: Vec<(&str, i64)> = Vec::new();
    for result in results {
        for lead in &result.judged.leads {
            let key = (result.judged.model.as_str(), nominal(lead.lead_s));
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys.sort_by_key(|(model, _)| results.iter().position(|r| r.judged.model == *model));
    let mut sheet =
        Sheet::new(1, ["model", "lead", "files", "/naive", "MASE", "wQL .9 /naive", "wQL .99 /naive"]);
    for (model, lead_s) in keys {
        let of_model = results.iter().filter(|result| result.judged.model == model);
        let all =
            of_model.flat_map(|result| result.judged.leads.iter()).filter(|m| nominal(m.lead_s) == lead_s);
        let all: Vec<&Measures> = all.collect();
        let mases: Vec<f64> = all.iter().filter_map(|m| m.mase).collect();
        let mase = (!mases.is_empty()).then(|| mases.iter().sum::<f64>() / mases.len() as f64);
        sheet.push(vec![
            model.to_owned(),
            span(lead_s),
            all.len().to_string(),
            fixed(geometric_mean(all.iter().map(|m| m.rel_wape)), 3),
            fixed(mase, 2),
            fixed(geometric_mean(all.iter().map(|m| m.rel_wql.0[1])), 3),
            fixed(geometric_mean(all.iter().map(|m| m.rel_wql.0[3])), 3),
        ]);
    }
    sheet
}

/// The lead of the protocol that one in whole steps stands for: 10 minutes stand for 15.
fn nominal(lead_s: i64) -> i64 {
    [900, 3_600, 86_400].into_iter().find(|lead| lead_s <= *lead).unwrap_or(lead_s)
}
