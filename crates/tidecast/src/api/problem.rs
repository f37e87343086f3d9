use std::fmt;

use axum::extract::{self, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::trouble::Trouble;

/// Why something is refused or cannot be had: a problem after RFC 9457.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Which kind of problem, as a relative reference that never changes.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, and what would be right.
    pub detail: String,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &str, detail: impl fmt::Display) -> Self {
        let (kind, title) = (format!("/problems/{kind}"), title.to_owned());
        Self { kind, title, status: status.as_u16(), detail: detail.to_string() }
    }

    /// There is no such thing.
    pub(super) fn not_found(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is no such thing", detail)
    }

    /// The method does not fit the address.
    pub(super) fn method() -> Self {
        let detail = "this address is not asked that way; /api/v1/openapi.json says how";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this method does not fit", detail)
    }

    /// The request cannot be understood, or asks for more than a limit allows.
    pub(super) fn unusable(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unusable", "the request cannot be used", detail)
    }

    /// Nobody knows who asks.
    pub(super) fn unknown_caller(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unknown-caller", "a token is needed", detail)
    }

    /// Whoever asks may not.
    pub(super) fn forbidden(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "this token does not suffice", detail)
    }

    /// It contradicts what is there.
    pub(super) fn conflict(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "it does not fit what is there", detail)
    }

    /// More than can be done at once.
    pub(super) fn busy(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too much at once", detail)
    }

    /// Not done in time.
    pub(super) fn slow(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "slow", "it took too long", detail)
    }

    /// Something is not ready.
    pub(super) fn unready(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unready", "not ready", detail)
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        let status = match trouble {
            Trouble::Full { .. } => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, trouble.kind(), "the store does not do its part", trouble)
    }
}

impl From<axum::extract::rejection::JsonRejection> for Problem {
    fn from(rejection: axum::extract::rejection::JsonRejection) -> Self {
        let status = rejection.status();
        Self::new(status, "unusable", "the request cannot be used", rejection.body_text())
    }
}

impl From<axum::extract::rejection::QueryRejection> for Problem {
    fn from(rejection: axum::extract::rejection::QueryRejection) -> Self {
        Self::unusable(rejection.body_text())
    }
}

impl From<axum::extract::rejection::PathRejection> for Problem {
    fn from(rejection: axum::extract::rejection::PathRejection) -> Self {
        Self::unusable(rejection.body_text())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).expect("a problem is text and a number");
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let extra = match status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, header::HeaderValue::from_static(value));
        }
        response
    }
}

/// What may be returned by the handlers: JSON bodies and parameters whose refusals are problems too.
pub(super) type Answer<T> = Result<axum::Json<T>, Problem>;

/// A JSON body; what is no such thing is refused as a problem.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

/// Parameters in the address; what is no such thing is refused as a problem.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

/// A part of the address.
#[derive(Debug)]
pub(super) struct Part<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Ok(Self(axum::Json::from_request(request, state).await?.0))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(extract::Query::from_request_parts(parts, state).await?.0))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Part<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(extract::Path::from_request_parts(parts, state).await?.0))
    }
}
