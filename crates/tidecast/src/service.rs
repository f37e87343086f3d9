//! tidecast as a server: what the operator wrote is put to work, and kept at it.
//!
//! A [`Service`] reads the configuration, opens the store, drives every workload, answers the API, and follows the
//! configuration's files: what is invalid never replaces what runs.

mod chores;
mod fleet;
mod hands;
mod heartbeat;
mod in_force;
#[cfg(feature = "kubernetes")]
mod resources;
#[cfg(not(feature = "kubernetes"))]
#[path = "service/no_resources.rs"]
mod resources;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::WorkloadName;

use crate::api;
use crate::config::{self, Config, LOOK_EVERY, Loaded, Look, Poller, Report};
use crate::drive::{Board, Drive, Seat, clock};
use crate::scaler::Answers;
use crate::store::{Draft, History, Memory, Shelf, Store};
use crate::trouble::Trouble;

pub use fleet::Inboxes;
use fleet::{Fleet, Workshops};
pub use in_force::InForce;
use resources::Resources;

/// How long turns and answers that are under way may take at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a server does not start.
#[derive(Debug)]
pub enum NoStart {
    /// The configuration has mistakes.
    Config(Report),
    /// Something that it needs cannot be had.
    Trouble(Trouble),
}

impl From<Trouble> for NoStart {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// What was found when the whole store was read through.
#[derive(Debug, Clone)]
pub struct Checked {
    /// When that was over.
    pub at: Timestamp,
    /// What does not fit, if anything.
    pub found: Result<(), Trouble>,
}

/// What everybody who answers questions needs to know.
#[derive(Debug)]
pub struct Known {
    /// What the turns have seen and decided.
    pub board: Arc<Board>,
    /// What must not be forgotten.
    pub store: Arc<dyn Store>,
    /// What was measured and forecast.
    pub history: Arc<History>,
    /// Ledger and history together, to make copies of.
    pub memory: Arc<Memory>,
    /// The folder of the store.
    pub folder: PathBuf,
    /// The folder of the configuration.
    pub home: PathBuf,
    /// Where measurements are pushed to.
    pub inboxes: Inboxes,
    /// What autoscalers that ask us were told.
    pub answers: Arc<Answers>,
    /// Since when this process runs.
    pub started: Timestamp,
    /// Whether the files say something that cannot be used, and what runs is older.
    pub stale_config: AtomicBool,
    /// Whether it is being ended.
    pub ending: AtomicBool,
    in_force: RwLock<Arc<InForce>>,
    heartbeat: RwLock<Option<Timestamp>>,
    checked: RwLock<Option<Checked>>,
    tokens: RwLock<Arc<api::Tokens>>,
}

impl Known {
    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        self.in_force().config.clone()
    }

    /// The same, with its workloads in order.
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Where secrets lie.
    pub fn secrets(&self) -> PathBuf {
        config::secrets_folder(&self.config(), &self.home)
    }

