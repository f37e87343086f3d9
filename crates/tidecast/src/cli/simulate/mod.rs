//! `tidecast simulate`: one's own history replayed against ways to scale.

mod html;
mod print;
mod setting;

use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;
use tidecast_world::{Policy, Run, Stage};

use super::Context;
use super::exit::{Exit, Outcome, Stop};
use super::input::{FILES, Input};
use super::output::{check_pattern, place, write};
use super::progress::Progress;
use super::units::{Per, Throughput, duration, promised, server_minutes, share, throughput};
use setting::Setting;

/// Replay your own history against ways to scale: who would have been short, and what it would have cost
///
/// Plays the history minute by minute upon a cloud whose servers take time to start, once for each policy, and
/// scores each on the last part of the history. A policy never sees more than the past, except for the two that
/// are there to compare with: perfect and oracle.
#[derive(Debug, Args)]
#[command(after_help = "What the columns say:
  short     share of the requests that no ready server could take, and share of the minutes with such requests
  cost      server-minutes billed ÷ the least possible with perfect foresight; read it only beside short
  idle      capacity that stood idle ÷ demand
  used      demand ÷ ready capacity
  ups/day   minutes a day in which servers were added; downs/day likewise

Examples:
  tidecast simulate requests.csv --start-time 5m
  tidecast simulate requests.csv --per second --throughput 40/s --policy hpa,oracle
  tidecast simulate requests.csv --frontier
  tidecast simulate requests.csv --policy tidecast --scale-up-cost 30
  tidecast simulate requests.csv --html report.html
  tidecast simulate a.csv b.csv -o json | jq 'select(.policy == \"hpa\") | .violated_requests'
  tidecast simulate requests.csv --policy hpa --emit-timeline timeline.csv.gz")]
pub(crate) struct Simulate {
    #[arg(required = true, value_name = "FILE", help = FILES)]
    files: Vec<PathBuf>,
    /// Policies to follow, by name, or all
    #[arg(
        short,
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "all",
        help_heading = "Cloud"
    )]
    policy: Vec<String>,
    /// What one server serves: 40/min, 0.7/s, or a bare number in the unit of the file [default: so that the
    /// 99.5th percentile of what comes before scoring needs 50 servers]
    #[arg(short, long, value_name = "RATE", value_parser = throughput, help_heading = "Cloud")]
    throughput: Option<Throughput>,
    /// From a launch until the server serves; whole minutes, rounded up
    #[arg(short = 'l', long, value_name = "DURATION", default_value = "5m", value_parser = duration, help_heading = "Cloud")]
    start_time: i64,
    /// The share of the requests that policies which tune themselves must serve
    #[arg(short = 's', long, value_name = "SHARE", default_value_t = 0.999, value_parser = promised, help_heading = "Cloud")]
    service_level: f64,
    /// What policies which tune themselves count for each scale-up, in server-minutes: the more, the fewer steps, the more
    /// servers [default: 0.06 minutes of the largest size of a usual day]
    #[arg(long, value_name = "MINUTES", value_parser = server_minutes, help_heading = "Cloud")]
    scale_up_cost: Option<f64>,
    /// Show what tidecast costs at each of several service levels, in place of a comparison of policies
    #[arg(long, conflicts_with_all = ["policy", "service_level"], help_heading = "Cloud")]
    frontier: bool,
    /// The most servers at a time
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Cloud")]
    max_servers: u32,
    /// What a value of the file counts: requests a second, minute, hour, or since the row before
    #[arg(long, value_enum, default_value = "minute", help_heading = "Cloud")]
    per: Per,
    /// Where scoring starts; what comes before is for learning [default: half, or the last 28 days of 60 or more]
    #[arg(long, value_name = "TIME", help_heading = "Cloud")]
    score_from: Option<String>,
    /// Write each minute of the scored part: minute,demand,ready,total; {file} and {name} stand for input and policy
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    emit_timeline: Option<PathBuf>,
    /// Write the comparison with its plots as one HTML file that needs no network
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    html: Option<PathBuf>,
    /// End with exit code 1 if the first policy leaves more than this share of the requests unserved
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Output")]
    max_violated: Option<f64>,
    #[command(flatten)]
    input: Input,
}

/// One file played under every policy, or at every service level.
struct Played<'a> {
    setting: &'a Setting,
    runs: Vec<Run>,
    /// Service levels, where the runs are those of a frontier.
    levels: Option<&'static [f64]>,
}

