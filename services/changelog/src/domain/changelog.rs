//! A changelog: what one deployment changes, found out once and never changed.

use decider::Decider;
use ids::{Digest, Oid, Uuid};

/// A version and the commit it was built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The version.
    pub version: String,
    /// The commit.
    pub commit: Oid,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The commit.
    pub commit: Oid,
    /// The first paragraph of its message, shortened.
    pub subject: String,
    /// Who wrote it; verified by nobody.
    pub author_name: String,
    /// Their address; verified by nobody.
    pub author_email: String,
    /// When, in microseconds UTC, by the committer's clock.
    pub committed_at_us: i64,
}

/// Commits on one side: how many, and the newest of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Side {
    /// How many there are.
    pub count: u64,
    /// The newest, newest first.
    pub newest: Vec<Change>,
}

/// What a deployment changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The deployment.
    pub deployment: Uuid,
    /// The application.
    pub application: String,
    /// What ran before; `None` when nothing did.
    pub from: Option<Point>,
    /// What it brings.
    pub to: Point,
    /// Commits that come.
    pub added: Side,
    /// Commits that go.
    pub removed: Side,
}

impl Content {
    /// SHA-256 over everything that was found out: whoever read it can name it.
    pub fn digest(&self) -> Digest {
        let mut text = format!("{}\n{}\n", self.deployment, self.application);
        for point in self.from.iter().chain([&self.to]) {
            text.extend([point.version.as_str(), "\n", point.commit.as_str(), "\n"]);
        }
        for side in [&self.added, &self.removed] {
            text.extend([side.count.to_string(), "\n".to_owned()]);
            for it in &side.newest {
                let line = format!(
                    "{}\0{}\0{}\0{}\0{}\n",
                    it.commit, it.committed_at_us, it.author_name, it.author_email, it.subject
                );
                text.extend([line]);
            }
        }
        Digest::of(text.as_bytes())
    }
}

/// Why nobody can say what a deployment changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// The deployment.
    pub deployment: Uuid,
    /// The application.
    pub application: String,
    /// A stable code.
    pub code: String,
    /// What is missing, and what would help next time.
    pub why: String,
}

/// What is asked of a changelog.
#[derive(Debug, Clone)]
pub enum Command {
    /// Keep what was found out.
    Record(Content),
    /// Keep why nothing was.
    GiveUp(Unavailable),
}

/// What happens to a changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was found out.
    Generated(Content),
    /// It cannot be.
    Unavailable(Unavailable),
}

/// What is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing yet.
    #[default]
    Pending,
    /// What changes.
    Generated(Content),
    /// Why nobody can say.
    Unavailable(Unavailable),
}

impl State {
    /// The word in answers.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Generated(_) => "GENERATED",
            Self::Unavailable(_) => "UNAVAILABLE",
        }
    }
}

/// Nothing is ever refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {}

/// Decides changelogs.
#[derive(Debug)]
pub struct Changelogs;

impl Decider for Changelogs {
    const KIND: &'static str = "changelog";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Rejection> {
        Ok(match (state, command) {
            (State::Pending, Command::Record(content)) => vec![Event::Generated(content.clone())],
            (State::Pending, Command::GiveUp(why)) => vec![Event::Unavailable(why.clone())],
            (State::Generated(_) | State::Unavailable(_), _) => vec![],
        })
    }

    fn evolve(_: State, event: &Event) -> State {
        match event {
            Event::Generated(content) => State::Generated(content.clone()),
            Event::Unavailable(why) => State::Unavailable(why.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decider::given;

    fn content(subject: &str) -> Content {
        let commit = Oid::parse(&"a".repeat(40)).unwrap();
        Content {
            deployment: Uuid::from_u128(1),
            application: "api".into(),
            from: None,
            to: Point {
                version: "v1".into(),
                commit: commit.clone(),
            },
            added: Side {
                count: 1,
                newest: vec![Change {
                    commit,
                    subject: subject.into(),
                    author_name: "Wilma".into(),
                    author_email: "wilma@example.com".into(),
                    committed_at_us: 5,
                }],
            },
            removed: Side::default(),
        }
    }

    #[test]
    fn what_was_found_out_stays() {
        let first = content("one");
        let why = Unavailable {
            deployment: Uuid::from_u128(1),
            application: "api".into(),
            code: "no-source".into(),
            why: "nobody said".into(),
        };
        given::<Changelogs>([])
            .then(
                &Command::Record(first.clone()),
                &[Event::Generated(first.clone())],
            )
            .then(&Command::Record(content("two")), &[])
            .then(&Command::GiveUp(why.clone()), &[]);
        given::<Changelogs>([])
            .then(&Command::GiveUp(why.clone()), &[Event::Unavailable(why)])
            .then(&Command::Record(first), &[]);
    }

    #[test]
    fn the_digest_is_of_everything_that_was_read() {
        let mut all = vec![content("one"), content("two")];
        let mut more = content("one");
        more.removed.count = 1;
        all.push(more);
        let mut from = content("one");
        from.from = Some(from.to.clone());
        all.push(from);
        let digests: std::collections::BTreeSet<_> = all.iter().map(Content::digest).collect();
        assert_eq!(digests.len(), all.len());
        assert_eq!(content("one").digest(), content("one").digest());
    }
}
