//! A release: one bundle of an application set. Goes through the release stages in passes; each
//! pass is about fixed bytes under one tag, and a failed one is followed by another.

mod decide;
mod state;

use decider::Decider;
use ids::Version;

pub use self::state::{Item, Outcome, Pass, Release, Step, Tagged, tag_base};

/// A release, or nothing yet.
pub type State = Option<Release>;

/// What is asked of a release.
#[derive(Debug, Clone)]
pub enum Command {
    /// Begin it, or begin another pass.
    Create {
        /// Whose bundle.
        application_set: String,
        /// Such as `2026.11`.
        bundle: String,
        /// The release track.
        track: String,
        /// What it is made of.
        items: Vec<Item>,
    },
    /// A number is reserved for a pass.
    Number {
        /// Which pass.
        ordinal: u32,
        /// The number.
        number: u32,
    },
    /// A registry holds a tag.
    RecordTag {
        /// Which pass.
        ordinal: u32,
        /// What and where.
        tagged: Tagged,
    },
    /// A registry cannot hold a tag.
    Refuse {
        /// Which pass.
        ordinal: u32,
        /// The application.
        application: String,
        /// The registry.
        registry: String,
        /// A stable code.
        code: String,
        /// What, where, why.
        message: String,
    },
    /// The deployment of a pass ended.
    RecordEnd {
        /// Which pass.
        ordinal: u32,
        /// How, and in which words when not well.
        ended: Result<(), (Outcome, String)>,
    },
    /// The deployment of a pass goes on.
    Resume {
        /// Which pass.
        ordinal: u32,
    },
}

/// What happens to a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was asked for.
    Created {
        /// Whose bundle.
        application_set: String,
        /// Such as `2026.11`.
        bundle: String,
        /// The release track.
        track: String,
    },
    /// A pass began.
    PassBegun {
        /// Which.
        ordinal: u32,
        /// What it is about.
        items: Vec<Item>,
    },
    /// Its number is settled.
    Numbered {
        /// Which pass.
        ordinal: u32,
        /// The number.
        number: u32,
        /// The tag.
        tag: Version,
    },
    /// A registry holds a tag.
    Tagged {
        /// Which pass.
        ordinal: u32,
        /// What and where.
        tagged: Tagged,
    },
    /// A registry cannot hold a tag; the pass is over.
    Refused {
        /// Which pass.
        ordinal: u32,
        /// The application.
        application: String,
        /// The registry.
        registry: String,
        /// A stable code.
        code: String,
        /// What, where, why.
        message: String,
    },
    /// Every registry holds every tag.
    Ready {
        /// Which pass.
        ordinal: u32,
        /// Whose bundle.
        application_set: String,
        /// Such as `2026.11`.
        bundle: String,
        /// The tag.
        tag: Version,
        /// What it is about.
        items: Vec<Item>,
    },
    /// Every environment runs it.
    Succeeded {
        /// Which pass.
        ordinal: u32,
    },
    /// Its deployment ended otherwise.
    Failed {
        /// Which pass.
        ordinal: u32,
        /// How.
        outcome: Outcome,
        /// In which words.
        message: String,
    },
    /// Its deployment goes on.
    Resumed {
        /// Which pass.
        ordinal: u32,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such release.
    #[error("there is no such release")]
    Unknown,
    /// Nothing would be in it.
    #[error("it holds no application")]
    Empty,
    /// Nobody knows where its image is.
    #[error("the build of `{0}` names no registry that holds its image")]
    NoRegistry(String),
    /// A pass is under way.
    #[error("pass {0} of it is under way")]
    Underway(String),
    /// It reached every environment.
    #[error("it was released as {0}")]
    Released(String),
    /// Its tags would be no tags.
    #[error("its tag cannot be one: {0}")]
    NoTag(String),
}

/// Decides releases.
#[derive(Debug)]
pub struct Releases;

impl Decider for Releases {
    const KIND: &'static str = "release";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Rejection> {
        decide::decide(state.as_ref(), command)
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (
                None,
                Event::Created {
                    application_set,
                    bundle,
                    track,
                },
            ) => Some(Release {
                application_set: application_set.clone(),
                bundle: bundle.clone(),
                track: track.clone(),
                passes: Vec::new(),
            }),
            (None, _) => None,
            (Some(mut release), event) => {
                evolve(&mut release, event);
                Some(release)
            }
        }
    }
}

fn evolve(release: &mut Release, event: &Event) {
    let ordinal = match event {
        Event::Created { .. } => return,
        Event::PassBegun { ordinal, items } => {
            release.passes.push(Pass {
                ordinal: *ordinal,
                items: items.clone(),
                number: None,
                tag: None,
                tagged: Vec::new(),
                step: Step::Tagging,
            });
            return;
        }
        Event::Numbered { ordinal, .. }
        | Event::Tagged { ordinal, .. }
        | Event::Refused { ordinal, .. }
        | Event::Ready { ordinal, .. }
        | Event::Succeeded { ordinal }
        | Event::Failed { ordinal, .. }
        | Event::Resumed { ordinal } => *ordinal,
    };
    let Some(pass) = release.passes.iter_mut().find(|it| it.ordinal == ordinal) else {
        return;
    };
    match event {
        Event::Created { .. } | Event::PassBegun { .. } => {}
        Event::Numbered { number, tag, .. } => {
            (pass.number, pass.tag) = (Some(*number), Some(tag.clone()));
        }
        Event::Tagged { tagged, .. } => pass.tagged.push(tagged.clone()),
        Event::Refused { message, .. } => {
            pass.step = Step::Refused {
                message: message.clone(),
            };
        }
        Event::Ready { .. } | Event::Resumed { .. } => pass.step = Step::Promoting,
        Event::Succeeded { .. } => pass.step = Step::Succeeded,
        Event::Failed {
            outcome, message, ..
        } => {
            pass.step = Step::Failed {
                outcome: *outcome,
                message: message.clone(),
            };
        }
    }
}

#[cfg(test)]
mod tests;
