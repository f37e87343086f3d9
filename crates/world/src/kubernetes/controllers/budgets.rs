use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::cluster::Cluster;
use super::super::selector::Selector;
use super::super::tree::put;
use super::is_true;

impl Cluster {
    /// Every budget says how many of its pods may be taken now.
    pub(crate) fn keep_budgets(&mut self, now: Timestamp) {
        for key in self.keys("poddisruptionbudgets.policy") {
            let Some(budget) = self.find(&key) else { continue };
            let selector = Selector::of(budget.pointer("/spec/selector").unwrap_or(&Value::Null));
            let pods: Vec<_> =
                self.store.of("pods", &key.namespace).filter(|(_, pod)| selector.takes(pod)).collect();
            let healthy = pods.iter().filter(|(_, pod)| is_true(pod, "Ready")).count() as i64;
            let expected = pods.len() as i64;
            let desired = match budget.pointer("/spec/maxUnavailable") {
                Some(told) => expected - number(told, expected),
                None => number(budget.pointer("/spec/minAvailable").unwrap_or(&json!(1)), expected),
            };
            let status = json!({
                "observedGeneration": budget.pointer("/metadata/generation").cloned().unwrap_or(json!(1)), "expectedPods": expected,
                "currentHealthy": healthy, "desiredHealthy": desired.max(0), "disruptionsAllowed": (healthy - desired).max(0),
            });
            self.edit(&key, "kube-controller-manager", "status", now, |budget| {
                put(budget, "/status", status)
            });
        }
    }
}

/// A number, or a share in percent, rounded up.
fn number(told: &Value, of: i64) -> i64 {
    let percent = told.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
    told.as_i64().unwrap_or_else(|| (of * percent.unwrap_or(0) + 99).div_euclid(100))
}
