use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidecast_world::kubernetes::{Answer, Cluster, Reply, Request, Watch};

/// A cluster at a moment of its time.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) now: Timestamp,
}

pub(crate) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
pub(crate) const AUTOSCALERS: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
pub(crate) const CONFIGS: &str = "/api/v1/namespaces/default/configmaps";

pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const JSON: &str = "application/json-patch+json";
pub(crate) const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

impl Stage {
    pub(crate) fn new() -> Self {
        let now = "2026-03-02T06:00:00Z".parse().unwrap();
        Self { cluster: Cluster::new(7, now), now }
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Answer {
        let answer = self.cluster.ask(request, self.now);
        self.cluster.tick(self.now);
        answer
    }

    /// Asks, and expects this status.
    #[track_caller]
    pub(crate) fn expect(&mut self, status: u16, method: &str, path: &str, body: &Value) -> Value {
        self.expect_of(status, &Request::of(method, path, body))
    }

    #[track_caller]
    pub(crate) fn expect_of(&mut self, status: u16, request: &Request) -> Value {
        let answer = self.ask(request);
        let value = answer.value();
        assert_eq!(answer.status, status, "{} {}: {}", request.method, request.path, value["message"]);
        value
    }

    #[track_caller]
    pub(crate) fn patch(&mut self, status: u16, path: &str, media: &str, body: &Value) -> Value {
        self.expect_of(status, &Request::of("PATCH", path, body).typed(media))
    }

    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Value {
        self.expect(200, "GET", path, &Value::Null)
    }

    pub(crate) fn watch(&mut self, path: &str) -> Watch {
        match self.cluster.handle(&Request::of("GET", path, &Value::Null), self.now) {
            Reply::Watch(watch) => *watch,
            Reply::Answer(answer) => panic!("{path} is no stream: {}", answer.value()["message"]),
        }
    }

    /// The events of a watch so far, as `TYPE name`.
    pub(crate) fn events(&self, watch: &mut Watch) -> Vec<String> {
        let events = watch.next(&self.cluster, self.now);
        let told = |event: &Value| {
            let name = event.pointer("/object/metadata/name").or(event.pointer("/object/reason"));
            format!("{} {}", event["type"].as_str().unwrap(), name.and_then(Value::as_str).unwrap_or("-"))
        };
        events.iter().map(told).collect()
    }

    /// Lets so many seconds pass, one by one.
    pub(crate) fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now += SignedDuration::from_secs(1);
            self.cluster.tick(self.now);
        }
    }

    /// A Deployment of so many pods, which are ready.
    pub(crate) fn deploy(&mut self, name: &str, replicas: i64) {
        self.expect(201, "POST", DEPLOYMENTS, &deployment(name, replicas));
        self.pass(10);
    }

    /// How many pods there are, and how many of them are ready.
    pub(crate) fn pods(&self) -> (usize, usize) {
        let pods = self.cluster.list("pods", "default");
        let ready = pods.iter().filter(|pod| pod["status"]["containerStatuses"][0]["ready"] == true);
        (pods.len(), ready.count())
    }

    pub(crate) fn size(&self, name: &str) -> i64 {
        self.cluster.get("deployments.apps", "default", name).unwrap()["spec"]["replicas"].as_i64().unwrap()
    }
}

pub(crate) fn deployment(name: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template(name)},
    })
}

pub(crate) fn template(name: &str) -> Value {
    json!({"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "main:1"}]}})
}

pub(crate) fn config(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

pub(crate) fn autoscaler(name: &str, min: i64, max: i64) -> Value {
    let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}});
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": min, "maxReplicas": max, "metrics": [metric],
        },
    })
}
