//! What was measured, and what was forecast: a copy near at hand, so that the source may fail (S3.4).
//!
//! The last hours are rows; older samples lie in a packed chunk for each day. Late samples find their way into both.

mod forecasts;
pub(super) mod packed;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};
use tidecast_forecast::{Sample, Samples};
use tidecast_pilot::Issued;

pub use forecasts::{Pressed, settled};

use self::forecasts::FORECASTS;
use super::database::{Database, Format};
use super::sealed::{Fault, Table};
use crate::trouble::Trouble;

/// The history of many series, in one file.
///
/// It is no truth but a copy of what sources know: when its file is damaged it is put aside and collected again.
#[derive(Debug)]
pub struct History {
    db: Database,
}

/// The span for which a source has been asked, whether it had something or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// From then on.
    pub from: Timestamp,
    /// Until then.
    pub until: Timestamp,
}

const SERIES: Table =
    Table { name: "series", columns: &["name", "id", "asked_from", "asked_until"], keys: 1 };
const HEAD: Table = Table { name: "head", columns: &["series", "at", "value"], keys: 2 };
const CHUNKS: Table = Table { name: "chunks", columns: &["series", "day", "times", "points"], keys: 2 };

/// What tuning has learned, from which midnight on: numbers that can be learned again.
const TUNINGS: Table = Table { name: "tunings", columns: &["series", "begun", "numbers"], keys: 1 };

/// Spans in which what was measured cannot be believed.
const DARK: Table = Table { name: "dark", columns: &["series", "since", "until"], keys: 2 };

