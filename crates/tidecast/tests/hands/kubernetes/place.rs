use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tidecast::scaler::Scaler;
use tidecast::scaler::kubernetes::rights::{Feature, Right};
use tidecast::scaler::kubernetes::{Cluster, Kubernetes, Way, home_of};
use tidecast_pilot::Sighting;

use crate::cluster::Cluster as Fake;

/// A namespace of its own in some cluster, deleted at the end.
pub(super) struct Place {
    pub(super) namespace: String,
    admin: PathBuf,
    folder: tempfile::TempDir,
    /// Our own cluster, if it is not a real one.
    pub(super) fake: Option<Fake>,
}

/// Our own kind, as the cluster calls it.
const OURS: &str = "predictivescalers.v1alpha1.tidecast.dev";
/// How long a case waits for something to come about.
const PATIENCE: Duration = Duration::from_secs(120);

impl Place {
    /// A new namespace, and in it a service account with the rights of these features and no others.
    pub(super) async fn open(case: &str, features: &[Feature]) -> Self {
        Self::open_under(case, &rules_of(features)).await
    }

    /// The same with the rules of a role as they stand in it.
    pub(super) async fn open_under(case: &str, rules: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (admin, fake) = match real() {
            Some(path) => (path, None),
            None => {
                let fake = Fake::start().await;
                fake.install_kinds_of_others();
                let path = folder.path().join("admin");
                std::fs::write(&path, fake.kubeconfig()).unwrap();
                (path, Some(fake))
            }
        };
        let namespace = format!("tidecast-test-{case}-{:08x}", getrandom_u32());
        let place = Self { namespace, admin, folder, fake };
        // What a run that was cut short has left behind is found by its label; what breaks the strictest profile of Pods is
        // told as a warning.
        let labels = json!({ "tidecast.dev/test": case, "pod-security.kubernetes.io/warn": "restricted" });
        let meta = json!({ "name": place.namespace, "labels": labels });
        place.apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": meta }));
        place.grant(rules);
        place.until_granted(rules).await;
        place
    }

    /// A real cluster takes a moment until a role that was bound is in force.
    async fn until_granted(&self, rules: &[Value]) {
        let Some(rule) = rules.last() else { return };
        let resource = rule["resources"][0].as_str().unwrap();
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let asked = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {
                "user": format!("system:serviceaccount:{}:tidecast", self.namespace),
                "resourceAttributes": {
                    "namespace": self.namespace, "verb": rule["verbs"][0], "group": rule["apiGroups"][0],
                    "resource": resource, "subresource": subresource,
                },
            },
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        self.until("the rights are in force", || {
            let told = self.create_raw(path, &asked);
            told["status"]["allowed"] == true
        })
        .await;
    }

