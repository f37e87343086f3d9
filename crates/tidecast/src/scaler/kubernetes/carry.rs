use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::core::DynamicObject;
use serde_json::{Value, json};
use tidecast_pilot::{Command, Decision};
use tokio::time::Instant;

use super::Kubernetes;
use super::ask::{Failed, Question, Why, pause};
use super::marks::{Fence, Marks};
use super::stand::{Holder, Look, Stand, name};
use super::writers::{self, Writer};
use crate::scaler::Receipt;
use crate::trouble::Trouble;

/// How old a decision may be when it is carried out: a process that was stopped in between must not wake up and act.
pub(super) const AGE_MAX: SignedDuration = SignedDuration::from_mins(5);
/// How long carrying one out may take.
pub(super) const CARRY_MAX: Duration = Duration::from_secs(15);
/// How often the number is looked at anew because it has changed under our hands.
const TRIES: u32 = 5;

/// What a decision's commands mean for the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wish {
    /// At least so many.
    pub grow: Option<u32>,
    /// At most so many.
    pub shrink: Option<u32>,
    /// How many stood there when it was decided to shrink.
    pub from: Option<u32>,
    /// So many are ended by name.
    pub ended: u32,
}

impl Wish {
    pub(super) fn of(decision: &Decision) -> Self {
        let moved = decision.moves.last().filter(|last| last.at == decision.at);
        let mut wish = Self { from: moved.map(|moved| moved.from.get()), ..Self::default() };
        for command in &decision.commands {
            match command {
                Command::Grow { to } => wish.grow = Some(to.get()),
                Command::Shrink { to } => wish.shrink = Some(to.get()),
                Command::Drain { .. }
                | Command::Restore { .. }
                | Command::Terminate { .. }
                | Command::Cut { .. } => {}
            }
        }
        wish
    }

    /// The number to write where `stands` stands; an error says why it must not be.
    ///
    /// A decision to shrink was paced by what stood there: if more stands there now, somebody needed it, and going all the
    /// way would take away more than was decided.
    fn number(&self, stands: u32) -> Result<u32, String> {
        let mut number = stands.max(self.grow.unwrap_or(0));
        if let Some(to) = self.shrink.filter(|to| *to < number) {
            match self.from {
                Some(from) if stands > from => {
                    return Err(format!(
                        "{stands} stand there now, and it was decided to shrink {from} to {to}"
                    ));
                }
                _ => number = to,
            }
        }
        Ok(number.saturating_sub(self.ended))
    }
}

/// What is to become of the number.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// A newer turn was carried out.
    Overtaken(u64),
    /// It stays as it is, for this reason.
    Stay(String),
    /// It must not be written.
    Refuse(Trouble),
    /// It is written.
    Write {
        /// The number.
        number: u32,
        /// What the sentence of the receipt adds.
        but: String,
        /// Whom this overrules.
        overruled: Option<String>,
    },
}

/// Somebody else has changed the number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Contest {
    /// For the first time in a while.
    Once(Writer),
    /// After we had overruled somebody already: writing on would be a fight (F22).
    Again(Writer),
}

/// Whether the number is another than we have written, and who has written it.
pub(super) fn contest(stand: &Stand, now: Timestamp) -> Option<Contest> {
    let marks = Marks::of(stand.held())?;
    let changes = marks.changes(stand.held().metadata.generation);
    // Nothing has changed since the marks were written: it is our number that has not come yet.
    if marks.size == stand.ordered() || changes == Some(0) {
        return None;
    }
    let path = ["spec", stand.field()];
    let timed = || writers::since_ours(stand.held(), &path, marks.at);
    let writer = timed().or_else(|| unrecorded(stand, changes, &path))?;
    Some(if marks.in_truce(now) { Contest::Again(writer) } else { Contest::Once(writer) })
}

/// Somebody who has changed the number through the scale subresource, of which the server records no time. Marks that are
/// followed by one change may be followed by one that left the number as it was, ours having failed; two are ours and his.
fn unrecorded(stand: &Stand, changes: Option<i64>, path: &[&str]) -> Option<Writer> {
    // Of custom kinds some servers record nothing at all.
    let unknown = || (!stand.kind.is_plain()).then(Writer::unknown);
    changes
        .filter(|changes| *changes >= 2)
        .and_then(|_| writers::at_no_time(stand.held(), path).or_else(unknown))
}

