//! The calls that the scaler makes, each in its place, all pages read.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_autoscaling::types::{ScalingPolicy, ScheduledUpdateGroupActionRequest, Tag};
use jiff::Timestamp;

use super::floors::Floor;
use super::seen::{Activity, Group, Scheduled};
use crate::aws::{Region, Visit, to_time};
use crate::trouble::Trouble;

/// One turn's calls about one group.
#[derive(Debug)]
pub(super) struct Calls<'a> {
    visit: Visit,
    group: &'a str,
}

/// More pages than this are no list any more.
const PAGES_MAX: usize = 100;
/// What one batch takes.
pub(super) const BATCH: usize = 50;

impl<'a> Calls<'a> {
    pub(super) fn new(region: &Arc<Region>, group: &'a str, now: Timestamp) -> Self {
        let who = format!("the group {group} in {}", region.name());
        Self { visit: Visit::new(region.clone(), who, now), group }
    }

    pub(super) fn who(&self) -> &str {
        self.visit.who()
    }

    async fn client(&self) -> Result<aws_sdk_autoscaling::Client, Trouble> {
        Ok(self.visit.clients().await?.scaling)
    }

    /// The group as it is.
    pub(super) async fn group(&self) -> Result<Group, Trouble> {
        let (mut group, mut next, mut found) = (Group::default(), None, false);
        for _ in 0..PAGES_MAX {
            let client = self.client().await?;
            let call = client.describe_auto_scaling_groups().auto_scaling_group_names(self.group);
            let page = self.visit.call("DescribeAutoScalingGroups", call.set_next_token(next).send()).await?;
            for one in page
                .auto_scaling_groups()
                .iter()
                .filter(|one| one.auto_scaling_group_name() == Some(self.group))
            {
                group.read(one);
                found = true;
            }
            next = page.next_token;
            if next.is_none() {
                group.complete = true;
                break;
            }
        }
        match found {
            true => Ok(group),
            // Nothing is not a fleet of none.
            false => {
                Err(Trouble::Garbled { who: self.who().into(), why: "there is no group of that name".into() })
            }
        }
    }

    /// Its activities, those in progress first, then the newest first, until what was read is `enough`.
    pub(super) async fn activities(
        &self,
        enough: impl Fn(&[Activity]) -> bool,
    ) -> Result<Vec<Activity>, Trouble> {
        const PAGES: usize = 20;
        let (mut all, mut next) = (Vec::new(), None);
        for _ in 0..PAGES {
            let client = self.client().await?;
            let call =
                client.describe_scaling_activities().auto_scaling_group_name(self.group).max_records(100);
            let page = self.visit.call("DescribeScalingActivities", call.set_next_token(next).send()).await?;
            all.extend(page.activities().iter().filter_map(Activity::read));
            next = page.next_token;
            if next.is_none() || enough(&all) {
                break;
            }
        }
        Ok(all)
    }

