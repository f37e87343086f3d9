use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::limits;
use super::problem::Problem;
use super::tokens::{Caller, Role};
use crate::drive::clock;
use crate::service::Known;

/// What everybody passes: a place among those who are served at one time, a time limit, and headers that keep browsers
/// from guessing.
#[derive(Debug, Clone)]
pub(super) struct Door {
    known: Arc<Known>,
    places: Arc<Semaphore>,
}

impl Door {
    pub(super) fn new(known: Arc<Known>) -> Self {
        Self { known, places: Arc::new(Semaphore::new(limits::AT_ONCE_MAX)) }
    }
}

pub(super) async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    let mut response = let_in(door, request, next).await.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn let_in(door: Door, request: Request, next: Next) -> Result<Response, Problem> {
    if !door.known.tokens().are_required() && !is_local(request.headers()) {
        let detail =
            "without tokens only a loopback name or address may be asked, so that no web page elsewhere can";
        return Err(Problem::forbidden(detail));
    }
    let busy = || Problem::busy(format!("more than {} requests are under way", limits::AT_ONCE_MAX));
    let _place = door.places.try_acquire().map_err(|_| busy())?;
    let within = limits::ANSWER_WITHIN;
    let slow = || Problem::slow(format!("there was no answer within {} s", within.as_secs()));
    tokio::time::timeout(within, next.run(request)).await.map_err(|_| slow())
}

/// Whether the caller has asked for a loopback name: a page elsewhere whose name points here has not.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return true };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Somebody who may read.
#[derive(Debug)]
pub(super) struct Viewer;

/// Somebody who may decree.
#[derive(Debug)]
pub(super) struct Operator(pub(super) Caller);

/// Somebody who may copy the store.
#[derive(Debug)]
pub(super) struct Admin(pub(super) Caller);

fn caller(parts: &Parts, known: &Known) -> Result<Option<Caller>, Problem> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| Problem::unknown_caller("send `Authorization: Bearer TOKEN`"))?;
    let found = known.tokens().caller(token.trim(), clock());
    found.map(Some).ok_or_else(|| Problem::unknown_caller("this token is not known, or has ended"))
}

fn at_least(role: Role, parts: &Parts, known: &Known) -> Result<Caller, Problem> {
    let needed = || {
        let detail = match known.tokens().are_required() {
            true => format!("send `Authorization: Bearer TOKEN` with a token of the role {}", role.word()),
            false => {
                "writing needs a token: `tidecast token` makes one, `server.auth.tokenFile` names the file"
                    .into()
            }
        };
        Problem::unknown_caller(detail)
    };
    let caller = caller(parts, known)?.ok_or_else(needed)?;
    let short = || {
        Problem::forbidden(format!(
            "{} is {}; this needs the role {}",
            caller.name,
            caller.role.word(),
            role.word()
        ))
    };
    if caller.role >= role { Ok(caller) } else { Err(short()) }
}

impl FromRequestParts<Arc<Known>> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, known: &Arc<Known>) -> Result<Self, Problem> {
        match known.tokens().are_required() {
            true => at_least(Role::Viewer, parts, known).map(|_| Self),
            false => caller(parts, known).map(|_| Self),
        }
    }
}

impl FromRequestParts<Arc<Known>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, known: &Arc<Known>) -> Result<Self, Problem> {
        at_least(Role::Operator, parts, known).map(Self)
    }
}

impl FromRequestParts<Arc<Known>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, known: &Arc<Known>) -> Result<Self, Problem> {
        at_least(Role::Admin, parts, known).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // S14 of the security list
    fn tells_loopback_from_names_that_point_here() {
        for (host, local) in [
            ("localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("127.0.0.1", true),
            ("rebound.example.org:8080", false),
            ("localhost.example.org", false),
            ("10.0.0.1:8080", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            assert_eq!(is_local(&headers), local, "{host}");
        }
    }
}