pub(super) const FORMAT: Format = Format {
    name: "history",
    application_id: 0x7469_6468,
    migrations: &["
        CREATE TABLE series (name TEXT PRIMARY KEY, id INTEGER UNIQUE, asked_from INTEGER, asked_until INTEGER, mark INTEGER)
            WITHOUT ROWID;
        CREATE TABLE head (series INTEGER, at INTEGER, value REAL, mark INTEGER, PRIMARY KEY (series, at)) WITHOUT ROWID;
        CREATE TABLE chunks (series INTEGER, day INTEGER, times BLOB, points BLOB, mark INTEGER,
            PRIMARY KEY (series, day)) WITHOUT ROWID;
        CREATE TABLE forecasts (series INTEGER, issued INTEGER, head TEXT, fans BLOB, mark INTEGER,
            PRIMARY KEY (series, issued)) WITHOUT ROWID;
        CREATE TABLE dark (series INTEGER, since INTEGER, until INTEGER, mark INTEGER, PRIMARY KEY (series, since))
            WITHOUT ROWID;
    ", "
        CREATE TABLE tunings (series INTEGER PRIMARY KEY, begun INTEGER, numbers BLOB, mark INTEGER) WITHOUT ROWID;
    ",
    // As in the ledger: a tree of rows of kilobytes is searched by reading whole rows.
    "
        CREATE TABLE chunks_2 (series INTEGER, day INTEGER, times BLOB, points BLOB, mark INTEGER, PRIMARY KEY (series, day));
        INSERT INTO chunks_2 SELECT * FROM chunks;
        DROP TABLE chunks;
        ALTER TABLE chunks_2 RENAME TO chunks;
        CREATE TABLE forecasts_2 (series INTEGER, issued INTEGER, head TEXT, fans BLOB, mark INTEGER,
            PRIMARY KEY (series, issued));
        INSERT INTO forecasts_2 SELECT * FROM forecasts;
        DROP TABLE forecasts;
        ALTER TABLE forecasts_2 RENAME TO forecasts;
    "],
    tables: &[&SERIES, &HEAD, &CHUNKS, &FORECASTS, &DARK, &TUNINGS],
    vital: &[],
    verify: |_| Ok(()),
    synchronous: "NORMAL",
};

const DAY_MS: i64 = 86_400_000;
/// Samples younger than this are rows.
const HEAD_MS: i64 = 2 * 3_600_000;
/// How much of the span that was asked for may be forgotten by a restart, to be asked for again.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(5);

impl History {
    /// Opens the file, made if it does not exist.
    ///
    /// # Errors
    /// [`Trouble::Damaged`] when it is no history, [`Trouble::Newer`] when a newer version wrote it.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        Ok(Self { db: Database::open_unverified(path, &FORMAT)? })
    }

    /// What reasons call it.
    pub fn name(&self) -> &str {
        self.db.who()
    }

    pub(super) fn database(&self) -> &Database {
        &self.db
    }

    /// Takes samples in, the later word for each time counting, and notes the span that was asked for.
    ///
    /// # Errors
    /// [`Trouble`] when they are not stored.
    pub async fn put(
        &self,
        series: &str,
        samples: Samples,
        asked: Asked,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let series = series.to_owned();
        self.db.write(move |db| put(db, &series, samples, asked, now)).await
    }

    /// The samples from `since` to `until`, both included, in order.
    ///
    /// # Errors
    /// [`Trouble`] when they cannot be read, or are not what was written.
    pub async fn read(&self, series: &str, since: Timestamp, until: Timestamp) -> Result<Samples, Trouble> {
        let series = series.to_owned();
        self.db.read(move |db| read(db, &series, since.as_millisecond(), until.as_millisecond())).await
    }

    /// Notes that what was measured after `from` and until `until` cannot be believed: it is unknown from now on,
    /// even if the source says the same again later.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored.
    pub async fn darken(&self, series: &str, from: Timestamp, until: Timestamp) -> Result<(), Trouble> {
        let series = series.to_owned();
        self.db.write(move |db| darken(db, &series, from.as_millisecond(), until.as_millisecond())).await
    }

    /// The span for which the source of this series has been asked; none if it never was.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be read.
    pub async fn asked(&self, series: &str) -> Result<Option<Asked>, Trouble> {
        let series = series.to_owned();
        self.db.read(move |db| Ok(known(db, &series)?.map(|(_, asked)| asked))).await
    }

    /// Lets `heir` begin with the history of `of`, as when a blue group follows a green one (A15). What the heir
    /// has measured itself stays.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored.
    pub async fn inherit(&self, of: &str, heir: &str, now: Timestamp) -> Result<(), Trouble> {
        let (of, heir) = (of.to_owned(), heir.to_owned());
        self.db
            .write(move |db| {
                let Some((_, asked)) = known(db, &of)? else { return Ok(()) };
                let own = read(db, &heir, i64::MIN, i64::MAX)?;
                put(db, &heir, read(db, &of, i64::MIN, i64::MAX)?, asked, now)?;
                put(db, &heir, own, asked, now)
            })
            .await
    }

    /// Packs what has left the last hours into its day's chunk; of at most `series_max` series.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored.
    pub async fn pack(&self, now: Timestamp, series_max: usize) -> Result<usize, Trouble> {
        self.db.write(move |db| pack(db, now.as_millisecond() - HEAD_MS, series_max)).await
    }

    /// Drops the days that lie wholly before `oldest`, and forecasts that need not be kept.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored.
    pub async fn prune(&self, oldest: Timestamp, now: Timestamp) -> Result<usize, Trouble> {
        self.db.write(move |db| prune(db, oldest, now)).await
    }

    /// Keeps a forecast as it was issued.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored.
    pub async fn keep_forecast(&self, series: &str, issued: Pressed) -> Result<(), Trouble> {
        let series = series.to_owned();
        self.db.write(move |db| forecasts::put(db, id_of(db, &series)?, issued)).await
    }

    /// Keeps what tuning has learned since the midnight `begun`; the last word counts.
    ///
    /// # Errors
    /// [`Trouble`] when it is not stored.
    pub async fn keep_tuning(
        &self,
        series: &str,
        begun: Timestamp,
        numbers: Vec<f64>,
    ) -> Result<(), Trouble> {
        let series = series.to_owned();
        let packed = packed::pack_f64(&numbers);
        self.db
            .write(move |db| TUNINGS.put(db, &[id_of(db, &series)?.into(), millis(begun), packed.into()]))
            .await
    }

    /// What tuning has learned, and since which midnight; none if nothing was kept.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be read, or is not what was written.
    pub async fn tuning(&self, series: &str) -> Result<Option<(Timestamp, Vec<f64>)>, Trouble> {
        let series = series.to_owned();
        self.db
            .read(move |db| {
                let Some(id) = known_id(db, &series)? else { return Ok(None) };
                let Some(row) = TUNINGS.get(db, &[id.into()])? else { return Ok(None) };
                match row.as_slice() {
                    [_, begun, Value::Blob(numbers)] => {
                        Ok(Some((timestamp(begun)?, packed::unpack_f64(numbers)?)))
                    }
                    _ => Err(damaged("tunings")),
                }
            })
            .await
    }

    /// When the forecasts that are kept were issued, oldest first.
    ///
    /// # Errors
    /// [`Trouble`] when they cannot be read.
    pub async fn issued(&self, series: &str) -> Result<Vec<Timestamp>, Trouble> {
        let series = series.to_owned();
        self.db
            .read(move |db| match known_id(db, &series)? {
                Some(id) => {
                    let times = forecasts::times(db, id)?.into_iter();
                    times
                        .map(|at| Timestamp::from_millisecond(at).map_err(|_| damaged("forecasts")))
                        .collect()
                }
                None => Ok(Vec::new()),
            })
            .await
    }

    /// The newest forecast issued at or before a time.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be read.
    pub async fn forecast(&self, series: &str, until: Timestamp) -> Result<Option<Issued>, Trouble> {
        let series = series.to_owned();
        self.db
            .read(move |db| match known_id(db, &series)? {
                Some(id) => forecasts::newest(db, id, until),
                None => Ok(None),
            })
            .await
    }
}

