//! A list that may not become longer than so much: what breaks something comes first, and what is
//! cut off is counted.

use std::cmp::Reverse;

use super::{Entry, LeftOut, Person, Section, Side};

/// What a commit costs beside its texts.
const OVERHEAD: usize = 128;

/// Leaves so many commits told on one side, and no more than fit into so many bytes. What breaks
/// something is told whatever its number.
pub(super) fn side(side: &mut Side, commits: usize, bytes: usize) {
    let (mut room, mut left) = (bytes, commits);
    let mut fits = |cost: usize, always: bool| {
        let does = (always || left > 0) && cost <= room;
        if does {
            (room, left) = (room - cost, left.saturating_sub(1));
        }
        does
    };
    let mut shown = std::mem::take(&mut side.shown);
    let breaks = |it: &Entry| it.section == Section::Breaking;
    // Stable: those of one second stay as they were.
    shown.sort_by_key(|it| (!breaks(it), Reverse(it.committed_at)));
    for it in shown {
        if fits(cost(&it), breaks(&it)) {
            side.shown.push(it);
        } else {
            *side.untold.shown.entry(it.section).or_default() += 1;
        }
    }
    side.shown.sort_by_key(|it| it.section);
    for it in std::mem::take(&mut side.left_out) {
        if fits(cost_left_out(&it), false) {
            side.left_out.push(it);
        } else {
            side.untold.left_out += 1;
        }
    }
}

fn cost(it: &Entry) -> usize {
    let person = |it: &Person| it.name.len() + it.email.len() + 8;
    let texts = |all: &[String]| all.iter().map(|it| it.len() + 4).sum::<usize>();
    let optional = |it: &Option<String>| it.as_ref().map_or(0, String::len);
    OVERHEAD
        + it.subject.len()
        + it.description.len()
        + optional(&it.kind)
        + optional(&it.scope)
        + person(&it.author)
        + it.co_authors.iter().map(person).sum::<usize>()
        + texts(&it.notes)
        + texts(&it.issues)
        + texts(&it.reverts)
}

fn cost_left_out(it: &LeftOut) -> usize {
    OVERHEAD + it.subject.len() + 48 * it.reason.others().len()
}
