use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use futures_util::{StreamExt, pin_mut};
use kube::core::{DynamicObject, WatchEvent};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::ask::{Failed, Question, Why, root};
use super::cluster::Cluster;
use super::gate::jitter;
use super::kind::Kind;
use super::selector::Selector;

/// The objects of one kind in one namespace, followed by a watch, so that a thousand workloads cost one list.
pub(super) struct View {
    followed: Arc<Followed>,
    follower: JoinHandle<()>,
}

/// What a watch has brought. The task that follows it holds this and not the view, whose end is its own.
pub(super) struct Followed {
    kind: Kind,
    namespace: String,
    known: Mutex<Known>,
    changed: Notify,
}

#[derive(Default)]
struct Known {
    shelf: Shelf,
    /// When the server was last heard to agree; none before the first whole list.
    heard: Option<Instant>,
    /// What went wrong last, if it was the last thing to happen.
    failed: Option<Failed>,
}

/// Objects by name, and by each of their labels.
#[derive(Default)]
struct Shelf {
    things: BTreeMap<String, Arc<DynamicObject>>,
    labelled: BTreeMap<(String, String), BTreeSet<String>>,
}

/// How long a watch lasts before it is begun anew; a connection that has died unnoticed costs no more than that.
const WATCH_LASTS: Duration = Duration::from_secs(25);
/// How long a view is believed after the server was last heard.
const BELIEVED: Duration = Duration::from_secs(40);
/// How long a whole list may take.
const LIST_MAX: Duration = Duration::from_secs(30);
/// The longest wait between two tries.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Objects on a page.
const PAGE: u32 = 500;
/// So many pages are read at most: a quarter of a million objects.
const PAGES_MAX: u32 = 500;

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({} in {})", self.followed.kind, self.followed.namespace)
    }
}

/// The views that somebody looks through.
#[derive(Debug, Default)]
pub(super) struct Views(Mutex<BTreeMap<(Kind, String), Weak<View>>>);

