//! From an answer to AWS's XML.

use jiff::Timestamp;
use tidecast_world::aws::{
    Activity, Answer, Bare, Group, Refusal, ScalingPolicy, Scheduled, WarmPool, Warmth,
};

fn time(at_s: i64) -> String {
    Timestamp::from_second(at_s).unwrap().to_string()
}

fn safe(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn one(tag: &str, value: impl std::fmt::Display) -> String {
    format!("<{tag}>{value}</{tag}>")
}

fn list<T>(tag: &str, all: &[T], each: impl Fn(&T) -> String) -> String {
    one(tag, all.iter().map(|item| one("member", each(item))).collect::<String>())
}

fn more(next: Option<usize>) -> String {
    next.map_or(String::new(), |next| one("NextToken", next))
}

/// A refusal, as EC2's Query API writes it, or any other.
pub(super) fn refusal(is_of_ec2: bool, refusal: &Refusal) -> String {
    let error = one("Code", refusal.code) + &one("Message", safe(&refusal.said));
    match is_of_ec2 {
        true => one("Response", one("Errors", one("Error", error)) + &one("RequestID", "r")),
        false => one("ErrorResponse", one("Error", one("Type", "Sender") + &error) + &one("RequestId", "r")),
    }
}

/// What is answered to an action.
pub(super) fn answer(action: &str, answer: &Answer) -> String {
    let result = match answer {
        Answer::Groups(groups, next) => list("AutoScalingGroups", groups, group) + &more(*next),
        Answer::Activities(all, next) => list("Activities", all, activity) + &more(*next),
        Answer::Scheduled(all, next) => list("ScheduledUpdateGroupActions", all, scheduled) + &more(*next),
        Answer::Policies(all, next) => list("ScalingPolicies", all, policy) + &more(*next),
        Answer::Failed(failed) => {
            let tag = match action {
                "BatchDeleteScheduledAction" => "FailedScheduledActions",
                _ => "FailedScheduledUpdateGroupActions",
            };
            list(tag, failed, |(name, code, said)| {
                one("ScheduledActionName", name) + &one("ErrorCode", code) + &one("ErrorMessage", safe(said))
            })
        }
        Answer::Bare(all, next) => return bares(action, all, *next),
        Answer::Done => String::new(),
    };
    let meta = one("ResponseMetadata", one("RequestId", "r"));
    one(&format!("{action}Response"), one(&format!("{action}Result"), result) + &meta)
}

fn group(group: &Group) -> String {
    let instance = |i: &tidecast_world::aws::Instance| {
        [
            one("InstanceId", &i.id),
            one("AvailabilityZone", "eu-west-1a"),
            one("LifecycleState", i.life.word()),
            one("HealthStatus", if i.healthy { "Healthy" } else { "Unhealthy" }),
            one("ProtectedFromScaleIn", i.protected),
            if group.weights.is_empty() { String::new() } else { one("WeightedCapacity", i.weight) },
        ]
        .concat()
    };
    let tags: Vec<(&String, &String)> = group.tags.iter().collect();
    let tag = |(key, value): &(&String, &String)| {
        one("ResourceId", &group.name)
            + &one("Key", key)
            + &one("Value", safe(value))
            + &one("PropagateAtLaunch", false)
    };
    let suspended: Vec<&String> = group.suspended.iter().collect();
    [
        one("AutoScalingGroupName", &group.name),
        one(
            "AutoScalingGroupARN",
            format!("arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:u:autoScalingGroupName/{}", group.name),
        ),
        one("MinSize", group.min),
        one("MaxSize", group.max),
        one("DesiredCapacity", group.desired),
        one("DefaultCooldown", 300),
        one("NewInstancesProtectedFromScaleIn", group.protects_new),
        // Whether AWS lists instances of the warm pool here too is not documented (unverified): that is the harder case.
        list("Instances", &group.instances, instance),
        group.pool.map_or(String::new(), |pool| warm_pool(&pool, group.warm())),
        if group.weights.is_empty() { String::new() } else { mixed(&group.weights) },
        list("Tags", &tags, tag),
        list("SuspendedProcesses", &suspended, |name| one("ProcessName", name)),
    ]
    .concat()
}

fn warm_pool(pool: &WarmPool, warm: usize) -> String {
    let state = match pool.warmth {
        Warmth::Stopped => "Stopped",
        Warmth::Running => "Running",
    };
    let prepared = pool.prepared.map_or(String::new(), |most| one("MaxGroupPreparedCapacity", most));
    let told = one("MinSize", pool.min) + &one("PoolState", state) + &prepared;
    one("WarmPoolConfiguration", told) + &one("WarmPoolSize", warm)
}

fn mixed(weights: &[u32]) -> String {
    let each =
        |weight: &u32| one("InstanceType", format!("m5.{weight}xlarge")) + &one("WeightedCapacity", weight);
    let template = one("LaunchTemplateSpecification", one("LaunchTemplateName", "shop"));
    one("MixedInstancesPolicy", one("LaunchTemplate", template + &list("Overrides", weights, each)))
}

fn activity(activity: &Activity) -> String {
    [
        one("ActivityId", &activity.id),
        one("Description", safe(&activity.description)),
        one("Cause", safe(&activity.cause)),
        one("StartTime", time(activity.start_s)),
        activity.end_s.map_or(String::new(), |end_s| one("EndTime", time(end_s))),
        one("StatusCode", activity.status),
        activity.message.as_ref().map_or(String::new(), |said| one("StatusMessage", safe(said))),
    ]
    .concat()
}

fn policy((group, policy): &(String, ScalingPolicy)) -> String {
    let label = policy.label.as_ref().map_or(String::new(), |label| one("ResourceLabel", safe(label)));
    let metric = one("PredefinedMetricType", &policy.metric) + &label;
    let tracking = one("PredefinedMetricSpecification", metric)
        + &one("TargetValue", format!("{:?}", policy.target))
        + &one("DisableScaleIn", policy.only_adds);
    [
        one("AutoScalingGroupName", safe(group)),
        one("PolicyName", safe(&policy.name)),
        one("PolicyType", "TargetTrackingScaling"),
        one("TargetTrackingConfiguration", tracking),
        one("Enabled", true),
    ]
    .concat()
}

fn scheduled((group, action): &(String, Scheduled)) -> String {
    let size = |tag: &str, size: Option<u32>| size.map_or(String::new(), |size| one(tag, size));
    [
        one("AutoScalingGroupName", safe(group)),
        one("ScheduledActionName", safe(&action.name)),
        one("StartTime", time(action.start_s)),
        size("MinSize", action.min),
        size("MaxSize", action.max),
        size("DesiredCapacity", action.desired),
        action.recurrence.as_ref().map_or(String::new(), |cron| one("Recurrence", cron)),
    ]
    .concat()
}

fn bares(action: &str, all: &[Bare], next: Option<usize>) -> String {
    let bare = |bare: &Bare| {
        let tags = bare.tags.iter().map(|(k, v)| one("item", one("key", k) + &one("value", safe(v))));
        [
            one("instanceId", &bare.id),
            one("instanceState", one("name", bare.state)),
            one("launchTime", time(bare.launched_s)),
            one("tagSet", tags.collect::<String>()),
        ]
        .concat()
    };
    let instances = one("instancesSet", all.iter().map(|b| one("item", bare(b))).collect::<String>());
    match action {
        "RunInstances" => one("RunInstancesResponse", one("reservationId", "r-1") + &instances),
        _ => {
            let reservations = one("reservationSet", one("item", one("reservationId", "r-1") + &instances));
            let token = next.map_or(String::new(), |next| one("nextToken", next));
            one("DescribeInstancesResponse", reservations + &token)
        }
    }
}
