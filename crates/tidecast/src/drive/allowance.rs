use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Command, Decision, Limit, Move, Share, Shared, Size, WorkloadName};

/// What all workloads together may launch and have, shared fairly among them (A10, F17).
///
/// A workload asks before each of its turns and says afterwards what it took and what it still lacks. Who lacks something
/// waits in line; what becomes free is promised to the line one server at a time, round after round, so that none is
/// starved by those that ask for more or come more often. What nobody waits for is had by whoever asks.
///
/// Launches are counted over every window of a minute, promises included, so that promises that are fetched late never
/// add up to more. The counts are this process's: replicas that drive the same workloads count for themselves.
#[derive(Debug, Default)]
pub struct Allowance(Mutex<Ward>);

/// What is allowed to all together; nothing is limited unless told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Together {
    /// How many servers may be launched in a minute.
    pub launches_per_minute: Option<u32>,
    /// How many servers there may be.
    pub fleet_max: Option<u32>,
}

/// What a turn came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Servers that it launched.
    pub servers: u32,
    /// Servers that it would have launched besides, had it been allowed to.
    pub lacks: u32,
}

impl Taken {
    /// What a decision takes of a fleet that has so many servers. What is withheld takes nothing and waits for nothing.
    pub fn of(decision: &Decision, has: u32) -> Self {
        let grows = decision.commands.iter().filter_map(|command| match command {
            Command::Grow { to } => Some(to.get()),
            _ => None,
        });
        let lacks = decision.limits.iter().find_map(|limit| match limit {
            Limit::Shared { wanted, .. } if decision.withheld.is_empty() => {
                Some((*wanted - decision.size).get())
            }
            _ => None,
        });
        Self { servers: grows.max().unwrap_or(0).saturating_sub(has), lacks: lacks.unwrap_or(0) }
    }
}

/// In what time launches are counted.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// How long a promise waits to be fetched: a workload takes a turn far more often.
const PROMISED_FOR: SignedDuration = SignedDuration::from_mins(2);

#[derive(Debug, Default)]
struct Ward {
    together: Together,
    /// Launches of the last minute, oldest first.
    launched: VecDeque<(Timestamp, u32)>,
    /// How many servers each has, as far as is known.
    fleets: BTreeMap<WorkloadName, u32>,
    /// The sum of these.
    servers: u64,
    /// Who waits, and how many servers each still lacks, by a number that grows as they queue.
    line: BTreeMap<u64, (WorkloadName, u32)>,
    places: BTreeMap<WorkloadName, u64>,
    next_place: u64,
    /// What was promised, or granted to a turn that is under way, and when.
    promised: BTreeMap<WorkloadName, (u32, Timestamp)>,
}

impl Allowance {
    /// What is allowed from now on. What was launched is not forgotten.
    pub fn set(&self, together: Together) {
        self.ward().together = together;
    }

    /// What a workload that has so many servers may add in the turn at `now`; nothing is said where nothing is limited.
    pub fn grant(&self, name: &WorkloadName, has: u32, now: Timestamp) -> Option<Share> {
        let mut ward = self.ward();
        ward.count(name, has);
        if ward.together == Together::default() {
            return None;
        }
        ward.forget(now);
        ward.promise(now);
        let (free, of) = ward.free()?;
        let mut servers = ward.promised.remove(name).map_or(0, |(servers, _)| servers);
        if ward.line.is_empty() {
            servers = servers.saturating_add(free);
        }
        ward.promised.insert(name.clone(), (servers, now));
        Some(Share { servers: Size(servers), of })
    }

    /// Notes how many servers a workload has that asks for nothing.
    pub fn note(&self, name: &WorkloadName, has: u32) {
        let mut ward = self.ward();
        ward.count(name, has);
        ward.leave_line(name);
    }

