//! `towpath log restore`: the log again, from its archive, in a later epoch.

use std::pin::pin;
use std::sync::Arc;

use eventlog::archive::{Archive, ArchiveError, Divergence};
use eventlog::nats::{self, NatsLog, OpenError};
use eventlog::{EventLog, LogIdentity, Position, ReadError, SealedCommit};
use futures::stream::{self, Stream, StreamExt as _};
use serde_json::json;
use service::Config;
use service::config::Backend;

use super::Scene;
use crate::failure::Failure;
use crate::output;
use crate::serve::{archive_server, nats_options, nats_refused};

/// Commits read from the archive at once.
const PAGE: usize = 1_000;

pub(super) async fn run(scene: &Scene) -> Result<(), Failure> {
    let config = Config::load(&scene.data()?, crate::home::settings())?;
    config.validate()?;
    if config.log.backend == Backend::Sqlite || config.reads.url.is_empty() {
        return Err(Failure::usage(
            "no-archive",
            "only a log on NATS has an archive, in the PostgreSQL of `[reads]`",
        )
        .fix("a log in a file comes back with `towpath log import`"));
    }
    let archive = Archive::open(&archive_server(&config)?)
        .await
        .map_err(|error| Failure::broke("archive", error.to_string()))?;
    let Some(archived) = identity(&archive).await? else {
        return Err(Failure::refused(
            "archive-empty",
            "the archive holds nothing yet",
        ));
    };
    let options = nats_options(&config)?;
    let before = refuse_loss(&options, &archive, &archived).await?;
    if let (Some(text), false) = (before.text(), scene.is_json()) {
        output::line(&text)?;
    }
    check(&archive).await?;
    let next = nats::next_identity(&options, &archived)
        .await
        .map_err(|error| nats_refused(&error))?;
    let commits = Box::pin(commits(&archive));
    let restored = nats::restore(&options, &next, commits)
        .await
        .map_err(|error| nats_refused(&error))?;
    archive.close().await;
    if scene.is_json() {
        return output::json(&json!({
            "log_id": next.log_id.to_string(), "epoch": next.epoch,
            "stream": restored.stream, "commits": restored.commits,
            "not_compared": before.not_compared(), "completed": before.completed(),
        }));
    }
    output::line(&format!(
        "{} commits of log {} are in {}, epoch {}; roles go on by themselves",
        restored.commits, next.log_id, restored.stream, next.epoch
    ))
}

/// What is known of the log that is to be replaced.
enum Before {
    /// The archive holds other commits.
    Differs,
    /// Its settings were changed; so many commits were copied that the archive had not.
    Completed { why: String, commits: u64 },
    /// It cannot be read.
    NotCompared { why: String },
}

impl Before {
    fn text(&self) -> Option<String> {
        match self {
            Self::Differs => None,
            Self::Completed { why, commits } => Some(format!(
                "the log that is there is replaced because of its settings: {why}\n\
                 the archive holds all of it; {commits} commits were copied just now"
            )),
            Self::NotCompared { why } => Some(format!(
                "the log that is there is not compared with the archive, because it cannot be read: \
                 {why}\nwhat the archive holds takes its place; a commit that only that log holds is \
                 lost"
            )),
        }
    }

    fn not_compared(&self) -> Option<&str> {
        match self {
            Self::NotCompared { why } => Some(why),
            Self::Differs | Self::Completed { .. } => None,
        }
    }

    fn completed(&self) -> Option<u64> {
        match self {
            Self::Completed { commits, .. } => Some(*commits),
            Self::Differs | Self::NotCompared { .. } => None,
        }
    }
}

/// Everything in the archive is what was put there: before the log is deleted, not while its
/// commits are put back.
async fn check(archive: &Archive) -> Result<(), Failure> {
    let mut commits = pin!(archive.commits());
    while let Some(commit) = commits.next().await {
        commit.map_err(|error| {
            Failure::refused("archive-damaged", error.to_string())
                .fix("nothing was changed; bring the archive's database back from its backup")
        })?;
    }
    Ok(())
}

/// The archive gets what a log with other settings holds beyond it, as far as it is the log that
/// was archived.
async fn complete(
    options: &nats::Options,
    archive: &Archive,
    archived: &LogIdentity,
    why: String,
) -> Result<Before, Failure> {
    let log = match NatsLog::open_as_it_is(options, archived).await {
        Ok(log) => Arc::new(log),
        Err(error) if error.is_mended_by_restoring() => {
            let why = error.to_string();
            return Ok(Before::NotCompared { why });
        }
        Err(error) => return Err(nats_refused(&error)),
    };
    let shared: Arc<dyn EventLog> = log.clone();
    let completed = archive.complete(&shared).await;
    log.close().await;
    match completed {
        Ok(commits) => Ok(Before::Completed { why, commits }),
        Err(ArchiveError::Lie(_)) => Ok(Before::Differs),
        Err(ArchiveError::Read(ReadError::Corrupt(corrupt))) => {
            let why = corrupt.to_string();
            Ok(Before::NotCompared { why })
        }
        Err(error) => Err(Failure::broke("archive", error.to_string())),
    }
}

/// A log that can be read is not replaced by an archive that holds less, nor for nothing.
async fn refuse_loss(
    options: &nats::Options,
    archive: &Archive,
    archived: &LogIdentity,
) -> Result<Before, Failure> {
    let log = match NatsLog::open(options).await {
        Ok(log) => log,
        Err(error @ (OpenError::Config { .. } | OpenError::Identity { .. }))
            if error.is_mended_by_restoring() =>
        {
            return complete(options, archive, archived, error.to_string()).await;
        }
        // One that cannot be opened is why somebody restores.
        Err(error) if error.is_mended_by_restoring() => {
            let why = error.to_string();
            return Ok(Before::NotCompared { why });
        }
        Err(error) => return Err(nats_refused(&error)),
    };
    let compared = archive.compare(&log).await;
    log.close().await;
    let compared = match compared {
        Ok(compared) => compared,
        Err(ArchiveError::Read(ReadError::Corrupt(corrupt))) => {
            let why = corrupt.to_string();
            return Ok(Before::NotCompared { why });
        }
        Err(error) => return Err(Failure::broke("archive", error.to_string())),
    };
    match compared.divergence {
        None => Err(Failure::refused(
            "nothing-to-restore",
            format!(
                "the log can be read, and the archive holds the same up to position {}",
                compared.archived.0
            ),
        )),
        Some(Divergence::NotArchived { position, .. }) => Err(Failure::refused(
            "archive-behind",
            format!("the log holds commits from position {position} on that the archive does not: a restore would lose them"),
        )
        .fix("let cd-manager run until `towpath log verify` says that the archive holds the same")),
        Some(Divergence::NotInLog { .. } | Divergence::Other { .. }) => Ok(Before::Differs),
    }
}

async fn identity(archive: &Archive) -> Result<Option<LogIdentity>, Failure> {
    let found = archive.identity().await;
    found.map_err(|error| Failure::broke("archive", error.to_string()))
}

/// Everything in the archive, in order.
fn commits(archive: &Archive) -> impl Stream<Item = Result<SealedCommit, OpenError>> + Send {
    let pages = stream::unfold(Some(Position(0)), move |after| async move {
        let after = after?;
        match archive.read(after, PAGE).await {
            Ok(page) => {
                let last = page.last()?.position;
                let page = page.into_iter().map(|it| Ok(it.commit)).collect::<Vec<_>>();
                Some((page, Some(last)))
            }
            Err(error) => Some((vec![Err(OpenError::Options(error.to_string()))], None)),
        }
    });
    pages.flat_map(stream::iter)
}
