use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tidecast_pilot::WorkloadName;
use utoipa::IntoParams;

use super::door::Viewer;
use super::problem::{Answer, Problem, Query};
use super::{Shared, page, said};
use crate::store::Entry;

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Entries after this number; from the beginning unless given.
    after: Option<u64>,
    /// How many; 100 unless given, at most 1000.
    limit: Option<usize>,
    /// Of this workload only.
    workload: Option<String>,
}

/// The audit log, oldest first. Each entry's hash is over it and the hash before it.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(Part),
    responses((status = 200, body = said::Paged<said::Audited>), (status = "4XX", body = Problem)))]
pub(super) async fn entries(
    _: Viewer,
    State(known): Shared,
    Query(part): Query<Part>,
) -> Answer<said::Paged<said::Audited>> {
    let limit = page::limit(part.limit)?;
    let workload = part.workload.map(WorkloadName);
    let entries = known.store.audit(part.after.unwrap_or(0), limit, workload.as_ref()).await?;
    let next = (entries.len() == limit).then(|| entries.last().map(|entry| entry.seq.to_string())).flatten();
    Ok(Json(said::Paged { items: entries.into_iter().map(told).collect(), next }))
}

fn told(Entry { seq, draft, hash }: Entry) -> said::Audited {
    said::Audited {
        seq,
        at: draft.at,
        who: draft.who,
        workload: draft.workload.map(|workload| workload.0),
        what: draft.what,
        why: draft.why,
        before: draft.before,
        after: draft.after,
        hash,
    }
}
