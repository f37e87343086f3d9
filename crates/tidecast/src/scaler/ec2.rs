//! Instances of EC2 outside of any group (S6.3): known by a tag, launched from a template.

mod read;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tidecast_pilot::{Command, Decision, Node, NodeName, Phase, Sighting, Size};

use self::read::Instance;
use super::{Receipt, Scaler};
use crate::aws::{Ec2, Visit};
use crate::trouble::{Trouble, one_line};

/// A fleet of instances outside of groups.
///
/// Nobody but us keeps their number, so nothing is launched on a count alone: a launch is asked for with a token that
/// belongs to its turn, and until its outcome is known the same question is put again, which launches nothing twice
/// (A13, F25). What was launched counts from then on, seen or not; what was ended counts no more.
#[derive(Debug)]
pub struct Ec2Fleet {
    ec2: Ec2,
    fleet: String,
    launch: Launch,
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

#[derive(Debug, Default)]
struct Memory {
    since: Option<Timestamp>,
    turn: u64,
    /// A launch whose outcome is not known.
    intent: Option<Intent>,
    /// Ids that were answered, and when, until they are seen.
    launched: BTreeMap<String, Timestamp>,
    ended: BTreeMap<String, Timestamp>,
    /// When a launch was last refused for want of machines.
    refused: Option<Timestamp>,
    there: Vec<Instance>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Intent {
    token: String,
    count: u32,
}

/// The tag that says whose instances these are.
const FLEET: &str = "tidecast:fleet";
/// How long what was done may be missing from what is read.
const LAG: SignedDuration = SignedDuration::from_secs(120);
/// How long after a launch was refused the next one is tried: six times in half an hour at most (F28).
const AGAIN: SignedDuration = SignedDuration::from_mins(6);
/// The most instances in one launch.
const BATCH: u32 = 50;
const PAGES_MAX: usize = 100;

impl Ec2Fleet {
    /// The instances whose tag `tidecast:fleet` has this value.
    pub fn new(ec2: Ec2, fleet: impl Into<String>, launch: Launch) -> Self {
        Self { ec2, fleet: fleet.into(), launch, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn visit(&self, now: Timestamp) -> Visit {
        Visit::new(self.ec2.region().clone(), self.name(), now)
    }

    async fn read(&self, now: Timestamp) -> Result<Vec<Instance>, Trouble> {
        let visit = self.visit(now);
        let (mut all, mut next) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut asked = vec![
                ("Filter.1.Name".to_owned(), format!("tag:{FLEET}")),
                ("Filter.1.Value.1".into(), self.fleet.clone()),
                ("MaxResults".into(), "1000".into()),
            ];
            asked.extend(next.map(|token| ("NextToken".to_owned(), token)));
            let text = self.ec2.call(&visit, "DescribeInstances", &asked, now).await?;
            let (some, more) = self.parsed(&text)?;
            all.extend(some);
            next = more;
            if next.is_none() {
                return Ok(all);
            }
        }
        Err(Trouble::TooMuch { who: self.name(), limit: PAGES_MAX as u64, unit: "pages of instances" })
    }

    fn parsed(&self, text: &str) -> Result<(Vec<Instance>, Option<String>), Trouble> {
        let why = |error: &dyn std::error::Error| one_line(&error.to_string());
        read::instances(text).map_err(|error| Trouble::Garbled { who: self.name(), why: why(&error) })
    }

    /// Asks for a launch; the ids. Asked again with the same intent, it launches nothing more.
    async fn launch(&self, intent: &Intent, now: Timestamp) -> Result<usize, Trouble> {
        let count = intent.count.to_string();
        let mut asked: Vec<(String, String)> = [
            ("ClientToken", intent.token.as_str()),
            ("MinCount", "1"),
            ("MaxCount", &count),
            ("LaunchTemplate.LaunchTemplateName", &self.launch.template),
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", FLEET),
            ("TagSpecification.1.Tag.1.Value", &self.fleet),
            ("TagSpecification.1.Tag.2.Key", "tidecast"),
            ("TagSpecification.1.Tag.2.Value", "managed"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        asked.extend(self.launch.subnet.iter().map(|subnet| ("SubnetId".to_owned(), subnet.clone())));
        self.memory().intent = Some(intent.clone());
        let answered = self.ec2.call(&self.visit(now), "RunInstances", &asked, now).await;
        let mut memory = self.memory();
        match answered {
            Ok(text) => {
                let (launched, _) = self.parsed(&text)?;
                memory.intent = None;
                let count = launched.len();
                memory.launched.extend(launched.into_iter().map(|instance| (instance.id, now)));
                Ok(count)
            }
            Err(trouble) => {
                // Want of machines is told by a status that else means that nobody knows.
                let wanting = trouble.to_string().contains("Insufficient");
                if wanting || matches!(trouble, Trouble::Answered { .. }) {
                    (memory.intent, memory.refused) = (None, Some(now));
                }
                Err(trouble)
            }
        }
    }

    async fn end(&self, ids: Vec<String>, now: Timestamp) -> Result<usize, Trouble> {
        let count = ids.len();
        let numbered = ids.iter().enumerate();
        let asked: Vec<(String, String)> =
            numbered.map(|(n, id)| (format!("InstanceId.{}", n + 1), id.clone())).collect();
        self.memory().ended.extend(ids.iter().map(|id| (id.clone(), now)));
        let answered = self.ec2.call(&self.visit(now), "TerminateInstances", &asked, now).await;
        if let Err(trouble) = answered {
            if !matches!(trouble, Trouble::Unsure { .. }) {
                // EC2 ends all of them or none: these are still there, and nothing is launched in their place.
                self.memory().ended.retain(|id, _| !ids.contains(id));
            }
            return Err(trouble);
        }
        Ok(count)
    }

    async fn grow(&self, to: u32, decision: &Decision) -> Result<String, Trouble> {
        let now = decision.at;
        let open = self.memory().intent.clone();
        if let Some(intent) = open {
            // What became of it is learned by asking for the same again.
            self.launch(&intent, now).await?;
        }
        let (have, wait) = {
            let memory = self.memory();
            (memory.counted().count() as u32, memory.waits(now))
        };
        let missing = to.saturating_sub(have).min(BATCH);
        match wait {
            _ if missing == 0 => Ok(format!("{have} instances are there or on their way")),
            Some(why) => Ok(format!("{missing} instances are not launched yet: {why}")),
            None => {
                let intent = Intent { token: self.token(decision.turn), count: missing };
                let launched = self.launch(&intent, now).await?;
                Ok(format!("{launched} instances launched"))
            }
        }
    }

    /// What belongs to a turn, and to no other: 64 characters are allowed.
    fn token(&self, turn: u64) -> String {
        let digest = Sha256::digest(format!("{}/{}/{turn}", self.ec2.region().name(), self.fleet));
        let short: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("tidecast-{short}")
    }

    async fn shrink(&self, to: u32, now: Timestamp) -> Result<String, Trouble> {
        let mut there: Vec<Instance> = self.memory().staying().cloned().collect();
        // The youngest first: those that do not serve yet are among them.
        there.sort_by_key(|instance| (std::cmp::Reverse(instance.launched), instance.id.clone()));
        let surplus = there.len().saturating_sub(to as usize);
        let ids: Vec<String> = there.into_iter().take(surplus).map(|instance| instance.id).collect();
        match ids.is_empty() {
            true => Ok(format!("no more than {to} instances are there")),
            false => Ok(format!("{} instances ended", self.end(ids, now).await?)),
        }
    }
}

impl Memory {
    fn learn(&mut self, there: Vec<Instance>, now: Timestamp) {
        self.since.get_or_insert(now);
        let young = |at: &Timestamp| now.duration_since(*at) < LAG;
        self.launched.retain(|id, at| young(at) && there.iter().all(|instance| instance.id != *id));
        self.ended.retain(|_, at| young(at));
        self.there = there;
    }

    /// Those that are there to stay.
    fn staying(&self) -> impl Iterator<Item = &Instance> {
        self.there.iter().filter(|instance| instance.stays() && !self.ended.contains_key(&instance.id))
    }

    /// The ids of those, and of those that were launched and are not seen yet.
    fn counted(&self) -> impl Iterator<Item = &String> {
        self.staying().map(|instance| &instance.id).chain(self.launched.keys())
    }

    /// Why nothing is launched just now.
    fn waits(&self, now: Timestamp) -> Option<String> {
        let known = self.since.is_some_and(|since| now.duration_since(since) >= LAG / 2);
        let calm = self.refused.is_none_or(|refused| now.duration_since(refused) >= AGAIN);
        match (known, calm) {
            (false, _) => Some("what was launched before the start may not be seen yet".into()),
            (_, false) => Some("a launch was refused a short time ago".into()),
            _ => None,
        }
    }
}

#[async_trait]
impl Scaler for Ec2Fleet {
    fn name(&self) -> String {
        format!("the fleet {} of EC2 in {}", self.fleet, self.ec2.region().name())
    }

    async fn sight(&self, now: Timestamp) -> Result<Option<Sighting>, Trouble> {
        let there = self.read(now).await?;
        let mut memory = self.memory();
        memory.learn(there, now);
        let node = |instance: &Instance| Node {
            name: NodeName(instance.id.clone()),
            phase: if instance.state == "running" { Phase::Serving } else { Phase::Booting },
            launched: instance.launched.unwrap_or(now),
            // A machine that runs need not serve yet: what that takes, EC2 does not know.
            ready: None,
            sessions: None,
        };
        let nodes: Vec<Node> = memory.staying().map(node).collect();
        let serving = nodes.iter().filter(|node| node.phase == Phase::Serving).count();
        let ordered = memory.counted().count();
        let size = |count: usize| Size(u32::try_from(count).unwrap_or(u32::MAX));
        let sighting = Sighting { nodes, ..Sighting::of(now, size(ordered), size(serving)) };
        Ok(Some(sighting))
    }

    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        let by = self.memory().turn;
        if by > decision.turn {
            return Ok(Receipt::Overtaken { by });
        }
        self.memory().turn = decision.turn;
        let mut said = Vec::new();
        for command in &decision.commands {
            said.push(match command {
                Command::Grow { to } => self.grow(to.get(), decision).await?,
                Command::Shrink { to } => self.shrink(to.get(), decision.at).await?,
                Command::Terminate { node } | Command::Cut { node } => {
                    self.end(vec![node.0.clone()], decision.at).await?;
                    format!("{node} ended")
                }
                Command::Drain { node } | Command::Restore { node } => {
                    format!("{node} is told nothing: instances outside of groups have no marks")
                }
            });
        }
        Ok(if said.is_empty() {
            Receipt::Done("stands as wanted".into())
        } else {
            Receipt::Done(said.join("; "))
        })
    }
}
