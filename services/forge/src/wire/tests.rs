//! What was stored means what it meant.

use golden::Golden;

use super::*;

fn key() -> Key {
    Key {
        repository: RepositoryName::parse("github.com/acme/api").unwrap(),
        number: 17,
    }
}

fn examples() -> Vec<Event> {
    let text = str::to_owned;
    vec![
        Event::Heard {
            key: key(),
            delivery: text("0b989ba4-242f-11e5-81e1-c7b6966d2516"),
            action: text("edited"),
            sender: text("wilma"),
        },
        Event::Observed(Observed {
            heard: 3,
            title: text("feat!: another form"),
            status: Status::Open,
            base: text("main"),
            head: "ab".repeat(20),
            labels: vec![text("release/minor"), text("release/odd")],
        }),
        Event::Derived {
            title: text("feat!: another form"),
            label: Some(Label::Major),
        },
        Event::Overridden {
            labels: BTreeSet::from([Label::Minor]),
            by: text("wilma"),
        },
        Event::TakenOff {
            label: Label::Major,
            by: text("wilma"),
        },
        Event::ChangeRequested {
            add: Some(Label::Major),
            remove: BTreeSet::from([Label::Patch, Label::Minor]),
        },
        Event::Applied(Label::Major),
        Event::Removed(Label::Minor),
        Event::Merged {
            key: key(),
            merge: Merge {
                title: text("feat!: another form"),
                base: text("main"),
                head: "ab".repeat(20),
                commit: Some(Oid::parse(&"c0".repeat(20)).unwrap()),
                labels: vec![text("release/major")],
                // Stored before there was such a field.
                breaks: String::new(),
                merged_at_us: 1_794_000_000_000_000,
                as_told: true,
            },
        },
    ]
}

#[test]
fn stored_events_mean_what_they_meant() {
    let golden = Golden::of_this_project();
    let mut names = BTreeSet::new();
    for event in &examples() {
        names.insert(golden.check::<PullRequests>(event).unwrap());
    }
    let stored = golden.names(PACKAGE.trim_end_matches('.')).unwrap();
    assert_eq!(names, stored, "each stored event has its example");
}

#[test]
fn what_a_body_says_is_kept() {
    let mut event = examples().pop().unwrap();
    if let Event::Merged { merge, .. } = &mut event {
        merge.breaks = "the form has no second page".to_owned();
    }
    let stored = PullRequests::encode(&event);
    assert_eq!(PullRequests::decode(&stored).unwrap(), event);
}

#[test]
fn what_it_consumes_of_others_is_what_its_fold_takes_in() {
    let takes = |stored: &Stored| facts(stored).map(|it| !it.is_empty());
    let golden = Golden::of_this_project();
    assert!(golden.consumed(crate::ROLE, takes).unwrap().is_empty());
}

#[test]
fn what_cannot_be_a_value_makes_the_event_unknown() {
    let wrong = [
        record("PullRequestHeard", &pb::PullRequestHeard::default()),
        record("PullRequestObserved", &pb::PullRequestObserved::default()),
        record("LabelApplied", &pb::LabelApplied::default()),
        record("PullRequestRenamed", &pb::LabelApplied::default()),
    ];
    for it in &wrong {
        assert!(PullRequests::decode(it).is_err(), "{}", it.kind);
    }
}
