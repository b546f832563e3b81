//! `towpath log restore`: the log again, from its archive, in a later epoch.

use eventlog::archive::{Archive, Divergence};
use eventlog::nats::{self, NatsLog, OpenError};
use eventlog::{LogIdentity, Position, SealedCommit};
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
    let not_compared = refuse_loss(&options, &archive).await?;
    if let (Some(why), false) = (&not_compared, scene.is_json()) {
        output::line(&format!(
            "the log that is there is not compared with the archive, because it cannot be opened: \
             {why}\nwhat the archive holds takes its place; a commit that only that log holds is lost"
        ))?;
    }
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
            "not_compared": not_compared,
        }));
    }
    output::line(&format!(
        "{} commits of log {} are in {}, epoch {}; roles go on by themselves",
        restored.commits, next.log_id, restored.stream, next.epoch
    ))
}

/// A log that can be read is not replaced by an archive that holds less, nor for nothing. Says
/// why it was not compared, when it was not.
async fn refuse_loss(
    options: &nats::Options,
    archive: &Archive,
) -> Result<Option<String>, Failure> {
    let log = match NatsLog::open(options).await {
        Ok(log) => log,
        // One that cannot be opened is why somebody restores.
        Err(error) if error.is_mended_by_restoring() => return Ok(Some(error.to_string())),
        Err(error) => return Err(nats_refused(&error)),
    };
    let compared = archive.compare(&log).await;
    log.close().await;
    let compared = compared.map_err(|error| Failure::broke("archive", error.to_string()))?;
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
        Some(Divergence::NotInLog { .. } | Divergence::Other { .. }) => Ok(None),
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
