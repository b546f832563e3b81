//! What is looked up when somebody asks for the numbers.

use std::sync::Arc;

use access::Directory;
use axum::body::Body;
use axum::extract;
use axum::http::{HeaderMap, Response};
use cd_manager::CdManager;
use eventlog::{EventLog, Position};
use service::role::Roles;
use service::telemetry::{Gauge, Peer, Telemetry, metrics_page};
use tokio::sync::watch;

/// What the numbers are looked up in.
#[derive(Clone)]
pub(super) struct State {
    pub(super) telemetry: Telemetry,
    pub(super) directory: Directory,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) read_position: watch::Receiver<Position>,
    pub(super) archive_position: Option<watch::Receiver<Position>>,
    pub(super) roles: Roles,
    /// Counts deployments, where it runs.
    pub(super) manager: Option<CdManager>,
}

/// `GET /metrics`.
pub(super) async fn page(
    extract::State(state): extract::State<State>,
    peer: Option<axum::Extension<Peer>>,
    headers: HeaderMap,
) -> Response<Body> {
    let peer = peer.map(|it| it.0);
    let gauges = state.gauges();
    metrics_page(&state.telemetry, &state.directory, peer, &headers, gauges).await
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a log has fewer than 2^53 commits"
)]
fn number(count: u64) -> f64 {
    count as f64
}

impl State {
    async fn gauges(&self) -> Vec<Gauge> {
        let read = self.read_position.borrow().0;
        let mut all = vec![Gauge::one(
            "towpath_projection_position",
            "How far in the log the read models are.",
            number(read),
        )];
        if let Ok(tail) = self.log.tail().await {
            let tail = tail.position.0;
            let behind = number(tail.saturating_sub(read));
            all.push(Gauge::one(
                "towpath_log_position",
                "Where the log ends.",
                number(tail),
            ));
            all.push(Gauge::one(
                "towpath_projection_lag_commits",
                "Commits that the read models do not hold yet.",
                behind,
            ));
            let archived = self.archive_position.as_ref().map(|it| it.borrow().0);
            all.extend(archived.map(|archived| {
                Gauge::one(
                    "towpath_archive_lag_commits",
                    "Commits that the archive does not hold yet.",
                    number(tail.saturating_sub(archived)),
                )
            }));
        }
        all.extend(self.manager.as_ref().map(|it| {
            Gauge {
                name: "towpath_deployments",
                help: "Deployments, by state.",
                values: it
                    .states()
                    .into_iter()
                    .map(|(state, count)| (vec![("state", state.to_owned())], number(count)))
                    .collect(),
            }
        }));
        let roles = self.roles.all().into_iter();
        all.push(Gauge {
            name: "towpath_role_up",
            help: "1 for a role that runs, 0 for one that has stopped.",
            values: roles
                .map(|(role, stopped)| {
                    let up = if stopped.is_none() { 1.0 } else { 0.0 };
                    (vec![("role", role.to_owned())], up)
                })
                .collect(),
        });
        all
    }
}
