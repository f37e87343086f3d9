use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::trouble::Trouble;

/// Who knows how many sessions each server of a fleet holds (D2.1).
#[async_trait]
pub trait Census: std::fmt::Debug + Send + Sync {
    /// What reasons and logs call it.
    fn name(&self) -> String;

    /// The sessions of all servers at `now`, by what the source calls them. Who is not in the answer is not known, and not
    /// empty; the same goes for who was counted by halves.
    ///
    /// # Errors
    /// [`Trouble`] when nothing can be known, or not all: an answer that is partial is none.
    async fn sessions(&self, now: Timestamp) -> Result<BTreeMap<String, Headcount>, Trouble>;
}

/// How many sessions somebody counted on one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headcount {
    /// How many; a part of one counts as one.
    pub count: u32,
    /// When the oldest of the samples that it stands on was taken.
    pub at: Timestamp,
    /// How many scraped targets stand behind it. Fewer than before: something was lost, and the sum is too small.
    pub targets: u32,
}
