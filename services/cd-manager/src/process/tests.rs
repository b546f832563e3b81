//! What follows from what, told as facts in and effects out.

use ids::{AggregateId, Digest, ReleaseType, Version};

use super::*;
use crate::domain::build::Report;
use crate::domain::deployment::End;
use crate::domain::hold::Hold;
use crate::domain::track::{Destination, Kind, Stage};

const BUILD: Uuid = Uuid::from_u128(1);

fn report() -> Report {
    Report {
        definition: "api".into(),
        container: "api".into(),
        version: Version::parse("v1").unwrap(),
        release_type: ReleaseType::Latest,
        digest: Digest::of(b"1"),
        registries: vec![],
        commit: None,
        ci_run: None,
    }
}

fn deployment() -> Uuid {
    derive::deployment(BUILD, "api", "PRE_RELEASE", 0)
}

fn place() -> Place {
    Place {
        environment: "dev".into(),
        application: "api".into(),
    }
}

fn routed() -> World {
    let mut world = World::default();
    world.observe(&Fact::Build(BUILD, 1, build::Event::Reported(report())));
    let to = Destination {
        application: "api".into(),
        application_set: "shop".into(),
        track: "main".into(),
        kind: Kind::PreRelease,
        stages: vec![Stage::new(0, vec!["dev".into()])],
        deployment: deployment(),
    };
    world.observe(&Fact::Build(BUILD, 1, build::Event::Routed(vec![to])));
    world
}

fn only(world: &mut World) -> Effect {
    let (requests, _) = world.react(0);
    assert_eq!(requests.len(), 1, "{requests:?}");
    let again: Vec<_> = world.react(0).0.iter().map(|it| it.id).collect();
    assert_eq!(again, [requests[0].id], "asking again asks for the same");
    requests[0].effect.clone()
}

fn slot(world: &mut World, event: slot::Event) {
    world.observe(&Fact::Slot(derive::slot("dev", "api"), event));
}

fn to(world: &mut World, event: deployment::Event) {
    world.observe(&Fact::Deployment(deployment(), event));
}

#[test]
fn a_routed_build_walks_to_success_one_effect_at_a_time() {
    let mut world = routed();
    let Effect::Open(created) = only(&mut world) else {
        panic!("open first")
    };
    to(&mut world, deployment::Event::Created(created));
    let Effect::Offer { candidate, .. } = only(&mut world) else {
        panic!("then offer")
    };
    let accepted = slot::Event::Accepted {
        place: place(),
        candidate,
        because: None,
        forced: false,
    };
    slot(&mut world, accepted);
    assert!(matches!(only(&mut world), Effect::Promote { .. }));
    slot(
        &mut world,
        slot::Event::Started {
            deployment: deployment(),
        },
    );
    assert!(matches!(only(&mut world), Effect::Promote { .. }));
    let (stage, environment) = ("0:dev".to_owned(), "dev".to_owned());
    let requested = deployment::Event::PromotionRequested {
        stage: stage.clone(),
        environment: environment.clone(),
        attempt: 0,
        since: None,
    };
    to(&mut world, requested);
    assert!(matches!(only(&mut world), Effect::Promote { .. }));
    let commit = Oid::parse(&"a".repeat(40)).unwrap();
    let committed = deployment::Event::Committed {
        stage: stage.clone(),
        environment: environment.clone(),
        commit: commit.clone(),
        file: "f".into(),
        already: false,
        attempt: 0,
    };
    to(&mut world, committed);
    assert!(world.react(0).0.is_empty(), "now it is the runner's turn");
    let run = derive::run(deployment(), "dev", 0);
    world.observe(&Fact::Run(run, Ok("http://x".into())));
    let finish = Effect::Finish {
        place: place(),
        outcome: Outcome::Succeeded,
        manifest_commit: Some(commit.clone()),
    };
    assert_eq!(only(&mut world), finish, "the slot first");
    let finished = slot::Event::Finished {
        deployment: deployment(),
        outcome: Outcome::Succeeded,
        manifest_commit: commit.to_string(),
    };
    slot(&mut world, finished);
    assert!(matches!(only(&mut world), Effect::RecordRun { .. }));
    let url = "http://x".to_owned();
    to(
        &mut world,
        deployment::Event::EnvironmentSucceeded {
            stage,
            environment,
            run,
            url,
        },
    );
    to(&mut world, deployment::Event::Ended(End::Success));
    assert!(world.react(0).0.is_empty());
    assert_eq!(world.active(), 0);
}

