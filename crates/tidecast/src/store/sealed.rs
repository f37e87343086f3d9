//! Tables that notice damage. SQLite keeps its own structure sound but does not know whether a page still holds what was
//! written. So each row carries a mark of its values, and each table a seal: how many rows it has, and the sum of
//! their marks. A changed value, a lost row, a row come back from the dead: one of the two does not fit any more.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params_from_iter};
use sha2::{Digest, Sha256};

/// A table whose first `keys` columns are its primary key; the column `mark` stands last.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) keys: usize,
}

/// What a sealed table can answer with.
#[derive(Debug)]
pub(super) enum Fault {
    /// The database itself reports it.
    Sql(rusqlite::Error),
    /// What is read is not what was written.
    Damaged(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Where the seals are kept.
pub(super) const SEALS: &str =
    "CREATE TABLE seals (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;";

impl Table {
    /// Writes a row, replacing the one with the same key.
    pub(super) fn put(&self, db: &Connection, values: &[Value]) -> Result<(), Fault> {
        assert_eq!(values.len(), self.columns.len(), "{} has {} columns", self.name, self.columns.len());
        let (old, new) = (self.mark_at(db, &values[..self.keys])?, mark(values.iter().map(ValueRef::from)));
        let marks = vec!["?"; values.len() + 1].join(",");
        let sql = format!("INSERT OR REPLACE INTO {} ({}, mark) VALUES ({marks})", self.name, self.list());
        let all = values.iter().map(|v| v as &dyn ToSql).chain([&new as &dyn ToSql]);
        db.prepare_cached(&sql)?.execute(params_from_iter(all))?;
        self.reseal(db, old, Some(new))
    }

    /// Takes the row with this key away, and says whether there was one.
    pub(super) fn take(&self, db: &Connection, key: &[Value]) -> Result<bool, Fault> {
        let Some(old) = self.mark_at(db, key)? else { return Ok(false) };
        let sql = format!("DELETE FROM {} WHERE {}", self.name, self.key_is());
        db.prepare_cached(&sql)?.execute(params_from_iter(key))?;
        self.reseal(db, Some(old), None)?;
        Ok(true)
    }

    /// The row with this key, if it is there and undamaged.
    pub(super) fn get(&self, db: &Connection, key: &[Value]) -> Result<Option<Vec<Value>>, Fault> {
        let mut rows = self.select(db, &self.key_is(), key)?;
        Ok(rows.pop())
    }

    /// All rows that fulfil a condition, undamaged or not at all.
    pub(super) fn select(
        &self,
        db: &Connection,
        condition: &str,
        values: &[Value],
    ) -> Result<Vec<Vec<Value>>, Fault> {
        let sql = format!("SELECT {}, mark FROM {} WHERE {condition}", self.list(), self.name);
        let mut statement = db.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            self.checked_mark(row)?;
            found.push((0..self.columns.len()).map(|i| row.get(i)).collect::<Result<_, _>>()?);
        }
        Ok(found)
    }

    /// How many rows were written, by the seal.
    pub(super) fn rows(&self, db: &Connection) -> Result<u64, Fault> {
        Ok(u64::try_from(self.seal(db)?.0).unwrap_or(0))
    }

    /// Checks every row and the seal.
    pub(super) fn verify(&self, db: &Connection) -> Result<(), Fault> {
        let sql = format!("SELECT {}, mark FROM {}", self.list(), self.name);
        let mut statement = db.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut seen = (0i64, 0i64);
        while let Some(row) = rows.next()? {
            seen = (seen.0 + 1, seen.1.wrapping_add(self.checked_mark(row)?));
        }
        let sealed = self.seal(db)?;
        if seen == sealed {
            return Ok(());
        }
        let why = match seen.0 == sealed.0 {
            true => "a row is not the one that was written last".into(),
            false => format!("{} rows are there and {} were written", seen.0, sealed.0),
        };
        Err(Fault::Damaged(format!("table {}: {why}", self.name)))
    }

    fn checked_mark(&self, row: &Row<'_>) -> Result<i64, Fault> {
        let count = self.columns.len();
        let values = (0..count).map(|i| row.get_ref(i)).collect::<Result<Vec<_>, _>>()?;
        let computed = mark(values.into_iter());
        match row.get_ref(count)? {
            ValueRef::Integer(stored) if stored == computed => Ok(computed),
            _ => Err(Fault::Damaged(format!("table {}: a row is not what was written", self.name))),
        }
    }

    fn mark_at(&self, db: &Connection, key: &[Value]) -> Result<Option<i64>, Fault> {
        let sql = format!("SELECT mark FROM {} WHERE {}", self.name, self.key_is());
        Ok(db.prepare_cached(&sql)?.query_row(params_from_iter(key), |row| row.get(0)).optional()?)
    }

    fn seal(&self, db: &Connection) -> Result<(i64, i64), Fault> {
        let mut statement = db.prepare_cached("SELECT rows, sum FROM seals WHERE name = ?")?;
        let seal = statement.query_row([self.name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(seal.unwrap_or((0, 0)))
    }

    fn reseal(&self, db: &Connection, old: Option<i64>, new: Option<i64>) -> Result<(), Fault> {
        let (rows, sum) = self.seal(db)?;
        let rows = rows + i64::from(new.is_some()) - i64::from(old.is_some());
        let sum = sum.wrapping_sub(old.unwrap_or(0)).wrapping_add(new.unwrap_or(0));
        let sql = "INSERT OR REPLACE INTO seals (name, rows, sum) VALUES (?, ?, ?)";
        db.prepare_cached(sql)?.execute((self.name, rows, sum))?;
        Ok(())
    }

    fn list(&self) -> String {
        self.columns.join(", ")
    }

    fn key_is(&self) -> String {
        let keys: Vec<_> = self.columns[..self.keys].iter().map(|key| format!("{key} = ?")).collect();
        keys.join(" AND ")
    }
}

/// The first 63 bits of a hash over typed values; not a secret, only very unlikely to fit by chance.
pub(super) fn mark<'a>(values: impl Iterator<Item = ValueRef<'a>>) -> i64 {
    let mut hash = Sha256::new();
    for value in values {
        let (kind, bytes): (u8, &[u8]) = match &value {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(number) => (1, &number.to_be_bytes()),
            ValueRef::Real(number) => (2, &number.to_bits().to_be_bytes()),
            ValueRef::Text(text) => (3, text),
            ValueRef::Blob(blob) => (4, blob),
        };
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    let digest = hash.finalize();
    i64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 digest has more than eight bytes")) & i64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    const THINGS: Table = Table { name: "things", columns: &["a", "b", "c"], keys: 2 };

    fn db() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(SEALS).unwrap();
        db.execute_batch(
            "CREATE TABLE things (a TEXT, b INTEGER, c BLOB, mark INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID",
        )
        .unwrap();
        for b in 0..10 {
            THINGS.put(&db, &row(b, "first")).unwrap();
        }
        THINGS.put(&db, &row(3, "second")).unwrap();
        assert!(THINGS.take(&db, &row(4, "")[..2]).unwrap());
        assert!(!THINGS.take(&db, &row(44, "")[..2]).unwrap());
        db
    }

    fn row(b: i64, c: &str) -> [Value; 3] {
        ["x".to_owned().into(), b.into(), c.as_bytes().to_vec().into()]
    }

    #[test]
    fn gives_back_what_was_put() {
        let db = db();
        THINGS.verify(&db).unwrap();
        assert_eq!(THINGS.get(&db, &row(3, "")[..2]).unwrap().unwrap(), row(3, "second"));
        assert!(THINGS.get(&db, &row(4, "")[..2]).unwrap().is_none());
        assert_eq!(THINGS.select(&db, "b > ? ORDER BY b", &[6.into()]).unwrap().len(), 3);
    }

    #[test] // F32
    fn notices_each_kind_of_damage() {
        for damage in [
            "UPDATE things SET c = 'third' WHERE b = 3",
            "UPDATE things SET b = 77 WHERE b = 3",
            "UPDATE things SET mark = mark + 1 WHERE b = 3",
            "UPDATE things SET mark = NULL WHERE b = 3",
            "DELETE FROM things WHERE b = 3",
            "UPDATE seals SET rows = rows + 1",
            "DELETE FROM seals",
            "DELETE FROM things",
        ] {
            let db = db();
            db.execute_batch(damage).unwrap();
            assert!(matches!(THINGS.verify(&db), Err(Fault::Damaged(_))), "{damage}");
        }
        let db = db();
        db.execute_batch("UPDATE things SET c = x'00' WHERE b = 3").unwrap();
        assert!(matches!(THINGS.get(&db, &row(3, "")[..2]), Err(Fault::Damaged(_))));
    }

    #[test] // F32
    fn notices_an_old_row_in_place_of_the_new() {
        let db = db();
        let old = mark(row(3, "first").iter().map(ValueRef::from));
        db.execute("UPDATE things SET c = x'6669727374', mark = ? WHERE b = 3", [old]).unwrap();
        let said = format!("{:?}", THINGS.verify(&db));
        assert!(said.contains("not the one that was written last"), "{said}");
    }
}