impl Views {
    /// The view of a kind in a namespace; it begins to follow if nobody has looked through it before, and ends with the
    /// last who does.
    pub(super) fn of(&self, cluster: &Arc<Cluster>, kind: &Kind, namespace: &str) -> Arc<View> {
        let mut views = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let key = (kind.clone(), namespace.to_owned());
        if let Some(view) = views.get(&key).and_then(Weak::upgrade) {
            return view;
        }
        let followed = Arc::new(Followed {
            kind: kind.clone(),
            namespace: namespace.into(),
            known: Mutex::default(),
            changed: Notify::new(),
        });
        let follower = tokio::spawn(follow(cluster.clone(), followed.clone()));
        let view = Arc::new(View { followed, follower });
        views.retain(|_, view| view.strong_count() > 0);
        views.insert(key, Arc::downgrade(&view));
        view
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Deref for View {
    type Target = Followed;

    fn deref(&self) -> &Followed {
        &self.followed
    }
}

impl Followed {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether what it shows may be believed.
    fn is_sound(&self) -> bool {
        self.known().heard.is_some_and(|heard| heard.elapsed() < BELIEVED)
    }

    /// Waits for the first whole list, if it is under way and has not failed; whether the view may be believed.
    pub(super) async fn settle(&self, until: Instant) -> bool {
        loop {
            let changed = self.changed.notified();
            let begun = { self.known().heard.is_some() || self.known().failed.is_some() };
            if begun || tokio::time::timeout_at(until, changed).await.is_err() {
                return self.is_sound();
            }
        }
    }

    /// What went wrong last.
    pub(super) fn failed(&self) -> Option<Failed> {
        self.known().failed.clone()
    }

    /// One object.
    pub(super) fn named(&self, name: &str) -> Option<Arc<DynamicObject>> {
        self.known().shelf.things.get(name).cloned()
    }

    /// All objects.
    pub(super) fn all(&self) -> Vec<Arc<DynamicObject>> {
        self.known().shelf.things.values().cloned().collect()
    }

    /// Those that a selector selects.
    pub(super) fn selected(&self, selector: &Selector) -> Vec<Arc<DynamicObject>> {
        self.known().shelf.selected(selector)
    }

    fn replace(&self, listed: Vec<DynamicObject>) {
        let mut known = self.known();
        known.shelf = Shelf::default();
        listed.into_iter().for_each(|thing| known.shelf.put(stripped(&self.kind, thing)));
        drop(known);
        self.heard();
    }

    fn heard(&self) {
        let mut known = self.known();
        (known.heard, known.failed) = (Some(Instant::now()), None);
        drop(known);
        self.changed.notify_waiters();
    }

    fn note(&self, failed: Failed) {
        self.known().failed = Some(failed);
        self.changed.notify_waiters();
    }

    fn take(&self, event: WatchEvent<DynamicObject>) -> Result<Option<String>, Why> {
        let version = |thing: &DynamicObject| thing.metadata.resource_version.clone();
        let now = match event {
            WatchEvent::Added(thing) | WatchEvent::Modified(thing) => {
                let now = version(&thing);
                self.known().shelf.put(stripped(&self.kind, thing));
                now
            }
            WatchEvent::Deleted(thing) => {
                self.known().shelf.remove(thing.metadata.name.as_deref().unwrap_or_default());
                version(&thing)
            }
            WatchEvent::Bookmark(bookmark) => Some(bookmark.metadata.resource_version),
            WatchEvent::Error(status) => {
                return Err(if status.code == 410 { Why::Expired } else { Why::Unknown });
            }
        };
        self.heard();
        Ok(now)
    }
}

impl Shelf {
    fn put(&mut self, thing: DynamicObject) {
        let Some(name) = thing.metadata.name.clone() else { return };
        self.remove(&name);
        for (key, value) in thing.metadata.labels.iter().flatten() {
            self.labelled.entry((key.clone(), value.clone())).or_default().insert(name.clone());
        }
        self.things.insert(name, Arc::new(thing));
    }

    fn remove(&mut self, name: &str) {
        let Some(gone) = self.things.remove(name) else { return };
        for (key, value) in gone.metadata.labels.iter().flatten() {
            let label = (key.clone(), value.clone());
            if let Some(names) = self.labelled.get_mut(&label) {
                names.remove(name);
                if names.is_empty() {
                    self.labelled.remove(&label);
                }
            }
        }
    }

    fn selected(&self, selector: &Selector) -> Vec<Arc<DynamicObject>> {
        let fits = |thing: &&Arc<DynamicObject>| selector.selects(&thing.metadata);
        match selector.one_label() {
            None => self.things.values().filter(fits).cloned().collect(),
            Some(label) => {
                let names = self.labelled.get(&label).into_iter().flatten();
                names.filter_map(|name| self.things.get(name)).filter(fits).cloned().collect()
            }
        }
    }
}

/// Without what nobody asks for: the templates of Pods are most of what an API server sends.
fn stripped(kind: &Kind, mut thing: DynamicObject) -> DynamicObject {
    if *kind == Kind::pod() && thing.data.get("spec").is_some() {
        let node = thing.data.pointer("/spec/nodeName").cloned();
        thing.metadata.managed_fields = None;
        thing.data["spec"] = serde_json::json!({ "nodeName": node });
    }
    if let Some(template) = thing.data.pointer_mut("/spec/template") {
        *template = Value::Null;
    }
    thing
}

/// Lists, then watches from there, for as long as somebody looks through the view.
async fn follow(cluster: Arc<Cluster>, view: Arc<Followed>) {
    let mut failures = 0u32;
    loop {
        let until = Instant::now() + LIST_MAX;
        let listed = cluster.list(&view.kind, &view.namespace, None, until).await;
        let ended = match listed {
            Err(failed) => Err(failed),
            Ok((things, version)) => {
                failures = 0;
                view.replace(things);
                watch(&cluster, &view, version).await
            }
        };
        if let Err(failed) = ended {
            let gone = failed.why == Why::Expired;
            if !gone {
                failures = failures.saturating_add(1);
            }
            view.note(failed);
        }
        tokio::time::sleep(wait(failures)).await;
    }
}

fn wait(failures: u32) -> Duration {
    let most = (Duration::from_millis(250) * 2u32.saturating_pow(failures.min(8))).min(WAIT_MAX);
    most / 4 + jitter(most * 3 / 4)
}

/// Watches from a version on, again and again; ends when that version is known no more, or the server does not answer.
async fn watch(cluster: &Arc<Cluster>, view: &Followed, mut version: String) -> Result<(), Failed> {
    let mut failures = 0;
    loop {
        match watch_once(cluster, view, &mut version).await {
            Ok(()) => failures = 0,
            Err(failed) if failed.why == Why::Unknown || failed.why == Why::Busy => {
                failures += 1;
                if failures > 3 {
                    return Err(failed);
                }
                view.note(failed);
                tokio::time::sleep(wait(failures)).await;
            }
            Err(failed) if failed.why == Why::Expired && crate::scaler::kubernetes::planted("norelist") => {
                tokio::time::sleep(wait(1)).await
            }
            Err(failed) => return Err(failed),
        }
    }
}

async fn watch_once(cluster: &Arc<Cluster>, view: &Followed, version: &mut String) -> Result<(), Failed> {
    let who = cluster.who();
    let begin = Instant::now() + Duration::from_secs(10);
    let client = cluster.client(begin).await?;
    cluster.gate.pass(&who, begin).await?;
    let request = Question::watch(&view.kind, &view.namespace, version, WATCH_LASTS);
    let request = request.map_err(|why| Failed::refused(&who, why))?;
    let events = tokio::time::timeout_at(begin, client.request_events::<DynamicObject>(request)).await;
    let events = events.map_err(|_| Failed::unknown(&who, "the watch did not begin in time".into()))?;
    let events = events.map_err(|error| watch_failed(&who, &error))?;
    view.heard();
    pin_mut!(events);
    // A server ends a watch at its time; one that does not is not there any more.
    while let Ok(event) = timeout(WATCH_LASTS + Duration::from_secs(5), events.next()).await {
        let Some(event) = event else { return Ok(()) };
        let event = event.map_err(|error| watch_failed(&who, &error))?;
        match view.take(event) {
            Ok(Some(now)) => *version = now,
            Ok(None) => {}
            Err(why) => return Err(Failed { why, ..Failed::unknown(&who, "the watch broke".into()) }),
        }
    }
    Err(Failed::unknown(&who, "the watch fell silent".into()))
}

fn watch_failed(who: &str, error: &kube::Error) -> Failed {
    let failed = Failed::unknown(who, root(error));
    match error {
        kube::Error::Api(status) if status.code == 410 => Failed { why: Why::Expired, ..failed },
        kube::Error::Api(status) if status.code == 403 => Failed { why: Why::Forbidden, ..failed },
        _ => failed,
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(default)]
    items: Vec<DynamicObject>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PageMeta {
    resource_version: String,
    r#continue: Option<String>,
}

impl Cluster {
    /// All objects of a kind, every page of them, and the version of the list. Half a list is none (F18).
    pub(super) async fn list(
        &self,
        kind: &Kind,
        namespace: &str,
        selector: Option<&Selector>,
        until: Instant,
    ) -> Result<(Vec<DynamicObject>, String), Failed> {
        let mut begun = 0;
        loop {
            begun += 1;
            match self.pages(kind, namespace, selector, until).await {
                // The pages of an old list are gone: begin again.
                Err(failed) if failed.why == Why::Expired && begun < 3 => {}
                listed => return listed,
            }
        }
    }

    async fn pages(
        &self,
        kind: &Kind,
        namespace: &str,
        selector: Option<&Selector>,
        until: Instant,
    ) -> Result<(Vec<DynamicObject>, String), Failed> {
        let mut things = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut ask = Question::list(kind, namespace).with("limit", PAGE.to_string());
            if let Some(selector) = selector {
                ask = ask.with("labelSelector", selector.to_string());
            }
            if let Some(next) = next.take() {
                ask = ask.with("continue", next);
            }
            let page: Page = self.read(ask, until).await?;
            things.extend(page.items);
            next = page.metadata.r#continue.filter(|next| !next.is_empty());
            if next.is_none() {
                return Ok((things, page.metadata.resource_version));
            }
        }
        Err(Failed::refused(&self.who(), format!("it lists more than {} {kind}", PAGES_MAX * PAGE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, app: &str) -> DynamicObject {
        let pod = serde_json::json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "labels": { "app": app, "tier": "web" } },
            "spec": { "nodeName": "n1", "containers": [{ "name": "x" }] },
        });
        serde_json::from_value(pod).unwrap()
    }

    fn names(shelf: &Shelf, selector: &str) -> Vec<String> {
        let found = shelf.selected(&Selector::parse(selector).unwrap());
        found.iter().filter_map(|thing| thing.metadata.name.clone()).collect()
    }

    #[test]
    fn finds_objects_by_their_labels_and_forgets_old_ones() {
        let mut shelf = Shelf::default();
        [pod("a", "one"), pod("b", "two"), pod("c", "one")].into_iter().for_each(|pod| shelf.put(pod));
        assert_eq!(names(&shelf, "app=one,tier=web"), ["a", "c"]);
        shelf.put(pod("a", "two"));
        shelf.remove("c");
        assert_eq!(names(&shelf, "app=one"), [""; 0]);
        assert_eq!(names(&shelf, "app in (one,two)"), ["a", "b"]);
        shelf.remove("a");
        shelf.remove("b");
        assert!(shelf.labelled.is_empty());
    }

    #[test]
    fn keeps_of_a_pod_what_is_asked_for() {
        let kept = stripped(&Kind::pod(), pod("a", "one"));
        assert_eq!(kept.data["spec"], serde_json::json!({ "nodeName": "n1" }));
        let deployment =
            serde_json::json!({ "metadata": { "name": "x" }, "spec": { "replicas": 3, "template": {} } });
        let kept = stripped(&Kind::hpa(), serde_json::from_value(deployment).unwrap());
        assert_eq!(
            kept.data["spec"],
            serde_json::json!({ "replicas": 3, "template": null }),
            "items carry no kind"
        );
    }

    #[tokio::test]
    async fn is_followed_for_as_long_as_somebody_looks_through_it() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let config = serde_json::json!({
            "current-context": "x", "contexts": [{ "name": "x", "context": { "cluster": "x", "user": "x" } }],
            "clusters": [{ "name": "x", "cluster": { "server": format!("http://{}", silent.local_addr().unwrap()) } }],
            "users": [{ "name": "x", "user": {} }],
        });
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        let cluster = Cluster::new(super::super::Way { kubeconfig: Some(kubeconfig), context: None });
        let views: Vec<_> = (0..3).map(|_| cluster.views.of(&cluster, &Kind::pod(), "shop")).collect();
        assert!(views.iter().all(|view| Arc::ptr_eq(view, &views[0])), "all look through the same");
        silent.accept().await.unwrap();
        assert_eq!(Arc::strong_count(&cluster), 2, "it is asked");
        drop(views);
        tokio::time::timeout(Duration::from_secs(5), async {
            while Arc::strong_count(&cluster) > 1 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }

    #[test]
    fn waits_longer_the_more_often_it_has_failed_but_not_for_ever() {
        assert!(wait(0) <= Duration::from_millis(250));
        assert!((0..64).all(|nth| wait(nth) <= WAIT_MAX && wait(nth) > Duration::ZERO));
        assert!(wait(12) >= WAIT_MAX / 4);
    }
}
