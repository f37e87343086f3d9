use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use kube::core::DynamicObject;
use serde_json::{Value, json};
use tidecast_pilot::{Allowed, Decision};
use tokio::time::Instant;

use super::Kubernetes;
use super::ask::{Question, Why};
use super::kind::Kind;
use super::marks::{DECIDED_AT, TURN};
use super::stand::{Look, Stand, name, number};
use crate::trouble::Trouble;

/// Nodes for what the plan orders next: a CapacityBuffer of as many Pods as it will want more within a while.
#[derive(Debug)]
pub(super) struct Headroom {
    ahead: SignedDuration,
    written: Mutex<Option<u32>>,
}

impl Headroom {
    pub(super) fn new(ahead: SignedDuration) -> Self {
        Self { ahead, written: Mutex::new(None) }
    }

    /// How many Pods more the plan wants within the time ahead than are ordered now.
    fn pods(&self, decision: &Decision) -> u32 {
        let until = decision.at.checked_add(self.ahead).unwrap_or(Timestamp::MAX);
        let soon = decision.plan.steps.iter().filter(|step| step.at > decision.at && step.at <= until);
        let most = soon.map(|step| step.size.get()).max().unwrap_or(0);
        most.saturating_sub(decision.size.get())
    }

    fn last(&self) -> Option<u32> {
        *self.written.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Kubernetes {
    /// Keeps the buffer as large as the plan asks, if that is wanted and may be done.
    pub(super) async fn keep_headroom(&self, decision: &Decision, until: Instant) -> Result<(), Trouble> {
        let Some(headroom) = self.headroom.as_ref().filter(|_| decision.allowed != Allowed::Nothing) else {
            return Ok(());
        };
        let pods = headroom.pods(decision);
        if headroom.last() == Some(pods) {
            return Ok(());
        }
        let stand = self.stand(Look::Watched, until).await?;
        let kind = Kind::capacity_buffer();
        let called = format!("{}-tidecast", name(&stand.target));
        let stands =
            self.cluster.read::<DynamicObject>(Question::get(&kind, &self.namespace, &called), until).await;
        match &stands {
            Ok(buffer) if is_newer(buffer, decision) => return Ok(()),
            Ok(buffer) if number(buffer, "/spec/replicas") == Some(pods) => {}
            Err(failed) if failed.why != Why::Missing => return Err(failed.trouble.clone()),
            // No buffer is as good as an empty one.
            Err(_) if pods == 0 => {}
            _ => {
                let body = self.buffer(&stand, &called, pods, decision);
                let ask = Question::apply(&kind, &self.namespace, &called, body);
                self.cluster.ask::<Value>(&ask, until).await?;
            }
        }
        *headroom.written.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(pods);
        Ok(())
    }

    fn buffer(&self, stand: &Stand, called: &str, pods: u32, decision: &Decision) -> Value {
        let kind = Kind::capacity_buffer();
        let target = name(&stand.target);
        json!({
            "apiVersion": kind.api_version(), "kind": kind.kind,
            "metadata": {
                "name": called, "namespace": self.namespace,
                "annotations": { TURN: decision.turn.to_string(), DECIDED_AT: decision.at.to_string() },
                "ownerReferences": [{
                    "apiVersion": stand.kind.api_version(), "kind": stand.kind.kind, "name": target,
                    "uid": stand.target.metadata.uid,
                }],
            },
            "spec": {
                "scalableRef": { "apiGroup": stand.kind.group, "kind": stand.kind.kind, "name": target },
                "replicas": pods,
                "provisioningStrategy": "buffer.x-k8s.io/active-capacity",
            },
        })
    }
}

/// Whether a newer turn has written the buffer.
fn is_newer(buffer: &DynamicObject, decision: &Decision) -> bool {
    let note = |key: &str| buffer.metadata.annotations.as_ref()?.get(key).cloned();
    let turn = note(TURN).and_then(|turn| turn.parse::<u64>().ok());
    let at = note(DECIDED_AT).and_then(|at| at.parse::<Timestamp>().ok());
    turn > Some(decision.turn) && at > Some(decision.at)
}
