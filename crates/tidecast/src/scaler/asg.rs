//! EC2 Auto Scaling groups: the plan uploaded as scheduled actions (S6.2), or sizes set when they are due (S6.3).

mod calls;
mod direct;
mod errand;
mod fence;
mod floors;
mod says;
mod schedule;
mod seen;
mod sight;

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Allowed, Command, Decision, Sighting};

use self::calls::Calls;
use self::direct::{Shrinking, Todo};
use self::errand::Errand;
use self::fence::Fence;
use self::schedule::{Change, Standing};
use self::seen::Group;
use self::sight::Known;
use super::{Receipt, Scaler, Tally};
use crate::aws::Region;
use crate::trouble::Trouble;

/// One Auto Scaling group.
#[derive(Debug)]
pub struct Asg {
    region: Arc<Region>,
    group: String,
    action: Action,
    /// Who is asked whether an instance is empty before it is ended.
    tally: Option<Arc<Tally>>,
    memory: Mutex<Memory>,
}

/// How the group's size is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The plan is uploaded as floors; what is due at once is set besides.
    Schedule {
        /// How far ahead floors may fall.
        lower_ahead: SignedDuration,
    },
    /// The desired capacity is set when a command says so.
    Direct,
}

/// What is remembered from turn to turn. All of it can be lost: it is read again.
#[derive(Debug, Default)]
struct Memory {
    known: Known,
    group: Option<(Timestamp, Group)>,
    standing: Standing,
    policies: Option<(Timestamp, Vec<String>)>,
    turn: u64,
}

/// How often a group is asked whether it has policies of its own.
const POLICIES_EVERY: SignedDuration = SignedDuration::from_mins(10);

impl Asg {
    /// The group of this name.
    pub fn new(region: Arc<Region>, group: impl Into<String>, action: Action) -> Self {
        Self { region, group: group.into(), action, tally: None, memory: Mutex::default() }
    }

    /// Asks this tally once more before an instance is ended.
    #[must_use]
    pub fn counting(mut self, tally: Option<Arc<Tally>>) -> Self {
        self.tally = tally;
        self
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn calls(&self, now: Timestamp) -> Calls<'_> {
        Calls::new(&self.region, &self.group, now)
    }

    /// The group as this turn has seen it, else as it is.
    async fn seen(&self, calls: &Calls<'_>, now: Timestamp) -> Result<Group, Trouble> {
        let seen = self.memory().group.clone().filter(|(at, _)| *at == now);
        match seen {
            Some((_, group)) => Ok(group),
            None => calls.group().await,
        }
    }

    /// Who lets the group shrink: whoever has policies for it.
    async fn shrinking(&self, calls: &Calls<'_>, decision: &Decision) -> Result<Shrinking, Trouble> {
        let now = decision.at;
        let shrinks = decision.commands.iter().any(|command| matches!(command, Command::Shrink { .. }));
        if self.action == Action::Direct || !shrinks {
            return Ok(Shrinking::Ours);
        }
        let known = self.memory().policies.clone();
        let known = known.filter(|(at, _)| now.duration_since(*at).abs() < POLICIES_EVERY);
        let policies = match known {
            Some((_, policies)) => policies,
            None => calls.policies().await?,
        };
        let theirs = !policies.is_empty();
        self.memory().policies = Some((now, policies));
        Ok(if theirs { Shrinking::Theirs } else { Shrinking::Ours })
    }

    /// What is to be changed in the group's schedule, read again where that is not certain.
    async fn change(
        &self,
        calls: &Calls<'_>,
        decision: &Decision,
        group: &Group,
    ) -> Result<Option<Change>, Trouble> {
        let Action::Schedule { lower_ahead } = self.action else { return Ok(None) };
        let mut standing = self.memory().standing.clone();
        let way = |standing: &Standing| {
            standing.change(&standing.wanted(decision, group, lower_ahead), group, decision.at)
        };
        if standing.is_old(decision.at) || way(&standing).is_some() {
            standing = Standing::of(&calls.scheduled().await?, decision.at);
        }
        let change = way(&standing);
        self.memory().standing = standing;
        Ok(change)
    }

