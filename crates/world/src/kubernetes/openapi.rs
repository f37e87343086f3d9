use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kind::{Form, Kind};
use super::kinds::Kinds;
use super::request::Answer;
use super::schema::types;
use super::status::Refusal;

/// The types as OpenAPI 3 tells them: an index, and a document for each group and version.
pub(crate) fn answer(kinds: &Kinds, below: &str) -> Result<Answer, Refusal> {
    if below.is_empty() {
        return Ok(Answer::json(200, &index(kinds)));
    }
    let found: Vec<&Kind> =
        kinds.all().iter().map(|kind| &**kind).filter(|kind| place(kind) == below).collect();
    if found.is_empty() {
        return Err(Refusal::no_such_path());
    }
    Ok(Answer::json(200, &document(&found)))
}

/// `api/v1` or `apis/apps/v1`.
fn place(kind: &Kind) -> String {
    format!("{}/{}", if kind.group.is_empty() { "api" } else { "apis" }, kind.api_version())
}

fn index(kinds: &Kinds) -> Value {
    let places: BTreeMap<String, Value> = kinds
        .all()
        .iter()
        .map(|kind| {
            let place = place(kind);
            let url = json!({"serverRelativeURL": format!("/openapi/v3/{place}")});
            (place, url)
        })
        .collect();
    json!({"paths": places})
}

fn document(kinds: &[&Kind]) -> Value {
    let mut schemas = BTreeMap::new();
    let mut paths = BTreeMap::new();
    for kind in kinds {
        let name = name_of(kind);
        let schema = described(kind);
        gather(&schema, &mut schemas);
        schemas.insert(name.clone(), schema);
        paths.extend(paths_of(kind, &name));
    }
    json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": paths, "components": {"schemas": schemas},
    })
}

fn name_of(kind: &Kind) -> String {
    match &kind.form {
        Form::Own(name) => (*name).to_owned(),
        Form::Custom(_) => {
            let turned: Vec<&str> = kind.group.rsplit('.').collect();
            format!("{}.{}.{}", turned.join("."), kind.version, kind.kind)
        }
    }
}

/// The schema of a kind with the mark by which clients find it.
fn described(kind: &Kind) -> Value {
    let mut schema = match &kind.form {
        Form::Own(name) => types()[*name].clone(),
        Form::Custom(version) => {
            version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or_else(|| json!({"type": "object"}))
        }
    };
    schema["x-kubernetes-group-version-kind"] =
        json!([{"group": kind.group, "version": kind.version, "kind": kind.kind}]);
    schema
}

/// Collects every type that a schema refers to.
fn gather(node: &Value, into: &mut BTreeMap<String, Value>) {
    match node {
        Value::Object(fields) => {
            let name = fields
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|path| path.strip_prefix("#/components/schemas/"));
            if let Some((name, schema)) = name
                .and_then(|name| types().get_key_value(name))
                .filter(|(name, _)| !into.contains_key(*name))
            {
                into.insert(name.clone(), schema.clone());
                gather(schema, into);
            }
            fields.values().for_each(|value| gather(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, into)),
        _ => {}
    }
}

/// The paths of a kind: kubectl looks there whether the server validates fields and keeps nothing on a dry run.
fn paths_of(kind: &Kind, name: &str) -> Vec<(String, Value)> {
    let root = format!(
        "/{}{}/{}",
        place(kind),
        if kind.namespaced { "/namespaces/{namespace}" } else { "" },
        kind.plural
    );
    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
    let answers =
        json!({"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}});
    let operation = |action: &str| {
        let parameters = ["dryRun", "fieldManager", "fieldValidation"].map(
            |name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}),
        );
        json!({
            "x-kubernetes-action": action, "parameters": parameters, "responses": answers,
            "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        })
    };
    let one = json!({"get": operation("get"), "put": operation("put"), "patch": operation("patch"), "delete": operation("delete")});
    vec![
        (root.clone(), json!({"get": operation("list"), "post": operation("post")})),
        (format!("{root}/{{name}}"), one),
    ]
}
