//! What was found out stays, and its name is of all of it.

use std::collections::BTreeSet;

use decider::given;
use versioning::changelog::{Changes, Commit, Draft, End, Forge, Person, Range};

use super::*;

fn oid(digit: &str) -> Oid {
    Oid::parse(&digit.repeat(40)).unwrap()
}

fn changelog(message: &str) -> Changelog {
    let commit = Commit {
        oid: oid("a"),
        parents: vec![],
        message: message.into(),
        author: Person {
            name: "Wilma".into(),
            email: "wilma@example.com".into(),
        },
        committed_at: 5,
    };
    let range = Range {
        from: None,
        to: End {
            revision: "v1".into(),
            oid: oid("a"),
        },
        added: vec![commit],
        removed: vec![],
    };
    Draft::read(range).finish(&Changes::default(), None)
}

fn content(message: &str) -> Box<Content> {
    let subject = Subject::Deployment(Uuid::from_u128(1));
    Box::new(Content::found(subject, "api".into(), changelog(message)))
}

#[test]
fn what_was_found_out_stays() {
    let first = content("one");
    let why = Unavailable {
        subject: Subject::Deployment(Uuid::from_u128(1)),
        application: "api".into(),
        range: None,
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
fn the_digest_is_of_everything_that_is_told() {
    let base = "feat(ui)!: one (#1)\n\nBREAKING CHANGE: read\nCo-authored-by: Ada <a@example.com>";
    let subject = || Subject::Deployment(Uuid::from_u128(1));
    let changed: &[fn(&mut Changelog)] = &[
        |_| {},
        |it| it.from = Some(it.to.clone()),
        |it| it.to.revision.push('1'),
        |it| it.added.untold.left_out = 1,
        |it| it.added.untold.unsorted = 1,
        |it| it.removed.untold.unsorted = 1,
        |it| it.warnings.push("careful".into()),
        |it| it.forge = Forge::of_remote("https://github.com/a/b"),
        |it| it.added.shown[0].scope = None,
        |it| it.added.shown[0].subject.push('x'),
        |it| it.added.shown[0].notes.clear(),
        |it| it.added.shown[0].co_authors.clear(),
        |it| it.added.shown[0].pull_request = None,
        |it| it.added.shown[0].author.name.push('x'),
        |it| it.added.shown[0].committed_at = 6,
        |it| it.removed.shown = std::mem::take(&mut it.added.shown),
    ];
    let mut digests = BTreeSet::new();
    for change in changed {
        let mut it = changelog(base);
        change(&mut it);
        digests.insert(Content::found(subject(), "api".into(), it).digest);
    }
    let range = Subject::Range {
        definition: "api".into(),
    };
    digests.insert(Content::found(range, "api".into(), changelog(base)).digest);
    digests.insert(Content::found(subject(), "web".into(), changelog(base)).digest);
    let left_out = ["docs: x", "ci: x", "docs: y"];
    digests.extend(left_out.map(|it| content(it).digest));
    assert_eq!(digests.len(), changed.len() + 5);
    assert_eq!(content(base).digest, content(base).digest);
}
