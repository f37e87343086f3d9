use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::cluster::Cluster;
use super::super::kind::Scale;
use super::super::quantity;
use super::super::selector::Selector;
use super::super::store::Key;
use super::super::tree::{list, put, text, time, whole};
use super::behavior::Way;
use super::{is_true, set_condition};

/// The HPA controller looks this often, in seconds.
const EVERY: i64 = 15;

/// What an autoscaler's target is at the moment.
struct Target {
    key: Key,
    scale: Scale,
    size: i64,
    pods: i64,
}

/// What an autoscaler comes to, and why.
struct Verdict {
    size: i64,
    why: String,
}

impl Cluster {
    /// Every HorizontalPodAutoscaler whose time has come looks at its metrics and sets the size.
    pub(crate) fn autoscale(&mut self, now: Timestamp) {
        for key in self.keys("horizontalpodautoscalers.autoscaling") {
            let record = self.memory.autoscalers.entry(key.clone()).or_default();
            if record.due.is_none_or(|due| due <= now) {
                record.due = Some(now + SignedDuration::from_secs(EVERY));
                self.autoscale_one(&key, now);
            }
        }
    }

    fn autoscale_one(&mut self, key: &Key, now: Timestamp) {
        let Some(autoscaler) = self.find(key) else { return };
        let Some(target) = self.target_of(&autoscaler, &key.namespace) else {
            return self.judge_autoscaler(
                key,
                [
                    "AbleToScale",
                    "False",
                    "FailedGetScale",
                    "the HPA controller was unable to get the target's current scale",
                ],
                now,
            );
        };
        let (least, most) = (
            whole(&autoscaler, "/spec/minReplicas").unwrap_or(1),
            whole(&autoscaler, "/spec/maxReplicas").unwrap_or(1),
        );
        let verdict = match target.size {
            0 if least > 0 => {
                return self.judge_autoscaler(
                    key,
                    [
                        "ScalingActive",
                        "False",
                        "ScalingDisabled",
                        "scaling is disabled since the replica count of the target is zero",
                    ],
                    now,
                );
            }
            size if size > most => {
                Verdict { size: most, why: "Current number of replicas above Spec.MaxReplicas".to_owned() }
            }
            size if size < least => {
                Verdict { size: least, why: "Current number of replicas below Spec.MinReplicas".to_owned() }
            }
            _ => self.measured(key, &autoscaler, &target, (least, most), now),
        };
        self.carry_out(key, &autoscaler, &target, &verdict, now);
    }

    fn target_of(&self, autoscaler: &Value, namespace: &str) -> Option<Target> {
        let reference = |field: &str| text(autoscaler, &format!("/spec/scaleTargetRef/{field}"));
        let kind = self.kinds.of(reference("apiVersion"), reference("kind"))?;
        let scale = kind.scale.clone().filter(|_| !self.faults.hides_scale())?;
        let key = Key::new(&kind.storage(), namespace, reference("name"));
        let object = self.find(&key)?;
        let selector = super::super::scale::told(&scale, &object);
        let selector = Selector::parse(text(&selector, "/status/selector"), "").ok()?;
        let pods =
            self.store.of("pods", namespace).filter(|(_, pod)| selector.takes(pod) && is_true(pod, "Ready"));
        Some(Target {
            key,
            size: whole(&object, &scale.wanted).unwrap_or(0),
            pods: pods.count() as i64,
            scale,
        })
    }

    /// What the metrics ask for, within tolerance, behavior and bounds; the current size if there are none.
    fn measured(
        &mut self,
        key: &Key,
        autoscaler: &Value,
        target: &Target,
        (least, most): (i64, i64),
        now: Timestamp,
    ) -> Verdict {
        let ways = [Way::of(autoscaler, "scaleUp"), Way::of(autoscaler, "scaleDown")];
        let total = self.metrics.total(&key.namespace, &key.name);
        let wishes =
            list(autoscaler, "/spec/metrics").iter().filter_map(|metric| wish(metric, total?, target, &ways));
        let Some(wanted) = wishes.max() else {
            let message = "the HPA was unable to compute the replica count: unable to get metrics: no metrics returned from the metrics API";
            self.judge_autoscaler(key, ["ScalingActive", "False", "FailedGetResourceMetric", message], now);
            return Verdict { size: target.size, why: String::new() };
        };
        self.judge_autoscaler(
            key,
            [
                "ScalingActive",
                "True",
                "ValidMetricFound",
                "the HPA was able to successfully calculate a replica count",
            ],
            now,
        );
        let record = self.memory.autoscalers.entry(key.clone()).or_default();
        let size = record.settle(target.size, wanted, [&ways[0], &ways[1]], now).clamp(least, most);
        let limited = match wanted {
            wanted if wanted > most => [
                "ScalingLimited",
                "True",
                "TooManyReplicas",
                "the desired replica count is more than the maximum replica count",
            ],
            wanted if wanted < least => [
                "ScalingLimited",
                "True",
                "TooFewReplicas",
                "the desired replica count is less than the minimum replica count",
            ],
            _ => [
                "ScalingLimited",
                "False",
                "DesiredWithinRange",
                "the desired count is within the acceptable range",
            ],
        };
        self.judge_autoscaler(key, limited, now);
        let why = if size > target.size { "metric above target" } else { "All metrics below target" };
        Verdict { size, why: why.to_owned() }
    }

