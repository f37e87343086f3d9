//! Copies of a store that can be checked and restored.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tidecast_pilot::{Halt, Halted, Span};

use super::database::{Database, Format, check as check_file};
use super::memory::{HISTORY, LEDGER, MARK, Memory, broken, lock, name, put_aside};
use super::{Decree, Scope, Sqlite, Store, history, sqlite};
use crate::trouble::Trouble;

/// What a snapshot consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// When it was made.
    pub at: Timestamp,
    /// The version of tidecast that made it.
    pub version: String,
    /// Its files.
    pub files: Vec<Copied>,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Copied {
    /// Its name in the folder.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// Over its content.
    pub sha256: String,
}

const MANIFEST: &str = "snapshot.json";

impl Memory {
    /// Copies ledger and history, as they are at one moment each, into a new folder, and checks the copies.
    ///
    /// # Errors
    /// [`Trouble`] when the folder exists already, or the copies cannot be made or do not stand the check.
    pub async fn snapshot(&self, folder: &Path, now: Timestamp) -> Result<Manifest, Trouble> {
        let unfinished = folder.with_extension("unfinished");
        let made = |error: std::io::Error| broken(folder, error);
        if folder.exists() {
            return Err(broken(folder, "it exists already; give a new folder"));
        }
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished).map_err(made)?;
        }
        std::fs::create_dir_all(&unfinished).map_err(made)?;
        copy(self.ledger.database(), unfinished.join(LEDGER)).await?;
        copy(self.history.database(), unfinished.join(HISTORY)).await?;
        let (to, from) = (folder.to_owned(), unfinished.clone());
        let sealing = tokio::task::spawn_blocking(move || seal(&from, &to, now)).await;
        sealing.map_err(|_| broken(folder, "checking it did not end well"))?
    }
}

async fn copy(database: &Database, to: PathBuf) -> Result<(), Trouble> {
    let target = to.to_string_lossy().into_owned();
    database
        .read(move |db| {
            db.execute("VACUUM INTO ?", [target])?;
            Connection::open(&to)?.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
            Ok(())
        })
        .await
}

fn seal(unfinished: &Path, folder: &Path, now: Timestamp) -> Result<Manifest, Trouble> {
    let made = |error: std::io::Error| broken(folder, error);
    let files = [LEDGER, HISTORY].map(|name| copied(unfinished, name).map_err(made));
    let files = files.into_iter().collect::<Result<_, _>>()?;
    let manifest = Manifest { at: now, version: env!("CARGO_PKG_VERSION").into(), files };
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest is text and numbers");
    std::fs::write(unfinished.join(MANIFEST), text).map_err(made)?;
    check(unfinished)?;
    for file in [LEDGER, HISTORY, MANIFEST] {
        File::open(unfinished.join(file)).and_then(|file| file.sync_all()).map_err(made)?;
    }
    std::fs::rename(unfinished, folder).map_err(made)?;
    sync_folder(folder.parent().unwrap_or(folder)).map_err(made)?;
    Ok(manifest)
}

/// A rename lasts once the folder itself is on the disk.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

fn copied(folder: &Path, name: &str) -> std::io::Result<Copied> {
    let mut file = File::open(folder.join(name))?;
    let (mut hash, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
    let mut sha256 = String::with_capacity(64);
    for byte in hash.finalize() {
        write!(sha256, "{byte:02x}").expect("a String takes all that is written to it");
    }
    Ok(Copied { name: name.into(), bytes, sha256 })
}

/// Checks a store or a snapshot through: each file's structure, each row's mark, each table's seal, the chain of the
/// audit log, and of a snapshot the files' hashes.
///
/// # Errors
/// [`Trouble::Damaged`] with what does not fit.
pub fn check(folder: &Path) -> Result<(), Trouble> {
    if let Some(manifest) = manifest(folder)? {
        for known in &manifest.files {
            let found = copied(folder, &known.name).map_err(|error| broken(folder, error))?;
            if found != *known {
                let why = format!("{} is not the file that was copied", known.name);
                return Err(Trouble::Damaged { who: name(folder), why });
            }
        }
    }
    for (file, format) in [(LEDGER, &sqlite::FORMAT), (HISTORY, &history::FORMAT)] {
        check_one(&folder.join(file), format)?;
    }
    Ok(())
}

fn check_one(path: &Path, format: &Format) -> Result<(), Trouble> {
    let length = std::fs::metadata(path).map_err(|error| broken(path, error))?.len();
    if length == 0 {
        let who = format!("the {} {}", format.name, path.display());
        return Err(Trouble::Damaged { who, why: "the file is empty".into() });
    }
    check_file(path, format)
}

fn manifest(folder: &Path) -> Result<Option<Manifest>, Trouble> {
    let text = match std::fs::read_to_string(folder.join(MANIFEST)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| broken(folder, error))?,
    };
    let manifest = serde_json::from_str(&text);
    manifest.map(Some).map_err(|error| Trouble::Damaged { who: name(folder), why: error.to_string() })
}

/// How far a restored ledger's turns are moved on, so that none of the lost ones is numbered twice: scalers refuse a
/// turn that is not newer than the last they carried out.
const TURNS_LOST_MAX: i64 = 1_000_000;

/// How long nothing is taken away after a restore, unless somebody lifts it.
const FREEZE: SignedDuration = SignedDuration::from_hours(24);

/// Puts a snapshot in the place of a store, once it has stood the check. What is there is put aside beside it. Turns
/// lost since are made room for, and scale-in is frozen for a day: what has been decreed since is lost.
///
/// # Errors
/// [`Trouble`] when the snapshot does not stand the check, or the store is in use.
pub async fn restore(snapshot: &Path, store: &Path, now: Timestamp) -> Result<Manifest, Trouble> {
    let Some(manifest) = manifest(snapshot)? else {
        return Err(broken(snapshot, format!("it holds no {MANIFEST}, so it is no snapshot")));
    };
    check(snapshot)?;
    std::fs::create_dir_all(store).map_err(|error| broken(store, error))?;
    let (_lock, _) = lock(store)?;
    for file in [LEDGER, HISTORY] {
        put_aside(&store.join(file))?;
        std::fs::copy(snapshot.join(file), store.join(file)).map_err(|error| broken(store, error))?;
        File::open(store.join(file))
            .and_then(|file| file.sync_all())
            .map_err(|error| broken(store, error))?;
    }
    sync_folder(store).map_err(|error| broken(store, error))?;
    let ledger = Sqlite::open(&store.join(LEDGER))?;
    ledger.database().write(|db| sqlite::move_turns(db, TURNS_LOST_MAX)).await?;
    ledger.decree(&Scope::All, &freeze(&manifest, now), now).await?;
    let mark = File::options().write(true).open(store.join(MARK));
    mark.and_then(|mark| mark.set_len(1)).map_err(|error| broken(store, error))?;
    Ok(manifest)
}

fn freeze(manifest: &Manifest, now: Timestamp) -> Decree {
    let halt = Halt {
        span: Span::lasting(now, FREEZE),
        what: Halted::ScaleIn,
        author: "tidecast".into(),
        reason: format!("restored from the snapshot of {}; what was decreed since is lost", manifest.at),
    };
    Decree::Halt { id: format!("restore-{}", now.as_millisecond()), halt }
}
