//! The webhook of Agones: a FleetAutoscaler with a policy of the type Webhook asks how large its Fleet is to be.
//!
//! It is no part of our own API: what is asked and answered is Agones' `FleetAutoscaleReview`, and the token is good for one
//! Fleet and nothing else. What the Fleet's status says is the sighting of the next turn.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tidecast_pilot::{Sighting, Size, WorkloadName};

use super::Shared;
use super::problem::{Answer, Part, Problem};
use crate::config::section::{AgonesTarget, Target};
use crate::drive::clock;
use crate::scaler::Opinion;
use crate::service::Known;

/// Bytes of a review; real ones have two or three thousand.
const REVIEW_BYTES_MAX: usize = 64 * 1024;
/// The largest Fleet that is believed.
const SERVERS_MAX: u32 = 1_000_000;

#[derive(Debug, Deserialize)]
struct Asks {
    request: Value,
}

#[derive(Debug, Deserialize)]
struct Request {
    uid: String,
    name: String,
    namespace: String,
    status: Status,
}

/// What stands. Numbers that are not told are zero, as in Agones' own encoding.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    replicas: u32,
    ready_replicas: u32,
    reserved_replicas: u32,
    allocated_replicas: u32,
}

/// The review, answered.
#[derive(Debug, Serialize)]
pub(super) struct Reviewed {
    request: Value,
    response: Response,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Response {
    uid: String,
    scale: bool,
    replicas: u32,
}

/// With the token in the header, for who can set one.
pub(super) async fn with_header(
    State(known): Shared,
    Part((namespace, fleet)): Part<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Reviewed> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    review(&known, (&namespace, &fleet), token.trim(), &body)
}

/// With the token at the end of the path, since a FleetAutoscaler can set no header.
pub(super) async fn with_path(
    State(known): Shared,
    Part((namespace, fleet, token)): Part<(String, String, String)>,
    body: Bytes,
) -> Answer<Reviewed> {
    review(&known, (&namespace, &fleet), &token, &body)
}

fn review(known: &Known, (namespace, fleet): (&str, &str), token: &str, body: &[u8]) -> Answer<Reviewed> {
    let workload = admitted(known, namespace, fleet, token)?;
    if body.len() > REVIEW_BYTES_MAX {
        return Err(Problem::unusable(format!("a review has at most {REVIEW_BYTES_MAX} bytes")));
    }
    let unreadable =
        |why: serde_json::Error| Problem::unusable(format!("this is no FleetAutoscaleReview: {why}"));
    let Asks { request: told } = serde_json::from_slice(body).map_err(unreadable)?;
    let request = Request::deserialize(&told).map_err(unreadable)?;
    if (request.namespace.as_str(), request.name.as_str()) != (namespace, fleet) {
        return Err(Problem::unusable("the review is of another Fleet than the address"));
    }
    let status = &request.status;
    let serving = status.serving().filter(|_| status.replicas <= SERVERS_MAX);
    let serving =
        serving.ok_or_else(|| Problem::unusable(format!("no Fleet has more than {SERVERS_MAX} servers")))?;
    let now = clock();
    known.answers.see(&workload, Sighting::of(now, Size(status.replicas), Size(serving)));
    let response = answered(known, &workload, &request);
    Ok(Json(Reviewed { request: told, response }))
}

impl Status {
    fn serving(&self) -> Option<u32> {
        let all = [self.ready_replicas, self.reserved_replicas, self.allocated_replicas];
        all.into_iter().try_fold(0u32, u32::checked_add).filter(|sum| *sum <= SERVERS_MAX)
    }
}

/// Who asks may ask about this Fleet. Takes as long whichever of both is wrong, and says no more.
fn admitted(known: &Known, namespace: &str, fleet: &str, token: &str) -> Result<WorkloadName, Problem> {
    let config = known.config();
    let ours = |target: &AgonesTarget| target.namespace == namespace && target.fleet == fleet;
    let found = config.workloads.iter().find_map(|workload| match &workload.target {
        Target::Agones(target) if ours(target) => Some((workload, target)),
        _ => None,
    });
    let secret = found
        .and_then(|(_, target)| target.token.read(&known.secrets(), |name| std::env::var(name).ok()).ok());
    let digest = |text: &str| -> [u8; 32] { Sha256::digest(text).into() };
    let (given, right) = (digest(token), digest(secret.as_ref().map_or("", |secret| secret.expose_secret())));
    let apart = given.iter().zip(&right).fold(0, |apart, (a, b)| apart | (a ^ b));
    match found.filter(|_| secret.is_some() && apart == 0) {
        Some((workload, _)) => Ok(WorkloadName(workload.name.as_str().to_owned())),
        None => Err(Problem::unknown_caller("no Fleet of this name may be asked about with this token")),
    }
}

/// What is told. A size is told only when a turn has seen the Fleet: Agones follows at once and without a pace of its own.
fn answered(known: &Known, workload: &WorkloadName, request: &Request) -> Response {
    let status = &request.status;
    let (opinion, sighted) = known.board.read(|seats| {
        let seat = seats.get(workload);
        let briefing = seat.and_then(|seat| seat.turned.as_ref()?.briefing.as_ref());
        let sighted = briefing.is_some_and(|briefing| briefing.sighting.is_some());
        (sighted.then(|| known.answers.tell(workload, seat, clock())), sighted)
    });
    let size = match opinion {
        Some(Opinion::Wants { size, .. }) if sighted => Some(size.get()),
        _ => None,
    };
    // A server with players on it is never asked away, though Agones would keep it anyway.
    let busy = status.allocated_replicas.saturating_add(status.reserved_replicas);
    Response {
        uid: request.uid.clone(),
        scale: size.is_some(),
        replicas: size.map_or(status.replicas, |size| size.max(busy)),
    }
}
