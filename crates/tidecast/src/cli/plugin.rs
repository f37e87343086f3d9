//! The same binary as a plug-in of kubectl: called `kubectl-tidecast` it is `kubectl tidecast`, and called
//! `kubectl_complete-tidecast` it completes that for kubectl.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;

/// As what this process was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// `tidecast`.
    Own,
    /// `kubectl tidecast`.
    Plugin,
    /// What kubectl asks for completions.
    Completion,
}

impl Name {
    /// By the first word of the command line.
    pub(crate) fn of(arguments: &[OsString]) -> Self {
        let stem = arguments.first().and_then(|first| Path::new(first).file_stem());
        match stem.and_then(|stem| stem.to_str()) {
            Some("kubectl-tidecast" | "kubectl_tidecast") => Self::Plugin,
            Some("kubectl_complete-tidecast") => Self::Completion,
            _ => Self::Own,
        }
    }
}

/// Answers as kubectl asks: a candidate a line with what it is for, then what the shell may do besides.
pub(crate) fn complete(command: &Command, words: &[String], out: &mut dyn Write) -> io::Result<()> {
    let (begun, before) = words.split_last().map_or(("", words), |(last, rest)| (last.as_str(), rest));
    let mut at = command;
    for word in before {
        at = at.find_subcommand(word).unwrap_or(at);
    }
    for (word, about) in candidates(at).filter(|(word, _)| word.starts_with(begun)) {
        writeln!(out, "{word}\t{about}")?;
    }
    // Four: no file names.
    writeln!(out, ":{}", if at.get_subcommands().next().is_some() { 4 } else { 0 })
}

fn candidates(command: &Command) -> impl Iterator<Item = (String, String)> {
    let subcommands = command.get_subcommands().filter(|one| !one.is_hide_set());
    let subcommands = subcommands.map(|one| (one.get_name().to_owned(), told(one.get_about())));
    let options = command.get_arguments().filter(|one| !one.is_hide_set());
    let options = options.filter_map(|one| Some((format!("--{}", one.get_long()?), told(one.get_help()))));
    subcommands.chain(options)
}

fn told(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn completed(words: &[&str]) -> String {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut out = Vec::new();
        complete(&super::super::Cli::command(), &words, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn knows_itself_by_its_name() {
        let name = |first: &str| Name::of(&[first.into()]);
        assert_eq!(name("/usr/local/bin/kubectl-tidecast"), Name::Plugin);
        assert_eq!(name("kubectl_complete-tidecast"), Name::Completion);
        assert_eq!(name("tidecast"), Name::Own);
        assert_eq!(Name::of(&[]), Name::Own);
    }

    #[test]
    fn completes_commands_and_options() {
        let all = completed(&["fore"]);
        assert!(all.starts_with("forecast\t") && all.ends_with(":4\n"), "{all}");
        assert!(completed(&["check", "--deny"]).starts_with("--deny-warnings\t"));
        assert_eq!(completed(&["nonsense-"]), ":4\n");
    }
}
