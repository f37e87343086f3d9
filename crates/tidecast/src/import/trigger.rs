use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::cron;
use super::draft::{Draft, Drafts};
use super::keda::secret_of;
use super::metric::{self, Measure, Owner};
use super::quantity::{quantity, written};
use crate::config::codes::Code;
use crate::config::word::{Link, Word};

/// The demand out of a ScaledObject's triggers, and the calendar out of its schedules.
pub(super) fn all(
    triggers: &[Value],
    objects: &[Value],
    owner: &Owner<'_>,
    draft: &mut Draft,
    drafts: &mut Drafts<'_>,
) {
    let (schedules, others): (Vec<_>, Vec<_>) =
        triggers.iter().partition(|trigger| trigger["type"] == "cron");
    schedules.into_iter().for_each(|trigger| schedule(trigger, draft));
    let prometheus = others.iter().position(|trigger| trigger["type"] == "prometheus");
    if let Some(taken) = prometheus {
        ask(others[taken], objects, draft, drafts);
        for (_, other) in others.iter().enumerate().filter(|(i, _)| *i != taken) {
            let message = format!(
                "the query of the prometheus trigger is taken for the demand, {} is left to KEDA",
                said(other)
            );
            draft.warn(Code::METRIC_LEFT_OUT, message);
        }
        return;
    }
    let measures: Vec<Measure> = others.iter().filter_map(|trigger| guessed(trigger)).collect();
    let unknown = others.iter().filter(|trigger| guessed(trigger).is_none() && resource(trigger).is_none());
    unknown.for_each(|trigger| {
        draft.warn(Code::SCALER_UNKNOWN, format!("{} has no counterpart", said(trigger)))
    });
    let resources: Vec<Value> = others.iter().filter_map(|trigger| resource(trigger)).collect();
    match measures.into_iter().next() {
        Some(measure) => metric::take(measure, draft, drafts),
        None => metric::demand(&resources, owner, draft, drafts),
    }
}

fn said(trigger: &Value) -> String {
    format!("the trigger {}", trigger["type"].as_str().unwrap_or("without a type"))
}

/// A Prometheus that KEDA asks is asked the same.
fn ask(trigger: &Value, objects: &[Value], draft: &mut Draft, drafts: &mut Drafts<'_>) {
    let told = &trigger["metadata"];
    let address = told["serverAddress"].as_str().unwrap_or_default();
    let url = match Link::parse(address) {
        Ok(_) => address.to_owned(),
        Err(_) => {
            draft.warn(
                Code::ADDRESS_UNKNOWN,
                format!("the address `{address}` cannot be asked; put yours under `sources`"),
            );
            drafts.around.prometheus.clone().unwrap_or_else(|| "http://127.0.0.1:9090".to_owned())
        }
    };
    let mut source = json!({ "type": "prometheus", "url": url });
    authentication(trigger, objects, &mut source, draft);
    let name = drafts.source("main", source);
    draft.set("demand", json!({ "source": name, "query": told["query"].as_str().unwrap_or_default() }));
    let threshold = quantity(&told["threshold"]).filter(|threshold| *threshold > 0.0);
    match threshold.filter(|_| trigger["metricType"] != "Value") {
        Some(threshold) => draft.set("capacity", json!({ "perReplica": written(threshold) })),
        None => draft.warn(
            Code::CAPACITY_LEARNED,
            "the threshold is that of the whole, so what a replica serves is learned",
        ),
    }
    if told["ignoreNullValues"].is_null() || told["ignoreNullValues"] == "true" {
        draft.warn(
            Code::FALLBACK_LEFT_OUT,
            "an empty answer counts as zero there; here it is not known, which lowers nothing",
        );
    }
    for key in ["namespace", "queryParameters"].into_iter().filter(|key| told[*key].is_string()) {
        draft.warn(
            Code::SETTING_LEFT_OUT,
            format!("the trigger's {key} is not carried over; put it into the address or the query"),
        );
    }
}

