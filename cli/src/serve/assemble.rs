//! Puts the roles together: the log first and whole, then everything that stands on it, the
//! front last, so that whoever gets an answer gets it from a server that is ready.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use access::Directory;
use eventlog::lease::{Gate, Keeper};
use eventlog::lock;
use service::clock::SystemClock;
use service::entropy::{Entropy, SystemEntropy};
use service::role::{Role, Roles};
use service::telemetry::Telemetry;
use service::{Clock, Config, serve};
use source::Histories;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ground::{self, Ground};
use super::models::Models;
use super::roles::{approval_ledger, cd_manager, changelog, forge, releaser, runner};
use super::router::{self, Parts};
use super::{Record, Running, files, make_private, presence, refused};
use crate::failure::Failure;
use crate::home::{ADDRESS_FILE, Address, write_whole};

/// Starts roles on a data directory; returns when the front answers.
pub(crate) async fn start(
    data: &Path,
    config: &Config,
    wanted: &[Role],
) -> Result<Running, Failure> {
    let address = config.validate()?;
    if config.manifests.url.is_empty() {
        return Err(super::no_manifests());
    }
    files::check(config)?;
    if wanted.contains(&Role::Forge) {
        forge::check(config)?;
    }
    let tls = config.tls.as_ref().map(serve::acceptor).transpose()?;
    make_private(data)?;
    let lock = lock::lock(data).map_err(|error| match &error {
        lock::LockError::Held { .. } => refused("data-directory-in-use", &error),
        lock::LockError::Failed { .. } => Failure::broke("data-directory", error.to_string()),
    })?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let telemetry = open_telemetry(config, wanted, clock.as_ref())?;
    // Before anything is written: a start that cannot serve changes nothing.
    let listener = serve::bind(address).await?;
    let bound = listener.local_addr().map_err(Failure::io(address))?;
    let record = Record::open(data, config, clock.as_ref(), entropy.as_ref()).await?;
    ground::keep_private(data, "log.db")?;
    let projector = ground::open_projector(data, config, wanted, record.log()).await?;
    let now = Arc::clone(&clock);
    let keeper = ground::keeper(data, config, wanted, &clock).await?;
    let runners = ground::only_runner(data, config, wanted, &clock).await?;
    let gate = |keeper: Option<&Arc<Keeper>>| keeper.map_or_else(Gate::always, |it| it.gate());
    let ground = Ground {
        gate: gate(keeper.as_ref()),
        runner_gate: gate(runners.as_ref()),
        data: data.to_owned(),
        config: config.clone(),
        log: record.log(),
        clock,
        entropy,
        histories: Histories::new(data.join("sources")),
        desk: ground::open_desk(data, config).await?,
        projector: Arc::new(projector),
        directory: Directory::new(move || now.now_us()),
        roles: Roles::default(),
        keys: Arc::default(),
        telemetry,
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
    };
    ground.follow_identities().await?;
    let parts = open_parts(&ground, wanted).await?;
    let peers = presence::watch(&ground, wanted)?;
    for keeper in [keeper, runners].into_iter().flatten() {
        let stop = ground.stop.clone();
        ground.tasks.spawn(async move { keeper.run(stop).await });
    }
    let models = Models::run(&ground);
    run(&ground, &parts);
    let router = router::router(&ground, wanted, &parts, &peers);
    let address = format!("{}://{bound}", if tls.is_some() { "https" } else { "http" });
    let front = tokio::spawn(serve::serve(listener, router, tls, ground.stop.clone()));
    publish(data, &address)?;
    ground.tasks.close();
    Ok(Running {
        address,
        data: data.to_owned(),
        stop: ground.stop,
        front,
        roles: ground.tasks,
        target: parts.runner.map(|it| it.target),
        models,
        telemetry: ground.telemetry,
        record,
        _lock: lock,
    })
}

/// A process of one role is that role to whoever looks at its spans; one of several is all of it.
fn open_telemetry(
    config: &Config,
    wanted: &[Role],
    clock: &dyn Clock,
) -> Result<Telemetry, Failure> {
    let service = match wanted {
        [only] => only.as_str(),
        _ => "towpath",
    };
    let otlp = &config.telemetry.otlp;
    let telemetry = Telemetry::open(otlp, service, clock.now_us())
        .map_err(|error| Failure::usage("telemetry", error.to_string()))?;
    telemetry.install();
    Ok(telemetry)
}

async fn open_parts(ground: &Ground, wanted: &[Role]) -> Result<Parts, Failure> {
    let mut parts = Parts::default();
    for role in wanted {
        match role {
            Role::CdManager => parts.cd_manager = Some(cd_manager::open(ground).await?),
            Role::Runner => parts.runner = Some(runner::open(ground).await?),
            Role::Releaser => parts.releaser = Some(releaser::open(ground)),
            Role::Changelog => parts.changelog = Some(changelog::open(ground)),
            Role::Forge => parts.forge = Some(forge::open(ground)?),
            Role::ApprovalLedger => parts.approval_ledger = Some(approval_ledger::open(ground)),
        }
    }
    Ok(parts)
}

/// Each runs until the stop; one that ends before says why, and the others go on.
fn run(ground: &Ground, parts: &Parts) {
    if let Some(part) = &parts.cd_manager {
        part.run(ground);
    }
    if let Some(part) = &parts.releaser {
        part.run(ground);
    }
    if let Some(part) = &parts.approval_ledger {
        part.run(ground);
    }
    if let Some(part) = &parts.changelog {
        part.run(ground);
    }
    if let Some(part) = &parts.runner {
        part.run(ground);
    }
    if let Some(part) = &parts.forge {
        part.run(ground);
    }
}

/// Writes down where the server answers, for commands on this machine.
fn publish(data: &Path, address: &str) -> Result<(), Failure> {
    let found = Address {
        address: local(address),
        pid: std::process::id(),
    };
    let text = serde_json::to_vec(&found).unwrap_or_default();
    write_whole(&data.join(ADDRESS_FILE), &text, 0o600)
}

/// An address that listens everywhere is reached on this machine by loopback.
fn local(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    match rest.parse::<SocketAddr>() {
        Ok(at) if at.ip().is_unspecified() => format!("{scheme}://127.0.0.1:{}", at.port()),
        _ => address.to_owned(),
    }
}
