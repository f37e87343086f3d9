//! `tidecast bench`: how fast this machine forecasts and rehearses.

use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;
use serde::Serialize;
use tidecast_forecast::{Leads, Series};
use tidecast_world::{Policy, Setup, Stage, Trace};

use super::Context;
use super::exit::{Exit, Outcome, Stop};
use super::models::{named, names};
use super::progress::Progress;
use super::samples::{BIKESHARE, RETAIL, Sample};
use super::stopwatch::Stopwatch;
use super::table::{Format, Sheet};

/// How fast this machine fits, forecasts and rehearses, on one core
///
/// Fits each model to eight weeks of real traffic that ships inside, walks through the day after turn by turn (take in a
/// point, forecast 24 steps), and plays each policy upon ten weeks of minutes. kib is what a second fit adds to the
/// memory of the process.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast bench
  tidecast bench --model ensemble,last_week -o json")]
pub(crate) struct Bench {
    /// Models to time, by name, or all
    #[arg(short, long, value_name = "NAME", value_delimiter = ',', default_value = "all")]
    model: Vec<String>,
    /// Policies to time, by name, or all
    #[arg(short, long, value_name = "NAME", value_delimiter = ',', default_value = "all")]
    policy: Vec<String>,
}

/// One measurement as programs get it; version 1 of the schema.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Timed {
    /// A model on a history.
    Model {
        version: u8,
        data: &'static str,
        points: usize,
        model: String,
        fit_ms: f64,
        turn_us: f64,
        kib: Option<u64>,
    },
    /// A policy on a history; a turn is a minute.
    Policy {
        version: u8,
        data: &'static str,
        minutes: usize,
        policy: &'static str,
        seconds: f64,
        turns_per_s: f64,
    },
}

impl Bench {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let models = names(&self.model)?;
        let policies = super::simulate::policies(&self.policy)?;
        let timed = {
            let work = 2 * models.len() + policies.len();
            let progress = Progress::new(&context.terminal, "timing", work as u64);
            let mut timed = Vec::with_capacity(work);
            for sample in [&BIKESHARE, &RETAIL] {
                let series = sample.gathered(300).series;
                for model in &models {
                    timed.push(time_model(sample, &series, model)?);
                    progress.advance(1);
                }
            }
            timed.extend(policies.iter().map(|policy| {
                progress.advance(1);
                time_policy(*policy)
            }));
            timed
        };
        print(&timed, context)?;
        Ok(Exit::Done)
    }
}

fn time_model(sample: &Sample, series: &Series, model: &str) -> Result<Timed, Stop> {
    let day = series.grid().day().unwrap_or(1);
    let series = &series.slice(series.len().saturating_sub(WEEKS * 7 * day + day), series.len());
    let known = series.len() - day;
    let mut history = series.slice(0, known);
    let asked = named(model, Leads::knots(), &TimeZone::UTC)?;
    let watch = Stopwatch::started();
    let fitted = asked.fit(&history);
    let fit = watch.elapsed();
    let mut fitted =
        fitted.map_err(|why| Stop::unusable(format!("{model} declines {}: {why}", sample.name)))?;
    let watch = Stopwatch::started();
    for value in &series.values()[known..] {
        history.push(*value);
        fitted.update(&history);
        std::hint::black_box(fitted.forecast(&history, history.grid().after(24)));
    }
    let turn = watch.elapsed().div_f64(day as f64);
    let before = resident_kib();
    let another = asked.fit(&history);
    let kib = resident_kib().zip(before).map(|(after, before)| after.saturating_sub(before));
    drop(another);
    let (fit_ms, turn_us) = (1e3 * fit.as_secs_f64(), 1e6 * turn.as_secs_f64());
    let model = model.to_owned();
    Ok(Timed::Model { version: 1, data: sample.name, points: known, model, fit_ms, turn_us, kib })
}

/// Weeks of history that a model is fitted to, where there are as many.
const WEEKS: usize = 8;

/// What the process occupies, where the system tells.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

fn time_policy(policy: Policy) -> Timed {
    let series = RETAIL.gathered(60).series;
    let (trace, _) = Trace::from_series(RETAIL.name, &series).expect("the sample was measured");
    let setup = Setup::usual(&trace, 5);
    let watch = Stopwatch::started();
    std::hint::black_box(Stage::new(&trace).play(policy, &setup));
    let elapsed = watch.elapsed().max(Duration::from_nanos(1));
    let (minutes, seconds) = (trace.minutes() - setup.score_from, elapsed.as_secs_f64());
    let turns_per_s = minutes as f64 / seconds;
    Timed::Policy { version: 1, data: RETAIL.name, minutes, policy: policy.name(), seconds, turns_per_s }
}

fn print(timed: &[Timed], context: &mut Context) -> std::io::Result<()> {
    if context.format == Format::Json {
        return timed.iter().try_for_each(|one| {
            serde_json::to_writer(&mut *context.out, one)?;
            writeln!(context.out)
        });
    }
    let [models, policies] = sheets(timed);
    if context.format == Format::Csv {
        models.print_csv(context.out)?;
        return policies.print_csv(context.out);
    }
    models.print(&context.terminal, context.out)?;
    writeln!(context.out)?;
    policies.print(&context.terminal, context.out)
}

fn sheets(timed: &[Timed]) -> [Sheet; 2] {
    let mut models = Sheet::new(2, ["model", "data", "points", "fit_ms", "turn_us", "kib"]);
    let mut policies = Sheet::new(2, ["policy", "data", "minutes", "seconds", "turns_per_s"]);
    for one in timed {
        match one {
            Timed::Model { data, points, model, fit_ms, turn_us, kib, .. } => {
                let kib = kib.map_or_else(|| "–".to_owned(), |kib| kib.to_string());
                let mut cells = row(model, data, *points, [format!("{fit_ms:.1}"), format!("{turn_us:.1}")]);
                cells.push(kib);
                models.push(cells);
            }
            Timed::Policy { data, minutes, policy, seconds, turns_per_s, .. } => {
                policies.push(row(
                    policy,
                    data,
                    *minutes,
                    [format!("{seconds:.4}"), format!("{turns_per_s:.0}")],
                ));
            }
        }
    }
    [models, policies]
}

fn row(name: &str, data: &str, size: usize, figures: [String; 2]) -> Vec<String> {
    [vec![name.to_owned(), data.to_owned(), size.to_string()], figures.to_vec()].concat()
}
