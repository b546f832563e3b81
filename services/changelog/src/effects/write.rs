//! Finds out what a deployment changes and records it, or why nobody can say.

use std::time::Duration;

use eventlog::process::Retry;
use git::{GitError, Log};
use ids::Oid;
use source::{BetweenError, Snapshot};

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
        let url = match source_of(&snapshot, &opened.definition) {
            Ok(url) => url,
            Err(why) => return settle(due, why),
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
            Err(error) => settle(due, error.into()),
        }
    }
}

/// Why there is no changelog.
#[derive(Debug)]
enum Obstacle {
    /// It may pass, or somebody may mend it.
    Passing(String),
    /// It stays: a stable code, and why.
    Lasting(&'static str, String),
}

/// What is written down stays for ever, so only what lasts is.
fn settle(due: &Due, obstacle: Obstacle) -> Result<Command, Retry> {
    match obstacle {
        Obstacle::Passing(why) => Err(retry(&why)),
        Obstacle::Lasting(code, why) => Ok(give_up(due, code, why)),
    }
}

impl From<BetweenError> for Obstacle {
    fn from(error: BetweenError) -> Self {
        match error {
            BetweenError::NoSuchCommit { .. } => {
                Self::Lasting("commit-not-found", error.to_string())
            }
            // Credentials are exchanged, and programs installed, by people.
            BetweenError::Git(
                error @ (GitError::AuthenticationFailed { .. } | GitError::NoGit { .. }),
            ) => Self::Passing(error.to_string()),
            BetweenError::Git(error) if error.retryable() => Self::Passing(error.to_string()),
            BetweenError::Git(error) => Self::Lasting("source-unusable", error.to_string()),
        }
    }
}

/// Where the source of a build definition is.
fn source_of(snapshot: &Snapshot, definition: &str) -> Result<String, Obstacle> {
    let found = snapshot.graph.build_definition(definition);
    let url = found.and_then(|it| snapshot.graph.repository_url(it));
    url.ok_or_else(|| {
        let why = format!(
            "the manifests at {} do not say where the source of BuildDefinition `{definition}` is",
            snapshot.commit
        );
        match snapshot.problems.first() {
            None => Obstacle::Lasting("no-source", why),
            Some(first) => {
                Obstacle::Passing(format!("{why}; what is broken there may hide it: {first}"))
            }
        }
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lasts_is_written_down() {
        let (place, detail) = (String::new(), String::new());
        let refused = GitError::AuthenticationFailed { place, detail };
        let refused = Obstacle::from(BetweenError::Git(refused));
        assert!(matches!(refused, Obstacle::Passing(_)));
        let place = String::new();
        let shallow = Obstacle::from(BetweenError::Git(GitError::Shallow { place }));
        assert!(matches!(shallow, Obstacle::Lasting("source-unusable", _)));
        let unknown = BetweenError::NoSuchCommit {
            commit: Oid::parse(&"b".repeat(40)).unwrap(),
            place: String::new(),
        };
        let unknown = Obstacle::from(unknown);
        assert!(matches!(unknown, Obstacle::Lasting("commit-not-found", _)));
    }

    #[test]
    fn broken_manifests_may_hide_where_the_source_is() {
        let mut snapshot = Snapshot {
            commit: Oid::parse(&"a".repeat(40)).unwrap(),
            graph: manifests::Graph::default(),
            problems: vec![],
            files: std::collections::BTreeMap::default(),
        };
        let whole = source_of(&snapshot, "api").unwrap_err();
        assert!(matches!(whole, Obstacle::Lasting("no-source", _)));
        let file = manifests::Diagnostic::of_file("syntax", "a tab", "api.yaml");
        snapshot.problems.push(file);
        let Err(Obstacle::Passing(why)) = source_of(&snapshot, "api") else {
            panic!("it would be given up for ever");
        };
        assert!(why.contains("a tab"), "{why}");
    }
}
