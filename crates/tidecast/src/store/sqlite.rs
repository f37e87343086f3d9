use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidecast_pilot::{Decision, Lessons, Plan, WorkloadName};

use super::database::{Database, Format};
use super::ledger::gist;
use super::sealed::{Fault, Table};
use super::{Decree, Draft, Entry, Keepsake, Kept, Ledger, Scope, Store, audit};
use crate::source::Guard;
use crate::trouble::Trouble;

/// The default store: one SQLite file, write-ahead log, every commit flushed to the disk before it is acknowledged.
#[derive(Debug)]
pub struct Sqlite {
    db: Database,
    /// The plan that each workload's last decision has, as far as this process stored it.
    stored: Mutex<BTreeMap<WorkloadName, Stored>>,
}

/// A plan that is stored: most turns have the same one as the turn before, and then it is neither read nor written.
#[derive(Debug, Clone)]
struct Stored {
    /// By which turn's number it is found.
    turn: i64,
    plan: Weak<Plan>,
}

/// The last turn of each workload. Its plan is kept apart, for it changes with the forecast and not every turn.
const TURNS: Table =
    Table { name: "ledger", columns: &["workload", "turn", "decision", "plan", "gist"], keys: 1 };
/// The plan in force of each workload, by the turn that first had it. Older ones nobody asks for, and a day of them would
/// be megabytes.
const PLANS: Table = Table { name: "plans", columns: &["workload", "turn", "plan"], keys: 2 };
/// Turns that changed something.
const KEPT: Table =
    Table { name: "kept", columns: &["workload", "turn", "at", "decision", "plan", "outcome"], keys: 2 };
const KEEPSAKES: Table = Table { name: "keepsakes", columns: &["workload", "kind", "value"], keys: 2 };
const DECREES: Table = Table { name: "decrees", columns: &["id", "workload", "until", "decree"], keys: 1 };

