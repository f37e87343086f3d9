use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tidecast_pilot::{Command, Decision, Sighting, Size};

use super::persist::persist;
use super::{Receipt, Scaler, seen};
use crate::config::word::SecretRef;
use crate::egress::{Ask, Connector, Verb};
use crate::trouble::Trouble;

/// A group of jitsi-autoscaler, of which the floor follows the plan: its `minDesired`. What lies above it stays with
/// jitsi-autoscaler, which drains bridges by itself.
#[derive(Debug)]
pub struct Jitsi {
    group: String,
    way: Connector,
    token: Option<(SecretRef, PathBuf)>,
    turn: AtomicU64,
    floor: Mutex<Option<Size>>,
}

/// What jitsi-autoscaler keeps of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    min: Size,
    max: Size,
    desired: Size,
}

/// What instances report that carry meetings, or could.
const SERVING: [&str; 4] = ["ONLINE", "IDLE", "BUSY", "IN USE"];

impl Jitsi {
    /// The group of this name, reached by `way`. The token is read anew for each question, from below a folder.
    pub fn new(group: impl Into<String>, way: Connector, token: Option<(SecretRef, PathBuf)>) -> Self {
        Self { group: group.into(), way, token, turn: AtomicU64::new(0), floor: Mutex::new(None) }
    }

    async fn ask(&self, path: &str, put: Option<&Value>) -> Result<Value, Trouble> {
        let token =
            self.token.as_ref().map(|(token, folder)| token.read(folder, |name| std::env::var(name).ok()));
        let token = token.transpose().map_err(|why| self.unusable(format!("its token: {why}")))?;
        let bearer = token.map(|token| format!("Bearer {}", token.expose_secret()));
        let headers = bearer.as_deref().map(|bearer| ("authorization", bearer));
        let path = format!("/groups/{}{path}", self.group);
        let (verb, body) = match put {
            Some(body) => (Verb::Put, Some(("application/json", body.to_string().into_bytes()))),
            None => (Verb::Ask, None),
        };
        let answer = self
            .way
            .ask(Ask { path: &path, body, verb, headers: headers.as_slice(), ..Ask::default() })
            .await?;
        match answer.is_success() {
            true => serde_json::from_slice(&answer.body).map_err(|_| self.garbled("it is no JSON")),
            false => Err(Trouble::Answered { who: self.name(), status: answer.status, said: answer.said() }),
        }
    }

    fn unusable(&self, why: String) -> Trouble {
        Trouble::Unusable { who: self.name(), why }
    }

    fn garbled(&self, why: impl Into<String>) -> Trouble {
        Trouble::Garbled { who: self.name(), why: why.into() }
    }

    async fn group(&self) -> Result<Group, Trouble> {
        let answer = self.ask("", None).await?;
        let options = &answer["instanceGroup"]["scalingOptions"];
        let size = |key| seen::servers(key, options.get(key)).map_err(|why| self.garbled(why));
        let group =
            Group { min: size("minDesired")?, max: size("maxDesired")?, desired: size("desiredCount")? };
        *self.floor.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(group.min);
        Ok(group)
    }

    /// Has the floor where a command wants it, if it is not there.
    async fn arrive(&self, command: &Command) -> Result<String, Trouble> {
        let group = self.group().await?;
        let Some(floor) = floor_after(command, group.min) else {
            return Ok(format!("the floor of {} is {} already", self.group, group.min));
        };
        if floor > group.max {
            let why = format!("its maxDesired is {}, and {floor} are wanted; raise it there", group.max);
            return Err(self.unusable(why));
        }
        self.ask("/desired", Some(&wish(floor, group))).await?;
        Ok(format!("the floor of {} is {floor}, before it was {}", self.group, group.min))
    }
}

/// Where the floor is to be; none if it may stay.
fn floor_after(command: &Command, floor: Size) -> Option<Size> {
    match command {
        Command::Grow { to } if *to > floor => Some(*to),
        Command::Shrink { to } if *to < floor => Some(*to),
        _ => None,
    }
}

/// What is asked for. A floor above `desiredCount` is refused there, so that is lifted with it; it is never lowered.
fn wish(floor: Size, group: Group) -> Value {
    match floor > group.desired {
        true => json!({ "minDesired": floor, "desiredCount": floor }),
        false => json!({ "minDesired": floor }),
    }
}

/// What is told of the instances.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Instance {
    scale_status: String,
    is_shutting_down: bool,
}

#[async_trait]
impl Scaler for Jitsi {
    fn name(&self) -> String {
        format!("the group {} of {}", self.group, self.way.who())
    }

    /// What is ordered is the floor: more may stand above it, on jitsi-autoscaler's own account.
    async fn sight(&self, now: Timestamp) -> Result<Option<Sighting>, Trouble> {
        let (group, report) = (self.group().await?, self.ask("/report", None).await?);
        let report = &report["groupReport"];
        let instances = Vec::<Instance>::deserialize(&report["instances"]);
        let instances = instances.map_err(|why| self.garbled(format!("its instances: {why}")))?;
        let serves = |i: &&Instance| !i.is_shutting_down && SERVING.contains(&i.scale_status.as_str());
        let serving = Size(u32::try_from(instances.iter().filter(serves).count()).unwrap_or(u32::MAX));
        let untracked =
            report.get("unTrackedCount").map(|count| seen::servers("unTrackedCount", Some(count)));
        let untracked = untracked.transpose().map_err(|why| self.garbled(why))?.unwrap_or_default();
        let complete = untracked == Size(0);
        Ok(Some(Sighting { complete, ..Sighting::of(now, group.min, serving) }))
    }

    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        let Some(command) = decision.commands.first() else { return Ok(Receipt::Shown) };
        let before = self.turn.fetch_max(decision.turn, Ordering::AcqRel);
        match before > decision.turn {
            true => Ok(Receipt::Overtaken { by: before }),
            false => persist(|| self.arrive(command)).await.map(Receipt::Done),
        }
    }

    fn shows(&self, decision: &Decision) -> Vec<String> {
        let floor = *self.floor.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let commands = decision.commands.iter().chain(&decision.withheld);
        let wishes = commands.filter_map(|command| floor_after(command, floor?));
        wishes.map(|floor| format!("PUT /groups/{}/desired {{\"minDesired\":{floor}}}", self.group)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifts_and_lowers_the_floor_and_nothing_else() {
        let (grow, shrink) = (Command::Grow { to: Size(12) }, Command::Shrink { to: Size(8) });
        assert_eq!(floor_after(&grow, Size(10)), Some(Size(12)));
        assert_eq!(floor_after(&grow, Size(14)), None, "growing never lowers it");
        assert_eq!(floor_after(&shrink, Size(10)), Some(Size(8)));
        assert_eq!(floor_after(&shrink, Size(6)), None, "shrinking never lifts it");
        let group = Group { min: Size(10), max: Size(40), desired: Size(11) };
        assert_eq!(wish(Size(12), group), json!({ "minDesired": 12, "desiredCount": 12 }));
        assert_eq!(wish(Size(11), group), json!({ "minDesired": 11 }));
    }
}
