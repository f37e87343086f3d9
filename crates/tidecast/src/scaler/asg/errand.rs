//! What is to be done to a group, done.

use tidecast_pilot::NodeName;

use super::calls::Calls;
use super::direct::Todo;
use super::fence::{DRAIN, Fence, Mark};
use super::seen::{Group, Life};
use crate::scaler::Tally;
use crate::trouble::Trouble;

/// One turn's way to a group: as it stood when the turn was written into its tags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errand<'a> {
    pub calls: &'a Calls<'a>,
    pub group: &'a Group,
    pub turn: u64,
    /// Who is asked whether an instance is empty before it is ended.
    pub tally: Option<&'a Tally>,
}

impl Errand<'_> {
    /// Does it. The tags are written already.
    pub(super) async fn run(self, todo: &mut Todo) -> Result<(), Trouble> {
        if let Some(to) = todo.set {
            self.calls.set_desired(to).await?;
        }
        let keys = |ids: &[String]| ids.iter().map(|id| format!("{DRAIN}{id}")).collect::<Vec<_>>();
        if !todo.restore.is_empty() || !todo.sweep.is_empty() {
            self.calls.untag(&[keys(&todo.restore), keys(&todo.sweep)].concat()).await?;
        }
        let bare = |id: &&String| {
            self.group.member(id).is_some_and(|member| member.life == Life::InService && !member.protected)
        };
        self.protect(todo.drain.iter().filter(bare).cloned().collect(), true).await?;
        if todo.end.is_empty() { Ok(()) } else { self.end(todo).await }
    }

    /// Unprotects, looks once more, ends: an instance that has gone, one that is not known to be empty any more, or a turn that
    /// came in between, stops it.
    async fn end(self, todo: &mut Todo) -> Result<(), Trouble> {
        let guarded = |id: &&String| self.group.member(id).is_some_and(|member| member.protected);
        self.protect(todo.end.iter().filter(guarded).cloned().collect(), false).await?;
        let again = self.calls.group().await?;
        if Fence::read(&again.tags).turn > self.turn {
            return Ok(());
        }
        let mut first = self.keep_busy(todo).await.err();
        for id in todo.end.iter().filter(|id| again.member(id).is_some()) {
            if let Err(trouble) = self.calls.terminate(id).await {
                let stop = !matches!(trouble, Trouble::Answered { .. } | Trouble::Unsure { .. });
                first.get_or_insert(trouble);
                if stop {
                    break;
                }
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Takes back the end of whoever is not known to be empty at this moment (F29): it goes on draining, protected as before.
    async fn keep_busy(self, todo: &mut Todo) -> Result<(), Trouble> {
        let Some(tally) = self.tally else { return Ok(()) };
        let asked: Vec<NodeName> =
            todo.end.iter().filter(|id| !todo.cut.contains(id)).map(|id| NodeName(id.clone())).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let busy = tally.not_empty(&asked).await;
        let is_busy = |id: &String| busy.contains_key(&NodeName(id.clone()));
        todo.remarks.extend(busy.iter().map(|(id, why)| format!("{id} stays: {why}")));
        let kept: Vec<String> = todo.end.extract_if(.., |id| is_busy(id)).collect();
        if kept.is_empty() {
            return Ok(());
        }
        let draining = |id: &String| {
            let since_s = Mark::of(&self.group.tags, id).map(Mark::since_s)?;
            Some(Mark::Draining(since_s).tag(id))
        };
        let marks: Vec<(String, String)> = kept.iter().filter_map(draining).collect();
        self.calls.tag(&marks).await?;
        let in_service =
            |id: &String| self.group.member(id).is_some_and(|member| member.life == Life::InService);
        self.protect(kept.into_iter().filter(in_service).collect(), true).await
    }

    async fn protect(self, ids: Vec<String>, protected: bool) -> Result<(), Trouble> {
        // Of nobody no call is made.
        self.calls.protect(&ids, protected).await
    }
}
