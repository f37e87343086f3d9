//! A log in which each entry carries a hash over itself and the hash before it: who changes or removes one must change all
//! that follow, and the last hash, once written down elsewhere, tells.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tidecast_pilot::WorkloadName;

use super::sealed::{Fault, Table};

/// One thing that happened, as it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Draft {
    /// When.
    pub at: Timestamp,
    /// Who did it: a person, a token's name, or `tidecast`.
    pub who: String,
    /// To which workload; none if it concerns all or none.
    pub workload: Option<WorkloadName>,
    /// What was done, in a fixed word: `decided`, `carriedOut`, `decreed`, `withdrawn`, ….
    pub what: String,
    /// Why, as a sentence.
    pub why: String,
    /// What was there before.
    pub before: Option<serde_json::Value>,
    /// What is there now.
    pub after: Option<serde_json::Value>,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number, from 1 on, without gaps.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub draft: Draft,
    /// Over the entry and the hash before it, in hexadecimal.
    pub hash: String,
}

impl Entry {
    fn after(seq: u64, draft: Draft, previous: &str) -> Self {
        let hash = hash(seq, &draft, previous);
        Self { seq, draft, hash }
    }
}

/// Over the JSON text `[previous, seq, draft]` with sorted keys and without spaces, so that anybody can compute it again.
fn hash(seq: u64, draft: &Draft, previous: &str) -> String {
    let draft = serde_json::to_value(draft).expect("an entry has only text and finite numbers");
    let text = serde_json::json!([previous, seq, sorted(draft)]).to_string();
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(&text) {
        write!(hex, "{byte:02x}").expect("a String takes all that is written to it");
    }
    hex
}

/// The same value, its keys in order, whatever order the JSON library keeps.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(items) => items.into_iter().map(sorted).collect(),
        serde_json::Value::Object(map) => {
            let map: BTreeMap<_, _> = map.into_iter().collect();
            map.into_iter().map(|(key, value)| (key, sorted(value))).collect()
        }
        plain => plain,
    }
}

/// The first entry that does not follow from the one before it; none if all do. `previous` is the hash before the
/// first of them: empty for the beginning of the log.
pub fn broken_link<'a>(previous: &str, entries: impl IntoIterator<Item = &'a Entry>) -> Option<&'a Entry> {
    let mut before = (None, previous.to_owned());
    for entry in entries {
        let follows = before.0.is_none_or(|seq: u64| entry.seq == seq + 1);
        if !follows || entry.hash != hash(entry.seq, &entry.draft, &before.1) {
            return Some(entry);
        }
        before = (Some(entry.seq), entry.hash.clone());
    }
    None
}

pub(super) const AUDIT: Table =
    Table { name: "audit", columns: &["seq", "at", "workload", "draft", "hash"], keys: 1 };

/// Adds an entry at the end.
pub(super) fn append(db: &Connection, draft: Draft) -> Result<Entry, Fault> {
    let last = db
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let (seq, previous) = last.unwrap_or_default();
    let entry = Entry::after(seq as u64 + 1, draft, &previous);
    let workload = entry.draft.workload.as_ref().map(|w| w.0.clone());
    let draft = serde_json::to_string(&entry.draft).expect("an entry has only text and numbers");
    let row: [Value; 5] = [
        (entry.seq as i64).into(),
        entry.draft.at.as_millisecond().into(),
        workload.map_or(Value::Null, Value::Text),
        draft.into(),
        entry.hash.clone().into(),
    ];
    AUDIT.put(db, &row)?;
    Ok(entry)
}

/// Entries after a number, oldest first.
pub(super) fn entries(
    db: &Connection,
    after: u64,
    limit: usize,
    workload: Option<&WorkloadName>,
) -> Result<Vec<Entry>, Fault> {
    let (after, limit) = ((after.min(i64::MAX as u64) as i64).into(), (limit as i64).into());
    let rows = match workload {
        Some(WorkloadName(name)) => AUDIT.select(
            db,
            "seq > ? AND workload = ? ORDER BY seq LIMIT ?",
            &[after, name.clone().into(), limit],
        )?,
        None => AUDIT.select(db, "seq > ? ORDER BY seq LIMIT ?", &[after, limit])?,
    };
    rows.into_iter().map(entry).collect()
}

fn entry(row: Vec<Value>) -> Result<Entry, Fault> {
    let [Value::Integer(seq), _, _, Value::Text(draft), Value::Text(hash)] = row.as_slice() else {
        return Err(Fault::Damaged("table audit: a row has other types than were written".into()));
    };
    let draft = serde_json::from_str(draft)
        .map_err(|error| Fault::Damaged(format!("table audit: entry {seq} cannot be read: {error}")))?;
    Ok(Entry { seq: *seq as u64, draft, hash: hash.clone() })
}

/// Checks the whole chain.
pub(super) fn verify(db: &Connection) -> Result<(), Fault> {
    let (mut previous, mut after) = (String::new(), 0);
    loop {
        let page = entries(db, after, 1_000, None)?;
        if let Some(entry) = broken_link(&previous, &page) {
            return Err(Fault::Damaged(format!("audit log: entry {} does not follow", entry.seq)));
        }
        match page.last() {
            Some(last) => (previous, after) = (last.hash.clone(), last.seq),
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for seq in 1..=5 {
            let draft = Draft {
                at: Timestamp::from_second(seq as i64).unwrap(),
                who: "mara".into(),
                workload: None,
                what: "decreed".into(),
                why: format!("reason {seq}"),
                before: None,
                after: Some(serde_json::json!({ "floor": seq })),
            };
            let previous = entries.last().map_or(String::new(), |e| e.hash.clone());
            entries.push(Entry::after(seq, draft, &previous));
        }
        entries
    }

    #[test] // S17 of the security list
    fn tells_which_entry_was_tampered_with() {
        let good = chain();
        assert_eq!(broken_link("", &good), None);
        assert_eq!(broken_link(&good[1].hash, &good[2..]), None);
        for tamper in 0..6 {
            let mut chain = chain();
            match tamper {
                0 => chain[2].draft.who = "nobody".into(),
                1 => chain[2].draft.after = None,
                2 => chain[2].draft.at = Timestamp::UNIX_EPOCH,
                3 => chain[2].hash = chain[1].hash.clone(),
                4 => drop(chain.remove(2)),
                _ => chain.swap(2, 3),
            }
            assert!(broken_link("", &chain).is_some_and(|entry| entry.seq >= 3), "{chain:?}");
        }
    }
}
