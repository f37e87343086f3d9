//! How a group lives on: what is scheduled fires, launches end, and what it has approaches what it wants.

use super::super::activity::stamp;
use super::super::{Activity, Scheduled};
use super::{Group, Instance, Life};
use crate::Chance;

/// What launches of a moment are like.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Mood {
    /// Nothing can be launched.
    pub(in super::super) no_capacity: bool,
    /// The share of launches that fail.
    pub(in super::super) fails: f64,
    /// How much longer launches take, as a factor on top.
    pub(in super::super) slower: f64,
    /// The share that there is of what is to be launched outside of groups.
    pub(in super::super) share: f64,
}

impl Default for Mood {
    fn default() -> Self {
        Self { no_capacity: false, fails: 0.0, slower: 0.0, share: 1.0 }
    }
}

/// How many a launch adds at once: AWS does not launch thousands in one second.
const AT_ONCE: usize = 20;
/// How long a group waits after a failed launch. AWS's own back-off is not documented.
const AGAIN_S: i64 = 360;
/// Activities are kept for six weeks; here, so many.
const ACTIVITIES_MAX: usize = 2_000;

impl Group {
    /// A moment passes.
    pub(in super::super) fn live(&mut self, now_s: i64, mood: Mood, chance: &mut Chance) {
        self.fire(now_s);
        self.arrive(now_s);
        self.keep(now_s, mood, chance);
        let excess = self.activities.len().saturating_sub(ACTIVITIES_MAX);
        if excess > 0 {
            self.activities.drain(..excess);
            self.instances.iter_mut().for_each(|i| i.activity = i.activity.saturating_sub(excess));
        }
    }

    /// A group with what it desires in service since long ago: how most begin.
    #[must_use]
    pub fn settled(mut self, now_s: i64) -> Self {
        while self.units() < self.desired {
            let launched_s = now_s - 86_400;
            let instance = self.born(launched_s, launched_s + 200);
            let activity = &mut self.activities[instance.activity];
            (activity.status, activity.end_s) = ("Successful", Some(instance.until_s));
            self.instances.push(Instance { life: Life::InService, ..instance });
        }
        self
    }

    /// What is due fires, in order of its start. What would break the bounds does not, as AWS does it.
    fn fire(&mut self, now_s: i64) {
        if self.suspended.contains("ScheduledActions") {
            return;
        }
        let once = self.scheduled.values().filter(|action| action.recurrence.is_none());
        let mut due: Vec<Scheduled> = once.filter(|action| action.start_s <= now_s).cloned().collect();
        due.sort_by_key(|action| action.start_s);
        // Order is guaranteed: one that is late holds up those that start after it.
        let ready = due.iter().take_while(|action| action.fires_s <= now_s).count();
        due.truncate(ready);
        for action in due {
            self.scheduled.remove(&action.name);
            let sizes = [action.min, action.max, action.desired];
            let _ = self.constrain(sizes, "a scheduled action", now_s);
        }
    }

    /// What was to last until now is over: launches, waits for hooks, ends.
    fn arrive(&mut self, now_s: i64) {
        for place in 0..self.instances.len() {
            if self.instances[place].until_s <= now_s {
                self.moves_on(place, now_s);
            }
        }
        self.instances.retain(|i| i.life != Life::Terminating || i.until_s > now_s);
        let sick: Vec<usize> = (0..self.instances.len())
            .filter(|place| self.instances[*place].life == Life::InService && !self.instances[*place].healthy)
            .collect();
        for place in sick {
            let cause = format!(
                "At {} an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.",
                stamp(now_s)
            );
            self.end(place, cause, now_s);
        }
    }

    /// One instance takes the next step of its life.
    fn moves_on(&mut self, place: usize, now_s: i64) {
        match (self.instances[place].life, self.on_launch) {
            (Life::Pending | Life::WarmedPending, Some(hook)) => self.wait(place, hook),
            (Life::Pending, None) => self.serve(place),
            (Life::WarmedPending, None) => self.rest(place),
            (Life::PendingWait | Life::WarmedPendingWait | Life::TerminatingWait, _) => {
                self.time_out(place, now_s);
            }
            (Life::Terminating, _) => self.told(place, "Successful"),
            (Life::InService | Life::WarmedStopped | Life::WarmedRunning, _) => {}
        }
    }

    /// What it was waiting for is done: it serves.
    pub(super) fn serve(&mut self, place: usize) {
        self.told(place, "Successful");
        let instance = &mut self.instances[place];
        (instance.life, instance.protected) = (Life::InService, self.protects_new);
    }

