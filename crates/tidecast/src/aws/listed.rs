//! Groups as `aws autoscaling describe-…` prints them, for whoever reads such files already.

use std::sync::Arc;

use aws_sdk_autoscaling::types::{AutoScalingGroup, CustomizedMetricSpecification};
use aws_sdk_autoscaling::types::{ScalingPolicy, ScheduledUpdateGroupAction};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Region, Visit, from_time};
use crate::trouble::Trouble;

/// More pages than this are no list any more.
const PAGES_MAX: usize = 200;

/// All groups of a region, with their policies and scheduled actions: the answers of `describe-auto-scaling-groups`,
/// `describe-policies` and `describe-scheduled-actions`, as far as somebody who takes them over needs them.
///
/// # Errors
/// [`Trouble`] when any page cannot be had: half a list is none.
pub async fn groups(region: &Arc<Region>, now: Timestamp) -> Result<Vec<Value>, Trouble> {
    let visit = Visit::new(region.clone(), format!("Auto Scaling in {}", region.name()), now);
    let (mut groups, mut policies, mut actions) = (Vec::new(), Vec::new(), Vec::new());
    let client = visit.clients().await?.scaling;
    let (mut next, mut pages) = (None, 0);
    loop {
        let call = client.describe_auto_scaling_groups().max_records(100).set_next_token(next).send();
        let page = visit.call("DescribeAutoScalingGroups", call).await?;
        groups.extend(page.auto_scaling_groups().iter().map(group));
        next = more(page.next_token, &mut pages, &visit)?;
        if next.is_none() {
            break;
        }
    }
    loop {
        let page =
            visit.call("DescribePolicies", client.describe_policies().set_next_token(next).send()).await?;
        policies.extend(page.scaling_policies().iter().map(policy));
        next = more(page.next_token, &mut pages, &visit)?;
        if next.is_none() {
            break;
        }
    }
    loop {
        let call = client.describe_scheduled_actions().set_next_token(next).send();
        let page = visit.call("DescribeScheduledActions", call).await?;
        actions.extend(page.scheduled_update_group_actions().iter().map(action));
        next = more(page.next_token, &mut pages, &visit)?;
        if next.is_none() {
            break;
        }
    }
    Ok(vec![
        json!({ "AutoScalingGroups": groups }),
        json!({ "ScalingPolicies": policies }),
        json!({ "ScheduledUpdateGroupActions": actions }),
    ])
}

fn more(next: Option<String>, pages: &mut usize, visit: &Visit) -> Result<Option<String>, Trouble> {
    *pages += 1;
    match *pages > PAGES_MAX {
        true => Err(Trouble::TooMuch { who: visit.who().into(), limit: PAGES_MAX as u64, unit: "pages" }),
        false => Ok(next),
    }
}

fn group(group: &AutoScalingGroup) -> Value {
    let tags: Vec<Value> =
        group.tags().iter().map(|tag| json!({ "Key": tag.key, "Value": tag.value })).collect();
    let suspended: Vec<Value> = group
        .suspended_processes()
        .iter()
        .map(|process| json!({ "ProcessName": process.process_name }))
        .collect();
    clean(json!({
        "AutoScalingGroupName": group.auto_scaling_group_name,
        "AutoScalingGroupARN": group.auto_scaling_group_arn,
        "MinSize": group.min_size,
        "MaxSize": group.max_size,
        "DesiredCapacity": group.desired_capacity,
        "DefaultCooldown": group.default_cooldown,
        "DefaultInstanceWarmup": group.default_instance_warmup,
        "AvailabilityZones": group.availability_zones,
        "NewInstancesProtectedFromScaleIn": group.new_instances_protected_from_scale_in,
        "TargetGroupARNs": group.target_group_arns,
        "WarmPoolConfiguration": group.warm_pool_configuration.as_ref().map(|pool| json!({ "MinSize": pool.min_size })),
        "MixedInstancesPolicy": group.mixed_instances_policy.as_ref().map(|_| json!({})),
        "SuspendedProcesses": suspended,
        "Tags": tags,
    }))
}

fn policy(policy: &ScalingPolicy) -> Value {
    let tracking = policy.target_tracking_configuration.as_ref().map(|told| {
        let predefined = told.predefined_metric_specification.as_ref().map(|metric| {
            clean(json!({
                "PredefinedMetricType": metric.predefined_metric_type.as_ref().map(|kind| kind.as_str()),
                "ResourceLabel": metric.resource_label,
            }))
        });
        clean(json!({
            "TargetValue": told.target_value,
            "DisableScaleIn": told.disable_scale_in,
            "PredefinedMetricSpecification": predefined,
            "CustomizedMetricSpecification": told.customized_metric_specification.as_ref().map(custom),
        }))
    });
    let predictive = policy.predictive_scaling_configuration.as_ref().map(|told| {
        let mode = told.mode.as_ref().map(|mode| mode.as_str());
        clean(json!({ "Mode": mode, "MaxCapacityBuffer": told.max_capacity_buffer }))
    });
    clean(json!({
        "AutoScalingGroupName": policy.auto_scaling_group_name,
        "PolicyName": policy.policy_name,
        "PolicyType": policy.policy_type,
        "Enabled": policy.enabled,
        "TargetTrackingConfiguration": tracking,
        "PredictiveScalingConfiguration": predictive,
    }))
}

fn custom(metric: &CustomizedMetricSpecification) -> Value {
    let dimensions = metric.dimensions().iter().map(|one| json!({ "Name": one.name, "Value": one.value }));
    let metrics = metric.metrics().iter().map(|one| json!({ "Id": one.id, "Expression": one.expression }));
    clean(json!({
        "Namespace": metric.namespace,
        "MetricName": metric.metric_name,
        "Dimensions": dimensions.collect::<Vec<_>>(),
        "Statistic": metric.statistic.as_ref().map(|statistic| statistic.as_str()),
        "Metrics": Some(metrics.collect::<Vec<_>>()).filter(|all| !all.is_empty()),
    }))
}

fn action(action: &ScheduledUpdateGroupAction) -> Value {
    let time = |at: &Option<_>| at.as_ref().and_then(from_time).map(|at| at.to_string());
    clean(json!({
        "AutoScalingGroupName": action.auto_scaling_group_name,
        "ScheduledActionName": action.scheduled_action_name,
        "StartTime": time(&action.start_time),
        "EndTime": time(&action.end_time),
        "Recurrence": action.recurrence,
        "TimeZone": action.time_zone,
        "MinSize": action.min_size,
        "MaxSize": action.max_size,
        "DesiredCapacity": action.desired_capacity,
    }))
}

/// The command line leaves out what is not there.
fn clean(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| !field.is_null());
    }
    value
}