    /// Writes the turn into the group's tags, unless a newer one is there; the group as it is now.
    async fn claim(
        &self,
        calls: &Calls<'_>,
        decision: &Decision,
        shrinking: Shrinking,
    ) -> Result<Result<(Group, Todo), Receipt>, Trouble> {
        let group = calls.group().await?;
        let fence = Fence::read(&group.tags);
        if fence.turn > decision.turn {
            return Ok(Err(Receipt::Overtaken { by: fence.turn }));
        }
        let todo = Todo::of(&decision.commands, &group, shrinking, decision.at);
        let fence = {
            let known = &mut self.memory().known;
            let fence = fence.remembering(&known.sets);
            known.sets.extend(todo.set.map(|size| (size, decision.at.as_second())));
            fence
        };
        calls.tag(&todo.tags(&group, fence, decision.turn, decision.at)).await?;
        self.memory().turn = decision.turn;
        Ok(Ok((group, todo)))
    }

    fn receipt(&self, todo: &Todo, change: Option<&Change>, beyond: Option<String>) -> Receipt {
        let mut said = todo.said();
        if let Action::Schedule { .. } = self.action {
            said.extend(beyond);
            let memory = self.memory();
            let stands = memory.standing.count();
            match change.map(Change::counts) {
                Some((written, gone)) => {
                    said.push(format!("{written} scheduled actions written, {gone} taken away"));
                }
                None => said.push(format!("{stands} scheduled actions stand")),
            }
            let others: Vec<&str> = memory.standing.others().iter().take(3).map(String::as_str).collect();
            if !others.is_empty() {
                let count = memory.standing.others().len();
                said.push(format!("{count} of others left alone, {} among them", others.join(" and ")));
            }
        }
        if said.is_empty() {
            said.push("stands as wanted".into());
        }
        Receipt::Done(said.join("; "))
    }
}

#[async_trait]
impl Scaler for Asg {
    fn name(&self) -> String {
        format!("the group {} in {}", self.group, self.region.name())
    }

    async fn sight(&self, now: Timestamp) -> Result<Option<Sighting>, Trouble> {
        let calls = self.calls(now);
        let group = calls.group().await?;
        let known = Some(self.memory().known.clone()).filter(|known| known.wants_activities(&group, now));
        if let Some(known) = known {
            let activities = calls.activities(|read| known.is_enough(read)).await?;
            self.memory().known.learn(&activities, &group, now);
        }
        let mut memory = self.memory();
        let says = says::says(&group, self.action);
        let sighting = Sighting { says, ..memory.known.sighting(&group, now) };
        memory.group = Some((now, group));
        Ok(Some(sighting))
    }

    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        let by = self.memory().turn;
        if by > decision.turn {
            return Ok(Receipt::Overtaken { by });
        }
        let (calls, now) = (self.calls(decision.at), decision.at);
        let group = self.seen(&calls, now).await?;
        let shrinking = self.shrinking(&calls, decision).await?;
        let change = self.change(&calls, decision, &group).await?;
        let todo = Todo::of(&decision.commands, &group, shrinking, now);
        if todo.is_nothing() && change.is_none() {
            return Ok(self.receipt(&todo, None, schedule::beyond(decision, &group)));
        }
        let (group, mut todo) = match self.claim(&calls, decision, shrinking).await? {
            Ok(claimed) => claimed,
            Err(overtaken) => return Ok(overtaken),
        };
        let tally = self.tally.as_deref();
        let errand = Errand { calls: &calls, group: &group, turn: decision.turn, tally };
        let acted = errand.run(&mut todo).await;
        if let Some(change) = &change {
            self.memory().standing.touch();
            change.carry_out(&calls).await?;
        }
        acted?;
        Ok(self.receipt(&todo, change.as_ref(), schedule::beyond(decision, &group)))
    }

    fn shows(&self, decision: &Decision) -> Vec<String> {
        let memory = self.memory();
        let commands: Vec<Command> = decision.commands.iter().chain(&decision.withheld).cloned().collect();
        let Some((_, group)) = &memory.group else {
            return commands.iter().map(ToString::to_string).collect();
        };
        let theirs = memory.policies.as_ref().is_some_and(|(_, policies)| !policies.is_empty());
        let shrinking = if theirs { Shrinking::Theirs } else { Shrinking::Ours };
        let mut lines = Todo::of(&commands, group, shrinking, decision.at).shows(&self.group);
        if let Action::Schedule { lower_ahead } = self.action {
            // What is withheld as a whole would at least grow.
            let allowed = decision.allowed.max(Allowed::Growing);
            let would = Decision { allowed, ..decision.clone() };
            let wanted = memory.standing.wanted(&would, group, lower_ahead);
            let change = memory.standing.change(&wanted, group, decision.at);
            lines.extend(change.iter().flat_map(Change::shows));
        }
        lines
    }
}
