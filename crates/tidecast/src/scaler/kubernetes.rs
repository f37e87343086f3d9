//! Anything in Kubernetes with a scale subresource, and the floors of the autoscalers that own such things.
//!
//! Each turn *sights* the target and its Pods through watches that all workloads share, and *carries out* by writing one
//! number: the floor of the HPA or ScaledObject that owns the target, if there is one, else its scale subresource. What
//! is written is looked at freshly just before, under a precondition, and leaves marks on the object that keep older
//! decisions out, whoever wakes up with one.

mod ask;
mod carry;
mod cluster;
mod drains;
mod events;
mod gate;
mod headroom;
mod kind;
mod marks;
mod pods;
pub mod rights;
mod selector;
mod stand;
mod view;
mod writers;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Command, Decision, NodeName, Phase, Sighting, Size};
use tokio::time::Instant;

pub use cluster::{Cluster, Way};
pub use kind::home_of;

/// The annotations by which tidecast and others understand each other.
pub mod annotations {
    pub use super::drains::{DRAINING, ENDING, SESSIONS, SESSIONS_AT};
    pub use super::marks::{
        CONTESTED_AT, CONTESTED_BY, DECIDED_AT, GENERATION, REASON, SIZE, TURN, WORKLOAD,
    };
}

use carry::{AGE_MAX, CARRY_MAX, Carried, Contest, Wish, contest};
use drains::FRESH;
use events::{Told, is_observing};
use headroom::Headroom;
use kind::Kind;
use pods::{Memory, addresses, nodes};
use stand::{Look, Stand};
use view::View;

use super::{Receipt, Scaler, Tally};
use crate::trouble::Trouble;

/// Carries decisions out on one target.
pub struct Kubernetes {
    cluster: Arc<Cluster>,
    workload: String,
    namespace: String,
    whose: Whose,
    who: String,
    headroom: Option<Headroom>,
    clock: fn() -> Timestamp,
    views: Mutex<BTreeMap<Kind, Arc<View>>>,
    memory: Mutex<Memory>,
    /// The addresses of the Pods that were seen last.
    addresses: Mutex<BTreeMap<NodeName, Vec<String>>>,
    /// Who is asked whether a Pod is empty, besides the Pod itself.
    tally: Option<Arc<Tally>>,
    /// How old a Pod's own word may be when it is ended by it.
    fresh_for: SignedDuration,
    told: Told,
    /// The number could not be written lately, for a reason that lasts.
    stuck: AtomicBool,
}

/// What is scaled, as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whose {
    /// An object with a scale subresource; who owns its size is found out.
    Target { api_version: String, kind: String, name: String },
    /// What a ScaledObject scales.
    ScaledObject { name: String },
}

/// How long a look may take.
const LOOK_MAX: Duration = Duration::from_secs(8);

impl fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubernetes").field("who", &self.who).finish_non_exhaustive()
    }
}

