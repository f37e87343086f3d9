use serde_json::{Value, json};

use super::kind::Kind;
use super::kinds::Kinds;
use super::request::Answer;
use super::route::Route;
use super::status::Refusal;

/// Tells which groups and resources there are, all at once for clients that accept that.
pub(crate) fn answer(kinds: &Kinds, route: &Route, accept: &str) -> Result<Answer, Refusal> {
    match route {
        Route::Groups { core } => Ok(groups(kinds, *core, accept)),
        Route::Group(name) => {
            let known = kinds.all().iter().any(|kind| kind.group == *name);
            if known {
                Ok(Answer::json(200, &with_kind(group(kinds, name), "APIGroup")))
            } else {
                Err(Refusal::no_such_path())
            }
        }
        Route::Resources { group, version } => resources(kinds, group, version),
        _ => Err(Refusal::no_such_path()),
    }
}

fn groups(kinds: &Kinds, core: bool, accept: &str) -> Answer {
    if let Some(version) = ["v2", "v2beta1"].into_iter().find(|version| wants_all(accept, version)) {
        let media = format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
        return Answer::typed(200, &media, &everything(kinds, core, version));
    }
    if core {
        let told = json!({"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]});
        return Answer::json(200, &told);
    }
    let groups: Vec<Value> = names(kinds, false).iter().map(|name| group(kinds, name)).collect();
    Answer::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

fn wants_all(accept: &str, version: &str) -> bool {
    accept.split(',').any(|media| {
        media.contains("as=APIGroupDiscoveryList")
            && media.split(';').any(|part| part.trim() == format!("v={version}"))
    })
}

/// The names of groups in the order in which they came.
fn names(kinds: &Kinds, core: bool) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for kind in kinds.all().iter().filter(|kind| kind.group.is_empty() == core) {
        if !names.contains(&kind.group.as_str()) {
            names.push(&kind.group);
        }
    }
    names
}

fn versions<'a>(kinds: &'a Kinds, group: &str) -> Vec<&'a str> {
    let mut versions: Vec<&str> = Vec::new();
    for kind in kinds.all().iter().filter(|kind| kind.group == group) {
        if !versions.contains(&kind.version.as_str()) {
            versions.push(&kind.version);
        }
    }
    versions.sort_by_key(|version| maturity(version));
    versions
}

/// Stable before beta before alpha, newer before older.
fn maturity(version: &str) -> (usize, std::cmp::Reverse<u32>, std::cmp::Reverse<u32>) {
    let rank = ["alpha", "beta"].iter().position(|word| version.contains(word)).map_or(0, |at| 2 - at);
    let mut numbers =
        version.split(|letter: char| !letter.is_ascii_digit()).filter_map(|part| part.parse().ok());
    let mut next = || std::cmp::Reverse(numbers.next().unwrap_or(0));
    (rank, next(), next())
}

fn group(kinds: &Kinds, name: &str) -> Value {
    let all = versions(kinds, name).into_iter().map(|version| {
        json!({"groupVersion": if name.is_empty() { version.to_owned() } else { format!("{name}/{version}") }, "version": version})
    });
    let all: Vec<Value> = all.collect();
    json!({"name": name, "versions": all, "preferredVersion": all[0]})
}

fn with_kind(mut object: Value, kind: &str) -> Value {
    object["kind"] = json!(kind);
    object["apiVersion"] = json!("v1");
    object
}

fn resources(kinds: &Kinds, group: &str, version: &str) -> Result<Answer, Refusal> {
    let found: Vec<_> =
        kinds.all().iter().filter(|kind| kind.group == group && kind.version == version).collect();
    let first = found.first().ok_or_else(Refusal::no_such_path)?;
    let resources: Vec<Value> = found.iter().flat_map(|kind| resource(kind)).collect();
    Ok(Answer::json(
        200,
        &json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": first.api_version(), "resources": resources}),
    ))
}

/// A resource and its parts.
fn resource(kind: &Kind) -> Vec<Value> {
    let mut own = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind, "verbs": kind.verbs(),
    });
    if !kind.short.is_empty() {
        own["shortNames"] = json!(kind.short);
    }
    if !kind.categories.is_empty() {
        own["categories"] = json!(kind.categories);
    }
    let mut all = vec![own];
    for (part, group, version, name, verbs) in parts(kind) {
        let mut told = json!({
            "name": format!("{}/{part}", kind.plural), "singularName": "", "namespaced": kind.namespaced, "kind": name, "verbs": verbs,
        });
        if part != "status" {
            told["group"] = json!(group);
            told["version"] = json!(version);
        }
        all.push(told);
    }
    all
}

/// The subresources of a kind: name, the group, version and kind that they speak, verbs.
fn parts(kind: &Kind) -> Vec<(&str, &str, &str, &str, &[&str])> {
    const CHANGES: &[&str] = &["get", "patch", "update"];
    let mut parts: Vec<(&str, &str, &str, &str, &[&str])> = Vec::new();
    if kind.kind == "Pod" {
        parts.push(("eviction", "policy", "v1", "Eviction", &["create"]));
    }
    if kind.kind == "ServiceAccount" {
        parts.push(("token", "authentication.k8s.io", "v1", "TokenRequest", &["create"]));
    }
    if kind.scale.is_some() {
        parts.push(("scale", "autoscaling", "v1", "Scale", CHANGES));
    }
    if kind.status {
        parts.push(("status", &kind.group, &kind.version, &kind.kind, CHANGES));
    }
    parts
}

/// Everything in one answer, as newer clients ask for it.
fn everything(kinds: &Kinds, core: bool, version: &str) -> Value {
    let items = names(kinds, core).into_iter().map(|name| {
        let versions = versions(kinds, name).into_iter().map(|version| {
            let found = kinds.all().iter().filter(|kind| kind.group == name && kind.version == version);
            json!({"version": version, "freshness": "Current", "resources": found.map(|kind| all_of(kind)).collect::<Vec<_>>()})
        });
        let metadata = if name.is_empty() { json!({"creationTimestamp": null}) } else { json!({"name": name, "creationTimestamp": null}) };
        json!({"metadata": metadata, "versions": versions.collect::<Vec<_>>()})
    });
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {}, "items": items.collect::<Vec<_>>(),
    })
}

fn all_of(kind: &Kind) -> Value {
    let speaks =
        |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let parts = parts(kind).into_iter().map(|(part, group, version, name, verbs)| {
        json!({"subresource": part, "responseKind": speaks(group, version, name), "verbs": verbs})
    });
    let mut told = json!({
        "resource": kind.plural, "responseKind": speaks(&kind.group, &kind.version, &kind.kind),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" }, "singularResource": kind.singular,
        "verbs": kind.verbs(), "subresources": parts.collect::<Vec<_>>(),
    });
    if !kind.short.is_empty() {
        told["shortNames"] = json!(kind.short);
    }
    if !kind.categories.is_empty() {
        told["categories"] = json!(kind.categories);
    }
    told
}
