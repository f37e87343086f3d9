//! `tidecast replay`.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use tidecast::explain::explain;
use tidecast_pilot::{Briefing, Decision, decide};

use super::Context;
use super::exit::{Exit, Outcome, Stop};
use super::table::Format;

/// Decide a recorded briefing again, and compare with what was decided then
#[derive(Debug, Args)]
#[command(
    after_help = "A briefing is all that was known at one turn; GET /api/v1/workloads/NAME/briefing gives the last \
one. The same briefing gives the same decision, byte for byte; if it does not, this version decides otherwise.

Ends with 0 if the decision is the same, with 1 if it is not.

Examples:
  curl -s localhost:8080/api/v1/workloads/shop%2Fcheckout/briefing > briefing.json
  tidecast replay briefing.json"
)]
pub(crate) struct Replay {
    /// The file
    file: PathBuf,
}

/// What was known, and what was decided.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    version: u8,
    briefing: Briefing,
    decision: Decision,
}

impl Replay {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let unusable =
            |why: &dyn std::fmt::Display| Stop::unusable(format!("{}: {why}", self.file.display()));
        let text = std::fs::read_to_string(&self.file).map_err(|why| unusable(&why))?;
        let recorded: Recorded = serde_json::from_str(&text).map_err(|why| unusable(&why))?;
        if recorded.version != 1 {
            return Err(unusable(&format!("version {} is not known here", recorded.version)));
        }
        let decision = decide(&recorded.briefing);
        let json = |decision: &Decision| serde_json::to_string(decision).map_err(std::io::Error::other);
        let same = json(&decision)? == json(&recorded.decision)?;
        if context.format == Format::Json {
            writeln!(context.out, "{}", json(&decision)?)?;
        } else {
            let told = explain(&recorded.briefing, &decision);
            let again =
                if same { "the same decision, byte for byte" } else { "another decision than was recorded" };
            writeln!(context.out, "{again}\n{}\n  {}", told.headline, told.why.join("\n  "))?;
        }
        if !same {
            let then = explain(&recorded.briefing, &recorded.decision);
            context.terminal.warn(format!("then it was: {} {}", then.headline, then.why.join("; ")));
        }
        Ok(if same { Exit::Done } else { Exit::Finding })
    }
}
