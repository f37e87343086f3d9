use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::core::DynamicObject;
use serde_json::{Value, json};
use tidecast_pilot::{Command, Decision, NodeName};
use tokio::time::Instant;

use super::Kubernetes;
use super::ask::{Question, Why};
use super::kind::Kind;
use super::pods::annotated;
use super::stand::{Holder, Look, Stand, name};
use crate::trouble::Trouble;

/// Since when a Pod gets no new sessions; whoever gives sessions out reads it (D3.1).
pub const DRAINING: &str = "tidecast.dev/draining";
/// The turn in which a Pod was chosen to end.
pub const ENDING: &str = "tidecast.dev/ending";
/// How many sessions a Pod has, told by itself or by its sidecar.
pub const SESSIONS: &str = "tidecast.dev/sessions";
/// When they were counted.
pub const SESSIONS_AT: &str = "tidecast.dev/sessions-at";
/// Which Pods the controller of a Deployment removes first: those with the lowest.
const COST: &str = "controller.kubernetes.io/pod-deletion-cost";
/// Keeps the cluster autoscaler from moving a Pod that still has sessions.
const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";

const COST_DRAINING: &str = "-1000";
const COST_ENDING: &str = "-2147483647";
/// How old a count of sessions may be when a Pod is ended by it, unless somebody says otherwise.
pub(super) const FRESH: SignedDuration = SignedDuration::from_secs(90);

impl Kubernetes {
    /// Marks the Pods that a decision names; how many of them are to end with this turn.
    pub(super) async fn mark_pods(&self, decision: &Decision, until: Instant) -> Result<u32, Trouble> {
        let mut ending = Ending { fresh_for: self.fresh_for, ..Ending::default() };
        for command in &decision.commands {
            match command {
                Command::Drain { node } => self.annotate(node, drained(decision.at), until).await?,
                Command::Restore { node } => self.annotate(node, restored(), until).await?,
                Command::Terminate { node } => ending.empty.push(node.clone()),
                Command::Cut { node } => ending.cut.push(node.clone()),
                Command::Grow { .. } | Command::Shrink { .. } => {}
            }
        }
        if ending.is_nothing() { Ok(0) } else { self.mark_ending(&ending, decision, until).await }
    }

    async fn mark_ending(
        &self,
        ending: &Ending,
        decision: &Decision,
        until: Instant,
    ) -> Result<u32, Trouble> {
        let stand = self.stand(Look::Fresh, until).await?;
        let selector =
            stand.selector.as_ref().ok_or_else(|| self.cannot("it does not say which Pods are its own"))?;
        let (pods, _) = self.cluster.list(&Kind::pod(), &self.namespace, Some(selector), until).await?;
        let pods: Vec<_> = pods.into_iter().map(Arc::new).collect();
        let busy = match &self.tally {
            Some(tally) if !ending.empty.is_empty() => Some(tally.not_empty(&ending.empty).await),
            _ => self.tally.as_ref().map(|_| BTreeMap::new()),
        };
        let chosen =
            chosen(&stand, &pods, ending, busy.as_ref(), (self.clock)()).map_err(|why| self.cannot(&why))?;
        for pod in &chosen {
            let notes = json!({ ENDING: decision.turn.to_string(), COST: COST_ENDING });
            self.annotate(&NodeName(name(pod).to_owned()), notes, until).await?;
        }
        Ok(chosen.len() as u32)
    }

    /// Patches annotations of a Pod; one that is gone needs none.
    async fn annotate(&self, node: &NodeName, notes: Value, until: Instant) -> Result<(), Trouble> {
        let body = json!({ "metadata": { "annotations": notes } });
        let ask = Question::merge(&Kind::pod(), &self.namespace, &node.0, body);
        // Marks say where to arrive: making them twice does nothing more.
        match self.cluster.read::<Value>(ask, until).await {
            Ok(_) => Ok(()),
            Err(failed) if failed.why == Why::Missing => Ok(()),
            Err(failed) => Err(failed.trouble),
        }
    }

    fn cannot(&self, why: &str) -> Trouble {
        Trouble::Changed { who: self.who.clone(), why: format!("no Pod is ended: {why}") }
    }
}

/// The Pods that are to end.
#[derive(Debug)]
struct Ending {
    /// If they are empty.
    empty: Vec<NodeName>,
    /// Although sessions may run on them: their deadline has passed.
    cut: Vec<NodeName>,
    /// How old a Pod's own word may be.
    fresh_for: SignedDuration,
}

impl Default for Ending {
    fn default() -> Self {
        Self { empty: Vec::new(), cut: Vec::new(), fresh_for: FRESH }
    }
}

impl Ending {
    fn is_nothing(&self) -> bool {
        self.empty.is_empty() && self.cut.is_empty()
    }

    fn names(&self, pod: &DynamicObject) -> bool {
        self.empty.iter().chain(&self.cut).any(|node| node.0 == name(pod))
    }

