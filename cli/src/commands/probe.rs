//! `towpath probe`: asks a server how it is, for health checks of containers.

use http_body_util::{BodyExt as _, Collected};
use tower::{Service as _, ServiceExt as _};

use super::Scene;
use crate::client;
use crate::failure::Failure;
use crate::output;

/// Ends well when the answer is 200; needs no token.
pub(super) async fn run(scene: &Scene, path: &str) -> Result<(), Failure> {
    let address = client::address(&scene.connection)?;
    let mut channel = client::channel(&scene.connection, &address).await?;
    let broke = |error: &dyn std::fmt::Display| {
        Failure::broke("unreachable", format!("{address}{path}: {error}"))
    };
    let request = http::Request::get(path)
        .body(tonic::body::Body::empty())
        .map_err(|error| {
            Failure::usage(
                "path",
                format!("`{path}` is not a path such as /readyz: {error}"),
            )
        })?;
    let channel = channel.ready().await.map_err(|error| broke(&error))?;
    let answer = channel.call(request).await.map_err(|error| broke(&error))?;
    let status = answer.status();
    let body = answer.into_body().collect().await;
    let text = body.map(Collected::to_bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    if status == http::StatusCode::OK {
        return output::line(text.trim());
    }
    Err(Failure::broke(
        "not-ready",
        format!("{address}{path} answered {status}: {}", text.trim()),
    ))
}
