//! What happens to an object between the request and the store.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::cluster::Asked;
use super::decode::{Decoded, decode};
use super::kind::Kind;
use super::patch::{merge, merge_strategically, patch_by_operations};
use super::request::Answer;
use super::status::{Cause, Refusal};
use super::tree::{carry, cut, put, text, time};
use super::write::Part;

/// An object as it was read, and warnings about what nobody knows in it.
pub(crate) fn understood(asked: Asked, told: &Value) -> Result<(Value, Vec<String>), Refusal> {
    let Asked { kind, target, request, .. } = asked;
    let mut told = told.clone();
    for (field, right) in [("apiVersion", kind.api_version()), ("kind", kind.kind.clone())] {
        match told.get(field).and_then(Value::as_str) {
            Some(said) if said != right => {
                return Err(Refusal::bad(format!(
                    "{field} of the provided object ({said}) does not match the request's ({right})"
                )));
            }
            _ => put(&mut told, &format!("/{field}"), right),
        }
    }
    let Decoded { mut object, unknown } = decode(kind, &told)?;
    for (field, right) in [("namespace", &target.namespace), ("name", &target.name)] {
        let said = text(&object, &format!("/metadata/{field}")).to_owned();
        if !said.is_empty() && !right.is_empty() && said != *right {
            return Err(Refusal::bad(format!(
                "the {field} of the provided object does not match the {field} sent on the request"
            )));
        }
        if said.is_empty() && !right.is_empty() {
            put(&mut object, &format!("/metadata/{field}"), right.clone());
        }
    }
    let unknown: Vec<String> = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
    object = kind.kept(object);
    if kind.is_custom() {
        super::crd::fill(kind, &mut object);
    }
    match request.parameter("fieldValidation") {
        Some("Strict") if !unknown.is_empty() => {
            Err(Refusal::bad(format!("strict decoding error: {}", unknown.join(", "))))
        }
        Some("Ignore") => Ok((object, Vec::new())),
        _ => Ok((object, unknown)),
    }
}

/// The object after a patch of the sort that the media type says.
pub(crate) fn patched(asked: Asked, old: &Value, patch: &Value) -> Result<Value, Refusal> {
    let shown = asked.kind.shown(old);
    match asked.request.media() {
        "application/json-patch+json" => patch_by_operations(&shown, patch),
        "application/merge-patch+json" => Ok(merge(&shown, patch)),
        "application/strategic-merge-patch+json" if !asked.kind.is_custom() => {
            Ok(merge_strategically(&shown, patch, asked.kind.schema()))
        }
        media => {
            let offered =
                "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
            Err(Refusal::unsupported_media(media, offered))
        }
    }
}

/// What a write cannot change stays as it was; a write that was made for an older state is refused.
pub(crate) fn settle(asked: Asked, old: &Value, object: &mut Value, part: Part) -> Result<(), Refusal> {
    let about = asked.refused_by_name();
    let told = text(object, "/metadata/resourceVersion");
    if !told.is_empty() && told != text(old, "/metadata/resourceVersion") {
        return Err(Refusal::modified(about));
    }
    if told.is_empty() && asked.verb == "update" && asked.kind.needs_version() {
        let cause = Cause::new(
            "FieldValueInvalid",
            "metadata.resourceVersion",
            "Invalid value: 0: must be specified for an update",
        );
        return Err(Refusal::invalid(about, vec![cause]));
    }
    let uid = text(object, "/metadata/uid");
    if !uid.is_empty() && uid != text(old, "/metadata/uid") {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            text(old, "/metadata/uid")
        );
        return Err(Refusal::conflict(about, &why));
    }
    if part == Part::Status {
        let managed = object.pointer("/metadata/managedFields").cloned();
        let mut whole = old.clone();
        carry(object, &mut whole, "/status");
        if let Some(managed) = managed {
            put(&mut whole, "/metadata/managedFields", managed);
        }
        *object = whole;
        return Ok(());
    }
    let fixed = [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
        "generateName",
    ];
    fixed.iter().for_each(|field| carry(old, object, &format!("/metadata/{field}")));
    if asked.kind.status {
        carry(old, object, "/status");
    }
    Ok(())
}

/// Counts a change of what is wanted; of a Deployment its annotations too, since its ReplicaSets get them.
pub(crate) fn count_generation(kind: &Kind, old: &Value, object: &mut Value) {
    let without = |value: &Value| {
        let mut rest = value.clone();
        cut(&mut rest, "/metadata");
        if kind.status {
            cut(&mut rest, "/status");
        }
        rest
    };
    let notes = |value: &Value| value.pointer("/metadata/annotations").cloned().unwrap_or_else(|| json!({}));
    let noted = kind.kind == "Deployment" && kind.group == "apps" && notes(old) != notes(object);
    if kind.has_generation() && (noted || without(old) != without(object)) {
        let was = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(1);
        put(object, "/metadata/generation", was + 1);
    }
}

/// What is unknown is told, as the header that kubectl prints.
pub(crate) fn with_warnings(mut answer: Answer, warnings: Vec<String>) -> Answer {
    let told = warnings.iter().map(|warning| ("warning".to_owned(), format!("299 - {warning:?}")));
    answer.headers.extend(told);
    answer
}

/// When something that was deleted gracefully is to be gone.
pub(crate) fn deadline(now: jiff::Timestamp, seconds: i64) -> String {
    time(now + SignedDuration::from_secs(seconds))
}
