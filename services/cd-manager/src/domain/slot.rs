//! A slot: one application in one environment. Decides whose turn it is, which candidate takes
//! the place of which, and what a rollback or a hand-written version means for the next ones.

use decider::Decider;
use ids::{Digest, Oid, Uuid, Version};

use super::hold::{Hold, Holds};
use super::order::{Key, Rule, Verdict};

/// A deployment that wants the slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The deployment.
    pub deployment: Uuid,
    /// What it would bring.
    pub version: Version,
    /// The image.
    pub digest: Digest,
    /// The source commit.
    pub commit: Option<Oid>,
    /// CI's run number.
    pub ci_run: Option<u64>,
    /// Log position of the build's report.
    pub reported_at: u64,
}

impl Candidate {
    /// What orders it among others.
    pub fn key(&self) -> Key {
        Key {
            deployment: self.deployment,
            ci_run: self.ci_run,
            reported_at: self.reported_at,
        }
    }
}

/// A version that reached success here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// What was deployed.
    pub candidate: Candidate,
    /// The commit that wrote it.
    pub manifest_commit: String,
}

/// A version that a person wrote into git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The text found where the version stands.
    pub version: String,
    /// The commit that wrote it.
    pub commit: Oid,
    /// Its author.
    pub author_name: String,
    /// Its author's address.
    pub author_email: String,
    /// The deployment opened for it; `None` when nobody reported that version, or nobody
    /// approved it.
    pub deployment: Option<Uuid>,
    /// The environment asks for approval, and nobody was asked.
    pub unapproved: bool,
}

/// How a promotion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The environment runs it.
    Succeeded,
    /// It does not; what ran before still does.
    Failed,
    /// It was given up before anything was committed.
    Withdrawn,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 3] = [Self::Succeeded, Self::Failed, Self::Withdrawn];

    /// The word in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// Which slot.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The environment's name.
    pub environment: String,
    /// The application's name.
    pub application: String,
}

/// What is asked of a slot.
#[derive(Debug, Clone)]
pub enum Command {
    /// A candidate wants the slot when its turn comes.
    Offer {
        /// Which slot, for the first event.
        place: Place,
        /// Who.
        candidate: Candidate,
        /// The newest candidate it was compared with, and the result.
        compared: Option<(Uuid, Verdict)>,
    },
    /// A person's decision goes first and through holds; later builds wait for a release.
    Force {
        /// Which slot.
        place: Place,
        /// What to bring.
        candidate: Candidate,
        /// Placed with it.
        hold: Hold,
        /// The commit that asked for it, when it was found in git.
        edit: Option<Edit>,
    },
    /// A person wrote a version that nobody reported, or nobody approved.
    SeeUnknownVersion {
        /// Which slot.
        place: Place,
        /// What was found.
        edit: Edit,
        /// Placed with it.
        hold: Hold,
    },
    /// The candidate takes the slot.
    Start {
        /// Who.
        deployment: Uuid,
        /// Now, in microseconds UTC, for holds that run out.
        now_us: i64,
        /// A hold of a scope above, if one is in force.
        held_above: Option<String>,
    },
    /// The promotion ended.
    Finish {
        /// Who.
        deployment: Uuid,
        /// How.
        outcome: Outcome,
        /// The commit that wrote the version; empty when none did.
        manifest_commit: String,
    },
    /// Stop automatic promotion here.
    PlaceHold(Hold),
    /// Let it go on.
    ReleaseHold {
        /// The hold.
        id: Uuid,
        /// Why.
        reason: String,
    },
}

