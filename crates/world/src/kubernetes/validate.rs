use serde_json::{Value, json};

use super::kind::Kind;
use super::schema::Schema;
use super::selector::Selector;
use super::status::Cause;
use super::tree::{list, text, whole};

/// What the API has against an object of Kubernetes' own kinds; for custom ones only what holds for every object.
pub(crate) fn own(kind: &Kind, old: Option<&Value>, object: &Value) -> Vec<Cause> {
    let mut causes: Vec<Cause> = name(kind, object).into_iter().collect();
    causes.extend(labels(object));
    causes.extend(annotations(object));
    if kind.is_custom() {
        return causes;
    }
    if kind.kind == "Event" {
        // The older face of events is taken as it comes.
        if kind.group == super::events::GROUP {
            causes.extend(event(old, object));
        }
        return causes;
    }
    required(object, kind.schema(), "", &mut causes);
    match kind.kind.as_str() {
        "Deployment" | "ReplicaSet" | "StatefulSet" => causes.extend(workload(old, object)),
        "Pod" => causes.extend(deletion_cost(object)),
        "HorizontalPodAutoscaler" => causes.extend(autoscaler(object)),
        "PodDisruptionBudget"
            if object.pointer("/spec/minAvailable").is_some()
                && object.pointer("/spec/maxUnavailable").is_some() =>
        {
            causes.push(Cause::invalid(
                "spec",
                &json!("object"),
                "minAvailable and maxUnavailable cannot be both set",
            ));
        }
        "ClusterRoleBinding" | "RoleBinding"
            if old.is_some_and(|old| old["roleRef"] != object["roleRef"]) =>
        {
            causes.push(Cause::invalid("roleRef", &json!("object"), "cannot change roleRef"));
        }
        _ => {}
    }
    causes
}

/// Names are what a host could be called; roles may have colons.
fn name(kind: &Kind, object: &Value) -> Option<Cause> {
    let name = text(object, "/metadata/name");
    let label = kind.kind == "Namespace";
    let (most, dots) = if label { (63, "") } else { (253, ".") };
    let free = kind.group == "rbac.authorization.k8s.io";
    let inner = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-' || dots.contains(letter)
    };
    let edge = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    };
    let parts = name.split('.').all(|part| edge(part.chars().next()) && edge(part.chars().last()));
    let good = name.len() <= most && name.chars().all(inner) && parts;
    let why = match label {
        true => {
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        }
        false => {
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        }
    };
    (!good && !free).then(|| Cause::invalid("metadata.name", &json!(name), why))
}

fn labels(object: &Value) -> Vec<Cause> {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    let wrong = labels.filter(|(_, value)| {
        let value = value.as_str().unwrap_or_default();
        let edge = |letter: Option<char>| letter.is_none_or(|letter| letter.is_ascii_alphanumeric());
        let inner = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        value.len() > 63
            || !value.chars().all(inner)
            || !edge(value.chars().next())
            || !edge(value.chars().last())
    });
    let why = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    wrong.map(|(_, value)| Cause::invalid("metadata.labels", value, why)).collect()
}

/// All annotations of an object together, in bytes.
const ANNOTATIONS_MAX: usize = 256 << 10;

/// Names of annotations are like those of labels; what they say is limited only all together.
fn annotations(object: &Value) -> Vec<Cause> {
    let all = || object.pointer("/metadata/annotations").and_then(Value::as_object).into_iter().flatten();
    let size: usize = all().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    let long = (size > ANNOTATIONS_MAX).then(|| {
        let why = format!("Too long: may not be more than {ANNOTATIONS_MAX} bytes");
        Cause::new("FieldValueTooLong", "metadata.annotations", why)
    });
    let wrong = all().filter(|(key, _)| !is_qualified(&key.to_lowercase()));
    let wrong = wrong.map(|(key, _)| {
        Cause::invalid("metadata.annotations", &json!(key), "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character")
    });
    long.into_iter().chain(wrong).collect()
}

/// `name` or `prefix.example.org/name`.
fn is_qualified(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let made_of = |text: &str, more: &str| {
        text.chars().all(|letter| letter.is_ascii_alphanumeric() || more.contains(letter))
            && edge(text.chars().next())
            && edge(text.chars().last())
    };
    let host = |prefix: &str| prefix.len() <= 253 && prefix.split('.').all(|part| made_of(part, "-"));
    name.len() <= 63 && made_of(name, "-_.") && prefix.is_none_or(host)
}

/// What a controller sorts Pods by must be a number, without a sign or zeros before it that need not be there.
fn deletion_cost(object: &Value) -> Option<Cause> {
    let key = "controller.kubernetes.io/pod-deletion-cost";
    let told = object.pointer("/metadata/annotations")?.get(key)?.as_str()?;
    let plain = told.parse::<i32>().is_ok_and(|cost| cost.to_string() == told);
    let why = "must be a 32bit integer";
    (!plain).then(|| Cause::invalid(format!("metadata.annotations[{key}]"), &json!(told), why))
}

