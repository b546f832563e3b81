//! The approval-ledger: who approved exactly which plan.
//!
//! A stage that asks for approval is laid before those whom its track names. What they say is
//! recorded with who they were at that moment; when it is enough, the round says so, and
//! cd-manager carries out exactly the plan that the round was about.

#![warn(missing_docs)]

pub mod domain;
pub mod process;
mod wire;

mod effects;

mod rpc;

pub use rpc::Rpc;
pub use wire::{CONSUMES, PACKAGE};

use std::sync::Arc;

use eventlog::{EventLog, ReadError, Repository};
use proto::approval::v1::approval_service_server::ApprovalServiceServer;
use service::key::Keys;
use service::{Clock, Folded};
use tokio_util::sync::CancellationToken;

use domain::approval::Approval;
use process::World;

/// The name of this role.
pub const ROLE: &str = "approval-ledger";

/// What the role needs from outside.
#[derive(Clone)]
pub struct Deps {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Idempotency keys.
    pub keys: Arc<Keys>,
    /// Open while this replica may act; the others only observe.
    pub gate: eventlog::lease::Gate,
}

/// The role, assembled. Clones share everything.
#[derive(Clone)]
pub struct ApprovalLedger(Arc<Inner>);

pub(crate) struct Inner {
    deps: Deps,
    approvals: Repository<Approval>,
    world: Folded<World>,
}

/// Assembles the role. Nothing runs before [`ApprovalLedger::run`].
pub fn build(deps: Deps) -> ApprovalLedger {
    ApprovalLedger(Arc::new(Inner {
        approvals: Repository::new(Arc::clone(&deps.log)),
        world: Folded::default(),
        deps,
    }))
}

impl ApprovalLedger {
    /// Its gRPC service.
    pub fn grpc(&self) -> ApprovalServiceServer<Rpc> {
        ApprovalServiceServer::new(Rpc(Arc::clone(&self.0)))
            .max_decoding_message_size(service::serve::MAX_BODY)
    }

    /// Runs until cancelled, or until the log cannot be read any further.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), ReadError> {
        let inner = &self.0;
        let clock = Arc::clone(&inner.deps.clock);
        eventlog::process::run_gated(
            Arc::clone(&inner.deps.log),
            effects::Reactor(Arc::clone(inner)),
            Arc::new(effects::Performer(Arc::clone(inner))),
            Arc::new(move || clock.now_us()),
            inner.deps.gate.clone(),
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
}
