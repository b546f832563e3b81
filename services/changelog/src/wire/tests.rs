//! Stored events mean what they meant.

use golden::Golden;
use prost::Message as _;
use proto::changelog::v1 as pb;
use versioning::changelog::{
    Changelog, Changes, Commit, Draft, End, Forge, Person, Range, Section,
};

use super::*;
use crate::domain::changelog::{Content, Unavailable};

const GENERATED: &str = "towpath.changelog.v1.ChangelogGenerated";

fn end(revision: &str, digit: &str) -> End {
    End {
        revision: revision.to_owned(),
        oid: Oid::parse(&digit.repeat(40)).unwrap(),
    }
}

fn commit(digit: &str, parents: &[&str], message: &str) -> Commit {
    Commit {
        oid: end("", digit).oid,
        parents: parents.iter().map(|it| end("", it).oid).collect(),
        message: message.to_owned(),
        author: Person {
            name: "Wilma Person".to_owned(),
            email: "wilma@example.com".to_owned(),
        },
        committed_at: 1_763_640_000,
    }
}

/// One with everything that a message can say.
fn found(from: Option<End>, to: End) -> Changelog {
    let undo = format!(
        "Revert \"feat: no\"\n\nThis reverts commit {}.",
        "5".repeat(40)
    );
    let breaking = "feat(ui)!: a cart (#7)\n\nBREAKING CHANGE: read the guide\nRefs: PROJ-3\n\
        Co-authored-by: Ada <ada@example.com>";
    let range = Range {
        from,
        to,
        added: vec![
            commit("c", &["b", "9"], "Merge branch 'x'"),
            commit("b", &["8"], breaking),
            commit("8", &["7"], "Update things"),
            commit("7", &["6"], "docs: say it"),
            commit("6", &["5"], &undo),
            commit("5", &["a"], "feat: no"),
        ],
        removed: vec![commit("a", &["4"], "feat: no cart")],
    };
    let forge = Forge::of_remote("https://github.com/acme/shop");
    let mut it = Draft::read(range).finish(&Changes::default(), forge);
    it.warnings.push("something was not here".to_owned());
    it.added.untold.shown.insert(Section::Fixes, 3);
    it.added.untold.left_out = 2;
    it
}

fn deployment() -> Uuid {
    Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10)
}

fn content(subject: Subject, changelog: Changelog) -> Event {
    let content = Content::found(subject, "storefront".to_owned(), changelog);
    Event::Generated(Box::new(content))
}

fn of_deployment() -> Event {
    let found = found(Some(end("v1.1.0", "a")), end("v1.2.0", "c"));
    content(Subject::Deployment(deployment()), found)
}

fn range() -> Subject {
    Subject::Range {
        definition: "shop".to_owned(),
    }
}

#[test]
fn stored_events_mean_what_they_meant() {
    let golden = Golden::of_this_project();
    let unavailable = |subject: Subject, range| {
        Event::Unavailable(Unavailable {
            subject,
            application: "storefront".to_owned(),
            range,
            code: "no-commit".to_owned(),
            why: "the report of v1.2.0 named no commit".to_owned(),
        })
    };
    let ends = (Some(end("", "a").oid), end("", "c").oid);
    let checked = [
        of_deployment(),
        unavailable(Subject::Deployment(deployment()), None),
        content(range(), found(Some(end("", "a")), end("", "c"))),
        unavailable(range(), Some(ends)),
    ]
    .iter()
    .map(|event| golden.check::<Changelogs>(event).unwrap())
    .collect();
    assert_eq!(
        golden.names(PACKAGE.trim_end_matches('.')).unwrap(),
        checked
    );
}

/// What was written before messages were kept.
#[test]
fn the_first_form_says_what_its_subjects_say_under_its_own_digest() {
    let golden = Golden::of_this_project();
    let (record, event) = golden.read::<Changelogs>(GENERATED, 1).unwrap();
    let Event::Generated(it) = event else {
        panic!("it is a changelog");
    };
    assert_eq!(it.subject, Subject::Deployment(deployment()));
    assert!(!it.is_whole);
    let stored: pb::ChangelogGenerated = message(&record).unwrap();
    assert_eq!(it.digest.as_str(), stored.digest);
    let changelog = &it.changelog;
    assert_eq!(changelog.from, Some(end("v1.1.0", "a")));
    assert_eq!(changelog.to, end("v1.2.0", "c"));
    let shown = changelog.added.shown.iter();
    let shown: Vec<_> = shown
        .map(|it| (it.section, it.description.as_str()))
        .collect();
    assert_eq!(
        shown,
        [(Section::Features, "a cart"), (Section::Fixes, "the cart")]
    );
    assert_eq!(changelog.added.shown[0].committed_at, 1_763_640_000);
    assert_eq!(changelog.added.count(), 7);
    assert_eq!(changelog.removed.count(), 1);

    let mut other = stored;
    other.added_count = 8;
    let payload = other.encode_to_vec().into();
    let other = EventRecord { payload, ..record };
    assert!(Changelogs::decode(&other).is_err(), "its digest is another");
}

#[test]
fn a_changelog_that_is_not_what_its_digest_says_is_unknown() {
    let record = Changelogs::encode(&of_deployment());
    let stored: pb::ChangelogGenerated = message(&record).unwrap();
    let changes: [fn(&mut pb::ChangelogGenerated); 4] = [
        |it| it.added_count += 1,
        |it| it.found.as_mut().unwrap().warnings.clear(),
        |it| it.to_version.push('1'),
        |it| it.found = None,
    ];
    for change in changes {
        let mut it = stored.clone();
        change(&mut it);
        let payload = it.encode_to_vec().into();
        let record = EventRecord {
            payload,
            ..record.clone()
        };
        assert!(Changelogs::decode(&record).is_err());
    }
    assert!(Changelogs::decode(&record).is_ok());
}

#[test]
fn what_it_consumes_of_others_is_what_its_fold_takes_in() {
    let takes = |stored: &Stored| Ok(!facts(stored)?.is_empty());
    let taken = Golden::of_this_project()
        .consumed(crate::ROLE, takes)
        .unwrap();
    let listed = CONSUMES.iter().map(|it| it.event.to_owned()).collect();
    assert_eq!(taken, listed);
}
