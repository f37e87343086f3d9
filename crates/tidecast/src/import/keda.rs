use serde_json::{Value, json};

use super::behavior::behavior;
use super::draft::{Draft, Drafts};
use super::hpa::{called, namespace, requests, target_of};
use super::metric::Owner;
use super::trigger;
use crate::config::codes::Code;

/// Every ScaledObject among the objects.
pub(super) fn all(objects: &[Value], drafts: &mut Drafts<'_>) {
    for object in objects {
        match object["kind"].as_str() {
            Some("ScaledObject") => one(object, objects, drafts),
            Some("ScaledJob") => {
                drafts.leave_out(called(object), "it starts jobs and scales nothing that stays")
            }
            Some("HorizontalPodAutoscaler")
                if object["metadata"]["labels"]["scaledobject.keda.sh/name"].is_null() =>
            {
                drafts.leave_out(called(object), "it is no ScaledObject's: give --from hpa");
            }
            _ => {}
        }
    }
}

fn one(object: &Value, objects: &[Value], drafts: &mut Drafts<'_>) {
    let (spec, called) = (&object["spec"], called(object));
    let Some(target) = spec["scaleTargetRef"]["name"].as_str() else {
        return drafts.leave_out(called, "it has no spec.scaleTargetRef.name");
    };
    let namespace = namespace(object);
    let mut draft = Draft::new(called, &format!("{namespace}/{target}"));
    draft.set("target", target_of(&spec["scaleTargetRef"], namespace));
    bounds(spec, &mut draft);
    let requests = requests(objects, &spec["scaleTargetRef"], namespace);
    let owner = Owner { namespace, name: target, requests };
    let triggers = spec["triggers"].as_array().map_or(&[][..], Vec::as_slice);
    trigger::all(triggers, objects, &owner, &mut draft, drafts);
    settings(spec, &mut draft);
    paused(object, &mut draft);
    behavior(&spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"], &mut draft);
    drafts.push(draft);
}

fn bounds(spec: &Value, draft: &mut Draft) {
    let least = spec["minReplicaCount"].as_u64().unwrap_or(0);
    draft.set("minReplicas", least);
    draft.set("maxReplicas", spec["maxReplicaCount"].as_u64().unwrap_or(100));
    let idle = spec["idleReplicaCount"].as_u64();
    if least == 0 || idle == Some(0) {
        let how = if idle == Some(0) {
            "without any activity it has no replica there"
        } else {
            "it may have no replica at all"
        };
        draft.warn(Code::TO_ZERO, format!("{how}; KEDA wakes it, and tidecast raises its floor beside that"));
    }
    if spec["maxReplicaCount"].is_null() {
        draft.warn(
            Code::SETTING_LEFT_OUT,
            "no maximum was given, which means 100 there; write what you would pay for",
        );
    }
}

/// Settings of mechanisms that there are not here.
fn settings(spec: &Value, draft: &mut Draft) {
    let keys = ["pollingInterval", "cooldownPeriod", "initialCooldownPeriod"];
    let given: Vec<_> =
        keys.iter().filter(|key| !spec[**key].is_null()).map(|key| format!("{key} {}", spec[*key])).collect();
    if !given.is_empty() {
        draft.warn(
            Code::SETTING_LEFT_OUT,
            format!("{} concern how KEDA asks and when it goes to zero", given.join(", ")),
        );
    }
    if spec["fallback"].is_object() {
        let replicas = &spec["fallback"]["replicas"];
        draft.warn(Code::FALLBACK_LEFT_OUT, format!("{replicas} replicas stand in there when the metric cannot be had; here capacity is never lowered then"));
    }
    let modifiers = &spec["advanced"]["scalingModifiers"];
    if let Some(formula) = modifiers["formula"].as_str() {
        draft.warn(
            Code::FORMULA_LEFT_OUT,
            format!(
                "the formula `{formula}` over several triggers is not carried over; PromQL can compute it"
            ),
        );
    }
    if spec["advanced"]["restoreToOriginalReplicaCount"] == true {
        draft.warn(
            Code::SETTING_LEFT_OUT,
            "restoreToOriginalReplicaCount: a fleet stays as it is when tidecast lets it go",
        );
    }
}

/// A pause there is a decree here; nothing is carried out in the mode observe anyway.
fn paused(object: &Value, draft: &mut Draft) {
    let told = |key: &str| object["metadata"]["annotations"][format!("autoscaling.keda.sh/{key}")].as_str();
    let name = draft.name().to_owned();
    let pause = format!("`tidecast pause {name} --for 8h --reason …` says it here");
    if let Some(replicas) = told("paused-replicas") {
        draft.warn(Code::PAUSED_THERE, format!("it is held at {replicas} replicas; {pause}"));
    } else if told("paused").is_some_and(|told| told != "false") {
        draft.warn(Code::PAUSED_THERE, format!("it is paused; {pause}"));
    }
    if told("paused-scale-in").is_some_and(|told| told != "false") {
        draft.warn(
            Code::PAUSED_THERE,
            "scaling in is paused; go from observe to scaleOutOnly, and no further",
        );
    }
    if told("paused-scale-out").is_some_and(|told| told != "false") {
        draft.warn(Code::PAUSED_THERE, format!("scaling out is paused; {pause}"));
    }
}

/// Where a secret lies that a trigger is given.
pub(super) fn secret_of(objects: &[Value], trigger: &Value, parameter: &str) -> Value {
    let reference = &trigger["authenticationRef"]["name"];
    let authentication = objects.iter().find(|object| {
        object["kind"].as_str().is_some_and(|kind| kind.ends_with("TriggerAuthentication"))
            && object["metadata"]["name"] == *reference
    });
    let refs = authentication.and_then(|object| object["spec"]["secretTargetRef"].as_array());
    let meant = refs.into_iter().flatten().find(|one| one["parameter"] == parameter);
    let named = meant.and_then(|one| Some(format!("{}/{}", one["name"].as_str()?, one["key"].as_str()?)));
    json!({ "file": named.unwrap_or_else(|| format!("{}.{parameter}", reference.as_str().unwrap_or("prometheus"))) })
}
