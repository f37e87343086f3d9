use serde_json::{Map, Value, json};

use super::rights::{Rule, rules};
use super::{Watched, Wishes};
use crate::yaml;

/// What everything is called.
const NAME: &str = "tidecast";
/// Where the server listens: beyond loopback, as the probes come from outside.
const PORT: u16 = 8080;
/// Somebody without rights on any node.
const USER: u32 = 65_532;

/// Where things lie in the container.
mod paths {
    pub(super) const CONFIG: &str = "/etc/tidecast/config";
    pub(super) const TOKENS: &str = "/etc/tidecast/tokens";
    pub(super) const SECRETS: &str = "/etc/tidecast/secrets";
    pub(super) const DATA: &str = "/var/lib/tidecast";
}

/// The existing Secret that holds the file of hashed tokens.
const TOKENS: &str = "tidecast-tokens";

fn labels() -> Value {
    json!({ "app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME })
}

fn metadata(namespace: Option<&str>, name: &str) -> Value {
    let mut metadata = json!({ "name": name, "labels": labels() });
    metadata["labels"]["app.kubernetes.io/version"] = env!("CARGO_PKG_VERSION").into();
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    metadata
}

/// The account, what it may do, and where.
pub(super) fn rbac(wishes: &Wishes) -> Vec<Value> {
    let rules = rules(wishes.access, wishes.operator, &wishes.extras);
    let rules: Vec<Value> = rules.iter().map(Rule::value).collect();
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(Some(&wishes.namespace), NAME),
        // The pod says that it wants the token; nobody else gets it by accident.
        "automountServiceAccountToken": false,
    });
    let subject = json!([{ "kind": "ServiceAccount", "name": NAME, "namespace": wishes.namespace }]);
    let pair = |scope: Option<&str>| {
        let (role, binding) = match scope {
            Some(_) => ("Role", "RoleBinding"),
            None => ("ClusterRole", "ClusterRoleBinding"),
        };
        let (api, version) = ("rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1");
        [
            json!({ "apiVersion": version, "kind": role, "metadata": metadata(scope, NAME), "rules": rules }),
            json!({
                "apiVersion": version, "kind": binding, "metadata": metadata(scope, NAME), "subjects": subject,
                "roleRef": { "apiGroup": api, "kind": role, "name": NAME },
            }),
        ]
    };
    let pairs: Vec<Value> = match &wishes.watched {
        Watched::Named(names) => names.iter().flat_map(|name| pair(Some(name.as_str()))).collect(),
        Watched::All => pair(None).into(),
    };
    std::iter::once(account).chain(pairs).collect()
}

/// The configuration, the volume, the address, and the process itself.
pub(super) fn app(wishes: &Wishes) -> Vec<Value> {
    let namespace = Some(wishes.namespace.as_str());
    let files: Map<String, Value> =
        wishes.config.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect();
    vec![
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(namespace, NAME), "data": files }),
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata(namespace, NAME),
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": wishes.storage } },
            },
        }),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata(namespace, NAME),
            "spec": {
                "selector": labels(),
                "ports": [{ "name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP" }],
            },
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(namespace, NAME),
            "spec": {
                "replicas": 1,
                // The volume is one process's; a second one would wait for it, or not start.
                "strategy": { "type": "Recreate" },
                "selector": { "matchLabels": labels() },
                "template": { "metadata": { "labels": labels() }, "spec": pod(wishes) },
            },
        }),
        json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata(namespace, NAME),
            // Never in the way of a drain: while tidecast is away, fleets stay as they are and reactive scaling goes on.
            "spec": {
                "maxUnavailable": 1,
                "selector": { "matchLabels": labels() },
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }),
    ]
}

fn pod(wishes: &Wishes) -> Value {
    let mut pod = json!({
        "serviceAccountName": NAME,
        "automountServiceAccountToken": true,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "containers": [container(wishes)],
        "volumes": [
            { "name": "config", "configMap": { "name": NAME } },
            { "name": "tokens", "secret": { "secretName": TOKENS, "defaultMode": 0o440 } },
            { "name": "data", "persistentVolumeClaim": { "claimName": NAME } },
            { "name": "tmp", "emptyDir": { "sizeLimit": "256Mi" } },
        ],
    });
    if let Some(class) = &wishes.priority_class {
        pod["priorityClassName"] = class.as_str().into();
    }
    pod
}

fn container(wishes: &Wishes) -> Value {
    json!({
        "name": NAME,
        "image": wishes.image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["run", "--config", paths::CONFIG, "--log", "json"],
        "ports": [{ "name": "http", "containerPort": PORT, "protocol": "TCP" }],
        "livenessProbe": probe("/healthz", 30),
        "readinessProbe": probe("/readyz", 5),
        "resources": {
            "requests": { "cpu": "100m", "memory": "128Mi" },
            "limits": { "memory": "512Mi" },
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": [
            { "name": "config", "mountPath": paths::CONFIG, "readOnly": true },
            { "name": "tokens", "mountPath": paths::TOKENS, "readOnly": true },
            { "name": "data", "mountPath": paths::DATA },
            { "name": "tmp", "mountPath": "/tmp" },
        ],
    })
}

fn probe(path: &str, period: u32) -> Value {
    json!({ "httpGet": { "path": path, "port": "http" }, "periodSeconds": period, "timeoutSeconds": 5, "failureThreshold": 3 })
}

/// What the configuration must say in a cluster: where it listens, where it keeps what, and whose resources it watches.
pub(super) fn starter(watched: &Watched) -> String {
    yaml::document(&json!({
        "apiVersion": "tidecast.dev/v1alpha1",
        "server": {
            "listen": format!("0.0.0.0:{PORT}"),
            "auth": { "tokenFile": format!("{}/tokens", paths::TOKENS) },
        },
        "store": { "folder": paths::DATA },
        "secretsDir": paths::SECRETS,
        "operator": { "namespaces": watched.names() },
        "sources": { "main": { "type": "prometheus", "url": "http://prometheus-server.monitoring.svc:9090" } },
    }))
}