/// What is to become of the number, by what stands there now.
pub(super) fn judge(
    workload: &str,
    stand: &Stand,
    wish: &Wish,
    decision: &Decision,
    now: Timestamp,
) -> Verdict {
    let marks = Marks::of(stand.held());
    match marks.as_ref().map_or(Fence::Open, |marks| marks.fence(workload, decision)) {
        Fence::Open => {}
        Fence::Overtaken(by) => return Verdict::Overtaken(by),
        Fence::Taken(other) => {
            let why = format!("the workload {other} of tidecast sizes it; one of the two must let go");
            return Verdict::Refuse(Trouble::Unusable { who: called(stand), why });
        }
    }
    let stands = stand.ordered();
    // A turn that could not be committed has grown under a number that another one bears now; its time tells them apart.
    let same = |marks: &Marks| marks.turn == decision.turn && marks.at == decision.at;
    if marks.is_some_and(|marks| same(&marks) && marks.size == stands) {
        return Verdict::Stay(format!("{} is {stands}, as this turn has written already", what(stand)));
    }
    let number = match wish.number(stands) {
        Ok(number) => number,
        Err(why) => return Verdict::Refuse(Trouble::Changed { who: called(stand), why }),
    };
    let (least, most) = stand.range();
    let within = number.min(most).max(least);
    let but = match within == number {
        true => String::new(),
        false => format!(", not {number}: its owner takes {least} to {most}"),
    };
    if within == stands {
        return Verdict::Stay(format!("{} is {stands} already{but}", what(stand)));
    }
    match contest(stand, now) {
        Some(Contest::Again(writer)) => Verdict::Refuse(Trouble::Changed {
            who: called(stand),
            why: format!("{writer} has changed {} to {stands} again", stand.field()),
        }),
        Some(Contest::Once(writer)) => {
            Verdict::Write { number: within, but, overruled: Some(writer.to_string()) }
        }
        None => Verdict::Write { number: within, but, overruled: None },
    }
}

/// Whether the target bears these marks already, and nothing has happened to it since they were written.
fn is_marked(stand: &Stand, marks: &Marks) -> bool {
    let generation = stand.target.metadata.generation;
    let wanted = Marks { generation, ..marks.clone() };
    Marks::of(&stand.target).is_some_and(|known| known == wanted)
}

/// `Deployment checkout`.
pub(super) fn called(stand: &Stand) -> String {
    format!("{} {}", stand.kind.kind, name(&stand.target))
}

/// `minReplicas of the HPA checkout`.
fn what(stand: &Stand) -> String {
    match &stand.holder {
        Holder::Scale => format!("{} of {}", stand.field(), called(stand)),
        Holder::Hpa(hpa) => format!("{} of the HPA {}", stand.field(), name(hpa)),
        Holder::ScaledObject(object) => format!("{} of the ScaledObject {}", stand.field(), name(object)),
    }
}

/// Whether a write is only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// The server says what would come of it.
    Dry,
    /// It is done.
    Real,
}

/// What came of it, and what was done to whom.
pub(super) struct Carried {
    pub receipt: Receipt,
    /// The stand that was changed, if it was.
    pub changed: Option<(Stand, u32)>,
    pub overruled: Option<String>,
}

impl Kubernetes {
    /// Brings the number to where the wish wants it, looking at it anew each time before it writes.
    pub(super) async fn carry(
        &self,
        wish: &Wish,
        decision: &Decision,
        until: Instant,
    ) -> Result<Carried, Trouble> {
        let mut last = None;
        for nth in 1..=TRIES {
            let (failed, wait) = match self.try_once(wish, decision, until).await {
                Ok(carried) => return Ok(carried),
                Err(failed) if failed.why == Why::Conflict => (failed, nth),
                Err(failed) if failed.passes() => (failed, nth + 1),
                Err(failed) => return Err(failed.trouble),
            };
            last = Some(failed.trouble);
            if !pause(wait, until).await {
                break;
            }
        }
        Err(last.expect("at least one try was made"))
    }

    /// Whether a newer turn has left its marks on the target.
    pub(super) async fn overtaken(
        &self,
        decision: &Decision,
        until: Instant,
    ) -> Result<Option<Receipt>, Trouble> {
        let stand = self.stand(Look::Fresh, until).await?;
        let fence =
            Marks::of(stand.held()).map_or(Fence::Open, |marks| marks.fence(&self.workload, decision));
        Ok(match fence {
            Fence::Overtaken(by) => Some(Receipt::Overtaken { by }),
            Fence::Open | Fence::Taken(_) => None,
        })
    }

