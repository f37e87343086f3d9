//! A SQLite file: how it is opened, which format it has, who writes and who reads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::clerk::{Clerk, trouble};
use super::sealed::{Fault, SEALS, Table};
use crate::trouble::Trouble;

/// What a file of one kind must look like.
#[derive(Debug)]
pub(super) struct Format {
    /// What it is called in reasons.
    pub(super) name: &'static str,
    /// SQLite's mark of whose file it is.
    pub(super) application_id: i32,
    /// What brings a file from each version to the next, from an empty file on.
    pub(super) migrations: &'static [&'static str],
    /// The tables whose content is sealed.
    pub(super) tables: &'static [&'static Table],
    /// Those of them that decisions rest on.
    pub(super) vital: &'static [&'static Table],
    /// What else must hold.
    pub(super) verify: fn(&Connection) -> Result<(), Fault>,
    /// `FULL` if every commit must be on the disk before it is answered.
    pub(super) synchronous: &'static str,
}

/// An open file: one clerk writes, a few readers read.
#[derive(Debug)]
pub(super) struct Database {
    who: String,
    path: PathBuf,
    /// Closed before the clerk's connection: the last to close is the one that may tidy the log away.
    readers: Arc<Mutex<Vec<Connection>>>,
    clerk: Clerk,
}

/// Files up to this size are checked whole when they are opened. It takes 30 ms for each MiB.
const CHECKED_MAX: u64 = 4 << 20;

/// Idle reading connections that are kept.
const READERS_MAX: usize = 4;

impl Database {
    /// Opens the file, made if it does not exist, brought up to date if it is older, and checked: the whole of it, or, if
    /// that would keep decisions waiting, what they rest on. Whatever else is read is checked then.
    pub(super) fn open(path: &Path, format: &'static Format) -> Result<Self, Trouble> {
        Self::open_checked(path, format, CHECKED_MAX)
    }

    /// The same, where files of up to so many bytes are checked whole.
    pub(super) fn open_checked(path: &Path, format: &'static Format, whole: u64) -> Result<Self, Trouble> {
        let database = Self::open_unverified(path, format)?;
        let size = std::fs::metadata(path).map_or(0, |file| file.len());
        if size <= whole {
            check(path, format)?;
        } else {
            check_with(path, format, |db| format.vital.iter().try_for_each(|table| table.verify(db)))?;
            let mib = size >> 20;
            tracing::info!("of {} ({mib} MiB) only what decisions rest on was checked", database.who);
        }
        Ok(database)
    }

    /// The same without checking everything: for files that are large, and read with care.
    pub(super) fn open_unverified(path: &Path, format: &'static Format) -> Result<Self, Trouble> {
        let who = who(format, path);
        let db = writer(path, format, &who)?;
        Ok(Self { clerk: Clerk::new(who.clone(), db)?, who, path: path.to_owned(), readers: Arc::default() })
    }

    pub(super) fn who(&self) -> &str {
        &self.who
    }

    /// Does `work` in a transaction, and answers when it is safe.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Trouble> {
        self.clerk.write(work).await
    }

    /// Reads what is committed, on a thread that may wait for the disk.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (who, path, readers) = (self.who.clone(), self.path.clone(), self.readers.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let idle = lock(&readers).pop();
            let db = idle.map_or_else(|| reader(&path), Ok).map_err(|error| trouble(&who, error.into()))?;
            let done = work(&db).map_err(|fault| trouble(&who, fault));
            let mut idle = lock(&readers);
            if done.is_ok() && idle.len() < READERS_MAX {
                idle.push(db);
            }
            done
        });
        let ended = |_| Trouble::Broken { who: self.who.clone(), why: "reading did not end well".into() };
        reading.await.map_err(ended)?
    }
}

fn lock(readers: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    readers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn who(format: &Format, path: &Path) -> String {
    format!("the {} {}", format.name, path.display())
}

/// How long a lock that another process holds is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// What each connection keeps of its file, for the system keeps it too.
const CACHE_KIB: i64 = 256;

fn writer(path: &Path, format: &Format, who: &str) -> Result<Connection, Trouble> {
    let told = |error: rusqlite::Error| trouble(who, error.into());
    let db = Connection::open(path).map_err(told)?;
    db.busy_timeout(BUSY).map_err(told)?;
    db.pragma_update(None, "cache_size", -CACHE_KIB).map_err(told)?;
    let settings = format!(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA journal_mode = WAL;
         PRAGMA synchronous = {}; PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 16777216;",
        format.synchronous
    );
    whose(&db, format, who)?;
    db.execute_batch(&settings).map_err(told)?;
    migrate(&db, format).map_err(told)?;
    Ok(db)
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(db)
}

/// Refuses files of others, and files of a newer version, before anything is touched.
fn whose(db: &Connection, format: &Format, who: &str) -> Result<(), Trouble> {
    let told = |error: rusqlite::Error| trouble(who, error.into());
    let id: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(told)?;
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(told)?;
    let tables: i64 =
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(told)?;
    let (who, known) = (who.to_owned(), format.migrations.len() as i64);
    match id == format.application_id {
        false if tables > 0 || id != 0 => {
            Err(Trouble::Damaged { who, why: format!("it is not a {} of tidecast", format.name) })
        }
        true if tables == 0 => Err(Trouble::Damaged { who, why: "its tables are gone".into() }),
        _ if found > known => Err(Trouble::Newer { who, found, known }),
        _ => Ok(()),
    }
}

/// Each step in a transaction of its own: a step that is interrupted has not happened.
fn migrate(db: &Connection, format: &Format) -> rusqlite::Result<()> {
    let found: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for (version, migration) in format.migrations.iter().enumerate().skip(found as usize) {
        let seals = if version == 0 { SEALS } else { "" };
        let id = format.application_id;
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE; {seals} {migration}
             PRAGMA application_id = {id}; PRAGMA user_version = {}; COMMIT;",
            version + 1
        ))?;
    }
    Ok(())
}

/// Checks the file's structure, and each sealed table's content.
pub(super) fn verify(db: &Connection, format: &Format) -> Result<(), Fault> {
    let said: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        return Err(Fault::Damaged(crate::trouble::one_line(&said)));
    }
    format.tables.iter().try_for_each(|table| table.verify(db))?;
    (format.verify)(db)
}

/// Checks a file through, without changing it.
pub(super) fn check(path: &Path, format: &Format) -> Result<(), Trouble> {
    check_with(path, format, |db| verify(db, format))
}

fn check_with(
    path: &Path,
    format: &Format,
    verify: impl FnOnce(&Connection) -> Result<(), Fault>,
) -> Result<(), Trouble> {
    let who = who(format, path);
    let told = |error: rusqlite::Error| trouble(&who, error.into());
    let db = reader(path).map_err(told)?;
    whose(&db, format, &who)?;
    // Of one moment, for somebody may be writing: a row that comes after its table was read is in the seal that is read then.
    db.execute_batch("BEGIN").map_err(told)?;
    verify(&db).map_err(|fault| trouble(&who, fault))
}
