use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::faults::{Fault, Faults};
use super::kind::Kind;
use super::kinds::Kinds;
use super::request::{Answer, Request};
use super::route::{Route, Target};
use super::rules::Rules;
use super::status::Refusal;
use super::store::{Key, Store};
use super::tree::time;
use super::watch::Watch;
use crate::{Chance, Purpose};

/// A Kubernetes cluster in virtual time: what its API server, its controllers and its kubelets would do.
///
/// It has no sockets and no clock. Requests are values, answers are values, [`Cluster::tick`] lets controllers work;
/// whoever puts it on a socket passes the bytes and the time.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) store: Store,
    pub(crate) kinds: Kinds,
    pub(crate) chance: Chance,
    pub(crate) rules: Arc<dyn Rules>,
    /// What goes wrong.
    pub faults: Faults,
    /// How the cluster's machines behave.
    pub nodes: super::Nodes,
    /// What the HPA controller measures.
    pub metrics: super::Metrics,
    pub(crate) memory: super::controllers::Memory,
    pub(crate) uids: u64,
    /// The requests that were answered last, in order, as `METHOD PATH STATUS`.
    pub requests: Vec<String>,
}

/// An answer at once, or a stream of events.
#[derive(Debug)]
pub enum Reply {
    /// Everything there is to say.
    Answer(Answer),
    /// What is to be asked for events from now on.
    Watch(Box<Watch>),
}

/// One request in the light of what it means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Request,
    pub(crate) target: &'a Target,
    pub(crate) kind: &'a Arc<Kind>,
    pub(crate) verb: &'a str,
    pub(crate) now: Timestamp,
}

/// How many writes are remembered for watches that start in the past.
const KEPT: usize = 20_000;
/// How many requests are remembered for those who look at them.
const REMEMBERED: usize = 200_000;

