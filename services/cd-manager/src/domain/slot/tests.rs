//! Whose turn it is, told as histories.

use decider::given;

use super::super::hold::Source;
use super::*;

fn candidate(n: u64) -> Candidate {
    Candidate {
        deployment: Uuid::from_u128(u128::from(n)),
        version: Version::parse(&format!("v{n}")).unwrap(),
        digest: Digest::of(&n.to_be_bytes()),
        commit: None,
        ci_run: None,
        reported_at: n,
    }
}

fn id(n: u64) -> Uuid {
    candidate(n).deployment
}

fn place() -> Place {
    Place {
        environment: "development".into(),
        application: "api".into(),
    }
}

fn offer(n: u64, compared: Option<(u64, bool)>) -> Command {
    let compared = compared.map(|(with, is_newer)| {
        (
            id(with),
            Verdict {
                is_newer,
                rule: Rule::FirstParent,
            },
        )
    });
    Command::Offer {
        place: place(),
        candidate: candidate(n),
        compared,
    }
}

fn start(n: u64) -> Command {
    Command::Start {
        deployment: id(n),
        now_us: 0,
        held_above: None,
    }
}

fn finish(n: u64, outcome: Outcome) -> Command {
    Command::Finish {
        deployment: id(n),
        outcome,
        manifest_commit: "c".into(),
    }
}

fn hold(n: u128) -> Hold {
    Hold {
        id: Uuid::from_u128(n),
        scope: "app".into(),
        subject: "development/api".into(),
        reason: "rolled back".into(),
        until_us: None,
        source: Source::Rollback,
    }
}

fn accepted(n: u64, because: Option<u64>) -> Event {
    let because = because.map(|with| (Rule::FirstParent, id(with)));
    Event::Accepted {
        place: place(),
        candidate: candidate(n),
        because,
        forced: false,
    }
}

fn superseded(n: u64, by: u64) -> Event {
    Event::Superseded {
        deployment: id(n),
        by: id(by),
        rule: Rule::FirstParent,
    }
}

#[test]
fn a_newer_candidate_takes_the_place_of_one_that_waits() {
    let after = given::<Slot>([])
        .then(&offer(1, None), &[accepted(1, None)])
        .then(
            &offer(2, Some((1, true))),
            &[superseded(1, 2), accepted(2, Some(1))],
        );
    assert_eq!(after.state().waiting, Some(candidate(2)));
}

#[test]
fn what_has_the_slot_runs_to_its_end() {
    let after = given::<Slot>([])
        .when(&offer(1, None))
        .when(&start(1))
        .then(&offer(2, Some((1, true))), &[accepted(2, Some(1))])
        .refuses(&start(2), &Rejection::Busy(id(1)))
        .when(&finish(1, Outcome::Succeeded))
        .when(&start(2));
    assert_eq!(after.state().in_flight, Some(candidate(2)));
}

#[test]
fn an_older_candidate_never_gets_the_slot() {
    let after = given::<Slot>([])
        .when(&offer(2, None))
        .when(&start(2))
        .when(&finish(2, Outcome::Succeeded))
        .then(&offer(1, Some((2, false))), &[superseded(1, 2)]);
    assert_eq!(after.state().waiting, None);
    assert_eq!(
        after.state().current.as_ref().unwrap().candidate,
        candidate(2)
    );
}

#[test]
fn a_comparison_with_yesterdays_newest_is_refused() {
    let _state = given::<Slot>([])
        .when(&offer(1, None))
        .when(&offer(2, Some((1, true))))
        .refuses(&offer(3, Some((1, true))), &Rejection::NewestChanged)
        .refuses(&offer(3, None), &Rejection::NewestChanged);
}

#[test]
fn offers_starts_and_ends_repeat_without_effect() {
    let _state = given::<Slot>([])
        .when(&offer(1, None))
        .then(&offer(1, None), &[])
        .when(&start(1))
        .then(&start(1), &[])
        .when(&finish(1, Outcome::Succeeded))
        .then(&finish(1, Outcome::Succeeded), &[])
        .then(&offer(1, None), &[]);
}

#[test]
fn a_failed_version_leaves_what_runs_and_lets_the_next_one_in() {
    let after = given::<Slot>([])
        .when(&offer(1, None))
        .when(&start(1))
        .when(&finish(1, Outcome::Succeeded))
        .when(&offer(2, Some((1, true))))
        .when(&start(2))
        .when(&finish(2, Outcome::Failed));
    assert_eq!(
        after.state().current.as_ref().unwrap().candidate,
        candidate(1)
    );
    assert_eq!(after.state().written.as_deref(), Some("v2"));
    assert_eq!(
        after.state().rollback_default().unwrap().candidate,
        candidate(1)
    );
    let after = after.when(&offer(3, Some((2, true)))).when(&start(3));
    assert_eq!(after.state().in_flight, Some(candidate(3)));
}

