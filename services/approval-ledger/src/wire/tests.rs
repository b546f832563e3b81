//! Stored events mean what they meant when they were new: one golden file for each.

use golden::Golden;

use super::*;
use crate::domain::approval::Policy;

fn deployment() -> Uuid {
    Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10)
}

fn plan() -> Digest {
    Digest::of(b"plan")
}

fn about_it() -> About {
    About {
        deployment: deployment(),
        stage: "staging".into(),
        round: 2,
        revision: 1,
        plan: plan(),
    }
}

fn quinn() -> Person {
    Person {
        issuer: "towpath".into(),
        name: "quinn".into(),
        groups: vec!["qa".into(), "viewer".into()],
    }
}

fn policy() -> Policy {
    let group = |name: &str, min| Policy::Stakeholder {
        who: Who::Group(name.into()),
        min,
    };
    let person = Policy::Stakeholder {
        who: Who::User("ada".into()),
        min: 1,
    };
    Policy::AllOf {
        policies: vec![
            group("qa", 2),
            Policy::AnyOf {
                min: 1,
                policies: vec![group("security", 1), person],
            },
        ],
    }
}

#[test]
fn stored_events_mean_what_they_meant() {
    let events = [
        Event::Opened {
            round: 2,
            subject: Subject {
                deployment: deployment(),
                stage: "staging".into(),
                revision: 1,
                plan: plan(),
                environments: vec!["staging-eu".into(), "staging-us".into()],
                policy: policy(),
                requested_by: "ci".into(),
                application: "storefront".into(),
                version: "v1.2.0".into(),
            },
        },
        Event::Approved {
            about: about_it(),
            by: quinn(),
            comment: " fine —\n\tgut ".into(),
        },
        Event::Rejected {
            about: about_it(),
            by: quinn(),
            comment: "checkout is slow".into(),
            spoke_for: vec![Who::Group("qa".into()), Who::User("quinn".into())],
            carried_from: Some(1),
        },
        Event::Reached {
            about: about_it(),
            approvers: vec!["ada".into(), "quinn".into()],
        },
        Event::Stale {
            about: about_it(),
            reason: "`/spec/env` of environments/staging.yaml changed".into(),
        },
    ];
    let golden = Golden::of_this_project();
    let checked = events
        .iter()
        .map(|event| golden.check::<Approval>(event).unwrap())
        .collect();
    assert_eq!(golden.names("towpath.approval.v1").unwrap(), checked);
}

#[test]
fn a_policy_that_is_not_known_whole_is_not_known() {
    let node = pb::RoundOpened {
        deployment_id: bytes(deployment()),
        plan_digest: plan().to_string(),
        policy: Some(proto::delivery::v1::ApprovalPolicy {
            node: "none_of".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let record = EventRecord {
        kind: format!("{PACKAGE}RoundOpened"),
        schema: 1,
        payload: node.encode_to_vec().into(),
    };
    assert!(Approval::decode(&record).is_err());
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
