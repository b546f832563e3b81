//! What follows from a command.

use decider::Decider as _;

use super::super::label::Label;
use super::observe::observe;
use super::{Command, Delivery, Event, Key, PullRequests, State};

/// What happens when a command meets what is known.
pub(super) fn decide(state: &State, command: &Command) -> Vec<Event> {
    match command {
        Command::Hear(key, delivery) => hear(state, key, delivery),
        Command::Observe {
            observed,
            derived,
            merge,
        } => observe(state, observed, *derived, merge.as_ref()),
        Command::Applied(label) if state.adding == Some(*label) => vec![Event::Applied(*label)],
        Command::Removed(label) if state.removing.contains(label) => vec![Event::Removed(*label)],
        Command::Applied(_) | Command::Removed(_) => vec![],
    }
}

fn hear(state: &State, key: &Key, delivery: &Delivery) -> Vec<Event> {
    let mut events = vec![Event::Heard {
        key: key.clone(),
        delivery: delivery.id.clone(),
        action: delivery.action.clone(),
        sender: delivery.sender.clone(),
    }];
    if let Some(merge) = &delivery.merge {
        // What was found by looking gives way to what was told of the moment itself.
        return match &state.merged {
            Some(known) if known.as_told => vec![],
            Some(_) | None => {
                let (key, merge) = (key.clone(), merge.clone());
                events.push(Event::Merged { key, merge });
                events
            }
        };
    }
    if state.merged.is_some() {
        return vec![];
    }
    events.extend(touched(state, delivery));
    events
}

/// A person put on a label, whosever it was taken for, or took off Towpath's.
fn touched(state: &State, delivery: &Delivery) -> Option<Event> {
    let by = delivery.sender.clone();
    match delivery.touched? {
        (label, true) if !state.theirs.contains(&label) => {
            let mut labels = state.theirs.clone();
            labels.insert(label);
            Some(Event::Overridden { labels, by })
        }
        (label, false) if state.ours.contains(&label) => Some(Event::TakenOff { label, by }),
        (Label::Patch | Label::Minor | Label::Major, _) => None,
    }
}

/// Appends an event and what it makes of the state.
pub(super) fn happen(state: State, events: &mut Vec<Event>, event: Event) -> State {
    let state = PullRequests::evolve(state, &event);
    events.push(event);
    state
}
