use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidecast_pilot::{Decision, Limit, Mode};
use tokio::time::Instant;

use super::Kubernetes;
use super::ask::{Question, Why};
use super::carry::Carried;
use super::kind::Kind;
use super::stand::{Stand, name};
use crate::trouble::Trouble;

/// What was told last, so that nothing is told twice.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    /// The refusals that hold, by their codes.
    refusals: BTreeSet<&'static str>,
    /// The last Event: its name, what it says, how often.
    event: Option<(String, Said, u32)>,
    /// Whether it was said that Events cannot be told.
    silenced: bool,
}

/// What an Event says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    kind: &'static str,
    reason: &'static str,
    note: String,
}

/// How long telling may take; the fleet does not wait for it longer.
const TELL_MAX: Duration = Duration::from_secs(2);
/// The longest note that the API takes, in bytes.
const NOTE_MAX: usize = 1_000;
/// The longest name of who reports, in bytes; that of a host may be longer.
const INSTANCE_MAX: usize = 128;
/// How much of the target's name an Event's name begins with: with the time behind it no name is too long.
const CALLED_MAX: usize = 200;

impl Kubernetes {
    /// Tells what a decision has changed, and what newly keeps it from changing anything. An observer tells nothing: it has
    /// no right to.
    pub(super) async fn tell(&self, decision: &Decision, carried: Result<&Carried, &Trouble>) {
        if is_observing(decision) {
            return;
        }
        let mut said = self.refusals(decision);
        match carried {
            Ok(Carried { receipt, changed: Some((stand, number)), overruled }) => {
                let reason = if *number > stand.ordered() { "ScaledOut" } else { "ScaledIn" };
                let note = format!("turn {}: {receipt}, because {}", decision.turn, decision.because);
                said.push(Said { kind: "Normal", reason, note });
                said.extend(overruled.as_ref().map(|writer| Said {
                    kind: "Warning",
                    reason: "Overruled",
                    note: format!(
                        "{writer} had set it to {}; if that happens again, tidecast holds",
                        stand.ordered()
                    ),
                }));
            }
            Ok(_) => {}
            Err(trouble) => {
                said.push(Said { kind: "Warning", reason: "NotCarriedOut", note: trouble.to_string() })
            }
        }
        if said.is_empty() {
            return;
        }
        let until = Instant::now() + TELL_MAX;
        let Ok(stand) = self.stand(super::stand::Look::Watched, until).await else { return };
        for one in said {
            self.tell_one(&stand, one, decision.at, until).await;
        }
    }

    /// What holds the decision back and did not before.
    fn refusals(&self, decision: &Decision) -> Vec<Said> {
        let held = !decision.withheld.is_empty() || decision.size != decision.wanted;
        let limits: Vec<&Limit> = decision.limits.iter().filter(|_| held).collect();
        let mut last = self.told.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let new = limits.iter().filter(|limit| !last.refusals.contains(limit.code()));
        let said =
            new.map(|limit| Said { kind: "Warning", reason: "HeldBack", note: limit.to_string() }).collect();
        last.refusals = limits.iter().map(|limit| limit.code()).collect();
        said
    }

    /// Tells one Event, or counts it if it says the same as the last.
    async fn tell_one(&self, stand: &Stand, said: Said, at: Timestamp, until: Instant) {
        let before = self.told.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).event.clone();
        let kind = Kind::event();
        let repeated = before.filter(|(_, last, _)| *last == said);
        let (event, count) = match repeated {
            Some((event, _, count)) => (event, count + 1),
            None => (event_name(name(&stand.target), (self.clock)()), 1),
        };
        let ask = match count {
            1 => Question::create(&kind, &self.namespace, self.event(stand, &event, &said, at)),
            _ => {
                let series = json!({ "series": { "count": count, "lastObservedTime": micro(at) } });
                Question::merge(&kind, &self.namespace, &event, series)
            }
        };
        let told = self.cluster.ask::<Value>(&ask, until).await;
        let mut last = self.told.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match told {
            Ok(_) => last.event = Some((event, said, count)),
            Err(failed) => {
                // The server has forgotten it, as it does after an hour: the next is a new one.
                last.event = None;
                let forbidden = failed.why == Why::Forbidden;
                if !(forbidden && last.silenced) {
                    tracing::warn!(
                        workload = self.workload,
                        "an Event could not be told: {}",
                        failed.trouble
                    );
                }
                last.silenced |= forbidden;
            }
        }
    }

    fn event(&self, stand: &Stand, event: &str, said: &Said, at: Timestamp) -> Value {
        let mut note = said.note.clone();
        if note.len() > NOTE_MAX {
            note = format!("{}…", cut(&note, NOTE_MAX - 3));
        }
        let instance = std::env::var("HOSTNAME").ok().filter(|host| !host.is_empty());
        let instance = instance.as_deref().map_or("tidecast", |host| cut(host, INSTANCE_MAX));
        json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": { "name": event, "namespace": self.namespace },
            "eventTime": micro(at), "type": said.kind, "reason": said.reason, "action": "Scale", "note": note,
            "reportingController": "tidecast.dev/tidecast",
            "reportingInstance": instance,
            "regarding": {
                "apiVersion": stand.kind.api_version(), "kind": stand.kind.kind, "name": name(&stand.target),
                "namespace": self.namespace, "uid": stand.target.metadata.uid,
                "resourceVersion": stand.target.metadata.resource_version,
            },
        })
    }
}

/// Whether a decision is only looked at.
pub(super) fn is_observing(decision: &Decision) -> bool {
    decision.limits.iter().any(|limit| matches!(limit, Limit::Mode { mode: Mode::Observe }))
}

/// Unlike that of any other Event, and a name that the API takes whatever the target is called.
fn event_name(target: &str, now: Timestamp) -> String {
    let called = cut(target, CALLED_MAX).trim_end_matches(['.', '-']);
    format!("{called}.{:x}", now.as_nanosecond())
}

/// The beginning of a text, of at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// As Kubernetes writes moments of Events: with exactly six digits.
fn micro(at: Timestamp) -> String {
    format!("{at:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_events_as_the_api_takes_it_whatever_the_target_is_called() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        assert_eq!(event_name("web", now), "web.18ebe51f86778000");
        let long = event_name(&format!("{}-{}", "a".repeat(199), "b".repeat(53)), now);
        assert_eq!(long.len(), 199 + 17, "a dash before a dot is no name: {long}");
    }

    #[test]
    fn cuts_texts_between_letters() {
        assert_eq!([cut("Zürich", 2), cut("Zürich", 3), cut("Zürich", 99)], ["Z", "Zü", "Zürich"]);
    }

    #[test]
    fn writes_moments_with_six_digits() {
        assert_eq!(micro("2026-11-27T12:00:00Z".parse().unwrap()), "2026-11-27T12:00:00.000000Z");
    }
}
