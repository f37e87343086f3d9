//! The warm pool: instances that have been through their launch, and serve nobody until the group grows.

use super::live::Mood;
use super::{Group, Life};
use crate::Chance;

/// A warm pool, as far as its size and speed go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarmPool {
    /// The fewest instances in it.
    pub min: u32,
    /// So many are prepared with those in service: `MaxGroupPreparedCapacity`; if it is not given, the group's maximum.
    pub prepared: Option<u32>,
    /// How they wait.
    pub warmth: Warmth,
    /// Seconds from leaving it to being in service, hooks apart.
    pub starts_s: i64,
}

/// In which state instances wait in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warmth {
    /// Stopped: only their disks are paid for.
    Stopped,
    /// Running.
    Running,
}

impl WarmPool {
    /// How many belong into it beside so many in service.
    fn size(&self, max: u32, desired: u32) -> usize {
        self.prepared.unwrap_or(max).saturating_sub(desired).max(self.min) as usize
    }
}

impl Group {
    /// How many are ready in the warm pool.
    pub fn warm(&self) -> usize {
        self.instances.iter().filter(|i| i.life.is_warm()).count()
    }

    /// One leaves the pool to serve, if there is one ready: those that are not are passed over, as AWS does it.
    pub(super) fn leaves_pool(&mut self, now_s: i64) -> bool {
        let Some(pool) = self.pool else { return false };
        let Some(place) = self.instances.iter().position(|i| i.life.is_warm()) else { return false };
        let id = self.instances[place].id.clone();
        let activity = self.begins(&id, "Launching a new EC2 instance from warm pool", "warm", now_s);
        let instance = &mut self.instances[place];
        (instance.life, instance.until_s, instance.activity) =
            (Life::Pending, now_s + pool.starts_s, activity);
        true
    }

    /// The pool gets what is missing in it, and loses what is too many.
    pub(super) fn fill_pool(&mut self, now_s: i64, mood: Mood, chance: &mut Chance) {
        let Some(pool) = self.pool else { return };
        let in_pool =
            |life: Life| life.is_warm() || matches!(life, Life::WarmedPending | Life::WarmedPendingWait);
        let size = pool.size(self.max, self.desired);
        while self.instances.iter().filter(|i| in_pool(i.life)).count() < size {
            if !self.launches(Life::WarmedPending, now_s, mood, chance) {
                return;
            }
        }
        let too_many = self.instances.iter().filter(|i| in_pool(i.life)).count() - size;
        let places: Vec<usize> =
            (0..self.instances.len()).filter(|place| in_pool(self.instances[*place].life)).collect();
        for place in places.into_iter().rev().take(too_many) {
            self.end(place, "the warm pool is larger than it is to be.".into(), now_s);
        }
    }

    /// A launch into the pool is over.
    pub(super) fn rest(&mut self, place: usize) {
        self.told(place, "Successful");
        let stopped = self.pool.is_some_and(|pool| pool.warmth == Warmth::Stopped);
        self.instances[place].life = if stopped { Life::WarmedStopped } else { Life::WarmedRunning };
    }
}
