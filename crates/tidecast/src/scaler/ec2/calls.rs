use jiff::Timestamp;
use tidecast_pilot::Decision;

use super::memory::Intent;
use super::read::{self, DRAIN, FLEET, Instance, MANAGED, TURN};
use super::{Ec2Fleet, Scaler};
use crate::aws::Visit;
use crate::trouble::{Trouble, one_line};

/// The most instances that are marked at once.
const MARKS_MAX: usize = 1_000;
const PAGES_MAX: usize = 100;

type Parameters = Vec<(String, String)>;

impl Ec2Fleet {
    async fn call(&self, action: &str, asked: &Parameters, now: Timestamp) -> Result<String, Trouble> {
        let visit = Visit::new(self.ec2.region().clone(), self.name(), now);
        self.ec2.call(&visit, action, asked, now).await
    }

    /// Looks at the fleet. An answer that knows of nothing although there was something is none: what ended is described
    /// for an hour.
    pub(super) async fn look(&self, now: Timestamp) -> Result<(), Trouble> {
        let there = self.read(now).await.inspect_err(|_| self.memory().went_unanswered())?;
        let blank = there.is_empty();
        let mut memory = self.memory();
        memory.learn(there, now);
        match memory.untold() {
            untold if blank && untold > 0 => {
                let why = format!("it tells of none of the {untold} instances that were there");
                Err(Trouble::Garbled { who: self.name(), why })
            }
            _ => Ok(()),
        }
    }

    async fn read(&self, now: Timestamp) -> Result<Vec<Instance>, Trouble> {
        let (mut all, mut next) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut asked = named(&[
                ("Filter.1.Name", &format!("tag:{FLEET}")),
                ("Filter.1.Value.1", &self.fleet),
                ("Filter.2.Name", &format!("tag:{}", MANAGED.0)),
                ("Filter.2.Value.1", MANAGED.1),
                ("MaxResults", "1000"),
            ]);
            asked.extend(next.map(|token| ("NextToken".to_owned(), token)));
            let (some, more) = self.parsed(&self.call("DescribeInstances", &asked, now).await?)?;
            // A filter takes `*` and `?` for any text: what is ours is looked at again.
            all.extend(some.into_iter().filter(|instance| instance.is_of(&self.fleet)));
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

    /// Writes the turn on the instances, so that no older one is carried out by anybody who looks (F24).
    pub(super) async fn mark(&self, decision: &Decision) -> Result<(), Trouble> {
        let bare = |instance: &&Instance| instance.turn() < decision.turn;
        let ids: Vec<String> =
            self.memory().shown().filter(bare).take(MARKS_MAX).map(|instance| instance.id.clone()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut asked = numbered("ResourceId", &ids);
        asked.extend(named(&[("Tag.1.Key", TURN), ("Tag.1.Value", &decision.turn.to_string())]));
        self.call("CreateTags", &asked, decision.at).await.map(|_| ())
    }

    /// Marks instances, so that they get no new sessions.
    pub(super) async fn mark_drained(&self, ids: &[String], now: Timestamp) -> Result<(), Trouble> {
        let since = now.as_second().to_string();
        let tag = named(&[("Tag.1.Key", DRAIN), ("Tag.1.Value", &since)]);
        self.write("CreateTags", tag, ids, Some(now), now).await
    }

    /// Takes these marks away, whatever they say.
    pub(super) async fn unmark(&self, ids: &[String], now: Timestamp) -> Result<(), Trouble> {
        self.write("DeleteTags", named(&[("Tag.1.Key", DRAIN)]), ids, None, now).await
    }

    async fn write(
        &self,
        action: &str,
        tag: Parameters,
        ids: &[String],
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        for ids in ids.chunks(MARKS_MAX) {
            self.memory().marks.write(ids, now);
            let answered = self.call(action, &[numbered("ResourceId", ids), tag.clone()].concat(), now).await;
            let marks = &mut self.memory().marks;
            match answered {
                Ok(_) => marks.wrote(ids, since, now),
                Err(trouble) => {
                    if is_undone(&trouble) || matches!(trouble, Trouble::Answered { .. }) {
                        marks.stand(ids);
                    }
                    return Err(trouble);
                }
            }
        }
        Ok(())
    }

    /// Asks for a launch; how many there are of it. Asked again with the same intent, it launches nothing more.
    pub(super) async fn launch(&self, intent: Intent, now: Timestamp) -> Result<usize, Trouble> {
        let asked = self.wish(&intent);
        self.memory().intent = Some(Intent { asked: now, ..intent });
        let answered = self.call("RunInstances", &asked, now).await;
        let (launched, _) = self.parsed(&answered.inspect_err(|trouble| self.failed(trouble, now))?)?;
        let count = launched.len();
        self.memory().was_launched(launched, now);
        Ok(count)
    }

    fn wish(&self, intent: &Intent) -> Parameters {
        let mut asked = named(&[
            ("ClientToken", &intent.token),
            ("MinCount", "1"),
            ("MaxCount", &intent.count.to_string()),
            ("LaunchTemplate.LaunchTemplateName", &self.launch.template),
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", FLEET),
            ("TagSpecification.1.Tag.1.Value", &self.fleet),
            ("TagSpecification.1.Tag.2.Key", MANAGED.0),
            ("TagSpecification.1.Tag.2.Value", MANAGED.1),
            ("TagSpecification.1.Tag.3.Key", TURN),
            ("TagSpecification.1.Tag.3.Value", &intent.turn.to_string()),
        ]);
        asked.extend(self.launch.subnet.iter().map(|subnet| ("SubnetId".to_owned(), subnet.clone())));
        asked
    }

    /// A launch failed: whether it is known that nothing came of it.
    fn failed(&self, trouble: &Trouble, now: Timestamp) {
        let mut memory = self.memory();
        // Want of machines is told by a status that else means that nobody knows.
        let wanting = matches!(trouble, Trouble::Unsure { why, .. } if why.contains("Insufficient"));
        if wanting || matches!(trouble, Trouble::Answered { .. }) {
            memory.refused = Some(now);
        }
        if wanting || is_undone(trouble) || matches!(trouble, Trouble::Answered { .. }) {
            memory.intent = None;
        }
    }

    /// Asks for the end of instances; how many.
    pub(super) async fn end(&self, ids: Vec<String>, now: Timestamp) -> Result<usize, Trouble> {
        let before = self.memory().is_ending(&ids, now);
        let answered = self.call("TerminateInstances", &numbered("InstanceId", &ids), now).await;
        let mut memory = self.memory();
        match answered {
            Ok(_) => memory.ends(&ids),
            Err(trouble) => {
                // Where one of several may not be ended, those of other zones end all the same: what became of them shows.
                let refused = ids.len() == 1 && matches!(trouble, Trouble::Answered { .. });
                if is_undone(&trouble) || refused {
                    memory.remain(before);
                }
                return Err(trouble);
            }
        }
        Ok(ids.len())
    }
}

/// Whether it is certain that nothing was done.
fn is_undone(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::Throttled { .. }
            | Trouble::Paced { .. }
            | Trouble::Credentials { .. }
            | Trouble::Unusable { .. }
    )
}

fn named(parameters: &[(&str, &str)]) -> Parameters {
    parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn numbered(key: &str, ids: &[String]) -> Parameters {
    ids.iter().enumerate().map(|(n, id)| (format!("{key}.{}", n + 1), id.clone())).collect()
}