pub(super) const FORMAT: Format = Format {
    name: "ledger",
    application_id: 0x7469_6465,
    migrations: &["
        CREATE TABLE ledger (workload TEXT PRIMARY KEY, turn INTEGER, decision TEXT, plan INTEGER, gist TEXT, mark INTEGER)
            WITHOUT ROWID;
        CREATE TABLE plans (workload TEXT, turn INTEGER, plan TEXT, mark INTEGER, PRIMARY KEY (workload, turn))
            WITHOUT ROWID;
        CREATE TABLE kept (workload TEXT, turn INTEGER, at INTEGER, decision TEXT, plan INTEGER, outcome TEXT,
            mark INTEGER, PRIMARY KEY (workload, turn)) WITHOUT ROWID;
        CREATE TABLE keepsakes (workload TEXT, kind TEXT, value TEXT, mark INTEGER, PRIMARY KEY (workload, kind))
            WITHOUT ROWID;
        CREATE TABLE decrees (id TEXT PRIMARY KEY, workload TEXT, until INTEGER, decree TEXT, mark INTEGER)
            WITHOUT ROWID;
        CREATE TABLE audit (seq INTEGER PRIMARY KEY, at INTEGER, workload TEXT, draft TEXT, hash TEXT, mark INTEGER);
        CREATE INDEX audit_workload ON audit (workload, seq);
    ",
    // Rows of kilobytes lie behind an index of their keys: a tree of the rows themselves is searched by reading whole rows.
    "
        CREATE TABLE ledger_2 (workload TEXT PRIMARY KEY, turn INTEGER, decision TEXT, plan INTEGER, gist TEXT, mark INTEGER);
        INSERT INTO ledger_2 SELECT * FROM ledger;
        DROP TABLE ledger;
        ALTER TABLE ledger_2 RENAME TO ledger;
        CREATE TABLE plans_2 (workload TEXT, turn INTEGER, plan TEXT, mark INTEGER, PRIMARY KEY (workload, turn));
        INSERT INTO plans_2 SELECT * FROM plans;
        DROP TABLE plans;
        ALTER TABLE plans_2 RENAME TO plans;
        CREATE TABLE kept_2 (workload TEXT, turn INTEGER, at INTEGER, decision TEXT, plan INTEGER, outcome TEXT,
            mark INTEGER, PRIMARY KEY (workload, turn));
        INSERT INTO kept_2 SELECT * FROM kept;
        DROP TABLE kept;
        ALTER TABLE kept_2 RENAME TO kept;
        CREATE TABLE keepsakes_2 (workload TEXT, kind TEXT, value TEXT, mark INTEGER, PRIMARY KEY (workload, kind));
        INSERT INTO keepsakes_2 SELECT * FROM keepsakes;
        DROP TABLE keepsakes;
        ALTER TABLE keepsakes_2 RENAME TO keepsakes;
        CREATE INDEX kept_at ON kept (at);
        CREATE INDEX decrees_until ON decrees (until);
    "],
    tables: &[&TURNS, &PLANS, &KEPT, &KEEPSAKES, &DECREES, &audit::AUDIT],
    vital: &[&TURNS, &PLANS, &KEEPSAKES, &DECREES],
    verify: audit::verify,
    synchronous: "FULL",
};

impl Sqlite {
    /// How long turns that changed something are kept.
    pub const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

    /// Opens the file, made if it does not exist, brought up to date if it is older, and checked through.
    ///
    /// # Errors
    /// [`Trouble::Damaged`] when it is not what was written, [`Trouble::Newer`] when a newer version wrote it.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let db = Database::open(path, &FORMAT)?;
        Ok(Self { db, stored: Mutex::default() })
    }

    fn stored(&self, workload: &WorkloadName) -> Option<Stored> {
        self.lock_stored().get(workload).cloned()
    }

    fn lock_stored(&self) -> MutexGuard<'_, BTreeMap<WorkloadName, Stored>> {
        self.stored.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What reasons call it.
    pub fn name(&self) -> &str {
        self.db.who()
    }

    pub(super) fn database(&self) -> &Database {
        &self.db
    }

    /// How many of them are kept at most, of all workloads: about a gigabyte.
    pub const TURNS_MAX: u64 = 1_000_000;

    /// Drops turns older than [`Sqlite::RETENTION`] or beyond [`Sqlite::TURNS_MAX`], and decrees that ended a day ago; a
    /// bounded number at once. The audit log is kept.
    ///
    /// # Errors
    /// [`Trouble`] when that cannot be done.
    pub async fn prune(&self, now: Timestamp) -> Result<usize, Trouble> {
        let before = (now.as_millisecond() - Self::RETENTION.as_millis() as i64).into();
        let over = (now.as_millisecond() - SignedDuration::from_hours(24).as_millis() as i64).into();
        self.db.write(move |db| prune(db, before, over, Self::TURNS_MAX)).await
    }
}

/// The most rows that one call drops.
const PRUNED_MAX: i64 = 5_000;
/// The same for plans, which only earlier versions left behind; a hundred are a megabyte.
const PLANS_PRUNED_MAX: i64 = 100;

fn prune(db: &Connection, before: Value, over: Value, turns_max: u64) -> Result<usize, Fault> {
    let beyond = KEPT.rows(db)?.saturating_sub(turns_max).min(PRUNED_MAX as u64);
    let mut dropped = 0;
    for (table, condition, values) in [
        (&KEPT, "at < ? ORDER BY at LIMIT ?", vec![before, PRUNED_MAX.into()]),
        (&KEPT, "TRUE ORDER BY at LIMIT ?", vec![integer(beyond)]),
        (&DECREES, "until < ? LIMIT ?", vec![over, PRUNED_MAX.into()]),
    ] {
        for row in table.select(db, condition, &values)? {
            dropped += usize::from(table.take(db, &row[..table.keys])?);
        }
    }
    let unused = "turn <> (SELECT plan FROM ledger WHERE ledger.workload = plans.workload) LIMIT ?";
    for row in PLANS.select(db, unused, &[PLANS_PRUNED_MAX.into()])? {
        dropped += usize::from(PLANS.take(db, &row[..PLANS.keys])?);
    }
    Ok(dropped)
}

#[async_trait]
impl Store for Sqlite {
    async fn load(&self, workload: &WorkloadName, before: Option<&Ledger>) -> Result<Ledger, Trouble> {
        let (workload, before) = (workload.clone(), before.cloned());
        self.db.read(move |db| load(db, &workload, before)).await
    }

