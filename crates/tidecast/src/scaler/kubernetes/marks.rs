use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, Unit};
use kube::core::DynamicObject;
use tidecast_pilot::Decision;

use crate::trouble::one_line;

/// What tidecast has written on the object whose number it sets: the fence against older decisions (F24), and what it
/// compares with to see that somebody else has written (F22). It outlives restarts and is the same for all replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks {
    /// The workload in whose name.
    pub workload: String,
    /// The turn that was carried out last.
    pub turn: u64,
    /// When that was decided.
    pub at: Timestamp,
    /// The number that was written.
    pub size: u32,
    /// Whom we have overruled, and when.
    pub contested: Option<(String, Timestamp)>,
    /// The generation of the object with these marks on it, where the number is written after them.
    pub generation: Option<i64>,
}

/// The workload that the size is set for.
pub const WORKLOAD: &str = "tidecast.dev/workload";
/// The number of the turn that was carried out last.
pub const TURN: &str = "tidecast.dev/turn";
/// When that turn was decided.
pub const DECIDED_AT: &str = "tidecast.dev/decided-at";
/// The number that was written.
pub const SIZE: &str = "tidecast.dev/size";
/// Why, as a sentence.
pub const REASON: &str = "tidecast.dev/reason";
/// Who had written another number, over which this one was written.
pub const CONTESTED_BY: &str = "tidecast.dev/contested-by";
/// When that was.
pub const CONTESTED_AT: &str = "tidecast.dev/contested-at";

/// The generation of the object when the marks were on it and the number was not yet written.
pub const GENERATION: &str = "tidecast.dev/generation";

/// After so long without a turn, a ledger that counts from the start again is believed: it is a new one. No decision is
/// carried out that is nearly as old, so that none of them can be taken for a newer one.
const ANOTHER_LEDGER: SignedDuration = SignedDuration::from_hours(1);
/// For so long after it has overruled somebody, tidecast does not do so again.
pub(super) const TRUCE: SignedDuration = SignedDuration::from_hours(1);

/// What older marks say about a decision.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fence {
    /// It is the newest.
    Open,
    /// A newer turn has been carried out.
    Overtaken(u64),
    /// It is another workload's, which has written not long ago.
    Taken(String),
}

impl Marks {
    /// What is written on an object; none if nothing, or nothing whole.
    pub(super) fn of(thing: &DynamicObject) -> Option<Self> {
        let notes = thing.metadata.annotations.as_ref()?;
        let time = |key: &str| notes.get(key)?.parse().ok();
        Some(Self {
            workload: notes.get(WORKLOAD)?.clone(),
            turn: notes.get(TURN)?.parse().ok()?,
            at: time(DECIDED_AT)?,
            size: notes.get(SIZE)?.parse().ok()?,
            contested: notes.get(CONTESTED_BY).cloned().zip(time(CONTESTED_AT)),
            generation: notes.get(GENERATION).and_then(|told| told.parse().ok()),
        })
    }

    /// As annotations.
    pub(super) fn annotations(&self, reason: &str) -> BTreeMap<&'static str, String> {
        let mut notes = BTreeMap::from([
            (WORKLOAD, self.workload.clone()),
            (TURN, self.turn.to_string()),
            (DECIDED_AT, self.at.to_string()),
            (SIZE, self.size.to_string()),
            (REASON, one_line(reason)),
        ]);
        if let Some((who, at)) = &self.contested {
            let at = at.round(Unit::Second).unwrap_or(*at);
            notes.extend([(CONTESTED_BY, who.clone()), (CONTESTED_AT, at.to_string())]);
        }
        notes.extend(self.generation.map(|generation| (GENERATION, generation.to_string())));
        notes
    }

    /// How often the object has been changed since it was marked, by its generation: our number is one change.
    pub(super) fn changes(&self, generation: Option<i64>) -> Option<i64> {
        self.generation.zip(generation).map(|(marked, now)| now - marked)
    }

    /// Whether a decision for a workload may be carried out after what is written here.
    pub(super) fn fence(&self, workload: &str, decision: &Decision) -> Fence {
        let long_ago = decision.at.duration_since(self.at) >= ANOTHER_LEDGER;
        match self.workload == workload {
            _ if long_ago => Fence::Open,
            true if self.turn > decision.turn => Fence::Overtaken(self.turn),
            true => Fence::Open,
            false => Fence::Taken(self.workload.clone()),
        }
    }

    /// Whether somebody was overruled not long ago.
    pub(super) fn in_truce(&self, now: Timestamp) -> bool {
        self.contested.as_ref().is_some_and(|(_, at)| now.duration_since(*at) < TRUCE)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidecast_pilot::{Allowed, Reason, Size};

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + 60 * minute).unwrap()
    }

    fn decision(turn: u64, minute: i64) -> Decision {
        Decision {
            turn,
            at: at(minute),
            size: Size(3),
            wanted: Size(3),
            because: Reason::Minimum { min: Size(3) },
            limits: Vec::new(),
            plan: Arc::default(),
            commands: Vec::new(),
            withheld: Vec::new(),
            allowed: Allowed::Everything,
            notes: Vec::new(),
            vigil: Default::default(),
            moves: Vec::new(),
        }
    }

    fn marks(turn: u64, minute: i64) -> Marks {
        Marks {
            workload: "shop/checkout".into(),
            turn,
            at: at(minute),
            size: 3,
            contested: None,
            generation: None,
        }
    }

    #[test] // F24
    fn keep_an_older_decision_out() {
        let written = marks(9, 0);
        assert_eq!(written.fence("shop/checkout", &decision(8, 0)), Fence::Overtaken(9));
        assert_eq!(
            written.fence("shop/checkout", &decision(8, 5)),
            Fence::Overtaken(9),
            "a clock may be ahead"
        );
        assert_eq!(written.fence("shop/checkout", &decision(9, 0)), Fence::Open, "again changes nothing");
        assert_eq!(written.fence("shop/checkout", &decision(10, -5)), Fence::Open, "a clock may be behind");
    }

    #[test]
    fn let_a_new_ledger_begin_after_an_hour() {
        assert_eq!(marks(5_000, 0).fence("shop/checkout", &decision(1, 59)), Fence::Overtaken(5_000));
        assert_eq!(marks(5_000, 0).fence("shop/checkout", &decision(1, 60)), Fence::Open);
    }

    #[test] // I6
    fn keep_another_workload_out_while_it_is_used() {
        let other = marks(4, 0).fence("shop/other", &decision(9, 10));
        assert_eq!(other, Fence::Taken("shop/checkout".into()));
        assert_eq!(marks(4, 0).fence("shop/other", &decision(1, 90)), Fence::Open);
    }

    #[test]
    fn read_back_what_they_wrote() {
        let written =
            Marks { contested: Some(("Argo CD".into(), at(2))), generation: Some(12), ..marks(7, 1) };
        let mut thing: DynamicObject =
            serde_json::from_value(serde_json::json!({ "metadata": { "name": "x" } })).unwrap();
        assert_eq!(Marks::of(&thing), None);
        let notes = written.annotations("why\nso");
        assert_eq!(notes[REASON], "why so");
        thing.metadata.annotations = Some(notes.into_iter().map(|(key, note)| (key.into(), note)).collect());
        assert_eq!(Marks::of(&thing), Some(written));
    }
}