    async fn try_once(&self, wish: &Wish, decision: &Decision, until: Instant) -> Result<Carried, Failed> {
        let stand = self.stand(Look::Fresh, until).await?;
        let done = |receipt| Ok(Carried { receipt, changed: None, overruled: None });
        match judge(&self.workload, &stand, wish, decision, (self.clock)()) {
            Verdict::Overtaken(by) => done(Receipt::Overtaken { by }),
            Verdict::Stay(said) => done(Receipt::Done(said)),
            Verdict::Refuse(trouble) => Err(Failed { why: Why::Refused, trouble }),
            Verdict::Write { number, but, overruled } => {
                let before = stand.ordered();
                self.write(&stand, number, decision, overruled.clone(), until).await?;
                let said = format!("{} set from {before} to {number}{but}", what(&stand));
                Ok(Carried { receipt: Receipt::Done(said), changed: Some((stand, number)), overruled })
            }
        }
    }

    /// Writes the number, with the marks in the same write where the object that has them carries it; where it does not,
    /// the marks are written first, so that an older decision finds the door shut.
    async fn write(
        &self,
        stand: &Stand,
        number: u32,
        decision: &Decision,
        overruled: Option<String>,
        until: Instant,
    ) -> Result<(), Failed> {
        let now = (self.clock)();
        let before =
            Marks::of(stand.held()).filter(|marks| marks.in_truce(now)).and_then(|marks| marks.contested);
        let marks = Marks {
            workload: self.workload.clone(),
            turn: decision.turn,
            at: decision.at,
            size: number,
            contested: overruled.map(|writer| (writer, now)).or(before),
            generation: matches!(stand.holder, Holder::Scale).then(|| stand.generation_marked()).flatten(),
        };
        match stand.holder {
            Holder::Scale => self.write_scale(stand, &marks, decision, until).await,
            Holder::Hpa(_) | Holder::ScaledObject(_) => {
                let spec = json!({ stand.field(): number });
                self.mark(stand, &marks, decision, Some(spec), until).await.map(drop)
            }
        }
    }

    /// First the marks, then the number: an older decision that comes in between finds the door shut, and what was written
    /// since is a conflict for us.
    async fn write_scale(
        &self,
        stand: &Stand,
        marks: &Marks,
        decision: &Decision,
        until: Instant,
    ) -> Result<(), Failed> {
        let version = |thing: &DynamicObject| thing.metadata.resource_version.clone().unwrap_or_default();
        let mut now = version(&stand.target);
        // Marks for a number that cannot be written would be new in each turn, and would help nobody.
        if self.stuck.load(Ordering::Relaxed) {
            self.put_scale(stand, marks.size, &now, Trial::Dry, until).await?;
        }
        if !is_marked(stand, marks) {
            now = version(&self.mark(stand, marks, decision, None, until).await?);
        }
        let put = self.put_scale(stand, marks.size, &now, Trial::Real, until).await;
        let lasts = |why| matches!(why, Why::Forbidden | Why::Missing | Why::Refused);
        self.stuck.store(put.as_ref().is_err_and(|failed| lasts(failed.why)), Ordering::Relaxed);
        put
    }

    async fn put_scale(
        &self,
        stand: &Stand,
        number: u32,
        version: &str,
        trial: Trial,
        until: Instant,
    ) -> Result<(), Failed> {
        let target = name(&stand.target);
        let scale = json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": { "name": target, "namespace": self.namespace, "resourceVersion": version },
            "spec": { "replicas": number },
        });
        let ask = Question::update(&stand.kind, &self.namespace, target, scale).of("scale");
        let ask = if trial == Trial::Dry { ask.with("dryRun", "All") } else { ask };
        self.cluster.ask::<Value>(&ask, until).await.map(drop)
    }

    /// Applies the marks, and in the same write what else there is to write.
    async fn mark(
        &self,
        stand: &Stand,
        marks: &Marks,
        decision: &Decision,
        spec: Option<Value>,
        until: Instant,
    ) -> Result<DynamicObject, Failed> {
        let mut body = self.marked(stand, marks, decision);
        if let Some(spec) = spec {
            body["spec"] = spec;
        }
        let ask = Question::apply(&stand.held_kind(), &self.namespace, name(stand.held()), body);
        self.cluster.ask(&ask, until).await
    }

    fn marked(&self, stand: &Stand, marks: &Marks, decision: &Decision) -> Value {
        let kind = stand.held_kind();
        json!({
            "apiVersion": kind.api_version(), "kind": kind.kind,
            "metadata": {
                "name": name(stand.held()), "namespace": self.namespace,
                "resourceVersion": stand.held().metadata.resource_version,
                "annotations": marks.annotations(&decision.because.to_string()),
            },
        })
    }
}

#[cfg(test)]
mod tests;