    /// What comes back for an object that is asked about and not kept.
    #[track_caller]
    fn create_raw(&self, path: &str, object: &Value) -> Value {
        let output = self.kubectl(&["create", "--raw", path, "-f", "-"], Some(&object.to_string()));
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The output of kubectl as the administrator, in the namespace.
    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> String {
        let output = self.kubectl(arguments, None);
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn kubectl(&self, arguments: &[&str], input: Option<&str>) -> Output {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(&self.admin).args(["-n", &self.namespace]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Credentials of a real cluster may come from a program that looks for its own below the home.
        command.env(if self.fake.is_some() { "HOME" } else { "KUBECACHEDIR" }, self.folder.path());
        let mut child = command.spawn().expect("kubectl is installed");
        child.stdin.take().unwrap().write_all(input.unwrap_or_default().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// `kubectl apply` of an object, as GitOps and people do.
    #[track_caller]
    pub(super) fn apply(&self, object: &Value) {
        self.apply_with(&[], object);
    }

    /// The same with more options; what kubectl warns of.
    #[track_caller]
    pub(super) fn apply_with(&self, options: &[&str], object: &Value) -> String {
        let arguments = [&["apply", "-f", "-"][..], options].concat();
        let output = self.kubectl(&arguments, Some(&object.to_string()));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let name = &object["metadata"]["name"];
        assert!(output.status.success(), "{} {name}: {said}\n{object}", object["kind"]);
        said
    }

    /// An object as it stands there.
    #[track_caller]
    pub(super) fn get(&self, what: &str, name: &str) -> Value {
        let shown = self.run(&["get", what, name, "-o", "json", "--show-managed-fields"]);
        serde_json::from_str(&shown).unwrap()
    }

    /// All objects of a kind.
    pub(super) fn list(&self, what: &str) -> Vec<Value> {
        let shown: Value = serde_json::from_str(&self.run(&["get", what, "-o", "json"])).unwrap();
        shown["items"].as_array().cloned().unwrap_or_default()
    }

    /// Whether the cluster serves a kind of others, told as `plural.version.group`. We do not install it: it would reach
    /// beyond the namespace.
    pub(super) fn serves(&self, what: &str) -> bool {
        let found = self.knows(what);
        assert!(found || self.fake.is_none(), "our own cluster serves everything");
        if !found {
            skipped(&format!("this cluster serves no {what}"));
        }
        found
    }

    /// Whether our own definition is there. On a real cluster it lies beyond the namespace, so that it is put there only if
    /// that was allowed; the script takes away what bears the label.
    pub(super) async fn defines_ours(&self) -> bool {
        if let Some(fake) = &self.fake {
            fake.install(tidecast::operator::crd());
            return true;
        }
        if self.knows(OURS) {
            return true;
        }
        if std::env::var("TIDECAST_TEST_CRD").as_deref() != Ok("install") {
            skipped(
                "PredictiveScaler is not defined here; TIDECAST_TEST_CRD=install defines it for the time of the run",
            );
            return false;
        }
        let mut definition = tidecast::operator::crd();
        definition["metadata"]["labels"] = json!({ "tidecast.dev/test": "definition" });
        let output = self.kubectl(&["create", "-f", "-"], Some(&definition.to_string()));
        let said = String::from_utf8_lossy(&output.stderr);
        // Another case may have been quicker.
        assert!(output.status.success() || said.contains("AlreadyExists"), "{said}");
        self.until("the definition is served", || self.knows(OURS)).await;
        true
    }

    /// Whether the cluster serves a kind.
    pub(super) fn knows(&self, what: &str) -> bool {
        self.kubectl(&["get", what], None).status.success()
    }

    /// Why kubectl is not let do something.
    #[track_caller]
    pub(super) fn refused(&self, arguments: &[&str], object: &Value) -> String {
        let output = self.kubectl(arguments, Some(&object.to_string()));
        assert!(!output.status.success(), "{arguments:?} is not refused");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn grant(&self, rules: &[Value]) {
        let meta = json!({ "name": "tidecast" });
        let group = "rbac.authorization.k8s.io";
        self.apply(&json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta }));
        self.apply(
            &json!({ "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": meta, "rules": rules }),
        );
        self.apply(&json!({
            "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": meta,
            "roleRef": { "apiGroup": group, "kind": "Role", "name": "tidecast" },
            "subjects": [{ "kind": "ServiceAccount", "name": "tidecast", "namespace": self.namespace }],
        }));
    }

    /// Rights that are granted from now on instead of the former.
    pub(super) fn grant_instead(&self, features: &[Feature]) {
        self.grant(&rules_of(features));
    }

    /// A kubeconfig of the service account.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        let path = self.folder.path().join("tidecast");
        let asked = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
        let asking = format!("/api/v1/namespaces/{}/serviceaccounts/tidecast/token", self.namespace);
        let told = self.create_raw(&asking, &asked);
        let token = told["status"]["token"].as_str().unwrap().to_owned();
        let shown = self.run(&["config", "view", "--raw", "--minify", "--flatten", "-o", "json"]);
        let mut config: Value = serde_json::from_str(&shown).unwrap();
        config["users"][0]["user"] = json!({ "token": token.trim() });
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// The cluster as tidecast sees it.
    pub(super) fn cluster(&self) -> Arc<Cluster> {
        Cluster::new(Way { kubeconfig: Some(self.kubeconfig()), context: None })
    }

    /// A hand on a target of this kind.
    pub(super) fn hand(&self, kind: &str, name: &str) -> Kubernetes {
        self.hand_in(self.cluster(), kind, name)
    }

    pub(super) fn hand_in(&self, cluster: Arc<Cluster>, kind: &str, name: &str) -> Kubernetes {
        let home = home_of(kind).unwrap_or("tests.tidecast.dev/v1");
        Kubernetes::target(cluster, &format!("shop/{name}"), &self.namespace, home, kind, name)
    }

    /// A Deployment, and that all of it is ready.
    pub(super) async fn deployment(&self, name: &str, replicas: u32) {
        self.apply(&workload("Deployment", name, replicas));
        self.until("all are ready", || self.get("deployment", name)["status"]["readyReplicas"] == replicas)
            .await;
    }

    /// Waits until something holds.
    pub(super) async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let begun = tokio::time::Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "it does not come about that {what}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until a hand sees something.
    pub(super) async fn until_seen(
        &self,
        hand: &Kubernetes,
        what: &str,
        holds: impl Fn(&Sighting) -> bool,
    ) -> Sighting {
        let begun = tokio::time::Instant::now();
        loop {
            let seen = hand.sight(jiff_now()).await.unwrap().unwrap();
            if holds(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < PATIENCE, "it is not seen that {what}: {seen:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub(super) fn replicas(&self, what: &str, name: &str) -> u64 {
        self.get(what, name)["spec"]["replicas"].as_u64().unwrap_or(0)
    }

    #[expect(dead_code, reason = "for cases that write files of their own")]
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.fake.is_none() {
            let _ = self.kubectl(&["delete", "namespace", &self.namespace, "--wait=false"], None);
        }
    }
}

/// The rules of a role for these features.
fn rules_of(features: &[Feature]) -> Vec<Value> {
    let rule = |right: &Right| json!({ "apiGroups": [right.group], "resources": right.resources, "verbs": right.verbs });
    features.iter().flat_map(|feature| feature.rights()).map(rule).collect()
}

/// The kubeconfig of a real cluster, if one is to be asked.
pub(super) fn real() -> Option<PathBuf> {
    std::env::var_os("TIDECAST_TEST_KUBECONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Says that a case is left out, and why; by name where somebody collects them.
pub(super) fn skipped(why: &str) {
    let case = std::thread::current().name().unwrap_or("a case").replace("kubernetes::", "");
    println!("skipped: {case}: {why}");
    let Some(path) = std::env::var_os("TIDECAST_TEST_SKIPPED").filter(|path| !path.is_empty()) else {
        return;
    };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    writeln!(file, "{case}: {why}").unwrap();
}

/// An image that waits for ever and needs nothing; another one where a cluster cannot pull it.
fn image() -> String {
    let told = std::env::var("TIDECAST_TEST_IMAGE").ok().filter(|told| !told.is_empty());
    told.unwrap_or_else(|| "registry.k8s.io/pause:3.10".into())
}

/// Something with a template of Pods that do nothing, as the strictest profile and a quota would have them.
pub(super) fn workload(kind: &str, name: &str, replicas: u32) -> Value {
    let labels = json!({ "app": name });
    let container = json!({
        "name": "pause", "image": image(),
        "resources": {
            "requests": { "cpu": "1m", "memory": "4Mi" }, "limits": { "cpu": "100m", "memory": "32Mi" },
        },
        "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
    });
    let nobody = json!({
        "runAsNonRoot": true, "runAsUser": 65_535, "seccompProfile": { "type": "RuntimeDefault" },
    });
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name },
        "spec": {
            "replicas": replicas, "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "containers": [container], "terminationGracePeriodSeconds": 1, "securityContext": nobody,
                    "automountServiceAccountToken": false,
                },
            },
        },
    });
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = name.into();
        object["spec"]["podManagementPolicy"] = "Parallel".into();
    }
    if kind == "Rollout" {
        object["apiVersion"] = "argoproj.io/v1alpha1".into();
        object["spec"]["strategy"] = json!({ "canary": {} });
    }
    object
}

/// An Agones Fleet of game servers that do nothing; its Pods have no say in its size.
pub(super) fn fleet(name: &str, replicas: u32) -> Value {
    let template = workload("Deployment", name, 0)["spec"]["template"].take();
    json!({
        "apiVersion": "agones.dev/v1", "kind": "Fleet", "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "template": { "spec": { "health": { "disabled": true }, "template": template } },
        },
    })
}

