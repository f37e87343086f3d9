//! `tidecast models`, and models by name for the other commands.

use std::io;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;
use tidecast::foreign::Foreign;
use tidecast_forecast::{InCivilTime, Leads, Model, models};

use super::Context;
use super::exit::{Exit, Outcome, Stop};
use super::table::{Format, Sheet};
use super::terminal::{Paint, Terminal};

/// The models there are; with a name, its manual page
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast models
  tidecast models clusters
  tidecast backtest requests.csv --model clusters,last_week")]
pub(crate) struct Models {
    /// The model whose page to print
    name: Option<String>,
}

impl Models {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        match self.name {
            None => list(context)?,
            Some(name) => page(&name, context)?,
        }
        Ok(Exit::Done)
    }
}

fn list(context: &mut Context) -> io::Result<()> {
    let mut sheet = Sheet::new(2, ["model", "what it is"]);
    models::NAMES.iter().for_each(|name| sheet.push(vec![(*name).to_owned(), summary(name)]));
    match context.format {
        Format::Table => sheet.print(&context.terminal, context.out),
        Format::Csv => sheet.print_csv(context.out),
        Format::Json => models::NAMES.iter().try_for_each(|name| {
            let default = *name == models::NAMES[0];
            writeln!(
                context.out,
                "{}",
                json!({ "version": 1, "model": name, "says": summary(name), "default": default })
            )
        }),
    }
}

fn page(name: &str, context: &mut Context) -> Result<(), Stop> {
    let page = models::manual(name).ok_or_else(|| unknown(name))?;
    match context.format {
        Format::Json => writeln!(context.out, "{}", json!({ "version": 1, "model": name, "page": page }))?,
        _ => page.lines().try_for_each(|line| writeln!(context.out, "{}", shown(line, &context.terminal)))?,
    }
    Ok(())
}

/// The first sentence of a model's page, on one line.
fn summary(name: &str) -> String {
    let page = models::manual(name).unwrap_or_default();
    let paragraph = page.lines().take_while(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" ");
    let sentence = paragraph.split_inclusive(". ").next().unwrap_or_default().trim();
    sentence.replace(['[', ']', '`'], "")
}

fn shown(line: &str, terminal: &Terminal) -> String {
    let line = terminal.plain(line);
    match line.strip_prefix("# ") {
        Some(heading) => Paint::Bold.on(terminal.colour, heading),
        None => line,
    }
}

/// The models that were asked for, each once; `all` is all that are built in. An address is a foreign model.
pub(crate) fn names(asked: &[String]) -> Result<Vec<String>, Stop> {
    if asked.iter().any(|name| name == "all") {
        return Ok(models::NAMES.map(str::to_owned).to_vec());
    }
    let mut found: Vec<String> = Vec::new();
    for name in asked {
        if !is_address(name) && !models::NAMES.contains(&name.as_str()) {
            return Err(unknown(name));
        }
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    Ok(found)
}

fn is_address(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

/// The model of this name, for these leads, on the clock of this zone.
pub(crate) fn named(name: &str, leads: Leads, zone: &TimeZone) -> Result<Box<dyn Model>, Stop> {
    if is_address(name) {
        let foreign = Foreign::at(name).map_err(|why| Stop::unusable(format!("--model: {why}")))?;
        return Ok(Box::new(foreign));
    }
    let model = models::named(name, leads).ok_or_else(|| unknown(name))?;
    let civil = zone.iana_name() != Some("UTC");
    Ok(if civil { Box::new(InCivilTime::new(model, zone.clone())) } else { model })
}

fn unknown(name: &str) -> Stop {
    Stop::unusable(format!(
        "there is no model {name:?}; there are {}, and foreign ones by their address, http://…",
        models::NAMES.join(", ")
    ))
    .help("tidecast models lists what each is good for")
}
