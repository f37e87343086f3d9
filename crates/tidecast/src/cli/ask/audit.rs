use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use tidecast::api::said::Audited;
use tidecast::store::{self, Entry, broken_link};

use super::super::Context;
use super::super::client::At;
use super::super::exit::{Exit, Failure, Outcome, Stop};
use super::super::table::{Format, Sheet};
use super::super::units::duration;
use super::{now, when};

/// Who did what, when and why; and whether the log is whole
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Every entry carries a hash over itself and the hash before it. `audit verify` computes them again, \
from a server, or offline from the folder of a store or a snapshot, or from a log that was written with -o json.

Examples:
  tidecast audit --since 24h
  tidecast audit shop/checkout -o json
  tidecast audit -o json > log.json && tidecast audit verify log.json
  tidecast audit verify /var/lib/tidecast"
)]
pub(crate) struct Audit {
    #[command(subcommand)]
    verify: Option<Verify>,
    /// Of this workload only
    workload: Option<String>,
    /// How far back
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<i64>,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Subcommand)]
enum Verify {
    /// Compute all hashes again; ends with 1 if the log was tampered with
    Verify {
        /// The folder of a store or a snapshot, or a log written with -o json; the server unless given
        path: Option<PathBuf>,
        #[command(flatten)]
        at: At,
    },
}

impl Audit {
    pub(crate) fn run(self, context: &mut Context) -> Outcome {
        if let Some(Verify::Verify { path, at }) = self.verify {
            return verify(path.as_deref(), &at, context);
        }
        let workload = self.workload.as_deref().map(|workload| ("workload", workload));
        let mut entries: Vec<Audited> = self.at.open()?.all("/api/v1/audit", workload.as_slice())?;
        if let Some(since) = self.since {
            let from = now().saturating_sub(SignedDuration::from_secs(since)).map_err(Stop::unusable)?;
            entries.retain(|entry| entry.at >= from);
        }
        if context.format == Format::Json {
            for entry in &entries {
                writeln!(context.out, "{}", serde_json::to_string(entry).map_err(std::io::Error::other)?)?;
            }
            return Ok(Exit::Done);
        }
        let mut sheet = Sheet::new(6, ["NO", "AT", "WHO", "WHAT", "WORKLOAD", "WHY"]);
        for entry in entries {
            let workload = entry.workload.unwrap_or_else(|| "–".into());
            sheet.push(vec![
                entry.seq.to_string(),
                when(entry.at),
                entry.who,
                entry.what,
                workload,
                entry.why,
            ]);
        }
        match context.format {
            Format::Csv => sheet.print_csv(context.out)?,
            _ => sheet.print(&context.terminal, context.out)?,
        }
        Ok(Exit::Done)
    }
}

fn verify(path: Option<&Path>, at: &At, context: &mut Context) -> Outcome {
    let entries: Vec<Entry> = match path {
        Some(folder) if folder.is_dir() => {
            return match store::check(folder) {
                Ok(()) => {
                    writeln!(
                        context.out,
                        "whole: every row and every entry of the audit log is what was written"
                    )?;
                    Ok(Exit::Done)
                }
                Err(trouble) => Err(finding(trouble.to_string())),
            };
        }
        Some(file) => written(file)?,
        None => at.open()?.all("/api/v1/audit", &[])?,
    };
    if entries.first().is_some_and(|first| first.seq != 1) {
        return Err(Stop::unusable(
            "the log does not begin with entry 1, so its beginning cannot be verified",
        ));
    }
    match broken_link("", &entries) {
        Some(entry) => Err(finding(format!("entry {} does not follow from the one before it", entry.seq))),
        None => {
            let last = entries.last().map_or_else(|| "none".into(), |entry| entry.hash.clone());
            writeln!(context.out, "whole: {} entries; the last hash is {last}", entries.len())?;
            Ok(Exit::Done)
        }
    }
}

fn finding(why: String) -> Stop {
    Stop::Failure(Failure {
        exit: Exit::Finding,
        why,
        help: Some("compare with a snapshot or an export".into()),
    })
}

fn written(file: &Path) -> Result<Vec<Entry>, Stop> {
    let unusable = |why: &dyn std::fmt::Display| Stop::unusable(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|why| unusable(&why))?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|why| unusable(&why))).collect()
}