/// A ScaledObject that owns a Deployment, with a trigger that never wants anything.
pub(super) fn scaled_object(name: &str, min: u32, max: u32) -> Value {
    json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": { "name": name },
        "spec": {
            "scaleTargetRef": { "name": name }, "minReplicaCount": min, "maxReplicaCount": max,
            "triggers": [{ "type": "cron", "metadata": {
                "timezone": "Etc/UTC", "start": "0 0 1 1 *", "end": "1 0 1 1 *", "desiredReplicas": "1" } }],
        },
    })
}

/// An HPA that owns a Deployment and keeps to its floor, whether or not somebody measures its Pods: none of them will ever
/// use a whole core. A share of what they request would be none of that, for of a thousandth of a core any use is all.
pub(super) fn autoscaler(name: &str, min: u32, max: u32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": name },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
            "minReplicas": min, "maxReplicas": max,
            "metrics": [{ "type": "Resource",
                "resource": { "name": "cpu", "target": { "type": "AverageValue", "averageValue": "1" } } }],
        },
    })
}

fn getrandom_u32() -> u32 {
    let mut bytes = [0; 4];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom").unwrap(), &mut bytes).unwrap();
    u32::from_le_bytes(bytes)
}

/// The time, as the service would tell it.
pub(super) fn jiff_now() -> jiff::Timestamp {
    tidecast::drive::clock()
}