fn authentication(trigger: &Value, objects: &[Value], source: &mut Value, draft: &mut Draft) {
    let told = &trigger["metadata"];
    let modes = told["authModes"].as_str().unwrap_or_default();
    let has = |mode: &str| modes.split(',').any(|one| one.trim() == mode);
    let mut secrets = Vec::new();
    if has("bearer") {
        source["bearerToken"] = secret_of(objects, trigger, "bearerToken");
        secrets.push(source["bearerToken"].clone());
    } else if has("basic") {
        let password = secret_of(objects, trigger, "password");
        source["basicAuth"] = json!({ "username": "tidecast", "password": password });
        draft.warn(
            Code::SECRET_TO_BE_GIVEN,
            "the user of its basic authentication stands in a Secret; write it in place of `tidecast`",
        );
        secrets.push(password);
    }
    for secret in secrets {
        let file = secret["file"].as_str().unwrap_or_default();
        draft.warn(
            Code::SECRET_TO_BE_GIVEN,
            format!("put the secret into the file {file} below `secretsDir`"),
        );
    }
    let other = ["tls", "custom"].into_iter().filter(|mode| has(mode)).collect::<Vec<_>>();
    if !other.is_empty() || !trigger["authenticationRef"].is_null() && modes.is_empty() {
        let what = if other.is_empty() {
            "its authentication".to_owned()
        } else {
            format!("its authentication by {}", other.join(" and "))
        };
        draft.warn(Code::SECRET_TO_BE_GIVEN, format!("{what} is to be written into the source by hand"));
    }
    for pair in told["customHeaders"].as_str().into_iter().flat_map(|all| all.split(',')) {
        match pair.split_once('=') {
            Some((name, _)) if secret_name(name) => {
                draft.warn(
                    Code::SECRET_TO_BE_GIVEN,
                    format!("the header {} carries a secret and is to be given as a reference", name.trim()),
                );
            }
            Some((name, value)) => source["headers"][name.trim()] = value.trim().into(),
            None => {}
        }
    }
    if told["unsafeSsl"] == "true" {
        draft.warn(Code::SETTING_LEFT_OUT, "unsafeSsl trusts anybody; give `tls.caFile` instead");
    }
}

fn secret_name(header: &str) -> bool {
    let header = header.to_lowercase();
    ["authorization", "token", "secret", "password", "api-key", "apikey", "cookie"]
        .iter()
        .any(|word| header.contains(word))
}

/// A schedule of KEDA as an entry of the calendar.
fn schedule(trigger: &Value, draft: &mut Draft) {
    let told = &trigger["metadata"];
    let text = |key: &str| told[key].as_str().unwrap_or_default();
    let (start, end, zone) = (text("start"), text("end"), text("timezone"));
    let replicas = quantity(&told["desiredReplicas"]).filter(|replicas| *replicas >= 1.0);
    let Ok(clock) = TimeZone::get(zone) else {
        return draft.warn(
            Code::SCHEDULE_LEFT_OUT,
            format!("the schedule `{start}` is on the clock of `{zone}`, which is no zone"),
        );
    };
    match (cron::span(start, end, &clock), replicas) {
        (Some(span), Some(replicas)) => draft.calendar.push(json!({
            "workload": draft.name(),
            "schedule": start,
            "zone": zone,
            "for": span.to_string(),
            "minReplicas": replicas as u64,
            "reason": trigger["name"].as_str().unwrap_or("schedule of the ScaledObject"),
        })),
        _ => draft.warn(
            Code::SCHEDULE_LEFT_OUT,
            format!("from `{start}` to `{end}` is not always the same span, or never comes, or asks for no replicas"),
        ),
    }
}

/// What arrives in a queue, as its usual exporter for Prometheus tells it.
fn guessed(trigger: &Value) -> Option<Measure> {
    let told = &trigger["metadata"];
    let text = |key: &str| told[key].as_str().unwrap_or_default().replace(['"', '\\'], "");
    let (what, query) = match trigger["type"].as_str()? {
        "kafka" | "apache-kafka" => (
            "messages",
            format!("sum(rate(kafka_topic_partition_current_offset{{topic=\"{}\"}}[5m]))", text("topic")),
        ),
        "rabbitmq" => (
            "messages",
            format!(
                "sum(rate(rabbitmq_queue_messages_published_total{{queue=\"{}\"}}[5m]))",
                text("queueName")
            ),
        ),
        "nats-jetstream" => (
            "messages",
            format!("sum(rate(jetstream_stream_last_seq{{stream_name=\"{}\"}}[5m]))", text("stream")),
        ),
        _ => return None,
    };
    let message = format!(
        "{} counts what waits, which falls when servers are added; asked is how many {what} arrive, by the usual exporter",
        said(trigger)
    );
    let learned = "a threshold of what waits does not say what a replica serves; that is learned".to_owned();
    let warnings = vec![(Code::QUERY_GUESSED, message), (Code::CAPACITY_LEARNED, learned)];
    Some(Measure { rank: 0, said: said(trigger), query, unit: Some("msg/s"), per_replica: None, warnings })
}

/// CPU and memory, as the HPA that KEDA makes has them.
fn resource(trigger: &Value) -> Option<Value> {
    let name = trigger["type"].as_str().filter(|kind| ["cpu", "memory"].contains(kind))?;
    let told = &trigger["metadata"];
    let kind = trigger["metricType"].as_str().or(told["type"].as_str()).unwrap_or("Utilization");
    let value = quantity(&told["value"])?;
    let target = match kind {
        "AverageValue" => json!({ "averageValue": told["value"] }),
        _ => json!({ "averageUtilization": value }),
    };
    Some(match told["containerName"].as_str() {
        Some(container) => {
            json!({ "type": "ContainerResource", "containerResource": { "name": name, "container": container, "target": target } })
        }
        None => json!({ "type": "Resource", "resource": { "name": name, "target": target } }),
    })
}
