//! `tidecast init`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use tidecast::config;

use super::Context;
use super::exit::{Exit, Outcome, Stop};

/// Write a configuration to begin with: one workload, observed, every line explained
#[derive(Debug, Args)]
#[command(
    after_help = "Beside the configuration it writes tidecast.schema.json, so that editors complete and check \
while you type. Nothing is overwritten without --force.

Examples:
  tidecast init
  tidecast init conf.d/shop.yaml
  tidecast init - | less"
)]
pub(crate) struct Init {
    /// Where to write it; - for standard output
    #[arg(default_value = "tidecast.yaml")]
    file: PathBuf,
    /// Overwrite what is there
    #[arg(long)]
    force: bool,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Init {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        if self.file == Path::new("-") {
            context.out.write_all(config::starter().as_bytes())?;
            return Ok(Exit::Done);
        }
        let schema = self.file.with_file_name("tidecast.schema.json");
        if self.dry_run {
            if self.file.exists() && !self.force {
                return Err(there_already(&self.file));
            }
            let file = self.file.display();
            context.terminal.note(format_args!("{file} and {} would be written", schema.display()));
            return Ok(Exit::Done);
        }
        write(&self.file, config::starter(), self.force)?;
        // The schema is generated, so an older one is no loss.
        write(&schema, &format!("{:#}\n", config::schema().as_value()), true)?;
        let file = self.file.display();
        context.terminal.note(format_args!("wrote {file} and {}", schema.display()));
        context.terminal.note(format_args!("next: edit it, then tidecast check {file}"));
        Ok(Exit::Done)
    }
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Stop> {
    let trouble = |why: io::Error| match why.kind() {
        io::ErrorKind::AlreadyExists => there_already(path),
        _ => Stop::unusable(format!("{} cannot be written: {why}", path.display())),
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).truncate(true).create(true).create_new(!force);
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(trouble)
}

fn there_already(path: &Path) -> Stop {
    Stop::unusable(format!("{} is there already", path.display()))
        .help("give another name, or --force to overwrite it")
}
