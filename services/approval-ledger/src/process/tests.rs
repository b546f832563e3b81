//! What follows from what deployments did.

use ids::Digest;

use super::*;
use crate::domain::approval::{Caller, Word};
use crate::domain::approval::{Command, Person, Policy, Who};

fn subject(revision: u32) -> Subject {
    Subject {
        deployment: Uuid::from_u128(1),
        stage: "staging".into(),
        revision,
        plan: Digest::of(&revision.to_be_bytes()),
        environments: vec!["staging".into()],
        policy: Policy::Stakeholder {
            who: Who::Group("qa".into()),
            min: 1,
        },
        requested_by: "ci".into(),
        application: "api".into(),
        version: "v1".into(),
    }
}

fn stale(revision: u32) -> Fact {
    Fact::Stale {
        deployment: Uuid::from_u128(1),
        stage: "staging".into(),
        revision,
        reason: "changed".into(),
    }
}

fn word() -> Word {
    Word {
        caller: Caller {
            person: Person {
                issuer: "towpath".into(),
                name: "quinn".into(),
                groups: vec!["qa".into()],
            },
            is_service: false,
        },
        comment: String::new(),
        plan: String::new(),
    }
}

/// Does what a command decides on what is known.
fn does(world: &mut World, command: &Command) {
    let id = derive::approval(Uuid::from_u128(1), "staging");
    let state = world.approval(id).cloned().unwrap_or_default().state;
    for event in Approval::decide(&state, command).unwrap() {
        world.observe(&Fact::Approval(id, 7, event));
    }
}

fn only(world: &World) -> Effect {
    let due: Vec<_> = world.due().collect();
    assert_eq!(due.len(), 1, "{due:?}");
    due[0].effect.clone()
}

fn close(revision: u32, reason: &str, is_over: bool) -> Effect {
    Effect::Close {
        revision,
        reason: reason.into(),
        is_over,
    }
}

fn carry_out(world: &mut World) {
    let command = match only(world) {
        Effect::Open(subject) => Command::Open(subject),
        Effect::Close {
            revision,
            reason,
            is_over,
        } => Command::Close {
            revision,
            reason,
            is_over,
        },
    };
    does(world, &command);
    assert_eq!(world.due().count(), 0);
}

#[test]
fn what_asks_is_opened_and_what_is_stale_is_closed() {
    let mut world = World::default();
    world.observe(&Fact::Asked(subject(0)));
    assert_eq!(only(&world), Effect::Open(subject(0)));
    carry_out(&mut world);
    does(&mut world, &Command::Approve(word()));
    assert_eq!(world.due().count(), 0);
    world.observe(&stale(0));
    assert_eq!(only(&world), close(0, "changed", false));
    // The next plan closes it too.
    world.observe(&Fact::Asked(subject(1)));
    assert_eq!(only(&world), Effect::Open(subject(1)));
    carry_out(&mut world);
    world.observe(&stale(0));
    assert_eq!(world.due().count(), 0);
    let id = derive::approval(Uuid::from_u128(1), "staging");
    let round = world.approval(id).unwrap().state.clone().unwrap();
    assert_eq!((round.number, round.subject.revision), (2, 1));
}

#[test]
fn nobody_is_asked_about_what_is_over() {
    let mut world = World::default();
    world.observe(&Fact::Asked(subject(0)));
    world.observe(&Fact::Over(Uuid::from_u128(1), "ABORTED"));
    assert_eq!(world.due().count(), 0, "it was never opened");
    let mut world = World::default();
    world.observe(&Fact::Asked(subject(0)));
    carry_out(&mut world);
    does(&mut world, &Command::Reject(word()));
    world.observe(&Fact::Over(Uuid::from_u128(1), "SUPERSEDED"));
    assert_eq!(only(&world), close(0, "its deployment is SUPERSEDED", true));
    carry_out(&mut world);
    let mut world = World::default();
    world.observe(&Fact::Asked(subject(0)));
    carry_out(&mut world);
    does(&mut world, &Command::Approve(word()));
    world.observe(&Fact::Over(Uuid::from_u128(1), "SUCCESS"));
    assert_eq!(world.due().count(), 0, "what was approved was");
}

#[test]
fn what_a_newer_version_wrote_about_is_left_alone() {
    let approval = derive::approval(Uuid::from_u128(1), "staging");
    for (kind, id) in [("deployment", Uuid::from_u128(1)), ("approval", approval)] {
        let mut world = World::default();
        world.observe(&Fact::Asked(subject(1)));
        assert_eq!(world.due().count(), 1);
        world.set_aside(&AggregateId::new(kind, id), "from the future".into());
        assert_eq!(world.due().count(), 0, "{kind}");
    }
}
