use jiff::tz::TimeZone;
use serde_json::json;
use tidecast_pilot::{Command, Decision, Note, WorkloadName};

use crate::store::{Draft, Store};
use crate::trouble::Trouble;

/// Tells the audit log whom a deadline ends although sessions may run there, before it happens (F29).
///
/// # Errors
/// [`Trouble`] when it is not stored; what it tells of must then not happen.
pub(super) async fn tell(
    store: &dyn Store,
    workload: &WorkloadName,
    decision: &Decision,
    zone: &TimeZone,
) -> Result<(), Trouble> {
    for note in &decision.notes {
        let Note::Cut { node, since, deadline, sessions } = note else { continue };
        let after = json!({
            "turn": decision.turn, "node": node, "since": since, "deadline": deadline, "sessions": sessions,
        });
        let draft = Draft {
            at: decision.at,
            who: "tidecast".into(),
            workload: Some(workload.clone()),
            what: "cut".into(),
            why: note.tell(zone),
            before: None,
            after: Some(after),
        };
        store.log(draft).await?;
    }
    Ok(())
}

/// The decision without them.
pub(super) fn without(decision: &Decision) -> Decision {
    let mut spared = decision.clone();
    spared.commands.retain(|command| !matches!(command, Command::Cut { .. }));
    spared
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use tidecast_pilot::{NodeName, Plan, Reason, Size};

    use super::*;
    use crate::store::Sqlite;

    #[tokio::test] // F29
    async fn stand_in_the_audit_log_with_all_that_was_known() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("ledger.db")).unwrap();
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let node = NodeName("i-1".into());
        let note = Note::Cut {
            node: node.clone(),
            since: at - SignedDuration::from_hours(7),
            deadline: SignedDuration::from_hours(6),
            sessions: Some(3),
        };
        let grow = Command::Grow { to: Size(4) };
        let decision = Decision {
            turn: 9,
            at,
            size: Size(4),
            wanted: Size(4),
            because: Reason::Standing,
            limits: Vec::new(),
            plan: Plan::default().into(),
            commands: vec![grow.clone(), Command::Cut { node }],
            withheld: Vec::new(),
            allowed: Default::default(),
            notes: vec![Note::NoForecast, note],
            moves: Vec::new(),
            vigil: Default::default(),
        };
        let name = WorkloadName("media".into());
        tell(&store, &name, &decision, &TimeZone::UTC).await.unwrap();
        let entries = store.audit(0, 10, Some(&name)).await.unwrap();
        let [entry] = &entries[..] else { panic!("one entry: {entries:?}") };
        let entry = &entry.draft;
        assert_eq!((entry.what.as_str(), entry.who.as_str()), ("cut", "tidecast"));
        assert!(
            entry.why.starts_with("i-1 has been drained since ")
                && entry.why.contains("3 sessions run on it")
        );
        assert_eq!(entry.after.as_ref().unwrap()["sessions"], 3);
        assert_eq!(without(&decision).commands, [grow]);
    }
}
