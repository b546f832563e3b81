//! Answers from read models that do not follow the log any more say so.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response};
use axum::middleware::Next;

use crate::role::Roles;

/// The header, or gRPC metadata, that says why what an answer shows may be old.
pub const HEADER: &str = "towpath-stale";

/// What keeps the read models up to date, as [`Roles`] names it.
pub const PROJECTOR: &str = "projector";

/// The longest reason that is sent, in bytes.
const LONGEST: usize = 500;

/// Marks every answer while the projector has stopped.
pub async fn mark(State(roles): State<Roles>, request: Request, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    if let Some(why) = roles.why_stopped(PROJECTOR) {
        let mut text: String = why.chars().flat_map(char::escape_default).collect();
        // Escaped, so every byte is a character.
        text.truncate(LONGEST);
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().insert(HEADER, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn answers_are_marked_only_while_the_projector_has_stopped() {
        let roles = Roles::default();
        roles.started(PROJECTOR);
        let app = Router::new()
            .route("/", get(|| async { "rows" }))
            .layer(axum::middleware::from_fn_with_state(roles.clone(), mark));
        let ask = || {
            let request = Request::get("/").body(Body::empty()).unwrap();
            app.clone().oneshot(request)
        };
        assert!(ask().await.unwrap().headers().get(HEADER).is_none());
        roles.stopped(PROJECTOR, "an event\nfrom the future");
        let marked = ask().await.unwrap();
        assert_eq!(marked.headers()[HEADER], "an event\\nfrom the future");
    }
}
