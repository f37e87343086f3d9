use serde_json::{Value, json};

use super::kind::Kind;
use super::tree::{list, map, put, text};

/// Fills in what the API fills in for Kubernetes' own kinds.
pub(crate) fn fill(kind: &Kind, object: &mut Value) {
    if kind.is_custom() {
        return;
    }
    match kind.kind.as_str() {
        "Deployment" => deployment(object),
        "ReplicaSet" => replica_set(object),
        "StatefulSet" => stateful_set(object),
        "DaemonSet" => pod_template(object),
        "Pod" => pod(object, "/spec"),
        "HorizontalPodAutoscaler" => autoscaler(object),
        "Secret" => unless(object, "/type", json!("Opaque")),
        "Namespace" => namespace(object),
        "Service" => service(object),
        "CustomResourceDefinition" => definition(object),
        "ClusterRoleBinding" | "RoleBinding" => binding(object),
        _ => {}
    }
}

fn unless(object: &mut Value, pointer: &str, value: Value) {
    if object.pointer(pointer).is_none_or(Value::is_null) {
        put(object, pointer, value);
    }
}

fn deployment(object: &mut Value) {
    unless(object, "/spec/replicas", json!(1));
    unless(object, "/spec/revisionHistoryLimit", json!(10));
    unless(object, "/spec/progressDeadlineSeconds", json!(600));
    unless(object, "/spec/strategy/type", json!("RollingUpdate"));
    if text(object, "/spec/strategy/type") == "RollingUpdate" {
        unless(object, "/spec/strategy/rollingUpdate/maxUnavailable", json!("25%"));
        unless(object, "/spec/strategy/rollingUpdate/maxSurge", json!("25%"));
    }
    pod_template(object);
}

fn replica_set(object: &mut Value) {
    unless(object, "/spec/replicas", json!(1));
    pod_template(object);
}

fn stateful_set(object: &mut Value) {
    unless(object, "/spec/replicas", json!(1));
    unless(object, "/spec/revisionHistoryLimit", json!(10));
    unless(object, "/spec/podManagementPolicy", json!("OrderedReady"));
    unless(object, "/spec/updateStrategy/type", json!("RollingUpdate"));
    if text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
        unless(object, "/spec/updateStrategy/rollingUpdate/partition", json!(0));
    }
    unless(
        object,
        "/spec/persistentVolumeClaimRetentionPolicy",
        json!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
    );
    pod_template(object);
}

fn pod_template(object: &mut Value) {
    pod(object, "/spec/template/spec");
}

fn pod(object: &mut Value, at: &str) {
    if !object.pointer(at).is_some_and(Value::is_object) {
        return;
    }
    let at = |field: &str| format!("{at}/{field}");
    unless(object, &at("restartPolicy"), json!("Always"));
    unless(object, &at("dnsPolicy"), json!("ClusterFirst"));
    unless(object, &at("schedulerName"), json!("default-scheduler"));
    unless(object, &at("terminationGracePeriodSeconds"), json!(30));
    unless(object, &at("securityContext"), json!({}));
    for field in ["containers", "initContainers"] {
        if let Some(Value::Array(containers)) = object.pointer_mut(&at(field)) {
            containers.iter_mut().for_each(container);
        }
    }
}

fn container(container: &mut Value) {
    unless(container, "/terminationMessagePath", json!("/dev/termination-log"));
    unless(container, "/terminationMessagePolicy", json!("File"));
    let image = text(container, "/image");
    let pulled = if image.ends_with(":latest") || !image.contains(':') { "Always" } else { "IfNotPresent" };
    unless(container, "/imagePullPolicy", json!(pulled));
    unless(container, "/resources", json!({}));
    if let Some(Value::Array(ports)) = container.get_mut("ports") {
        ports.iter_mut().for_each(|port| unless(port, "/protocol", json!("TCP")));
    }
    for probe in ["/livenessProbe", "/readinessProbe", "/startupProbe"] {
        if container.pointer(probe).is_some_and(Value::is_object) {
            for (field, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                unless(container, &format!("{probe}/{field}"), json!(value));
            }
            if container.pointer(&format!("{probe}/httpGet")).is_some() {
                unless(container, &format!("{probe}/httpGet/scheme"), json!("HTTP"));
                unless(container, &format!("{probe}/httpGet/path"), json!("/"));
            }
        }
    }
}

fn autoscaler(object: &mut Value) {
    unless(object, "/spec/minReplicas", json!(1));
    if list(object, "/spec/metrics").is_empty() {
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        put(
            object,
            "/spec/metrics",
            json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]),
        );
    }
    let policy = |kind: &str, value: i64| json!({"type": kind, "value": value, "periodSeconds": 15});
    let rules = [
        ("scaleUp", json!([policy("Pods", 4), policy("Percent", 100)]), Some(0)),
        ("scaleDown", json!([policy("Percent", 100)]), None),
    ];
    for (way, policies, window) in rules {
        let at = format!("/spec/behavior/{way}");
        if object.pointer("/spec/behavior").is_some_and(Value::is_object) {
            unless(object, &format!("{at}/selectPolicy"), json!("Max"));
            unless(object, &format!("{at}/policies"), policies);
            if let Some(window) = window {
                unless(object, &format!("{at}/stabilizationWindowSeconds"), json!(window));
            }
        }
    }
}

fn namespace(object: &mut Value) {
    unless(object, "/spec/finalizers", json!(["kubernetes"]));
    unless(object, "/status/phase", json!("Active"));
    let name = text(object, "/metadata/name").to_owned();
    map(object, "/metadata/labels").insert("kubernetes.io/metadata.name".to_owned(), json!(name));
}

fn service(object: &mut Value) {
    unless(object, "/spec/type", json!("ClusterIP"));
    unless(object, "/spec/sessionAffinity", json!("None"));
    if let Some(Value::Array(ports)) = object.pointer_mut("/spec/ports") {
        for port in ports {
            unless(port, "/protocol", json!("TCP"));
            let number = port["port"].clone();
            unless(port, "/targetPort", number);
        }
    }
}

fn definition(object: &mut Value) {
    let kind = text(object, "/spec/names/kind").to_owned();
    unless(object, "/spec/names/singular", json!(kind.to_lowercase()));
    unless(object, "/spec/names/listKind", json!(format!("{kind}List")));
    unless(object, "/spec/conversion", json!({"strategy": "None"}));
}

fn binding(object: &mut Value) {
    unless(object, "/roleRef/apiGroup", json!("rbac.authorization.k8s.io"));
    if let Some(Value::Array(subjects)) = object.get_mut("subjects") {
        for subject in subjects.iter_mut().filter(|subject| subject["kind"] != "ServiceAccount") {
            unless(subject, "/apiGroup", json!("rbac.authorization.k8s.io"));
        }
    }
}
