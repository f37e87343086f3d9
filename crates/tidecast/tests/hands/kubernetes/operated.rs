//! Workloads told as resources, with the rights that an observer's role has; what only our own cluster can be told to do
//! wrong stands in `operator.rs`.

use std::time::Duration;

use serde_json::{Value, json};
use tidecast::manifests::rights::{Access, rules};

use super::place::Place;
use crate::served::Served;

/// As the cluster calls them.
const RESOURCE: &str = "predictivescalers.tidecast.dev";

/// A service that watches the namespace of a case.
struct Operated {
    place: Place,
    served: Served,
}

impl Operated {
    /// None where our definition is not there and may not be put there.
    async fn start(case: &str) -> Option<Self> {
        let role: Vec<Value> = rules(Access::Observe, true, &[]).iter().map(|rule| rule.value()).collect();
        let place = Place::open_under(case, &role).await;
        if !place.defines_ours().await {
            return None;
        }
        place.deployment("web", 2).await;
        let config = format!(
            "clusters: {{ here: {{ kubeconfig: '{}' }} }}\noperator: {{ namespaces: [{}] }}\nsources: {{ main: {{ type: push }} }}\n",
            place.kubeconfig().display(),
            place.namespace
        );
        let served = Served::start(tempfile::tempdir().unwrap(), &config).await;
        Some(Self { place, served })
    }

    fn apply(&self, name: &str, max: u32) {
        self.place.apply(&resource(name, max));
    }

    fn status(&self, name: &str) -> Value {
        self.place.get(RESOURCE, name)["status"].take()
    }

    fn condition(&self, name: &str, kind: &str) -> Value {
        let conditions = self.status(name)["conditions"].take();
        let mut conditions = conditions.as_array().cloned().unwrap_or_default().into_iter();
        conditions.find(|condition| condition["type"] == kind).unwrap_or_default()
    }

    /// The workloads that are driven, without their namespace, and their largest sizes.
    fn driven(&self) -> Vec<(String, u32)> {
        let within = format!("{}/", self.place.namespace);
        let config = self.served.known.config();
        let one = |name: &str, max: u32| (name.trim_start_matches(&within).to_owned(), max);
        config.workloads.iter().map(|workload| one(workload.name.as_str(), workload.max_replicas)).collect()
    }

    async fn until_ready(&self, name: &str) {
        self.place
            .until("the status says that it is driven", || self.condition(name, "Ready")["status"] == "True")
            .await;
    }
}

fn resource(name: &str, max: u32) -> Value {
    json!({
        "apiVersion": "tidecast.dev/v1alpha1", "kind": "PredictiveScaler", "metadata": { "name": name },
        "spec": {
            "target": { "type": "kubernetes", "name": "web" }, "demand": { "source": "main" }, "maxReplicas": max,
        },
    })
}

#[tokio::test(flavor = "multi_thread")] // U4
async fn takes_up_a_resource_and_every_edit_of_it() {
    let Some(operated) = Operated::start("operated").await else { return };
    operated.apply("web", 9);
    operated.until_ready("web").await;
    assert_eq!(operated.driven(), [("web".to_owned(), 9)]);
    operated.place.until("the Deployment is seen", || operated.status("web")["now"] == 2).await;
    let status = operated.status("web");
    assert_eq!((&status["target"], &status["mode"]), (&json!("Deployment/web"), &json!("observe")));
    let kinds: Vec<_> =
        status["conditions"].as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
    assert_eq!(kinds, ["Ready", "DataFresh", "ForecastReady", "Acting", "Limited", "Paused", "Conflict"]);

    let shown = operated.place.run(&["get", RESOURCE, "web"]);
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    let columns = ["NAME", "TARGET", "MODE", "NOW", "PLAN", "NEXT-STEP", "ACC", "FRESH", "PAUSED", "AGE"];
    assert_eq!(lines[0], columns);
    assert_eq!(lines[1][..4], ["web", "Deployment/web", "observe", "2"], "{shown}");
    let wide = operated.place.run(&["get", RESOURCE, "web", "-o", "wide"]);
    assert!(wide.lines().next().unwrap().ends_with("READY   REASON"), "{wide}");

    operated.apply("web", 12);
    operated.place.until("the edit is driven", || operated.driven() == [("web".to_owned(), 12)]).await;
    operated.place.until("the status follows", || operated.status("web")["observedGeneration"] == 2).await;
}

#[tokio::test(flavor = "multi_thread")] // U4
async fn goes_on_with_what_holds_when_the_server_refuses_an_edit() {
    let Some(operated) = Operated::start("operated-invalid").await else { return };
    operated.apply("web", 9);
    operated.until_ready("web").await;
    let mut wrong = resource("web", 9);
    wrong["spec"]["minReplicas"] = 10.into();
    let refused = operated.place.refused(&["apply", "-f", "-"], &wrong);
    let said = "TIDE0114: `minReplicas`, which is 1 unless given, is larger than `maxReplicas`";
    assert!(refused.contains(said), "{refused}");
    wrong["metadata"]["name"] = "new".into();
    let refused = operated.place.refused(&["create", "-f", "-"], &wrong);
    assert!(refused.contains(said), "{refused}");
    assert_eq!(operated.driven(), [("web".to_owned(), 9)]);
    assert_eq!(operated.place.get(RESOURCE, "web")["metadata"]["generation"], 1);
}

#[tokio::test(flavor = "multi_thread")] // I6
async fn lets_go_of_a_target_when_its_resource_is_deleted() {
    let Some(operated) = Operated::start("operated-gone").await else { return };
    operated.apply("web", 9);
    operated.until_ready("web").await;
    operated.apply("second", 5);
    let conflict = || operated.condition("second", "Conflict")["status"] == "True";
    operated.place.until("two want one target", conflict).await;
    assert_eq!(operated.driven(), [("web".to_owned(), 9)]);
    operated.place.run(&["delete", RESOURCE, "web"]);
    operated.place.until("the other takes over", || operated.driven() == [("second".to_owned(), 5)]).await;
    operated.until_ready("second").await;
    operated.place.run(&["delete", RESOURCE, "second"]);
    operated.place.until("nothing is driven", || operated.driven().is_empty()).await;
    assert_eq!(operated.place.replicas("deployment", "web"), 2, "the fleet stays as large as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn does_not_answer_its_own_status() {
    let Some(operated) = Operated::start("operated-calm").await else { return };
    operated.apply("web", 9);
    operated.until_ready("web").await;
    operated.place.until("the Deployment is seen", || operated.status("web")["now"] == 2).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    let version = || operated.place.get(RESOURCE, "web")["metadata"]["resourceVersion"].clone();
    let before = version();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(version(), before, "two turns later nothing has been written");
    assert_eq!(operated.place.get(RESOURCE, "web")["metadata"]["generation"], 1);
}
