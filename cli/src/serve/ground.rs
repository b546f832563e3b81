//! What every role of a process stands on: the log, the identities, the manifests, the data
//! directory.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::Directory;
use eventlog::archive::Archive;
use eventlog::lease::{Gate, Keeper, Leases};
use eventlog::projector::{Database, Server};
use eventlog::{EventLog, Projector};
use futures::FutureExt as _;
use service::entropy::Entropy;
use service::key::Keys;
use service::role::{Role, Roles};
use service::telemetry::Telemetry;
use service::{Clock, Config};
use source::{Desk, DeskError, Histories};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{projections, refused};
use crate::failure::Failure;

/// What every role of this process shares.
pub(super) struct Ground {
    pub(super) data: PathBuf,
    pub(super) config: Config,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) desk: Desk,
    /// Mirrors of source repositories: one process keeps each once.
    pub(super) histories: Histories,
    pub(super) projector: Arc<Projector>,
    pub(super) directory: Directory,
    pub(super) roles: Roles,
    pub(super) keys: Arc<Keys>,
    /// Open while this process may act for its roles.
    pub(super) gate: Gate,
    /// Open while this process is the one runner.
    pub(super) runner_gate: Gate,
    pub(super) telemetry: Telemetry,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl Ground {
    /// What relative paths of OCI layouts are relative to.
    pub(super) fn layouts(&self) -> PathBuf {
        self.config
            .layouts
            .clone()
            .unwrap_or_else(|| self.data.clone())
    }

    /// Runs something until the stop; when it ends before, it says why and the others go on.
    pub(super) fn watch<E: std::fmt::Display>(
        &self,
        role: &'static str,
        run: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.watch_in(&self.tasks, role, run);
    }

    /// The same for what ends with others than the roles.
    pub(super) fn watch_in<E: std::fmt::Display>(
        &self,
        tasks: &TaskTracker,
        role: &'static str,
        run: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.roles.started(role);
        let (roles, stop) = (self.roles.clone(), self.stop.clone());
        tasks.spawn(async move {
            let ended = AssertUnwindSafe(run).catch_unwind().await;
            if !stop.is_cancelled() {
                let why = match ended {
                    Ok(Ok(())) => "it ended".to_owned(),
                    Ok(Err(error)) => error.to_string(),
                    Err(panic) => format!("a defect: {}", words(panic.as_ref())),
                };
                tracing::error!(role, %why, "a role stopped");
                roles.stopped(role, why);
            }
        });
    }

    /// Follows who may call; returns once everybody in the log is known.
    pub(super) async fn follow_identities(&self) -> Result<(), Failure> {
        let (tell, caught_up) = tokio::sync::oneshot::channel();
        let (directory, log) = (self.directory.clone(), Arc::clone(&self.log));
        let (roles, stop) = (self.roles.clone(), self.stop.clone());
        roles.started("access");
        self.tasks.spawn(async move {
            let follow = directory.follow(log, move || {
                // Nobody listens only when starting was given up.
                let _told = tell.send(());
            });
            tokio::select! {
                () = stop.cancelled() => {}
                ended = follow => if let Err(error) = ended {
                    tracing::error!(%error, "identities cannot be followed any more");
                    roles.stopped("access", error.to_string());
                },
            }
        });
        caught_up.await.map_err(|_| {
            Failure::refused("log-corrupt", "the identities in the log cannot be read")
        })
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
}

/// Only its owner may look into the data directory.
pub(crate) fn make_private(data: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let failed = |error: std::io::Error| {
        Failure::broke("data-directory", format!("{}: {error}", data.display()))
            .fix("make the directory writable, or choose another with --data")
    };
    if data.is_dir() {
        let mode = std::fs::metadata(data)
            .map_err(failed)?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            // A directory that others may read still keeps its token: that file is 0600.
            tracing::debug!(
                mode = format!("{mode:o}"),
                "others may read the data directory"
            );
        }
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(failed)
}

/// Only its owner may read a database, whatever the directory allows. `SQLite` gives the files
/// beside it the same mode.
pub(super) fn keep_private(data: &Path, name: &str) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    for suffix in ["", "-wal", "-shm"] {
        let path = data.join(format!("{name}{suffix}"));
        match std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::broke(
                    "data-directory",
                    format!("{}: {error}", path.display()),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where the read models of these roles are: a file in the data directory, or a schema of theirs.
pub(crate) fn database(data: &Path, config: &Config, of: &[Role]) -> Result<Database, Failure> {
    let reads = &config.reads;
    if reads.url.is_empty() {
        return Ok(Database::File(data.join("read.db")));
    }
    let schema = match of {
        [one] => one.as_str(),
        _ => "towpath",
    };
    Server::new(&reads.url, reads.password_file.as_deref(), schema)
        .map(Database::Postgres)
        .map_err(|error| Failure::usage("reads", error.to_string()))
}

/// How long a replica may act after it was last heard of.
const LEASE: std::time::Duration = std::time::Duration::from_secs(10);

/// Makes sure that of several replicas one acts. A file has one process; nothing to keep there.
/// A process that was killed and comes back in the same place goes on at once.
pub(super) async fn keeper(
    data: &Path,
    config: &Config,
    of: &[Role],
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<Keeper>>, Failure> {
    lease(data, &database(data, config, of)?, "effects", clock).await
}

/// Makes sure that no other runner is at work, whichever roles its process has: what runs on a
/// machine belongs to one of them, which ends whatever it did not start.
pub(super) async fn only_runner(
    data: &Path,
    config: &Config,
    of: &[Role],
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<Keeper>>, Failure> {
    if !of.contains(&Role::Runner) {
        return Ok(None);
    }
    let database = database(data, config, &[Role::Runner])?;
    let Some(keeper) = lease(data, &database, "runner", clock).await? else {
        return Ok(None);
    };
    let taken = keeper.take().await;
    match taken.map_err(|error| Failure::broke("read-models", error.to_string()))? {
        Ok(()) => Ok(Some(keeper)),
        Err(holder) => Err(Failure::refused(
            "another-runner",
            format!("another runner is at work: {holder} (machine:data directory)"),
        )
        .fix(
            "stop that one first, or leave it at that: an installation has one runner, which \
             keeps its applications in its own data directory",
        )),
    }
}

/// What is kept in a database of several processes; a file has one.
async fn lease(
    data: &Path,
    database: &Database,
    resource: &str,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<Keeper>>, Failure> {
    if matches!(database, Database::File(_)) {
        return Ok(None);
    }
    let leases = Leases::open(database)
        .await
        .map_err(|error| projector_refused(&error))?;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let holder = format!("{}:{}", host.trim(), data.display());
    let clock = Arc::clone(clock);
    let keeper = Keeper::new(
        leases,
        resource,
        &holder,
        LEASE,
        Arc::new(move || clock.now_us()),
    );
    Ok(Some(keeper))
}

/// The archive of the log, where there is a database for it.
pub(super) async fn open_archive(config: &Config) -> Result<Option<Archive>, Failure> {
    if config.reads.url.is_empty() {
        return Ok(None);
    }
    let server = archive_server(config)?;
    let archive = Archive::open(&server).await;
    archive
        .map(Some)
        .map_err(|error| Failure::broke("archive", error.to_string()))
}

/// Where the archive of the log is.
pub(crate) fn archive_server(config: &Config) -> Result<Server, Failure> {
    let reads = &config.reads;
    Server::new(&reads.url, reads.password_file.as_deref(), "archive")
        .map_err(|error| Failure::usage("reads", error.to_string()))
}

/// The read models of a process.
pub(super) async fn open_projector(
    data: &Path,
    config: &Config,
    of: &[Role],
    log: Arc<dyn EventLog>,
) -> Result<Projector, Failure> {
    let database = database(data, config, of)?;
    let projector = Projector::open(&database, log, projections(of))
        .await
        .map_err(|error| projector_refused(&error))?;
    keep_private(data, "read.db")?;
    Ok(projector)
}

fn projector_refused(error: &eventlog::projector::ProjectorError) -> Failure {
    use eventlog::projector::ProjectorError as E;
    match error {
        E::Lie(_) => refused("log-lies", error),
        E::Stopped { .. } | E::Read(_) => refused("log-corrupt", error),
        E::Database { .. } | E::Sql(_) | E::Overtaken => {
            Failure::broke("read-models", error.to_string())
        }
    }
}

/// A remote that does not answer may come back, and so may a repository on this machine that was
/// there before. One that can never work is refused.
pub(super) async fn open_desk(data: &Path, config: &Config) -> Result<Desk, Failure> {
    let failed = |error: &DeskError| {
        let DeskError::Git(git) = error;
        Failure::refused(git.code().replace('_', "-"), git.to_string())
    };
    let manifests = &config.manifests;
    let desk = Desk::open(&data.join("mirror"), &manifests.url, &manifests.branch)
        .await
        .map_err(|error| failed(&error))?;
    match desk.look().await {
        Ok(_) => Ok(desk),
        Err(DeskError::Git(error)) if error.retryable() && may_come_back(&desk).await => {
            tracing::warn!(%error, "the manifests repository does not answer; going on without it for now");
            Ok(desk)
        }
        // A branch that was there and is not now may be pushed again.
        Err(error) if may_come_back(&desk).await && desk.mirror().is_local() => {
            tracing::warn!(%error, "the manifests cannot be read; going on with what is known");
            Ok(desk)
        }
        Err(error) => Err(failed(&error)),
    }
}

async fn may_come_back(desk: &Desk) -> bool {
    let seen = desk.mirror().tip(desk.branch()).await;
    !desk.mirror().is_local() || seen.is_ok_and(|it| it.is_some())
}
