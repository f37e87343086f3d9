//! Instances of EC2 outside of any group (S6.3): known by a tag, launched from a template.

mod calls;
mod drains;
mod marks;
mod memory;
mod read;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tidecast_pilot::{Command, Decision, Node, NodeName, Phase, Sighting, Size};

use self::drains::Chosen;
use self::memory::{Intent, Memory};
use self::read::Instance;
use super::{Receipt, Scaler, Tally};
use crate::aws::Ec2;
use crate::trouble::Trouble;

/// A fleet of instances outside of groups.
///
/// Nobody but us keeps their number, so nothing is launched on a count alone: a launch is asked for with a token that
/// belongs to its turn, and until its outcome is known the same question is put again, which launches nothing twice
/// (A13, F25). What was launched counts from then on, seen or not; what has surely ended counts no more. Each turn that
/// changes something looks anew and marks the instances with its number first: an older one changes nothing (F24), and one
/// of more than five minutes ago is refused by EC2 itself, as requests are signed with the time of the decision.
///
/// Instances with sessions are chosen one by one: a tag of each says since when it gets none (D3.1). Where what is known of an
/// instance may be wrong, the fleet is taken for smaller when others would be drained or ended beside it.
#[derive(Debug)]
pub struct Ec2Fleet {
    ec2: Ec2,
    fleet: String,
    launch: Launch,
    /// Who is asked whether an instance is empty before it is ended.
    tally: Option<Arc<Tally>>,
    memory: Mutex<Memory>,
}

/// What instances are launched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The name of the template.
    pub template: String,
    /// The subnet, if the template names none.
    pub subnet: Option<String>,
}

/// The most instances in one launch.
const BATCH: u32 = 50;
/// Why nothing is taken away in the first minute.
const NEW: &str = "what was done before the start may not be shown yet";

