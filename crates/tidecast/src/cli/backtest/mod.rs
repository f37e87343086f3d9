//! `tidecast backtest`: models judged on one's own history.

mod print;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;
use rayon::prelude::*;
use tidecast_forecast::{Backtest as Judged, Gathered, Leads, Model, Protocol, Watch};

use super::Context;
use super::exit::{Exit, Outcome, Stop};
use super::input::{FILES, Input};
use super::models::{named, names};
use super::output::{check_pattern, place, write};
use super::progress::Progress;
use super::stopwatch::Stopwatch;
use super::units::share;

/// Judge models on your own history: accuracy, calibration and time, lead by lead
///
/// Walks through the last weeks of the history as the service would have lived them: at each step the model knows
/// the past alone and forecasts 15 minutes, 1 hour and 24 hours ahead. Steps shorter than 5 minutes are averaged.
#[derive(Debug, Args)]
#[command(after_help = "What the columns say:
  WAPE      sum of absolute errors ÷ sum of demand
  bias      sum of errors ÷ sum of demand; above zero it forecasts too much
  MASE      mean absolute error ÷ that of repeating last week, before the judged part
  /naive    WAPE ÷ that of repeating last week on the same forecasts: below 1 is better
  wQL.9     loss of the 0.9 quantile (twice the pinball loss ÷ sum of demand)
  in .9     share of what came that lay at or below the 0.9 quantile: 90 % is right
  fit       time to learn from what lies before; turn: mean time of a step with all its forecasts

Examples:
  tidecast backtest requests.csv
  tidecast backtest requests.csv --model all
  tidecast backtest *.csv.gz --model ensemble,last_week -o json
  tidecast backtest requests.csv --max-wape 20% || echo 'not predictable enough'")]
pub(crate) struct Backtest {
    #[arg(required = true, value_name = "FILE", help = FILES)]
    files: Vec<PathBuf>,
    /// Models to judge, by name, or all; see tidecast models, or the address of a foreign one [default: what the service would use]
    #[arg(
        short,
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "ensemble",
        hide_default_value = true
    )]
    model: Vec<String>,
    /// Write every forecast: origin,lead_s,mean,q0.5,q0.9,q0.95,q0.99; {file} and {name} stand for input and model
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    emit_forecasts: Option<PathBuf>,
    /// End with exit code 1 if a WAPE is above this share
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Output")]
    max_wape: Option<f64>,
    #[command(flatten)]
    input: Input,
}

/// A file and what came of one model on it.
struct Result {
    file: PathBuf,
    step_s: i64,
    judged: Judged,
}

impl Backtest {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let models = names(&self.model)?;
        if let Some(pattern) = &self.emit_forecasts {
            check_pattern(pattern, self.files.len(), models.len(), "--emit-forecasts")?;
        }
        let (histories, failed) = self.histories(context);
        let results = judge(&histories, &models, &self.input.zone, context)?;
        results.iter().for_each(|result| tell_fallback(result, context));
        print::print(&results, context)?;
        for result in &results {
            self.emit(result)?;
        }
        match failed {
            Some(stop) => Err(stop),
            None => Ok(self.verdict(&results, context)),
        }
    }

    /// What can be judged, and the last reason why some file cannot; the others are told at once.
    fn histories(&self, context: &Context) -> (Vec<(&Path, Gathered)>, Option<Stop>) {
        let mut histories = Vec::new();
        let mut failed = None;
        for (file, gathered) in self.files.iter().zip(self.input.all(&self.files, 300, &context.terminal)) {
            let sound = gathered.and_then(|gathered| match Protocol::of(&gathered.series) {
                Ok(_) => Ok(gathered),
                Err(why) => Err(Stop::unusable(format!("{}: {why}", file.display()))),
            });
            match sound {
                Ok(gathered) => histories.push((file.as_path(), gathered)),
                Err(stop) => {
                    if let Some(Stop::Failure(earlier)) = failed.replace(stop) {
                        context.terminal.error(&earlier);
                    }
                }
            }
        }
        (histories, failed)
    }

    fn emit(&self, result: &Result) -> std::result::Result<(), Stop> {
        let Some(pattern) = &self.emit_forecasts else { return Ok(()) };
        let path = place(pattern, &result.file, &result.judged.model);
        write(&path, |out| print::forecasts(&result.judged.rows, out))
    }

    fn verdict(&self, results: &[Result], context: &Context) -> Exit {
        let Some(limit) = self.max_wape else { return Exit::Done };
        let mut exit = Exit::Done;
        for result in results {
            for lead in result.judged.leads.iter().filter(|lead| lead.wape.is_some_and(|wape| wape > limit)) {
                let (file, model) = (result.file.display(), &result.judged.model);
                let (wape, lead) = (100.0 * lead.wape.unwrap_or_default(), super::figures::span(lead.lead_s));
                context.terminal.warn(format!(
                    "{file}: {model} has a WAPE of {wape:.1} % at {lead}; at most {:.1} % was allowed",
                    100.0 * limit
                ));
                exit = Exit::Finding;
            }
        }
        exit
    }
}

/// Every model on every history, side by side; results in the order of files, then models.
fn judge(
    histories: &[(&Path, Gathered)],
    models: &[String],
    zone: &TimeZone,
    context: &Context,
) -> std::result::Result<Vec<Result>, Stop> {
    let protocols: Vec<Protocol> =
        histories.iter().filter_map(|(_, gathered)| Protocol::of(&gathered.series).ok()).collect();
    let origins: usize = protocols.iter().map(|protocol| protocol.window().len).sum();
    let progress = Progress::new(&context.terminal, "backtesting", (origins * models.len()) as u64);
    let jobs: Vec<(usize, &str)> =
        (0..protocols.len()).flat_map(|i| models.iter().map(move |model| (i, model.as_str()))).collect();
    let results = jobs.into_par_iter().map(|(i, model)| {
        let (file, gathered) = &histories[i];
        let leads = Leads::exactly(protocols[i].leads().iter().map(|lead| lead.seconds));
        let model: Box<dyn Model> = named(model, leads, zone)?;
        let mut watch = Watching { watch: Stopwatch::started(), progress: &progress };
        let judged = protocols[i].backtest(model.as_ref(), &mut watch);
        Ok(Result { file: file.to_path_buf(), step_s: gathered.series.grid().step_s, judged })
    });
    results.collect()
}

/// Times a backtest and shows how far it has come.
struct Watching<'a> {
    watch: Stopwatch,
    progress: &'a Progress<'a>,
}

impl Watch for Watching<'_> {
    fn elapsed(&mut self) -> Duration {
        self.watch.elapsed()
    }

    fn progress(&mut self, _done: usize, _of: usize) {
        self.progress.advance(1);
    }
}

fn tell_fallback(result: &Result, context: &Context) {
    if let Some(fallback) = &result.judged.fallback {
        let (file, model) = (result.file.display(), &result.judged.model);
        let (rows, of, why) = (fallback.rows, fallback.of, &fallback.why);
        context.terminal.note(format!("{file}: {model} did not speak in {rows} of {of} forecasts: {why}"));
    }
}
