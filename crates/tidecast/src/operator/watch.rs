//! Follows the resources of a cluster, and goes on following: through closed streams, expired versions (410), lost
//! connections and lost rights. What was seen last stays known meanwhile; nothing is forgotten because it cannot be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use tokio::sync::Notify;

use super::resource::{Key, Resource};
use super::{GROUP, KIND, PLURAL, VERSION};
use crate::scaler::kubernetes::Cluster;
use crate::trouble::one_line;

/// What is seen of all resources, for those who drive them.
#[derive(Debug, Default)]
pub struct Seen {
    resources: Mutex<BTreeMap<Key, Resource>>,
    changed: Notify,
    listed: Mutex<BTreeSet<Option<String>>>,
}

impl Seen {
    /// All resources as they were last seen.
    pub fn all(&self) -> Vec<Resource> {
        self.lock().values().cloned().collect()
    }

    /// Waits until something has changed that matters: a spec, a pause, a coming or a going.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Whether all resources of a namespace have been seen at least once; of all namespaces if none is named.
    pub fn complete(&self, namespace: Option<&str>) -> bool {
        let listed = self.listed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        listed.contains(&None) || listed.contains(&namespace.map(str::to_owned))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, Resource>> {
        self.resources.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn put(&self, resource: Resource) {
        let known = self.lock().insert(resource.key(), resource.clone());
        let same = known.is_some_and(|known| {
            (&known.uid, known.generation, known.pause, &known.spec)
                == (&resource.uid, resource.generation, resource.pause, &resource.spec)
        });
        if !same {
            self.changed.notify_one();
        }
    }

    fn take(&self, key: &Key) {
        if self.lock().remove(key).is_some() {
            self.changed.notify_one();
        }
    }

    /// Everything of one place at once: what is not among it has gone.
    fn replace(&self, place: Option<&str>, listed: BTreeMap<Key, Resource>) {
        self.listed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(place.map(str::to_owned));
        let mut resources = self.lock();
        resources.retain(|key, _| place.is_some_and(|place| key.namespace != place));
        resources.extend(listed);
        drop(resources);
        self.changed.notify_one();
    }
}

/// How the API names our resources.
pub(super) fn api_resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, VERSION, KIND), PLURAL)
}

/// How long it rests when the cluster cannot be reached at all.
const REST: Duration = Duration::from_secs(5);

/// Follows the resources of a namespace, or of all; runs until it is dropped.
pub async fn follow(cluster: Arc<Cluster>, place: Option<String>, seen: Arc<Seen>) {
    let mut told = Told::default();
    let client = loop {
        match cluster.speak().await {
            Ok(client) => break client,
            Err(trouble) => told.tell(&trouble.to_string()),
        }
        tokio::time::sleep(REST).await;
    };
    let resource = api_resource();
    let api: Api<DynamicObject> = match &place {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let mut events = std::pin::pin!(watcher(api, Config::default()).default_backoff());
    let mut listed = BTreeMap::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(object)) => listed.extend(read(&object).map(|one| (one.key(), one))),
            Ok(Event::InitDone) => {
                told.well();
                seen.replace(place.as_deref(), std::mem::take(&mut listed));
            }
            Ok(Event::Apply(object)) => read(&object).into_iter().for_each(|one| seen.put(one)),
            Ok(Event::Delete(object)) => read(&object).into_iter().for_each(|one| seen.take(&one.key())),
            Err(error) => told.tell(&error.to_string()),
        }
    }
}

fn read(object: &DynamicObject) -> Option<Resource> {
    Resource::read(&serde_json::to_value(object).ok()?)
}

/// What was last complained of, so that one trouble is told once.
#[derive(Debug, Default)]
struct Told(Option<String>);

impl Told {
    fn tell(&mut self, trouble: &str) {
        let trouble = one_line(trouble);
        if self.0.as_ref() != Some(&trouble) {
            tracing::warn!(
                "PredictiveScalers cannot be watched, what was seen last stays in force: {trouble}"
            );
            self.0 = Some(trouble);
        }
    }

    fn well(&mut self) {
        if self.0.take().is_some() {
            tracing::info!("PredictiveScalers are watched again");
        }
    }
}
