//! What follows from what, told as facts in and effects out.

use ids::{AggregateId, Digest, ReleaseType, Version};
use policy::{Policy, Who};

use super::*;
use crate::domain::build::Report;
use crate::domain::deployment::End;
use crate::domain::hold::Hold;
use crate::domain::plan::{About, Plan};
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
        plan: None,
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

/// In its slot, with one stage that asks for approval, and the plan that it asks about.
fn asking() -> (World, Plan) {
    let mut world = routed();
    let Effect::Open(mut created) = only(&mut world) else {
        panic!("open first")
    };
    let policy = Policy::Stakeholder {
        who: Who::Group("qa".into()),
        min: 1,
    };
    created.stages[0].approval = Some(policy.clone());
    to(&mut world, deployment::Event::Created(created));
    let Effect::Offer { candidate, .. } = only(&mut world) else {
        panic!("it takes its place in the queue before anybody says yes")
    };
    slot(
        &mut world,
        slot::Event::Accepted {
            place: place(),
            candidate,
            because: None,
            forced: false,
        },
    );
    let about = About {
        stage: "0:dev".into(),
        revision: 0,
        track: Digest::of(b"track"),
        policy,
        requested_by: "ci".into(),
        application: "api".into(),
        version: Version::parse("v1").unwrap(),
    };
    (world, Plan::new(about, vec![]))
}

fn heard(world: &mut World, said: Said) {
    let approval = derive::approval(deployment(), "0:dev");
    world.observe(&Fact::Approval(approval, said));
}

fn opened(round: u32, revision: u32) -> Said {
    Said::Opened {
        deployment: deployment(),
        revision,
        round,
    }
}

fn verdict(round: u32, revision: u32, verdict: Verdict) -> Effect {
    Effect::RecordVerdict {
        stage: "0:dev".into(),
        revision,
        round,
        verdict,
    }
}

#[test]
fn a_stage_that_asks_for_approval_is_written_when_enough_said_yes_to_that_plan() {
    let (mut world, plan) = asking();
    let ask = |revision| Effect::Ask {
        stage: "0:dev".into(),
        revision,
    };
    assert_eq!(only(&mut world), ask(0));
    to(&mut world, deployment::Event::StageReady(plan.clone()));
    assert!(world.react(0).0.is_empty(), "now they are asked");
    heard(&mut world, opened(1, 0));
    heard(&mut world, Said::Yes { by: "quinn".into() });
    assert!(world.react(0).0.is_empty());
    heard(&mut world, Said::Enough);
    assert_eq!(only(&mut world), verdict(1, 0, Verdict::Approved));
    let (stage, digest) = (plan.stage.clone(), plan.digest.clone());
    to(
        &mut world,
        deployment::Event::StageApproved {
            stage: stage.clone(),
            revision: 0,
            plan: digest.clone(),
            round: 1,
        },
    );
    assert!(matches!(only(&mut world), Effect::Promote { .. }));

    // It took the slot, and then the configuration was not as approved.
    slot(
        &mut world,
        slot::Event::Started {
            deployment: deployment(),
        },
    );
    to(
        &mut world,
        deployment::Event::StageStale {
            stage,
            environments: vec!["dev".into()],
            revision: 0,
            plan: digest,
            file: "f".into(),
            field: "/spec/env".into(),
        },
    );
    let freed = Effect::Finish {
        place: place(),
        outcome: Outcome::Withdrawn,
        manifest_commit: None,
    };
    assert_eq!(only(&mut world), freed, "others need not wait for it");
    slot(
        &mut world,
        slot::Event::Finished {
            deployment: deployment(),
            outcome: Outcome::Withdrawn,
            manifest_commit: String::new(),
        },
    );
    let Effect::Offer { candidate, .. } = only(&mut world) else {
        panic!("it queues again")
    };
    slot(
        &mut world,
        slot::Event::Accepted {
            place: place(),
            candidate,
            because: None,
            forced: false,
        },
    );
    assert_eq!(only(&mut world), ask(1), "and asks anew");
    let second = Plan {
        revision: 1,
        ..plan
    };
    to(&mut world, deployment::Event::StageReady(second));
    assert!(
        world.react(0).0.is_empty(),
        "what was said about the first plan counts for nothing"
    );
}

#[test]
fn a_stage_that_was_rejected_waits_for_a_fresh_round_or_a_newer_build() {
    let (mut world, plan) = asking();
    to(&mut world, deployment::Event::StageReady(plan.clone()));
    heard(&mut world, opened(1, 0));
    let (by, comment) = ("quinn".to_owned(), "slow".to_owned());
    let spoke_for = vec!["group `qa`".to_owned()];
    heard(
        &mut world,
        Said::No {
            by: by.clone(),
            comment: comment.clone(),
            spoke_for: spoke_for.clone(),
        },
    );
    let no = Verdict::Rejected {
        by: by.clone(),
        comment: comment.clone(),
        spoke_for: spoke_for.clone(),
    };
    assert_eq!(only(&mut world), verdict(1, 0, no));
    to(
        &mut world,
        deployment::Event::StageRejected {
            stage: plan.stage.clone(),
            environments: vec!["dev".into()],
            revision: 0,
            plan: plan.digest.clone(),
            round: 1,
            by,
            comment,
            spoke_for,
        },
    );
    assert!(world.react(0).0.is_empty());
    let it = world.deployment(deployment()).unwrap();
    assert_eq!(it.state_word(), "HALTED");
    heard(&mut world, opened(2, 0));
    assert_eq!(only(&mut world), verdict(2, 0, Verdict::Reopened));
    slot(
        &mut world,
        slot::Event::Superseded {
            deployment: deployment(),
            by: Uuid::from_u128(77),
            rule: Rule::CiRun,
        },
    );
    let (requests, _) = world.react(0);
    assert!(
        requests
            .iter()
            .any(|it| matches!(it.effect, Effect::Supersede { .. }))
    );
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