#[test]
fn a_held_slot_waits_and_wakes_when_the_hold_runs_out() {
    let mut world = routed();
    let Effect::Open(created) = only(&mut world) else {
        panic!("open first")
    };
    to(&mut world, deployment::Event::Created(created));
    let Effect::Offer { candidate, .. } = only(&mut world) else {
        panic!("then offer")
    };
    let hold = Hold {
        id: Uuid::from_u128(9),
        scope: "all".into(),
        subject: String::new(),
        reason: "freeze".into(),
        until_us: Some(50),
        source: crate::domain::hold::Source::Person,
    };
    world.observe(&Fact::Scope(
        scope_key("all", ""),
        scope::Event::Placed(hold),
    ));
    slot(
        &mut world,
        slot::Event::Accepted {
            place: place(),
            candidate,
            because: None,
            forced: false,
        },
    );
    assert_eq!(world.react(0), (vec![], Some(50)));
    let (requests, wake) = world.react(50);
    assert!(matches!(requests[0].effect, Effect::Promote { .. }));
    assert_eq!(wake, None);
}

#[test]
fn nothing_is_asked_for_that_rests_on_what_cannot_be_read() {
    for (kind, id) in [("deployment", deployment()), ("build", BUILD)] {
        let mut world = routed();
        world.set_aside(&AggregateId::new(kind, id), "from the future".into());
        assert!(world.react(0).0.is_empty(), "{kind}");
    }
    let place = place();
    let slot = derive::slot(&place.environment, &place.application);
    let above = scope_key("environment", &place.environment);
    for (kind, id) in [
        ("slot", slot),
        ("environment", above),
        ("deployment", deployment()),
    ] {
        let mut world = routed();
        let Effect::Open(created) = only(&mut world) else {
            panic!("it is opened first")
        };
        to(&mut world, deployment::Event::Created(created));
        assert!(matches!(only(&mut world), Effect::Offer { .. }));
        world.set_aside(&AggregateId::new(kind, id), "from the future".into());
        assert!(world.react(0).0.is_empty(), "{kind}");
        let state = world.deployment_state(deployment()).unwrap();
        assert_eq!(world.aside_for(deployment(), &state).len(), 1, "{kind}");
    }
}

#[test]
fn a_quarantined_build_stops_its_deployments() {
    let mut world = routed();
    let Effect::Open(created) = only(&mut world) else {
        panic!("open first")
    };
    to(&mut world, deployment::Event::Created(created));
    let digest = Digest::of(b"2");
    world.observe(&Fact::Build(BUILD, 2, build::Event::Quarantined { digest }));
    let (requests, _) = world.react(0);
    assert!(requests.iter().any(|it| it.effect == Effect::Quarantine));
}

#[test]
fn a_stage_with_a_gate_that_nothing_can_meet_waits() {
    let mut world = routed();
    let Effect::Open(mut created) = only(&mut world) else {
        panic!("open first")
    };
    created.stages[0].gates.push("approvalPolicy".into());
    to(&mut world, deployment::Event::Created(created));
    assert!(world.react(0).0.is_empty());
}

#[test]
fn an_offer_follows_the_slot_it_is_for() {
    let mut world = routed();
    let Effect::Open(created) = only(&mut world) else {
        panic!("open first")
    };
    to(&mut world, deployment::Event::Created(created.clone()));
    assert!(matches!(
        only(&mut world),
        Effect::Offer { newest: None, .. }
    ));
    let other = Candidate {
        deployment: Uuid::from_u128(77),
        ..created.candidate(deployment())
    };
    let accepted = slot::Event::Accepted {
        place: place(),
        candidate: other.clone(),
        because: None,
        forced: false,
    };
    slot(&mut world, accepted);
    let (requests, _) = world.react(0);
    let mine = requests
        .iter()
        .find(|it| it.deployment == deployment())
        .unwrap();
    assert!(matches!(&mine.effect, Effect::Offer { newest: Some(it), .. } if it == &other));
}
