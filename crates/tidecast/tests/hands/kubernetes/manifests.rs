use serde_json::{Value, json};
use tidecast::manifests::rights::{Access, EXTRAS};
use tidecast::manifests::{Part, Watched, Wishes, manifests, starter};

use super::place::Place;

/// Everything that can be asked for, all in one namespace.
fn wishes(namespace: &str) -> Wishes {
    let watched = Watched::Named(vec![namespace.to_owned()]);
    Wishes {
        namespace: namespace.into(),
        access: Access::Act,
        extras: EXTRAS.iter().map(|(_, feature)| *feature).collect(),
        config: vec![("tidecast.yaml".into(), starter(&watched))],
        watched,
        ..Wishes::default()
    }
}

/// A dry run on the server: the object goes through every check of it, and nothing is kept.
#[track_caller]
fn try_on(place: &Place, object: &Value) {
    let warned = place.apply_with(&["--dry-run=server"], object);
    let kind = &object["kind"];
    assert!(!warned.contains("would violate") && !warned.contains("unknown field"), "{kind}: {warned}");
}

#[tokio::test(flavor = "multi_thread")] // S9
async fn are_taken_by_the_server_without_a_warning() {
    let place = Place::open("manifests", &[]).await;
    let all = manifests(&wishes(&place.namespace), &[Part::Rbac, Part::App]);
    assert!(all.len() >= 8, "{}", all.len());
    all.iter().for_each(|object| try_on(&place, object));
    assert!(place.list("persistentvolumeclaims").is_empty(), "nothing is kept");
}

#[tokio::test(flavor = "multi_thread")] // U4: types, patterns, rules in CEL and what those may cost
async fn have_a_definition_that_the_server_takes() {
    let place = Place::open("definition", &[]).await;
    try_on(&place, &tidecast::operator::crd());
    // Where the definition is there already, or may be put there, resources are tried too.
    if !place.defines_ours().await {
        return;
    }
    let spec = json!({ "target": { "type": "kubernetes", "name": "web" }, "demand": { "source": "main" }, "maxReplicas": 9 });
    let mut resource = json!({
        "apiVersion": "tidecast.dev/v1alpha1", "kind": "PredictiveScaler", "metadata": { "name": "web" }, "spec": spec,
    });
    try_on(&place, &resource);
    resource["spec"]["minReplicas"] = 10.into();
    let refused = place.refused(&["apply", "--dry-run=server", "-f", "-"], &resource);
    assert!(refused.contains("TIDE0114"), "{refused}");
}

/// A definition of balloons, whose spec has these fields and this rule.
fn balloons(fields: &Value, rule: &str) -> Value {
    let spec = json!({
        "type": "object", "properties": fields,
        "x-kubernetes-validations": [{ "rule": rule, "message": "no such balloon" }],
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "balloons.tests.tidecast.dev" },
        "spec": {
            "group": "tests.tidecast.dev", "scope": "Namespaced",
            "names": { "kind": "Balloon", "listKind": "BalloonList", "plural": "balloons", "singular": "balloon" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": spec } } },
            }],
        },
    })
}

#[tokio::test(flavor = "multi_thread")] // what the case above rests on: the server judges rules before it takes them
async fn would_be_refused_for_rules_about_what_has_no_type_and_for_rules_that_cost_too_much() {
    let place = Place::open("rules", &[]).await;
    let trial = ["create", "--dry-run=server", "-f", "-"];
    let refused = |fields: Value, rule: &str| place.refused(&trial, &balloons(&fields, rule));
    let open = refused(json!({ "gas": { "x-kubernetes-preserve-unknown-fields": true } }), "!has(self.gas)");
    assert!(open.contains("undefined field 'gas'"), "{open}");
    let words = json!({ "type": "array", "items": { "type": "string" } });
    let dear = refused(json!({ "a": words, "b": words }), "self.a.all(a, self.b.exists(b, a == b))");
    assert!(dear.contains("estimated rule cost exceeds budget by factor of"), "{dear}");
    let few = json!({ "type": "array", "maxItems": 20, "items": { "type": "string", "maxLength": 20 } });
    let sound = balloons(&json!({ "a": few, "b": few }), "self.a.all(a, self.b.exists(b, a == b))");
    place.apply_with(&["--dry-run=server"], &sound);
}
