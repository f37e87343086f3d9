//! What a person does at a terminal with a cluster behind: imports, looks for rights, asks `kubectl`.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;
use tidecast::manifests::rights::Access;
use tidecast::manifests::{Part, Watched, Wishes, manifests};
use tidecast_world::kubernetes::User;

use crate::cluster::Cluster;

/// Runs a program with a kubeconfig, on a thread of its own: the cluster answers on ours.
async fn run(program: &Path, kubeconfig: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command
        .env("KUBECONFIG", kubeconfig)
        .env("NO_COLOR", "1")
        .env("HOME", kubeconfig.parent().unwrap())
        .args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn tidecast() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_tidecast"))
}

fn told(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn shop(cluster: &Cluster) {
    cluster.install(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }));
    cluster.install(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" },
        "spec": {
            "replicas": 2, "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [
                { "name": "app", "image": "x", "resources": { "requests": { "cpu": "400m" } } } ] } },
        },
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // U9
async fn imports_the_hpas_of_a_live_cluster() {
    let cluster = Cluster::start().await;
    shop(&cluster);
    cluster.install(json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "web", "namespace": "shop" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "minReplicas": 2, "maxReplicas": 9,
            "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 50 } } }],
        },
    }));
    let output =
        run(tidecast(), &cluster.kubeconfig_path(), &["init", "--from", "hpa", "-n", "shop", "-"]).await;
    let (out, err) = told(&output);
    assert!(output.status.success(), "{err}");
    assert!(
        out.contains("name: shop/web") && out.contains("perReplica: 0.2\n"),
        "half of what the Pods request: {out}"
    );
    let output =
        run(tidecast(), &cluster.kubeconfig_path(), &["init", "--from", "hpa", "-n", "media", "-"]).await;
    assert!(
        output.status.code() == Some(2) && told(&output).1.contains("no HorizontalPodAutoscaler"),
        "{}",
        told(&output).1
    );
}

/// Objects as they stand in manifests, put into a cluster whose controllers then do what they do.
fn install_all(cluster: &Cluster, manifests: &str) {
    for object in tidecast::import::documents::documents(manifests).unwrap() {
        cluster.install(object);
    }
}

/// What `tidecast init --from` writes and says about the namespace `shop`, and what `tidecast check` says to that.
async fn imported(cluster: &Cluster, whose: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let (file, config) = (folder.path().join("tidecast.yaml"), cluster.kubeconfig_path());
    let path = file.to_str().unwrap();
    let output = run(tidecast(), &config, &["init", "--from", whose, "-n", "shop", path]).await;
    let (_, said) = told(&output);
    assert!(output.status.success(), "{said}");
    let checked = run(tidecast(), &config, &["check", path]).await;
    assert!(checked.status.success(), "{}", told(&checked).1);
    (std::fs::read_to_string(&file).unwrap(), said)
}

const SCALED: &str = r#"
apiVersion: keda.sh/v1alpha1
kind: ClusterTriggerAuthentication
metadata: { name: prom }
spec: { secretTargetRef: [{ parameter: bearerToken, name: prom-reader, key: token }] }
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: web, namespace: shop }
spec:
  scaleTargetRef: { name: web }
  minReplicaCount: 2
  maxReplicaCount: 20
  pollingInterval: 10
  fallback: { failureThreshold: 3, replicas: 6 }
  triggers:
    - type: prometheus
      metadata: { serverAddress: "https://prom.example.org", query: "sum(rate(web_requests_total[5m]))", threshold: "25", authModes: bearer }
      authenticationRef: { name: prom, kind: ClusterTriggerAuthentication }
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: importer, namespace: shop, annotations: { autoscaling.keda.sh/paused-replicas: "3" } }
spec:
  scaleTargetRef: { name: importer }
  triggers:
    - type: kafka
      metadata: { bootstrapServers: "kafka:9092", consumerGroup: importer, topic: orders, lagThreshold: "50" }
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: elsewhere, namespace: media }
spec: { scaleTargetRef: { name: elsewhere }, triggers: [{ type: cpu, metricType: Utilization, metadata: { value: "60" } }] }
---
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: { name: nightly, namespace: shop }
spec: { jobTargetRef: { template: {} }, triggers: [] }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: api, namespace: shop }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: api }
  minReplicas: 3
  maxReplicas: 30
  metrics:
    - { type: Pods, pods: { metric: { name: http_requests_per_second }, target: { type: AverageValue, averageValue: "40" } } }
    - { type: Resource, resource: { name: memory, target: { type: Utilization, averageUtilization: 80 } } }