fn put(db: &Connection, series: &str, samples: Samples, asked: Asked, now: Timestamp) -> Result<(), Fault> {
    let id = id_of(db, series)?;
    let known = known(db, series)?.map(|(_, asked)| asked);
    let span = known.map_or(asked, |known| together(known, asked));
    if known.is_none_or(|known| worth_noting(known, span)) {
        let row = [series.to_owned().into(), id.into(), millis(span.from), millis(span.until)];
        SERIES.put(db, &row)?;
    }
    let recent = now.as_millisecond() - HEAD_MS;
    let known = head(db, id, &samples)?;
    let mut days: BTreeMap<i64, Vec<(i64, f64)>> = BTreeMap::new();
    for Sample { time, value } in samples.0 {
        match time.as_millisecond() {
            at if at < recent => days.entry(at.div_euclid(DAY_MS)).or_default().push((at, value)),
            // Most of what is asked for again has not changed.
            at if known.get(&at).is_some_and(|known| known.to_bits() == value.to_bits()) => {}
            at => HEAD.put(db, &[id.into(), at.into(), value.into()])?,
        }
    }
    days.into_iter().try_for_each(|(day, points)| merge(db, id, day, points))
}

/// Whether a span has grown by more than would soon be asked again. A turn asks for half a minute more, and most have
/// nothing else to write.
fn worth_noting(known: Asked, span: Asked) -> bool {
    span.from != known.from || span.until.duration_since(known.until) >= NOTED_EVERY
}

/// The rows of the last hours within the span of these samples.
fn head(db: &Connection, id: i64, samples: &Samples) -> Result<BTreeMap<i64, f64>, Fault> {
    let times = || samples.0.iter().map(|sample| sample.time.as_millisecond());
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(BTreeMap::new()) };
    let rows =
        HEAD.select(db, "series = ? AND at BETWEEN ? AND ?", &[id.into(), first.into(), last.into()])?;
    rows.iter()
        .map(|row| match row.as_slice() {
            [_, Value::Integer(at), Value::Real(value)] => Ok((*at, *value)),
            _ => Err(damaged("head")),
        })
        .collect()
}

/// One span that holds both; a gap between them counts as not asked, so the newer one stays.
fn together(known: Asked, asked: Asked) -> Asked {
    let apart = asked.from > known.until || asked.until < known.from;
    match apart {
        true if asked.until > known.until => asked,
        true => known,
        false => Asked { from: known.from.min(asked.from), until: known.until.max(asked.until) },
    }
}

