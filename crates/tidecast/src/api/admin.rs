use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::door::Admin;
use super::problem::Problem;
use super::{Shared, said};
use crate::drive::clock;
use crate::store::Draft;

/// Copies the store, as it is now, into a folder beside it, and checks the copy.
#[utoipa::path(post, path = "/api/v1/snapshots", tag = "admin",
    responses((status = 201, body = said::Copied), (status = "4XX", body = Problem)))]
pub(super) async fn snapshot(
    Admin(caller): Admin,
    State(known): Shared,
) -> Result<(StatusCode, Json<said::Copied>), Problem> {
    let now = clock();
    let folder = known.folder.join("snapshots").join(now.strftime("%Y%m%dT%H%M%SZ").to_string());
    let manifest = known.memory.snapshot(&folder, now).await?;
    let told = Draft {
        at: now,
        who: caller.name,
        workload: None,
        what: "copied".into(),
        why: "a snapshot was asked for".into(),
        before: None,
        after: Some(serde_json::json!({ "folder": folder })),
    };
    known.store.log(told).await?;
    let bytes = manifest.files.iter().map(|file| file.bytes).sum();
    Ok((StatusCode::CREATED, Json(said::Copied { folder: folder.display().to_string(), bytes })))
}