#[test]
fn a_rollback_goes_first_and_holds_what_comes_after() {
    let forced = Candidate {
        deployment: Uuid::from_u128(99),
        ..candidate(1)
    };
    let force = Command::Force {
        place: place(),
        candidate: forced.clone(),
        hold: hold(7),
        edit: None,
    };
    let after = given::<Slot>([])
        .when(&offer(1, None))
        .when(&start(1))
        .when(&finish(1, Outcome::Succeeded))
        .when(&offer(2, Some((1, true))))
        .when(&start(2))
        .when(&finish(2, Outcome::Succeeded))
        .when(&offer(3, Some((2, true))))
        .when(&force)
        .refuses(&start(3), &Rejection::Busy(forced.deployment))
        .when(&Command::Start {
            deployment: forced.deployment,
            now_us: 0,
            held_above: Some("freeze".into()),
        })
        .when(&Command::Finish {
            deployment: forced.deployment,
            outcome: Outcome::Succeeded,
            manifest_commit: "c".into(),
        })
        .refuses(&start(3), &Rejection::Held("rolled back".into()))
        .when(&Command::ReleaseHold {
            id: hold(7).id,
            reason: "fixed".into(),
        })
        .when(&start(3));
    assert_eq!(after.state().in_flight, Some(candidate(3)));
}

#[test]
fn a_hold_of_a_scope_above_stops_automatic_ones_only() {
    let _state = given::<Slot>([]).when(&offer(1, None)).refuses(
        &Command::Start {
            deployment: id(1),
            now_us: 0,
            held_above: Some("freeze".into()),
        },
        &Rejection::Held("freeze".into()),
    );
}

#[test]
fn a_withdrawn_candidate_blocks_nobody() {
    let after = given::<Slot>([])
        .when(&offer(1, None))
        .when(&start(1))
        .when(&finish(1, Outcome::Succeeded))
        .when(&offer(3, Some((1, true))))
        .when(&Command::Finish {
            deployment: id(3),
            outcome: Outcome::Withdrawn,
            manifest_commit: String::new(),
        })
        .then(&offer(2, Some((1, true))), &[accepted(2, Some(1))]);
    assert_eq!(after.state().waiting, Some(candidate(2)));
}

#[test]
fn an_unknown_hand_written_version_holds_and_is_told_once() {
    let edit = Edit {
        version: "v9".into(),
        commit: Oid::parse(&"a".repeat(40)).unwrap(),
        author_name: "Ann".into(),
        author_email: "ann@example.com".into(),
        deployment: None,
        unapproved: false,
    };
    let see = Command::SeeUnknownVersion {
        place: place(),
        edit: edit.clone(),
        hold: hold(8),
    };
    let after = given::<Slot>([])
        .when(&see)
        .then(&see, &[])
        .when(&offer(1, None));
    assert_eq!(after.state().unknown, Some(edit));
    let _state = after.refuses(&start(1), &Rejection::Held("rolled back".into()));
}

#[test]
fn what_failed_can_be_tried_again_unless_something_newer_came() {
    let failed = given::<Slot>([])
        .when(&offer(1, None))
        .when(&start(1))
        .when(&finish(1, Outcome::Failed))
        .then(&offer(1, Some((1, false))), &[accepted(1, None)])
        .when(&start(1))
        .when(&finish(1, Outcome::Failed));
    failed
        .when(&offer(2, Some((1, true))))
        .then(&offer(1, Some((2, false))), &[superseded(1, 2)]);
}

fn rolled_back_to(n: u64, id: u128) -> Command {
    let candidate = Candidate {
        deployment: Uuid::from_u128(id),
        ..candidate(n)
    };
    Command::Force {
        place: place(),
        candidate,
        hold: hold(id),
        edit: None,
    }
}

fn finish_of(id: u128) -> Command {
    let deployment = Uuid::from_u128(id);
    Command::Finish {
        deployment,
        outcome: Outcome::Succeeded,
        manifest_commit: "c".into(),
    }
}

#[test]
fn rolling_back_twice_goes_two_versions_back_and_leaves_one_hold() {
    let mut history = given::<Slot>([]);
    for n in 1..=3 {
        let compared = (n > 1).then(|| (n - 1, true));
        history = history
            .when(&offer(n, compared))
            .when(&start(n))
            .when(&finish(n, Outcome::Succeeded));
    }
    assert_eq!(
        history.state().rollback_default().unwrap().candidate,
        candidate(2)
    );
    let start_of = |id| Command::Start {
        deployment: Uuid::from_u128(id),
        now_us: 0,
        held_above: None,
    };
    let once = history
        .when(&rolled_back_to(2, 91))
        .when(&start_of(91))
        .when(&finish_of(91));
    assert_eq!(
        once.state().rollback_default().unwrap().candidate,
        candidate(1)
    );
    let twice = once
        .when(&rolled_back_to(1, 92))
        .when(&start_of(92))
        .when(&finish_of(92));
    assert_eq!(twice.state().rollback_default(), None);
    let holds: Vec<_> = twice.state().holds.active(0).map(|it| it.id).collect();
    assert_eq!(holds, [Uuid::from_u128(92)]);
}