/// Merges points into a day's chunk; the new ones win.
fn merge(db: &Connection, series: i64, day: i64, points: Vec<(i64, f64)>) -> Result<(), Fault> {
    let known = CHUNKS.get(db, &[series.into(), day.into()])?;
    let known = known.map_or(Ok(Vec::new()), |row| chunk(&row))?;
    let merged: BTreeMap<i64, f64> = known.iter().copied().chain(points).collect();
    let same = |(known, merged): (&(i64, f64), (&i64, &f64))| {
        (known.0, known.1.to_bits()) == (*merged.0, merged.1.to_bits())
    };
    if known.len() == merged.len() && known.iter().zip(&merged).all(same) {
        return Ok(());
    }
    let (times, values): (Vec<i64>, Vec<f64>) = merged.into_iter().unzip();
    let (times, values) = (packed::pack_i64(&times), packed::pack_f64(&values));
    CHUNKS.put(db, &[series.into(), day.into(), times.into(), values.into()])
}

fn chunk(row: &[Value]) -> Result<Vec<(i64, f64)>, Fault> {
    let [_, _, Value::Blob(times), Value::Blob(values)] = row else { return Err(damaged("chunks")) };
    let (times, values) = (packed::unpack_i64(times)?, packed::unpack_f64(values)?);
    if times.len() != values.len() {
        return Err(damaged("chunks"));
    }
    Ok(times.into_iter().zip(values).collect())
}

fn read(db: &Connection, series: &str, since: i64, until: i64) -> Result<Samples, Fault> {
    let Some(id) = known_id(db, series)? else { return Ok(Samples::default()) };
    let mut points = Vec::new();
    let days = "SELECT day FROM chunks WHERE series = ? AND day BETWEEN ? AND ? ORDER BY day";
    let mut days = db.prepare_cached(days)?;
    let days = days.query_map([id, since.div_euclid(DAY_MS), until.div_euclid(DAY_MS)], |row| row.get(0))?;
    for day in days {
        let day: i64 = day?;
        if let Some(row) = CHUNKS.get(db, &[id.into(), day.into()])? {
            points.extend(chunk(&row)?);
        }
    }
    let condition = "series = ? AND at BETWEEN ? AND ? ORDER BY at";
    for row in HEAD.select(db, condition, &[id.into(), since.into(), until.into()])? {
        let [_, Value::Integer(at), Value::Real(value)] = row.as_slice() else { return Err(damaged("head")) };
        points.push((*at, *value));
    }
    let dark = dark(db, id)?;
    let within = |at: i64| since <= at && at <= until.max(since);
    points.retain(|(at, _)| within(*at) && !dark.iter().any(|(since, until)| since < at && at <= until));
    in_order(points)
        .into_iter()
        .map(|(at, value)| Ok(Sample { time: timestamp(&at.into())?, value }))
        .collect::<Result<_, _>>()
        .map(Samples)
}

/// Each time once, ascending, the later word counting.
fn in_order(mut points: Vec<(i64, f64)>) -> Vec<(i64, f64)> {
    if !points.is_sorted_by(|a, b| a.0 < b.0) {
        points.sort_by_key(|(at, _)| *at);
        points.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 = later.1;
            }
            same
        });
    }
    points
}

/// Lengthens the span that ends where this one begins, or begins a new one.
fn darken(db: &Connection, series: &str, from: i64, until: i64) -> Result<(), Fault> {
    let id: Value = id_of(db, series)?.into();
    let condition = "series = ? AND since <= ? AND until >= ? ORDER BY since LIMIT 1";
    let known = DARK.select(db, condition, &[id.clone(), from.into(), from.into()])?;
    let since = known.first().map_or(from.into(), |row| row[1].clone());
    DARK.put(db, &[id, since, until.into()])
}

/// The dark spans of a series: after the first time, up to the second.
fn dark(db: &Connection, id: i64) -> Result<Vec<(i64, i64)>, Fault> {
    let rows = DARK.select(db, "series = ?", &[id.into()])?;
    rows.iter()
        .map(|row| match row.as_slice() {
            [_, Value::Integer(since), Value::Integer(until)] => Ok((*since, *until)),
            _ => Err(damaged("dark")),
        })
        .collect()
}

