use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{History, Sqlite};
use crate::trouble::Trouble;

/// The folder in which one server keeps everything: the ledger, the history, and a mark that they are there.
#[derive(Debug)]
pub struct Memory {
    /// The truth.
    pub ledger: Arc<Sqlite>,
    /// The copy of what sources know.
    pub history: Arc<History>,
    /// Why the history was put aside and begun anew, if it was.
    pub renewed: Option<Trouble>,
    _lock: File,
}

/// The ledger's file in its folder.
pub(super) const LEDGER: &str = "ledger.db";
/// The history's file in its folder.
pub(super) const HISTORY: &str = "history.db";
/// Exists once a ledger has been there; locked while a server runs.
pub(super) const MARK: &str = "in-use";

impl Memory {
    /// Opens the folder, made if it does not exist. A damaged history is put aside and begun anew; a damaged
    /// ledger is refused, for only a snapshot can tell what people have decreed.
    ///
    /// # Errors
    /// [`Trouble`] when it is damaged, newer, in use by another process, or not to be had.
    pub fn open(folder: &Path) -> Result<Self, Trouble> {
        std::fs::create_dir_all(folder).map_err(|error| broken(folder, error))?;
        let (lock, known) = lock(folder)?;
        let ledger = folder.join(LEDGER);
        let empty = std::fs::metadata(&ledger).map_or(true, |file| file.len() == 0);
        if known && empty {
            let why = "the ledger that was there is gone or empty; restore a snapshot".to_owned();
            return Err(Trouble::Damaged { who: name(folder), why });
        }
        let ledger = Sqlite::open(&ledger)?;
        lock.set_len(1).and_then(|()| lock.sync_all()).map_err(|error| broken(folder, error))?;
        let (history, renewed) = history(&folder.join(HISTORY))?;
        let (ledger, history) = (Arc::new(ledger), Arc::new(history));
        Ok(Self { ledger, history, renewed, _lock: lock })
    }
}

/// Locks the folder, and says whether a ledger has been in it.
pub(super) fn lock(folder: &Path) -> Result<(File, bool), Trouble> {
    let file = File::options().create(true).write(true).truncate(false).open(folder.join(MARK));
    let file = file.map_err(|error| broken(folder, error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(broken(folder, "another tidecast is using it")),
        Err(TryLockError::Error(error)) => return Err(broken(folder, error)),
    }
    let known = file.metadata().map_err(|error| broken(folder, error))?.len() > 0;
    Ok((file, known))
}

fn history(path: &Path) -> Result<(History, Option<Trouble>), Trouble> {
    match History::open(path) {
        Err(trouble @ Trouble::Damaged { .. }) => {
            put_aside(path)?;
            Ok((History::open(path)?, Some(trouble)))
        }
        opened => opened.map(|history| (history, None)),
    }
}

/// Renames a database and what belongs to it, replacing one put aside earlier.
pub(super) fn put_aside(path: &Path) -> Result<(), Trouble> {
    for suffix in ["", "-wal", "-shm"] {
        let file = with_suffix(path, suffix);
        if file.exists() {
            let aside = with_suffix(path, &format!(".damaged{suffix}"));
            std::fs::rename(&file, aside).map_err(|error| broken(&file, error))?;
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub(super) fn name(folder: &Path) -> String {
    format!("the store {}", folder.display())
}

pub(super) fn broken(folder: &Path, why: impl ToString) -> Trouble {
    Trouble::Broken { who: name(folder), why: why.to_string() }
}

#[cfg(test)]
mod tests;
