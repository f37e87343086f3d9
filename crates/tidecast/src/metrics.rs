//! What is measured of tidecast itself, and the dashboard action (S6.1): what is forecast and planned for this very moment
//! stands beside what is measured, so that any graph shows the three in one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text::encode};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tidecast_pilot::{Briefing, Decision, Node, Phase, WorkloadName};

use crate::drive::{Late, Seat, Turned};
use crate::service::Known;

/// The levels of the forecast that are shown.
const LEVELS: [f64; 4] = [0.1, 0.5, 0.9, 0.99];
/// How far ahead forecasts are shown besides now, in minutes.
const AHEAD_MIN: [i64; 3] = [0, 15, 60];

/// All metrics as OpenMetrics text.
pub fn text(known: &Arc<Known>, now: Timestamp) -> String {
    let mut registry = Registry::with_prefix("tidecast");
    registry.register_collector(Box::new(View { known: known.clone(), now }));
    let mut text = String::new();
    encode(&mut text, &registry).expect("writing into a String cannot fail");
    text
}

#[derive(Debug)]
struct View {
    known: Arc<Known>,
    now: Timestamp,
}

/// One row of a family: its labels, and its value.
type Row = (Vec<(&'static str, String)>, f64);

impl Collector for View {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let seats = self.known.board.seats();
        self.own(&mut encoder, &seats.values().collect::<Vec<_>>())?;
        lateness(&mut encoder, self.known.board.lateness())?;
        drains_ended(&mut encoder, &seats)?;
        for (name, help, rows) in FAMILIES {
            let mut encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (workload, seat) in &seats {
                for (labels, value) in rows(self, seat) {
                    let mut all = vec![("workload", workload.0.clone())];
                    all.extend(labels);
                    ConstGauge::new(value).encode(encoder.encode_family(&all)?)?;
                }
            }
        }
        Ok(())
    }
}

impl View {
    fn own(&self, encoder: &mut DescriptorEncoder, seats: &[&Seat]) -> fmt::Result {
        let seconds = |time: Timestamp| time.as_millisecond() as f64 / 1e3;
        let committed = || seats.iter().filter_map(|seat| seat.committed_at);
        let oldest = if committed().count() == seats.len() { committed().min() } else { None };
        let stale = self.known.stale_config.load(Ordering::Acquire);
        let config = self.known.config();
        let checked = self.known.checked();
        let sound = checked.as_ref().is_none_or(|checked| checked.found.is_ok());
        for (name, help, value) in [
            ("up_since_timestamp_seconds", "When this process began.", seconds(self.known.started)),
            ("workloads", "Workloads in the configuration in force.", config.workloads.len() as f64),
            ("config_ok", "1 if the files say what is in force, 0 if they have mistakes.", f64::from(!stale)),
            ("store_ok", "0 if something in the store is not what was written.", f64::from(sound)),
            (
                "store_checked_timestamp_seconds",
                "When the whole store was last read through, each row and each seal; 0 if not since the start.",
                checked.map_or(0.0, |checked| seconds(checked.at)),
            ),
            (
                "last_successful_turn_timestamp_seconds",
                "When a turn was last committed, of whatever workload: the dead man's sign of life.",
                committed().max().map_or(0.0, seconds),
            ),
            (
                "heartbeat_timestamp_seconds",
                "When somebody outside last took a sign of life; 0 if none was wanted or taken.",
                self.known.heartbeat().map_or(0.0, seconds),
            ),
            (
                "oldest_turn_timestamp_seconds",
                "The last committed turn of the workload that has waited longest; 0 if one had none yet.",
                oldest.map_or(0.0, seconds),
            ),
        ] {
            let encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(encoder)?;
        }
        type Count = fn(&Seat) -> u64;
        let counts: [(&str, &str, Count); 3] = [
            ("turns", "Turns taken since the start.", |seat| seat.turns),
            ("turns_lost", "Turns that another replica had first.", |seat| seat.lost),
            ("turns_failed", "Turns that could not be had.", |seat| seat.failed),
        ];
        for (name, help, count) in counts {
            let encoder = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(seats.iter().map(|seat| count(seat)).sum::<u64>()).encode(encoder)?;
        }
        Ok(())
    }
}

fn lateness(encoder: &mut DescriptorEncoder, late: Late) -> fmt::Result {
    let help = "How late turns begin.";
    let mut encoder =
        encoder.encode_descriptor("turn_lateness_seconds", help, None, MetricType::Histogram)?;
    let bounds = Late::BOUNDS_MS.iter().map(|ms| *ms as f64 / 1e3).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(late.buckets).collect();
    encoder.encode_histogram::<NoLabelSet>(late.sum_ms as f64 / 1e3, late.count(), &buckets, None)
}

/// For workloads whose servers are drained; the others have none that could end so.
fn drains_ended(encoder: &mut DescriptorEncoder, seats: &BTreeMap<WorkloadName, Seat>) -> fmt::Result {
    let help = "Servers that were being drained and have gone since the start: as they were empty, as their deadline had \
                passed, or unasked, by somebody else or by themselves.";
    let mut encoder = encoder.encode_descriptor("drains_ended", help, None, MetricType::Counter)?;
    let drains = |seat: &Seat| briefed(seat).is_some_and(|briefing| briefing.workload.drain.is_some());
    for (workload, seat) in seats.iter().filter(|(_, seat)| drains(seat)) {
        let ends = &seat.drained;
        for (cause, count) in [("empty", ends.empty), ("deadline", ends.deadline), ("unasked", ends.unasked)]
        {
            let labels = [("workload", workload.0.as_str()), ("cause", cause)];
            ConstCounter::new(count).encode(encoder.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

type Rows = fn(&View, &Seat) -> Vec<Row>;

/// The metrics of each workload: the name, what it is, and its rows.
const FAMILIES: [(&str, &str, Rows); 20] = [
    ("demand", "What was measured last.", |view, seat| {
        plain(briefed(seat).and_then(|b| Some(b.evidence.latest(view.now)?.demand.get())))
    }),
    ("demand_age_seconds", "How old the last measurement is.", |view, seat| {
        plain(
            briefed(seat)
                .and_then(|b| Some(view.now.duration_since(b.evidence.latest(view.now)?.at).as_secs_f64())),
        )
    }),
    ("coverage", "The share of the expected samples that the last look has found.", |_, seat| {
        let collected = seat.turned.as_ref().and_then(|turned| turned.collected.as_ref().ok());
        plain(collected.map(|collected| collected.coverage.share))
    }),
    ("source_ok", "1 if the last look at the source brought an answer.", |_, seat| {
        plain(seat.turned.as_ref().map(|turned| f64::from(turned.collected.is_ok())))
    }),
    ("history_filled", "The share of the history that has been collected.", |_, seat| {
        plain(seat.turned.as_ref().map(|turned| turned.filled))
    }),
    ("forecast_demand", "What is forecast for now, and for some minutes ahead, by quantile.", forecast),
    ("forecast_age_seconds", "How old the forecast in use is.", |view, seat| {
        let issued = briefed(seat).and_then(|briefing| briefing.issued.as_ref());
        plain(issued.map(|issued| view.now.duration_since(issued.at).as_secs_f64()))
    }),
    ("planned_size", "Servers that are planned for now, and for some minutes ahead.", planned),
    ("size", "Where the fleet is to arrive now, after all that holds it back.", |_, seat| {
        plain(decided(seat).map(|decision| f64::from(decision.size.get())))
    }),
    ("wanted_size", "Servers that would be wanted if nothing held them back.", |_, seat| {
        plain(decided(seat).map(|decision| f64::from(decision.wanted.get())))
    }),
    ("fleet_size", "Servers that were ordered when the fleet was last seen.", |_, seat| {
        let sighting = briefed(seat).and_then(|briefing| briefing.sighting.as_ref());
        plain(sighting.map(|sighting| f64::from(sighting.ordered.get())))
    }),
    ("bound_size", "The fewest and the most servers.", |_, seat| {
        let Some(briefing) = briefed(seat) else { return Vec::new() };
        let bounds = briefing.workload.bounds;
        [("min", bounds.min()), ("max", bounds.max())]
            .map(|(which, size)| (vec![("bound", which.to_owned())], f64::from(size.get())))
            .into()
    }),
    ("reason_info", "1 for the reason of the size, and for each limit that holds it back.", |_, seat| {
        let Some(decision) = decided(seat) else { return Vec::new() };
        let one = |kind: &str, code: &str| (vec![("kind", kind.to_owned()), ("code", code.to_owned())], 1.0);
        let mut limits: Vec<&str> = decision.limits.iter().map(|limit| limit.code()).collect();
        limits.sort_unstable();
        limits.dedup();
        let limits = limits.into_iter().map(|code| one("limit", code));
        std::iter::once(one("reason", decision.because.code())).chain(limits).collect()
    }),
    ("halted", "1 while somebody halts it.", |view, seat| {
        plain(briefed(seat).map(|b| f64::from(b.halts.iter().any(|halt| halt.span.holds(view.now)))))
    }),
    ("draining_servers", "Servers that are being emptied of their sessions.", |_, seat| {
        plain(draining(seat).map(|nodes| nodes.len() as f64))
    }),
    ("draining_sessions", "Sessions that are known to run on servers that drain.", |_, seat| {
        let known = |nodes: Vec<&Node>| {
            nodes.iter().filter_map(|node| node.sessions).map(|s| f64::from(s.count)).sum()
        };
        plain(draining(seat).map(known))
    }),
    ("draining_uncounted", "Servers that drain of whose sessions nothing is known.", |_, seat| {
        let unknown = |nodes: Vec<&Node>| nodes.iter().filter(|node| node.sessions.is_none()).count() as f64;
        plain(draining(seat).map(unknown))
    }),
    (
        "draining_oldest_seconds",
        "For how long the server has drained that began first; 0 if none drains.",
        |view, seat| {
            plain(draining(seat).map(|nodes| {
                let since = nodes.iter().filter_map(|node| drains_since(node)).min();
                since.map_or(0.0, |since| view.now.duration_since(since).as_secs_f64().max(0.0))
            }))
        },
    ),
    (
        "drain_deadline_seconds",
        "How long a server may drain before it is ended with its sessions; absent for never.",
        |_, seat| plain(briefed(seat).and_then(|b| Some(b.workload.drain.as_ref()?.deadline?.as_secs_f64()))),
    ),
    ("turn_timestamp_seconds", "When its last turn was committed.", |_, seat| {
        plain(seat.committed_at.map(|at| at.as_millisecond() as f64 / 1e3))
    }),
];

fn plain(value: Option<f64>) -> Vec<Row> {
    value.map(|value| (Vec::new(), value)).into_iter().collect()
}

fn briefed(seat: &Seat) -> Option<&Briefing> {
    seat.turned.as_deref().and_then(|turned: &Turned| turned.briefing.as_deref())
}

fn decided(seat: &Seat) -> Option<&Decision> {
    seat.turned.as_deref().and_then(|turned: &Turned| turned.decision.as_deref())
}

/// The servers that drain, of a workload whose servers are drained and whose fleet has been seen.
fn draining(seat: &Seat) -> Option<Vec<&Node>> {
    let briefing = briefed(seat).filter(|briefing| briefing.workload.drain.is_some())?;
    let nodes = briefing.sighting.as_ref()?.nodes.iter();
    Some(nodes.filter(|node| drains_since(node).is_some()).collect())
}

fn drains_since(node: &Node) -> Option<Timestamp> {
    match node.phase {
        Phase::Draining { since } => Some(since),
        Phase::Booting | Phase::Serving | Phase::Silent { .. } => None,
    }
}

fn later(now: Timestamp, minutes: i64) -> Timestamp {
    now.saturating_add(jiff::SignedDuration::from_mins(minutes)).unwrap_or(now)
}

fn forecast(view: &View, seat: &Seat) -> Vec<Row> {
    let Some(issued) = briefed(seat).and_then(|briefing| briefing.issued.as_ref()) else { return Vec::new() };
    let at = |minutes: i64| {
        let fan = issued.forecast.fan_at(later(view.now, minutes));
        LEVELS.into_iter().filter_map(move |level| {
            let labels = vec![("ahead_minutes", minutes.to_string()), ("level", level.to_string())];
            Some((labels, fan?.at(level)))
        })
    };
    AHEAD_MIN.into_iter().flat_map(at).collect()
}

fn planned(view: &View, seat: &Seat) -> Vec<Row> {
    let Some(decision) = decided(seat) else { return Vec::new() };
    let at = |minutes: i64| {
        let step = decision.plan.at(later(view.now, minutes))?;
        Some((vec![("ahead_minutes", minutes.to_string())], f64::from(step.size.get())))
    };
    AHEAD_MIN.into_iter().filter_map(at).collect()
}