    /// What is scheduled, ours and others'.
    pub(super) async fn scheduled(&self) -> Result<Vec<Scheduled>, Trouble> {
        let (mut all, mut next) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let client = self.client().await?;
            let call =
                client.describe_scheduled_actions().auto_scaling_group_name(self.group).max_records(100);
            let page = self.visit.call("DescribeScheduledActions", call.set_next_token(next).send()).await?;
            all.extend(page.scheduled_update_group_actions().iter().filter_map(Scheduled::read));
            next = page.next_token;
            if next.is_none() {
                return Ok(all);
            }
        }
        Err(Trouble::TooMuch {
            who: self.who().into(),
            limit: PAGES_MAX as u64,
            unit: "pages of scheduled actions",
        })
    }

    /// The names of its policies that are switched on and take instances away.
    pub(super) async fn policies(&self) -> Result<Vec<String>, Trouble> {
        let (mut all, mut next) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let client = self.client().await?;
            let call = client.describe_policies().auto_scaling_group_name(self.group);
            let page = self.visit.call("DescribePolicies", call.set_next_token(next).send()).await?;
            let shrinking = page.scaling_policies().iter().filter(|policy| takes_away(policy));
            all.extend(shrinking.filter_map(|policy| policy.policy_name.clone()));
            next = page.next_token;
            if next.is_none() {
                break;
            }
        }
        Ok(all)
    }

    pub(super) async fn set_desired(&self, to: u32) -> Result<(), Trouble> {
        let client = self.client().await?;
        let call = client
            .set_desired_capacity()
            .auto_scaling_group_name(self.group)
            .desired_capacity(whole(to))
            .honor_cooldown(false);
        self.visit.call("SetDesiredCapacity", call.send()).await.map(drop)
    }

    pub(super) async fn protect(&self, ids: &[String], protected: bool) -> Result<(), Trouble> {
        for ids in ids.chunks(BATCH) {
            let client = self.client().await?;
            let call = client
                .set_instance_protection()
                .auto_scaling_group_name(self.group)
                .set_instance_ids(Some(ids.to_vec()))
                .protected_from_scale_in(protected);
            self.visit.call("SetInstanceProtection", call.send()).await?;
        }
        Ok(())
    }

    pub(super) async fn terminate(&self, id: &str) -> Result<(), Trouble> {
        let client = self.client().await?;
        let call = client
            .terminate_instance_in_auto_scaling_group()
            .instance_id(id)
            .should_decrement_desired_capacity(true);
        self.visit.call("TerminateInstanceInAutoScalingGroup", call.send()).await.map(drop)
    }

    pub(super) async fn tag(&self, tags: &[(String, String)]) -> Result<(), Trouble> {
        let client = self.client().await?;
        let tags = tags.iter().map(|(key, value)| self.tag_of(key, Some(value))).collect();
        let call = client.create_or_update_tags().set_tags(Some(tags));
        self.visit.call("CreateOrUpdateTags", call.send()).await.map(drop)
    }

    pub(super) async fn untag(&self, keys: &[String]) -> Result<(), Trouble> {
        let client = self.client().await?;
        let tags = keys.iter().map(|key| self.tag_of(key, None)).collect();
        self.visit.call("DeleteTags", client.delete_tags().set_tags(Some(tags)).send()).await.map(drop)
    }

    fn tag_of(&self, key: &str, value: Option<&str>) -> Tag {
        Tag::builder()
            .resource_id(self.group)
            .resource_type("auto-scaling-group")
            .key(key)
            .set_value(value.map(str::to_owned))
            .propagate_at_launch(false)
            .build()
    }

    /// Puts up to [`BATCH`] floors; those that were not put, with the reason.
    pub(super) async fn put(&self, floors: &[Floor]) -> Result<Vec<(String, String)>, Trouble> {
        let client = self.client().await?;
        let action = |floor: &Floor| {
            let start = Timestamp::from_second(floor.start_s).unwrap_or(Timestamp::MAX);
            ScheduledUpdateGroupActionRequest::builder()
                .scheduled_action_name(floor.name())
                .start_time(to_time(start))
                .min_size(whole(floor.min))
                .build()
        };
        let call = client
            .batch_put_scheduled_update_group_action()
            .auto_scaling_group_name(self.group)
            .set_scheduled_update_group_actions(Some(floors.iter().map(action).collect()));
        let answer = self.visit.call("BatchPutScheduledUpdateGroupAction", call.send()).await?;
        Ok(failed(answer.failed_scheduled_update_group_actions(), &BTreeSet::new()))
    }

    /// Takes up to [`BATCH`] actions away; those that are still there, with the reason. One that is gone is as wanted.
    pub(super) async fn delete(&self, names: &[String]) -> Result<Vec<(String, String)>, Trouble> {
        let client = self.client().await?;
        let call = client
            .batch_delete_scheduled_action()
            .auto_scaling_group_name(self.group)
            .set_scheduled_action_names(Some(names.to_vec()));
        let answer = self.visit.call("BatchDeleteScheduledAction", call.send()).await?;
        let gone = BTreeSet::from(["ValidationError", "ResourceNotFound"]);
        Ok(failed(answer.failed_scheduled_actions(), &gone))
    }
}

/// Whether a policy ever takes instances away: a predictive one only lifts, and of the others some only add.
fn takes_away(policy: &ScalingPolicy) -> bool {
    let exact = policy.adjustment_type() == Some("ExactCapacity");
    let lowers = |by: Option<i32>| by.is_none_or(|by| by < 0);
    policy.enabled != Some(false)
        && match policy.policy_type() {
            Some("PredictiveScaling") => false,
            Some("TargetTrackingScaling") => {
                let tracking = policy.target_tracking_configuration();
                tracking.is_none_or(|tracking| tracking.disable_scale_in() != Some(true))
            }
            Some("StepScaling") => {
                exact || policy.step_adjustments().iter().any(|step| lowers(step.scaling_adjustment()))
            }
            _ => exact || lowers(policy.scaling_adjustment()),
        }
}

fn failed(
    all: &[aws_sdk_autoscaling::types::FailedScheduledUpdateGroupActionRequest],
    harmless: &BTreeSet<&str>,
) -> Vec<(String, String)> {
    let harm = all.iter().filter(|one| one.error_code().is_none_or(|code| !harmless.contains(code)));
    harm.map(|one| {
        let why = one.error_message().or(one.error_code()).unwrap_or("no reason was given");
        (one.scheduled_action_name().unwrap_or("?").to_owned(), why.to_owned())
    })
    .collect()
}

fn whole(size: u32) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::{StepAdjustment, TargetTrackingConfiguration};

    use super::*;

    #[test] // S6.2
    fn tells_policies_that_take_away_from_those_that_only_add() {
        let policy = |kind: &str| ScalingPolicy::builder().policy_name("p").policy_type(kind);
        let tracking = |off: bool| {
            let told =
                TargetTrackingConfiguration::builder().target_value(50.0).disable_scale_in(off).build();
            policy("TargetTrackingScaling").target_tracking_configuration(told).build()
        };
        let step = |by: i32| {
            let step = StepAdjustment::builder().scaling_adjustment(by).build();
            policy("StepScaling").adjustment_type("ChangeInCapacity").step_adjustments(step)
        };
        let simple = |by: i32| policy("SimpleScaling").scaling_adjustment(by);
        for (policy, takes) in [
            (tracking(false), true),
            (tracking(true), false),
            (policy("PredictiveScaling").build(), false),
            (step(-2).build(), true),
            (step(2).build(), false),
            (step(2).adjustment_type("ExactCapacity").build(), true),
            (simple(-1).adjustment_type("ChangeInCapacity").build(), true),
            (simple(1).adjustment_type("ChangeInCapacity").build(), false),
            (simple(1).adjustment_type("ExactCapacity").build(), true),
            (simple(-1).enabled(false).build(), false),
        ] {
            assert_eq!(takes_away(&policy), takes, "{policy:?}");
        }
    }
}
