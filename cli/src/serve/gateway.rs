//! The way to the other roles: calls of their services go on to where they answer, with the
//! caller's own token, so that each role judges for itself.

use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use axum::routing::any;
use service::fault::{Fault, Kind};
use service::role::Role;
use service::{authn, telemetry};
use tonic::transport::Channel;
use tower::{Service as _, ServiceExt as _};

use super::presence::Peers;

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
    }
}

/// Routes for the services of every role that runs elsewhere.
pub(super) fn routes(peers: &Peers) -> axum::Router {
    let mut router = axum::Router::new();
    for (role, channel) in peers.channels() {
        for service in services(role) {
            let channel = channel.clone();
            router = router.route(
                &format!("/{service}/{{method}}"),
                any(move |request: Request| forward(role, channel.clone(), request)),
            );
        }
    }
    router
}

async fn forward(role: Role, mut channel: Channel, request: Request) -> Response<Body> {
    let mut request = request.map(tonic::body::Body::new);
    telemetry::inject(request.headers_mut());
    let answered = match channel.ready().await {
        Ok(ready) => ready.call(request).await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            let name = role.as_str();
            let fault = Fault::new(
                Kind::Unknown,
                "role-unreachable",
                format!("the role `{name}` does not answer: {error}"),
            )
            .fix(format!(
                "start `towpath serve --role {name}`; repeat the call with the same key"
            ));
            authn::answer(fault, true)
        }
    }
}
