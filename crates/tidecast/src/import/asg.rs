mod demand;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::cron;
use super::draft::{Draft, Drafts};
use crate::config::codes::Code;

/// Every Auto Scaling group among the answers of `aws autoscaling describe-auto-scaling-groups`, `describe-policies` and
/// `describe-scheduled-actions`.
pub(super) fn all(answers: &[Value], drafts: &mut Drafts<'_>) {
    let listed = |key: &str| -> Vec<&Value> {
        answers.iter().flat_map(|answer| answer[key].as_array().into_iter().flatten()).collect()
    };
    let (policies, actions) = (listed("ScalingPolicies"), listed("ScheduledUpdateGroupActions"));
    for group in listed("AutoScalingGroups") {
        let name = group["AutoScalingGroupName"].as_str().unwrap_or_default();
        let of = |all: &[&'_ Value]| -> Vec<Value> {
            all.iter().filter(|one| one["AutoScalingGroupName"] == name).map(|one| (*one).clone()).collect()
        };
        one(group, &of(&policies), &of(&actions), drafts);
    }
}

fn one(group: &Value, policies: &[Value], actions: &[Value], drafts: &mut Drafts<'_>) {
    let name = group["AutoScalingGroupName"].as_str().unwrap_or_default();
    let called = format!("Auto Scaling group {name}");
    let Some(region) = region(group) else {
        return drafts.leave_out(called, "neither its ARN nor its zones say in which region it is");
    };
    let (Some(least), Some(most)) = (group["MinSize"].as_u64(), group["MaxSize"].as_u64()) else {
        return drafts.leave_out(called, "it has no MinSize or no MaxSize");
    };
    let mut draft = Draft::new(called, name);
    draft.set("target", json!({ "type": "asg", "group": name, "region": region.as_str() }));
    draft.set("minReplicas", least);
    draft.set("maxReplicas", most);
    demand::demand(&region, name, policies, &mut draft, drafts);
    policies.iter().for_each(|policy| beside(policy, &mut draft));
    schedules(actions, least, &mut draft);
    oddities(group, &mut draft);
    drafts.push(draft);
}

/// The region: the fourth part of the ARN, or a zone without its letter.
fn region(group: &Value) -> Option<String> {
    let arn = group["AutoScalingGroupARN"]
        .as_str()
        .and_then(|arn| arn.split(':').nth(3))
        .filter(|region| !region.is_empty());
    let zone = group["AvailabilityZones"][0]
        .as_str()
        .map(|zone| zone.trim_end_matches(|c: char| c.is_ascii_lowercase()));
    arn.or(zone).map(str::to_owned)
}

/// Policies that go on beside tidecast.
fn beside(policy: &Value, draft: &mut Draft) {
    let name = policy["PolicyName"].as_str().unwrap_or("without a name");
    match policy["PolicyType"].as_str() {
        Some("PredictiveScaling") => {
            let told = &policy["PredictiveScalingConfiguration"];
            let mode = told["Mode"].as_str().unwrap_or("ForecastOnly");
            draft
                .warn(Code::OTHER_FORECASTER, format!("the policy {name} forecasts too, in the mode {mode}"));
            if let Some(buffer) = told["MaxCapacityBuffer"].as_u64() {
                draft.warn(
                    Code::SETTING_LEFT_OUT,
                    format!(
                        "{name} may exceed the maximum by {buffer} %; here `maxReplicas` is never exceeded"
                    ),
                );
            }
        }
        Some(kind @ ("StepScaling" | "SimpleScaling")) => {
            draft.warn(
                Code::POLICY_LEFT_OUT,
                format!("the {kind} policy {name} goes on beside tidecast, which raises the floor"),
            );
        }
        _ => {}
    }
}

/// Recurring actions that raise the minimum, each until the next one that sets it.
fn schedules(actions: &[Value], least: u64, draft: &mut Draft) {
    let ours = |action: &&Value| {
        action["ScheduledActionName"].as_str().is_some_and(|name| name.starts_with("tidecast-"))
    };
    let foreign: Vec<&Value> = actions.iter().filter(|action| !ours(action)).collect();
    let mut by_zone: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for action in &foreign {
        if action["Recurrence"].is_string() && action["MinSize"].is_u64() {
            by_zone.entry(action["TimeZone"].as_str().unwrap_or("UTC")).or_default().push(action);
        } else {
            let name = action["ScheduledActionName"].as_str().unwrap_or("without a name");
            draft.warn(
                Code::SCHEDULE_LEFT_OUT,
                format!("the scheduled action {name} happens once, or does not set a minimum"),
            );
        }
    }
    for (zone, actions) in by_zone {
        let raising = actions.iter().filter(|action| action["MinSize"].as_u64() > Some(least));
        raising.for_each(|action| draft_entry(action, &actions, zone, draft));
    }
}

fn draft_entry(action: &Value, all: &[&Value], zone: &str, draft: &mut Draft) {
    let name = action["ScheduledActionName"].as_str().unwrap_or("scheduled action");
    let start = action["Recurrence"].as_str().unwrap_or_default();
    let clock = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let others = all.iter().filter(|other| !std::ptr::eq(**other, action));
    let spans = others.filter_map(|other| cron::span(start, other["Recurrence"].as_str()?, &clock));
    match spans.min_by_key(|span| span.0) {
        Some(span) => {
            draft.calendar.push(json!({
                "workload": draft.name(), "schedule": start, "zone": zone, "for": span.to_string(),
                "minReplicas": action["MinSize"], "reason": name,
            }));
            if let Some(end) = action["EndTime"].as_str() {
                draft.warn(
                    Code::SETTING_LEFT_OUT,
                    format!(
                        "the scheduled action {name} ends at {end}; its entry goes on until you take it away"
                    ),
                );
            }
        }
        None => draft.warn(
            Code::SCHEDULE_LEFT_OUT,
            format!("the scheduled action {name} is never taken back by another, or after other spans"),
        ),
    }
}

/// What about the group is worth knowing before it is moved.
fn oddities(group: &Value, draft: &mut Draft) {
    for process in group["SuspendedProcesses"].as_array().into_iter().flatten() {
        let name = process["ProcessName"].as_str().unwrap_or("?");
        let reason = process["SuspensionReason"].as_str().unwrap_or_default();
        let since = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        draft.warn(Code::SUSPENDED_THERE, format!("{name} is suspended{since}"));
    }
    if group["WarmPoolConfiguration"].is_object() {
        draft.warn(
            Code::SETTING_LEFT_OUT,
            "its warm pool goes on; the start-up time that is measured is that of a warm server",
        );
    }
    if let Some(cooldown) = group["DefaultCooldown"].as_u64().filter(|cooldown| ![0, 300].contains(cooldown))
    {
        draft.set_in(&["behavior", "scaleDown", "cooldown"], format!("{cooldown}s"));
    }
}
