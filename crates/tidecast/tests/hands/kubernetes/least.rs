//! S9: the rules that ship are the least there can be. Each verb of each is taken away once, and something of what tidecast
//! does is seen to fail.

mod deeds;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tidecast::manifests::rights::{Access, EXTRAS, Feature, rules};
use tidecast::scaler::Scaler;
use tidecast::scaler::kubernetes::{Cluster, Kubernetes, Way, home_of};
use tidecast_pilot::Sighting;
use tidecast_world::kubernetes::{Request, User};
use tokio::time::Instant;

use self::deeds::{DEEDS, Deed};
use super::place::{jiff_now, real, skipped};
use crate::cluster::Cluster as Fake;

/// Where all of it happens.
const PLACE: &str = "shop";
/// How long something is waited for that may never come.
const PATIENCE: Duration = Duration::from_secs(8);

/// One verb on one resource: group, resource, verb.
type Verb = (&'static str, &'static str, &'static str);

/// A cluster of our own with one account in it.
struct Stage {
    fake: Fake,
    folder: TempDir,
    cluster: Arc<Cluster>,
}

impl Stage {
    /// The account may do these things and nothing else.
    async fn set(verbs: impl Iterator<Item = Verb>) -> Self {
        let fake = Fake::start().await;
        fake.install_kinds_of_others();
        fake.install(tidecast::operator::crd());
        fake.install(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": PLACE } }));
        let rule = |(group, resource, verb)| json!({ "apiGroups": [group], "resources": [resource], "verbs": [verb] });
        let (group, meta) = ("rbac.authorization.k8s.io", json!({ "name": "tidecast", "namespace": PLACE }));
        fake.install(json!({
            "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": meta,
            "rules": verbs.map(rule).collect::<Vec<_>>(),
        }));
        fake.install(json!({
            "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": meta,
            "roleRef": { "apiGroup": group, "kind": "Role", "name": "tidecast" },
            "subjects": [{ "kind": "ServiceAccount", "name": "tidecast", "namespace": PLACE }],
        }));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, fake.kubeconfig_of(&User::service_account(PLACE, "tidecast"))).unwrap();
        let cluster = Cluster::new(Way { kubeconfig: Some(path), context: None });
        Self { fake, folder, cluster }
    }

    /// Puts an object there, whose Pods are ready at once.
    fn install(&self, mut object: Value) {
        object["metadata"]["namespace"] = PLACE.into();
        if object.pointer("/spec/template/spec/containers").is_some() {
            object["spec"]["template"]["metadata"]["annotations"] =
                json!({ "fake.tidecast.dev/start-up": "0" });
        }
        self.fake.install(object);
    }

    /// What somebody else changes.
    fn patch(&self, path: &str, body: &Value) {
        let patch = Request::of("PATCH", path, body).typed("application/merge-patch+json");
        let answer = self.fake.state().ask(&patch, self.fake.now());
        assert_eq!(answer.status, 200, "{path}");
    }

    fn hand(&self, kind: &str, name: &str) -> Kubernetes {
        let home = home_of(kind).expect("a kind that is known");
        Kubernetes::target(self.cluster.clone(), &format!("shop/{name}"), PLACE, home, kind, name)
    }

    /// A field of an object that the server keeps.
    fn field(&self, resource: &str, name: &str, pointer: &str) -> Value {
        let state = self.fake.state();
        let found = state.get(resource, PLACE, name).and_then(|object| object.pointer(pointer));
        found.cloned().unwrap_or_default()
    }

    /// What the account asked for in vain, first of all, and how often it asked so.
    fn refused(&self) -> Option<String> {
        let state = self.fake.state();
        let mut refused = state.requests.iter().filter(|one| one.ends_with(" 403"));
        let first = refused.next()?;
        let what = first.trim_end_matches(" 403").rsplit('/').next().unwrap_or(first);
        Some(format!("the {what} are asked for in vain, {} times", 1 + refused.count()))
    }
}

/// Looks until something is seen.
async fn seen(hand: &Kubernetes, what: &str, holds: impl Fn(&Sighting) -> bool) -> Result<Sighting, String> {
    let begun = Instant::now();
    loop {
        let seen = hand.sight(jiff_now()).await.map_err(|trouble| trouble.to_string())?;
        if let Some(seen) = seen.filter(&holds) {
            return Ok(seen);
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("it is not seen that {what}"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a role of everything that can be asked for allows.
fn role(access: Access) -> BTreeSet<Verb> {
    let extras: Vec<Feature> = EXTRAS.iter().map(|(_, feature)| *feature).collect();
    let all = rules(access, true, &extras);
    let verbs = |resource: &'static str, rule: &tidecast::manifests::rights::Rule| {
        rule.verbs.iter().map(|verb| (rule.group, resource, *verb)).collect::<Vec<_>>()
    };
    all.iter().flat_map(|rule| rule.resources.iter().flat_map(|resource| verbs(resource, rule))).collect()
}

/// Whether a deed has to do with a resource.
fn concerns(deed: &Deed, (group, ..): Verb) -> bool {
    deed.groups.contains(&group)
}

/// Does it under a role without one verb; what goes wrong, or what was refused although it went well.
async fn try_without(deed: &Deed, access: Access, taken: Option<Verb>) -> Result<(), String> {
    let stage = Stage::set(role(access).into_iter().filter(|verb| Some(*verb) != taken)).await;
    (deed.act)(&stage).await.map_err(|said| short(&said))?;
    stage.refused().map_or(Ok(()), Err)
}

/// Without where, and without the rule that is to be added.
fn short(said: &str) -> String {
    let said = said.split_once(": add the rule").map_or(said, |(said, _)| said);
    let said = said
        .split_once(" does not let tidecast ")
        .map_or(said.to_owned(), |(_, what)| format!("may not {what}"));
    said.replace(" in namespace shop", "")
}

/// The first deed that fails without a verb, and how.
async fn needed_for(access: Access, taken: Verb) -> Option<(&'static str, String)> {
    for deed in DEEDS.iter().filter(|deed| deed.access <= access && concerns(deed, taken)) {
        if let Err(said) = try_without(deed, access, Some(taken)).await {
            return Some((deed.name, said));
        }
    }
    None
}

/// For each verb of a role, what fails without it.
async fn needs(access: Access) -> Vec<(Verb, Option<(&'static str, String)>)> {
    let all = stream::iter(role(access)).map(|verb| async move { (verb, needed_for(access, verb).await) });
    let mut told: Vec<_> = all.buffer_unordered(6).collect().await;
    told.sort();
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)] // S9
async fn needs_every_verb_that_its_rules_give() {
    if real().is_some() {
        return skipped("each verb needs a cluster of its own from which it is taken away");
    }
    let mut table =
        String::from("| role | resource | verb | what fails without it | how |\n|---|---|---|---|---|\n");
    let (mut idle, mut told) = (Vec::new(), BTreeSet::new());
    for (called, access) in [("observe, act", Access::Observe), ("act", Access::Act)] {
        for deed in DEEDS.iter().filter(|deed| deed.access <= access) {
            let all = try_without(deed, access, None).await;
            all.unwrap_or_else(|said| panic!("{called}: {}: {said}", deed.name));
        }
        for ((group, plain, verb), needed) in needs(access).await {
            let resource = if group.is_empty() { plain.to_owned() } else { format!("{plain}.{group}") };
            let new = told.insert((group, plain, verb));
            match needed {
                Some((deed, said)) if new => {
                    writeln!(table, "| {called} | {resource} | {verb} | {deed} | {said} |").unwrap();
                }
                Some(_) => {}
                None => idle.push(format!("{called}: {verb} {resource}")),
            }
        }
    }
    println!("{table}");
    if let Some(path) = std::env::var_os("TIDECAST_RIGHTS") {
        std::fs::write(path, &table).unwrap();
    }
    assert!(idle.is_empty(), "nobody needs {idle:#?}");
}