impl Cluster {
    /// A cluster with nothing in it but what every cluster has.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        let mut cluster = Self {
            store: Store::new(KEPT),
            kinds: Kinds::own(),
            chance: Chance::of(seed, Purpose::Launches),
            rules: Arc::new(super::rules::Unruled),
            faults: Faults::of(seed),
            nodes: super::Nodes::default(),
            metrics: super::Metrics::default(),
            memory: super::controllers::Memory::default(),
            uids: seed,
            requests: Vec::new(),
        };
        for namespace in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            cluster.install(
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
                now,
            );
        }
        super::rbac::ROLES.iter().for_each(|role| cluster.install(super::rbac::own_role(role), now));
        cluster.tick(now);
        cluster
    }

    /// The same with somebody who understands the rules and patterns of custom resources.
    pub fn with_rules(mut self, rules: Arc<dyn Rules>) -> Self {
        self.rules = rules;
        self
    }

    /// Answers a request.
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Reply {
        let reply = match self.faults.strike(request, self.store.version()) {
            Some((Fault::LostReply, refusal)) => self.answer(request, now).and(Err(refusal)),
            Some((_, refusal)) => Err(refusal),
            None => self.answer(request, now),
        };
        let reply = reply.unwrap_or_else(|refusal| Reply::Answer(Answer::from(&refusal)));
        let status = if let Reply::Answer(answer) = &reply { answer.status } else { 200 };
        if self.requests.len() >= REMEMBERED {
            self.requests.drain(..REMEMBERED / 2);
        }
        self.requests.push(format!("{} {} {status}", request.method, request.path));
        reply
    }

    /// Answers a request that is no watch.
    ///
    /// # Panics
    /// If it is one.
    pub fn ask(&mut self, request: &Request, now: Timestamp) -> Answer {
        match self.handle(request, now) {
            Reply::Answer(answer) => answer,
            Reply::Watch(_) => panic!("{} asks for a stream", request.path),
        }
    }

    /// Puts an object where it belongs as the administrator would, whether it was there or not.
    ///
    /// # Panics
    /// If the cluster refuses it.
    pub fn install(&mut self, object: Value, now: Timestamp) {
        let path = self
            .path_of(&object)
            .unwrap_or_else(|| panic!("no such kind: {} {}", object["apiVersion"], object["kind"]));
        let apply = Request {
            agent: "tidecast-tests".to_owned(),
            ..Request::of("PATCH", &format!("{path}?force=true"), &object)
        };
        let answer = self.answer(&apply.typed("application/apply-patch+yaml"), now);
        if let Err(refusal) = answer {
            panic!("{path} was refused: {}", refusal.message);
        }
    }

    /// The path of an object that says its kind and its name.
    pub fn path_of(&self, object: &Value) -> Option<String> {
        let text = |pointer| super::tree::text(object, pointer);
        let kind = self.kinds.of(text("/apiVersion"), text("/kind"))?;
        let root = if kind.group.is_empty() { "/api" } else { "/apis" };
        let namespace = match (kind.namespaced, text("/metadata/namespace")) {
            (true, "") => "/namespaces/default".to_owned(),
            (true, namespace) => format!("/namespaces/{namespace}"),
            (false, _) => String::new(),
        };
        Some(format!("{root}/{}{namespace}/{}/{}", kind.api_version(), kind.plural, text("/metadata/name")))
    }

    /// An object as it is kept, by its resource as `deployments.apps`.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.store.get(&Key::new(resource, namespace, name)).map(|object| &**object)
    }

    /// All objects of a resource in a namespace, or in all.
    pub fn list(&self, resource: &str, namespace: &str) -> Vec<&Value> {
        self.store.of(resource, namespace).map(|(_, object)| &**object).collect()
    }

    /// The version of the last write.
    pub fn version(&self) -> u64 {
        self.store.version()
    }

    /// Forgets all history, so that watches from the past find it gone.
    pub fn compact(&mut self) {
        self.store.compact();
    }

    pub(crate) fn answer(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        let answer = match Route::of(&request.path) {
            Route::Objects(target) => return self.objects(request, &target, now),
            _ if request.method != "GET" => return Err(Refusal::method_not_allowed()),
            Route::Version => Answer::json(200, &version()),
            Route::Health => {
                let headers = vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())];
                Answer { status: 200, headers, body: b"ok".to_vec() }
            }
            Route::Nowhere => return Err(Refusal::no_such_path()),
            Route::Openapi(below) => super::openapi::answer(&self.kinds, &below)?,
            route => super::discovery::answer(&self.kinds, &route, &request.accept)?,
        };
        Ok(Reply::Answer(answer))
    }

    fn objects(&mut self, request: &Request, target: &Target, now: Timestamp) -> Result<Reply, Refusal> {
        let found = self.kinds.find(&target.group, &target.version, &target.plural);
        let kind = found.cloned().ok_or_else(Refusal::no_such_path)?;
        let verb = target.verb(request);
        self.authorize(&request.user, verb, target)?;
        let asked = Asked { request, target, kind: &kind, verb, now };
        asked.is_well_placed()?;
        let answer = match (verb, target.subresource.as_str()) {
            ("create", "") if kind.is_review() => self.review(asked)?,
            ("watch", "") => return self.watch(asked).map(|watch| Reply::Watch(Box::new(watch))),
            ("get", "" | "status") => self.read(asked)?,
            ("list", "") => self.read_all(asked)?,
            ("create", "") => self.create(asked)?,
            ("update" | "patch", "" | "status") => self.change(asked)?,
            ("get" | "update" | "patch", "scale") => self.scale(asked)?,
            ("delete", "") => self.delete(asked)?,
            ("deletecollection", "") => self.delete_all(asked)?,
            ("create", "eviction") if kind.kind == "Pod" => self.evict(asked)?,
            ("create", "token") if kind.kind == "ServiceAccount" => self.token(asked)?,
            _ => return Err(Refusal::method_not_allowed()),
        };
        Ok(Reply::Answer(answer))
    }

    /// The next of the names that nobody else will ever have.
    pub(crate) fn uid(&mut self) -> String {
        self.uids = self.uids.wrapping_add(1);
        // Spread, so that they look like what people know, and told apart by the counter that they come from.
        let spread = self.uids.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (high, low) = (spread >> 32, spread & 0xFFFF_FFFF);
        format!(
            "{high:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            low >> 16,
            low & 0xFFF,
            self.uids & 0xFFF,
            spread % (1 << 48)
        )
    }
}

impl Asked<'_> {
    pub(crate) fn key(&self, name: &str) -> Key {
        Key::new(&self.kind.storage(), &self.target.namespace, name)
    }

    pub(crate) fn refused_by_name(&self) -> super::status::About<'_> {
        self.kind.about(&self.target.name)
    }

    /// An object, in the form that the client asked for.
    pub(crate) fn shown(&self, status: u16, object: &Value) -> Answer {
        super::view::View::of(&self.request.accept).answer(status, self.kind, object, self.now)
    }

    /// A namespace belongs to what has one, and subresources to what has them.
    fn is_well_placed(&self) -> Result<(), Refusal> {
        let (target, kind) = (self.target, self.kind);
        let placed = match target.namespace.is_empty() {
            true => !kind.namespaced || (target.name.is_empty() && ["list", "watch"].contains(&self.verb)),
            false => kind.namespaced,
        };
        let known = match target.subresource.as_str() {
            "" => true,
            "status" => kind.status,
            "scale" => kind.scale.is_some(),
            _ => kind.group.is_empty(),
        };
        if placed && known && !self.verb.is_empty() { Ok(()) } else { Err(Refusal::no_such_path()) }
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35", "gitVersion": "v1.36.0", "gitCommit": "",
        "gitTreeState": "clean", "buildDate": time(Timestamp::UNIX_EPOCH), "goVersion": "go1.26.0",
        "compiler": "gc", "platform": "linux/amd64",
    })
}
