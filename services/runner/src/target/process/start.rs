//! Starting a version and waiting until it is healthy; ending it and all it left behind.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use ids::Uuid;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::adopt::{self, Found, Marks};
use super::child::{Child, Exit, Start};
use super::front::Backend;
use super::log::Log;
use super::ports::{Port, Ports};
use super::probe::{self, Answer, Judge, Verdict};
use super::rootfs::{self, Program};
use super::state::{ProcessRecord, States};
use crate::target::{ApplyError, Desired};

/// As many ports are tried when somebody else takes the chosen one first.
const PORT_ATTEMPTS: u16 = 3;

/// What all slots share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) data: PathBuf,
    pub(super) instance: Uuid,
    pub(super) owner: String,
    pub(super) boot: String,
    pub(super) kill_after: Duration,
    pub(super) states: States,
    pub(super) ports: Ports,
    /// Whatever must be finished before we go.
    pub(super) tasks: TaskTracker,
    /// We go: nothing is waited for that is not necessary.
    pub(super) closing: CancellationToken,
    /// What an earlier one of us started and nobody has asked for yet.
    pub(super) spare: Mutex<Vec<Found>>,
}

/// A process that was started for a run, or taken over.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) marks: Marks,
    pub(super) adopted: bool,
    pub(super) log: Log,
    pub(super) backend: Backend,
    /// Kept so that nobody else is given it.
    _port: Option<Port>,
}

/// Why nothing was started.
#[derive(Debug)]
pub(super) enum StartError {
    /// See [`ApplyError`].
    Apply(ApplyError),
    /// It was no longer wanted.
    Halted,
}

impl StartError {
    /// The last lines of the process; empty if there are none.
    fn output(&self) -> &str {
        match self {
            Self::Apply(ApplyError::Failed { output, .. }) => output,
            Self::Apply(ApplyError::Broke { .. }) | Self::Halted => "",
        }
    }
}

impl From<StartError> for ApplyError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Apply(error) => error,
            StartError::Halted => Self::Broke {
                message: "stopped while it was starting; apply it again".into(),
            },
        }
    }
}

pub(super) fn failed(message: impl Into<String>, output: String) -> StartError {
    StartError::Apply(ApplyError::Failed {
        message: message.into(),
        output,
    })
}

pub(super) fn broke(message: impl Into<String>) -> StartError {
    StartError::Apply(ApplyError::Broke {
        message: message.into(),
    })
}

impl Context {
    /// Where to begin to look for a port for `id`: installations on one machine begin at
    /// different ones.
    pub(super) fn seed(&self, id: Uuid) -> Uuid {
        Uuid::from_u128(self.instance.as_u128() ^ id.as_u128())
    }
}

impl Started {
    /// Takes over a process that runs already.
    pub(super) fn adopt(context: &Context, child: Child, marks: Marks) -> std::io::Result<Self> {
        let (log, _) = Log::open(&context.data, marks.slot, marks.run)?;
        Ok(Self {
            child,
            adopted: true,
            log,
            backend: Backend::new(marks.port),
            _port: context.ports.hold(marks.port),
            marks,
        })
    }

    pub(super) fn record(&self, context: &Context) -> ProcessRecord {
        ProcessRecord {
            pid: self.child.pid(),
            start_time: self.child.start_time(),
            boot: context.boot.clone(),
            port: self.marks.port,
        }
    }

    /// Ends it, and what it started and left behind.
    pub(super) async fn end(self, context: &Context) {
        let exit = self.child.end(context.kill_after).await;
        tracing::info!(pid = self.child.pid(), run = %self.marks.run, "process ended: {exit}");
        end_leftovers(context, &self.marks).await;
    }
}

