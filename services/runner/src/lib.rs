//! The runner: applies what the manifests say to the targets, and records what came of it.

#![warn(missing_docs)]

pub mod domain;
pub mod process;
mod wire;

mod effects;
pub mod target;

pub use wire::{CONSUMES, PACKAGE};

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use eventlog::lease::Gate;
use eventlog::{EventLog, ReadError, Repository};
use service::Clock;
use source::Desk;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use domain::run::Run;
use process::World;
use target::{Condition, Target};

/// The name of this role.
pub const ROLE: &str = "runner";

/// What the role needs from outside.
#[derive(Clone)]
pub struct Deps {
    /// Open while this process may act for the role.
    pub gate: Gate,
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The manifests.
    pub desk: Desk,
    /// Where processes run.
    pub target: Arc<dyn Target>,
    /// What relative paths of OCI layouts in manifests are relative to.
    pub layouts: PathBuf,
}

/// The role, assembled. Clones share everything.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

pub(crate) struct Inner {
    deps: Deps,
    runs: Repository<Run>,
    world: RwLock<World>,
    /// Whether everything that was stored at the start is in `world`.
    is_caught_up: watch::Sender<bool>,
}

/// Assembles the role. Nothing runs before [`Runner::run`].
pub fn build(deps: Deps) -> Runner {
    let runs = Repository::new(Arc::clone(&deps.log));
    Runner(Arc::new(Inner {
        deps,
        runs,
        world: RwLock::default(),
        is_caught_up: watch::Sender::new(false),
    }))
}

impl Runner {
    /// What succeeded once and does not run well now, by `environment/application`.
    pub async fn unwell(&self) -> Vec<(String, String)> {
        let current: Vec<_> = self
            .0
            .world()
            .current()
            .map(|(slot, it)| (slot, it.clone()))
            .collect();
        let mut found = Vec::new();
        for (slot, due) in current {
            let seen = self.0.deps.target.observe(slot).await;
            let is_owed = self.0.world().owed(slot, seen.run).is_some();
            let mut why = format!("{}: {}", seen.condition, seen.message);
            if is_owed && seen.run.is_some() {
                // Writing to a String cannot fail.
                let _ok = write!(why, "; {} is to run", due.image.version);
            }
            // A restart is under way only because something ended that should not have.
            if is_owed || seen.condition != Condition::Current {
                let name = format!("{}/{}", due.environment, due.image.application);
                found.push((name, why));
            }
        }
        found
    }

    /// What this binary cannot read and leaves alone, as `aggregate: why`.
    pub fn set_aside(&self) -> Vec<String> {
        let world = self.0.world();
        let aside = world.aside().iter();
        aside.map(|(it, why)| format!("{it}: {why}")).collect()
    }

    /// Runs until cancelled, or until the log cannot be read any further.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), ReadError> {
        let inner = &self.0;
        let clock = Arc::clone(&inner.deps.clock);
        let keep = effects::keep(Arc::clone(inner), stop.clone());
        let process = eventlog::process::run_gated(
            Arc::clone(&inner.deps.log),
            effects::Reactor(Arc::clone(inner)),
            Arc::new(effects::Performer(Arc::clone(inner))),
            Arc::new(move || clock.now_us()),
            inner.deps.gate.clone(),
            stop,
        );
        let (ended, ()) = tokio::join!(process, keep);
        ended
    }
}

impl Inner {
    fn world(&self) -> std::sync::RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }
}
