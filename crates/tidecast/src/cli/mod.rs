//! The commands. Data goes to stdout, messages go to stderr, and the exit code says how it ended.

mod ask;
mod backtest;
mod bench;
mod capacity;
mod chart;
mod check;
mod client;
mod completions;
mod demo;
mod exit;
mod explain;
mod figures;
mod forecast;
mod init;
mod input;
#[cfg(feature = "kubernetes")]
mod manifests;
mod models;
mod output;
mod plugin;
mod progress;
mod replay;
mod run;
mod samples;
mod schema;
mod simulate;
mod stopwatch;
mod store;
mod table;
mod terminal;
mod token;
mod units;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::{Exit, Outcome, Stop};
use stopwatch::Stopwatch;
use table::Format;
use terminal::{Terminal, Wishes};

/// Predictive autoscaling that says why.
///
/// Reads a history of demand, forecasts it as a distribution, and plans capacity before it is needed. Every
/// command works on your own files, without a server, an account or a network.
#[derive(Debug, Parser)]
#[command(name = "tidecast", version, max_term_width = 100, arg_required_else_help = true)]
#[command(propagate_version = false, disable_help_subcommand = true)]
#[command(after_help = after_help())]
struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
struct Shared {
    /// How to print results
    #[arg(short, long, global = true, value_name = "FORMAT", default_value = "table", value_enum)]
    #[arg(help_heading = "Output")]
    output: Format,
    /// Print nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    quiet: bool,
    /// Also print what helps to find a cause
    #[arg(short, long, global = true, action = ArgAction::SetTrue, help_heading = "Output")]
    verbose: bool,
    /// No colours; NO_COLOR, CLICOLOR_FORCE and TERM=dumb are heeded too
    #[arg(long, global = true, help_heading = "Output")]
    no_color: bool,
    /// No characters beyond ASCII
    #[arg(long, global = true, help_heading = "Output")]
    ascii: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The main job on real traffic that ships inside: no file, no server, no network
    Demo(demo::Demo),
    /// What comes next, as a distribution: a chart and numbers
    Forecast(Box<forecast::Forecast>),
    /// Judge models on your own history: accuracy, calibration and time, lead by lead
    Backtest(Box<backtest::Backtest>),
    /// Replay your own history against ways to scale: who would have been short, and what it would have cost
    Simulate(Box<simulate::Simulate>),
    /// The models there are; with a name, its manual page
    Models(models::Models),
    /// How fast this machine fits, forecasts and rehearses, on one core
    Bench(bench::Bench),
    /// Run the service: collect, forecast, decide, carry out, and answer
    Run(run::Run),
    /// List what the service has in its care
    Get(ask::Get),
    /// Everything about one workload
    Describe(ask::Describe),
    /// What is planned for a workload, with times and reasons
    Plan(ask::Plan),
    /// Servers that are emptied of their sessions: how many are left, since when, and what keeps them
    Drain(ask::Drain),
    /// Decree a floor, a ceiling, a demand or a throughput for a span of time
    Override(ask::Override),
    /// Pause a workload
    Pause(ask::Pause),
    /// Lift pauses and freezes
    Resume(ask::Resume),
    /// Freeze all workloads, or one
    Freeze(ask::Freeze),
    /// Who did what, when and why; and whether the log is whole
    Audit(ask::Audit),
    /// Look at everything that usually goes wrong
    Doctor(ask::Doctor),
    /// Decide a recorded briefing again
    Replay(replay::Replay),
    /// Check, copy and restore the store
    Store(store::Store),
    /// Make a token for the API
    Token(token::Token),
    /// Check a configuration: what is wrong with it, where, and what would be right
    Check(check::Check),
    /// Write a configuration to begin with: an example, or what another autoscaler has now
    Init(init::Init),
    /// Print what to apply to a cluster: the resource, the rights, the deployment
    #[cfg(feature = "kubernetes")]
    Manifests(Box<manifests::Manifests>),
    /// Print the JSON Schema of the configuration, for editors
    Schema(schema::Schema),
    /// Why a workload has its size; or what a code such as TIDE0104 means
    Explain(explain::Explain),
    /// Print a completion script for a shell
    Completions(completions::Completions),
}

