//! What follows from a look: first whose labels are on it, then which one should be.

use std::collections::BTreeSet;

use super::super::label::Label;
use super::decide::happen;
use super::{Event, Merge, Observed, State, Status};

/// The conclusions from a look, in the order in which they were drawn.
pub(super) fn observe(
    before: &State,
    observed: &Observed,
    derived: Option<Label>,
    merge: Option<&Merge>,
) -> Vec<Event> {
    if before.merged.is_some() {
        return vec![];
    }
    let mut events = Vec::new();
    let seen = Event::Observed(observed.clone());
    let mut state = happen(before.clone(), &mut events, seen);
    state = settle(state, &mut events, &observed.present());
    if let (Some(key), Some(merge)) = (&before.key, merge) {
        let (key, merge) = (key.clone(), merge.clone());
        happen(state, &mut events, Event::Merged { key, merge });
        return events;
    }
    if observed.status != Status::Open {
        return events;
    }
    if !state.is_read || state.derived != derived {
        let title = observed.title.clone();
        let event = Event::Derived {
            title,
            label: derived,
        };
        state = happen(state, &mut events, event);
    }
    if !state.theirs.is_empty() && state.theirs != before.theirs {
        let labels = state.theirs.clone();
        let by = String::new();
        state = happen(state, &mut events, Event::Overridden { labels, by });
    }
    change(state, &mut events, &observed.present());
    events
}

/// What became of Towpath's own labels since they were asked for.
fn settle(mut state: State, events: &mut Vec<Event>, present: &BTreeSet<Label>) -> State {
    if let Some(label) = state.adding.filter(|it| present.contains(it)) {
        state = happen(state, events, Event::Applied(label));
    }
    for label in &state.removing.clone() - present {
        state = happen(state, events, Event::Removed(label));
    }
    for label in &state.ours.clone() - present {
        let by = String::new();
        state = happen(state, events, Event::TakenOff { label, by });
    }
    state
}

/// Asks for the label that should be there. Nothing but Towpath's own is ever taken off.
fn change(state: State, events: &mut Vec<Event>, present: &BTreeSet<Label>) {
    let is_free = |it: &Label| state.theirs.is_empty() && state.declined != Some(*it);
    let wanted = state.derived.filter(is_free);
    let add = wanted.filter(|it| !present.contains(it));
    let mut remove = &state.ours & present;
    if let Some(wanted) = wanted {
        remove.remove(&wanted);
    }
    if (add, &remove) != (state.adding, &state.removing) {
        happen(state, events, Event::ChangeRequested { add, remove });
    }
}
