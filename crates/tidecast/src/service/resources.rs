//! Workloads that are told as resources: watched, settled beside the files, and told back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::WorkloadName;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::Known;
use crate::api;
use crate::config::Config;
use crate::config::section::Operator;
use crate::drive::clock;
use crate::operator::roster::{Roster, Standing};
use crate::operator::watch::{Seen, follow};
use crate::operator::{Key, Resource, Status, report, write};
use crate::scaler::kubernetes::Cluster;
use crate::trouble::Trouble;

/// The resources in tidecast's care.
#[derive(Debug)]
pub(super) struct Resources {
    known: Arc<Known>,
    roster: Roster,
    following: Option<Following>,
    changed: Arc<Notify>,
    listed: watch::Sender<Arc<Listed>>,
}

/// Each resource with what has become of it.
type Listed = Vec<(Resource, Standing)>;

/// What is followed, and those who follow it.
#[derive(Debug)]
struct Following {
    operator: Operator,
    cluster: Arc<Cluster>,
    seen: Arc<Seen>,
    tasks: Vec<JoinHandle<()>>,
}

impl Following {
    /// What is seen; where nothing has been seen yet, what was known before goes on.
    fn all(&self, roster: &Roster) -> Vec<Resource> {
        let watched =
            |namespace: &String| self.operator.everywhere() || self.operator.namespaces.contains(namespace);
        let unseen = |resource: &&Resource| {
            watched(&resource.namespace) && !self.seen.complete(Some(&resource.namespace))
        };
        let known = roster.resources().filter(unseen).cloned();
        known.chain(self.seen.all()).collect()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// How long further changes are waited for, so that a hundred at once are settled once.
const SETTLING: Duration = Duration::from_millis(300);

impl Resources {
    pub(super) fn new(known: Arc<Known>) -> Self {
        let listed = watch::Sender::new(Arc::default());
        Self { known, roster: Roster::default(), following: None, changed: Arc::default(), listed }
    }

    /// Told by it when something has changed.
    pub(super) fn changed(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    /// Watches what the files say; begins anew only if they say something else than before.
    pub(super) fn follow(
        &mut self,
        config: &Config,
        cluster: impl FnOnce(&Operator) -> Result<Arc<Cluster>, Trouble>,
    ) {
        let Some(operator) = &config.operator else {
            self.following = None;
            return;
        };
        let cluster = match cluster(operator) {
            Ok(cluster) => cluster,
            Err(trouble) => return tracing::error!("PredictiveScalers are not watched: {trouble}"),
        };
        let same = |known: &Following| known.operator == *operator && Arc::ptr_eq(&known.cluster, &cluster);
        if !self.following.as_ref().is_some_and(same) {
            self.following = Some(self.begin(operator, cluster));
        }
    }

    fn begin(&self, operator: &Operator, cluster: Arc<Cluster>) -> Following {
        let seen: Arc<Seen> = Arc::default();
        let places: Vec<Option<String>> = match operator.everywhere() {
            true => vec![None],
            false => operator.namespaces.iter().cloned().map(Some).collect(),
        };
        let watching =
            places.iter().map(|place| tokio::spawn(follow(cluster.clone(), place.clone(), seen.clone())));
        let mut tasks: Vec<_> = watching.collect();
        tasks.push(tokio::spawn(pass_on(seen.clone(), self.changed.clone())));
        tasks.push(tokio::spawn(tell(self.known.clone(), cluster.clone(), self.listed.subscribe())));
        Following { operator: operator.clone(), cluster, seen, tasks }
    }

    /// Whether every resource has been seen; so it is where none is watched.
    pub(super) fn complete(&self) -> bool {
        self.following.as_ref().is_none_or(|following| match following.operator.everywhere() {
            true => following.seen.complete(None),
            false => following.operator.namespaces.iter().all(|name| following.seen.complete(Some(name))),
        })
    }

    /// The configuration of the files and the resources together.
    pub(super) fn combined(&mut self, files: &Config) -> Config {
        self.roster.beside(files);
        let all = self.following.as_ref().map(|following| following.all(&self.roster)).unwrap_or_default();
        self.roster.replace(all);
        let config = self.roster.settle();
        let standings = self.roster.standings();
        self.listed.send_replace(Arc::new(standings.map(|(r, s)| (r.clone(), s.clone())).collect()));
        config
    }
}

async fn pass_on(seen: Arc<Seen>, changed: Arc<Notify>) {
    loop {
        seen.changed().await;
        tokio::time::sleep(SETTLING).await;
        changed.notify_one();
    }
}

/// How often statuses are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The most that are written in one look: ten a second.
const WRITES_MAX: usize = 20;
/// How long a status stays when only the numbers in its sentences have changed.
const SENTENCES_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// How long one stays at least.
const AT_LEAST: SignedDuration = SignedDuration::from_secs(5);
/// How often accuracy is computed anew.
const ACCURACY_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What was written to a resource.
#[derive(Debug, Default)]
struct Written {
    uid: String,
    status: Status,
    at: Timestamp,
    accuracy: Option<f64>,
    judged: Option<Timestamp>,
}

/// Writes statuses back as they change: few at a time, and none that says the same.
async fn tell(known: Arc<Known>, cluster: Arc<Cluster>, mut listed: watch::Receiver<Arc<Listed>>) {
    let mut written: BTreeMap<Key, Written> = BTreeMap::new();
    let mut complained = None;
    let mut begin = 0;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let all = listed.borrow_and_update().clone();
        let keys: std::collections::BTreeSet<Key> = all.iter().map(|(resource, _)| resource.key()).collect();
        written.retain(|key, _| keys.contains(key));
        judge_one(&known, &all, &mut written).await;
        let mut writes = 0;
        // Goes on behind the last one written, so that the first ones do not starve the others.
        for i in 0..all.len() {
            let (resource, standing) = &all[(begin + i) % all.len()];
            let Some(status) = due(&known, resource, standing, &mut written) else { continue };
            writes += 1;
            if let Err(trouble) = write(&cluster, &resource.key(), &status).await {
                complain(&mut complained, &trouble);
                begin = (begin + i) % all.len();
                break;
            }
            complained = None;
            let entry = written.entry(resource.key()).or_default();
            (entry.status, entry.at) = (status, clock());
            if writes >= WRITES_MAX {
                begin = (begin + i + 1) % all.len();
                break;
            }
        }
    }
}

fn complain(complained: &mut Option<String>, trouble: &Trouble) {
    let said = trouble.to_string();
    if complained.as_ref() != Some(&said) {
        tracing::warn!("a status could not be written and is tried again: {said}");
        *complained = Some(said);
    }
}

/// The status that is to be written now, if any.
fn due(
    known: &Known,
    resource: &Resource,
    standing: &Standing,
    written: &mut BTreeMap<Key, Written>,
) -> Option<Status> {
    let now = clock();
    let entry = written.entry(resource.key()).or_default();
    if entry.uid != resource.uid {
        // What stands there is where one goes on after a restart.
        *entry = Written { uid: resource.uid.clone(), status: resource.status.clone(), ..Written::default() };
    }
    let age = now.duration_since(entry.at);
    if age < AT_LEAST {
        return None;
    }
    let name = WorkloadName(resource.key().to_string());
    let seat = standing.driven.as_ref().and_then(|_| known.board.seat(&name));
    let said =
        standing.driven.as_ref().zip(seat.as_ref()).map(|(workload, seat)| api::glance(workload, seat));
    let about = report::Known { said: said.as_ref(), seat: seat.as_ref(), accuracy: entry.accuracy };
    let status = report::status(resource, standing, &about, &entry.status, now);
    let wanted = report::differ(&status, &entry.status) || (age >= SENTENCES_EVERY && status != entry.status);
    wanted.then_some(status)
}

/// Computes the accuracy of the one workload that has waited longest, if any has waited long enough.
async fn judge_one(known: &Known, all: &Listed, written: &mut BTreeMap<Key, Written>) {
    let now = clock();
    let waited =
        |written: &BTreeMap<Key, Written>, key: &Key| written.get(key).and_then(|entry| entry.judged);
    let driven =
        all.iter().filter(|(_, standing)| standing.driven.is_some()).map(|(resource, _)| resource.key());
    let Some(key) = driven.min_by_key(|key| waited(written, key)) else { return };
    if waited(written, &key).is_some_and(|judged| now.duration_since(judged) < ACCURACY_EVERY) {
        return;
    }
    let Some(entry) = written.get_mut(&key) else { return };
    entry.judged = Some(now);
    if let Ok(accuracy) = api::fared(known, &key.to_string(), 7).await {
        // An hour ahead is what most start-up times need.
        entry.accuracy = accuracy.leads.iter().find(|lead| lead.minutes == 60).and_then(|lead| lead.wape);
    }
}
