mod hook;
mod instance;
mod live;
mod pool;

use std::collections::{BTreeMap, BTreeSet};

use super::activity::stamp;
use super::{Activity, Refusal, ScalingPolicy, Scheduled};
pub use hook::{Hook, Verdict};
pub use instance::{Instance, Life};
pub(super) use live::Mood;
pub use pool::{WarmPool, Warmth};

/// One Auto Scaling group: what can be described of it, and how it launches.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The fewest instances.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// How many it keeps.
    pub desired: u32,
    /// Those that it has, and those that are going.
    pub instances: Vec<Instance>,
    /// What is scheduled, by name.
    pub scheduled: BTreeMap<String, Scheduled>,
    /// What it has done, oldest first.
    pub activities: Vec<Activity>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its dynamic scaling policies.
    pub policies: Vec<ScalingPolicy>,
    /// Whether new instances are protected from scale-in.
    pub protects_new: bool,
    /// Processes that are suspended, such as `Launch` or `ScheduledActions`.
    pub suspended: BTreeSet<String>,
    /// How launches go.
    pub launching: Launching,
    /// What each launch waits for before it serves.
    pub on_launch: Option<Hook>,
    /// What each end waits for.
    pub on_end: Option<Hook>,
    /// Instances that are prepared and do not serve yet.
    pub pool: Option<WarmPool>,
    /// Of how many units the types of a mixed instances policy are, taken in turn; if there are none, an instance is one.
    pub weights: Vec<u32>,
    launched: u64,
    /// After a failed launch AWS waits before it tries again.
    again_s: i64,
    /// Why it has the size that it has.
    cause: String,
}

/// How long instances take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Launching {
    /// Seconds from the launch to InService, at least.
    pub takes_s: i64,
    /// And so many more by chance.
    pub spread_s: i64,
    /// Seconds that a termination takes.
    pub ends_s: i64,
}

impl Default for Launching {
    fn default() -> Self {
        Self { takes_s: 150, spread_s: 60, ends_s: 60 }
    }
}

impl Group {
    /// A group of `desired` instances, none of them launched yet.
    pub fn new(name: impl Into<String>, min: u32, desired: u32, max: u32) -> Self {
        Self {
            name: name.into(),
            min,
            max,
            desired,
            instances: Vec::new(),
            scheduled: BTreeMap::new(),
            activities: Vec::new(),
            tags: BTreeMap::new(),
            policies: Vec::new(),
            protects_new: false,
            suspended: BTreeSet::new(),
            launching: Launching::default(),
            on_launch: None,
            on_end: None,
            pool: None,
            weights: Vec::new(),
            launched: 0,
            again_s: i64::MIN,
            cause: String::new(),
        }
    }

    /// With a hook that each launch waits for.
    #[must_use]
    pub fn with_launch_hook(self, hook: Hook) -> Self {
        Self { on_launch: Some(hook), ..self }
    }

    /// With a hook that each end waits for.
    #[must_use]
    pub fn with_end_hook(self, hook: Hook) -> Self {
        Self { on_end: Some(hook), ..self }
    }

    /// With a warm pool.
    #[must_use]
    pub fn with_pool(self, pool: WarmPool) -> Self {
        Self { pool: Some(pool), ..self }
    }

    /// With types of so many units each.
    #[must_use]
    pub fn with_weights(self, weights: impl Into<Vec<u32>>) -> Self {
        Self { weights: weights.into(), ..self }
    }

    /// Those that serve.
    pub fn serving(&self) -> usize {
        self.instances.iter().filter(|i| i.life == Life::InService && i.healthy).count()
    }

    /// Those that it has: neither going nor waiting in its warm pool.
    pub fn has(&self) -> usize {
        self.instances.iter().filter(|i| i.life.counts()).count()
    }

    /// The same in the units of its sizes.
    pub fn units(&self) -> u32 {
        self.instances.iter().filter(|i| i.life.counts()).map(|i| i.weight).sum()
    }

    /// How many it has launched since it began.
    pub fn launched(&self) -> u64 {
        self.launched
    }

