use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::core::DynamicObject;
use serde_json::Value;
use tidecast_pilot::{Node, NodeName, Phase, Sessions};

use super::drains::{DRAINING, SESSIONS, SESSIONS_AT};

/// What is remembered of Pods from one look to the next, by their unique id.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<String, Seen>);

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// It was seen before it served, so that the time at which it first did is known.
    booting: bool,
    /// When it first served.
    first: Option<Timestamp>,
    /// Since when it has been seen without sessions.
    empty: Option<Timestamp>,
}

/// A Pod that served when it was first seen is believed to have served ever since its condition says so if it took no
/// longer than this: readiness that comes and goes moves the time that the condition carries.
const BELIEVED: SignedDuration = SignedDuration::from_hours(1);

/// The Pods of a target as servers. Those that have ended are none.
pub(super) fn nodes(pods: &[Arc<DynamicObject>], memory: &mut Memory) -> Vec<Node> {
    let mut next = Memory::default();
    let mut nodes: Vec<Node> = pods.iter().filter_map(|pod| node(pod, &memory.0, &mut next.0)).collect();
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    *memory = next;
    nodes
}

/// The addresses of Pods, by which a source may speak of them.
pub(super) fn addresses(pods: &[Arc<DynamicObject>]) -> BTreeMap<NodeName, Vec<String>> {
    let one = |pod: &Arc<DynamicObject>| {
        let all = pod.data.pointer("/status/podIPs").and_then(Value::as_array).into_iter().flatten();
        let all = all.filter_map(|one| one["ip"].as_str());
        let addresses = all.chain([text(&pod.data, "/status/podIP")]).filter(|ip| !ip.is_empty());
        Some((NodeName(pod.metadata.name.clone()?), addresses.map(str::to_owned).collect()))
    };
    pods.iter().filter_map(one).collect()
}

fn node(
    pod: &DynamicObject,
    before: &BTreeMap<String, Seen>,
    after: &mut BTreeMap<String, Seen>,
) -> Option<Node> {
    let phase = text(&pod.data, "/status/phase");
    if matches!(phase, "Succeeded" | "Failed") {
        return None;
    }
    let name = pod.metadata.name.clone()?;
    let launched = pod.metadata.creation_timestamp.as_ref()?.0;
    let uid = pod.metadata.uid.clone().unwrap_or_else(|| name.clone());
    let known = before.get(&uid).copied();
    let mut seen = known.unwrap_or_default();
    let ready = Condition::of(&pod.data, "Ready");
    match &ready {
        Some(ready) if ready.status == "True" => {
            let took = ready.since.map(|since| since.duration_since(launched));
            let believed = seen.booting
                || (known.is_none() && restarts(&pod.data) == 0 && took.is_some_and(|took| took <= BELIEVED));
            seen.first = seen.first.or(ready.since.filter(|_| believed));
        }
        _ => seen.booting |= known.is_none(),
    }
    let sessions = sessions(pod, &mut seen);
    let node = Node {
        name: NodeName(name),
        phase: phase_of(pod, phase, ready.as_ref(), seen, launched),
        launched,
        ready: seen.first,
        sessions,
    };
    let served = matches!(node.phase, Phase::Serving);
    seen.booting &= !served || seen.first.is_none();
    after.insert(uid, seen);
    Some(node)
}

/// Leaving comes before everything else; then what is not heard of; a Pod that has served and does not any more is not
/// heard of either: it may hold sessions, and is no capacity.
fn phase_of(
    pod: &DynamicObject,
    phase: &str,
    ready: Option<&Condition>,
    seen: Seen,
    launched: Timestamp,
) -> Phase {
    if let Some(gone) = &pod.metadata.deletion_timestamp {
        let grace = SignedDuration::from_secs(pod.metadata.deletion_grace_period_seconds.unwrap_or(0));
        return Phase::Draining { since: gone.0.checked_sub(grace).unwrap_or(gone.0) };
    }
    if let Some(since) = annotated(pod, DRAINING).and_then(|since| since.parse().ok()) {
        return Phase::Draining { since };
    }
    let since = ready.and_then(|ready| ready.since).unwrap_or(launched);
    let lost = phase == "Unknown" || text(&pod.data, "/status/reason") == "NodeLost";
    match ready.map(|ready| ready.status.as_str()) {
        _ if lost => Phase::Silent { since },
        Some("True") => Phase::Serving,
        Some("Unknown") => Phase::Silent { since },
        _ if seen.first.is_some() => Phase::Silent { since },
        _ => Phase::Booting,
    }
}

/// The sessions that the Pod itself tells in its annotations; unknown if it does not say since when.
fn sessions(pod: &DynamicObject, seen: &mut Seen) -> Option<Sessions> {
    let told =
        || Some((annotated(pod, SESSIONS)?.parse::<u32>().ok()?, annotated(pod, SESSIONS_AT)?.parse().ok()?));
    let Some((count, at)) = told() else {
        // What is not told breaks the time in which it was empty.
        seen.empty = None;
        return None;
    };
    seen.empty = (count == 0).then(|| seen.empty.unwrap_or(at));
    Some(Sessions { count, at, empty_since: seen.empty })
}

pub(super) fn annotated<'a>(pod: &'a DynamicObject, key: &str) -> Option<&'a str> {
    pod.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

fn text<'a>(data: &'a Value, path: &str) -> &'a str {
    data.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// How often its containers were started again.