"#;

async fn with_keda() -> Cluster {
    let cluster = Cluster::start().await;
    cluster.install_kinds_of_others();
    shop(&cluster);
    cluster.install(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "media" } }));
    install_all(&cluster, SCALED);
    let made = |name: &str| {
        let (hpas, state) = ("horizontalpodautoscalers.autoscaling", cluster.state());
        state.get(hpas, "shop", name).is_some()
    };
    while !(made("keda-hpa-web") && made("keda-hpa-importer")) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    cluster
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // U9
async fn imports_the_scaled_objects_of_a_live_cluster() {
    let cluster = with_keda().await;
    let (written, said) = imported(&cluster, "keda").await;
    for part in ["name: shop/web\n", "name: shop/importer\n", "file: prom-reader/token", "maxReplicas: 100\n"]
    {
        assert!(written.contains(part), "{part}: {written}");
    }
    assert!(!written.contains("elsewhere"), "that lies in another namespace: {written}");
    for warning in [
        "TIDE0314 ScaledObject shop/web: put the secret into the file prom-reader/token",
        "TIDE0313 ScaledObject shop/importer: it is held at 3 replicas",
        "TIDE0302 ScaledObject shop/importer: the trigger kafka counts what waits",
        "ScaledObject shop/web: 6 replicas stand in there when the metric cannot be had",
        "ScaledObject shop/web: pollingInterval 10 concern",
        "ScaledObject shop/importer: no maximum was given, which means 100 there",
        "TIDE0317 ScaledJob shop/nightly: it starts jobs and scales nothing that stays",
    ] {
        assert!(said.contains(warning), "{warning}: {said}");
    }
    assert!(said.contains("imported 2 workloads with "), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // U9
async fn imports_no_hpa_that_keda_has_made() {
    let cluster = with_keda().await;
    assert!(cluster.state().get("horizontalpodautoscalers.autoscaling", "shop", "keda-hpa-web").is_some());
    let (written, said) = imported(&cluster, "hpa").await;
    assert!(written.contains("name: shop/api\n") && written.contains("minReplicas: 3\n"), "{written}");
    assert!(!written.contains("name: shop/web\n"), "{written}");
    for warning in [
        "TIDE0317 HorizontalPodAutoscaler shop/keda-hpa-web: KEDA made it",
        "TIDE0317 HorizontalPodAutoscaler shop/keda-hpa-importer: KEDA made it",
        "TIDE0304 HorizontalPodAutoscaler shop/api: ",
    ] {
        assert!(said.contains(warning), "{warning}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // U9, S9
async fn imports_as_somebody_who_may_list_what_is_imported_and_nothing_else() {
    let cluster = with_keda().await;
    let meta = json!({ "name": "importer", "namespace": "shop" });
    let rules = json!([{ "apiGroups": ["keda.sh"], "resources": ["scaledobjects"], "verbs": ["list"] }]);
    let group = "rbac.authorization.k8s.io";
    cluster.install(
        json!({ "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": meta, "rules": rules }),
    );
    cluster.install(json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": meta,
        "roleRef": { "apiGroup": group, "kind": "Role", "name": "importer" },
        "subjects": [{ "kind": "User", "apiGroup": group, "name": "ann" }],
    }));
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, cluster.kubeconfig_of(&User::new("ann", &["system:authenticated"]))).unwrap();
    let (out, err) =
        told(&run(tidecast(), &kubeconfig, &["init", "--from", "keda", "-n", "shop", "-"]).await);
    assert!(out.contains("name: shop/web\n") && out.contains("file: prom.bearerToken"), "{out}{err}");
    let refused = run(tidecast(), &kubeconfig, &["init", "--from", "hpa", "-n", "shop", "-"]).await;
    let (out, err) = told(&refused);
    assert!(!refused.status.success() && out.is_empty() && err.contains("403"), "{out}{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] // S9
async fn is_told_which_rights_are_missing() {
    let cluster = Cluster::start().await;
    shop(&cluster);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, cluster.kubeconfig_of(&User::service_account("tidecast", "tidecast")))
        .unwrap();
    let file = folder.path().join("tidecast.yaml");
    std::fs::write(
        &file,
        "sources: { main: { type: push } }\nworkloads:\n- { name: web, mode: full, maxReplicas: 9, demand: { source: main }, \
         target: { type: kubernetes, namespace: shop, name: web } }\n",
    )
    .unwrap();
    let arguments = ["doctor", "-c", file.to_str().unwrap(), "--server", "http://127.0.0.1:9"];
    let (out, _) = told(&run(tidecast(), &kubeconfig, &arguments).await);
    assert!(
        out.contains("look  rights in the namespace shop")
            && out.contains("resources: [horizontalpodautoscalers], verbs: [get, patch]"),
        "{out}"
    );
    let wishes = |access| Wishes {
        watched: Watched::Named(vec!["shop".into()]),
        access,
        operator: false,
        ..Wishes::default()
    };
    cluster.install(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "tidecast" } }));
    manifests(&wishes(Access::Act), &[Part::Rbac]).into_iter().for_each(|object| cluster.install(object));
    let (out, _) = told(&run(tidecast(), &kubeconfig, &arguments).await);
    assert!(out.contains("ok    rights in the namespace shop: all are given"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applies_what_is_printed_and_is_told_what_a_field_means() {
    let Some(kubectl) = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join("kubectl"))
        .find(|file| file.is_file())
    else {
        return eprintln!("skipped: kubectl is not installed; scripts/kubernetes-tools installs it");
    };
    let cluster = Cluster::start().await;
    shop(&cluster);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let config = cluster.kubeconfig_path();
    let crd = write("crd.yaml", &tidecast::yaml::document(&tidecast::operator::crd()));
    let output = run(&kubectl, &config, &["apply", "-f", &crd]).await;
    assert!(output.status.success(), "{}", told(&output).1);
    let resource = write(
        "web.yaml",
        "apiVersion: tidecast.dev/v1alpha1\nkind: PredictiveScaler\nmetadata: { name: web, namespace: shop }\nspec: { target: \
         { type: kubernetes, name: web }, demand: { source: main }, maxReplicas: 9, capacity: { perReplica: 41.5 } }\n",
    );
    let output = run(&kubectl, &config, &["apply", "-f", &resource]).await;
    assert!(output.status.success(), "{}", told(&output).1);
    let (out, err) = told(&run(&kubectl, &config, &["get", "psc", "-n", "shop"]).await);
    let header: Vec<&str> = out.lines().next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(
        header,
        ["NAME", "TARGET", "MODE", "NOW", "PLAN", "NEXT-STEP", "ACC", "FRESH", "PAUSED", "AGE"],
        "{out}{err}"
    );
    let unknown = write(
        "unknown.yaml",
        &std::fs::read_to_string(&resource).unwrap().replace("maxReplicas: 9", "maxReplica: 9"),
    );
    let output = run(&kubectl, &config, &["apply", "-f", &unknown]).await;
    assert!(!output.status.success() && told(&output).1.contains("maxReplica"), "{}", told(&output).1);
}
