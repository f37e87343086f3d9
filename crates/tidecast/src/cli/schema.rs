//! `tidecast schema`.

use clap::Args;
use tidecast::config;

use super::Context;
use super::exit::{Exit, Outcome};

/// Print the JSON Schema of the configuration, for editors
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast schema > tidecast.schema.json

An editor with a YAML language server uses it when the first line of the configuration is
  # yaml-language-server: $schema=./tidecast.schema.json")]
pub(crate) struct Schema {}

impl Schema {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        writeln!(context.out, "{:#}", config::schema().as_value())?;
        Ok(Exit::Done)
    }
}