/// Fields that a specification must have; the status is the cluster's own affair.
fn required(value: &Value, schema: Schema, path: &str, causes: &mut Vec<Cause>) {
    let under = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => {
            for name in schema.required().filter(|name| fields.get(*name).is_none_or(Value::is_null)) {
                causes.push(Cause::required(under(name)));
            }
            let below = fields
                .iter()
                .filter(|(name, _)| !(path.is_empty() && ["status", "metadata"].contains(&name.as_str())));
            below.for_each(|(name, value)| required(value, schema.field(name), &under(name), causes));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, item)| required(item, schema.items(), &format!("{path}[{at}]"), causes));
        }
        _ => {}
    }
}

fn workload(old: Option<&Value>, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some(replicas) = whole(object, "/spec/replicas").filter(|&replicas| replicas < 0) {
        causes.push(Cause::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0"));
    }
    let selector = object.pointer("/spec/selector").cloned().unwrap_or_default();
    let labels = object.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
    if !Selector::of(&selector).takes_labels(&labels) {
        causes.push(Cause::invalid(
            "spec.template.metadata.labels",
            &labels,
            "`selector` does not match template `labels`",
        ));
    }
    if old.is_some_and(|old| old.pointer("/spec/selector") != object.pointer("/spec/selector")) {
        causes.push(Cause::invalid("spec.selector", &selector, "field is immutable"));
    }
    if list(object, "/spec/template/spec/containers").is_empty() {
        causes.push(Cause::required("spec.template.spec.containers"));
    }
    causes
}

/// What `events.k8s.io/v1` asks of an event, which is kept by its older names; what it once said stays said, but for how
/// often it was seen.
fn event(old: Option<&Value>, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let said = |field: &str| text(object, &format!("/{field}"));
    for (kept, named, most) in [
        ("eventTime", "eventTime", 64),
        ("reportingComponent", "reportingController", 253),
        ("reportingInstance", "reportingInstance", 128),
        ("action", "action", 128),
        ("reason", "reason", 128),
    ] {
        match said(kept).len() {
            0 => causes.push(Cause::required(named.to_owned())),
            length if length > most => {
                let why = format!("can have at most {most} characters");
                causes.push(Cause::invalid(named, &json!(said(kept)), &why));
            }
            _ => {}
        }
    }
    if !["Normal", "Warning"].contains(&said("type")) {
        causes.push(Cause::invalid("type", &json!(said("type")), "has invalid value"));
    }
    if said("message").len() > 1024 {
        causes.push(Cause::invalid("message", &json!(""), "can have at most 1024 characters"));
    }
    let reports = said("reportingComponent");
    if !reports.is_empty() && !is_qualified(&reports.to_lowercase()) {
        let why = "name part must consist of alphanumeric characters, '-', '_' or '.'";
        causes.push(Cause::invalid("reportingController", &json!(reports), why));
    }
    let (place, here) = (text(object, "/involvedObject/namespace"), text(object, "/metadata/namespace"));
    let nowhere = place.is_empty() && !["default", "kube-system"].contains(&here);
    if nowhere || (!place.is_empty() && place != here) {
        causes.push(Cause::invalid(
            "involvedObject.namespace",
            &json!(place),
            "does not match event.namespace",
        ));
    }
    let before = |field: &str| old.and_then(|old| old.get(field));
    if object.get("series") != before("series") && object.get("series").is_some() {
        if whole(object, "/series/count").unwrap_or(0) < 2 {
            causes.push(Cause::invalid("series.count", &json!(""), "should be at least 2"));
        }
        if text(object, "/series/lastObservedTime").is_empty() {
            causes.push(Cause::required("series.lastObservedTime".to_owned()));
        }
    }
    let Some(old) = old else {
        let older = ["firstTimestamp", "lastTimestamp", "count", "source"];
        let told = older.into_iter().filter(|field| object.get(*field).is_some_and(|value| !value.is_null()));
        causes.extend(told.map(|field| Cause::invalid(field, &json!(""), "needs to be unset")));
        return causes;
    };
    for field in [
        "involvedObject",
        "reason",
        "message",
        "type",
        "eventTime",
        "action",
        "related",
        "source",
        "firstTimestamp",
        "lastTimestamp",
        "count",
        "reportingComponent",
        "reportingInstance",
    ] {
        if object.get(field) != old.get(field) {
            causes.push(Cause::invalid(field, &object[field], "field is immutable"));
        }
    }
    causes
}

fn autoscaler(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let number = |field: &str| whole(object, &format!("/spec/{field}"));
    let (least, most) = (number("minReplicas").unwrap_or(1), number("maxReplicas").unwrap_or(0));
    if least < 1 {
        causes.push(Cause::invalid("spec.minReplicas", &json!(least), "must be greater than or equal to 1"));
    }
    if most < 1 {
        causes.push(Cause::invalid("spec.maxReplicas", &json!(most), "must be greater than 0"));
    } else if most < least {
        causes.push(Cause::invalid(
            "spec.maxReplicas",
            &json!(most),
            "must be greater than or equal to `minReplicas`",
        ));
    }
    for way in ["scaleUp", "scaleDown"] {
        let window = number(&format!("behavior/{way}/stabilizationWindowSeconds"));
        if let Some(window) = window.filter(|window| !(0..=3600).contains(window)) {
            let path = format!("spec.behavior.{way}.stabilizationWindowSeconds");
            causes.push(Cause::invalid(path, &json!(window), "must be less than or equal to 3600"));
        }
    }
    causes
}
