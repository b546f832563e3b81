//! One span and one measurement per call, gRPC and HTTP alike: method, status, time. Names come
//! from the tables of what there is, so that nobody outside can invent one.

use std::pin::Pin;
use std::task::{Context as Task, Poll};

use access::authorize::RULES;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use axum::middleware::Next;
use hyper::body::{Frame, SizeHint};
use opentelemetry::trace::FutureExt as _;
use opentelemetry::{Context, KeyValue};
use tokio::time::Instant;

use super::{Telemetry, context, traces};
use crate::authn::{PUBLIC, PUBLIC_PREFIXES, ROUTES, WEBHOOK};

const GRPC_STATUS: &str = "grpc-status";

/// Measures a call from its first byte to the last one of its answer.
pub async fn record(
    State(telemetry): State<Telemetry>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let method = named(&request);
    let is_grpc = method.starts_with('/');
    let span = telemetry.traces.as_ref().map(|traces| {
        let parent = context::sent(request.headers());
        let name = method.trim_start_matches('/').to_owned();
        traces.call(role_of(method), name, &parent)
    });
    let end = End {
        telemetry,
        method,
        is_grpc,
        began: Instant::now(),
        span,
        status: None,
    };
    let response = match end.span.clone() {
        Some(span) => next.run(request).with_context(span).await,
        None => next.run(request).await,
    };
    let http = response.status().as_u16();
    let (head, body) = response.into_parts();
    let mut end = end;
    end.status = if is_grpc {
        grpc_status(&head.headers)
    } else {
        Some(http)
    };
    Response::from_parts(
        head,
        Body::new(Measured {
            body,
            end: Some(end),
        }),
    )
}

/// What is called, in the words of the tables.
fn named(request: &Request) -> &'static str {
    let path = request.uri().path();
    if let Some(rule) = RULES.iter().find(|it| it.method == path) {
        return rule.method;
    }
    if let Some(prefix) = PUBLIC_PREFIXES.iter().find(|it| path.starts_with(*it)) {
        return prefix;
    }
    let route = ROUTES.iter().map(|it| it.1).chain(PUBLIC.iter().copied());
    let found = route.into_iter().find(|it| *it == path);
    match found {
        Some("/api/v1/builds") => "POST /api/v1/builds",
        Some(_) => "GET health",
        None if path == super::page::PATH => "GET metrics",
        None if path == WEBHOOK => "POST /webhooks/github",
        None => "unknown",
    }
}

/// The role that answers a method; the front itself for the rest.
fn role_of(method: &str) -> &'static str {
    let package = method.trim_start_matches('/').split('.').nth(1);
    match package {
        Some("delivery") => "cd-manager",
        Some("release") => "releaser",
        Some("approval") => "approval-ledger",
        Some("changelog") => "changelog",
        Some("forge") => "forge",
        Some("run") => "runner",
        _ if method == "POST /api/v1/builds" => "cd-manager",
        _ if method == "POST /webhooks/github" => "forge",
        _ => "",
    }
}

fn grpc_status(headers: &HeaderMap) -> Option<u16> {
    headers.get(GRPC_STATUS)?.to_str().ok()?.parse().ok()
}

/// What is known when a call ends.
struct End {
    telemetry: Telemetry,
    method: &'static str,
    is_grpc: bool,
    began: Instant,
    span: Option<Context>,
    /// gRPC code or HTTP status; nothing for a gRPC answer that has not ended.
    status: Option<u16>,
}

impl End {
    fn tell(self) {
        let status = match self.status {
            Some(status) => status.to_string(),
            // The caller went away before the answer was complete.
            None => "cancelled".to_owned(),
        };
        let labels = [("method", self.method), ("status", status.as_str())];
        let metrics = self.telemetry.metrics();
        metrics.count("towpath_requests", &labels);
        metrics.took(
            "towpath_request_seconds",
            &labels[..1],
            self.began.elapsed(),
        );
        let Some(span) = &self.span else { return };
        let (name, failed) = if self.is_grpc {
            (
                "rpc.grpc.status_code",
                matches!(self.status, Some(2 | 4 | 13..=15)),
            )
        } else {
            (
                "http.response.status_code",
                self.status.is_some_and(|it| it >= 500),
            )
        };
        let system = if self.is_grpc { "grpc" } else { "http" };
        let attributes = vec![
            KeyValue::new("rpc.system", system),
            KeyValue::new("rpc.method", self.method),
            KeyValue::new(name, status),
        ];
        traces::end_call(span, attributes, failed);
    }
}

/// An answer that says when it has ended, or was given up.
struct Measured {
    body: Body,
    end: Option<End>,
}

impl HttpBody for Measured {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(task);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(trailers), Some(end)) = (frame.trailers_ref(), self.end.as_mut()) {
                    end.status = end.status.or_else(|| grpc_status(trailers));
                }
            }
            Poll::Ready(None) => {
                if let Some(end) = self.end.take() {
                    end.tell();
                }
            }
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end.tell();
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn calls_are_counted_by_known_names_only() {
        let telemetry = Telemetry::open("", "test", 0).unwrap();
        let app = Router::new()
            .route("/healthz", get(|| async { "ok" }))
            .layer(axum::middleware::from_fn_with_state(
                telemetry.clone(),
                record,
            ));
        for path in ["/healthz", "/healthz", "/invented", "/invented-too"] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = app.clone().oneshot(request).await.unwrap();
            axum::body::to_bytes(answer.into_body(), 1_000)
                .await
                .unwrap();
        }
        let text = telemetry.metrics().render(&[]);
        assert!(text.contains("towpath_requests_total{method=\"GET health\",status=\"200\"} 2"));
        assert!(text.contains("towpath_requests_total{method=\"unknown\",status=\"404\"} 2"));
        assert!(!text.contains("invented"), "{text}");
    }

    #[test]
    fn the_role_of_a_method_is_the_owner_of_its_package() {
        let of = |method| role_of(method);
        assert_eq!(
            of("/towpath.delivery.v1.DeliveryService/Explain"),
            "cd-manager"
        );
        assert_eq!(of("/towpath.control.v1.ControlService/GetStatus"), "");
        assert_eq!(of("unknown"), "");
    }
}
