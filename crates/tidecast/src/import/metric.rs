use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::draft::{Draft, Drafts};
use super::quantity::{quantity, written};
use crate::config::codes::Code;

/// What an HPA looks at, as a demand.
#[derive(Debug)]
pub(super) struct Measure {
    /// How near it is to what users ask for; the nearest is taken.
    pub rank: u32,
    /// What people call it.
    pub said: String,
    /// What to ask a Prometheus.
    pub query: String,
    /// The unit, if it is known.
    pub unit: Option<&'static str>,
    /// What one replica serves, if that can be told.
    pub per_replica: Option<f64>,
    /// What is not carried over exactly.
    pub warnings: Vec<(Code, String)>,
}

/// Whose metrics they are.
pub(super) struct Owner<'a> {
    pub namespace: &'a str,
    /// What is scaled.
    pub name: &'a str,
    /// What each of its Pods requests, by resource and container, if that is known.
    pub requests: BTreeMap<String, BTreeMap<String, f64>>,
}

/// The demand of a workload out of all that its HPA looks at.
pub(super) fn demand(metrics: &[Value], owner: &Owner<'_>, draft: &mut Draft, drafts: &mut Drafts<'_>) {
    let mut measures: Vec<Measure> = metrics.iter().filter_map(|metric| measure(metric, owner)).collect();
    measures.sort_by_key(|measure| measure.rank);
    let mut measures = measures.into_iter();
    let Some(taken) = measures.next() else {
        draft.warn(
            Code::NO_DEMAND,
            "no metric says what users ask for; measurements are to be pushed until you give a query",
        );
        let source = drafts.source("pushed", json!({ "type": "push" }));
        return draft.set("demand", json!({ "source": source }));
    };
    for other in measures {
        draft.warn(
            Code::METRIC_LEFT_OUT,
            format!("{} is taken for the demand, {} is left to the HPA", taken.said, other.said),
        );
    }
    take(taken, draft, drafts);
}

/// Asks a Prometheus for a measure.
pub(super) fn take(measure: Measure, draft: &mut Draft, drafts: &mut Drafts<'_>) {
    measure.warnings.into_iter().for_each(|(code, message)| draft.warn(code, message));
    let url = drafts.around.prometheus.clone().unwrap_or_else(|| {
        draft.warn(
            Code::ADDRESS_UNKNOWN,
            "the address of the Prometheus stands nowhere; put yours under `sources.main.url`",
        );
        "http://127.0.0.1:9090".to_owned()
    });
    let source = drafts.source("main", json!({ "type": "prometheus", "url": url }));
    let mut demand = json!({ "source": source, "query": measure.query });
    if let Some(unit) = measure.unit {
        demand["unit"] = unit.into();
    }
    draft.set("demand", demand);
    if let Some(rate) = measure.per_replica {
        draft.set("capacity", json!({ "perReplica": written(rate) }));
    }
}

fn measure(metric: &Value, owner: &Owner<'_>) -> Option<Measure> {
    match metric["type"].as_str()? {
        "External" => Some(external(&metric["external"])),
        "Object" => Some(object(&metric["object"], owner)),
        "Pods" => Some(pods(&metric["pods"], owner)),
        "Resource" => resource(&metric["resource"], None, owner),
        "ContainerResource" => {
            resource(&metric["containerResource"], metric["containerResource"]["container"].as_str(), owner)
        }
        _ => None,
    }
}

fn external(section: &Value) -> Measure {
    let name = section["metric"]["name"].as_str().unwrap_or_default();
    let query = format!("sum({}{})", series(name), selector(&[], &section["metric"]["selector"]));
    targeted(0, name, query, &section["target"], Vec::new())
}

fn object(section: &Value, owner: &Owner<'_>) -> Measure {
    let name = section["metric"]["name"].as_str().unwrap_or_default();
    let described = &section["describedObject"];
    let kind = described["kind"].as_str().unwrap_or_default().to_lowercase();
    let of = [
        ("namespace", "=", owner.namespace),
        (kind.as_str(), "=", described["name"].as_str().unwrap_or_default()),
    ];
    let query = format!("sum({}{})", series(name), selector(&of, &section["metric"]["selector"]));
    targeted(1, name, query, &section["target"], Vec::new())
}

