//! A whole service inside of a test, with its own folder, sources and ports.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tidecast::config;
use tidecast::drive::Turned;
use tidecast::egress::{Address, Answer, Ask, Connector, Door, Rules};
use tidecast::service::{Known, NoStart, Service};
use tidecast::trouble::Trouble;
use tidecast_pilot::WorkloadName;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The clock of these tests: real servers live in real time.
#[expect(clippy::disallowed_methods, reason = "real servers live in real time")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A port that nobody uses at the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where a file of the project lies.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A running service; dropped, it ends.
pub(crate) struct Served {
    pub(crate) folder: TempDir,
    pub(crate) known: Arc<Known>,
    pub(crate) at: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<Result<(), Trouble>>>,
}

impl Served {
    /// With turns every five seconds. What is written into `folder` before is there for it.
    pub(crate) async fn start(folder: TempDir, config: &str) -> Self {
        let path = folder.path().join("tidecast.yaml");
        let listen = format!("server: {{ listen: 127.0.0.1:{}, turnEvery: 5s }}\n", free_port());
        std::fs::write(&path, if config.contains("server:") { config.to_owned() } else { listen + config })
            .unwrap();
        let service = match Service::start(config::load(std::slice::from_ref(&path))) {
            Ok(service) => service,
            Err(NoStart::Config(report)) => panic!("{}", config::human(&report, config::Look::Plain)),
            Err(NoStart::Trouble(trouble)) => panic!("{trouble}"),
        };
        let known = service.known();
        let (end, ended) = oneshot::channel();
        let (listening, at) = oneshot::channel();
        let task = tokio::spawn(async move {
            service.run(&[path], |at| _ = listening.send(at), async { drop(ended.await) }).await
        });
        let at = at.await.unwrap();
        Self { folder, known, at, end: Some(end), task: Some(task) }
    }

    /// The last turn of a workload, when it is as it should be; a minute is waited for that.
    pub(crate) async fn until(
        &self,
        workload: &str,
        what: &str,
        is: impl Fn(&Turned) -> bool,
    ) -> Arc<Turned> {
        let name = WorkloadName(workload.to_owned());
        for _ in 0..600 {
            let seat = self.known.board.seat(&name).unwrap_or_default();
            if let Some(turned) = seat.turned.filter(|turned| is(turned)) {
                return turned;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let seat = self.known.board.seat(&name).unwrap_or_default();
        let decision = seat.turned.as_ref().and_then(|turned| turned.decision.clone());
        panic!("a minute has gone by, and not yet {what}: {decision:#?} {:?}", seat.trouble);
    }

    /// Asks the API.
    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Answer {
        let url = format!("http://{}", self.at);
        let way = Connector::new(&Address::new("tidecast", &url), &Rules::new([Door::inside(&url).unwrap()]));
        way.unwrap().ask(ask).await.unwrap()
    }

    /// Ends it as SIGTERM would.
    pub(crate) async fn stop(mut self) {
        self.end.take().map(|end| end.send(()));
        self.task.take().unwrap().await.unwrap().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end.take().map(|end| end.send(()));
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Writes two weeks of a demand that is 400 every minute, and an hour to come.
pub(crate) fn write_demand(folder: &Path) {
    let start = now() - SignedDuration::from_hours(14 * 24);
    let mut text = String::from("time,value\n");
    for minute in 0..15 * 24 * 60 {
        let at = start + SignedDuration::from_mins(minute);
        if at > now() + SignedDuration::from_hours(1) {
            break;
        }
        writeln!(text, "{at:.0},400").unwrap();
    }
    std::fs::write(folder.join("demand.csv"), text).unwrap();
}

/// The project's own Python, if it has what a test needs.
pub(crate) fn python(imports: &str, set: &str) -> Option<PathBuf> {
    let python = project(".venv/bin/python");
    let has = |python: &Path| {
        let tried = std::process::Command::new(python).args(["-c", &format!("import {imports}")]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    if imports.is_empty() {
        return Some("python3".into()).filter(|python: &PathBuf| has(python));
    }
    let found = Some(python).filter(|python| has(python));
    if found.is_none() {
        eprintln!("skipped: there is no Python with {imports}; `scripts/python {set}` makes one");
    }
    found
}
