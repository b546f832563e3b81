//! A changelog: what one deployment changes, or what lies between two commits that a release takes
//! an environment between; found out once and never changed.

mod digest;

use decider::Decider;
use ids::{Digest, Oid, Uuid};
use versioning::changelog::Changelog;

/// What a changelog is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// What a deployment changes in its first environment.
    Deployment(Uuid),
    /// What lies between two commits, of whatever deployment.
    Range {
        /// The build definition that both are of.
        definition: String,
    },
}

/// What was found out. Both ends are called by their versions, or by nothing where only commits
/// count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// What it is about.
    pub subject: Subject,
    /// The application.
    pub application: String,
    /// What lies between.
    pub changelog: Changelog,
    /// SHA-256 over everything that was found out: whoever read it can name it.
    pub digest: Digest,
    /// Whole messages were read. Before form 2 of the event only subjects were kept.
    pub is_whole: bool,
}

impl Content {
    /// What was found out now.
    pub fn found(subject: Subject, application: String, changelog: Changelog) -> Self {
        let digest = digest::of(&subject, &application, &changelog);
        Self {
            subject,
            application,
            changelog,
            digest,
            is_whole: true,
        }
    }
}

/// Why nobody can say what changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// What it is about.
    pub subject: Subject,
    /// The application.
    pub application: String,
    /// Of a range: where it begins, unless nothing ran before, and where it ends.
    pub range: Option<(Option<Oid>, Oid)>,
    /// A stable code.
    pub code: String,
    /// What is missing, and what would help next time.
    pub why: String,
}

/// What is asked of a changelog.
#[derive(Debug, Clone)]
pub enum Command {
    /// Keep what was found out.
    Record(Box<Content>),
    /// Keep why nothing was.
    GiveUp(Unavailable),
}

/// What happens to a changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was found out.
    Generated(Box<Content>),
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
    Generated(Box<Content>),
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
mod tests;
