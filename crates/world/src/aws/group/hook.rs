//! Lifecycle hooks: what an instance waits for before it serves, or before it is gone.

use super::super::Refusal;
use super::super::activity::stamp;
use super::{Group, Life};

/// One lifecycle hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hook {
    /// How long AWS waits for a word, in seconds: `HeartbeatTimeout`.
    pub heartbeat_s: i64,
    /// What happens without one: `DefaultResult`.
    pub result: Verdict,
}

/// What becomes of an instance that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on to serve, or goes.
    Continue,
    /// It is ended if it was to serve, and replaced; one that was to go, goes.
    Abandon,
}

/// However many heartbeats come, nobody waits longer than this.
const WAIT_MAX_S: i64 = 48 * 3_600;
/// Nor longer than so many heartbeats.
const HEARTBEATS_MAX: i64 = 100;

impl Group {
    /// `CompleteLifecycleAction`: whoever serves the hook says how it ends.
    ///
    /// # Errors
    /// If that instance waits for no hook.
    pub fn complete(&mut self, id: &str, verdict: Verdict, now_s: i64) -> Result<(), Refusal> {
        let place = self.waiting(id)?;
        self.instances[place].until_s = now_s;
        self.proceed(place, verdict, "was completed with ABANDON Result", now_s);
        Ok(())
    }

    /// `RecordLifecycleActionHeartbeat`: it takes one more time-out, up to 48 hours or a hundred of them.
    ///
    /// # Errors
    /// If that instance waits for no hook.
    pub fn heartbeat(&mut self, id: &str, now_s: i64) -> Result<(), Refusal> {
        let place = self.waiting(id)?;
        let hook =
            if self.instances[place].life == Life::TerminatingWait { self.on_end } else { self.on_launch };
        let heartbeat_s = hook.map_or(0, |hook| hook.heartbeat_s);
        let instance = &mut self.instances[place];
        let last_s = instance.waits_s + WAIT_MAX_S.min(HEARTBEATS_MAX * heartbeat_s);
        instance.until_s = (now_s + heartbeat_s).min(last_s);
        Ok(())
    }

    fn waiting(&self, id: &str) -> Result<usize, Refusal> {
        let waits =
            |life| matches!(life, Life::PendingWait | Life::WarmedPendingWait | Life::TerminatingWait);
        self.instances.iter().position(|i| i.id == id && waits(i.life)).ok_or_else(|| {
            Refusal::validation(format!("No active Lifecycle Action found with instance ID {id}"))
        })
    }

    /// An instance begins to wait, from the moment at which what it was doing ended.
    pub(super) fn wait(&mut self, place: usize, hook: Hook) {
        let instance = &mut self.instances[place];
        instance.life = match instance.life {
            Life::Terminating => Life::TerminatingWait,
            Life::WarmedPending => Life::WarmedPendingWait,
            _ => Life::PendingWait,
        };
        (instance.waits_s, instance.until_s) = (instance.until_s, instance.until_s + hook.heartbeat_s);
        if let Some(activity) = self.activities.get_mut(instance.activity) {
            activity.status = "MidLifecycleAction";
        }
    }

    /// Nobody has said a word in time: the hook's default result.
    pub(super) fn time_out(&mut self, place: usize, now_s: i64) {
        let hook =
            if self.instances[place].life == Life::TerminatingWait { self.on_end } else { self.on_launch };
        let verdict = hook.map_or(Verdict::Continue, |hook| hook.result);
        self.proceed(place, verdict, "was abandoned: Heartbeat Timeout", now_s);
    }

    fn proceed(&mut self, place: usize, verdict: Verdict, why: &str, now_s: i64) {
        match (self.instances[place].life, verdict) {
            (Life::TerminatingWait, _) => {
                let instance = &mut self.instances[place];
                (instance.life, instance.until_s) = (Life::Terminating, now_s + self.launching.ends_s);
            }
            (Life::WarmedPendingWait, Verdict::Continue) => self.rest(place),
            (_, Verdict::Continue) => self.serve(place),
            (_, Verdict::Abandon) => self.abandon(place, why, now_s),
        }
    }

    /// A launch that was not to be: its instance is ended. That its end waits for no hook of its own is not documented.
    fn abandon(&mut self, place: usize, why: &str, now_s: i64) {
        self.told(place, "Cancelled");
        let said = format!("Instance failed to complete user's Lifecycle Action: Lifecycle Action {why}");
        let activity = self.instances[place].activity;
        self.activities[activity].message = Some(said);
        let cause = format!(
            "At {} an instance was taken out of service after its launch was abandoned.",
            stamp(now_s)
        );
        let hook = self.on_end.take();
        self.end(place, cause, now_s);
        self.on_end = hook;
    }
}
