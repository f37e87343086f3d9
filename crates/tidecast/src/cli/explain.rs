//! `tidecast explain`.

use clap::Args;
use serde_json::json;
use tidecast::config::codes::{Code, Page};

use super::Context;
use super::ask::explained;
use super::client::At;
use super::exit::{Exit, Outcome, Stop};
use super::table::Format;

/// Say why a workload has its size, why not more, why not less, why not now; or what a code such as TIDE0104 means
#[derive(Debug, Args)]
#[command(after_help = "A workload is asked of a running service; a code is explained without one.

Examples:
  tidecast explain shop/checkout
  tidecast explain TIDE0104
  tidecast explain 104 -o json")]
pub(crate) struct Explain {
    /// The workload, or the code
    what: String,
    #[command(flatten)]
    at: At,
}

/// Whether it is meant as a code: TIDE0104, tide0104, 104.
fn is_code(what: &str) -> bool {
    let digits = what.strip_prefix("TIDE").or_else(|| what.strip_prefix("tide")).unwrap_or(what);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl Explain {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        if !is_code(&self.what) {
            return explained(&self.what, &self.at, context);
        }
        let code = Code::find(&self.what).ok_or_else(|| unknown(&self.what))?;
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