    async fn commit(&self, workload: &WorkloadName, decision: &Decision) -> Result<bool, Trouble> {
        let (name, decision, stored) = (workload.clone(), decision.clone(), self.stored(workload));
        let plan = Arc::downgrade(&decision.plan);
        let committed = self.db.write(move |db| commit(db, &name, decision, stored)).await?;
        if let Some(turn) = committed {
            self.lock_stored().insert(workload.clone(), Stored { turn, plan });
        }
        Ok(committed.is_some())
    }

    async fn carried_out(
        &self,
        workload: &WorkloadName,
        turn: u64,
        outcome: &str,
        at: Timestamp,
    ) -> Result<(), Trouble> {
        let (workload, outcome) = (workload.clone(), outcome.to_owned());
        self.db.write(move |db| carried_out(db, workload, turn, outcome, at)).await
    }

    async fn learn(&self, workload: &WorkloadName, keepsake: Keepsake) -> Result<(), Trouble> {
        let (kind, value) = match keepsake {
            Keepsake::Lessons(lessons) => (LESSONS, json(&lessons)),
            Keepsake::Guard(guard) => (GUARD, json(&guard)),
        };
        let row = [workload.0.clone().into(), kind.to_owned().into(), value];
        self.db.write(move |db| KEEPSAKES.put(db, &row)).await
    }

    async fn turns(&self, workload: &WorkloadName, before: u64, limit: usize) -> Result<Vec<Kept>, Trouble> {
        let (name, before) = (workload.0.clone().into(), integer(before));
        self.db
            .read(move |db| {
                let condition = "workload = ? AND turn < ? ORDER BY turn DESC LIMIT ?";
                let rows = KEPT.select(db, condition, &[name, before, (limit as i64).into()])?;
                rows.iter().map(|row| kept(row)).collect()
            })
            .await
    }

    async fn decree(&self, scope: &Scope, decree: &Decree, at: Timestamp) -> Result<(), Trouble> {
        let (scope, decree) = (scope.clone(), decree.clone());
        self.db.write(move |db| put_decree(db, scope, &decree, at)).await
    }

    async fn withdraw(&self, id: &str, who: &str, why: &str, at: Timestamp) -> Result<bool, Trouble> {
        let (id, who, why) = (id.to_owned(), who.to_owned(), why.to_owned());
        self.db.write(move |db| withdraw(db, id, who, why, at)).await
    }

    async fn decrees(&self) -> Result<Vec<(Scope, Decree)>, Trouble> {
        self.db.read(|db| decrees(db, "TRUE", &[])).await
    }

    async fn log(&self, draft: Draft) -> Result<Entry, Trouble> {
        self.db.write(move |db| audit::append(db, draft)).await
    }

    async fn audit(
        &self,
        after: u64,
        limit: usize,
        workload: Option<&WorkloadName>,
    ) -> Result<Vec<Entry>, Trouble> {
        let workload = workload.cloned();
        self.db.read(move |db| audit::entries(db, after, limit, workload.as_ref())).await
    }
}

const LESSONS: &str = "lessons";
const GUARD: &str = "guard";

fn load(db: &Connection, workload: &WorkloadName, before: Option<Ledger>) -> Result<Ledger, Fault> {
    let name: Value = workload.0.clone().into();
    let mut ledger = match before {
        Some(before) if before.turn == last_turn(db, &name)? => before,
        _ => learned(db, &name)?,
    };
    (ledger.overrides, ledger.halts) = Default::default();
    for (_, decree) in decrees(db, "workload IS NULL OR workload = ? ORDER BY id", &[name])? {
        match decree {
            Decree::Override(decree) => ledger.overrides.push(decree),
            Decree::Halt { halt, .. } => ledger.halts.push(halt),
        }
    }
    Ok(ledger)
}

/// The number of the last turn: each is given once, so it stands for what was decided.
fn last_turn(db: &Connection, name: &Value) -> Result<u64, Fault> {
    let mut statement = db.prepare_cached("SELECT turn FROM ledger WHERE workload = ?")?;
    let turn = statement.query_row([name], |row| row.get::<_, Value>(0)).optional()?;
    turn.map_or(Ok(0), |turn| number(&turn))
}

