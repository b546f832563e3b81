//! Deployments, tracks, promotions: what should run where, and what is next.
//!
//! `domain` decides, `process` says what follows, `effects` do it, `projections` remember it for
//! readers, `rpc` lets others ask.

pub mod domain;
pub mod process;
mod wire;

mod effects;
pub mod projections;
mod queries;

mod deps;
mod events;
mod http;
mod rpc;

pub use deps::Deps;
pub use http::PATH as HTTP_PATH;
pub use rpc::Rpc;
pub use wire::{CONSUMES, PACKAGE};

use std::sync::{Arc, PoisonError, RwLock};

use eventlog::{ReadError, Repository};
use proto::delivery::v1::delivery_service_server::DeliveryServiceServer;
use service::Troubles;
use tokio_util::sync::CancellationToken;

use domain::build::Build;
use domain::deployment::Decisions;
use domain::scope::Scope;
use domain::slot::Slot;
use process::World;

/// The name of this role.
pub const ROLE: &str = "cd-manager";

/// The role, assembled. Clones share everything.
#[derive(Clone)]
pub struct CdManager(Arc<Inner>);

pub(crate) struct Inner {
    deps: Deps,
    builds: Repository<Build>,
    deployments: Repository<Decisions>,
    slots: Repository<Slot>,
    scopes: Repository<Scope>,
    world: Arc<RwLock<World>>,
    /// By deployment.
    troubles: Troubles<ids::Uuid>,
    /// The past that was asked for last.
    past: tokio::sync::Mutex<Option<Arc<eventlog::projector::Past>>>,
}

/// Assembles the role. Nothing runs before [`CdManager::run`].
pub fn build(deps: Deps) -> CdManager {
    let log = || Arc::clone(&deps.log);
    CdManager(Arc::new(Inner {
        builds: Repository::new(log()),
        deployments: Repository::new(log()),
        slots: Repository::new(log()),
        scopes: Repository::new(log()),
        world: Arc::default(),
        troubles: Troubles::default(),
        past: tokio::sync::Mutex::default(),
        deps,
    }))
}

impl CdManager {
    /// Its methods, as whoever runs in the same process may call them.
    pub fn rpc(&self) -> Rpc {
        Rpc(Arc::clone(&self.0))
    }

    /// Its gRPC service.
    pub fn grpc(&self) -> DeliveryServiceServer<rpc::Rpc> {
        DeliveryServiceServer::new(self.rpc()).max_decoding_message_size(service::serve::MAX_BODY)
    }

    /// Its HTTP routes.
    pub fn http(&self) -> axum::Router {
        http::router(Arc::clone(&self.0))
    }

    /// Runs until cancelled, or until the log cannot be read any further.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), ReadError> {
        let inner = &self.0;
        let clock = Arc::clone(&inner.deps.clock);
        let reactor = effects::Reactor(Arc::clone(&inner.world));
        let performer = Arc::new(effects::Performer(Arc::clone(inner)));
        let watch = effects::watch(Arc::clone(inner), stop.clone());
        let process = eventlog::process::run_gated(
            Arc::clone(&inner.deps.log),
            reactor,
            performer,
            Arc::new(move || clock.now_us()),
            inner.deps.gate.clone(),
            stop,
        );
        let (ended, ()) = tokio::join!(process, watch);
        ended
    }

    /// What this binary cannot read and leaves alone, as `aggregate: why`.
    pub fn set_aside(&self) -> Vec<String> {
        let world = self.0.world();
        let aside = world.aside().values();
        aside.map(|(it, why)| format!("{it}: {why}")).collect()
    }

    /// How many deployments there are, by state. Costs a look at each.
    pub fn states(&self) -> std::collections::BTreeMap<&'static str, u64> {
        let world = self.0.world();
        let mut states = std::collections::BTreeMap::new();
        for deployment in world.deployment_ids().filter_map(|it| world.deployment(it)) {
            *states.entry(deployment.state_word()).or_default() += 1;
        }
        states
    }

    /// How many deployments are not at rest.
    pub fn in_progress(&self) -> usize {
        self.0.world().active()
    }
}

impl Inner {
    fn world(&self) -> std::sync::RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The context of what the role does by itself for a deployment.
    fn context(&self, deployment: ids::Uuid) -> eventlog::Context {
        eventlog::Context {
            actor: ROLE.to_owned(),
            now_us: self.deps.clock.now_us(),
            idempotency: None,
            correlation: Some(deployment),
            causation: None,
        }
    }
}
