//! Two kinds are kept in one version and shown in another: autoscalers are `v2`, and `v1` is a part of that.

use serde_json::{Value, json};

use super::tree::{cut, list, put, text};

/// From `autoscaling/v1` to what is kept.
pub(crate) fn kept(mut autoscaler: Value) -> Value {
    if let Some(percent) = cut(&mut autoscaler, "/spec/targetCPUUtilizationPercentage") {
        let target = json!({"type": "Utilization", "averageUtilization": percent});
        put(
            &mut autoscaler,
            "/spec/metrics",
            json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]),
        );
    }
    put(&mut autoscaler, "/apiVersion", "autoscaling/v2");
    autoscaler
}

/// From what is kept to `autoscaling/v1`, which knows no metric but the CPU's.
pub(crate) fn shown(mut autoscaler: Value) -> Value {
    let is_cpu = |metric: &&Value| text(metric, "/resource/name") == "cpu";
    let percent = |list: &[Value], part: &str| {
        list.iter()
            .find(is_cpu)
            .and_then(|metric| metric.pointer(&format!("/resource/{part}/averageUtilization")).cloned())
    };
    let (aimed, measured) = (
        percent(list(&autoscaler, "/spec/metrics"), "target"),
        percent(list(&autoscaler, "/status/currentMetrics"), "current"),
    );
    for field in ["/spec/metrics", "/spec/behavior", "/status/currentMetrics", "/status/conditions"] {
        cut(&mut autoscaler, field);
    }
    if let Some(aimed) = aimed {
        put(&mut autoscaler, "/spec/targetCPUUtilizationPercentage", aimed);
    }
    if let Some(measured) = measured {
        put(&mut autoscaler, "/status/currentCPUUtilizationPercentage", measured);
    }
    put(&mut autoscaler, "/apiVersion", "autoscaling/v1");
    autoscaler
}
