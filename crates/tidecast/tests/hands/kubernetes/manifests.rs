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