    /// Who may do what.
    pub fn tokens(&self) -> Arc<api::Tokens> {
        self.tokens.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// A workload of the configuration in force.
    pub fn workload(&self, name: &str) -> Option<config::section::Workload> {
        self.in_force().workload(name).cloned()
    }

    /// How many workloads have had a turn since the start, of how many.
    pub fn turned(&self) -> (usize, usize) {
        let had =
            |seats: &BTreeMap<_, Seat>| seats.values().filter(|seat| seat.turns + seat.failed > 0).count();
        (self.board.read(had), self.config().workloads.len())
    }

    /// Whether turns are committed; for how long none was, if that is too long.
    ///
    /// # Errors
    /// A sentence that says so.
    pub fn alive(&self, now: Timestamp) -> Result<(), String> {
        let newest = self.board.read(|seats| seats.values().filter_map(|seat| seat.committed_at).max());
        let config = self.config();
        let patience = SignedDuration::try_from(config.server.turn_every.0).unwrap_or(SignedDuration::MAX);
        let silent = now.duration_since(newest.unwrap_or(self.started));
        match silent > patience * 2 + SignedDuration::from_secs(10) && !config.workloads.is_empty() {
            true => Err(format!("no turn was committed for {} s", silent.as_secs())),
            false => Ok(()),
        }
    }

    /// When somebody outside last took a sign of life, if one is wanted.
    pub fn heartbeat(&self) -> Option<Timestamp> {
        *self.heartbeat.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What was found when the whole store was last read through, if it was since the start.
    pub fn checked(&self) -> Option<Checked> {
        self.checked.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn note_check(&self, checked: Checked) {
        match &checked.found {
            Ok(()) => tracing::info!("the store was read through and is whole"),
            Err(trouble) => tracing::error!("the store was read through: {trouble}"),
        }
        *self.checked.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(checked);
    }

    fn note_heartbeat(&self, at: Timestamp) {
        *self.heartbeat.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(at);
    }
}

/// A running server.
#[derive(Debug)]
pub struct Service {
    known: Arc<Known>,
    fleet: Fleet,
    drive: Drive,
    folder: PathBuf,
    /// What the files alone say.
    files: Config,
    resources: Resources,
}

impl Service {
    /// Reads the configuration, opens the store and begins to drive.
    ///
    /// # Errors
    /// [`NoStart`] with everything that is wrong with the configuration, or what cannot be had.
    pub fn start(loaded: Loaded) -> Result<Self, NoStart> {
        let Loaded { config: Some(config), folder, .. } = loaded else {
            return Err(NoStart::Config(loaded.report));
        };
        let memory = Arc::new(Memory::open(&folder.join(&config.store.folder.0))?);
        if let Some(why) = &memory.renewed {
            tracing::warn!("the history was put aside and is collected again: {why}");
        }
        let tokens = tokens(&config, &folder)?;
        let board = Arc::new(Board::default());
        let known = Arc::new(Known {
            board: board.clone(),
            store: memory.ledger.clone(),
            history: memory.history.clone(),
            memory: memory.clone(),
            folder: folder.join(&config.store.folder.0),
            home: folder.clone(),
            inboxes: Inboxes::default(),
            answers: Arc::default(),
            started: clock(),
            stale_config: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            in_force: RwLock::new(Arc::new(InForce::of(config.clone()))),
            heartbeat: RwLock::new(None),
            checked: RwLock::new(None),
            tokens: RwLock::new(Arc::new(tokens)),
        });
        let drive = Drive::new(fleet::pace(&config), board);
        let shelf = Arc::new(Shelf::open(&known.folder.join("models"), config.store.models_max.0)?);
        let workshops = Workshops::of(&config, memory.history.clone(), shelf);
        let fleet = Fleet::new(known.clone(), workshops, folder.clone());
        let resources = Resources::new(known.clone());
        let mut service = Self { known, fleet, drive, folder, files: config.clone(), resources };
        service.follow_resources();
        service.fleet.follow(&mut service.drive, &config, service.resources.complete());
        Ok(service)
    }

    /// What everybody who answers questions needs to know.
    pub fn known(&self) -> Arc<Known> {
        self.known.clone()
    }

    /// Runs until `ended`: answers, looks after the store, follows the files. `listening` is told where.
    ///
    /// # Errors
    /// [`Trouble`] when the address cannot be listened on.
    pub async fn run(
        mut self,
        paths: &[PathBuf],
        listening: impl FnOnce(SocketAddr),
        ended: impl Future<Output = ()>,
    ) -> Result<(), Trouble> {
        let server = api::serve(self.known.clone())?;
        #[cfg(feature = "keda")]
        let keda = crate::keda::serve(&self.known, &self.folder)?;
        listening(server.at());
        let chores = [
            tokio::spawn(chores::all(self.known.clone())),
            tokio::spawn(chores::read_through(self.known.clone())),
            tokio::spawn(heartbeat::beat(self.known.clone())),
            tokio::spawn(chores::open(self.known.clone(), self.fleet.workshops.clone())),
        ];
        let (readings, mut read) = tokio::sync::mpsc::unbounded_channel();
        let watching =
            config::watch(Poller::new(paths), LOOK_EVERY, move |loaded| drop(readings.send(loaded)));
        let watching = tokio::spawn(watching);
        let changed = self.resources.changed();
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => break,
                Some(loaded) = read.recv() => self.take(loaded).await,
                () = changed.notified() => self.settle().await,
            }
        }
        tracing::info!("ending: turns under way have {} s", PATIENCE.as_secs());
        self.known.ending.store(true, Ordering::Release);
        watching.abort();
        chores.iter().for_each(|chore| chore.abort());
        #[cfg(feature = "keda")]
        if let Some(keda) = keda {
            keda.stop(PATIENCE).await;
        }
        tokio::join!(self.drive.stop(PATIENCE), server.stop(PATIENCE));
        Ok(())
    }

    /// Puts a new reading of the files in the place of the configuration in force, if it has no mistakes.
    async fn take(&mut self, loaded: Loaded) {
        let taken = config::reload(&self.files, loaded).map_err(|report| config::human(&report, Look::Plain));
        let taken = taken.and_then(|change| match tokens(&change.config, &self.folder) {
            Ok(tokens) => Ok((change, tokens)),
            Err(trouble) => Err(trouble.to_string()),
        });
        self.known.stale_config.store(taken.is_err(), Ordering::Release);
        match taken {
            Err(why) => tracing::error!("the configuration has mistakes; what runs stays in force\n{why}"),
            Ok((change, tokens)) => {
                if change.report.warnings() > 0 {
                    tracing::warn!("{}", config::human(&change.report, Look::Plain));
                }
                *self.known.tokens.write().unwrap_or_else(|poisoned| poisoned.into_inner()) =
                    Arc::new(tokens);
                if change.config != self.files {
                    self.files = change.config;
                    self.follow_resources();
                    let config = self.resources.combined(&self.files);
                    self.put_in_force(config, "the files of the configuration have changed").await;
                }
            }
        }
    }

    /// Puts in force what the files and the resources say together.
    async fn settle(&mut self) {
        let config = self.resources.combined(&self.files);
        if config != *self.known.config() {
            self.put_in_force(config, "PredictiveScalers have changed").await;
        }
    }

    #[cfg(feature = "kubernetes")]
    fn follow_resources(&mut self) {
        let (files, fleet) = (&self.files, &self.fleet);
        self.resources.follow(files, |operator| fleet.cluster(files, operator.cluster.as_ref()));
    }

    #[cfg(not(feature = "kubernetes"))]
    fn follow_resources(&mut self) {}

    async fn put_in_force(&mut self, config: Config, why: &str) {
        let changed = self.fleet.follow(&mut self.drive, &config, self.resources.complete());
        tracing::info!(workloads = config.workloads.len(), changed, "the configuration was read anew");
        let in_force = Arc::new(InForce::of(config));
        *self.known.in_force.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = in_force;
        self.known.board.tell_anew();
        let told = Draft {
            at: clock(),
            who: "tidecast".into(),
            workload: None,
            what: "configured".into(),
            why: why.into(),
            before: None,
            after: Some(serde_json::json!({ "workloadsChanged": changed })),
        };
        if let Err(trouble) = self.known.store.log(told).await {
            tracing::warn!("the new configuration is not in the audit log: {trouble}");
        }
    }
}

/// The tokens of the configuration; none if it names no file.
fn tokens(config: &Config, folder: &Path) -> Result<api::Tokens, Trouble> {
    match &config.server.auth {
        Some(auth) => api::Tokens::read(&folder.join(&auth.token_file.0)),
        None if config.server.listen.0.ip().is_loopback() => Ok(api::Tokens::none()),
        None => Err(Trouble::Unusable {
            who: format!("the server at {}", config.server.listen),
            why: "beyond loopback it needs `server.auth.tokenFile`".into(),
        }),
    }
}

/// What each workload was last told, to know which have changed.
type Told = BTreeMap<WorkloadName, serde_json::Value>;
