//! `tidecast explain`.

use clap::Args;
use serde_json::json;
use tidecast::config::codes::{Code, Page};

use super::Context;
use super::exit::{Exit, Outcome, Stop};
use super::table::Format;

/// Say what a code such as TIDE0104 means, with an example of what is wrong and what is right
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidecast explain TIDE0104
  tidecast explain 104 -o json")]
pub(crate) struct Explain {
    /// The code
    code: String,
}

impl Explain {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let code = Code::find(&self.code).ok_or_else(|| unknown(&self.code))?;
        let Page { title, why, wrong, right, .. } = code.page();
        match context.format {
            Format::Json => {
                let severity = code.severity().word();
                let page = json!({
                    "version": 1, "code": code.to_string(), "severity": severity, "title": title, "why": why,
                    "wrong": wrong, "right": right,
                });
                writeln!(context.out, "{page:#}")?;
            }
            _ => write!(context.out, "{}", context.terminal.plain(&code.page().to_string()))?,
        }
        Ok(Exit::Done)
    }
}

fn unknown(code: &str) -> Stop {
    Stop::unusable(format!("there is no code {code:?}"))
        .help("codes look like TIDE0104; docs/reference/errors.md lists them all")
}
