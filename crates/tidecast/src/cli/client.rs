//! The way to a server that runs: its address, a token, and answers as types.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidecast::api::{Problem, said};
use tidecast::egress::{Address, Answer, Ask, Auth, Connector, Door, Limits, Rules, Tls, Verb};
use tidecast::trouble::Trouble;

use super::exit::{Exit, Failure, Stop};

/// Which server, and as whom.
#[derive(Debug, Clone, Args)]
pub(crate) struct At {
    /// The server's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", env = "TIDECAST_SERVER")]
    #[arg(help_heading = "Server")]
    server: String,
    /// A file with the token to show
    #[arg(long, value_name = "FILE", env = "TIDECAST_TOKEN_FILE", help_heading = "Server")]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) to trust instead of the system's
    #[arg(long, value_name = "FILE", env = "TIDECAST_CA_FILE", help_heading = "Server")]
    ca_file: Option<PathBuf>,
}

/// A connection to a server.
pub(crate) struct Client {
    runtime: tokio::runtime::Runtime,
    connector: Connector,
}

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(15);

impl At {
    /// The way there; nothing is asked yet.
    pub(crate) fn open(&self) -> Result<Client, Stop> {
        let read = |file: &PathBuf| {
            std::fs::read_to_string(file)
                .map_err(|why| Stop::unusable(format!("{} cannot be read: {why}", file.display())))
        };
        let token = self.token_file.as_ref().map(read).transpose()?;
        let auth = token.map_or(Auth::None, |token| Auth::Bearer(SecretString::from(token.trim())));
        let tls = Tls { ca: self.ca_file.as_ref().map(read).transpose()?, ..Tls::default() };
        let limits = Limits { total: WITHIN, ..Limits::default() };
        let address = Address { auth, tls, limits, ..Address::new("tidecast", &self.server) };
        let door = Door::inside(&self.server).map_err(Stop::unusable)?;
        let connector = Connector::new(&address, &Rules::new([door])).map_err(stop)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Client { runtime, connector })
    }
}

impl Client {
    /// Reads what lies at a path.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Stop> {
        let answer = self.ask(Ask { path, query, ..Ask::default() })?;
        serde_json::from_slice(&answer.body).map_err(|why| {
            let why = format!("{} sent something that cannot be read: {why}", self.connector.who());
            Stop::Failure(Failure {
                exit: Exit::Unreachable,
                why,
                help: Some("are both of the same version?".into()),
            })
        })
    }

    /// Tells it something, and reads what it says.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Stop> {
        let body = serde_json::to_vec(body).map_err(Stop::unusable)?;
        let answer = self.ask(Ask { path, body: Some(("application/json", body)), ..Ask::default() })?;
        serde_json::from_slice(&answer.body).map_err(Stop::unusable)
    }

    /// Takes something away.
    pub(crate) fn delete(&self, path: &str, query: &[(&str, &str)]) -> Result<(), Stop> {
        self.ask(Ask { path, query, verb: Verb::Delete, ..Ask::default() }).map(drop)
    }

    /// All parts of a list.
    pub(crate) fn all<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Stop> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.push(("limit", "1000"));
            query.extend(after.as_deref().map(|after| ("after", after)));
            let said::Paged { items, next } = self.get(path, &query)?;
            all.extend(items);
            match next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Waits, between two looks.
    pub(crate) fn wait(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// The answer to a question that may be refused, as it is.
    pub(crate) fn status(&self, path: &str) -> Result<Answer, Trouble> {
        self.runtime.block_on(self.connector.ask(Ask { path, ..Ask::default() }))
    }

    fn ask(&self, ask: Ask<'_>) -> Result<Answer, Stop> {
        let answer = self.runtime.block_on(self.connector.ask(ask)).map_err(stop)?;
        if answer.is_success() {
            return Ok(answer);
        }
        let (status, said) = (answer.status, answer.said());
        let why = serde_json::from_slice::<Problem>(&answer.body).map_or(said, |problem| problem.to_string());
        let (exit, help) = match status {
            401 => (Exit::Refused, Some("give --token-file, or set TIDECAST_TOKEN_FILE".to_owned())),
            403 => (Exit::Refused, None),
            500.. => (Exit::Unreachable, None),
            _ => (Exit::Unusable, None),
        };
        Err(Stop::Failure(Failure { exit, why, help }))
    }
}

fn stop(trouble: Trouble) -> Stop {
    let help = matches!(trouble, Trouble::Unreachable { .. })
        .then(|| "does `tidecast run` run there? --server and TIDECAST_SERVER say where to ask".to_owned());
    Stop::Failure(Failure { exit: Exit::Unreachable, why: trouble.to_string(), help })
}

/// The path of what belongs to a workload.
pub(crate) fn of(workload: &str, what: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(workload.as_bytes()).collect();
    format!("/api/v1/workloads/{name}{what}")
}
