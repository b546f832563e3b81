//! Finds out what a deployment changes and records it, or why nobody can say.

use std::time::Duration;

use eventlog::process::Retry;
use git::Log;
use ids::Oid;
use source::BetweenError;

use crate::Inner;
use crate::domain::changelog::{Change, Command, Content, Point, Side, Unavailable};
use crate::process::{Due, changelog_id};

/// Commits told of each side; there may be more.
const TOLD: usize = 200;
/// Characters of a subject, and of a name or address.
const SUBJECT: usize = 200;
const NAME: usize = 100;
/// The first pause when a repository does not answer.
const PAUSE: Duration = Duration::from_secs(1);

impl Inner {
    /// Writes the changelog of one deployment.
    pub(super) async fn write(&self, due: &Due) -> Result<(), Retry> {
        let deployment = due.opened.deployment;
        let command = self.find_out(due).await?;
        self.changelogs
            .execute(
                changelog_id(deployment),
                &self.context(deployment),
                &command,
            )
            .await
            .map(drop)
            .map_err(|error| retry(&error))
    }

    async fn find_out(&self, due: &Due) -> Result<Command, Retry> {
        let opened = &due.opened;
        let Some(to) = point(&opened.version, opened.commit.as_ref()) else {
            let why = format!("the report of {} named no commit", opened.version);
            return Ok(give_up(due, "no-commit", why));
        };
        let from = due.before.as_ref();
        let from = from.map(|ran| (point(&ran.version, ran.commit.as_ref()), &ran.version));
        let from = match from {
            None => None,
            Some((Some(from), _)) => Some(from),
            Some((None, version)) => {
                let why = format!("{version} ran before, and its report named no commit");
                return Ok(give_up(due, "no-commit", why));
            }
        };
        let snapshot = self.deps.desk.look().await.map_err(|error| retry(&error))?;
        let definition = snapshot.graph.build_definition(&opened.definition);
        let Some(url) = definition.and_then(|it| snapshot.graph.repository_url(it)) else {
            let why = format!(
                "the manifests at {} do not say where the source of BuildDefinition `{}` is",
                snapshot.commit, opened.definition
            );
            return Ok(give_up(due, "no-source", why));
        };
        let before = from.as_ref().map(|it| &it.commit);
        let histories = &self.deps.histories;
        match histories.between(&url, before, &to.commit, TOLD).await {
            Ok(between) => Ok(Command::Record(Content {
                deployment: opened.deployment,
                application: opened.application.clone(),
                from,
                to,
                added: side(between.added),
                removed: side(between.removed),
            })),
            Err(error @ BetweenError::NoSuchCommit { .. }) => {
                Ok(give_up(due, "commit-not-found", error.to_string()))
            }
            Err(BetweenError::Git(error)) if error.retryable() => Err(retry(&error)),
            Err(BetweenError::Git(error)) => Ok(give_up(due, "source-unusable", error.to_string())),
        }
    }
}

fn point(version: &str, commit: Option<&Oid>) -> Option<Point> {
    Some(Point {
        version: version.to_owned(),
        commit: commit?.clone(),
    })
}

fn give_up(due: &Due, code: &str, why: String) -> Command {
    Command::GiveUp(Unavailable {
        deployment: due.opened.deployment,
        application: due.opened.application.clone(),
        code: code.to_owned(),
        why,
    })
}

fn side(log: Log) -> Side {
    let newest = log.newest.into_iter().map(|it| Change {
        commit: it.oid,
        subject: printable(&it.subject, SUBJECT),
        author_name: printable(&it.author_name, NAME),
        author_email: printable(&it.author_email, NAME),
        committed_at_us: it.committer_time_us,
    });
    Side {
        count: log.total,
        newest: newest.collect(),
    }
}

/// A text from git, without what could drive a terminal.
fn printable(text: &str, length: usize) -> String {
    let shown = text.chars().filter(|it| !it.is_control());
    shown.take(length).collect()
}

fn retry(why: &impl ToString) -> Retry {
    Retry {
        after: PAUSE,
        why: why.to_string(),
    }
}
