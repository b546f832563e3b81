//! Finds out what a deployment changes, or what lies in a range, and records it, or why nobody can
//! say.

use std::time::Duration;

use eventlog::process::Retry;
use git::GitError;
use ids::{Oid, Uuid};
use source::{BetweenError, Snapshot};
use versioning::changelog::End;

use super::shorten::shorten;
use crate::Inner;
use crate::domain::changelog::{Command, Content, Subject, Unavailable};
use crate::process::{Due, Effect, Wanted};

/// Commits told of each side; there may be more.
const TOLD: usize = 200;
/// Bytes of what is told of each side: both have to fit into one commit of the log.
const BYTES: usize = 400 << 10;
/// The first pause when a repository does not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// What lies between which commits of which source.
struct Asked {
    subject: Subject,
    application: String,
    definition: String,
    from: Option<End>,
    to: End,
}

impl Inner {
    /// Writes one changelog.
    pub(super) async fn write(&self, id: Uuid, effect: &Effect) -> Result<(), Retry> {
        let (because_of, command) = match effect {
            Effect::Deployment(due) => {
                let command = match asked(due) {
                    Ok(asked) => self.find_out(asked).await?,
                    Err(given_up) => Command::GiveUp(*given_up),
                };
                (due.opened.deployment, command)
            }
            Effect::Range(wanted) => (wanted.release, self.find_out(range(wanted)).await?),
        };
        self.changelogs
            .execute(id, &self.context(because_of), &command)
            .await
            .map(drop)
            .map_err(|error| retry(&error))
    }

    async fn find_out(&self, asked: Asked) -> Result<Command, Retry> {
        let snapshot = self.deps.desk.look().await.map_err(|error| retry(&error))?;
        let url = match source_of(&snapshot, &asked.definition) {
            Ok(url) => url,
            Err(why) => return settle(&asked, why),
        };
        let (from, to) = (asked.from.clone(), asked.to.clone());
        match self.deps.histories.changelog(&url, from, to).await {
            Ok(found) => {
                let found = shorten(found).bounded(TOLD, BYTES);
                let content = Content::found(asked.subject, asked.application, found);
                Ok(Command::Record(Box::new(content)))
            }
            Err(error) => settle(&asked, error.into()),
        }
    }
}

/// What a deployment asks for; why nobody can answer that, where CI did not say the commits.
fn asked(due: &Due) -> Result<Asked, Box<Unavailable>> {
    let opened = &due.opened;
    let subject = Subject::Deployment(opened.deployment);
    let no_commit = |why: String| {
        Box::new(Unavailable {
            subject: subject.clone(),
            application: opened.application.clone(),
            range: None,
            code: "no-commit".to_owned(),
            why,
        })
    };
    let Some(to) = end(&opened.version, opened.commit.as_ref()) else {
        let why = format!("the report of {} named no commit", opened.version);
        return Err(no_commit(why));
    };
    let from = match &due.before {
        None => None,
        Some(ran) => Some(end(&ran.version, ran.commit.as_ref()).ok_or_else(|| {
            no_commit(format!(
                "{} ran before, and its report named no commit",
                ran.version
            ))
        })?),
    };
    Ok(Asked {
        subject,
        application: opened.application.clone(),
        definition: opened.definition.clone(),
        from,
        to,
    })
}

/// What a range asks for: its ends have no versions, since others may lie at the same commits.
fn range(it: &Wanted) -> Asked {
    let end = |oid: &Oid| End {
        revision: String::new(),
        oid: oid.clone(),
    };
    Asked {
        subject: Subject::Range {
            definition: it.definition.clone(),
        },
        application: it.application.clone(),
        definition: it.definition.clone(),
        from: it.from.as_ref().map(end),
        to: end(&it.to),
    }
}

fn end(version: &str, commit: Option<&Oid>) -> Option<End> {
    Some(End {
        revision: version.to_owned(),
        oid: commit?.clone(),
    })
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
fn settle(asked: &Asked, obstacle: Obstacle) -> Result<Command, Retry> {
    let (code, why) = match obstacle {
        Obstacle::Passing(why) => return Err(retry(&why)),
        Obstacle::Lasting(code, why) => (code.to_owned(), why),
    };
    let range = match &asked.subject {
        Subject::Deployment(_) => None,
        Subject::Range { .. } => {
            let from = asked.from.as_ref().map(|it| it.oid.clone());
            Some((from, asked.to.oid.clone()))
        }
    };
    Ok(Command::GiveUp(Unavailable {
        subject: asked.subject.clone(),
        application: asked.application.clone(),
        range,
        code,
        why,
    }))
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
            BetweenError::Repository(error) => match error {
                repository::Error::Shallow { .. } | repository::Error::NoSuchRevision { .. } => {
                    Self::Lasting("source-unusable", error.to_string())
                }
                // The mirror is a copy: it may be made anew.
                repository::Error::NoRepository { .. }
                | repository::Error::Unsupported { .. }
                | repository::Error::Broken { .. } => Self::Passing(error.to_string()),
            },
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
