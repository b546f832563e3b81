//! The way to the other roles: calls of their services go on to where they answer, with the
//! caller's own token, so that each role judges for itself.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use axum::routing::any;
use futures::StreamExt as _;
use http_body_util::{BodyStream, StreamBody};
use hyper::body::Frame;
use service::fault::{Fault, Kind};
use service::role::{Role, Roles};
use service::{authn, telemetry};
use tonic::Status;
use tower::{Service as _, ServiceExt as _};

use super::presence::{Peer, Peers};
use crate::failure::root;

/// How long a role may take to begin its answer. Roles wait up to 5 s for what they have not seen
/// yet and then say so themselves; the command line gives up after 30 s without naming anybody.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for one that is known to be away: it may have come back a moment ago.
const AWAY: Duration = Duration::from_secs(2);

/// The gRPC services of each role, by full name.
pub(crate) fn services(of: Role) -> &'static [&'static str] {
    match of {
        Role::CdManager => &[
            "towpath.access.v1.AccessService",
            "towpath.delivery.v1.DeliveryService",
        ],
        Role::Releaser => &["towpath.release.v1.ReleaseService"],
        Role::ApprovalLedger => &["towpath.approval.v1.ApprovalService"],
        Role::Changelog => &["towpath.changelog.v1.ChangelogService"],
        Role::Runner => &[],
        Role::Forge => &["towpath.forge.v1.ForgeService"],
    }
}

/// Paths of each role beside its services, of which callers prove by themselves who they are.
fn paths(of: Role) -> &'static [&'static str] {
    match of {
        Role::Forge => &[authn::WEBHOOK],
        Role::CdManager
        | Role::Releaser
        | Role::ApprovalLedger
        | Role::Changelog
        | Role::Runner => &[],
    }
}

/// Routes for the services of every role that runs elsewhere.
pub(super) fn routes(peers: &Peers, roles: &Roles) -> axum::Router {
    let mut router = axum::Router::new();
    for peer in peers.all() {
        let services = services(peer.role).iter();
        let services = services.map(|it| format!("/{it}/{{method}}"));
        let paths = paths(peer.role).iter().map(|it| (*it).to_owned());
        for path in services.chain(paths) {
            let (peer, roles) = (peer.clone(), roles.clone());
            router = router.route(
                &path,
                any(move |request: Request| async move {
                    let patience = match roles.why_stopped(peer.role.as_str()) {
                        Some(_) => AWAY,
                        None => PATIENCE,
                    };
                    forward(peer, patience, request).await
                }),
            );
        }
    }
    router
}

/// Hands a call on. What has a deadline is the beginning of the answer, which of a call with one
/// answer is nearly all of it; a stream then lasts as long as the connection does.
async fn forward(mut peer: Peer, patience: Duration, request: Request) -> Response<Body> {
    let patience = asked_for(request.headers()).map_or(patience, |it| it.min(patience));
    let is_grpc = authn::is_grpc(request.headers());
    let mut request = request.map(tonic::body::Body::new);
    telemetry::inject(request.headers_mut());
    let channel = &mut peer.channel;
    let answer = async { channel.ready().await?.call(request).await };
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(response)) => response.map(|body| named(peer, body)),
        Ok(Err(error)) => authn::answer(away(&peer, &root(&error)), is_grpc),
        Err(_) => {
            let why = format!("no answer within {} s", patience.as_secs_f32());
            authn::answer(away(&peer, &why), is_grpc)
        }
    }
}

/// What a peer sends on; where its connection ends too soon, the end says whose it was.
fn named(peer: Peer, body: tonic::body::Body) -> Body {
    // An answer that is over with its headers must stay one.
    if body.is_end_stream() {
        return Body::new(body);
    }
    let frames = BodyStream::new(body).map(move |frame| {
        Ok::<_, Infallible>(frame.unwrap_or_else(|status| {
            let status = Status::from(away(&peer, &root(&status)));
            let mut trailers = HeaderMap::new();
            if let Err(status) = status.add_header(&mut trailers) {
                tracing::error!(%status, "the end of an answer cannot be put into words");
            }
            Frame::trailers(trailers)
        }))
    });
    Body::new(StreamBody::new(frames))
}

fn away(peer: &Peer, why: &str) -> Fault {
    let (name, url) = (peer.role.as_str(), &peer.url);
    Fault::new(
        Kind::Unknown,
        "role-unreachable",
        format!("the role `{name}` at {url} does not answer: {why}"),
    )
    .fix(format!(
        "see whether `towpath serve --role {name}` runs there and is not stopped (`towpath status`); then repeat the call, with the same key if it has one"
    ))
}

/// How long the caller waits: `grpc-timeout`, up to 8 digits and a unit.
/// <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>
fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    let count: u64 = digits.parse().ok().filter(|_| is_number)?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3_600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
