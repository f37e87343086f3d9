//! Servers that a test starts on free ports in a folder of its own, and ends by their process id.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use tidecast::egress::{Address, Ask, Connector, Door, Limits, Rules};
use tidecast::source::{Prometheus, PrometheusServer, Query};

/// The clock of these tests: real servers live in real time.
#[expect(clippy::disallowed_methods, reason = "real servers live in real time")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A port that nobody uses at the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where a program lies; if it lies nowhere, the reader is told that the test is skipped.
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: {program} is not installed; scripts/install-test-servers.sh installs it");
    }
    found
}

/// A running server; dropped, it is killed.
pub(crate) struct Running {
    program: PathBuf,
    arguments: Vec<String>,
    ready: &'static str,
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    process: Child,
}

impl Running {
    async fn start(
        program: PathBuf,
        arguments: Vec<String>,
        ready: &'static str,
        port: u16,
        folder: TempDir,
    ) -> Self {
        let process = spawn(&program, &arguments, folder.path());
        let running = Self { program, arguments, ready, port, folder, process };
        running.wait_until_ready().await;
        running
    }

    /// Ends it without a farewell.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again, in the same folder and on the same port.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        self.process = spawn(&self.program, &self.arguments, self.folder.path());
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&self) {
        let connector = connector(&self.url());
        for _ in 0..600 {
            let answer = connector.ask(Ask { path: self.ready, ..Ask::default() }).await;
            if answer.is_ok_and(|answer| answer.is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("{} is not ready after a minute:\n{log}", self.program.display());
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its answers to a query, asked for so many points at first.
    pub(crate) fn source(&self, query: Query, points: i64) -> (Arc<PrometheusServer>, Prometheus) {
        source_at(&self.url(), query, points)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(program: &Path, arguments: &[String], folder: &Path) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

pub(crate) fn connector(url: &str) -> Connector {
    let limits = Limits { total: Duration::from_secs(30), ..Limits::default() };
    let address = Address { limits, ..Address::new("server", url) };
    Connector::new(&address, &Rules::new([Door::inside(url).unwrap()])).unwrap()
}

pub(crate) fn source_at(url: &str, query: Query, points: i64) -> (Arc<PrometheusServer>, Prometheus) {
    let server = Arc::new(PrometheusServer::taking(connector(url), points));
    (server.clone(), Prometheus::new(server, query))
}

/// Prometheus on a folder that may hold blocks already, scraping these targets every second.
pub(crate) async fn prometheus(folder: TempDir, targets: &[u16]) -> Option<Running> {
    let program = installed("prometheus")?;
    let targets: Vec<_> = targets.iter().map(|port| format!("'127.0.0.1:{port}'")).collect();
    let config = format!(
        "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
         scrape_configs:\n- {{ job_name: shop, static_configs: [ {{ targets: [{}] }} ] }}\n",
        targets.join(", ")
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    let port = free_port();
    let arguments = [
        "--config.file=prometheus.yml".to_owned(),
        "--storage.tsdb.path=data".into(),
        "--storage.tsdb.retention.time=400d".into(),
        format!("--web.listen-address=127.0.0.1:{port}"),
    ];
    Some(Running::start(program, arguments.into(), "/-/ready", port, folder).await)
}

/// VictoriaMetrics, with a limit of points for each query.
pub(crate) async fn victoria_metrics(points_max: u32) -> Option<Running> {
    let program = installed("victoria-metrics")?;
    let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
    let arguments = [
        "-storageDataPath=data".to_owned(),
        format!("-httpListenAddr=127.0.0.1:{port}"),
        "-retentionPeriod=12".into(),
        "-search.latencyOffset=0s".into(),
        format!("-search.maxPointsPerTimeseries={points_max}"),
    ];
    Some(Running::start(program, arguments.into(), "/health", port, folder).await)
}
