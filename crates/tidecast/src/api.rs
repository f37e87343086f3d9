//! The API: what turns have recorded can be asked, and what people decree can be said (S2).
//!
//! It computes nothing: it reads the board, the store and the history, and writes only decrees and measurements that are
//! pushed. It runs on threads of its own, so that no flood of questions delays a turn. Every limit is a number in
//! [`limits`]; every refusal is a problem (RFC 9457) that says why.

mod accuracy;
mod admin;
mod agones;
mod audit;
mod decrees;
mod door;
mod events;
mod health;
pub mod limits;
mod page;
mod problem;
pub mod said;
mod samples;
mod serve;
mod tokens;
mod workloads;

use std::sync::Arc;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[cfg(feature = "kubernetes")]
pub(crate) use accuracy::fared;
pub use problem::Problem;
pub use serve::{Server, serve};
pub use tokens::{Fresh, Role, Tokens, fresh};
#[cfg(feature = "kubernetes")]
pub(crate) use workloads::glance;

use crate::service::Known;

/// What every handler gets.
type Shared = axum::extract::State<Arc<Known>>;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "tidecast",
        description = "What tidecast has measured, forecast, planned and decided, and why; and what people decree. Errors are \
problems (RFC 9457). Reading needs a token of any role if tokens are configured; writing always needs one.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let components = document.components.get_or_insert_with(Default::default);
        components.security_schemes.insert("token".into(), utoipa::openapi::RefOr::T(scheme));
        document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

fn router() -> OpenApiRouter<Arc<Known>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(workloads::list))
        .routes(routes!(workloads::one))
        .routes(routes!(workloads::history))
        .routes(routes!(workloads::forecast))
        .routes(routes!(workloads::plan))
        .routes(routes!(workloads::decisions))
        .routes(routes!(workloads::explanation))
        .routes(routes!(workloads::briefing))
        .routes(routes!(accuracy::accuracy))
        .routes(routes!(samples::push))
        .routes(routes!(decrees::overrides, decrees::set_override))
        .routes(routes!(decrees::end_override))
        .routes(routes!(decrees::halts, decrees::set_halt))
        .routes(routes!(decrees::end_halt))
        .routes(routes!(audit::entries))
        .routes(routes!(events::follow))
        .routes(routes!(admin::snapshot))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// The description of the API, OpenAPI 3.1.
pub fn openapi() -> utoipa::openapi::OpenApi {
    router().into_openapi()
}

/// All routes, behind the door that counts and times.
pub(crate) fn app(known: Arc<Known>) -> Router {
    let (routes, document) = router().split_for_parts();
    let document = Arc::new(serde_json::to_value(&document).expect("a description of the API is JSON"));
    let described = axum::routing::get(move || std::future::ready(axum::Json((*document).clone())));
    routes
        .route("/api/v1/openapi.json", described)
        .route("/agones/{namespace}/{fleet}", axum::routing::post(agones::with_header))
        .route("/agones/{namespace}/{fleet}/{token}", axum::routing::post(agones::with_path))
        .fallback(|| async {
            Problem::not_found("there is nothing at this address; /api/v1/openapi.json lists what there is")
        })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(axum::extract::DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn_with_state(door::Door::new(known.clone()), door::guard))
        .with_state(known)
}

#[cfg(test)]
mod tests;