/// All but what is decreed.
fn learned(db: &Connection, name: &Value) -> Result<Ledger, Fault> {
    let (turn, last) = match TURNS.get(db, std::slice::from_ref(name))? {
        None => (0, None),
        Some(row) => (number(&row[1])?, Some(Arc::new(decision(db, name, &row[2], &row[3])?))),
    };
    let keepsake = |kind: &str| KEEPSAKES.get(db, &[name.clone(), kind.to_owned().into()]);
    Ok(Ledger {
        turn,
        last,
        lessons: keepsake(LESSONS)?.map_or_else(|| Ok(Lessons::default()), |row| parsed(&row[2]))?,
        guard: keepsake(GUARD)?.map_or_else(|| Ok(Guard::default()), |row| parsed(&row[2]))?,
        ..Ledger::default()
    })
}

/// By which turn's number the decision's plan is found, if the decision's turn was the next.
fn commit(
    db: &Connection,
    workload: &WorkloadName,
    mut decision: Decision,
    stored: Option<Stored>,
) -> Result<Option<i64>, Fault> {
    let name: Value = workload.0.clone().into();
    let last = TURNS.get(db, std::slice::from_ref(&name))?;
    let turn = last.as_ref().map_or(Ok(0), |row| number(&row[1]))?;
    if decision.turn != turn + 1 {
        return Ok(None);
    }
    let plan_turn = keep_plan(db, &name, last.as_deref(), &decision, stored)?;
    let (gist, text) = (gist(&decision), shortened(&mut decision));
    let changed = !decision.commands.is_empty() || last.is_none_or(|row| row[4] != Value::Text(gist.clone()));
    if changed {
        let at = decision.at.as_millisecond().into();
        let row = [name.clone(), integer(decision.turn), at, text.clone(), plan_turn.into(), Value::Null];
        KEPT.put(db, &row)?;
    }
    if !decision.commands.is_empty() {
        audit::append(db, decided(workload, &decision, turn))?;
    }
    TURNS.put(db, &[name, integer(decision.turn), text, plan_turn.into(), gist.into()])?;
    Ok(Some(plan_turn))
}

/// Moves every workload's turn on, after a restore.
pub(super) fn move_turns(db: &Connection, by: i64) -> Result<(), Fault> {
    for mut row in TURNS.select(db, "TRUE", &[])? {
        row[1] = integer(number(&row[1])?.saturating_add(by.unsigned_abs()));
        TURNS.put(db, &row)?;
    }
    Ok(())
}

/// Stores the plan if it is a new one, in place of the one before, and says by which turn's number it is found.
fn keep_plan(
    db: &Connection,
    name: &Value,
    last: Option<&[Value]>,
    decision: &Decision,
    stored: Option<Stored>,
) -> Result<i64, Fault> {
    let known = last.map(|row| number(&row[3])).transpose()?.map(|turn| turn as i64);
    let same = |stored: &Stored| {
        Some(stored.turn) == known && std::ptr::eq(stored.plan.as_ptr(), Arc::as_ptr(&decision.plan))
    };
    if let Some(stored) = stored.filter(same) {
        return Ok(stored.turn);
    }
    let plan = json(&*decision.plan);
    if let Some(turn) = known
        && PLANS.get(db, &[name.clone(), turn.into()])?.is_some_and(|row| row[2] == plan)
    {
        return Ok(turn);
    }
    if let Some(turn) = known {
        PLANS.take(db, &[name.clone(), turn.into()])?;
    }
    let turn = number(&integer(decision.turn))? as i64;
    PLANS.put(db, &[name.clone(), turn.into(), plan])?;
    Ok(turn)
}

/// What is about to be done, told before it is done.
fn decided(workload: &WorkloadName, decision: &Decision, before: u64) -> Draft {
    Draft {
        at: decision.at,
        who: "tidecast".into(),
        workload: Some(workload.clone()),
        what: "decided".into(),
        why: decision.because.to_string(),
        before: Some(serde_json::json!({ "turn": before })),
        after: Some(serde_json::json!({
            "turn": decision.turn, "size": decision.size, "commands": decision.commands,
        })),
    }
}