/// The service levels of a frontier.
const FRONTIER: [f64; 7] = [0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995];

impl Simulate {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let policies = if self.frontier { vec![Policy::Tidecast] } else { policies(&self.policy)? };
        if let Some(pattern) = &self.emit_timeline {
            if self.frontier {
                return Err(Stop::unusable(
                    "--emit-timeline writes the timeline of a policy; --frontier plays none",
                )
                .help("choose one with --policy tidecast --service-level 0.999"));
            }
            check_pattern(pattern, self.files.len(), policies.len(), "--emit-timeline")?;
        }
        let (settings, failed) = self.settings(context);
        let played =
            if self.frontier { draw(&settings, context) } else { play(&settings, &policies, context) };
        print::print(&played, &self.input.zone, context)?;
        for one in &played {
            self.emit(one)?;
        }
        if let Some(path) = &self.html {
            write(path, |out| html::report(&played, &self.input.zone, out))?;
            context.terminal.note(format!("the report is in {}", path.display()));
        }
        match failed {
            Some(stop) => Err(stop),
            None => Ok(self.verdict(&played, context)),
        }
    }

    /// What can be played, and the last reason why some file cannot; the others are told at once.
    fn settings(&self, context: &Context) -> (Vec<Setting>, Option<Stop>) {
        let mut settings = Vec::new();
        let mut failed = None;
        let histories = self.input.all(&self.files, 60, &context.terminal);
        for (file, history) in self.files.iter().zip(histories) {
            match history.and_then(|gathered| Setting::of(file, gathered, self, &context.terminal)) {
                Ok(setting) => settings.push(setting),
                Err(stop) => {
                    if let Some(Stop::Failure(earlier)) = failed.replace(stop) {
                        context.terminal.error(&earlier);
                    }
                }
            }
        }
        (settings, failed)
    }

    fn emit(&self, played: &Played) -> Result<(), Stop> {
        let Some(pattern) = &self.emit_timeline else { return Ok(()) };
        for run in &played.runs {
            let path = place(pattern, &played.setting.file, run.policy.name());
            write(&path, |out| print::timeline(&run.timeline, out))?;
        }
        Ok(())
    }

    fn verdict(&self, played: &[Played], context: &Context) -> Exit {
        let Some(limit) = self.max_violated else { return Exit::Done };
        let mut exit = Exit::Done;
        for one in played {
            let Some(run) = one.runs.first().filter(|run| run.scorecard.violated_requests > limit) else {
                continue;
            };
            let (file, policy) = (one.setting.file.display(), run.policy.name());
            let share = 100.0 * run.scorecard.violated_requests;
            context.terminal.warn(format!(
                "{file}: {policy} leaves {share:.3} % of the requests unserved; at most {} % were allowed",
                100.0 * limit
            ));
            exit = Exit::Finding;
        }
        exit
    }
}

fn play<'a>(settings: &'a [Setting], policies: &[Policy], context: &Context) -> Vec<Played<'a>> {
    let progress = Progress::new(&context.terminal, "simulating", (settings.len() * policies.len()) as u64);
    let play_one = |setting: &'a Setting| {
        let stage = Stage::new(&setting.trace);
        let runs = policies.par_iter().map(|policy| {
            let run = stage.play(*policy, &setting.setup);
            progress.advance(1);
            run
        });
        Played { setting, runs: runs.collect(), levels: None }
    };
    settings.par_iter().map(play_one).collect()
}

fn draw<'a>(settings: &'a [Setting], context: &Context) -> Vec<Played<'a>> {
    let progress = Progress::new(&context.terminal, "drawing the frontier", settings.len() as u64);
    let promises = FRONTIER.map(|level| 1.0 - level);
    let draw_one = |setting: &'a Setting| {
        let runs = Stage::new(&setting.trace).frontier(&promises, &setting.setup);
        progress.advance(1);
        Played { setting, runs, levels: Some(&FRONTIER) }
    };
    settings.par_iter().map(draw_one).collect()
}

pub(super) fn policies(names: &[String]) -> Result<Vec<Policy>, Stop> {
    if names.iter().any(|name| name == "all") {
        return Ok(Policy::ALL.to_vec());
    }
    let parse =
        |name: &String| name.parse::<Policy>().map_err(|why| Stop::unusable(format!("--policy: {why}")));
    names.iter().map(parse).collect()
}