impl Command {
    fn run(self, context: &mut Context) -> Outcome {
        match self {
            Self::Demo(command) => command.run(context),
            Self::Forecast(command) => command.run(context),
            Self::Backtest(command) => command.run(context),
            Self::Simulate(command) => command.run(context),
            Self::Models(command) => command.run(context),
            Self::Bench(command) => command.run(context),
            Self::Run(command) => command.run(context),
            Self::Get(command) => command.run(context),
            Self::Describe(command) => command.run(context),
            Self::Drain(command) => command.run(context),
            Self::Plan(command) => command.run(context),
            Self::Override(command) => command.run(context),
            Self::Pause(command) => command.run(context),
            Self::Resume(command) => command.run(context),
            Self::Freeze(command) => command.run(context),
            Self::Audit(command) => command.run(context),
            Self::Doctor(command) => command.run(context),
            Self::Replay(command) => command.run(context),
            Self::Store(command) => command.run(context),
            Self::Token(command) => command.run(context),
            Self::Check(command) => command.run(context),
            Self::Init(command) => command.run(context),
            #[cfg(feature = "kubernetes")]
            Self::Manifests(command) => command.run(context),
            Self::Schema(command) => command.run(context),
            Self::Explain(command) => command.run(context),
            Self::Completions(command) => command.run::<Cli>(context),
        }
    }
}

/// What a command needs from outside: where to print, and how.
pub(crate) struct Context<'a> {
    pub terminal: Terminal,
    pub format: Format,
    pub out: &'a mut dyn Write,
}

/// Runs the command that this process was started with.
pub(crate) fn run() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let Cli { shared, command } = match plugin::Name::of(&arguments) {
        plugin::Name::Own => Cli::parse_from(arguments),
        plugin::Name::Plugin => parse_as("kubectl tidecast", arguments),
        plugin::Name::Completion => return completed(&arguments),
    };
    let Shared { no_color, ascii, quiet, verbose, .. } = shared;
    let terminal = Terminal::of(Wishes { no_color, ascii, quiet, verbose });
    let watch = Stopwatch::started();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut context = Context { terminal: terminal.clone(), format: shared.output, out: &mut out };
    let outcome = command.run(&mut context).and_then(|exit| {
        context.out.flush()?;
        Ok(exit)
    });
    terminal.detail(format!("{:.2} s in all", watch.elapsed().as_secs_f64()));
    match outcome {
        Ok(exit) => exit.into(),
        Err(Stop::Pipe) => Exit::Done.into(),
        Err(Stop::Failure(failure)) => {
            let _ = context.out.flush();
            terminal.error(&failure);
            failure.exit.into()
        }
    }
}

/// The command line under another name, which its help and its errors then show.
fn parse_as(name: &'static str, arguments: Vec<std::ffi::OsString>) -> Cli {
    let matches = Cli::command().bin_name(name).get_matches_from(arguments);
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

fn completed(arguments: &[std::ffi::OsString]) -> ExitCode {
    let words: Vec<String> =
        arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    match plugin::complete(&Cli::command(), &words, &mut io::stdout().lock()) {
        Ok(()) => Exit::Done.into(),
        Err(_) => Exit::Unusable.into(),
    }
}

fn after_help() -> String {
    format!(
        "Try:\n  \
         tidecast demo                             everything on one screen, without a file\n  \
         tidecast forecast requests.csv            what comes next?\n  \
         tidecast backtest requests.csv            how well would it have been forecast?\n  \
         tidecast simulate requests.csv            what would scaling ahead have saved?\n\n{}",
        exit::codes_for_help()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_sound_command_line() {
        Cli::command().debug_assert();
    }
}
