//! A Kubernetes API server for tests: the state machine of `tidecast_world::kubernetes` put on a socket.
//!
//! ```ignore
//! let cluster = Cluster::start().await;
//! cluster.install(json!({"apiVersion": "apps/v1", "kind": "Deployment", …}));
//! let client = Client::try_from(Kubeconfig::from_yaml(&cluster.kubeconfig())?)?;
//! cluster.state().faults.strikes.push(Strike::all(Fault::Conflict).times(3));
//! ```
//!
//! It speaks TLS and knows people by client certificates or bearer tokens; `kubectl`, the Python client and `kube`
//! talk to it as to any other. What it does not do stands in `docs/explanation/fake-cluster.md`.

#![allow(dead_code, reason = "not every test that includes this module needs all of it")]

mod certificates;
mod clock;
mod declared;
mod definitions;
mod price;
mod rules;
mod serve;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidecast_world::kubernetes::{Answer, Cluster as World, Request, User};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use clock::Clock;
pub(crate) use definitions::{OF_OTHERS, definition};

/// A running API server; dropped, it stops.
pub(crate) struct Cluster {
    shared: Arc<Shared>,
    folder: TempDir,
    authority: certificates::Authority,
    tasks: Vec<JoinHandle<()>>,
    /// Where it listens, as `https://127.0.0.1:40123`.
    pub(crate) url: String,
}

/// How a cluster is to be: a seed for all its chance, and its clock.
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) clock: Clock,
    /// The port to listen on; zero takes any that is free.
    pub(crate) port: u16,
}

impl Default for Setup {
    fn default() -> Self {
        Self { seed: 1, clock: Clock::real(), port: 0 }
    }
}

/// What the server's tasks share.
struct Shared {
    world: Mutex<World>,
    clock: Clock,
    /// The version of the last write, for watches to wake up by.
    written: watch::Sender<u64>,
    tokens: Mutex<BTreeMap<String, User>>,
    certificates: Mutex<BTreeMap<Vec<u8>, User>>,
}

/// Controllers look this often, in real time.
const TICK: Duration = Duration::from_millis(20);

impl Cluster {
    /// A cluster in real time.
    pub(crate) async fn start() -> Self {
        Self::start_as(Setup::default()).await
    }

    /// A cluster of this sort.
    pub(crate) async fn start_as(setup: Setup) -> Self {
        let world = World::new(setup.seed, setup.clock.now()).with_rules(Arc::new(rules::Languages));
        let shared = Arc::new(Shared {
            written: watch::Sender::new(world.version()),
            world: Mutex::new(world),
            clock: setup.clock,
            tokens: Mutex::default(),
            certificates: Mutex::default(),
        });
        let authority = certificates::Authority::new();
        let (url, server) = serve::serve(shared.clone(), &authority, setup.port).await;
        let ticker = tokio::spawn(tick(shared.clone()));
        let folder = TempDir::new().expect("a folder for the kubeconfig");
        let cluster = Self { shared, folder, authority, tasks: vec![server, ticker], url };
        std::fs::write(cluster.kubeconfig_path(), cluster.kubeconfig()).expect("the folder was just made");
        cluster
    }

    /// The state of the cluster, to be looked at, and changed as no client could: faults, nodes, metrics.
    ///
    /// Nothing is answered while it is held.
    pub(crate) fn state(&self) -> MutexGuard<'_, World> {
        self.shared.lock()
    }

    /// The instant that the cluster lives in.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Moves a clock that stands still, and lets happen what is due by then.
    pub(crate) fn advance(&self, by: jiff::SignedDuration) {
        self.shared.clock.advance(by);
        self.shared.tick();
    }

    /// Puts an object where it belongs, as its administrator would.
    pub(crate) fn install(&self, object: Value) {
        self.shared.lock().install(object, self.now());
        self.shared.tick();
    }

    /// Serves Rollouts, Fleets, CapacityBuffers and the kinds of KEDA too.
    pub(crate) fn install_kinds_of_others(&self) {
        OF_OTHERS.iter().for_each(|(plural, _)| self.install(definition(plural)));
    }

    /// Asks as the administrator, past the network.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let answer = self.shared.lock().ask(&Request::of(method, path, body), self.now());
        self.shared.tick();
        answer
    }

    /// The file by which `kubectl` and others find the cluster as its administrator.
    pub(crate) fn kubeconfig_path(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// What stands in it.
    pub(crate) fn kubeconfig(&self) -> String {
        let admin = User::admin();
        let (der, certificate, key) = self.authority.client(&admin.name);
        self.shared.certificates.lock().expect("no holder panics").insert(der, admin);
        let encode = |text: String| BASE64_STANDARD.encode(text);
        self.config(&json!({"client-certificate-data": encode(certificate), "client-key-data": encode(key)}))
    }

    /// The same for somebody else, who shows a bearer token.
    pub(crate) fn kubeconfig_of(&self, user: &User) -> String {
        self.config(&json!({"token": self.token_of(user)}))
    }

    /// A bearer token that makes its bearer this user.
    pub(crate) fn token_of(&self, user: &User) -> String {
        let token = format!("token-of-{}", user.name);
        self.shared.tokens.lock().expect("no holder panics").insert(token.clone(), user.clone());
        token
    }

    /// The certificate that clients trust.
    pub(crate) fn authority(&self) -> String {
        self.authority.pem()
    }

    fn config(&self, user: &Value) -> String {
        let authority = BASE64_STANDARD.encode(self.authority.pem());
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "tidecast",
            "clusters": [{"name": "tidecast", "cluster": {"server": self.url, "certificate-authority-data": authority}}],
            "users": [{"name": "tidecast", "user": user}],
            "contexts": [{"name": "tidecast", "context": {"cluster": "tidecast", "user": "tidecast", "namespace": "default"}}],
        });
        serde_json::to_string_pretty(&config).expect("it is JSON already")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        // A test that failed while it held the state shall not take the reasons of others with it.
        self.world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Lets controllers work, and wakes those who watch.
    fn tick(&self) {
        let mut world = self.lock();
        world.tick(self.clock.now());
        let version = world.version();
        drop(world);
        self.written.send_if_modified(|known| std::mem::replace(known, version) != version);
    }

    /// Who shows this token, if it was given out.
    fn bearer(&self, token: &str) -> Option<User> {
        let known = self.tokens.lock().expect("no holder panics").get(token).cloned();
        known.or_else(|| self.lock().user_of(token))
    }
}

async fn tick(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(TICK).await;
        shared.tick();
    }
}
