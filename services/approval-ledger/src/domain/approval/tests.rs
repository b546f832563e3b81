//! Who may say what, told as histories.

use decider::given;

use super::*;

fn group(name: &str) -> Policy {
    Policy::Stakeholder {
        who: Who::Group(name.into()),
        min: 1,
    }
}

fn subject(revision: u32) -> Subject {
    Subject {
        deployment: Uuid::from_u128(1),
        stage: "staging".into(),
        revision,
        plan: Digest::of(&revision.to_be_bytes()),
        environments: vec!["staging".into()],
        policy: Policy::AllOf {
            policies: vec![group("qa"), group("product")],
        },
        requested_by: "robin".into(),
        application: "api".into(),
        version: "v1".into(),
    }
}

fn person(name: &str, groups: &[&str]) -> Person {
    Person {
        issuer: "towpath".into(),
        name: name.into(),
        groups: groups.iter().map(|it| (*it).to_owned()).collect(),
    }
}

fn word(name: &str, groups: &[&str]) -> Word {
    Word {
        caller: Caller {
            person: person(name, groups),
            is_service: false,
        },
        comment: " as it is\n".into(),
        plan: String::new(),
    }
}

fn yes(name: &str, groups: &[&str]) -> Command {
    Command::Approve(word(name, groups))
}

fn no(name: &str, groups: &[&str]) -> Command {
    Command::Reject(word(name, groups))
}

fn about(round: u32, revision: u32) -> About {
    About {
        deployment: Uuid::from_u128(1),
        stage: "staging".into(),
        round,
        revision,
        plan: Digest::of(&revision.to_be_bytes()),
    }
}

fn opened(round: u32, revision: u32) -> Event {
    Event::Opened {
        round,
        subject: subject(revision),
    }
}

fn approved(round: u32, name: &str, groups: &[&str]) -> Event {
    Event::Approved {
        about: about(round, 0),
        by: person(name, groups),
        comment: " as it is\n".into(),
    }
}

fn asked() -> decider::Given<Approval> {
    given::<Approval>([]).then(&Command::Open(subject(0)), &[opened(1, 0)])
}

fn standing(given: &decider::Given<Approval>) -> &'static str {
    given.state().as_ref().unwrap().standing.as_str()
}

#[test]
fn enough_distinct_persons_make_a_quorum() {
    let reached = Event::Reached {
        about: about(1, 0),
        approvers: vec!["ada".into(), "quinn".into()],
    };
    let after = asked()
        .then(&Command::Open(subject(0)), &[])
        .then(
            &yes("ada", &["product", "qa"]),
            &[approved(1, "ada", &["product", "qa"])],
        )
        .then(&yes("ada", &["qa"]), &[])
        .then(
            &yes("quinn", &["qa"]),
            &[approved(1, "quinn", &["qa"]), reached],
        )
        .then(&yes("quinn", &["qa"]), &[])
        .refuses(&yes("paul", &["product"]), &Rejection::IsApproved(1))
        .refuses(&no("paul", &["product"]), &Rejection::IsApproved(1));
    assert_eq!(standing(&after), "APPROVED");
}

#[test]
fn only_persons_who_are_asked_and_did_not_ask_may_approve() {
    let mut machine = word("ci", &["qa"]);
    machine.caller.is_service = true;
    let mut elsewhere = word("quinn", &["qa"]);
    elsewhere.plan = "0123456789".into();
    let not_asked = Rejection::NotAsked {
        name: "eve".into(),
        policy: subject(0).policy.to_string(),
    };
    let other = Rejection::OtherPlan {
        asked: subject(0).plan.to_string(),
        seen: "0123456789".into(),
    };
    let mut here = word("quinn", &["qa"]);
    here.plan = subject(0).plan.hex()[..8].to_owned();
    let _state = given::<Approval>([])
        .refuses(&yes("quinn", &["qa"]), &Rejection::NobodyIsAsked)
        .when(&Command::Open(subject(0)))
        .refuses(
            &Command::Approve(machine.clone()),
            &Rejection::IsService("ci".into()),
        )
        .refuses(
            &Command::Reject(machine),
            &Rejection::IsService("ci".into()),
        )
        .refuses(
            &yes("robin", &["qa"]),
            &Rejection::AskedForIt("robin".into()),
        )
        .refuses(&yes("eve", &["admin", "release-manager"]), &not_asked)
        .refuses(&no("eve", &["admin"]), &not_asked)
        .refuses(&Command::Approve(elsewhere), &other)
        .when(&Command::Approve(here));
}

#[test]
fn only_the_group_that_said_no_opens_a_fresh_round() {
    let others = Rejection::OthersRejected {
        by: "quinn".into(),
        spoke_for: "group `qa`".into(),
    };
    let after = asked()
        .when(&yes("paul", &["product"]))
        .when(&no("quinn", &["qa"]))
        .then(&no("quinn", &["qa"]), &[])
        .refuses(&yes("pia", &["product"]), &others)
        .refuses(&no("pia", &["product"]), &Rejection::IsRejected(1));
    assert_eq!(standing(&after), "REJECTED");
    // The vote of before counts for nothing.
    let after = after.then(
        &yes("quentin", &["qa"]),
        &[opened(2, 0), approved(2, "quentin", &["qa"])],
    );
    assert_eq!(standing(&after), "OPEN");
    assert_eq!(
        standing(&after.when(&yes("paul", &["product"]))),
        "APPROVED"
    );
}

#[test]
fn a_new_plan_is_asked_about_anew() {
    let stale = Rejection::IsStale {
        round: 1,
        reason: "`/spec/env` of f changed".into(),
    };
    let close = |is_over| Command::Close {
        revision: 0,
        reason: "`/spec/env` of f changed".into(),
        is_over,
    };
    let after = asked()
        .when(&yes("paul", &["product"]))
        .when(&close(false))
        .then(&close(false), &[])
        .refuses(&yes("quinn", &["qa"]), &stale)
        .then(&Command::Open(subject(1)), &[opened(2, 1)])
        .then(&close(false), &[])
        .when(&yes("quinn", &["qa"]));
    assert_eq!(standing(&after), "OPEN", "one of two");
    let settled = asked()
        .when(&yes("paul", &["product"]))
        .when(&yes("quinn", &["qa"]))
        .then(&close(true), &[]);
    assert_eq!(standing(&settled), "APPROVED", "what was approved was");
    assert_eq!(standing(&settled.when(&close(false))), "STALE");
}

#[test]
fn a_new_plan_does_not_outvote_a_veto() {
    let after = asked()
        .when(&no("quinn", &["qa"]))
        .then(
            &Command::Close {
                revision: 0,
                reason: "changed".into(),
                is_over: false,
            },
            &[],
        )
        .when(&Command::Open(subject(1)));
    assert_eq!(standing(&after), "REJECTED");
    let after = after
        .refuses(
            &yes("paul", &["product"]),
            &Rejection::OthersRejected {
                by: "quinn".into(),
                spoke_for: "group `qa`".into(),
            },
        )
        .when(&yes("quinn", &["qa"]));
    let round = after.state().as_ref().unwrap();
    assert_eq!((round.number, round.subject.revision), (3, 1));
}
