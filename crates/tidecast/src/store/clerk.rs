//! The one thread that writes to a database. Whatever is waiting is written in one transaction, so that hundreds of
//! turns cost one flush to the disk; each is answered when that transaction is safe, never before.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::sealed::Fault;
use crate::trouble::Trouble;

/// Writes in the order in which it is told to.
#[derive(Debug)]
pub(super) struct Clerk {
    who: String,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// Does its part within the transaction, if there is one, and gives back how to answer once its fate is known.
type Job = Box<dyn FnOnce(Option<&Connection>) -> Done + Send>;
type Answer = Box<dyn FnOnce(Result<(), Trouble>) + Send>;

struct Done {
    answer: Answer,
    upset: Option<Upset>,
}

/// What went wrong, and whether nobody knows any more what the disk holds.
#[derive(Debug, Clone)]
struct Upset {
    trouble: Trouble,
    fatal: bool,
}

/// The most jobs of one transaction.
const BATCH_MAX: usize = 512;

impl Clerk {
    pub(super) fn new(who: String, db: Connection) -> Result<Self, Trouble> {
        let (jobs, inbox) = channel();
        let name = who.clone();
        let thread =
            std::thread::Builder::new().name("clerk".into()).spawn(move || write_all(&name, db, &inbox));
        let thread = thread.map_err(|error| Trouble::Broken { who: who.clone(), why: error.to_string() })?;
        Ok(Self { who, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does `work` in a transaction, all of it or nothing, and answers when it is safe on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (answer, answered) = oneshot::channel();
        let who = self.who.clone();
        let job: Job = Box::new(move |db| {
            let done = db.map(|db| within_savepoint(db, work).map_err(|fault| upset(&who, fault)));
            let upset = done.as_ref().and_then(|done| done.as_ref().err().cloned());
            let answer = Box::new(move |fate: Result<(), Trouble>| {
                let _ = answer.send(match (done, fate) {
                    (Some(Err(upset)), _) => Err(upset.trouble),
                    (_, Err(trouble)) => Err(trouble),
                    (Some(Ok(value)), Ok(())) => Ok(value),
                    (None, Ok(())) => unreachable!("a transaction that never was cannot end well"),
                });
            });
            Done { answer, upset }
        });
        let gone = || Trouble::Broken { who: self.who.clone(), why: "it is closed".into() };
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(gone)?;
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Until nobody can tell it anything any more. After an error of the disk it writes nothing more: only who opens the
/// store anew, and checks it, knows what it holds.
fn write_all(who: &str, db: Connection, inbox: &Receiver<Job>) {
    let mut broken: Option<Upset> = None;
    while let Ok(first) = inbox.recv() {
        let batch = std::iter::once(first).chain(inbox.try_iter()).take(BATCH_MAX);
        let mut answers = Vec::new();
        let fate = match &broken {
            Some(upset) => {
                answers.extend(batch.map(|job| job(None).answer));
                Err(upset.clone())
            }
            None => write(who, &db, batch, &mut answers),
        };
        if let Err(upset) = &fate
            && upset.fatal
        {
            broken.get_or_insert_with(|| upset.clone());
        }
        let fate = fate.map_err(|upset| upset.trouble);
        answers.into_iter().for_each(|answer| answer(fate.clone()));
    }
}

fn write(
    who: &str,
    db: &Connection,
    batch: impl Iterator<Item = Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), Upset> {
    let sql = |sql| db.execute_batch(sql).map_err(|error| upset(who, error.into()));
    let mut fate = sql("BEGIN IMMEDIATE");
    for job in batch {
        let Done { answer, upset } = job(fate.is_ok().then_some(db));
        answers.push(answer);
        match upset {
            Some(upset) if upset.fatal || db.is_autocommit() => fate = Err(upset), // the transaction is gone
            _ => {}
        }
    }
    let fate = fate.and_then(|()| sql("COMMIT"));
    if fate.is_err() && !db.is_autocommit() {
        let _ = db.execute_batch("ROLLBACK");
    }
    fate
}

fn within_savepoint<T>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    db.execute_batch("SAVEPOINT job")?;
    let done = work(db);
    if db.is_autocommit() {
        return done; // the database has rolled everything back itself
    }
    if done.is_err() {
        db.execute_batch("ROLLBACK TO job")?;
    }
    db.execute_batch("RELEASE job")?;
    done
}

fn upset(who: &str, fault: Fault) -> Upset {
    let code = match &fault {
        Fault::Damaged(_) => None,
        Fault::Sql(error) => error.sqlite_error_code(),
    };
    let fatal = matches!(
        code,
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    );
    Upset { trouble: trouble(who, fault), fatal }
}

/// What the database reports, in our words.
pub(super) fn trouble(who: &str, fault: Fault) -> Trouble {
    let who = who.to_owned();
    let error = match fault {
        Fault::Damaged(why) => return Trouble::Damaged { who, why },
        Fault::Sql(error) => error,
    };
    let why = crate::trouble::one_line(&error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Trouble::Full { who },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Trouble::Damaged { who, why },
        _ => Trouble::Broken { who, why },
    }
}
