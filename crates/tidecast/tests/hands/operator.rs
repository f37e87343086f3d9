//! Workloads told as custom resources: the service watches them in a cluster as nobody but the account that `tidecast
//! manifests` makes, with the rights that it prints and no others.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tidecast::config;
use tidecast::manifests::rights::Access;
use tidecast::manifests::{Part, Watched, Wishes, manifests};
use tidecast::service::{Known, Service};
use tidecast_world::kubernetes::{Fault, Strike, User};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cluster::Cluster;

/// As the cluster calls them.
const RESOURCE: &str = "predictivescalers.tidecast.dev";
const PATH: &str = "/apis/tidecast.dev/v1alpha1/namespaces/shop/predictivescalers";

/// A cluster with a service that watches the namespace `shop` in it.
struct Operated {
    cluster: Cluster,
    known: Arc<Known>,
    end: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
    folder: TempDir,
}

impl Operated {
    async fn start(access: Access) -> Self {
        let cluster = Cluster::start().await;
        for name in ["shop", "tidecast"] {
            cluster.install(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }));
        }
        let wishes = Wishes { watched: Watched::Named(vec!["shop".into()]), access, ..Wishes::default() };
        manifests(&wishes, &[Part::Crd, Part::Rbac]).into_iter().for_each(|object| cluster.install(object));
        deployment(&cluster, "web", 3);
        let folder = tempfile::tempdir().unwrap();
        let account = User::service_account("tidecast", "tidecast");
        std::fs::write(folder.path().join("kubeconfig"), cluster.kubeconfig_of(&account)).unwrap();
        std::fs::write(
            folder.path().join("tidecast.yaml"),
            "server: { listen: '127.0.0.1:0', turnEvery: 5s }\nclusters: { fake: { kubeconfig: kubeconfig } }\n\
             operator: { namespaces: [shop] }\nsources: { main: { type: push } }\n",
        )
        .unwrap();
        let paths = [folder.path().join("tidecast.yaml")];
        let loaded = config::load(&paths);
        assert!(loaded.config.is_some(), "{:?}", loaded.report.findings);
        let service = Service::start(loaded).unwrap_or_else(|why| panic!("{why:?}"));
        let known = service.known();
        let (end, ended) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            service.run(&paths, |_| {}, async { drop(ended.await) }).await.unwrap();
        });
        Self { cluster, known, end: Some(end), running, folder }
    }

    fn apply(&self, name: &str, spec: Value) {
        self.apply_with(name, json!({}), spec);
    }

    fn apply_with(&self, name: &str, annotations: Value, spec: Value) {
        let object = json!({
            "apiVersion": "tidecast.dev/v1alpha1", "kind": "PredictiveScaler",
            "metadata": { "name": name, "namespace": "shop", "annotations": annotations }, "spec": spec,
        });
        let there = self.cluster.state().get(RESOURCE, "shop", name).cloned();
        let answer = match there {
            None => self.cluster.ask("POST", PATH, &object),
            Some(mut known) => {
                (known["spec"], known["metadata"]["annotations"]) =
                    (spec_of(&object), object["metadata"]["annotations"].clone());
                self.cluster.ask("PUT", &format!("{PATH}/{name}"), &known)
            }
        };
        assert!(answer.status < 300, "{}", String::from_utf8_lossy(&answer.body));
    }

    fn delete(&self, name: &str) {
        let answer = self.cluster.ask("DELETE", &format!("{PATH}/{name}"), &Value::Null);
        assert!(answer.status < 300, "{}", String::from_utf8_lossy(&answer.body));
    }

    fn resource(&self, name: &str) -> Value {
        self.cluster.state().get(RESOURCE, "shop", name).cloned().unwrap_or_default()
    }

    fn condition(&self, name: &str, kind: &str) -> Value {
        let resource = self.resource(name);
        let conditions = resource["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default()
    }

    /// The workloads that are driven, with their largest sizes.
    fn driven(&self) -> Vec<(String, u32)> {
        let config = self.known.config();
        config
            .workloads
            .iter()
            .map(|workload| (workload.name.as_str().to_owned(), workload.max_replicas))
            .collect()
    }

    async fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        for _ in 0..300 {
            if is(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (driven, state) = (self.driven(), self.cluster.state());
        panic!("not within 30 s: {what}; driven: {driven:?}; resources: {:#?}", state.list(RESOURCE, "shop"));
    }

    async fn end(mut self) {
        drop(self.end.take().map(|end| end.send(())));
        self.running.await.unwrap();
        drop(self.folder);
    }
}

fn spec_of(object: &Value) -> Value {
    object["spec"].clone()
}

fn deployment(cluster: &Cluster, name: &str, replicas: u32) {
    cluster.install(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": "shop" },
        "spec": {
            "replicas": replicas, "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name } }, "spec": { "containers": [{ "name": "app", "image": "x" }] } },
        },
    }));
}