fn pods(section: &Value, owner: &Owner<'_>) -> Measure {
    let name = section["metric"]["name"].as_str().unwrap_or_default();
    let pods = format!("{}-.*", owner.name);
    let of = [("namespace", "=", owner.namespace), ("pod", "=~", pods.as_str())];
    let query = format!("sum({}{})", series(name), selector(&of, &section["metric"]["selector"]));
    targeted(2, name, query, &section["target"], Vec::new())
}

/// A metric of an adapter: its query is the usual one, and a target for each replica says what one serves.
fn targeted(
    rank: u32,
    name: &str,
    query: String,
    target: &Value,
    mut warnings: Vec<(Code, String)>,
) -> Measure {
    let said = format!("the metric {name}");
    warnings.push((
        Code::QUERY_GUESSED,
        format!("{said} comes from an adapter, so the query is a guess; try it"),
    ));
    let per_replica = quantity(&target["averageValue"]).filter(|rate| *rate > 0.0);
    if per_replica.is_none() {
        warnings.push((
            Code::CAPACITY_LEARNED,
            format!("the target of {said} is that of the whole, so what a replica serves is learned"),
        ));
    }
    Measure { rank, said, query, unit: None, per_replica, warnings }
}

/// CPU and memory. What all Pods use together divided by what one may use is exactly how the HPA sizes.
fn resource(section: &Value, container: Option<&str>, owner: &Owner<'_>) -> Option<Measure> {
    let name = section["name"].as_str()?;
    let pods = format!("{}-.*", owner.name);
    let mut of = vec![("namespace", "=", owner.namespace), ("pod", "=~", pods.as_str())];
    of.push(container.map_or(("container", "!=", ""), |container| ("container", "=", container)));
    let of = selector(&of, &Value::Null);
    let (rank, query, unit) = match name {
        "cpu" => (3, format!("sum(rate(container_cpu_usage_seconds_total{of}[5m]))"), "cores"),
        "memory" => (4, format!("sum(container_memory_working_set_bytes{of})"), "bytes"),
        _ => return None,
    };
    let mut warnings = vec![(
        Code::METRIC_OF_USAGE,
        format!("{name} is what servers feel; what all use together is asked for, requests would be better"),
    )];
    let target = &section["target"];
    let requested = requested(owner, name, container);
    let share = target["averageUtilization"].as_f64().map(|percent| percent / 100.0);
    let per_replica =
        quantity(&target["averageValue"]).or(share.zip(requested).map(|(share, one)| share * one));
    let per_replica = per_replica.filter(|rate| *rate > 0.0);
    if per_replica.is_none() {
        let message = format!(
            "the target is a share of the request for {name}, which is not in the input; what a replica serves is learned"
        );
        warnings.push((Code::CAPACITY_LEARNED, message));
    }
    Some(Measure { rank, said: name.to_owned(), query, unit: Some(unit), per_replica, warnings })
}

fn requested(owner: &Owner<'_>, resource: &str, container: Option<&str>) -> Option<f64> {
    let containers = owner.requests.get(resource)?;
    let sum = match container {
        Some(container) => *containers.get(container)?,
        None => containers.values().sum(),
    };
    (sum > 0.0).then_some(sum)
}

/// The name of a series. What an adapter calls a rate by the second is usually made of a counter.
fn series(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "_:".contains(c) { c } else { '_' }).collect();
    let digit = plain.starts_with(|c: char| c.is_ascii_digit()) || plain.is_empty();
    if digit { format!("_{plain}") } else { plain }
}

fn selector(of: &[(&str, &str, &str)], labels: &Value) -> String {
    let own = of.iter().map(|(key, how, value)| format!("{}{how}{}", series(key), quoted(value)));
    let labels = labels["matchLabels"].as_object().into_iter().flatten();
    let more =
        labels.map(|(key, value)| format!("{}={}", series(key), quoted(value.as_str().unwrap_or_default())));
    let all: Vec<_> = own.chain(more).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " "))
}