    /// How often it has tried to launch and failed.
    pub fn failed_launches(&self) -> usize {
        self.activities.iter().filter(|a| a.status == "Failed").count()
    }

    /// Its desired capacity is set.
    pub(super) fn set_desired(&mut self, desired: u32, why: &str, now_s: i64) -> Result<(), Refusal> {
        if desired > self.max {
            let (name, max) = (&self.name, self.max);
            return Err(Refusal::validation(format!(
                "New SetDesiredCapacity value {desired} is above max value {max} for the AutoScalingGroup {name}."
            )));
        }
        if desired < self.min {
            let (name, min) = (&self.name, self.min);
            return Err(Refusal::validation(format!(
                "New SetDesiredCapacity value {desired} is below min value {min} for the AutoScalingGroup {name}."
            )));
        }
        self.resize(desired, why, now_s);
        Ok(())
    }

    /// Arrives at a size that is within its bounds, for a reason that its activities will give.
    fn resize(&mut self, desired: u32, why: &str, now_s: i64) {
        let before = std::mem::replace(&mut self.desired, desired);
        if before == desired {
            return;
        }
        let (at, verb) = (stamp(now_s), if desired > before { "increasing" } else { "shrinking" });
        self.cause = format!(
            "At {at} {why} changing the desired capacity from {before} to {desired}.  At {at} an instance was {} in \
             response to a difference between desired and actual capacity, {verb} the capacity from {before} to {desired}.",
            if desired > before { "started" } else { "taken out of service" }
        );
    }

    /// Sizes are set, by a user or a scheduled action; what is desired follows the bounds.
    pub(super) fn constrain(
        &mut self,
        sizes: [Option<u32>; 3],
        who: &str,
        now_s: i64,
    ) -> Result<(), Refusal> {
        let [min, max, desired] = sizes;
        let (low, high) = (min.unwrap_or(self.min), max.unwrap_or(self.max));
        if low > high {
            return Err(Refusal::validation(format!("Min size {low} is above max size {high}.")));
        }
        if desired.is_some_and(|desired| !(low..=high).contains(&desired)) {
            return Err(Refusal::validation("Desired capacity must be between min and max size."));
        }
        (self.min, self.max) = (low, high);
        let to = desired.unwrap_or(self.desired).clamp(low, high);
        let why =
            format!("{who} update of AutoScalingGroup constraints to min: {low}, max: {high}, desired: {to}");
        self.resize(to, &why, now_s);
        Ok(())
    }

    /// Scale-in leaves instances alone, or no longer does.
    pub(super) fn protect(&mut self, ids: &[String], protected: bool) -> Result<(), Refusal> {
        if ids.len() > 50 {
            return Err(Refusal::validation("The number of instances may not exceed 50."));
        }
        for id in ids {
            let found = self.instances.iter_mut().find(|i| i.id == *id && i.life == Life::InService);
            let Some(instance) = found else {
                return Err(Refusal::validation(format!(
                    "The instance {id} is not in InService or EnteringStandby or Standby."
                )));
            };
            instance.protected = protected;
        }
        Ok(())
    }

    /// One chosen instance goes. Of one that is going already AWS's documentation says nothing (unverified): refused here.
    /// Nor does it say by how much a decrement lowers sizes that count units: by the weight here (unverified).
    pub(super) fn terminate(&mut self, id: &str, decrement: bool, now_s: i64) -> Result<(), Refusal> {
        let known = self.instances.iter().position(|i| i.id == id && i.life.counts());
        let Some(place) = known else {
            return Err(Refusal::validation(format!(
                "Instance Id not found - No managed instance found for instance ID: {id}"
            )));
        };
        let by = if decrement { self.instances[place].weight } else { 0 };
        if decrement && self.desired < self.min + by {
            let name = &self.name;
            return Err(Refusal::validation(format!(
                "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size. ({name})",
                self.min
            )));
        }
        let before = self.desired;
        self.desired -= by;
        let (at, after) = (stamp(now_s), self.desired);
        let cause = format!(
            "At {at} instance {id} was taken out of service in response to a user request, shrinking the capacity from {before} to {after}."
        );
        self.end(place, cause, now_s);
        Ok(())
    }
}