    /// Why a Pod must not end now. `busy` says whom the source does not know to be empty, where a source counts at all.
    fn objection(
        &self,
        pod: &DynamicObject,
        busy: Option<&BTreeMap<NodeName, String>>,
        now: Timestamp,
    ) -> Option<String> {
        let called = name(pod);
        if annotated(pod, DRAINING).is_none() {
            return Some(format!("{called} is not being drained any more"));
        }
        if self.cut.iter().any(|node| node.0 == called) {
            return None;
        }
        let counted = busy.map(|busy| busy.get(&NodeName(called.to_owned())));
        let known = match (counted, own_word(pod, now, self.fresh_for)) {
            (Some(Some(why)), _) => {
                return Some(format!("{called} is not known to be empty at this moment: {why}"));
            }
            (Some(None), Own::Silent) | (_, Own::Empty) => true,
            (None, Own::Silent) | (_, Own::Busy) => false,
        };
        (!known).then(|| format!("{called} is not known to be empty at this moment"))
    }
}

/// What a Pod itself tells of its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    /// Nothing at all.
    Silent,
    /// That it has none, a moment ago.
    Empty,
    /// That it has some; or that it had none, a while ago.
    Busy,
}

fn own_word(pod: &DynamicObject, now: Timestamp, fresh_for: SignedDuration) -> Own {
    let at = annotated(pod, SESSIONS_AT).and_then(|at| at.parse::<Timestamp>().ok());
    match (annotated(pod, SESSIONS), at) {
        (None, _) => Own::Silent,
        (Some("0"), Some(at)) if now.duration_since(at) <= fresh_for => Own::Empty,
        _ => Own::Busy,
    }
}

fn drained(at: Timestamp) -> Value {
    json!({ DRAINING: at.to_string(), COST: COST_DRAINING, SAFE_TO_EVICT: "false" })
}

fn restored() -> Value {
    json!({ DRAINING: null, ENDING: null, COST: null, SAFE_TO_EVICT: null })
}

/// The Pods that may end now, or why none may. They are looked at once more, for sessions may have come since.
fn chosen(
    stand: &Stand,
    pods: &[Arc<DynamicObject>],
    ending: &Ending,
    busy: Option<&BTreeMap<NodeName, String>>,
    now: Timestamp,
) -> Result<Vec<Arc<DynamicObject>>, String> {
    if !matches!(stand.holder, Holder::Scale) {
        return Err("its owner decides how many there are, so none can be chosen".into());
    }
    let alive = |pod: &&Arc<DynamicObject>| pod.metadata.deletion_timestamp.is_none();
    let (named, mut rest): (Vec<_>, Vec<_>) =
        pods.iter().filter(alive).cloned().partition(|pod| ending.names(pod));
    let objections: Vec<_> = named.iter().map(|pod| ending.objection(pod, busy, now)).collect();
    let (mut chosen, mut against) = (Vec::new(), None);
    for (pod, objection) in named.into_iter().zip(objections) {
        match objection {
            None => chosen.push(pod),
            Some(why) => {
                against.get_or_insert(why);
                rest.push(pod);
            }
        }
    }
    if let Some(why) = against.filter(|_| chosen.is_empty()) {
        return Err(why);
    }
    if stand.kind.kind == "StatefulSet" {
        return highest(chosen, &rest);
    }
    // A controller removes Pods that are not ready before it looks at what they cost, and those may hold sessions.
    match rest.iter().find(|pod| !is_ready(pod)) {
        Some(unready) if !chosen.is_empty() => {
            Err(format!("{} is not ready and would be removed in its place", name(unready)))
        }
        _ => Ok(chosen),
    }
}

/// A StatefulSet always removes the highest ordinal: only an unbroken run from the top can be ended.
fn highest(
    chosen: Vec<Arc<DynamicObject>>,
    rest: &[Arc<DynamicObject>],
) -> Result<Vec<Arc<DynamicObject>>, String> {
    let ordinal =
        |pod: &Arc<DynamicObject>| name(pod).rsplit_once('-').and_then(|(_, nth)| nth.parse::<u32>().ok());
    let stays = rest.iter().filter_map(ordinal).max();
    let top: Vec<_> = chosen.iter().filter(|pod| ordinal(pod) > stays).cloned().collect();
    match chosen.first() {
        Some(first) if top.is_empty() => Err(format!(
            "a StatefulSet removes its highest ordinal first, and {} has others above it",
            name(first)
        )),
        _ => Ok(top),
    }
}

