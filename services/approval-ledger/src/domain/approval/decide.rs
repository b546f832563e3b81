//! What follows when a command meets an approval.

use super::round::about;
use super::{About, Event, Person, Rejection, Round, Standing, Subject, Vote, Who, Word};

/// A new plan opens a new round. A rejection is not forgotten because the plan changed: whoever
/// rejected has to be convinced by the new one.
pub(super) fn open(last: Option<&Round>, subject: &Subject) -> Vec<Event> {
    let Some(last) = last else {
        return vec![opened(1, subject)];
    };
    if last.subject.revision >= subject.revision {
        return vec![];
    }
    let mut events = Vec::new();
    if !matches!(last.standing, Standing::Stale { .. }) {
        events.push(Event::Stale {
            about: last.about(),
            reason: "another plan took its place".to_owned(),
        });
    }
    let round = last.number + 1;
    events.push(opened(round, subject));
    if let Standing::Rejected { vote, spoke_for } = &last.standing {
        events.push(Event::Rejected {
            about: about(round, subject),
            by: vote.by.clone(),
            comment: vote.comment.clone(),
            spoke_for: spoke_for.clone(),
            carried_from: Some(last.number),
        });
    }
    events
}

fn opened(round: u32, subject: &Subject) -> Event {
    Event::Opened {
        round,
        subject: subject.clone(),
    }
}

pub(super) fn close(
    last: Option<&Round>,
    revision: u32,
    reason: &str,
    is_over: bool,
) -> Vec<Event> {
    let closable =
        |it: &&Round| it.subject.revision == revision && it.standing.is_closable(is_over);
    let round = last.filter(closable);
    round
        .map(|it| Event::Stale {
            about: it.about(),
            reason: reason.to_owned(),
        })
        .into_iter()
        .collect()
}

/// The round that is asked about, and those for whom the caller speaks in it.
fn asked<'a>(last: Option<&'a Round>, word: &Word) -> Result<(&'a Round, Vec<Who>), Rejection> {
    let round = last.ok_or(Rejection::NobodyIsAsked)?;
    let person = &word.caller.person;
    if word.caller.is_service {
        return Err(Rejection::IsService(person.name.clone()));
    }
    if let Standing::Stale { reason } = &round.standing {
        return Err(Rejection::IsStale {
            round: round.number,
            reason: reason.clone(),
        });
    }
    let plan = round.subject.plan.as_str();
    let is_seen = plan.starts_with(&word.plan) || round.subject.plan.hex().starts_with(&word.plan);
    if !is_seen {
        return Err(Rejection::OtherPlan {
            asked: plan.to_owned(),
            seen: word.plan.clone(),
        });
    }
    let policy = &round.subject.policy;
    let spoken_for = policy.spoken_for(person);
    if spoken_for.is_empty() {
        return Err(Rejection::NotAsked {
            name: person.name.clone(),
            policy: policy.to_string(),
        });
    }
    Ok((round, spoken_for))
}

pub(super) fn approve(last: Option<&Round>, word: &Word) -> Result<Vec<Event>, Rejection> {
    if let Some(round) = last
        && !word.caller.is_service
        && round.subject.requested_by == word.caller.person.name
    {
        return Err(Rejection::AskedForIt(word.caller.person.name.clone()));
    }
    let (round, _) = asked(last, word)?;
    let by = &word.caller.person;
    match &round.standing {
        Standing::Open if round.yes.iter().any(|it| it.by.is(by)) => Ok(vec![]),
        Standing::Open => Ok(yes(round.about(), &round.subject, &round.yes, word)),
        Standing::Reached if round.yes.iter().any(|it| it.by.is(by)) => Ok(vec![]),
        Standing::Reached | Standing::Stale { .. } => Err(Rejection::IsApproved(round.number)),
        Standing::Rejected { vote, spoke_for } => {
            if !may_reopen(by, vote, spoke_for) {
                let spoke_for: Vec<_> = spoke_for.iter().map(ToString::to_string).collect();
                return Err(Rejection::OthersRejected {
                    by: vote.by.name.clone(),
                    spoke_for: spoke_for.join(", "),
                });
            }
            let next = round.number + 1;
            let mut events = vec![opened(next, &round.subject)];
            let about = about(next, &round.subject);
            events.append(&mut yes(about, &round.subject, &[], word));
            Ok(events)
        }
    }
}

/// Whoever rejected may take it back, and so may anybody of a group that they spoke for.
fn may_reopen(by: &Person, vote: &Vote, spoke_for: &[Who]) -> bool {
    vote.by.is(by) || spoke_for.iter().any(|it| it.covers(by))
}

/// A yes, and the quorum when it makes one.
fn yes(about: About, subject: &Subject, before: &[Vote], word: &Word) -> Vec<Event> {
    let by = &word.caller.person;
    let persons: Vec<Person> = before
        .iter()
        .map(|it| it.by.clone())
        .chain([by.clone()])
        .collect();
    let mut events = vec![Event::Approved {
        about: about.clone(),
        by: by.clone(),
        comment: word.comment.clone(),
    }];
    if subject.policy.is_satisfied(&persons) {
        events.push(Event::Reached {
            about,
            approvers: persons.into_iter().map(|it| it.name).collect(),
        });
    }
    events
}

pub(super) fn reject(last: Option<&Round>, word: &Word) -> Result<Vec<Event>, Rejection> {
    let (round, spoke_for) = asked(last, word)?;
    let by = &word.caller.person;
    match &round.standing {
        Standing::Open => Ok(vec![Event::Rejected {
            about: round.about(),
            by: by.clone(),
            comment: word.comment.clone(),
            spoke_for,
            carried_from: None,
        }]),
        Standing::Rejected { vote, .. } if vote.by.is(by) => Ok(vec![]),
        Standing::Rejected { .. } => Err(Rejection::IsRejected(round.number)),
        Standing::Reached | Standing::Stale { .. } => Err(Rejection::IsApproved(round.number)),
    }
}