/// Kills what carries the marks of a start whose process has ended.
pub(super) async fn end_leftovers(context: &Context, marks: &Marks) {
    let instance = context.instance;
    let found = tokio::task::spawn_blocking(move || adopt::scan(instance)).await;
    let Ok(Ok(found)) = found else {
        return;
    };
    for left in found.iter().filter(|left| left.marks.same_start(marks)) {
        if let Some(child) = left.open() {
            child.end(Duration::ZERO).await;
        }
    }
}

/// Starts what is desired and returns it when it is healthy. It is ended again when it does
/// not get healthy or `halt` comes first. `progress` is told what it waits for.
pub(super) async fn start(
    context: &std::sync::Arc<Context>,
    desired: &Desired,
    halt: &CancellationToken,
    progress: &(dyn Fn(String) + Send + Sync),
) -> Result<Started, StartError> {
    let program = prepare(context, desired).await?;
    let mut attempt = 0;
    loop {
        let started = spawn(context, desired, &program, attempt)?;
        attempt += 1;
        let port = started.marks.port;
        let Err(error) = wait(&started, desired, halt, progress).await else {
            return Ok(started);
        };
        let own = started.child.pid();
        let context_for_end = std::sync::Arc::clone(context);
        let ended = context
            .tasks
            .spawn(async move { started.end(&context_for_end).await });
        let Waited::Exited(error) = error else {
            return Err(error.into_error());
        };
        // It has exited, so this does not take long.
        let _panicked = ended.await;
        // Who took it may have ended since, so what the process said counts too.
        let taken = !super::ports::is_free(port) || super::ports::says_taken(error.output());
        if attempt >= PORT_ATTEMPTS || !taken {
            return Err(error);
        }
        tracing::warn!(
            pid = own,
            port,
            "port was taken by another program: trying another one"
        );
    }
}

/// Waits until a process that was found is healthy; it is ended if it does not get so.
pub(super) async fn resume(
    context: &std::sync::Arc<Context>,
    started: Started,
    desired: &Desired,
    halt: &CancellationToken,
    progress: &(dyn Fn(String) + Send + Sync),
) -> Option<Started> {
    if wait(&started, desired, halt, progress).await.is_ok() {
        return Some(started);
    }
    let context_for_end = std::sync::Arc::clone(context);
    context
        .tasks
        .spawn(async move { started.end(&context_for_end).await });
    None
}

async fn prepare(context: &Context, desired: &Desired) -> Result<Program, StartError> {
    let (data, layout) = (context.data.clone(), desired.layout.clone());
    let digest = desired.digest.clone();
    tokio::task::spawn_blocking(move || rootfs::prepare(&data, &layout, &digest))
        .await
        .map_err(|e| broke(format!("unpacking the image broke off: {e}")))?
        .map_err(|e| match &e {
            rootfs::Error::Oci(cause) if !cause.is_permanent() => broke(e.to_string()),
            rootfs::Error::Oci(_) | rootfs::Error::Unusable { .. } => {
                failed(e.to_string(), String::new())
            }
        })
}

fn spawn(
    context: &Context,
    desired: &Desired,
    program: &Program,
    attempt: u16,
) -> Result<Started, StartError> {
    let port = context
        .ports
        .pick(context.seed(desired.run), attempt)
        .ok_or_else(|| broke("no port from 10000 to 19999 is free on 127.0.0.1; end something"))?;
    let marks = Marks {
        instance: context.instance,
        slot: desired.slot,
        run: desired.run,
        digest: desired.digest.clone(),
        port: port.number(),
        owner: context.owner.clone(),
    };
    let (log, file) = Log::open(&context.data, desired.slot, desired.run)
        .map_err(|e| broke(format!("cannot open the log file of the process: {e}")))?;
    let mut env = vec![("PATH".to_owned(), rootfs::PATH.to_owned())];
    env.extend(program.env.iter().cloned());
    env.extend(desired.env.iter().cloned());
    env.push(("PORT".to_owned(), port.number().to_string()));
    env.extend(marks.env());
    if let Some((name, _)) = env.iter().find(|(name, value)| !is_possible(name, value)) {
        let why = format!(
            "the environment variable `{}` is not possible: names hold no `=`, neither holds a NUL byte",
            name.escape_debug()
        );
        return Err(failed(why, String::new()));
    }
    let child = Child::spawn(Start {
        program: program.path.clone(),
        arguments: program.arguments.clone(),
        env,
        directory: program.directory.clone(),
        log: file,
    })
    .map_err(|e| not_started(desired, program, &e))?;
    tracing::info!(
        slot = desired.slot_name,
        version = desired.version,
        pid = child.pid(),
        port = port.number(),
        "process started"
    );
    Ok(Started {
        child,
        adopted: false,
        log,
        backend: Backend::new(port.number()),
        _port: Some(port),
        marks,
    })
}

