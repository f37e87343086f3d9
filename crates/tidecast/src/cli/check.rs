//! `tidecast check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tidecast::config::{self, Loaded, Look};

use super::Context;
use super::exit::{Exit, Outcome};
use super::table::Format;

/// Check a configuration: what is wrong with it, where, and what would be right
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is contacted: no source, no cluster, no cloud. All mistakes are reported, not only \
the first.

Ends with 0 if there is no mistake, with 1 if there are only warnings and --deny-warnings was given, with 2 if \
there are errors.

Examples:
  tidecast check
  tidecast check conf.d/ --deny-warnings
  tidecast check tidecast.yaml --format github
  tidecast explain TIDE0104"
)]
pub(crate) struct Check {
    /// Files, folders with .yaml files, or - for standard input
    #[arg(default_value = "tidecast.yaml")]
    files: Vec<PathBuf>,
    /// Fail if there are warnings, too
    #[arg(long)]
    deny_warnings: bool,
    /// How to print what was found [default: human, or json with -o json]
    #[arg(long, value_enum)]
    format: Option<Style>,
    /// Print every value in force, and where it comes from
    #[arg(long, conflicts_with = "format")]
    effective: bool,
}

/// How to print what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Style {
    /// The line, the place underlined, and what would be right
    Human,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code scanners
    Sarif,
    /// Annotations for a workflow on GitHub
    Github,
}

impl Check {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let loaded = config::load(&self.files);
        let usual = if context.format == Format::Json { Style::Json } else { Style::Human };
        match self.format.unwrap_or(usual) {
            Style::Human => human(&loaded, context)?,
            Style::Json => writeln!(context.out, "{:#}", config::json(&loaded.report))?,
            Style::Sarif => writeln!(context.out, "{:#}", config::sarif(&loaded.report))?,
            Style::Github => write!(context.out, "{}", config::github(&loaded.report))?,
        }
        if let (true, Some(config)) = (self.effective, &loaded.config) {
            settings(config, &loaded, context)?;
        }
        Ok(match (loaded.report.errors(), loaded.report.warnings()) {
            (0, 0) => Exit::Done,
            (0, _) if self.deny_warnings => Exit::Finding,
            (0, _) => Exit::Done,
            _ => Exit::Unusable,
        })
    }
}

fn human(loaded: &Loaded, context: &mut Context) -> std::io::Result<()> {
    let look = if context.terminal.colour { Look::Coloured } else { Look::Plain };
    write!(context.out, "{}", context.terminal.plain(&config::human(&loaded.report, look)))?;
    let (errors, warnings) = (loaded.report.errors(), loaded.report.warnings());
    match &loaded.config {
        Some(config) if warnings == 0 => {
            let (workloads, sources) = (config.workloads.len(), config.sources.len());
            writeln!(
                context.out,
                "no mistakes in {} and {}",
                some(workloads, "workload"),
                some(sources, "source")
            )
        }
        _ => writeln!(context.out, "{}, {}", some(errors, "error"), some(warnings, "warning")),
    }
}

fn some(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn settings(config: &config::Config, loaded: &Loaded, context: &mut Context) -> std::io::Result<()> {
    let settings = config::effective(config, loaded);
    let width = settings.iter().map(|setting| setting.path.chars().count()).max().unwrap_or_default();
    settings.iter().try_for_each(|setting| {
        let value = if setting.value.is_empty() { "-" } else { &setting.value };
        writeln!(context.out, "{:width$}  {value:24}  {}", setting.path, setting.origin)
    })
}
