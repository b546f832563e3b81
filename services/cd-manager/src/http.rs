//! Build reports over HTTP: the same as the RPC, for CI that has nothing but `curl`.

use std::sync::Arc;

use access::Principal;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, header};
use axum::routing::post;
use intake::BuildReport;
use proto::delivery::v1 as pb;
use serde::Serialize;
use service::fault::{Fault, Kind};
use service::{authn, key, serve};

use crate::Inner;

/// Where builds are reported.
pub const PATH: &str = "/api/v1/builds";

pub(crate) fn router(inner: Arc<Inner>) -> axum::Router {
    axum::Router::new()
        .route(PATH, post(report))
        .with_state(inner)
}

#[derive(Debug, Serialize)]
struct BuildAnswer {
    build_id: String,
    state: String,
    deployments: Vec<Deployment>,
    wanted_manifest: String,
}

#[derive(Debug, Serialize)]
struct Deployment {
    id: String,
    application: String,
}

async fn report(
    State(inner): State<Arc<Inner>>,
    Extension(caller): Extension<Principal>,
    request: Request,
) -> Response<Body> {
    match answer(&inner, &caller, request).await {
        Ok(found) => {
            let body = serde_json::to_string(&found).unwrap_or_default();
            let mut response = Response::new(Body::from(body));
            let json = header::HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
        Err(fault) if fault.code == "body-too-large" => {
            let mut response = authn::json(&fault);
            *response.status_mut() = axum::http::StatusCode::PAYLOAD_TOO_LARGE;
            response
        }
        Err(fault) => authn::json(&fault),
    }
}

async fn answer(inner: &Inner, caller: &Principal, request: Request) -> Result<BuildAnswer, Fault> {
    let key = match request.headers().get(key::HEADER) {
        None => None,
        Some(value) => Some(
            value
                .to_str()
                .map_err(|_| {
                    Fault::new(
                        Kind::Invalid,
                        "idempotency-key-invalid",
                        "the key is not text",
                    )
                })?
                .to_owned(),
        ),
    };
    let body = axum::body::to_bytes(request.into_body(), serve::MAX_BODY)
        .await
        .map_err(|_| {
            let what = format!(
                "the body has more than {} bytes, or did not arrive whole",
                serve::MAX_BODY
            );
            Fault::new(Kind::Invalid, "body-too-large", what)
                .fix("a build report has a few hundred bytes")
        })?;
    if body.iter().find(|it| !it.is_ascii_whitespace()) != Some(&b'{') {
        return Err(not_a_report("body-malformed", "it is no JSON object"));
    }
    let report: BuildReport = serde_json::from_slice(&body).map_err(|error| malformed(&error))?;
    let request = pb::ReportBuildRequest::from(report);
    let found = inner
        .report_build(&caller.name, key.as_deref(), &request)
        .await?;
    Ok(BuildAnswer {
        build_id: found.build_id,
        state: found.state,
        deployments: found
            .deployments
            .into_iter()
            .map(|it| Deployment {
                id: it.id,
                application: it.application,
            })
            .collect(),
        wanted_manifest: found.wanted_manifest,
    })
}

fn malformed(error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let code = if text.starts_with("unknown field") {
        "unknown-field"
    } else {
        "body-malformed"
    };
    not_a_report(code, &text)
}

fn not_a_report(code: &'static str, why: &str) -> Fault {
    Fault::new(Kind::Invalid, code, format!("the body is no build report: {why}")).fix(
        "fields: definition, container, version, digest; optional release_type, registries, commit, ci_run",
    )
}