    /// What the turn for which something was granted came to.
    pub fn settle(&self, name: &WorkloadName, taken: Taken, now: Timestamp) {
        let mut ward = self.ward();
        ward.promised.remove(name);
        if taken.servers > 0 {
            ward.launched.push_back((now, taken.servers));
            let has = ward.fleets.get(name).copied().unwrap_or(0);
            ward.count(name, has.saturating_add(taken.servers));
        }
        ward.queue(name, taken);
    }

    /// Launches of a workload before this process was started, from its ledger.
    pub fn recall(&self, name: &WorkloadName, moves: &[Move]) {
        let mut ward = self.ward();
        if ward.fleets.contains_key(name) {
            return;
        }
        let grown = moves.iter().filter(|change| change.to > change.from);
        ward.launched.extend(grown.map(|change| (change.at, (change.to - change.from).get())));
        ward.launched.make_contiguous().sort_unstable();
    }

    /// A workload is driven no more.
    pub fn leave(&self, name: &WorkloadName) {
        let mut ward = self.ward();
        ward.leave_line(name);
        ward.promised.remove(name);
        if let Some(had) = ward.fleets.remove(name) {
            ward.servers -= u64::from(had);
        }
    }

    fn ward(&self) -> MutexGuard<'_, Ward> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Ward {
    fn count(&mut self, name: &WorkloadName, has: u32) {
        let had = self.fleets.insert(name.clone(), has).unwrap_or(0);
        self.servers = self.servers + u64::from(has) - u64::from(had);
    }

    /// Drops what is out of date. A clock that went back far would keep launches in sight for as long: they are dropped
    /// too, as if it had gone forward.
    fn forget(&mut self, now: Timestamp) {
        self.launched.retain(|(at, _)| now.duration_since(*at).abs() < WINDOW);
        self.promised.retain(|_, (_, at)| now.duration_since(*at).abs() < PROMISED_FOR);
    }

    /// What is neither had nor promised, and what limits it; none if nothing does.
    fn free(&self) -> Option<(u32, Shared)> {
        let promised: u64 = self.promised.values().map(|(servers, _)| u64::from(*servers)).sum();
        let launched: u64 = self.launched.iter().map(|(_, servers)| u64::from(*servers)).sum();
        let left = |most: u32, gone: u64| u32::try_from(u64::from(most).saturating_sub(gone)).unwrap_or(0);
        let launches = self
            .together
            .launches_per_minute
            .map(|most| (left(most, launched + promised), Shared::Launches { per_minute: Size(most) }));
        let fleet = self
            .together
            .fleet_max
            .map(|most| (left(most, self.servers + promised), Shared::Fleet { max: Size(most) }));
        launches.into_iter().chain(fleet).min_by_key(|(left, _)| *left)
    }

    /// Promises what is free to those who wait: one server each, and again from the front.
    fn promise(&mut self, now: Timestamp) {
        let Some((mut free, _)) = self.free() else { return };
        while free > 0
            && let Some((_, (name, lacks))) = self.line.pop_first()
        {
            free -= 1;
            let (promised, at) = self.promised.entry(name.clone()).or_insert((0, now));
            (*promised, *at) = (*promised + 1, now);
            self.places.remove(&name);
            if lacks > 1 {
                self.join_line(name, lacks - 1);
            }
        }
    }

    /// Who got nothing keeps the place; who got something goes to the end.
    fn queue(&mut self, name: &WorkloadName, taken: Taken) {
        match self.places.get(name).copied() {
            Some(place) if taken.servers == 0 && taken.lacks > 0 => {
                self.line.insert(place, (name.clone(), taken.lacks));
            }
            _ => {
                self.leave_line(name);
                if taken.lacks > 0 {
                    self.join_line(name.clone(), taken.lacks);
                }
            }
        }
    }

    fn join_line(&mut self, name: WorkloadName, lacks: u32) {
        self.next_place += 1;
        self.places.insert(name.clone(), self.next_place);
        self.line.insert(self.next_place, (name, lacks));
    }

    fn leave_line(&mut self, name: &WorkloadName) {
        if let Some(place) = self.places.remove(name) {
            self.line.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests;
