//! `tidecast run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tidecast::config::{self, Look};
use tidecast::service::{NoStart, Service};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::Context;
use super::exit::{Exit, Outcome, Stop};
use crate::allocator;

/// Run the service: collect, forecast, decide, carry out, and answer
#[derive(Debug, Args)]
#[command(
    after_help = "Every workload is looked at and decided upon once in a turn (30s). In the mode observe, which is \
the default, nothing is changed anywhere: decisions are shown by the API, by `tidecast explain` and as metrics.

SIGHUP reads the configuration anew; so does a change of its files, within 5 s. A configuration with mistakes never \
replaces the one that runs. SIGTERM and SIGINT end the service once turns under way are over, after 10 s at the latest.

Examples:
  tidecast run
  tidecast run -c conf.d/
  tidecast run -c tidecast.yaml --log json"
)]
pub(crate) struct Run {
    /// Files, or folders with .yaml files
    #[arg(short, long, value_name = "FILE", default_value = "tidecast.yaml", num_args = 1..)]
    config: Vec<PathBuf>,
    /// How to write the log, which goes to standard error
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT", env = "TIDECAST_LOG_FORMAT")]
    log: Log,
    /// How much to log: error, warn, info, debug, or per module as in info,tidecast::drive=debug
    #[arg(long, default_value = "info", value_name = "LEVEL", env = "TIDECAST_LOG")]
    log_level: String,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Log {
    /// A line for people
    Text,
    /// One JSON object a line
    Json,
}

impl Run {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        allocator::sparingly();
        let filter = EnvFilter::try_new(&self.log_level)
            .map_err(|why| Stop::unusable(format!("--log-level {}: {why}", self.log_level)))?;
        let log =
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
        match self.log {
            Log::Text => log.with_ansi(context.terminal.colour_messages).init(),
            Log::Json => log.json().flatten_event(true).init(),
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().thread_name("turns").enable_all().build()?;
        let outcome = runtime.block_on(self.serve(context));
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        outcome
    }

    async fn serve(self, context: &mut Context<'_>) -> Outcome {
        let (mut ended, mut interrupted) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let loaded = config::load(&self.config);
        if loaded.report.warnings() > 0 && loaded.config.is_some() {
            context.terminal.warn(config::human(&loaded.report, Look::Plain));
        }
        let service = Service::start(loaded).map_err(|why| no_start(why, context))?;
        let workloads = service.known().config().workloads.len();
        let listening = |at| tracing::info!(%at, workloads, version = env!("CARGO_PKG_VERSION"), "listening");
        let over = async {
            tokio::select! {
                _ = ended.recv() => {}
                _ = interrupted.recv() => {}
            }
        };
        service.run(&self.config, listening, over).await.map_err(Stop::unusable)?;
        tracing::info!("ended");
        Ok(Exit::Done)
    }
}

fn no_start(why: NoStart, context: &Context) -> Stop {
    match why {
        NoStart::Config(report) => {
            let look = if context.terminal.colour_messages { Look::Coloured } else { Look::Plain };
            eprint!("{}", context.terminal.plain(&config::human(&report, look)));
            Stop::unusable("the configuration has mistakes")
                .help("`tidecast check` shows them without starting")
        }
        NoStart::Trouble(trouble) => Stop::unusable(trouble),
    }
}
