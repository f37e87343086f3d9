use axum::Json;
use axum::extract::State;
use tidecast_forecast::{Sample, Samples};
use tidecast_pilot::WorkloadName;

use super::door::Operator;
use super::limits::PUSHED_MAX;
use super::problem::{Answer, Body, Part, Problem};
use super::{Shared, said};
use crate::drive::clock;
use crate::store::Asked;

/// Takes measurements of a workload whose source is `push`. What is acknowledged is in the store.
#[utoipa::path(post, path = "/api/v1/workloads/{name}/samples", tag = "workloads", params(("name" = String, Path)),
    request_body = said::Pushing,
    responses((status = 200, body = said::Taken), (status = "4XX", body = Problem)))]
pub(super) async fn push(
    _: Operator,
    State(known): Shared,
    Part(name): Part<String>,
    Body(pushing): Body<said::Pushing>,
) -> Answer<said::Taken> {
    super::workloads::workload(&known, &name)?;
    let workload = WorkloadName(name);
    let elsewhere =
        || Problem::conflict(format!("{workload} has another source; its source must be of the type push"));
    let inbox = known.inboxes.of(&workload).ok_or_else(elsewhere)?;
    if pushing.points.len() > PUSHED_MAX {
        let detail = format!("{} measurements; at most {PUSHED_MAX} at once", pushing.points.len());
        return Err(Problem::unusable(detail));
    }
    let samples = pushing.points.iter().map(|point| Sample { time: point.at, value: point.value });
    let (samples, now) = (Samples(samples.collect()), clock());
    let sound = |sample: &&Sample| sample.value.is_finite() && sample.value >= 0.0 && sample.time <= now;
    let kept = Samples(samples.0.iter().filter(sound).copied().collect());
    if let Some(from) = kept.0.iter().map(|sample| sample.time).min() {
        known.history.put(&workload.0, kept, Asked { from, until: now }, now).await?;
    }
    let pushed = inbox.push(samples, now);
    Ok(Json(said::Taken { taken: pushed.taken, left_out: pushed.left_out }))
}
