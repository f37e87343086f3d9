use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::kind::Kind;
use super::super::selector::Selector;
use super::super::tree::{list, text, whole};
use super::{Column, name, or_none, pods, since};

/// Columns and cells of Kubernetes' own kinds.
pub(crate) fn cells(kind: &Kind, objects: &[&Value], now: Timestamp) -> (Vec<Column>, Vec<Vec<Value>>) {
    let age = |object: &Value| since(object, "/metadata/creationTimestamp", now);
    let all =
        |cells: &dyn Fn(&Value) -> Vec<Value>| objects.iter().map(|object| cells(object)).collect::<Vec<_>>();
    match kind.kind.as_str() {
        "Pod" => (pods::columns(), all(&|pod| pods::cells(pod, now))),
        "Deployment" => (
            columns("Name Ready Up-to-date:integer Available:integer Age", "Containers Images Selector"),
            all(&|object| {
                let ready =
                    format!("{}/{}", count(object, "/status/readyReplicas"), count(object, "/spec/replicas"));
                let mut cells = vec![name(object), json!(ready), number(object, "/status/updatedReplicas")];
                cells.extend([number(object, "/status/availableReplicas"), age(object)]);
                cells.extend(containers(object).into_iter().chain([selector(object)]));
                cells
            }),
        ),
        "ReplicaSet" => (
            columns("Name Desired:integer Current:integer Ready:integer Age", "Containers Images Selector"),
            all(&|object| {
                let mut cells =
                    vec![name(object), number(object, "/spec/replicas"), number(object, "/status/replicas")];
                cells.extend([number(object, "/status/readyReplicas"), age(object)]);
                cells.extend(containers(object).into_iter().chain([selector(object)]));
                cells
            }),
        ),
        "StatefulSet" => (
            columns("Name Ready Age", "Containers Images"),
            all(&|object| {
                let ready =
                    format!("{}/{}", count(object, "/status/readyReplicas"), count(object, "/spec/replicas"));
                let mut cells = vec![name(object), json!(ready), age(object)];
                cells.extend(containers(object));
                cells
            }),
        ),
        "HorizontalPodAutoscaler" => (
            columns("Name Reference Targets MinPods MaxPods Replicas:integer Age", ""),
            all(&|object| {
                let reference = format!(
                    "{}/{}",
                    text(object, "/spec/scaleTargetRef/kind"),
                    text(object, "/spec/scaleTargetRef/name")
                );
                let word = |pointer: &str| {
                    json!(whole(object, pointer).map_or("<unset>".to_owned(), |number| number.to_string()))
                };
                vec![
                    name(object),
                    json!(reference),
                    targets(object),
                    word("/spec/minReplicas"),
                    word("/spec/maxReplicas"),
                    number(object, "/status/currentReplicas"),
                    age(object),
                ]
            }),
        ),
        "Node" => (
            columns("Name Status Roles Age Version", ""),
            all(&|object| {
                let ready =
                    if super::super::controllers::is_true(object, "Ready") { "Ready" } else { "NotReady" };
                let version = text(object, "/status/nodeInfo/kubeletVersion");
                vec![name(object), json!(ready), json!("<none>"), age(object), json!(version)]
            }),
        ),
        "Namespace" => (
            columns("Name Status Age", ""),
            all(&|object| vec![name(object), json!(text(object, "/status/phase")), age(object)]),
        ),
        "ConfigMap" => (
            columns("Name Data:integer Age", ""),
            all(&|object| vec![name(object), json!(entries(object)), age(object)]),
        ),
        "Secret" => (
            columns("Name Type Data:integer Age", ""),
            all(&|object| {
                vec![name(object), json!(text(object, "/type")), json!(entries(object)), age(object)]
            }),
        ),
        "ServiceAccount" => (
            columns("Name Secrets:integer Age", ""),
            all(&|object| vec![name(object), json!(list(object, "/secrets").len()), age(object)]),
        ),
        "Lease" => (
            columns("Name Holder Age", ""),
            all(&|object| vec![name(object), json!(text(object, "/spec/holderIdentity")), age(object)]),
        ),
        "Event" => (
            columns("Last_Seen Type Reason Object Message", "Subobject Source Count:integer Name"),
            all(&|object| event(object, now)),
        ),
        "PodDisruptionBudget" => (
            columns("Name Min_Available Max_Unavailable Allowed_Disruptions:integer Age", ""),
            all(&|object| {
                let bound = |pointer: &str| match object.pointer(pointer) {
                    Some(Value::String(text)) => json!(text),
                    Some(number) => json!(number.to_string()),
                    None => json!("N/A"),
                };
                vec![
                    name(object),
                    bound("/spec/minAvailable"),
                    bound("/spec/maxUnavailable"),
                    number(object, "/status/disruptionsAllowed"),
                    age(object),
                ]
            }),
        ),
        "CustomResourceDefinition" | "ClusterRole" | "Role" => (
            columns("Name Created_At", ""),
            all(&|object| vec![name(object), json!(text(object, "/metadata/creationTimestamp"))]),
        ),
        "ClusterRoleBinding" | "RoleBinding" => (
            columns("Name Role Age", ""),
            all(&|object| {
                let role = format!("{}/{}", text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
                vec![name(object), json!(role), age(object)]
            }),
        ),
        _ => (columns("Name Age", ""), all(&|object| vec![name(object), age(object)])),
    }
}

/// Columns from their names, with types after a colon; an underscore is a space.
fn columns(first: &str, wide: &str) -> Vec<Column> {
    let first = first.split(' ').map(|told| {
        let (name, kind) = told.split_once(':').unwrap_or((told, "string"));
        Column::new(&name.replace('_', " "), kind)
    });
    let wide = wide
        .split(' ')
        .filter(|told| !told.is_empty())
        .map(|told| Column::wide(told.split(':').next().unwrap_or(told)));
    first.chain(wide).collect()
}

fn count(object: &Value, pointer: &str) -> i64 {
    whole(object, pointer).unwrap_or(0)
}

fn number(object: &Value, pointer: &str) -> Value {
    json!(count(object, pointer))
}

fn entries(object: &Value) -> usize {
    ["data", "binaryData"]
        .iter()
        .filter_map(|field| object.get(field)?.as_object())
        .map(serde_json::Map::len)
        .sum()
}

/// Names and images of the containers in a template.
fn containers(object: &Value) -> [Value; 2] {
    let all = list(object, "/spec/template/spec/containers");
    let joined = |field: &str| json!(all.iter().map(|one| text(one, field)).collect::<Vec<_>>().join(","));
    [joined("/name"), joined("/image")]
}

fn selector(object: &Value) -> Value {
    or_none(
        object.pointer("/spec/selector").map(|selector| Selector::of(selector).told()).unwrap_or_default(),
    )
}

/// What an autoscaler measures and what it aims at: `cpu: 45%/80%`.
fn targets(object: &Value) -> Value {
    let now = list(object, "/status/currentMetrics");
    let told: Vec<String> = list(object, "/spec/metrics")
        .iter()
        .enumerate()
        .map(|(at, metric)| target(metric, now.get(at)))
        .collect();
    or_none(told.join(", "))
}

fn target(metric: &Value, now: Option<&Value>) -> String {
    let source = match text(metric, "/type") {
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        "Pods" => "pods",
        "Object" => "object",
        _ => "external",
    };
    let value = |of: &Value, part: &str| {
        let at = |field: &str| of.pointer(&format!("/{source}/{part}/{field}"));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let utilization = at("averageUtilization").map(|value| format!("{value}%"));
        utilization
            .or_else(|| at("averageValue").map(|value| format!("{} (avg)", text(value))))
            .or_else(|| at("value").map(text))
    };
    let aimed = value(metric, "target").unwrap_or_else(|| "<auto>".to_owned());
    let measured = now.and_then(|now| value(now, "current")).unwrap_or_else(|| "<unknown>".to_owned());
    let measured = measured.trim_end_matches(" (avg)");
    match source {
        "resource" => {
            format!("{}: {measured}/{}", text(metric, "/resource/name"), aimed.trim_end_matches(" (avg)"))
        }
        _ => format!("{measured}/{aimed}"),
    }
}

fn event(event: &Value, now: Timestamp) -> Vec<Value> {
    let first = ["/lastTimestamp", "/firstTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    let seen = first.into_iter().find(|pointer| !text(event, pointer).is_empty()).unwrap_or("/lastTimestamp");
    let object = format!(
        "{}/{}",
        text(event, "/involvedObject/kind").to_lowercase(),
        text(event, "/involvedObject/name")
    );
    let source = Some(text(event, "/source/component")).filter(|source| !source.is_empty());
    vec![
        since(event, seen, now),
        json!(text(event, "/type")),
        json!(text(event, "/reason")),
        json!(object),
        json!(text(event, "/message").trim()),
        json!(text(event, "/involvedObject/fieldPath")),
        json!(source.unwrap_or(text(event, "/reportingComponent"))),
        json!(whole(event, "/count").unwrap_or(1)),
        name(event),
    ]
}
