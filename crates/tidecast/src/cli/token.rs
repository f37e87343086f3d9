//! `tidecast token`.

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;
use tidecast::api::{Role, fresh};

use super::Context;
use super::exit::{Exit, Outcome, Stop};
use super::table::Format;

/// Make a token for the API: it is shown once, and the line for the token file that knows it
#[derive(Debug, Args)]
#[command(
    after_help = "The line goes into the file that `server.auth.tokenFile` names; the service reads it anew with \
its configuration. The token itself is stored nowhere: keep it where it is used.

Examples:
  tidecast token mara --role operator
  tidecast token grafana --role viewer --until 2027-06-30T00:00:00Z"
)]
pub(crate) struct Token {
    /// Whose it is; decrees and the audit log carry this name
    name: String,
    /// What it allows
    #[arg(long, value_enum)]
    role: Allowed,
    /// When it ends; never unless given
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

/// What a token allows; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Allowed {
    /// To read
    Viewer,
    /// To decree, pause and push measurements, too
    Operator,
    /// To copy the store, too
    Admin,
}

impl Token {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let word = |c: char| c.is_alphanumeric() || "-_.@".contains(c);
        if self.name.is_empty() || !self.name.chars().all(word) {
            return Err(Stop::unusable(format!("{:?} cannot be a name", self.name))
                .help("use letters, digits, `-`, `_`, `.` and `@`"));
        }
        let role = match self.role {
            Allowed::Viewer => Role::Viewer,
            Allowed::Operator => Role::Operator,
            Allowed::Admin => Role::Admin,
        };
        let made = fresh(&self.name, role, self.until).map_err(Stop::unusable)?;
        let token = made.token.expose_secret();
        match context.format {
            Format::Json => {
                writeln!(context.out, "{}", json!({ "version": 1, "token": token, "line": made.line }))?;
            }
            _ => writeln!(
                context.out,
                "token, shown only now:\n  {token}\n\nline for the token file:\n  {}",
                made.line
            )?,
        }
        Ok(Exit::Done)
    }
}
