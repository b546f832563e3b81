//! Releases: what succeeded in pre-release, numbered in the log, tagged in every registry, and
//! followed through the release stages, which cd-manager takes it through.

pub mod domain;
mod effects;
pub mod process;
mod rpc;
mod wire;

pub use rpc::Rpc;
pub use wire::{CONSUMES, PACKAGE};

use std::path::PathBuf;
use std::sync::Arc;

use eventlog::{Context, EventLog, ReadError, Repository};
use ids::Uuid;
use proto::release::v1::release_service_server::ReleaseServiceServer;
use service::key::Keys;
use service::{Clock, Folded, Troubles};
use source::Desk;
use tokio_util::sync::CancellationToken;

use domain::commit_version::CommitVersions;
use domain::release::Releases;
use domain::version::Version;
use process::World;

/// The name of this role.
pub const ROLE: &str = "releaser";

/// What the role needs from outside.
#[derive(Clone)]
pub struct Deps {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The manifests.
    pub desk: Desk,
    /// Idempotency keys.
    pub keys: Arc<Keys>,
    /// What relative paths of OCI layouts in manifests are relative to.
    pub layouts: PathBuf,
    /// Credentials for registries, in the form of a container tool's `config.json`. Read for
    /// every tag, so that new ones need no restart; a file that is not there holds none.
    pub credentials: PathBuf,
    /// Open while this replica may act; the others only observe.
    pub gate: eventlog::lease::Gate,
}

/// The role, assembled. Clones share everything.
#[derive(Clone)]
pub struct Releaser(Arc<Inner>);

pub(crate) struct Inner {
    deps: Deps,
    releases: Repository<Releases>,
    versions: Repository<Version>,
    commit_versions: Repository<CommitVersions>,
    world: Folded<World>,
    /// By effect.
    troubles: Troubles<Uuid>,
}

/// Assembles the role. Nothing runs before [`Releaser::run`].
pub fn build(deps: Deps) -> Releaser {
    Releaser(Arc::new(Inner {
        releases: Repository::new(Arc::clone(&deps.log)),
        versions: Repository::new(Arc::clone(&deps.log)),
        commit_versions: Repository::new(Arc::clone(&deps.log)),
        world: Folded::default(),
        troubles: Troubles::default(),
        deps,
    }))
}

impl Releaser {
    /// Its gRPC service.
    pub fn grpc(&self) -> ReleaseServiceServer<Rpc> {
        ReleaseServiceServer::new(Rpc(Arc::clone(&self.0)))
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

    /// The context of what the role does by itself for a release.
    fn context(&self, release: Uuid) -> Context {
        Context {
            actor: ROLE.to_owned(),
            now_us: self.deps.clock.now_us(),
            idempotency: None,
            correlation: Some(release),
            causation: None,
        }
    }
}
