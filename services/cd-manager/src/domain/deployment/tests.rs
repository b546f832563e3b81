//! How far a deployment is, told as histories.

use decider::given;

use super::super::track::{Kind, Stage};
use super::*;
use ids::{Digest, Version};

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
