use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::Shared;
use super::door::Viewer;
use super::problem::Problem;
use crate::drive::clock;

/// Whether turns are taken: fails when for two intervals and ten seconds none was committed.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, body = String), (status = 503, body = Problem)))]
pub(super) async fn alive(State(known): Shared) -> Result<&'static str, Problem> {
    known.alive(clock()).map(|()| "alive\n").map_err(Problem::unready)
}

/// Whether every workload has had a turn since the start, and the server is not being ended.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = String), (status = 503, body = Problem)))]
pub(super) async fn ready(State(known): Shared) -> Result<&'static str, Problem> {
    if known.ending.load(std::sync::atomic::Ordering::Acquire) {
        return Err(Problem::unready("it is being ended"));
    }
    let (turned, all) = known.turned();
    match turned < all {
        true => Err(Problem::unready(format!("{turned} of {all} workloads have had a turn"))),
        false => Ok("ready\n"),
    }
}

/// What is measured of tidecast itself, and of every workload, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String), (status = "4XX", body = Problem)))]
pub(super) async fn metrics(_: Viewer, State(known): Shared) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = tokio::task::spawn_blocking(move || crate::metrics::text(&known, clock())).await;
    match text {
        Ok(text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        Err(error) => Problem::unready(format!("counting did not end well: {error}")).into_response(),
    }
}