/// What happens to a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A candidate may have the slot when its turn comes.
    Accepted {
        /// Which slot.
        place: Place,
        /// Who.
        candidate: Candidate,
        /// What decided that it is newer, and than which.
        because: Option<(Rule, Uuid)>,
        /// It goes first and through holds.
        forced: bool,
    },
    /// A candidate lost its place to a newer one.
    Superseded {
        /// Who.
        deployment: Uuid,
        /// By whom.
        by: Uuid,
        /// What decided.
        rule: Rule,
    },
    /// A candidate has the slot.
    Started {
        /// Who.
        deployment: Uuid,
    },
    /// The slot is free again.
    Finished {
        /// Who had it.
        deployment: Uuid,
        /// How it ended.
        outcome: Outcome,
        /// The commit that wrote the version.
        manifest_commit: String,
    },
    /// A person wrote a version into git.
    Edited {
        /// Which slot.
        place: Place,
        /// What was found.
        edit: Edit,
    },
    /// A hold was placed.
    Held(Hold),
    /// A hold was released.
    Released {
        /// The hold.
        id: Uuid,
        /// Why.
        reason: String,
    },
}

/// What is known of a slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Which slot; empty before its first event.
    pub place: Place,
    /// The newest candidate that was accepted, whatever became of it.
    pub newest: Option<Candidate>,
    /// Whose turn comes next.
    pub waiting: Option<Candidate>,
    /// A person's decision that goes before `waiting`.
    pub forced: Option<Candidate>,
    /// Who has the slot.
    pub in_flight: Option<Candidate>,
    /// What runs.
    pub current: Option<Placed>,
    /// What reached success before, oldest first, without repeats in a row, at most 50.
    pub history: Vec<Placed>,
    /// The version that the manifest holds, as far as the log knows.
    pub written: Option<String>,
    /// A hand-written version that nobody reported or approved, as long as it stands.
    pub unknown: Option<Edit>,
    /// The last hand-written version of any kind.
    pub last_edit: Option<Edit>,
    /// Holds of this slot alone.
    pub holds: Holds,
}

/// How many earlier successes a slot remembers for rollbacks by version.
const HISTORY: usize = 50;

impl State {
    /// Whether this deployment has the slot.
    pub fn has(&self, deployment: Uuid) -> bool {
        self.in_flight
            .as_ref()
            .is_some_and(|it| it.deployment == deployment)
    }

    /// Whether this deployment waits here, has the slot, or is what runs.
    pub fn holds_place(&self, deployment: Uuid) -> bool {
        let is = |it: &Option<Candidate>| it.as_ref().is_some_and(|it| it.deployment == deployment);
        is(&self.waiting)
            || is(&self.forced)
            || is(&self.in_flight)
            || self
                .current
                .as_ref()
                .is_some_and(|it| it.candidate.deployment == deployment)
    }

    /// Whose turn it is once the slot is free and nothing holds it.
    pub fn next(&self) -> Option<&Candidate> {
        self.forced.as_ref().or(self.waiting.as_ref())
    }

    /// Where a rollback goes when nobody says where: back to what runs when the manifest holds
    /// something else (a version that failed), otherwise to what ran before what runs first ran.
    /// Rolling back twice therefore goes two versions back, and never forward.
    pub fn rollback_default(&self) -> Option<&Placed> {
        let current = self.current.as_ref()?;
        let version = &current.candidate.version;
        if self.written.as_deref() != Some(version.as_str()) {
            return Some(current);
        }
        let first = self
            .history
            .iter()
            .position(|it| &it.candidate.version == version)?;
        self.history[..first].last()
    }

    /// The last success of a version here.
    pub fn success_of(&self, version: &str) -> Option<&Placed> {
        self.history
            .iter()
            .rev()
            .find(|it| it.candidate.version.as_str() == version)
    }
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The comparison is out of date; compare again.
    #[error("a newer candidate came while this one was compared")]
    NewestChanged,
    /// Somebody else has the slot, or goes first.
    #[error("deployment {0} has the slot")]
    Busy(Uuid),
    /// Something holds the slot.
    #[error("held: {0}")]
    Held(String),
    /// The deployment does not wait here.
    #[error("deployment {0} is not waiting for this slot")]
    NotWaiting(Uuid),
    /// The hold is not there, or was released before.
    #[error("hold {0} is not in force here")]
    NoSuchHold(Uuid),
}

