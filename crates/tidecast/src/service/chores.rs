use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Known;
use crate::drive::clock;

/// Series that are packed in one go, so that no turn waits long for the history.
const PACKED_AT_ONCE: usize = 25;
/// How long it rests between two goes.
const REST: Duration = Duration::from_millis(250);
/// How often the store is looked after.
const EVERY: Duration = Duration::from_secs(60);

/// What must be done beside the turns, for as long as the server runs: packs the history, drops what is too old.
pub(super) async fn all(known: Arc<Known>) {
    loop {
        tokio::time::sleep(EVERY).await;
        pack(&known).await;
        let now = clock();
        let kept = SignedDuration::try_from(known.config().store.history.0).unwrap_or(SignedDuration::MAX);
        let oldest = now.saturating_sub(kept).unwrap_or(Timestamp::MIN);
        if let Err(trouble) = known.history.prune(oldest, now).await {
            tracing::warn!("old measurements could not be dropped: {trouble}");
        }
        if let Err(trouble) = known.memory.ledger.prune(now).await {
            tracing::warn!("old turns could not be dropped: {trouble}");
        }
    }
}

async fn pack(known: &Known) {
    loop {
        match known.history.pack(clock(), PACKED_AT_ONCE).await {
            Ok(PACKED_AT_ONCE..) => tokio::time::sleep(REST).await,
            Ok(_) => return,
            Err(trouble) => return tracing::warn!("the history could not be packed: {trouble}"),
        }
    }
}
