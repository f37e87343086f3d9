//! `tidecast completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Context;
use super::exit::{Exit, Outcome};

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast completions bash > /etc/bash_completion.d/tidecast
  tidecast completions zsh > \"${fpath[1]}/_tidecast\"
  tidecast completions fish > ~/.config/fish/completions/tidecast.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run<Cli: CommandFactory>(self, context: &mut Context) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "tidecast", &mut script);
        context.out.write_all(&script)?;
        Ok(Exit::Done)
    }
}
