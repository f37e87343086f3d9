//! Which files to read, and how: the options that all commands on histories share.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::tz::TimeZone;
use rayon::prelude::*;
use tidecast_forecast::Gathered;

use super::exit::Stop;
use super::terminal::Terminal;
use tidecast::history::{History, Reading, Unreadable, read};

/// How to read histories.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct Input {
    /// The time's column, by name or by number from 1 [default: timestamp, time, date …, else the first]
    #[arg(long, value_name = "COLUMN")]
    time_column: Option<String>,
    /// The value's column, by name or by number from 1 [default: value, count, requests …, else the second]
    #[arg(long, value_name = "COLUMN")]
    value_column: Option<String>,
    /// Where civil time lives: for times without a zone, and for axes
    #[arg(long, value_name = "ZONE", default_value = "UTC", env = "TIDECAST_ZONE", value_parser = zone)]
    pub zone: TimeZone,
    /// Refuse a file with an unreadable row instead of leaving the row out
    #[arg(long)]
    strict: bool,
}

/// What `--help` says about files.
pub(crate) const FILES: &str = "CSV with a time and a value in each row: plain or gzip, - for standard input. \
    Times are ISO 8601 (2026-03-01T14:05:00Z, +01:00, or without a zone: see --zone) or epoch seconds or milliseconds.";

impl Input {
    /// The history in one file, on a grid of at least `bin_s` seconds. What was odd about it is told.
    pub(crate) fn series(&self, file: &Path, bin_s: i64, terminal: &Terminal) -> Result<Gathered, Stop> {
        told(read(file, &self.reading()).map_err(|why| (file.display().to_string(), why)), bin_s, terminal)
    }

    /// The histories in several files, read side by side and told in their order.
    pub(crate) fn all(
        &self,
        files: &[PathBuf],
        bin_s: i64,
        terminal: &Terminal,
    ) -> Vec<Result<Gathered, Stop>> {
        let reading = self.reading();
        let histories: Vec<_> = files
            .par_iter()
            .map(|file| read(file, &reading).map_err(|why| (file.display().to_string(), why)))
            .collect();
        histories.into_iter().map(|history| told(history, bin_s, terminal)).collect()
    }

    fn reading(&self) -> Reading {
        Reading {
            time_column: self.time_column.clone(),
            value_column: self.value_column.clone(),
            zone: self.zone.clone(),
            strict: self.strict,
        }
    }
}

fn told(
    read: Result<History, (String, Unreadable)>,
    bin_s: i64,
    terminal: &Terminal,
) -> Result<Gathered, Stop> {
    let history = read.map_err(|(name, why)| Stop::unusable(format!("{name} {why}")))?;
    let name = history.name;
    history.remarks.iter().for_each(|remark| terminal.note(format!("{name}: {remark}")));
    let gathered = history.samples.gather(bin_s).map_err(|why| Stop::unusable(format!("{name}: {why}")))?;
    gathered.repairs.iter().for_each(|repair| terminal.note(format!("{name}: {repair}")));
    Ok(gathered)
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| {
        format!("{text:?} is no IANA time zone; write one such as Europe/Berlin, America/New_York or UTC")
    })
}
