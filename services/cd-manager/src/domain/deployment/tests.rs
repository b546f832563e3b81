//! How far a deployment is, told as histories.

use decider::given;

use super::super::plan::About;
use super::super::track::{Kind, Stage};
use super::*;
use ids::Version;
use policy::{Policy, Who};

fn created(stages: &[&[&str]]) -> Created {
    Created {
        build: Uuid::from_u128(1),
        application: "api".into(),
        application_set: "shop".into(),
        track: "main".into(),
        kind: Kind::PreRelease,
        stages: stages
            .iter()
            .enumerate()
            .map(|(n, envs)| Stage::new(n, envs.iter().map(|it| (*it).to_owned()).collect()))
            .collect(),
        definition: "api".into(),
        container: "api".into(),
        version: Version::parse("v1").unwrap(),
        digest: Digest::of(b"1"),
        registries: vec![],
        commit: None,
        ci_run: None,
        reported_at: 1,
        reason: String::new(),
        replaces: String::new(),
    }
}

fn oid() -> Oid {
    Oid::parse(&"a".repeat(40)).unwrap()
}

fn request(environment: &str) -> Command {
    Command::RequestPromotion {
        environment: environment.into(),
        since: Some(oid()),
        plan: None,
    }
}

fn commit(environment: &str) -> Command {
    Command::RecordCommit {
        environment: environment.into(),
        commit: oid(),
        file: "f".into(),
        already: false,
    }
}

fn outcome(environment: &str, outcome: Result<&str, &str>) -> Command {
    attempt(environment, 0, outcome)
}

fn attempt(environment: &str, attempt: u32, outcome: Result<&str, &str>) -> Command {
    Command::RecordOutcome {
        environment: environment.into(),
        run: Uuid::from_u128(5),
        attempt,
        outcome: outcome.map(str::to_owned).map_err(str::to_owned),
    }
}

fn succeeded(stage: &str, environment: &str) -> Event {
    Event::EnvironmentSucceeded {
        stage: stage.into(),
        environment: environment.into(),
        run: Uuid::from_u128(5),
        url: "http://x".into(),
    }
}

fn word(given: &decider::Given<Decisions>) -> &'static str {
    given.state().as_ref().unwrap().state_word()
}

#[test]
fn one_environment_from_first_to_last() {
    let after = given::<Decisions>([]).when(&Command::Create(created(&[&["dev"]])));
    assert_eq!(word(&after), "PENDING");
    let after = after.when(&request("dev")).then(&request("dev"), &[]);
    assert_eq!(word(&after), "IN_PROGRESS");
    let after = after.when(&commit("dev")).then(&commit("dev"), &[]).then(
        &outcome("dev", Ok("http://x")),
        &[
            succeeded("0:dev", "dev"),
            Event::StageSucceeded {
                stage: "0:dev".into(),
            },
            Event::Ended(End::Success),
        ],
    );
    assert_eq!(word(&after), "SUCCESS");
    let _state = after.then(&outcome("dev", Ok("http://x")), &[]);
}

#[test]
fn the_next_stage_begins_when_every_environment_of_this_one_is_done() {
    let after = given::<Decisions>([])
        .when(&Command::Create(created(&[&["a", "b"], &["c"]])))
        .when(&request("a"))
        .when(&commit("a"))
        .then(&outcome("a", Ok("http://x")), &[succeeded("0:a+b", "a")]);
    let at_hand: Vec<_> = after
        .state()
        .as_ref()
        .unwrap()
        .stage_at_hand()
        .iter()
        .map(|it| it.environment.clone())
        .collect();
    assert_eq!(at_hand, ["a", "b"]);
    let after = after.when(&request("b")).when(&commit("b")).then(
        &outcome("b", Ok("http://x")),
        &[
            succeeded("0:a+b", "b"),
            Event::StageSucceeded {
                stage: "0:a+b".into(),
            },
        ],
    );
    assert_eq!(
        after.state().as_ref().unwrap().stage_at_hand()[0].environment,
        "c"
    );
    assert_eq!(word(&after), "WAITING");
}

