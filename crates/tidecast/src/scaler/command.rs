use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::process::{Pid, Signal, kill_process_group};
use tidecast_pilot::{Decision, Sighting};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

use super::message::Message;
use super::webhook::newer_turn;
use super::{Receipt, Scaler, seen};
use crate::trouble::{Trouble, one_line};

/// Hands decisions to a program of one's own, and may see the fleet by another.
///
/// Nothing is run while nothing is to be done: so in the mode observe the program that moves the fleet never is.
pub struct Command {
    workload: String,
    zone: TimeZone,
    run: Program,
    sight: Option<Program>,
    turn: AtomicU64,
}

/// How a program is run: never by a shell, with no more of the environment than is named.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program and its arguments.
    pub line: Vec<String>,
    /// Where.
    pub folder: PathBuf,
    /// The environment variables that it gets, by name.
    pub env: Vec<String>,
    /// How long it may run. Then its process group is ended.
    pub limit: Duration,
}

/// What a program says that did what it was told.
const DONE: i32 = 0;
/// What a program says that has carried out a newer turn; it prints `{"turn": N}`.
const OVERTAKEN: i32 = 3;
/// Bytes that a program that moves a fleet may print.
const PRINTED_MAX: usize = 64 * 1024;

/// How a program ended.
struct Ended {
    code: Option<i32>,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("run", &self.run).field("sight", &self.sight).finish_non_exhaustive()
    }
}

impl Command {
    /// Hands the decisions about `workload` to `run`; looks by `sight` if there is one.
    pub fn new(workload: impl Into<String>, zone: TimeZone, run: Program, sight: Option<Program>) -> Self {
        Self { workload: workload.into(), zone, run, sight, turn: AtomicU64::new(0) }
    }

    async fn hand_over(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        let message = Message::of(&self.workload, decision, &self.zone).json();
        let ended = self.run.run(&message, PRINTED_MAX).await?;
        let newer = newer_turn(&ended.out).filter(|by| *by > decision.turn);
        match (ended.code, newer) {
            (Some(DONE), _) => Ok(Receipt::Done(format!("{} did it", self.run.who()))),
            (Some(OVERTAKEN), Some(by)) => Ok(Receipt::Overtaken { by }),
            _ => Err(self.run.failed(&ended)),
        }
    }
}

impl Program {
    fn who(&self) -> String {
        format!("the command {}", self.line.first().map_or("", String::as_str))
    }

    fn broken(&self, why: impl fmt::Display) -> Trouble {
        Trouble::Broken { who: self.who(), why: one_line(&why.to_string()) }
    }

    fn failed(&self, ended: &Ended) -> Trouble {
        let said = one_line(&String::from_utf8_lossy(&ended.err[..ended.err.len().min(2_000)]));
        match ended.code {
            Some(code) => self.broken(format_args!("it ended with {code} and said: {said}")),
            None => self.broken(format_args!("a signal ended it; it said: {said}")),
        }
    }

    /// Runs it with `input` on its standard input, until it has ended and closed what it prints to.
    async fn run(&self, input: &[u8], out_max: usize) -> Result<Ended, Trouble> {
        let mut child = self.start()?;
        // It is not waited for before its pipes are at their end, so the number stays its own until then.
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let came = tokio::time::timeout(self.limit, self.attend(&mut child, input, out_max)).await;
        let slow = || Trouble::Slow { who: self.who(), limit_ms: self.limit.as_millis() as u64 };
        match came {
            Ok(Ok(ended)) => Ok(ended),
            Ok(Err(trouble)) => Err(self.end(child, group, trouble).await),
            Err(_) => Err(self.end(child, group, slow()).await),
        }
    }

    fn start(&self) -> Result<Child, Trouble> {
        let (program, arguments) =
            self.line.split_first().ok_or_else(|| self.broken("there is no program to run"))?;
        let named = self.env.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        tokio::process::Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(named)
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|why| self.broken(format_args!("it cannot be started: {why}")))
    }

    async fn attend(&self, child: &mut Child, input: &[u8], out_max: usize) -> Result<Ended, Trouble> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // A program that does not care for its input may close it.
                let _ = stdin.write_all(input).await;
            }
            Ok(())
        };
        let ((), out, err) =
            tokio::try_join!(write, self.read(stdout, out_max), self.read(stderr, PRINTED_MAX))?;
        let status = child.wait().await.map_err(|why| self.broken(why))?;
        Ok(Ended { code: status.code(), out, err })
    }

    async fn read(&self, from: Option<impl AsyncRead + Unpin>, max: usize) -> Result<Vec<u8>, Trouble> {
        let mut read = Vec::new();
        if let Some(from) = from {
            from.take(max as u64 + 1).read_to_end(&mut read).await.map_err(|why| self.broken(why))?;
        }
        match read.len() > max {
            true => Err(Trouble::TooMuch { who: self.who(), limit: max as u64, unit: "bytes" }),
            false => Ok(read),
        }
    }

    /// Ends its process group, and with it what it has started itself.
    async fn end(&self, mut child: Child, group: Option<Pid>, trouble: Trouble) -> Trouble {
        if let Some(group) = group {
            // That it has just ended by itself is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait().await;
        trouble
    }
}

#[async_trait]
impl Scaler for Command {
    fn name(&self) -> String {
        self.run.who()
    }

    async fn sight(&self, now: Timestamp) -> Result<Option<Sighting>, Trouble> {
        let Some(program) = &self.sight else { return Ok(None) };
        let ended = program.run(b"", seen::BYTES_MAX).await?;
        match ended.code {
            Some(DONE) => seen::fleet(&program.who(), &ended.out, now).map(Some),
            _ => Err(program.failed(&ended)),
        }
    }

    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        if decision.commands.is_empty() {
            return Ok(Receipt::Shown);
        }
        let before = self.turn.fetch_max(decision.turn, Ordering::AcqRel);
        match before > decision.turn {
            true => Ok(Receipt::Overtaken { by: before }),
            false => self.hand_over(decision).await,
        }
    }

    fn shows(&self, decision: &Decision) -> Vec<String> {
        let commands = decision.commands.iter().chain(&decision.withheld);
        commands
            .map(|command| format!("run {}: {command} (turn {})", self.run.line.join(" "), decision.turn))
            .collect()
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