/// Decides slots.
#[derive(Debug)]
pub struct Slot;

impl Decider for Slot {
    const KIND: &'static str = "slot";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Offer {
                place,
                candidate,
                compared,
            } => offer(state, place, candidate, *compared),
            Command::Force {
                place,
                candidate,
                hold,
                edit,
            } => force(state, place, candidate, hold, edit.as_ref()),
            Command::SeeUnknownVersion { edit, .. } if state.last_edit.as_ref() == Some(edit) => {
                Ok(vec![])
            }
            Command::SeeUnknownVersion { place, edit, hold } => Ok(vec![
                Event::Edited {
                    place: place.clone(),
                    edit: edit.clone(),
                },
                Event::Held(hold.clone()),
            ]),
            Command::Start {
                deployment,
                now_us,
                held_above,
            } => start(state, *deployment, *now_us, held_above.as_deref()),
            Command::Finish {
                deployment,
                outcome,
                manifest_commit,
            } => Ok(finish(state, *deployment, *outcome, manifest_commit)),
            Command::PlaceHold(hold) if state.holds.find(hold.id).is_some() => Ok(vec![]),
            Command::PlaceHold(hold) => Ok(vec![Event::Held(hold.clone())]),
            Command::ReleaseHold { id, reason } => match state.holds.find(*id) {
                Some(_) => Ok(vec![Event::Released {
                    id: *id,
                    reason: reason.clone(),
                }]),
                None => Err(Rejection::NoSuchHold(*id)),
            },
        }
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::Accepted {
                place,
                candidate,
                forced,
                ..
            } => {
                state.place = place.clone();
                if *forced {
                    state.forced = Some(candidate.clone());
                } else {
                    state.newest = Some(candidate.clone());
                    state.waiting = Some(candidate.clone());
                }
            }
            Event::Superseded { deployment, .. } => {
                state.waiting = state.waiting.filter(|it| it.deployment != *deployment);
            }
            Event::Started { deployment } => {
                let taken = |it: &Candidate| it.deployment == *deployment;
                state.in_flight = match state.forced.take_if(|it| taken(it)) {
                    Some(forced) => Some(forced),
                    None => state.waiting.take_if(|it| taken(it)),
                };
            }
            Event::Finished {
                deployment,
                outcome,
                manifest_commit,
            } => {
                evolve_finished(&mut state, *deployment, *outcome, manifest_commit);
            }
            Event::Edited { place, edit } => {
                state.place = place.clone();
                state.written = Some(edit.version.clone());
                state.unknown = edit.deployment.is_none().then(|| edit.clone());
                state.last_edit = Some(edit.clone());
            }
            Event::Held(hold) => state.holds.place(hold.clone()),
            Event::Released { id, .. } => state.holds.release(*id),
        }
        state
    }
}

fn offer(
    state: &State,
    place: &Place,
    candidate: &Candidate,
    compared: Option<(Uuid, Verdict)>,
) -> Result<Vec<Event>, Rejection> {
    if state.holds_place(candidate.deployment) {
        return Ok(vec![]);
    }
    let accepted = |because| Event::Accepted {
        place: place.clone(),
        candidate: candidate.clone(),
        because,
        forced: false,
    };
    match (&state.newest, compared) {
        (None, _) => Ok(vec![accepted(None)]),
        // It failed or was refused, and is tried again; nothing newer came meanwhile.
        (Some(newest), _) if newest.deployment == candidate.deployment => Ok(vec![accepted(None)]),
        (Some(newest), Some((with, verdict))) if newest.deployment == with => {
            if !verdict.is_newer {
                let by = newest.deployment;
                return Ok(vec![Event::Superseded {
                    deployment: candidate.deployment,
                    by,
                    rule: verdict.rule,
                }]);
            }
            let mut events = vec![accepted(Some((verdict.rule, with)))];
            if let Some(waiting) = &state.waiting {
                let by = candidate.deployment;
                events.push(Event::Superseded {
                    deployment: waiting.deployment,
                    by,
                    rule: verdict.rule,
                });
                // Whoever waits now is the candidate: superseding must come before accepting.
                events.rotate_right(1);
            }
            Ok(events)
        }
        (Some(_), _) => Err(Rejection::NewestChanged),
    }
}