#[test]
fn a_probe_that_says_no_is_failed_and_can_be_tried_again() {
    let after = given::<Decisions>([])
        .when(&Command::Create(created(&[&["dev"]])))
        .when(&request("dev"))
        .when(&commit("dev"))
        .when(&outcome("dev", Err("GET /healthz answered 500")));
    assert_eq!(word(&after), "FAILED");
    let after = after
        .then(
            &Command::Retry,
            &[Event::Retried {
                environment: "dev".into(),
                attempt: 1,
            }],
        )
        .when(&request("dev"))
        .when(&commit("dev"))
        .then(&outcome("dev", Ok("late answer of the first run")), &[])
        .when(&attempt("dev", 1, Ok("http://x")));
    assert_eq!(word(&after), "SUCCESS");
}

#[test]
fn superseded_only_before_its_commit_is_requested() {
    let by = Uuid::from_u128(9);
    let supersede = Command::Supersede {
        environment: "dev".into(),
        by,
        rule: Rule::FirstParent,
    };
    let after = given::<Decisions>([])
        .when(&Command::Create(created(&[&["dev"]])))
        .when(&supersede);
    assert_eq!(word(&after), "SUPERSEDED");
    let _state = given::<Decisions>([])
        .when(&Command::Create(created(&[&["dev"]])))
        .when(&request("dev"))
        .then(&supersede, &[]);
}

#[test]
fn what_is_underway_is_not_aborted_and_what_is_over_stays_over() {
    let abort = Command::Abort {
        reason: "no".into(),
    };
    let _state = given::<Decisions>([])
        .when(&Command::Create(created(&[&["dev"]])))
        .when(&request("dev"))
        .refuses(&abort, &Rejection::Underway("dev".into()));
    let _state = given::<Decisions>([])
        .when(&Command::Create(created(&[&["dev"]])))
        .when(&abort)
        .then(&abort, &[])
        .refuses(&Command::Retry, &Rejection::Over("ABORTED"))
        .refuses(&request("dev"), &Rejection::Over("ABORTED"));
}

#[test]
fn quarantine_stops_only_what_is_not_committed() {
    let quarantine = Command::Quarantine {
        message: "two digests".into(),
    };
    let after = given::<Decisions>([])
        .when(&Command::Create(created(&[&["dev"]])))
        .when(&quarantine);
    assert_eq!(word(&after), "QUARANTINED");
    let _state = given::<Decisions>([])
        .when(&Command::Create(created(&[&["dev"]])))
        .when(&request("dev"))
        .then(&quarantine, &[]);
}

#[test]
fn a_refused_manifest_halts_until_somebody_tries_again() {
    let refuse = Command::RecordRefusal {
        environment: "dev".into(),
        code: "x".into(),
        message: "m".into(),
    };
    let after = given::<Decisions>([])
        .when(&Command::Create(created(&[&["dev"]])))
        .when(&request("dev"))
        .when(&refuse);
    assert_eq!(word(&after), "HALTED");
    let after = after.when(&Command::Retry);
    assert_eq!(word(&after), "PENDING");
}

/// Two environments at once, and who has to say yes to them.
fn asking() -> (Created, Plan) {
    let mut created = created(&[&["eu", "us"]]);
    let policy = Policy::Stakeholder {
        who: Who::Group("qa".into()),
        min: 1,
    };
    created.stages[0].approval = Some(policy.clone());
    let about = About {
        stage: "0:eu+us".into(),
        revision: 0,
        track: Digest::of(b"track"),
        policy,
        requested_by: "ci".into(),
        application: "api".into(),
        version: Version::parse("v1").unwrap(),
    };
    (created, Plan::new(about, vec![]))
}

fn verdict(revision: u32, round: u32, verdict: Verdict) -> Command {
    Command::RecordVerdict {
        stage: "0:eu+us".into(),
        revision,
        round,
        verdict,
    }
}

fn no() -> Verdict {
    Verdict::Rejected {
        by: "quinn".into(),
        comment: "slow".into(),
        spoke_for: vec!["group `qa`".into()],
    }
}