fn is_ready(pod: &DynamicObject) -> bool {
    let conditions = pod.data.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_795_000_000).unwrap()
    }

    fn pod(name: &str, ready: bool, sessions: Option<(&str, i64)>) -> Arc<DynamicObject> {
        let mut notes = serde_json::Map::new();
        if let Some((count, age)) = sessions {
            let at = now() - SignedDuration::from_secs(age);
            notes.insert(DRAINING.into(), "2026-11-18T11:06:40Z".into());
            notes.insert(SESSIONS.into(), count.into());
            notes.insert(SESSIONS_AT.into(), at.to_string().into());
        }
        let status = if ready { "True" } else { "False" };
        let pod = json!({
            "metadata": { "name": name, "annotations": notes },
            "status": { "conditions": [{ "type": "Ready", "status": status }] },
        });
        Arc::new(serde_json::from_value(pod).unwrap())
    }

    fn stand(kind: &str) -> Stand {
        let target = json!({ "metadata": { "name": "sfu" }, "spec": { "replicas": 3 } });
        super::super::stand::tests::stand(kind, target, Holder::Scale)
    }

    #[track_caller]
    fn check(kind: &str, pods: &[Arc<DynamicObject>], ending: &[&str], expected: Result<&[&str], &str>) {
        let ending = Ending { empty: named(ending), ..Ending::default() };
        outcome(chosen(&stand(kind), pods, &ending, None, now()), expected);
    }

    fn named(names: &[&str]) -> Vec<NodeName> {
        names.iter().map(|name| NodeName((*name).into())).collect()
    }

    #[track_caller]
    fn outcome(found: Result<Vec<Arc<DynamicObject>>, String>, expected: Result<&[&str], &str>) {
        let names = found.map(|pods| pods.iter().map(|pod| name(pod).to_owned()).collect::<Vec<_>>());
        match expected {
            Ok(expected) => assert_eq!(names.unwrap(), expected),
            Err(part) => assert!(names.as_ref().is_err_and(|why| why.contains(part)), "{names:?}"),
        }
    }

    #[test] // D1, F29
    fn ends_only_what_is_empty_at_that_moment() {
        let pods = [pod("a", true, Some(("0", 20))), pod("b", true, Some(("2", 20))), pod("c", true, None)];
        check("Deployment", &pods, &["a"], Ok(&["a"]));
        check("Deployment", &pods, &["b"], Err("b is not known to be empty"));
        check("Deployment", &pods, &["c"], Err("c is not being drained any more"));
        check("Deployment", &[pod("a", true, Some(("0", 200)))], &["a"], Err("a is not known to be empty"));
        check("Deployment", &pods, &["gone"], Ok(&[]));
    }

    #[test] // D1, F29
    fn believes_the_source_and_the_pod_only_together() {
        let draining = |name: &str, own| {
            let pod = pod(name, true, own);
            let mut pod = (*pod).clone();
            let notes = pod.metadata.annotations.get_or_insert_default();
            notes.insert(DRAINING.into(), "2026-11-18T11:06:40Z".into());
            Arc::new(pod)
        };
        let pods = [
            draining("silent", None),
            draining("both", Some(("0", 20))),
            draining("busy", Some(("2", 20))),
            draining("stale", Some(("0", 200))),
            draining("counted", None),
        ];
        let busy = BTreeMap::from([(NodeName("counted".into()), "it holds 2 sessions".to_owned())]);
        let choose = |ending: Ending, expected: Result<&[&str], &str>| {
            outcome(chosen(&stand("Deployment"), &pods, &ending, Some(&busy), now()), expected);
        };
        let empty = |names: &[&str]| Ending { empty: named(names), ..Ending::default() };
        choose(empty(&["silent"]), Ok(&["silent"]));
        choose(empty(&["both", "busy"]), Ok(&["both"]));
        choose(empty(&["busy"]), Err("busy is not known to be empty at this moment"));
        choose(empty(&["stale"]), Err("stale is not known to be empty at this moment"));
        choose(
            empty(&["counted"]),
            Err("counted is not known to be empty at this moment: it holds 2 sessions"),
        );
        choose(Ending { cut: named(&["busy"]), ..Ending::default() }, Ok(&["busy"]));
        let serving = [pod("serving", true, None)];
        let cut = Ending { cut: named(&["serving"]), ..Ending::default() };
        outcome(
            chosen(&stand("Deployment"), &serving, &cut, Some(&busy), now()),
            Err("serving is not being drained any more"),
        );
    }

    #[test]
    fn waits_while_the_controller_would_remove_another_one() {
        let pods = [pod("a", true, Some(("0", 20))), pod("b", false, None)];
        check("Deployment", &pods, &["a"], Err("b is not ready and would be removed in its place"));
    }

    #[test] // D1
    fn ends_pods_of_a_stateful_set_from_the_top() {
        let pods = [
            pod("sfu-0", true, Some(("0", 9))),
            pod("sfu-1", true, None),
            pod("sfu-2", true, Some(("0", 9))),
        ];
        check("StatefulSet", &pods, &["sfu-0", "sfu-2"], Ok(&["sfu-2"]));
        check(
            "StatefulSet",
            &pods,
            &["sfu-0"],
            Err("removes its highest ordinal first, and sfu-0 has others"),
        );
    }
}
