//! How a command ends: an exit code that scripts can rely on, and a sentence when it is not zero.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// The exit codes, for every command the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It ran and found what it was asked to look for: a check failed, a limit given was exceeded.
    Finding = 1,
    /// The command line, a configuration or an input cannot be used.
    Unusable = 2,
    /// A server or source does not answer.
    Unreachable = 3,
    /// A safety rule forbids it.
    Refused = 4,
    /// There are changes to be made.
    Changes = 10,
}

impl Exit {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 6] =
        [Self::Done, Self::Finding, Self::Unusable, Self::Unreachable, Self::Refused, Self::Changes];

    /// What it means, as `--help` says it.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "it did what was asked",
            Self::Finding => {
                "it ran and found something: a check failed, or a limit that you gave was exceeded"
            }
            Self::Unusable => "the command line, a configuration or an input cannot be used",
            Self::Unreachable => "a server or a source does not answer",
            Self::Refused => "a safety rule forbids it",
            Self::Changes => "there are changes to be made (plan --diff)",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table of exit codes for `--help`.
pub(crate) fn codes_for_help() -> String {
    let lines = Exit::ALL.map(|exit| format!("  {:>2}  {}", exit as u8, exit.meaning()));
    format!("Exit codes:\n{}", lines.join("\n"))
}

/// Why a command stops before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Whoever read its output has seen enough.
    Pipe,
    /// Something that a person must know.
    Failure(Failure),
}

/// An exit code other than zero, and why.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    /// The code.
    pub exit: Exit,
    /// Why, in a sentence.
    pub why: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Stop {
    /// The command line or an input cannot be used.
    pub(crate) fn unusable(why: impl fmt::Display) -> Self {
        Self::Failure(Failure { exit: Exit::Unusable, why: why.to_string(), help: None })
    }

    /// Something else does not answer.
    #[cfg(feature = "kubernetes")]
    pub(crate) fn unreachable(why: impl fmt::Display) -> Self {
        Self::Failure(Failure { exit: Exit::Unreachable, why: why.to_string(), help: None })
    }

    /// The same with what would be right.
    pub(crate) fn help(self, help: impl fmt::Display) -> Self {
        match self {
            Self::Failure(failure) => Self::Failure(Failure { help: Some(help.to_string()), ..failure }),
            Self::Pipe => Self::Pipe,
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Pipe,
            _ => Self::unusable(format!("the output cannot be written: {error}")),
        }
    }
}

/// What a command gives back.
pub(crate) type Outcome = Result<Exit, Stop>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_every_code() {
        let help = codes_for_help();
        for code in ["   0  ", "   1  ", "   2  ", "   3  ", "   4  ", "  10  "] {
            assert!(help.contains(code), "{help}");
        }
    }
}