fn restarts(data: &Value) -> u64 {
    let containers = data.pointer("/status/containerStatuses").and_then(Value::as_array);
    containers.into_iter().flatten().filter_map(|one| one["restartCount"].as_u64()).sum()
}

struct Condition {
    status: String,
    since: Option<Timestamp>,
}

impl Condition {
    fn of(data: &Value, kind: &str) -> Option<Self> {
        let conditions = data.pointer("/status/conditions")?.as_array()?;
        let found = conditions.iter().find(|one| one["type"] == kind)?;
        let since = found["lastTransitionTime"].as_str().and_then(|since| since.parse().ok());
        Some(Self { status: found["status"].as_str()?.to_owned(), since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn pod(name: &str, ready: Option<(&str, i64)>, more: Value) -> Arc<DynamicObject> {
        let conditions: Vec<Value> = ready
            .map(|(status, since)| {
                serde_json::json!({ "type": "Ready", "status": status, "lastTransitionTime": at(since).to_string() })
            })
            .into_iter()
            .collect();
        let mut pod = serde_json::json!({
            "metadata": { "name": name, "uid": name, "creationTimestamp": at(0).to_string() },
            "status": { "phase": "Running", "conditions": conditions },
        });
        merge(&mut pod, more);
        Arc::new(serde_json::from_value(pod).unwrap())
    }

    fn merge(into: &mut Value, more: Value) {
        match (into, more) {
            (Value::Object(into), Value::Object(more)) => {
                more.into_iter()
                    .for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
            }
            (_, Value::Null) => {}
            (into, more) => *into = more,
        }
    }

    #[track_caller]
    fn check(pod: Arc<DynamicObject>, phase: Phase, ready: Option<i64>) {
        let node = nodes(&[pod], &mut Memory::default()).remove(0);
        assert_eq!((node.phase, node.ready, node.launched), (phase, ready.map(at), at(0)));
    }

    #[test] // B6
    fn measures_from_creation_to_the_first_time_ready() {
        check(pod("a", Some(("True", 95)), Value::Null), Phase::Serving, Some(95));
        check(pod("a", Some(("False", 5)), Value::Null), Phase::Booting, None);
        check(pod("a", None, Value::Null), Phase::Booting, None);
    }

    #[test] // B6
    fn learns_no_start_up_from_readiness_that_comes_and_goes() {
        let restarted = serde_json::json!({ "status": { "containerStatuses": [{ "restartCount": 1 }] } });
        check(pod("a", Some(("True", 95)), restarted), Phase::Serving, None);
        check(pod("a", Some(("True", 90_000)), Value::Null), Phase::Serving, None);
        let mut memory = Memory::default();
        let mut look = |status: &str, since: i64| {
            let pods = [pod("a", Some((status, since)), Value::Null)];
            let node = nodes(&pods, &mut memory).remove(0);
            (node.phase, node.ready)
        };
        assert_eq!(look("False", 2), (Phase::Booting, None));
        assert_eq!(look("True", 9_000), (Phase::Serving, Some(at(9_000))), "it was seen booting, for hours");
        assert_eq!(look("False", 9_500), (Phase::Silent { since: at(9_500) }, Some(at(9_000))));
        assert_eq!(look("True", 9_900), (Phase::Serving, Some(at(9_000))));
    }

    #[test] // A12
    fn tells_leaving_and_lost_ones_apart() {
        let leaving = serde_json::json!({ "metadata": {
            "deletionTimestamp": at(130).to_string(), "deletionGracePeriodSeconds": 30 } });
        check(pod("a", Some(("True", 9)), leaving), Phase::Draining { since: at(100) }, Some(9));
        let marked = serde_json::json!({ "metadata": { "annotations": { DRAINING: at(77).to_string() } } });
        check(pod("a", Some(("True", 9)), marked), Phase::Draining { since: at(77) }, Some(9));
        check(pod("a", Some(("Unknown", 50)), Value::Null), Phase::Silent { since: at(50) }, None);
        let lost = serde_json::json!({ "status": { "phase": "Unknown", "reason": "NodeLost" } });
        check(pod("a", Some(("True", 9)), lost), Phase::Silent { since: at(9) }, Some(9));
    }

    #[test]
    fn counts_no_pod_that_has_ended() {
        let evicted = serde_json::json!({ "status": { "phase": "Failed", "reason": "Evicted" } });
        assert_eq!(nodes(&[pod("a", None, evicted)], &mut Memory::default()), []);
    }

    #[test] // D3.1
    fn remembers_since_when_a_pod_has_had_no_sessions() {
        let mut memory = Memory::default();
        let mut look = |count: &str, second: i64| {
            let notes = serde_json::json!({ "metadata": { "annotations": {
                SESSIONS: count, SESSIONS_AT: at(second).to_string() } } });
            nodes(&[pod("a", Some(("True", 9)), notes)], &mut memory).remove(0).sessions
        };
        let told = |count, second, empty: Option<i64>| {
            Some(Sessions { count, at: at(second), empty_since: empty.map(at) })
        };
        assert_eq!(look("2", 100), told(2, 100, None));
        assert_eq!(look("0", 130), told(0, 130, Some(130)));
        assert_eq!(look("0", 160), told(0, 160, Some(130)));
        assert_eq!(look("1", 190), told(1, 190, None));
        assert_eq!(look("none", 220), None);
    }
}
