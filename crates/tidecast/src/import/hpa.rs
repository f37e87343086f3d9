use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::behavior::behavior;
use super::draft::{Draft, Drafts};
use super::metric::{Owner, demand};
use super::quantity::quantity;
use crate::config::codes::Code;

/// Every HorizontalPodAutoscaler among the objects; Deployments and the like tell what their Pods request.
pub(super) fn all(objects: &[Value], drafts: &mut Drafts<'_>) {
    for object in objects {
        match object["kind"].as_str() {
            Some("HorizontalPodAutoscaler") => one(object, objects, drafts),
            Some("ScaledObject") => drafts.leave_out(called(object), "it is KEDA's: give --from keda"),
            _ => {}
        }
    }
}

/// Kind, namespace and name, as people say it.
pub(super) fn called(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or("object");
    format!("{kind} {}/{}", namespace(object), object["metadata"]["name"].as_str().unwrap_or("?"))
}

pub(super) fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or("default")
}

fn one(object: &Value, objects: &[Value], drafts: &mut Drafts<'_>) {
    let (spec, called) = (&object["spec"], called(object));
    let Some(target) = spec["scaleTargetRef"]["name"].as_str() else {
        return drafts.leave_out(called, "it has no spec.scaleTargetRef.name");
    };
    let Some(most) = spec["maxReplicas"].as_u64() else {
        return drafts.leave_out(called, "it has no spec.maxReplicas");
    };
    let managed_by_keda = object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "keda-operator";
    if managed_by_keda {
        return drafts
            .leave_out(called, "KEDA made it: its ScaledObject is what is to be imported, with --from keda");
    }
    let namespace = namespace(object);
    let mut draft = Draft::new(called, &format!("{namespace}/{target}"));
    draft.set("target", target_of(&spec["scaleTargetRef"], namespace));
    draft.set("minReplicas", spec["minReplicas"].as_u64().unwrap_or(1));
    draft.set("maxReplicas", most);
    if spec["minReplicas"] == 0 {
        draft.warn(
            Code::TO_ZERO,
            "it may have no replica at all; the first request then waits for a start-up",
        );
    }
    let owner =
        Owner { namespace, name: target, requests: requests(objects, &spec["scaleTargetRef"], namespace) };
    demand(&metrics(object), &owner, &mut draft, drafts);
    behavior(&spec["behavior"], &mut draft);
    drafts.push(draft);
}

/// What is scaled, without what need not be said.
pub(super) fn target_of(reference: &Value, namespace: &str) -> Value {
    let kind = reference["kind"].as_str().unwrap_or("Deployment");
    let mut target =
        json!({ "type": "kubernetes", "kind": kind, "namespace": namespace, "name": reference["name"] });
    let version = reference["apiVersion"].as_str().filter(|version| !version.is_empty());
    let built_in = ["Deployment", "StatefulSet", "ReplicaSet"].contains(&kind);
    if let Some(version) = version.filter(|version| !built_in || !version.starts_with("apps/")) {
        target["apiVersion"] = version.into();
    }
    target
}

/// What the Pods of the target request, if it is among the objects.
pub(super) fn requests(
    objects: &[Value],
    reference: &Value,
    of: &str,
) -> BTreeMap<String, BTreeMap<String, f64>> {
    let kind = reference["kind"].as_str().unwrap_or("Deployment");
    let meant = objects.iter().find(|object| {
        object["kind"] == kind && object["metadata"]["name"] == reference["name"] && namespace(object) == of
    });
    let containers = meant.and_then(|object| object["spec"]["template"]["spec"]["containers"].as_array());
    let mut requests: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for container in containers.into_iter().flatten() {
        let name = container["name"].as_str().unwrap_or_default();
        for (resource, value) in container["resources"]["requests"].as_object().into_iter().flatten() {
            if let Some(value) = quantity(value) {
                requests.entry(resource.clone()).or_default().insert(name.to_owned(), value);
            }
        }
    }
    requests
}

/// The metrics in the form of version 2, whatever the object's own.
fn metrics(object: &Value) -> Vec<Value> {
    let spec = &object["spec"];
    let mut metrics: Vec<Value> = spec["metrics"].as_array().cloned().unwrap_or_default();
    if object["apiVersion"] == "autoscaling/v1" {
        let told = object["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"].as_str();
        let told = told.and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
        metrics.extend(told.unwrap_or_default());
        if let Some(percent) = spec["targetCPUUtilizationPercentage"].as_u64() {
            metrics.push(json!({ "type": "Resource", "resource": { "name": "cpu", "targetAverageUtilization": percent } }));
        }
    }
    // Without any, Kubernetes takes four fifths of the CPU requested.
    if metrics.is_empty() {
        metrics.push(
            json!({ "type": "Resource", "resource": { "name": "cpu", "targetAverageUtilization": 80 } }),
        );
    }
    metrics.into_iter().map(modern).collect()
}

/// A metric of v2beta1 in the form of v2.
fn modern(mut metric: Value) -> Value {
    let of = match metric["type"].as_str() {
        Some("Resource") => "resource",
        Some("ContainerResource") => "containerResource",
        Some("Pods") => "pods",
        Some("Object") => "object",
        Some("External") => "external",
        _ => return metric,
    };
    let section = &mut metric[of];
    if section["metric"].is_null() && section["metricName"].is_string() {
        let selector = if section["metricSelector"].is_object() {
            &section["metricSelector"]
        } else {
            &section["selector"]
        };
        section["metric"] = json!({ "name": section["metricName"], "selector": selector });
    }
    if section["describedObject"].is_null() && of == "object" {
        section["describedObject"] = section["target"].take();
    }
    if section["target"].is_null() {
        let either = ["targetAverageValue", "averageValue"].into_iter().find(|key| !section[*key].is_null());
        let average = either.map(|key| section[key].clone());
        section["target"] = json!({
            "averageUtilization": section["targetAverageUtilization"],
            "averageValue": average,
            "value": section["targetValue"],
        });
    }
    metric
}
