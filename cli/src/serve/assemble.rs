//! Puts the roles together: the log first and whole, then everything that stands on it, the
//! front last, so that whoever gets an answer gets it from a server that is ready.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use access::Directory;
use access::domain::identity::Identity;
use axum::routing::get;
use cd_manager::CdManager;
use eventlog::{EventLog, LogIdentity, Projection, Projector, Repository, SqliteLog, lock, sqlite};
use git::{Author, Limits, Writer};
use proto::access::v1::access_service_server::AccessServiceServer;
use proto::control::v1::control_service_server::ControlServiceServer;
use proto::delivery::v1::delivery_service_server::DeliveryServiceServer;
use runner::Runner;
use runner::target::{ProcessTarget, Target};
use service::clock::SystemClock;
use service::entropy::{Entropy, SystemEntropy};
use service::fault::{Fault, Kind};
use service::key::Keys;
use service::role::Roles;
use service::{Clock, Config, authn, serve, stale};
use source::{Desk, DeskError, Histories};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{access::Access, admin, control::Control, refused};
use crate::failure::Failure;
use crate::home::{ADDRESS_FILE, Address, write_whole};

/// How long an application may take to end after SIGTERM.
const KILL_AFTER: Duration = Duration::from_secs(10);

/// A server that answers.
pub(crate) struct Running {
    /// Where it answers.
    pub(crate) address: String,
    data: PathBuf,
    stop: CancellationToken,
    front: JoinHandle<()>,
    roles: TaskTracker,
    target: Arc<ProcessTarget>,
    projector: Arc<Projector>,
    log: SqliteLog,
    _lock: lock::DataLock,
}

/// All read models of this installation.
pub(crate) fn projections() -> Vec<Box<dyn Projection>> {
    cd_manager::projections::all()
}

/// What every part of the server shares.
struct Ground {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    desk: Desk,
    directory: Directory,
    roles: Roles,
    keys: Arc<Keys>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Starts everything on a data directory; returns when the front answers.
pub(crate) async fn start(data: &Path, config: &Config) -> Result<Running, Failure> {
    let address = config.validate()?;
    if config.manifests.url.is_empty() {
        return Err(
            Failure::usage("no-manifests", "no manifests repository is configured").fix(
                "give one with --manifests, or write it down with `towpath init --manifests <url>`",
            ),
        );
    }
    let tls = config.tls.as_ref().map(serve::acceptor).transpose()?;
    make_private(data)?;
    let lock = lock::lock(data).map_err(|error| match &error {
        lock::LockError::Held { .. } => refused("data-directory-in-use", &error),
        lock::LockError::Failed { .. } => Failure::broke("data-directory", error.to_string()),
    })?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let sqlite = open_log(data, clock.as_ref(), entropy.as_ref()).await?;
    keep_private(data, "log.db")?;
    let log: Arc<dyn EventLog> = Arc::new(sqlite.clone());
    let projector = Projector::open(&data.join("read.db"), Arc::clone(&log), projections())
        .await
        .map_err(|error| projector_refused(&error))?;
    let projector = Arc::new(projector);
    keep_private(data, "read.db")?;
    let desk = open_desk(data, config).await?;
    let ground = Ground {
        log,
        clock,
        entropy,
        desk,
        directory: Directory::default(),
        roles: Roles::default(),
        keys: Arc::default(),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
    };
    follow_identities(&ground).await?;
    let identities = Arc::new(Repository::<Identity>::new(Arc::clone(&ground.log)));
    let (clock, entropy) = (ground.clock.as_ref(), ground.entropy.as_ref());
    admin::ensure(data, &identities, &ground.directory, clock, entropy).await?;
    let identity = ground
        .log
        .identity()
        .await
        .map_err(|error| Failure::broke("log", error.to_string()))?;
    let target = ProcessTarget::open(data, identity.log_id, KILL_AFTER)
        .await
        .map_err(|error| Failure::broke("process-target", error.to_string()))?;
    let target = Arc::new(target);
    let manager = cd_manager::build(manager_deps(&ground, config, data, &projector)?);
    let runner = runner::build(runner_deps(&ground, data, &target));
    let listener = serve::bind(address).await?;
    let bound = listener.local_addr()?;
    run_roles(&ground, &projector, &manager, &runner);
    let router = router(
        &ground,
        config,
        data,
        &projector,
        (&manager, &runner),
        identities,
    );
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
        target,
        projector,
        log: sqlite,
        _lock: lock,
    })
}

