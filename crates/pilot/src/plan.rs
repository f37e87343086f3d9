use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Limit, Reason, Size};

/// Sizes over time, each with why. What is ordered at a step serves one start-up later.
///
/// Invariant: steps ascend in time, neighbours differ in size, and the first step is not after `from`.
/// [`crate::flaws`] checks this, and the workload's bounds, before a plan is stored and before it is carried out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The size from each of these times on.
    pub steps: Vec<Step>,
    /// Where the plan ends: beyond it, it says nothing.
    pub until: Option<Timestamp>,
    /// What it was made of; with the same basis the same plan would be made again.
    #[serde(default)]
    pub basis: Basis,
}

/// One size, from a time on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// When it is ordered.
    pub at: Timestamp,
    /// How many servers from then on.
    pub size: Size,
    /// What makes it necessary.
    pub because: Reason,
    /// What held it back or pushed it.
    #[serde(default)]
    pub limits: Vec<Limit>,
}

/// What a plan was made of, as far as it can change between two turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Basis {
    /// When the forecast was issued.
    pub issued: Option<Timestamp>,
    /// A digest of workload, overrides and lessons.
    pub digest: u64,
}

impl Plan {
    /// The step in force at `time`: none before the plan begins or after it ends.
    pub fn at(&self, time: Timestamp) -> Option<&Step> {
        if self.until.is_some_and(|until| time >= until) {
            return None;
        }
        self.steps[..self.steps.partition_point(|s| s.at <= time)].last()
    }

    /// The steps still to come.
    pub fn after(&self, time: Timestamp) -> &[Step] {
        &self.steps[self.steps.partition_point(|s| s.at <= time)..]
    }

    /// How often it grows, from the size before it on.
    pub fn scale_ups(&self, from: Size) -> usize {
        let before = std::iter::once(from).chain(self.steps.iter().map(|s| s.size));
        before.zip(&self.steps).filter(|(before, step)| step.size > *before).count()
    }
}
