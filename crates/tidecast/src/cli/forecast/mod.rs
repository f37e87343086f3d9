//! `tidecast forecast`: what comes next, as a distribution.

mod print;
mod served;

use print::Page;
pub(crate) use print::chart;

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;
use tidecast_forecast::models::willing;
use tidecast_forecast::{
    DAY_S, Fitted, Forecast as Expected, Gathered, Leads, Readiness, Series, WEEK_S, readiness, repair,
};

use super::Context;
use super::capacity::{Servers, planned};
use super::client::At;
use super::exit::{Exit, Outcome, Stop};
use super::figures::span;
use super::input::Input;
use super::models::{named, names};
use super::units::duration;

/// What comes next, as a distribution: a chart and numbers; with --throughput also a plan of capacity
///
/// Learns from the last 20 weeks of the history and forecasts from its end. Says what was odd in the data, which model spoke, and
/// what stood in when it could not. Steps shorter than 5 minutes are averaged.
///
/// With the name of a workload in place of a file: the forecast that a running service uses for it, and what is planned.
#[derive(Debug, Args)]
#[command(after_help = "How to read it:
  The median is as likely too high as too low. Demand stays at or below the 90 % column nine times out of ten:
  size for the column whose risk you accept. -o csv and -o json have every step and every quantile.

Examples:
  tidecast forecast requests.csv --zone Europe/Berlin
  tidecast forecast requests.csv --horizon 6h --model last_week
  tidecast forecast requests.csv --throughput 40/min --start-time 5m --service-level 0.999
  zcat access.csv.gz | tidecast forecast - --time-column when --value-column rps
  tidecast forecast requests.csv -o csv > forecast.csv
  tidecast forecast shop/checkout --hours 6")]
pub(crate) struct Forecast {
    #[arg(value_name = "FILE|WORKLOAD", help = FILE_OR_WORKLOAD)]
    file: PathBuf,
    /// How far ahead
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    horizon: i64,
    /// The same in hours
    #[arg(long, value_name = "HOURS", conflicts_with = "horizon", value_parser = clap::value_parser!(u16).range(1..=672))]
    hours: Option<u16>,
    /// How much of the history the chart shows [default: twice the horizon, at least two days]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    show: Option<i64>,
    /// The model; see tidecast models, or the address of a foreign one [default: what the service would use]
    #[arg(short, long, value_name = "NAME", default_value = "ensemble", hide_default_value = true)]
    model: String,
    #[command(flatten)]
    servers: Servers,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    at: At,
}

/// What `--help` says about the first argument.
const FILE_OR_WORKLOAD: &str = "CSV with a time and a value in each row: plain or gzip, - for standard input. \
    Times are ISO 8601 (2026-03-01T14:05:00Z, +01:00, or without a zone: see --zone) or epoch seconds or milliseconds. \
    What is no file is the name of a workload that a running service has in its care.";

/// The farthest that a forecast may reach: four weeks.
const HORIZON_MAX_S: i64 = 28 * DAY_S;

/// How much history is learned from: 20 weeks.
const LEARNED_S: i64 = 20 * WEEK_S;

/// A history and what is expected to follow.
pub(crate) struct Spoken {
    pub gathered: Gathered,
    /// How fit it is to be forecast from.
    pub readiness: Readiness,
    pub expected: Expected,
}

impl Forecast {
    pub(super) fn run(mut self, context: &mut Context) -> Outcome {
        self.horizon = self.hours.map_or(self.horizon, |hours| 3_600 * i64::from(hours));
        if let Some(workload) = self.workload() {
            return self.of_workload(&workload, context);
        }
        if self.horizon > HORIZON_MAX_S {
            let far = span(self.horizon);
            return Err(Stop::unusable(format!(
                "--horizon {far} is too far; at most {}",
                span(HORIZON_MAX_S)
            )));
        }
        names(std::slice::from_ref(&self.model))?;
        let gathered = self.input.series(&self.file, 300, &context.terminal)?;
        let spoken = speak(gathered, &self.model, self.horizon, &self.input.zone)?;
        let zone = &self.input.zone;
        let fleet = self.servers.fleet(spoken.gathered.native_step_s);
        let plan = fleet.map(|fleet| planned(&spoken, &fleet, zone).map(|plan| (fleet, plan))).transpose()?;
        let show_s = self.show.unwrap_or((2 * self.horizon).max(2 * DAY_S));
        print::print(&Page { file: &self.file, spoken: &spoken, plan, zone, show_s }, context)?;
        Ok(Exit::Done)
    }

    /// The workload that is meant, if it is no file: none is there, and it is not called like one.
    fn workload(&self) -> Option<String> {
        let name = self.file.to_str()?;
        let called_like_a_file = [".csv", ".gz", ".tsv", ".txt"].iter().any(|end| name.ends_with(end));
        (name != "-" && !called_like_a_file && !self.file.exists()).then(|| name.to_owned())
    }

    fn of_workload(&self, workload: &str, context: &mut Context) -> Outcome {
        if self.model != "ensemble" || self.servers.are_given() {
            let why = format!(
                "there is no file {workload}, and a service forecasts and plans by its configuration"
            );
            return Err(Stop::unusable(why).help("leave --model and --throughput away, or name a file"));
        }
        let show_s = self.show.unwrap_or(self.horizon.max(DAY_S / 4));
        let zone = self.input.zone.clone();
        served::run(workload, &self.at, &served::Wanted { horizon_s: self.horizon, show_s, zone }, context)
    }
}

/// The forecast of a history, by the model asked for or by what stands in for it. Outages, spikes and unusual days
/// are not learned from, and the time of day is that of the zone.
pub(crate) fn speak(
    gathered: Gathered,
    model: &str,
    horizon_s: i64,
    zone: &TimeZone,
) -> Result<Spoken, Stop> {
    let readiness = readiness(&gathered.series);
    let learned = newest(&repair(&gathered.series).series);
    let steps = (horizon_s / learned.grid().step_s).max(1) as usize;
    let (fitted, fallback) = fit(&learned, model, zone)?;
    let mut expected = fitted.forecast(&learned, learned.grid().after(steps));
    expected.fallback = fallback.or(expected.fallback);
    Ok(Spoken { gathered, readiness, expected })
}

/// Where the fan is learned; in between it is interpolated.
fn leads() -> Leads {
    let minutes = [5, 15, 30, 60, 120, 180, 240, 360, 480, 720, 1_080, 1_440, 2_880];
    Leads::exactly(minutes.map(|minutes| 60 * minutes))
}

/// The part that is learned from: in every model, what is older weighs next to nothing.
fn newest(series: &Series) -> Series {
    let points = series.grid().steps_in(LEARNED_S);
    series.slice(series.len().saturating_sub(points), series.len())
}

fn fit(series: &Series, model: &str, zone: &TimeZone) -> Result<(Box<dyn Fitted>, Option<String>), Stop> {
    let asked = named(model, leads(), zone)?;
    match asked.fit(series) {
        Ok(fitted) => Ok((fitted, None)),
        Err(why) => {
            let stands_in = willing(None, series, |name| named(name, Leads::knots(), zone).ok())
                .map_err(|nobody| Stop::unusable(format!("{model} declines: {why}, and {nobody}")))?;
            let fallback = format!("{model} declines: {why}; {} stands in", stands_in.name);
            Ok((stands_in.fitted, Some(fallback)))
        }
    }
}
