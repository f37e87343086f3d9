//! The red button that needs neither the API nor the ledger: a file in the folder of the store (F21).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Halt, Halted, Span};

use crate::trouble::{Trouble, one_line};

/// A file that freezes all workloads for as long as it is there. What stands in it is the reason.
///
/// It is looked at in each turn, after all that may take long, so that it holds from the next act on: whether the API
/// answers or not, and before the server has even been started.
#[derive(Debug, Clone)]
pub struct Flag {
    file: PathBuf,
}

/// By which the API names its halt.
pub const FLAG: &str = "the-file";
/// How much of the file is told.
const REASON_CHARS_MAX: usize = 200;
/// Until when a halt by the file is said to hold: it ends when the file is taken away.
const AS_GOOD_AS_FOR_EVER: SignedDuration = SignedDuration::from_hours(366 * 24);

impl Flag {
    /// The file in this folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self { file: folder.join("FREEZE") }
    }

    /// Where it is.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What it decrees for all workloads, while it is there. If nobody can say whether it is, it is.
    pub fn halt(&self, now: Timestamp) -> Option<Halt> {
        let file = match std::fs::metadata(&self.file) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => return Some(self.raised(now, now, format!("it cannot be looked at: {error}"))),
        };
        let raised = file.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
        Some(self.raised(raised.unwrap_or(now).min(now), now, self.reason()))
    }

    fn raised(&self, since: Timestamp, now: Timestamp, reason: String) -> Halt {
        // Counted from when it was raised, so that it says the same in each turn; one that is forgotten holds all the same.
        let old = now.duration_since(since) > AS_GOOD_AS_FOR_EVER / 2;
        let span = Span::lasting(if old { now } else { since }, AS_GOOD_AS_FOR_EVER);
        Halt { span, what: Halted::All, author: self.file.display().to_string(), reason }
    }

    fn reason(&self) -> String {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        match text.trim() {
            "" => "no reason is given".into(),
            text => one_line(text).chars().take(REASON_CHARS_MAX).collect(),
        }
    }

    /// Freezes everything from now on.
    ///
    /// # Errors
    /// [`Trouble`] when the file cannot be written.
    pub fn raise(&self, reason: &str) -> Result<(), Trouble> {
        let written = std::fs::File::create(&self.file).and_then(|mut file| {
            std::io::Write::write_all(&mut file, reason.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| self.broken(&error))
    }

    /// Lifts it again; false if it was not there.
    ///
    /// # Errors
    /// [`Trouble`] when the file cannot be taken away.
    pub fn lower(&self) -> Result<bool, Trouble> {
        match std::fs::remove_file(&self.file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.broken(&error)),
        }
    }

    fn broken(&self, error: &std::io::Error) -> Trouble {
        Trouble::Broken { who: self.file.display().to_string(), why: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // F21
    fn holds_while_the_file_is_there_whoever_put_it_there() {
        let folder = tempfile::tempdir().unwrap();
        let flag = Flag::in_folder(folder.path());
        let now = crate::drive::clock();
        assert_eq!(flag.halt(now), None);
        flag.raise("incident 7").unwrap();
        let halt = flag.halt(crate::drive::clock()).unwrap();
        assert_eq!((halt.what, halt.reason.as_str()), (Halted::All, "incident 7"));
        assert!(halt.span.holds(crate::drive::clock()) && halt.author.ends_with("FREEZE"));
        assert_eq!(flag.halt(crate::drive::clock()), Some(halt), "it says the same in each turn");
        assert!(flag.lower().unwrap() && !flag.lower().unwrap());
        assert_eq!(flag.halt(now), None);
        std::fs::File::create(folder.path().join("FREEZE")).unwrap();
        assert_eq!(flag.halt(crate::drive::clock()).unwrap().reason, "no reason is given");
    }

    #[test] // F21
    fn holds_if_nobody_can_say_whether_the_file_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let no_folder = folder.path().join("file");
        std::fs::write(&no_folder, "").unwrap();
        let halt = Flag::in_folder(&no_folder).halt(crate::drive::clock()).unwrap();
        assert!(halt.reason.starts_with("it cannot be looked at"), "{}", halt.reason);
    }
}