impl Kubernetes {
    /// A target by its kind. What need not be said of where the kind lives is [`home_of`] it.
    pub fn target(
        cluster: Arc<Cluster>,
        workload: &str,
        namespace: &str,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Self {
        let [api_version, kind, name] = [api_version, kind, name].map(str::to_owned);
        let who = format!("{kind} {namespace}/{name}");
        Self::new(cluster, workload, namespace, Whose::Target { api_version, kind, name }, who)
    }

    /// What a ScaledObject scales: its floor is what is set.
    pub fn scaled_object(cluster: Arc<Cluster>, workload: &str, namespace: &str, name: &str) -> Self {
        let who = format!("ScaledObject {namespace}/{name}");
        Self::new(cluster, workload, namespace, Whose::ScaledObject { name: name.into() }, who)
    }

    fn new(cluster: Arc<Cluster>, workload: &str, namespace: &str, whose: Whose, who: String) -> Self {
        Self {
            cluster,
            workload: workload.into(),
            namespace: namespace.into(),
            whose,
            who,
            headroom: None,
            clock: crate::drive::clock,
            views: Mutex::default(),
            memory: Mutex::default(),
            addresses: Mutex::default(),
            tally: None,
            fresh_for: FRESH,
            told: Told::default(),
            stuck: AtomicBool::new(false),
        }
    }

    /// Keeps nodes ready for what the plan orders within so long.
    #[must_use]
    pub fn with_headroom(mut self, ahead: SignedDuration) -> Self {
        self.headroom = Some(Headroom::new(ahead));
        self
    }

    /// Asks this tally once more before a Pod is ended.
    #[must_use]
    pub fn counting(mut self, tally: Option<Arc<Tally>>) -> Self {
        self.tally = tally;
        self
    }

    /// Believes what a Pod says of its sessions for so long.
    #[must_use]
    pub fn believing(mut self, fresh_for: SignedDuration) -> Self {
        self.fresh_for = fresh_for;
        self
    }

    /// Reads another clock than everybody: for rehearsals in a time of their own.
    #[must_use]
    pub fn by_clock(mut self, clock: fn() -> Timestamp) -> Self {
        self.clock = clock;
        self
    }

    /// The view of a kind in the target's namespace; it is followed for as long as this scaler lives.
    fn view(&self, kind: &Kind) -> Arc<View> {
        let mut views = self.views.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let view = views.entry(kind.clone());
        view.or_insert_with(|| self.cluster.views.of(&self.cluster, kind, &self.namespace)).clone()
    }

    async fn sighting(&self, stand: &Stand, now: Timestamp, until: Instant) -> Sighting {
        let pods = match &stand.selector {
            Some(selector) => Some(self.pods(selector, until).await),
            None => None,
        };
        let complete = !matches!(pods, Some(Err(_)));
        let nodes = match pods {
            Some(Ok(pods)) => {
                *self.addresses.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = addresses(&pods);
                nodes(&pods, &mut self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
            }
            _ => Vec::new(),
        };
        let serving = nodes.iter().filter(|node| matches!(node.phase, Phase::Serving)).count() as u32;
        // Where Pods are not known one by one, the target's own count must do.
        let known = complete && stand.selector.is_some();
        let serving = if known { serving } else { stand.told_ready().unwrap_or(stand.replicas()) };
        Sighting {
            at: now,
            ordered: Size(stand.ordered()),
            serving: Size(serving),
            nodes,
            complete,
            says: Vec::new(),
            foreign: foreign(stand, now),
        }
    }

    async fn carry_out_now(&self, decision: &Decision) -> Result<Carried, Trouble> {
        let age = (self.clock)().duration_since(decision.at);
        if age > AGE_MAX {
            let why = format!("turn {} was decided {} s ago", decision.turn, age.as_secs());
            return Err(Trouble::Changed { who: self.who.clone(), why });
        }
        let until = Instant::now() + CARRY_MAX;
        if names_pods(decision)
            && let Some(receipt) = self.overtaken(decision, until).await?
        {
            return Ok(Carried { receipt, changed: None, overruled: None });
        }
        let mut wish = Wish::of(decision);
        let marked = self.mark_pods(decision, until).await;
        // What cannot be marked or ended keeps nobody from growing.
        let (ended, but) = match marked {
            Ok(ended) => (ended, None),
            Err(trouble) if wish.grow.is_some() => (0, Some(trouble)),
            Err(trouble) => return Err(trouble),
        };
        wish.ended = ended;
        if wish.grow.is_none() && wish.shrink.is_none() && ended == 0 {
            let marked = format!("{} Pods marked", decision.commands.len());
            return Ok(Carried { receipt: Receipt::Done(marked), changed: None, overruled: None });
        }
        let mut carried = self.carry(&wish, decision, until).await?;
        if let (Receipt::Done(said), Some(trouble)) = (&mut carried.receipt, but) {
            *said = format!("{said}; {trouble}");
        }
        Ok(carried)
    }
}

/// Whether some of its commands are about Pods by name, which carry no marks of turns themselves.
fn names_pods(decision: &Decision) -> bool {
    let size = |command: &Command| matches!(command, Command::Grow { .. } | Command::Shrink { .. });
    !decision.commands.iter().all(size)
}

/// Who else changes the size, if somebody does so again and again, or keeps it from meaning anything.
fn foreign(stand: &Stand, now: Timestamp) -> Option<String> {
    match contest(stand, now) {
        Some(Contest::Again(writer)) => Some(writer.to_string()),
        _ => stand.paused_by(),
    }
}

#[async_trait]
impl Scaler for Kubernetes {
    fn name(&self) -> String {
        format!("{} in {}", self.who, self.cluster.who())
    }

    async fn sight(&self, now: Timestamp) -> Result<Option<Sighting>, Trouble> {
        let until = Instant::now() + LOOK_MAX;
        let stand = self.stand(Look::Watched, until).await?;
        Ok(Some(self.sighting(&stand, now, until).await))
    }

    fn also_called(&self) -> BTreeMap<NodeName, Vec<String>> {
        self.addresses.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        if is_observing(decision) {
            return Ok(Receipt::Shown);
        }
        let nothing =
            || Carried { receipt: Receipt::Done("nothing to do".into()), changed: None, overruled: None };
        let carried = match decision.commands.is_empty() {
            true => Ok(nothing()),
            false => self.carry_out_now(decision).await,
        };
        self.tell(decision, carried.as_ref()).await;
        if let Err(trouble) = self.keep_headroom(decision, Instant::now() + LOOK_MAX).await {
            tracing::warn!(workload = self.workload, "no nodes are kept ready: {trouble}");
        }
        carried.map(|carried| carried.receipt)
    }
}
