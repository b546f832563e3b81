//! What every deployment changes: the commits between what ran before and what it brings.

pub mod domain;
mod effects;
pub mod process;
mod rpc;
mod wire;

pub use rpc::Rpc;
pub use wire::{CONSUMES, PACKAGE};

use std::sync::Arc;

use eventlog::{Context, EventLog, ReadError, Repository};
use ids::Uuid;
use proto::changelog::v1::changelog_service_server::ChangelogServiceServer;
use service::{Clock, Folded, Troubles};
use source::{Desk, Histories};
use tokio_util::sync::CancellationToken;

use domain::changelog::Changelogs;
use process::World;

/// The name of this role.
pub const ROLE: &str = "changelog";

/// What the role needs from outside.
#[derive(Clone)]
pub struct Deps {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The manifests.
    pub desk: Desk,
    /// Histories of source repositories.
    pub histories: Histories,
    /// Open while this replica may act; the others only observe.
    pub gate: eventlog::lease::Gate,
}

/// The role, assembled. Clones share everything.
#[derive(Clone)]
pub struct Changelog(Arc<Inner>);

pub(crate) struct Inner {
    deps: Deps,
    changelogs: Repository<Changelogs>,
    world: Folded<World>,
    /// By changelog.
    troubles: Troubles<Uuid>,
}

/// Assembles the role. Nothing runs before [`Changelog::run`].
pub fn build(deps: Deps) -> Changelog {
    Changelog(Arc::new(Inner {
        changelogs: Repository::new(Arc::clone(&deps.log)),
        world: Folded::default(),
        troubles: Troubles::default(),
        deps,
    }))
}

impl Changelog {
    /// Its gRPC service.
    pub fn grpc(&self) -> ChangelogServiceServer<Rpc> {
        ChangelogServiceServer::new(Rpc(Arc::clone(&self.0)))
            .max_decoding_message_size(service::serve::MAX_BODY)
    }

    /// Runs until cancelled, or until the log cannot be read any further.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), ReadError> {
        let clock = Arc::clone(&self.0.deps.clock);
        eventlog::process::run_gated(
            Arc::clone(&self.0.deps.log),
            effects::Reactor(Arc::clone(&self.0)),
            Arc::new(effects::Performer(Arc::clone(&self.0))),
            Arc::new(move || clock.now_us()),
            self.0.deps.gate.clone(),
            stop,
        )
        .await
    }

    /// What this binary cannot read and leaves alone, as `aggregate: why`.
    pub fn set_aside(&self) -> Vec<String> {
        let world = self.0.world();
        let aside = world.all_aside();
        aside.map(|(it, why)| format!("{it}: {why}")).collect()
    }
}

impl Inner {
    fn world(&self) -> std::sync::RwLockReadGuard<'_, World> {
        self.world.read()
    }

    /// The context of what the role does by itself for a deployment.
    fn context(&self, deployment: Uuid) -> Context {
        Context {
            actor: ROLE.to_owned(),
            now_us: self.deps.clock.now_us(),
            idempotency: None,
            correlation: Some(deployment),
            causation: None,
        }
    }
}
