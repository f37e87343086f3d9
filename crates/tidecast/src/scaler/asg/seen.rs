use std::collections::BTreeMap;

use aws_sdk_autoscaling::types::{Activity as SdkActivity, AutoScalingGroup, Instance, LifecycleState};
use aws_sdk_autoscaling::types::{ScalingActivityStatusCode, ScheduledUpdateGroupAction};
use jiff::Timestamp;

use super::floors::Floor;
use crate::aws::from_time;
use crate::trouble::one_line;

/// A group as it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Group {
    /// The fewest instances.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// How many it keeps.
    pub desired: u32,
    /// Those that it has, those that are going left out.
    pub members: Vec<Member>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Processes that are suspended.
    pub suspended: Vec<String>,
    /// Whether its sizes count units of capacity, of which an instance has its weight.
    pub weighted: bool,
    /// How many instances are in its warm pool, if it has one.
    pub warm_pool: Option<u32>,
    /// What is said of a group that is being deleted.
    pub status: Option<String>,
    /// Whether every page was read.
    pub complete: bool,
}

/// One instance of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Its id.
    pub id: String,
    /// What it is doing.
    pub life: Life,
    /// Whether its health checks succeed.
    pub healthy: bool,
    /// Whether scale-in leaves it alone.
    pub protected: bool,
    /// Of how many units of the group's sizes it is; one, unless instances have weights.
    pub weight: u32,
}

/// The lifecycle states, as far as they differ here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// Launched, not serving.
    Pending,
    /// Serving.
    InService,
    /// Set aside by somebody: neither serving nor counted as desired.
    Standby,
    /// Going or gone.
    Leaving,
}

/// One scaling activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Activity {
    /// Its id.
    pub id: String,
    /// What it does.
    pub description: String,
    /// Why.
    pub cause: String,
    /// When it began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// Whether it ended well.
    pub successful: bool,
}

/// One action that is scheduled in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scheduled {
    /// Its name.
    pub name: String,
    /// When it starts next, in seconds.
    pub start_s: Option<i64>,
    /// The minimum that it sets.
    pub min: Option<u32>,
    /// Whether it sets anything else, or comes again: ours do neither.
    pub more: bool,
}

impl Group {
    /// This group, with what a further page says.
    pub(super) fn read(&mut self, group: &AutoScalingGroup) {
        let size = |value: Option<i32>| u32::try_from(value.unwrap_or(0)).unwrap_or(0);
        (self.min, self.max) = (size(group.min_size), size(group.max_size));
        self.desired = size(group.desired_capacity);
        self.members.extend(group.instances().iter().filter_map(Member::read));
        let tags = group.tags().iter();
        self.tags
            .extend(tags.filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()))));
        self.weighted = is_weighted(group);
        self.warm_pool = group.warm_pool_configuration().map(|_| size(group.warm_pool_size));
        self.status = group.status().map(one_line);
        self.suspended.extend(group.suspended_processes().iter().filter_map(|p| p.process_name.clone()));
    }

    /// An instance that is not going, by its id.
    pub(super) fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id && member.life != Life::Leaving)
    }
}

impl Member {
    fn read(instance: &Instance) -> Option<Self> {
        let life = match instance.lifecycle_state.as_ref()? {
            LifecycleState::InService => Life::InService,
            LifecycleState::Pending | LifecycleState::PendingProceed | LifecycleState::PendingWait => {
                Life::Pending
            }
            LifecycleState::Standby | LifecycleState::EnteringStandby => Life::Standby,
            // Instances in a warm pool are not the group's yet; what is not known does not serve.
            _ => Life::Leaving,
        };
        Some(Self {
            id: instance.instance_id.clone()?,
            life,
            healthy: instance
                .health_status
                .as_deref()
                .is_none_or(|health| health.eq_ignore_ascii_case("healthy")),
            protected: instance.protected_from_scale_in.unwrap_or(false),
            weight: instance.weighted_capacity().and_then(|weight| weight.parse().ok()).unwrap_or(1),
        })
    }
}

/// Whether sizes count anything else than instances: by weights of instance types, or by processors or memory.
fn is_weighted(group: &AutoScalingGroup) -> bool {
    let template = group.mixed_instances_policy().and_then(|mixed| mixed.launch_template());
    let overrides = template.map(|template| template.overrides()).unwrap_or_default();
    let heavy = |weight: Option<&str>| weight.is_some_and(|weight| weight != "1");
    let by_type = group.desired_capacity_type().is_some_and(|unit| !matches!(unit, "" | "units"));
    by_type
        || overrides.iter().any(|one| heavy(one.weighted_capacity()))
        || group.instances().iter().any(|one| heavy(one.weighted_capacity()))
}

impl Activity {
    pub(super) fn read(activity: &SdkActivity) -> Option<Self> {
        Some(Self {
            id: activity.activity_id.clone()?,
            description: activity.description.clone().unwrap_or_default(),
            cause: activity.cause.clone().unwrap_or_default(),
            start: activity.start_time.as_ref().and_then(from_time),
            end: activity.end_time.as_ref().and_then(from_time),
            successful: activity.status_code == Some(ScalingActivityStatusCode::Successful),
        })
    }
}

/// What our actions are called: this, and the second of their start.
const OURS: &str = "tidecast-";

impl Scheduled {
    pub(super) fn read(action: &ScheduledUpdateGroupAction) -> Option<Self> {
        Some(Self {
            name: action.scheduled_action_name.clone()?,
            start_s: action.start_time.as_ref().map(|at| at.secs()),
            min: action.min_size.and_then(|min| u32::try_from(min).ok()),
            more: action.max_size.is_some()
                || action.desired_capacity.is_some()
                || action.recurrence.is_some(),
        })
    }

    /// Whether it is one of ours: by its name alone, for nobody else gives such.
    pub(super) fn is_ours(&self) -> bool {
        let second = self.name.strip_prefix(OURS);
        second.is_some_and(|second| !second.is_empty() && second.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Whether it says what this floor says.
    pub(super) fn says(&self, floor: &Floor) -> bool {
        self.start_s == Some(floor.start_s) && self.min == Some(floor.min) && !self.more
    }
}

impl Floor {
    /// What its action is called.
    pub(super) fn name(&self) -> String {
        format!("{OURS}{}", self.start_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // S6.3
    fn counts_units_where_instances_have_weights() {
        let instance = |weight: Option<&str>| {
            Instance::builder()
                .instance_id("i-1")
                .lifecycle_state(LifecycleState::InService)
                .set_weighted_capacity(weight.map(str::to_owned))
                .build()
        };
        let read = |group: AutoScalingGroup| {
            let mut read = Group::default();
            read.read(&group);
            (read.weighted, read.members.iter().map(|member| member.weight).collect::<Vec<_>>())
        };
        let of = |weight| AutoScalingGroup::builder().instances(instance(weight));
        assert_eq!(read(of(None).build()), (false, vec![1]));
        assert_eq!(read(of(Some("1")).build()), (false, vec![1]));
        assert_eq!(read(of(Some("4")).build()), (true, vec![4]));
        assert!(read(of(None).desired_capacity_type("vcpu").build()).0);
        assert!(!read(of(None).desired_capacity_type("units").build()).0);
    }
}