    /// Its activity ends at the moment at which its life goes on.
    pub(super) fn told(&mut self, place: usize, status: &'static str) {
        let instance = &self.instances[place];
        if let Some(activity) = self.activities.get_mut(instance.activity) {
            (activity.status, activity.end_s) = (status, Some(instance.until_s));
        }
    }

    /// Launches what is missing, out of the warm pool first and even beyond what is missing where an instance is of many
    /// units; lets go of what is too many and not protected, the oldest first, but never of more units than are too many.
    fn keep(&mut self, now_s: i64, mood: Mood, chance: &mut Chance) {
        if now_s >= self.again_s && !self.suspended.contains("Launch") {
            for _ in 0..AT_ONCE {
                if self.units() >= self.desired {
                    break;
                }
                if self.leaves_pool(now_s) {
                    continue;
                }
                if !self.launches(Life::Pending, now_s, mood, chance) {
                    break;
                }
            }
            self.fill_pool(now_s, mood, chance);
        }
        let mut excess = self.units().saturating_sub(self.desired);
        if excess > 0 && !self.suspended.contains("Terminate") {
            let cause = self.cause.clone();
            let goes = |i: &Instance| i.life.counts() && !i.protected;
            let mut places: Vec<usize> =
                (0..self.instances.len()).filter(|place| goes(&self.instances[*place])).collect();
            places.sort_by_key(|place| self.instances[*place].launched_s);
            for place in places {
                let weight = self.instances[place].weight;
                if weight <= excess {
                    excess -= weight;
                    self.end(place, cause.clone(), now_s);
                }
            }
        }
    }

    fn born(&mut self, launched_s: i64, until_s: i64) -> Instance {
        self.launched += 1;
        let id = format!("i-{:08x}{:08x}", crc(&self.name), self.launched);
        let weight = match self.weights.len() as u64 {
            0 => 1,
            types => self.weights[(self.launched % types) as usize],
        };
        let activity = self.begins(&id, "Launching a new EC2 instance", "launch", launched_s);
        Instance { weight, activity, protected: self.protects_new, ..Instance::new(id, launched_s, until_s) }
    }

    /// An activity begins; its place among them.
    pub(super) fn begins(&mut self, id: &str, what: &str, kind: &str, now_s: i64) -> usize {
        self.activities.push(Activity {
            id: format!("{id}-{kind}-{now_s}"),
            description: format!("{what}: {id}"),
            cause: self.cause.clone(),
            start_s: now_s,
            end_s: None,
            status: "InProgress",
            message: None,
        });
        self.activities.len() - 1
    }

    /// Tries to launch one, into service or into the warm pool; whether that went well.
    pub(super) fn launches(&mut self, life: Life, now_s: i64, mood: Mood, chance: &mut Chance) -> bool {
        if mood.no_capacity || chance.happens(mood.fails) {
            self.fail(now_s);
            return false;
        }
        self.launch(now_s, mood, chance);
        if let (Some(instance), true) = (self.instances.last_mut(), life == Life::WarmedPending) {
            instance.life = life;
            let description = format!("Launching a new EC2 instance into warm pool: {}", instance.id);
            self.activities[instance.activity].description = description;
        }
        true
    }

    fn launch(&mut self, now_s: i64, mood: Mood, chance: &mut Chance) {
        let spread = chance.share() * self.launching.spread_s as f64;
        let takes = (self.launching.takes_s as f64 + spread) * (1.0 + mood.slower);
        let instance = self.born(now_s, now_s + takes as i64);
        self.instances.push(Instance { protected: false, ..instance });
    }

    fn fail(&mut self, now_s: i64) {
        self.again_s = now_s + AGAIN_S;
        let said = "We currently do not have sufficient capacity in the Availability Zone you requested. Launching EC2 instance failed.";
        self.activities.push(Activity {
            id: format!("failed-{now_s}-{}", self.activities.len()),
            description: "Launching a new EC2 instance.  Status Reason: Insufficient capacity.".into(),
            cause: self.cause.clone(),
            start_s: now_s,
            end_s: Some(now_s),
            status: "Failed",
            message: Some(said.into()),
        });
    }

    /// An instance begins to go, after its hook if there is one for ends.
    pub(super) fn end(&mut self, place: usize, cause: String, now_s: i64) {
        let id = self.instances[place].id.clone();
        let activity = self.begins(&id, "Terminating EC2 instance", "end", now_s);
        self.activities[activity].cause = cause;
        let instance = &mut self.instances[place];
        (instance.life, instance.until_s, instance.activity) =
            (Life::Terminating, now_s + self.launching.ends_s, activity);
        if let Some(hook) = self.on_end {
            self.instances[place].until_s = now_s;
            self.wait(place, hook);
        }
    }
}

/// A number that a name always has: so that instances of different groups have different names.
fn crc(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