fn force(
    state: &State,
    place: &Place,
    candidate: &Candidate,
    hold: &Hold,
    edit: Option<&Edit>,
) -> Result<Vec<Event>, Rejection> {
    if state.holds_place(candidate.deployment) {
        return Ok(vec![]);
    }
    if let Some(forced) = &state.forced {
        return Err(Rejection::Busy(forced.deployment));
    }
    let mut events = Vec::new();
    if let Some(edit) = edit {
        events.push(Event::Edited {
            place: place.clone(),
            edit: edit.clone(),
        });
    }
    events.push(Event::Accepted {
        place: place.clone(),
        candidate: candidate.clone(),
        because: None,
        forced: true,
    });
    // A person's newest decision stands for those before it: one release is enough.
    let replaced = state.holds.automatic().map(|id| Event::Released {
        id,
        reason: format!("replaced by hold {}", hold.id),
    });
    events.extend(replaced);
    events.push(Event::Held(hold.clone()));
    Ok(events)
}

fn start(
    state: &State,
    deployment: Uuid,
    now_us: i64,
    held_above: Option<&str>,
) -> Result<Vec<Event>, Rejection> {
    if let Some(in_flight) = &state.in_flight {
        return if in_flight.deployment == deployment {
            Ok(vec![])
        } else {
            Err(Rejection::Busy(in_flight.deployment))
        };
    }
    let started = Ok(vec![Event::Started { deployment }]);
    match (&state.forced, &state.waiting) {
        (Some(forced), _) if forced.deployment == deployment => started,
        (Some(forced), Some(_)) => Err(Rejection::Busy(forced.deployment)),
        (None, Some(waiting)) if waiting.deployment == deployment => {
            match state
                .holds
                .active(now_us)
                .next()
                .map(|hold| hold.reason.as_str())
                .or(held_above)
            {
                Some(reason) => Err(Rejection::Held(reason.to_owned())),
                None => started,
            }
        }
        _ => Err(Rejection::NotWaiting(deployment)),
    }
}

fn finish(state: &State, deployment: Uuid, outcome: Outcome, manifest_commit: &str) -> Vec<Event> {
    let is = |it: &Option<Candidate>| it.as_ref().is_some_and(|it| it.deployment == deployment);
    let queued = is(&state.waiting) || is(&state.forced);
    if is(&state.in_flight) || (queued && outcome == Outcome::Withdrawn) {
        vec![Event::Finished {
            deployment,
            outcome,
            manifest_commit: manifest_commit.to_owned(),
        }]
    } else {
        vec![]
    }
}

fn evolve_finished(state: &mut State, deployment: Uuid, outcome: Outcome, manifest_commit: &str) {
    let is = |it: &Candidate| it.deployment == deployment;
    let candidate = state
        .in_flight
        .take_if(|it| is(it))
        .or_else(|| state.forced.take_if(|it| is(it)))
        .or_else(|| state.waiting.take_if(|it| is(it)));
    let Some(candidate) = candidate else { return };
    if !manifest_commit.is_empty() {
        state.written = Some(candidate.version.as_str().to_owned());
        state.unknown = None;
    }
    match outcome {
        Outcome::Succeeded => {
            let placed = Placed {
                candidate,
                manifest_commit: manifest_commit.to_owned(),
            };
            state.history.push(placed.clone());
            if state.history.len() > HISTORY {
                state.history.remove(0);
            }
            state.current = Some(placed);
        }
        Outcome::Failed => {}
        // What was given up blocks nobody: the newest is again what runs.
        Outcome::Withdrawn => {
            if state.newest.as_ref().is_some_and(is) {
                state.newest = state.current.as_ref().map(|it| it.candidate.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
