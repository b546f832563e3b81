//! What somebody else wrote, no longer than is kept for ever.

use versioning::changelog::{Changelog, Entry, LeftOut, Person, Reason, Side};

/// Characters of a subject and of a description.
const SUBJECT: usize = 200;
/// Characters of a name, an address, a type, a scope or a reference.
const NAME: usize = 100;
/// Characters of what a footer says about what breaks.
const NOTE: usize = 1_000;
/// Footers that say what breaks.
const NOTES: usize = 5;
/// Co-authors, issues, and commits that are named.
const OTHERS: usize = 20;

/// The same changelog with texts and lists of bounded lengths.
pub(super) fn shorten(mut it: Changelog) -> Changelog {
    for side in [&mut it.added, &mut it.removed] {
        self::side(side);
    }
    it
}

fn side(it: &mut Side) {
    it.shown.iter_mut().for_each(entry);
    it.left_out.iter_mut().for_each(left_out);
}

fn entry(it: &mut Entry) {
    for text in [&mut it.subject, &mut it.description] {
        cut(text, SUBJECT);
    }
    let optional = [&mut it.kind, &mut it.scope, &mut it.pull_request];
    for text in optional.into_iter().flatten() {
        cut(text, NAME);
    }
    person(&mut it.author);
    it.co_authors.truncate(OTHERS);
    it.co_authors.iter_mut().for_each(person);
    it.notes.truncate(NOTES);
    for note in &mut it.notes {
        cut(note, NOTE);
    }
    for texts in [&mut it.issues, &mut it.reverts] {
        texts.truncate(OTHERS);
        for text in texts {
            cut(text, NAME);
        }
    }
}

fn left_out(it: &mut LeftOut) {
    cut(&mut it.subject, SUBJECT);
    match &mut it.reason {
        Reason::Hidden { kind } => cut(kind, NAME),
        Reason::Revert { of } => of.truncate(OTHERS),
        Reason::Merge
        | Reason::Reverted { .. }
        | Reason::Duplicate { .. }
        | Reason::OnBothSides { .. } => {}
    }
}

fn person(it: &mut Person) {
    cut(&mut it.name, NAME);
    cut(&mut it.email, NAME);
}

fn cut(text: &mut String, characters: usize) {
    if let Some((at, _)) = text.char_indices().nth(characters) {
        text.truncate(at);
    }
}

#[cfg(test)]
mod tests {
    use ids::Oid;
    use versioning::changelog::{Changes, Commit, Draft, End, Range};

    use super::*;

    #[test]
    fn what_is_kept_fits_into_a_commit_of_the_log_whatever_was_written() {
        let oid = |at: usize| Oid::parse(&format!("{at:040x}")).unwrap();
        let long = "\u{1f600}".repeat(1_500);
        let people = (0..25).map(|at| format!("Co-authored-by: {long} <{at}@example.com>\n"));
        let people: String = people.collect();
        let message = format!("feat({long})!: {long}\n\nBREAKING CHANGE: {long}\n{people}");
        let person = Person {
            name: long.clone(),
            email: long.clone(),
        };
        let commits = (1..=400).map(|at| Commit {
            oid: oid(at),
            parents: vec![oid(at - 1)],
            message: if at % 2 == 0 {
                message.clone()
            } else {
                format!("docs: {long}")
            },
            author: person.clone(),
            committed_at: i64::try_from(at).unwrap(),
        });
        let range = Range {
            from: None,
            to: End {
                revision: "v1".to_owned(),
                oid: oid(400),
            },
            added: commits.collect(),
            removed: Vec::new(),
        };
        let all = Draft::read(range).finish(&Changes::default(), None);
        let kept = shorten(all).bounded(200, 400 << 10);
        assert_eq!(kept.added.count(), 400, "all are counted");
        assert!(kept.added.untold.count() > 0);
        assert!(!kept.added.shown.is_empty());
        let entry = &kept.added.shown[0];
        assert_eq!(entry.subject.chars().count(), SUBJECT);
        assert_eq!(entry.co_authors.len(), OTHERS);
        let found = prost::Message::encode_to_vec(&proto::found::to_wire(&kept));
        assert!(found.len() < 450 << 10, "{} bytes", found.len());
    }
}