    fn carry_out(
        &mut self,
        key: &Key,
        autoscaler: &Value,
        target: &Target,
        verdict: &Verdict,
        now: Timestamp,
    ) {
        let Target { key: object, scale, size, .. } = target;
        self.judge_autoscaler(
            key,
            ["AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"],
            now,
        );
        let rescales = verdict.size != *size;
        if rescales {
            self.edit(object, "kube-controller-manager", "scale", now, |object| {
                put(object, &scale.wanted, verdict.size)
            });
            self.memory.autoscalers.entry(key.clone()).or_default().change(*size, verdict.size, now);
            let message = format!("New size: {}; reason: {}", verdict.size, verdict.why);
            self.report(
                autoscaler,
                "horizontal-pod-autoscaler",
                ["Normal", "SuccessfulRescale", &message],
                now,
            );
            self.judge_autoscaler(
                key,
                [
                    "AbleToScale",
                    "True",
                    "SucceededRescale",
                    &format!("the HPA controller was able to update the target scale to {}", verdict.size),
                ],
                now,
            );
        }
        let current =
            list(autoscaler, "/spec/metrics").first().zip(self.metrics.total(&key.namespace, &key.name));
        let current = current.and_then(|(metric, total)| told(metric, total, target.pods.max(1)));
        self.edit(key, "kube-controller-manager", "status", now, |autoscaler| {
            put(autoscaler, "/status/currentReplicas", *size);
            put(autoscaler, "/status/desiredReplicas", verdict.size);
            if let Some(current) = current {
                put(autoscaler, "/status/currentMetrics", json!([current]));
            }
            if rescales {
                put(autoscaler, "/status/lastScaleTime", time(now));
            }
        });
    }

    fn judge_autoscaler(&mut self, key: &Key, condition: [&str; 4], now: Timestamp) {
        self.edit(key, "kube-controller-manager", "status", now, |autoscaler| {
            if autoscaler.pointer("/status/desiredReplicas").is_none() {
                put(autoscaler, "/status/desiredReplicas", 0);
            }
            set_condition(autoscaler, condition, now);
        });
    }
}

/// The size that one metric asks for: `ceil(total ÷ target)`, unless the ratio is within the tolerance.
fn wish(metric: &Value, total: f64, target: &Target, [up, down]: &[Way; 2]) -> Option<i64> {
    let (aim, each) = aim(metric)?;
    let per_pod = total / target.pods.max(1) as f64;
    let ratio = if each { per_pod / aim } else { total / aim };
    let near = ratio <= 1.0 + up.tolerance && ratio >= 1.0 - down.tolerance;
    if near {
        return Some(target.size);
    }
    let wanted = if each { total / aim } else { ratio * target.pods.max(1) as f64 };
    Some((wanted - 1e-9).ceil() as i64)
}

/// What a metric aims at, and whether for each pod.
fn aim(metric: &Value) -> Option<(f64, bool)> {
    let source = source(metric)?;
    let at = |field: &str| metric.pointer(&format!("/{source}/target/{field}"));
    let number = |value: &Value| quantity::milli(value.as_str()?).map(|milli| milli as f64 / 1000.0);
    if let Some(percent) = at("averageUtilization").and_then(Value::as_f64) {
        return Some((percent, true));
    }
    let each = at("averageValue").and_then(number).map(|aim| (aim, true));
    each.or_else(|| at("value").and_then(number).map(|aim| (aim, false)))
}

fn source(metric: &Value) -> Option<&'static str> {
    ["resource", "pods", "object", "external", "containerResource"]
        .into_iter()
        .find(|source| metric.get(source).is_some())
}

/// What was measured, as the status tells it.
fn told(metric: &Value, total: f64, pods: i64) -> Option<Value> {
    let source = source(metric)?;
    let each = total / pods as f64;
    let quantity = |value: f64| quantity::told((value * 1000.0).round() as i128);
    let current = match source {
        "resource" | "containerResource" => {
            json!({"averageUtilization": each.round() as i64, "averageValue": quantity(each)})
        }
        _ if metric.pointer(&format!("/{source}/target/value")).is_some() => {
            json!({"value": quantity(total)})
        }
        _ => json!({"averageValue": quantity(each)}),
    };
    let mut told = metric.clone();
    super::super::tree::cut(&mut told, &format!("/{source}/target"));
    put(&mut told, &format!("/{source}/current"), current);
    Some(told)
}