impl Ec2Fleet {
    /// The instances whose tag `tidecast:fleet` has this value.
    pub fn new(ec2: Ec2, fleet: impl Into<String>, launch: Launch) -> Self {
        Self { ec2, fleet: fleet.into(), launch, tally: None, memory: Mutex::default() }
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

    async fn grow(&self, to: u32, decision: &Decision) -> Result<String, Trouble> {
        let now = decision.at;
        let (have, open, waits) = {
            let memory = self.memory();
            (size(memory.most()), memory.intent.clone(), memory.waits(now))
        };
        let missing = to.saturating_sub(have);
        match (open, waits) {
            _ if missing == 0 => Ok(format!("{have} instances are there or on their way")),
            (_, Some(why)) => Ok(format!("{missing} instances are not launched yet: {why}")),
            (Some(intent), _) if intent.count > missing => Ok(format!(
                "{} instances may be on their way or not: that shows in two minutes",
                intent.count
            )),
            (Some(intent), _) => {
                // What became of it is learned by asking for the same again.
                let again = self.launch(intent, now).await?;
                let more = self.launch_more(to, decision).await?;
                Ok(format!("{again} instances are there of the launch that was asked for; {more}"))
            }
            (None, _) => self.launch_more(to, decision).await,
        }
    }

    async fn launch_more(&self, to: u32, decision: &Decision) -> Result<String, Trouble> {
        let (turn, asked) = (decision.turn, decision.at);
        let have = size(self.memory().most());
        let count = to.saturating_sub(have).min(BATCH);
        if count == 0 {
            return Ok(format!("{have} instances are there or on their way"));
        }
        let launched = self.launch(Intent { token: self.token(turn), turn, count, asked }, asked).await?;
        Ok(format!("{launched} instances launched"))
    }

    /// What belongs to a turn, and to no other: 64 characters are allowed.
    fn token(&self, turn: u64) -> String {
        let digest = Sha256::digest(format!("{}/{}/{turn}", self.ec2.region().name(), self.fleet));
        let short: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("tidecast-{short}")
    }

    async fn shrink(&self, to: u32, now: Timestamp) -> Result<String, Trouble> {
        if self.memory().is_new(now) {
            return Ok(format!("no instance is ended yet: {NEW}"));
        }
        let mut there: Vec<Instance> = self.memory().least().cloned().collect();
        // The youngest first: those that do not serve yet are among them.
        there.sort_by_key(|instance| (std::cmp::Reverse(instance.launched), instance.id.clone()));
        let surplus = there.len().saturating_sub(to as usize);
        let ids: Vec<String> = there.into_iter().take(surplus).map(|instance| instance.id).collect();
        match ids.is_empty() {
            true => Ok(format!("no more than {to} instances are certainly there")),
            false => Ok(format!("{} instances ended", self.end(ids, now).await?)),
        }
    }

    /// Looks anew and marks the fleet with this turn where it is the newest; the newer one, if there is one.
    async fn claim(&self, decision: &Decision) -> Result<Option<u64>, Trouble> {
        let newer = |by: u64| (by > decision.turn).then_some(by);
        let known = self.memory().turn;
        if newer(known).is_none() && self.changes(decision) {
            self.look(decision.at).await?;
            let marked = self.memory().turn;
            if newer(marked).is_none() {
                self.mark(decision).await?;
                self.memory().claimed = true;
            }
        }
        let mut memory = self.memory();
        let by = newer(memory.turn);
        memory.turn = memory.turn.max(decision.turn);
        Ok(by)
    }

    /// Whether anything may be changed by it; the first turn of a process says at least that it is there.
    fn changes(&self, decision: &Decision) -> bool {
        let memory = self.memory();
        let waits = memory.waits(decision.at).is_some();
        !memory.claimed
            || decision.commands.iter().any(|command| match command {
                Command::Grow { .. } => !waits,
                _ => true,
            })
    }

    /// Sets the size, and does what is to be done to chosen instances; what of it fails keeps nothing else from it.
    async fn carry(&self, decision: &Decision) -> Result<Vec<String>, Trouble> {
        let (mut said, mut sized) = (Vec::new(), Ok(()));
        for command in &decision.commands {
            let done = match command {
                Command::Grow { to } => self.grow(to.get(), decision).await,
                Command::Shrink { to } => self.shrink(to.get(), decision.at).await,
                _ => continue,
            };
            sized = sized.and(done.map(|done| said.push(done)));
        }
        let mut chosen = Chosen::of(decision, &self.memory());
        let done = self.choose(&mut chosen, decision.at).await;
        sized.and(done)?;
        said.extend(chosen.said());
        Ok(said)
    }
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn node(instance: &Instance, memory: &Memory, now: Timestamp) -> Node {
    let phase = match memory.marks.since(instance) {
        Some(since) => Phase::Draining { since },
        None if instance.state == "running" => Phase::Serving,
        None => Phase::Booting,
    };
    // A machine that runs need not serve yet: what that takes, EC2 does not know.
    let (launched, ready) = (instance.launched.unwrap_or(now), None);
    Node { name: NodeName(instance.id.clone()), phase, launched, ready, sessions: None }
}

/// What is not known of the fleet.
fn says(memory: &Memory, now: Timestamp) -> Vec<String> {
    let ending = memory.shown().count() - memory.least().count();
    let asked = "may be ending: their end was asked for, and nobody knows yet what came of it";
    let counts = [(memory.untold(), "that were there are not described"), (ending, asked)];
    let unknown = counts.into_iter().filter(|(count, _)| *count > 0);
    let unknown = unknown.map(|(count, what)| format!("{count} instances {what}"));
    unknown.chain(memory.is_new(now).then(|| NEW.to_owned())).collect()
}

#[async_trait]
impl Scaler for Ec2Fleet {
    fn name(&self) -> String {
        format!("the fleet {} of EC2 in {}", self.fleet, self.ec2.region().name())
    }

    async fn sight(&self, now: Timestamp) -> Result<Option<Sighting>, Trouble> {
        self.look(now).await?;
        let memory = self.memory();
        // Whose end may be under way can neither be ended nor be given sessions back.
        let nodes: Vec<Node> = memory.least().map(|instance| node(instance, &memory, now)).collect();
        let serving = memory.least().filter(|instance| instance.state == "running").count();
        let sighting = Sighting::of(now, Size(size(memory.most())), Size(size(serving)));
        let complete = memory.untold() == 0 && !memory.is_new(now);
        Ok(Some(Sighting { nodes, complete, says: says(&memory, now), ..sighting }))
    }

    fn also_called(&self) -> BTreeMap<NodeName, Vec<String>> {
        let memory = self.memory();
        let called = |instance: &Instance| (NodeName(instance.id.clone()), instance.addresses.clone());
        memory.shown().map(called).collect()
    }

    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        if let Some(by) = self.claim(decision).await? {
            return Ok(Receipt::Overtaken { by });
        }
        let said = self.carry(decision).await?;
        Ok(if said.is_empty() {
            Receipt::Done("stands as wanted".into())
        } else {
            Receipt::Done(said.join("; "))
        })
    }
}