fn carried_out(
    db: &Connection,
    workload: WorkloadName,
    turn: u64,
    outcome: String,
    at: Timestamp,
) -> Result<(), Fault> {
    let key = [workload.0.clone().into(), integer(turn)];
    if let Some(mut row) = KEPT.get(db, &key)? {
        row[5] = outcome.clone().into();
        KEPT.put(db, &row)?;
    }
    let after = Some(serde_json::json!({ "turn": turn }));
    let (who, what) = ("tidecast".to_owned(), "carriedOut".to_owned());
    audit::append(db, Draft { at, who, workload: Some(workload), what, why: outcome, before: None, after })?;
    Ok(())
}

fn put_decree(db: &Connection, scope: Scope, decree: &Decree, at: Timestamp) -> Result<(), Fault> {
    let workload = match scope {
        Scope::All => None,
        Scope::One(workload) => Some(workload),
    };
    let id: Value = decree.id().to_owned().into();
    let before = DECREES.get(db, std::slice::from_ref(&id))?;
    let draft = Draft {
        at,
        who: decree.author().to_owned(),
        workload: workload.clone(),
        what: "decreed".into(),
        why: decree.reason().to_owned(),
        before: before.map(|row| parsed(&row[3])).transpose()?,
        after: Some(serde_json::to_value(decree).expect("a decree has only text and finite numbers")),
    };
    let workload = workload.map_or(Value::Null, |workload| workload.0.into());
    DECREES.put(db, &[id, workload, decree.until().as_millisecond().into(), json(decree)])?;
    audit::append(db, draft)?;
    Ok(())
}

fn withdraw(db: &Connection, id: String, who: String, why: String, at: Timestamp) -> Result<bool, Fault> {
    let key = [id.into()];
    let Some(row) = DECREES.get(db, &key)? else { return Ok(false) };
    DECREES.take(db, &key)?;
    let before = Some(parsed(&row[3])?);
    let workload = optional_name(&row[1]);
    audit::append(db, Draft { at, who, workload, what: "withdrawn".into(), why, before, after: None })?;
    Ok(true)
}

fn decrees(db: &Connection, condition: &str, values: &[Value]) -> Result<Vec<(Scope, Decree)>, Fault> {
    let rows = DECREES.select(db, condition, values)?;
    let scoped = |row: &Vec<Value>| {
        let scope = optional_name(&row[1]).map_or(Scope::All, Scope::One);
        Ok((scope, parsed(&row[3])?))
    };
    rows.iter().map(scoped).collect()
}

fn kept(row: &[Value]) -> Result<Kept, Fault> {
    let outcome = match &row[5] {
        Value::Text(outcome) => Some(outcome.clone()),
        _ => None,
    };
    Ok(Kept { decision: Arc::new(parsed(&row[3])?), outcome })
}

/// The decision without its plan, as text.
fn shortened(decision: &mut Decision) -> Value {
    decision.plan = Arc::new(Plan::default());
    json(decision)
}

/// The decision in force, with its plan.
fn decision(db: &Connection, name: &Value, text: &Value, plan: &Value) -> Result<Decision, Fault> {
    let mut decision: Decision = parsed(text)?;
    if let Some(row) = PLANS.get(db, &[name.clone(), plan.clone()])? {
        decision.plan = Arc::new(parsed(&row[2])?);
    }
    Ok(decision)
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_string(value).expect("what is stored has only text, numbers and lists").into()
}

fn parsed<T: DeserializeOwned>(value: &Value) -> Result<T, Fault> {
    let Value::Text(text) = value else {
        return Err(Fault::Damaged("a value has another type than was written".into()));
    };
    serde_json::from_str(text).map_err(|error| Fault::Damaged(format!("a value cannot be read: {error}")))
}

fn integer(number: u64) -> Value {
    (number.min(i64::MAX as u64) as i64).into()
}

fn number(value: &Value) -> Result<u64, Fault> {
    match value {
        Value::Integer(number) if *number >= 0 => Ok(*number as u64),
        _ => Err(Fault::Damaged("a turn has no number".into())),
    }
}

fn optional_name(value: &Value) -> Option<WorkloadName> {
    match value {
        Value::Text(name) => Some(WorkloadName(name.clone())),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests;