impl Running {
    /// Stops in order: no new calls, calls in flight end, roles end, the log closes.
    pub(crate) async fn stop(self, leave_applications: bool) {
        // Whoever reads it from now on would find nobody.
        if let Err(error) = std::fs::remove_file(self.data.join(ADDRESS_FILE)) {
            tracing::debug!(%error, "the address file was gone already");
        }
        self.stop.cancel();
        if let Err(error) = self.front.await {
            tracing::warn!(%error, "the front ended badly");
        }
        self.roles.wait().await;
        self.target.shutdown(leave_applications).await;
        self.projector.close().await;
        self.log.close().await;
    }
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
fn keep_private(data: &Path, name: &str) -> Result<(), Failure> {
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

async fn open_log(
    data: &Path,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<SqliteLog, Failure> {
    let now_us = clock.now_us();
    let fresh = LogIdentity {
        log_id: entropy.id(now_us),
        epoch: 1,
        created_at_us: now_us,
    };
    let path = data.join("log.db");
    let log = SqliteLog::open(&path, &fresh)
        .await
        .map_err(|error| open_refused(&error))?;
    match sqlite::verify(&log, crate::commands::progress("checking the log")).await {
        Ok(_) => Ok(log),
        Err(sqlite::VerifyError::Corrupt(found)) => {
            let text: Vec<_> = found.iter().map(ToString::to_string).collect();
            Err(Failure::refused("log-corrupt", text.join("\n"))
                .fix("the log is kept as it is; restore the data directory from a backup, or import an export"))
        }
        Err(error) => Err(Failure::broke("log", error.to_string())),
    }
}

fn open_refused(error: &sqlite::OpenError) -> Failure {
    match error {
        sqlite::OpenError::Full { .. }
        | sqlite::OpenError::NotWritable { .. }
        | sqlite::OpenError::Locked { .. } => Failure::broke("log", error.to_string()),
        sqlite::OpenError::Missing { .. }
        | sqlite::OpenError::NotALog { .. }
        | sqlite::OpenError::Newer { .. }
        | sqlite::OpenError::Corrupt { .. }
        | sqlite::OpenError::Failed { .. } => refused("log-corrupt", error),
    }
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
async fn open_desk(data: &Path, config: &Config) -> Result<Desk, Failure> {
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

async fn follow_identities(ground: &Ground) -> Result<(), Failure> {
    let (tell, caught_up) = tokio::sync::oneshot::channel();
    let (directory, log) = (ground.directory.clone(), Arc::clone(&ground.log));
    let (roles, stop) = (ground.roles.clone(), ground.stop.clone());
    roles.started("access");
    ground.tasks.spawn(async move {
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
    caught_up
        .await
        .map_err(|_| Failure::refused("log-corrupt", "the identities in the log cannot be read"))
}

fn manager_deps(
    ground: &Ground,
    config: &Config,
    data: &Path,
    projector: &Projector,
) -> Result<cd_manager::Deps, Failure> {
    let clock = Arc::clone(&ground.clock);
    let author = Author {
        name: config.author.name.clone(),
        email: config.author.email.clone(),
    };
    let limits = if ground.desk.mirror().is_local() {
        Limits::unlimited()
    } else {
        Limits::github()
    };
    let writer = Writer::spawn(
        ground.desk.mirror().clone(),
        ground.desk.branch(),
        author,
        limits,
        Arc::new(move || clock.now_us()),
    )
    .map_err(|error| Failure::usage(error.code().replace('_', "-"), error.to_string()))?;
    Ok(cd_manager::Deps {
        log: Arc::clone(&ground.log),
        clock: Arc::clone(&ground.clock),
        entropy: Arc::clone(&ground.entropy),
        desk: ground.desk.clone(),
        writer,
        histories: Histories::new(data.join("sources")),
        reads: projector.read_pool().clone(),
        read_position: projector.position(),
        roles: ground.roles.clone(),
        keys: Arc::clone(&ground.keys),
        layouts: data.to_owned(),
        look_every: Duration::from_millis(config.manifests.look_every_ms),
    })
}

fn runner_deps(ground: &Ground, data: &Path, target: &Arc<ProcessTarget>) -> runner::Deps {
    runner::Deps {
        log: Arc::clone(&ground.log),
        clock: Arc::clone(&ground.clock),
        desk: ground.desk.clone(),
        target: Arc::clone(target) as Arc<dyn Target>,
        layouts: data.to_owned(),
    }
}

/// Each role runs until the stop; one that ends before says why, and the others go on.
fn run_roles(ground: &Ground, projector: &Arc<Projector>, manager: &CdManager, runner: &Runner) {
    fn watched<E: std::fmt::Display>(
        ground: &Ground,
        role: &'static str,
        run: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        ground.roles.started(role);
        let (roles, stop) = (ground.roles.clone(), ground.stop.clone());
        ground.tasks.spawn(async move {
            let ended = run.await;
            if !stop.is_cancelled() {
                let why = ended
                    .err()
                    .map_or_else(|| "it ended".to_owned(), |error| error.to_string());
                tracing::error!(role, %why, "a role stopped");
                roles.stopped(role, why);
            }
        });
    }
    let stop = || ground.stop.clone();
    let (models, token) = (Arc::clone(projector), stop());
    watched(ground, "projector", async move { models.run(token).await });
    let (role, token) = (manager.clone(), stop());
    watched(
        ground,
        cd_manager::ROLE,
        async move { role.run(token).await },
    );
    let (role, token) = (runner.clone(), stop());
    watched(ground, runner::ROLE, async move { role.run(token).await });
}

fn router(
    ground: &Ground,
    config: &Config,
    data: &Path,
    projector: &Projector,
    (manager, runner): (&CdManager, &Runner),
    identities: Arc<Repository<Identity>>,
) -> axum::Router {
    let access = Access {
        identities,
        directory: ground.directory.clone(),
        clock: Arc::clone(&ground.clock),
        entropy: Arc::clone(&ground.entropy),
        keys: Arc::clone(&ground.keys),
        revoking: Arc::default(),
    };
    let control = Control {
        log: Arc::clone(&ground.log),
        read_position: projector.position(),
        desk: ground.desk.clone(),
        roles: ground.roles.clone(),
        manager: manager.clone(),
        runner: runner.clone(),
        manifests_url: config.manifests.url.clone(),
        data: data.to_owned(),
        fsync_us: Arc::default(),
    };
    let (reporter, health) = tonic_health::server::health_reporter();
    ground.tasks.spawn(async move {
        reporter
            .set_serving::<DeliveryServiceServer<cd_manager::Rpc>>()
            .await;
    });
    let mut routes = tonic::service::Routes::builder();
    routes
        .add_service(manager.grpc())
        .add_service(AccessServiceServer::new(access).max_decoding_message_size(serve::MAX_BODY))
        .add_service(ControlServiceServer::new(control).max_decoding_message_size(serve::MAX_BODY))
        .add_service(health);
    if let Ok(reflection) = reflection() {
        routes.add_service(reflection);
    }
    let roles = ground.roles.clone();
    let ready = move || {
        let stopped: Vec<_> = roles
            .all()
            .into_iter()
            .filter(|it| it.1.is_some())
            .map(|it| it.0)
            .collect();
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
        .merge(manager.http())
        .merge(routes.routes().into_axum_router())
        .fallback(nothing_here)
        .layer(axum::middleware::from_fn_with_state(
            ground.directory.clone(),
            authn::gate,
        ))
        .layer(axum::middleware::from_fn_with_state(
            ground.roles.clone(),
            stale::mark,
        ))
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
    .fix("POST /api/v1/builds reports a build; everything else is gRPC (reflection is on)");
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

/// Writes down where the server answers, for commands on this machine.
fn publish(data: &Path, address: &str) -> Result<(), Failure> {
    let found = Address {
        address: local(address),
        pid: std::process::id(),
    };
    let text = serde_json::to_vec(&found).unwrap_or_default();
    Ok(write_whole(&data.join(ADDRESS_FILE), &text, 0o600)?)
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