fn is_possible(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

/// Out of memory or processes is our fault, a program for another machine is the image's.
fn not_started(desired: &Desired, program: &Program, e: &std::io::Error) -> StartError {
    use std::io::ErrorKind;
    let message = format!("cannot start `{}`: {e}", program.path.display());
    let busy = [
        ErrorKind::OutOfMemory,
        ErrorKind::WouldBlock,
        ErrorKind::ExecutableFileBusy,
        ErrorKind::Interrupted,
    ];
    // EMFILE and ENFILE have no kind of their own.
    let no_files = matches!(e.raw_os_error(), Some(23 | 24));
    tracing::warn!(slot = desired.slot_name, "{message}");
    if busy.contains(&e.kind()) || no_files {
        broke(message)
    } else {
        failed(message, String::new())
    }
}

/// Why waiting for health ended without it.
enum Waited {
    /// The process ended, perhaps because its port was taken.
    Exited(StartError),
    Other(StartError),
}

impl Waited {
    fn into_error(self) -> StartError {
        match self {
            Self::Exited(error) | Self::Other(error) => error,
        }
    }
}

async fn wait(
    started: &Started,
    desired: &Desired,
    halt: &CancellationToken,
    progress: &(dyn Fn(String) + Send + Sync),
) -> Result<(), Waited> {
    let health = &desired.health;
    let begun = Instant::now();
    let deadline = tokio::time::sleep(health.deadline);
    tokio::pin!(deadline);
    let mut judge = Judge::new(health);
    let mut last: Option<Answer> = None;
    let probes = async {
        loop {
            tokio::time::sleep(judge.pause()).await;
            let answer = probe::probe(health, started.marks.port).await;
            progress(format!("starting {}: {answer}", desired.version));
            let verdict = judge.verdict(&answer, Instant::now());
            last = Some(answer);
            if verdict != Verdict::Open {
                return verdict;
            }
        }
    };
    let outcome = tokio::select! {
        // An answer of somebody else on the same port must not count for a process that ended.
        biased;
        exit = started.child.exited() => Err(Some(exit)),
        () = halt.cancelled() => return Err(Waited::Other(StartError::Halted)),
        verdict = probes => Ok(verdict),
        () = &mut deadline => Err(None),
    };
    let answer = last.map_or_else(
        || "it was not asked yet".to_owned(),
        |last| last.to_string(),
    );
    match outcome {
        Ok(Verdict::Healthy) => Ok(()),
        Ok(Verdict::Unhealthy | Verdict::Open) => {
            Err(Waited::Other(failed(answer, started.log.tail())))
        }
        Err(Some(exit)) => Err(Waited::Exited(exited(exit, begun, started))),
        Err(None) => Err(Waited::Other(failed(
            format!("not healthy within {:?}: {answer}", health.deadline),
            started.log.tail(),
        ))),
    }
}

fn exited(exit: Exit, begun: Instant, started: &Started) -> StartError {
    let lived = begun.elapsed().as_millis();
    failed(
        format!("the process did not get healthy: {exit} after {lived} ms"),
        started.log.tail(),
    )
}