fn spec(target: &str, max: u32) -> Value {
    json!({ "target": { "type": "kubernetes", "name": target }, "demand": { "source": "main" }, "maxReplicas": max })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drives_what_is_created_changed_and_deleted_and_says_so() {
    let operated = Operated::start(Access::Observe).await;
    operated.apply("web", spec("web", 9));
    operated.until("it is driven", |o| o.driven() == [("shop/web".to_owned(), 9)]).await;
    operated.until("its status says so", |o| o.condition("web", "Ready")["status"] == "True").await;
    let status = operated.resource("web")["status"].clone();
    assert_eq!(
        (&status["workload"], &status["target"], &status["mode"]),
        (&json!("shop/web"), &json!("Deployment/web"), &json!("observe"))
    );
    assert_eq!(status["now"], 3, "it sees the Deployment with read rights only");
    assert_eq!(status["observedGeneration"], operated.resource("web")["metadata"]["generation"]);
    let kinds: Vec<_> = status["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["Ready", "DataFresh", "ForecastReady", "Acting", "Limited", "Paused", "Conflict"]);
    assert_eq!(operated.condition("web", "Acting")["status"], "False");
    operated.apply("web", spec("web", 12));
    operated.until("the change is driven", |o| o.driven() == [("shop/web".to_owned(), 12)]).await;
    operated.until("the status follows", |o| o.resource("web")["status"]["observedGeneration"] == 2).await;
    operated.delete("web");
    operated.until("it is let go", |o| o.driven().is_empty()).await;
    let deployment = operated.cluster.state().get("deployments.apps", "shop", "web").cloned().unwrap();
    assert_eq!(deployment["spec"]["replicas"], 3, "the fleet stays as large as it is");
    operated.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goes_on_with_a_good_spec_when_the_next_is_none_and_names_what_conflicts() {
    let operated = Operated::start(Access::Observe).await;
    operated.apply("web", spec("web", 9));
    operated.until("it is driven", |o| o.condition("web", "Ready")["status"] == "True").await;
    let mut wrong = spec("web", 9);
    wrong["demand"]["source"] = "mian".into();
    operated.apply("web", wrong);
    operated.until("the mistake is told", |o| o.condition("web", "Ready")["reason"] == "TIDE0116").await;
    let message = operated.condition("web", "Ready")["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("generation 1 of the spec goes on") && message.contains("did you mean `main`?"),
        "{message}"
    );
    assert_eq!(operated.driven(), [("shop/web".to_owned(), 9)]);
    operated.apply("another", spec("web", 5));
    operated.until("the conflict is told", |o| o.condition("another", "Conflict")["status"] == "True").await;
    assert_eq!(operated.condition("another", "Conflict")["reason"], "TIDE0136");
    assert_eq!(operated.driven(), [("shop/web".to_owned(), 9)]);
    operated.apply("web", spec("web", 10));
    operated
        .until("it is mended", |o| o.condition("web", "Ready")["status"] == "True" && o.driven()[0].1 == 10)
        .await;
    operated.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heeds_the_annotation_that_pauses() {
    let operated = Operated::start(Access::Act).await;
    let mut full = spec("web", 9);
    full["mode"] = "full".into();
    operated.apply_with("web", json!({ "tidecast.dev/paused": "true" }), full.clone());
    operated.until("the pause is told", |o| o.condition("web", "Paused")["status"] == "True").await;
    assert_eq!(operated.known.config().workloads[0].mode, config::section::Mode::Observe);
    operated.apply("web", full);
    operated.until("it is resumed", |o| o.condition("web", "Paused")["status"] == "False").await;
    assert_eq!(operated.known.config().workloads[0].mode, config::section::Mode::Full);
    operated.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survives_a_lost_past_a_broken_stream_and_lost_rights() {
    let operated = Operated::start(Access::Observe).await;
    operated.apply("a", spec("web", 9));
    operated.until("it is driven", |o| o.driven().len() == 1).await;
    // 410: what a watch was at is gone, and lists fail for a while.
    {
        let mut state = operated.cluster.state();
        state.compact();
        state.faults.watches_gone = true;
        state
            .faults
            .strikes
            .push(Strike::all(Fault::Failure(503)).at("predictivescalers").by("serviceaccount").times(3));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    operated.cluster.state().faults.watches_gone = false;
    operated.apply(
        "b",
        json!({ "target": { "type": "none" }, "demand": { "source": "main" }, "maxReplicas": 4 }),
    );
    operated.until("what came meanwhile is driven", |o| o.driven().len() == 2).await;
    // Rights lost: nothing is forgotten because it cannot be seen.
    operated.cluster.state().faults.lost_rights.push((
        "system:serviceaccount:tidecast:tidecast".into(),
        "*".into(),
        "predictivescalers".into(),
    ));
    let later = operated.cluster.now() + jiff::SignedDuration::from_hours(1);
    operated.cluster.state().faults.watches_end_before = Some(later);
    // The streams that were open end before anything is told through them.
    tokio::time::sleep(Duration::from_secs(3)).await;
    operated.delete("b");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(operated.driven().len(), 2);
    {
        let mut state = operated.cluster.state();
        state.faults.lost_rights.clear();
        state.faults.watches_end_before = None;
    }
    operated.until("what went meanwhile is let go", |o| o.driven() == [("shop/a".to_owned(), 9)]).await;
    operated.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_a_status_only_when_it_says_something_else() {
    let operated = Operated::start(Access::Observe).await;
    operated.apply("web", spec("web", 9));
    operated.until("its status is told", |o| o.condition("web", "Ready")["status"] == "True").await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    let version = |o: &Operated| o.resource("web")["metadata"]["resourceVersion"].clone();
    let before = version(&operated);
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(version(&operated), before, "two turns later nothing has been written");
    operated.end().await;
}