fn stale(environment: Option<&str>) -> Command {
    Command::RecordStale {
        stage: "0:eu+us".into(),
        revision: 0,
        environment: environment.map(str::to_owned),
        file: "f".into(),
        field: "/spec/env".into(),
    }
}

fn approved(plan: &Plan, environment: &str) -> Command {
    Command::RequestPromotion {
        environment: environment.into(),
        since: Some(oid()),
        plan: Some(plan.digest.clone()),
    }
}

#[test]
fn nothing_is_requested_before_enough_said_yes_to_exactly_this() {
    let (created, plan) = asking();
    let unapproved = Rejection::NotApproved("0:eu+us".into());
    let other = Plan {
        digest: Digest::of(b"another"),
        ..plan.clone()
    };
    let after = given::<Decisions>([])
        .when(&Command::Create(created))
        .refuses(&request("eu"), &unapproved)
        .refuses(&approved(&plan, "eu"), &unapproved)
        .then(
            &Command::Ask(plan.clone()),
            &[Event::StageReady(plan.clone())],
        )
        .then(&Command::Ask(plan.clone()), &[])
        .refuses(&approved(&plan, "eu"), &unapproved)
        .then(&verdict(1, 1, Verdict::Approved), &[])
        .when(&verdict(0, 1, Verdict::Approved))
        .then(&verdict(0, 1, Verdict::Approved), &[])
        .refuses(&request("eu"), &unapproved)
        .refuses(&approved(&other, "eu"), &unapproved)
        .when(&approved(&plan, "eu"));
    assert_eq!(word(&after), "IN_PROGRESS");
}

#[test]
fn a_stale_plan_frees_only_what_was_refused_and_is_asked_about_anew() {
    let (created, plan) = asking();
    let second = Plan {
        revision: 1,
        ..plan.clone()
    };
    let after = given::<Decisions>([])
        .when(&Command::Create(created))
        .when(&Command::Ask(plan.clone()))
        .when(&verdict(0, 1, Verdict::Approved))
        .when(&approved(&plan, "eu"))
        .when(&approved(&plan, "us"))
        .when(&stale(Some("eu")));
    let at = |after: &decider::Given<Decisions>, environment: &str| {
        let deployment = after.state().as_ref().unwrap();
        deployment.place(environment).unwrap().step.as_str()
    };
    assert_eq!(
        (at(&after, "eu"), at(&after, "us")),
        ("WAITING", "COMMITTING"),
        "the other commit may exist already"
    );
    let after = after
        .refuses(
            &approved(&plan, "eu"),
            &Rejection::NotApproved("0:eu+us".into()),
        )
        .when(&Command::Ask(second.clone()))
        .when(&stale(Some("us")))
        .then(&stale(None), &[]);
    assert_eq!(at(&after, "us"), "WAITING");
    let asked = after.state().as_ref().unwrap().asked("0:eu+us").unwrap();
    assert_eq!(
        (asked.plan.revision, &asked.review),
        (1, &Review::Pending),
        "late news of the first plan do not touch the second"
    );
}

#[test]
fn who_said_no_halts_the_stage_until_a_later_round() {
    let (created, plan) = asking();
    let after = given::<Decisions>([])
        .when(&Command::Create(created))
        .when(&Command::Ask(plan.clone()))
        .when(&verdict(0, 1, no()))
        .then(&verdict(0, 1, no()), &[])
        .then(&stale(None), &[])
        .then(&verdict(0, 1, Verdict::Approved), &[])
        .refuses(&Command::Retry, &Rejection::NothingToRetry("HALTED"));
    assert_eq!(word(&after), "HALTED");
    let after = after.when(&verdict(0, 2, Verdict::Reopened));
    assert_eq!(word(&after), "PENDING");
    let after = after
        .when(&verdict(0, 2, no()))
        .when(&verdict(0, 3, Verdict::Approved))
        .when(&approved(&plan, "us"));
    assert_eq!(word(&after), "IN_PROGRESS");
}