fn pack(db: &Connection, before: i64, series_max: usize) -> Result<usize, Fault> {
    let mut statement = db.prepare_cached("SELECT DISTINCT series FROM head WHERE at < ? LIMIT ?")?;
    let ids = statement.query_map((before, series_max as i64), |row| row.get(0))?;
    let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    for id in &ids {
        let mut days: BTreeMap<i64, Vec<(i64, f64)>> = BTreeMap::new();
        for row in HEAD.select(db, "series = ? AND at < ?", &[(*id).into(), before.into()])? {
            let [_, Value::Integer(at), Value::Real(value)] = row.as_slice() else {
                return Err(damaged("head"));
            };
            days.entry(at.div_euclid(DAY_MS)).or_default().push((*at, *value));
            HEAD.take(db, &row[..2])?;
        }
        days.into_iter().try_for_each(|(day, points)| merge(db, *id, day, points))?;
    }
    Ok(ids.len())
}

/// The most rows that one call drops.
const PRUNED_MAX: i64 = 2_000;

fn prune(db: &Connection, oldest: Timestamp, now: Timestamp) -> Result<usize, Fault> {
    let day = oldest.as_millisecond().div_euclid(DAY_MS);
    let mut statement = db.prepare_cached("SELECT series, day FROM chunks WHERE day < ? LIMIT ?")?;
    let old =
        statement.query_map([day, PRUNED_MAX], |row| Ok([row.get::<_, i64>(0)?, row.get::<_, i64>(1)?]))?;
    let old: Vec<[i64; 2]> = old.collect::<Result<_, _>>()?;
    for key in &old {
        CHUNKS.take(db, &key.map(Value::from))?;
    }
    for row in SERIES.select(db, "asked_from < ?", &[millis(oldest)])? {
        SERIES.put(db, &[row[0].clone(), row[1].clone(), millis(oldest), row[3].clone()])?;
    }
    for row in DARK.select(db, "until < ?", &[millis(oldest)])? {
        DARK.take(db, &row[..2])?;
    }
    let mut dropped = old.len();
    let mut statement = db.prepare_cached("SELECT id FROM series")?;
    let ids: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for id in ids {
        for issued in forecasts::superfluous(&forecasts::times(db, id)?, now) {
            dropped += usize::from(FORECASTS.take(db, &[id.into(), issued.into()])?);
        }
    }
    Ok(dropped)
}

fn known_id(db: &Connection, series: &str) -> Result<Option<i64>, Fault> {
    let mut statement = db.prepare_cached("SELECT id FROM series WHERE name = ?")?;
    Ok(statement.query_row([series], |row| row.get(0)).optional()?)
}

/// The number of a series, and what was asked of it; one that was never asked has none.
fn known(db: &Connection, series: &str) -> Result<Option<(i64, Asked)>, Fault> {
    let Some(row) = SERIES.get(db, &[series.to_owned().into()])? else { return Ok(None) };
    match row.as_slice() {
        [_, Value::Integer(id), from @ Value::Integer(_), until] => {
            Ok(Some((*id, Asked { from: timestamp(from)?, until: timestamp(until)? })))
        }
        _ => Ok(None),
    }
}

fn id_of(db: &Connection, series: &str) -> Result<i64, Fault> {
    if let Some(id) = known_id(db, series)? {
        return Ok(id);
    }
    let id: i64 = db.query_row("SELECT ifnull(max(id), 0) + 1 FROM series", [], |row| row.get(0))?;
    SERIES.put(db, &[series.to_owned().into(), id.into(), Value::Null, Value::Null])?;
    Ok(id)
}

fn millis(time: Timestamp) -> Value {
    time.as_millisecond().into()
}

fn timestamp(value: &Value) -> Result<Timestamp, Fault> {
    let Value::Integer(millis) = value else { return Err(damaged("times")) };
    Timestamp::from_millisecond(*millis).map_err(|_| damaged("times"))
}

fn damaged(table: &str) -> Fault {
    Fault::Damaged(format!("table {table}: a row has other types than were written"))
}

/// How long history is kept unless told otherwise: eight weeks.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(8 * 7 * 24);

#[cfg(test)]
mod tests;
