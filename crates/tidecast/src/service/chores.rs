use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::fleet::Workshops;
use super::{Checked, Known};
use crate::drive::{beside, clock};
use crate::store::check;

/// Series that are packed in one go, so that no turn waits long for the history.
const PACKED_AT_ONCE: usize = 25;
/// How long it rests between two goes.
const REST: Duration = Duration::from_millis(250);
/// How often the store is looked after.
const EVERY: Duration = Duration::from_secs(60);

/// How often it is looked whether all have had their first turn.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// For so long the workshop waits for those whose first turn hangs.
const FIRST_TURNS_MAX: Duration = Duration::from_secs(60);

/// Opens the workshop once every workload has had its first turn: after a start decisions come first, and they need no more
/// than what is stored.
pub(super) async fn open(known: Arc<Known>, workshops: Workshops) {
    let all = async {
        while matches!(known.turned(), (turned, all) if turned < all) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(FIRST_TURNS_MAX, all).await.is_err() {
        let (turned, all) = known.turned();
        tracing::warn!(turned, all, "forecasts begin although not every workload has had a turn");
    }
    workshops.open();
}

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

/// When a running server's store is first read through, and how long it rests then.
const READ_AFTER: Duration = Duration::from_secs(10 * 60);
const READ_EVERY: Duration = Duration::from_secs(24 * 3_600);

/// Reads the whole store through once a day, giving way to everything else: what a start leaves unchecked, and what a disk
/// loses afterwards, is found before somebody needs it.
pub(super) async fn read_through(known: Arc<Known>) {
    tokio::time::sleep(READ_AFTER).await;
    loop {
        let folder = known.folder.clone();
        match beside(move || check(&folder)).await {
            Ok(found) => known.note_check(Checked { at: clock(), found }),
            Err(broken) => tracing::warn!("the store could not be read through: {broken}"),
        }
        tokio::time::sleep(READ_EVERY).await;
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
