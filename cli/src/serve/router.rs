//! The front of a process: its roles' services, the way to other roles, health.

use axum::routing::get;
use proto::control::v1::control_service_server::ControlServiceServer;
use service::fault::{Fault, Kind};
use service::load::{self, Load};
use service::role::{Role, Roles};
use service::{authn, serve, stale, telemetry};
use std::sync::Arc;

use super::control::{Control, Here};
use super::gateway;
use super::ground::Ground;
use super::metrics;
use super::presence::Peers;
use super::roles::{approval_ledger, cd_manager, changelog, forge, releaser, runner};

/// The roles of this process.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) cd_manager: Option<cd_manager::Part>,
    pub(super) releaser: Option<releaser::Part>,
    pub(super) approval_ledger: Option<approval_ledger::Part>,
    pub(super) changelog: Option<changelog::Part>,
    pub(super) runner: Option<runner::Part>,
    pub(super) forge: Option<forge::Part>,
}

/// Everything that answers on the one port.
pub(super) fn router(
    ground: &Ground,
    wanted: &[Role],
    parts: &Parts,
    peers: &Peers,
) -> axum::Router {
    let archive_position = || parts.cd_manager.as_ref()?.archive_position();
    let control = Control {
        log: Arc::clone(&ground.log),
        read_position: ground.projector.position(),
        archive_position: archive_position(),
        desk: ground.desk.clone(),
        roles: ground.roles.clone(),
        here: Here {
            manager: parts.cd_manager.as_ref().map(|it| it.manager.clone()),
            releaser: parts.releaser.as_ref().map(|it| it.releaser.clone()),
            ledger: parts.approval_ledger.as_ref().map(|it| it.ledger.clone()),
            changelog: parts.changelog.as_ref().map(|it| it.changelog.clone()),
            runner: parts.runner.as_ref().map(|it| it.runner.clone()),
            forge: parts.forge.as_ref().map(|it| it.forge.clone()),
        },
        peers: peers.clone(),
        manifests_url: ground.config.manifests.url.clone(),
        data: ground.data.clone(),
        fsync_us: Arc::default(),
    };
    let mut routes = tonic::service::Routes::builder();
    if let Some(part) = &parts.cd_manager {
        part.services()(&mut routes);
    }
    if let Some(part) = &parts.releaser {
        part.services()(&mut routes);
    }
    if let Some(part) = &parts.approval_ledger {
        part.services()(&mut routes);
    }
    if let Some(part) = &parts.changelog {
        part.services()(&mut routes);
    }
    if let Some(part) = &parts.forge {
        part.services()(&mut routes);
    }
    routes
        .add_service(ControlServiceServer::new(control).max_decoding_message_size(serve::MAX_BODY))
        .add_service(health(ground, wanted));
    if let Ok(reflection) = reflection() {
        routes.add_service(reflection);
    }
    let metrics = metrics::State {
        telemetry: ground.telemetry.clone(),
        directory: ground.directory.clone(),
        log: Arc::clone(&ground.log),
        read_position: ground.projector.position(),
        archive_position: archive_position(),
        roles: ground.roles.clone(),
        manager: parts.cd_manager.as_ref().map(|it| it.manager.clone()),
    };
    let roles = ground.roles.clone();
    let ready = move || {
        let stopped = stopped_here(&roles);
        async move {
            if stopped.is_empty() {
                (axum::http::StatusCode::OK, "ready".to_owned())
            } else {
                (
                    axum::http::StatusCode::SERVICE_UNAVAILABLE,
                    format!("stopped: {}", stopped.join(", ")),
                )
            }
        }
    };
    axum::Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::page).with_state(metrics))
        .merge(http(parts))
        .merge(gateway::routes(peers, &ground.roles))
        .merge(routes.routes().into_axum_router())
        .fallback(nothing_here)
        .layer(axum::middleware::from_fn_with_state(
            Load::default(),
            load::limit,
        ))
        .layer(axum::middleware::from_fn_with_state(
            ground.directory.clone(),
            authn::gate,
        ))
        .layer(axum::middleware::from_fn_with_state(
            ground.roles.clone(),
            stale::mark,
        ))
        .layer(axum::middleware::from_fn_with_state(
            ground.telemetry.clone(),
            telemetry::record,
        ))
}

/// What the roles answer beside gRPC.
fn http(parts: &Parts) -> axum::Router {
    let manager = parts.cd_manager.as_ref().map(|it| it.manager.http());
    let forge = parts.forge.as_ref().map(|it| it.forge.http());
    let none = axum::Router::new();
    manager
        .into_iter()
        .chain(forge)
        .fold(none, axum::Router::merge)
}

fn stopped_here(roles: &Roles) -> Vec<&'static str> {
    roles
        .here()
        .into_iter()
        .filter(|it| it.1.is_some())
        .map(|it| it.0)
        .collect()
}

/// Health as gRPC asks for it: what this process runs, as one; by each role's name, too, so that
/// whoever asks for another role learns that it is not here.
fn health(
    ground: &Ground,
    wanted: &[Role],
) -> tonic_health::pb::health_server::HealthServer<impl tonic_health::pb::health_server::Health> {
    use tonic_health::ServingStatus::{NotServing, Serving};
    let (reporter, health) = tonic_health::server::health_reporter();
    let (roles, stop) = (ground.roles.clone(), ground.stop.clone());
    let wanted = wanted.to_vec();
    ground.tasks.spawn(async move {
        let mut changed = roles.changed();
        loop {
            let status = if stopped_here(&roles).is_empty() {
                Serving
            } else {
                NotServing
            };
            reporter.set_service_status("", status).await;
            for role in &wanted {
                reporter.set_service_status(role.as_str(), status).await;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                ended = changed.changed() => if ended.is_err() { return },
            }
        }
    });
    health
}

async fn nothing_here(uri: axum::http::Uri) -> axum::http::Response<axum::body::Body> {
    let path: String = uri
        .path()
        .chars()
        .take(80)
        .flat_map(char::escape_default)
        .collect();
    let fault = Fault::new(
        Kind::NotFound,
        "no-such-path",
        format!("there is nothing at `{path}`"),
    )
    .fix("POST /api/v1/builds reports a build, GitHub sends webhooks to /webhooks/github; everything else is gRPC (reflection is on)");
    authn::json(&fault)
}

fn reflection() -> Result<
    tonic_reflection::server::v1::ServerReflectionServer<
        impl tonic_reflection::server::v1::ServerReflection,
    >,
    tonic_reflection::server::Error,
> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .build_v1()
}
