//! The forge role: what GitHub says of pull requests, and the one label that Towpath keeps on each
//! of them.
//!
//! A webhook only says where to look: it may come late, twice or never. What is done follows from
//! how the pull request stands, and from the log, which knows whose label is whose.

#![warn(missing_docs)]

pub mod config;
pub mod domain;
mod effects;
mod github;
mod http;
pub mod process;
mod rpc;
mod signature;
mod wire;

pub use config::{Connection, Problem};
pub use http::PATH;
pub use rpc::Rpc;
pub use wire::{CONSUMES, PACKAGE};

use std::sync::Arc;

use eventlog::{Context, EventLog, ReadError, Repository};
use ids::Uuid;
use proto::forge::v1::forge_service_server::ForgeServiceServer;
use service::{Clock, Folded, Troubles};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use domain::pull_request::PullRequests;
use effects::About;
use effects::look::Looks;
use github::GitHub;
use process::World;

/// The name of this role.
pub const ROLE: &str = "forge";

/// Webhooks that are read at once: each holds at most one body in memory.
const READ_AT_ONCE: usize = 32;

/// What the role needs from outside.
#[derive(Clone)]
pub struct Deps {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The way to GitHub; without one the role does nothing.
    pub github: Option<Connection>,
    /// Open while this replica may act; the others only observe.
    pub gate: eventlog::lease::Gate,
}

/// The role, assembled. Clones share everything.
#[derive(Clone)]
pub struct Forge(Arc<Inner>);

pub(crate) struct Inner {
    deps: Deps,
    github: Option<GitHub>,
    pull_requests: Repository<PullRequests>,
    world: Folded<World>,
    troubles: Troubles<About>,
    looks: Looks,
    reading: Semaphore,
}

/// Assembles the role. Nothing runs before [`Forge::run`].
///
/// # Errors
/// [`Problem`] when GitHub cannot be reached in the way that was configured.
pub fn build(deps: Deps) -> Result<Forge, Problem> {
    let connect = |it| GitHub::new(it, Arc::clone(&deps.clock));
    let github = deps.github.clone().map(connect).transpose()?;
    Ok(Forge(Arc::new(Inner {
        pull_requests: Repository::new(Arc::clone(&deps.log)),
        world: Folded::default(),
        troubles: Troubles::default(),
        looks: Looks::default(),
        reading: Semaphore::new(READ_AT_ONCE),
        github,
        deps,
    })))
}

impl Forge {
    /// Its gRPC service.
    pub fn grpc(&self) -> ForgeServiceServer<Rpc> {
        ForgeServiceServer::new(Rpc(Arc::clone(&self.0)))
            .max_decoding_message_size(service::serve::MAX_BODY)
    }

    /// Its HTTP routes.
    pub fn http(&self) -> axum::Router {
        http::router(Arc::clone(&self.0))
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

    /// What does not work at the moment, as name and reason.
    pub fn unwell(&self) -> Vec<(String, String)> {
        let secret = self.0.deps.github.as_ref().map(Connection::check);
        let secret = secret.and_then(Result::err);
        let secret = secret.map(|it| (ROLE.to_owned(), it.to_string()));
        secret
            .into_iter()
            .chain(effects::told(&self.0.troubles))
            .collect()
    }
}

impl Inner {
    fn world(&self) -> std::sync::RwLockReadGuard<'_, World> {
        self.world.read()
    }

    /// The context of what the role does by itself for a pull request.
    fn context(&self, pull_request: Uuid) -> Context {
        Context {
            actor: ROLE.to_owned(),
            now_us: self.deps.clock.now_us(),
            idempotency: None,
            correlation: Some(pull_request),
            causation: None,
        }
    }
}
