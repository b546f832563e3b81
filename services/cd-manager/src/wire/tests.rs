//! Stored events mean what they meant when they were new: one golden file for each.

use std::collections::BTreeSet;
use std::fmt::Debug;

use eventlog::Codec;
use golden::Golden;
use ids::{Digest, Oid, ReleaseType, Uuid, Version};
use policy::{Policy, Who};
use proto::delivery::v1 as pb;

use crate::domain::build::{self, Build, Report};
use crate::domain::deployment::{self, Created, Decisions, End};
use crate::domain::hold::{Hold, Source};
use crate::domain::order::Rule;
use crate::domain::plan::{About, Change, Plan};
use crate::domain::scope::{self, Scope};
use crate::domain::slot::{self, Candidate, Edit, Outcome, Place, Slot};
use crate::domain::track::{Destination, Kind, Stage};

/// Checks each example; the full names of those that hold.
fn hold<C>(examples: &[C::Event]) -> BTreeSet<String>
where
    C: Codec,
    C::Event: Debug + PartialEq,
{
    let golden = Golden::of_this_project();
    let name = |event| golden.check::<C>(event).unwrap();
    examples.iter().map(name).collect()
}

fn id(byte: u8) -> Uuid {
    Uuid::from_bytes(std::array::from_fn(|at| byte + u8::try_from(at).unwrap()))
}

fn oid(byte: &str) -> Oid {
    Oid::parse(&byte.repeat(20)).unwrap()
}

fn version() -> Version {
    Version::parse("v1.2.0").unwrap()
}

fn digest() -> Digest {
    Digest::of(b"storefront v1.2.0")
}

fn stages() -> Vec<Stage> {
    let mut staging = Stage::new(1, vec!["staging-eu".into(), "staging-us".into()]);
    staging.gates = vec!["approvalPolicy".into(), "soak".into()];
    vec![Stage::new(0, vec!["development".into()]), staging]
}

fn place() -> Place {
    Place {
        environment: "development".into(),
        application: "storefront".into(),
    }
}

fn standing_hold() -> Hold {
    Hold {
        id: id(0x40),
        scope: "app".into(),
        subject: "development/storefront".into(),
        reason: "the shop is being counted — zählen".into(),
        until_us: Some(1_780_000_000_000_000),
        source: Source::Person,
    }
}

fn builds() -> Vec<build::Event> {
    vec![
        build::Event::Reported(Report {
            definition: "storefront".into(),
            container: "server".into(),
            version: version(),
            release_type: ReleaseType::Latest,
            digest: digest(),
            registries: vec!["local".into(), "mirror".into()],
            commit: Some(oid("a1")),
            ci_run: Some(812),
        }),
        build::Event::Routed(vec![Destination {
            application: "storefront".into(),
            application_set: "shop".into(),
            track: "main".into(),
            kind: Kind::PreRelease,
            stages: stages(),
            deployment: id(0x10),
        }]),
        build::Event::Kept,
        build::Event::Unmatched {
            wanted_manifest: "kind: Application\n".into(),
        },
        build::Event::Quarantined { digest: digest() },
    ]
}

fn created() -> Created {
    Created {
        build: id(0x20),
        application: "storefront".into(),
        application_set: "shop".into(),
        track: "main".into(),
        kind: Kind::Rollback,
        stages: stages(),
        definition: "storefront".into(),
        container: "server".into(),
        version: version(),
        digest: digest(),
        registries: vec!["local".into()],
        commit: Some(oid("a1")),
        ci_run: Some(812),
        reported_at: 41,
        reason: "checkout is slow".into(),
        replaces: String::new(),
    }
}

/// On its way.
fn underway() -> Vec<deployment::Event> {
    let (stage, environment) = ("0:development".to_owned(), "development".to_owned());
    let at = || (stage.clone(), environment.clone());
    let requested = |(stage, environment)| deployment::Event::PromotionRequested {
        stage,
        environment,
        attempt: 1,
        since: Some(oid("b2")),
        plan: None,
    };
    let committed = |(stage, environment)| deployment::Event::Committed {
        stage,
        environment,
        commit: oid("c3"),
        file: "environments/development.yaml".into(),
        already: true,
        attempt: 1,
    };
    let refused = |(stage, environment)| deployment::Event::Refused {
        stage,
        environment,
        code: "duplicate-key".into(),
        message: "environments/development.yaml:7:3: `version` stands there twice".into(),
    };
    let succeeded = |(stage, environment)| deployment::Event::EnvironmentSucceeded {
        stage,
        environment,
        run: id(0x30),
        url: "http://127.0.0.1:20001/".into(),
    };
    let failed = |(stage, environment)| deployment::Event::EnvironmentFailed {
        stage,
        environment,
        run: id(0x30),
        message: "GET /healthz answered 500".into(),
    };
    let superseded = |(stage, environment)| deployment::Event::EnvironmentSuperseded {
        stage,
        environment,
        by: id(0x11),
        rule: Rule::FirstParent,
    };
    vec![
        deployment::Event::Created(created()),
        requested(at()),
        committed(at()),
        refused(at()),
        succeeded(at()),
        failed(at()),
        superseded(at()),
        deployment::Event::StageSucceeded { stage },
        deployment::Event::Retried {
            environment,
            attempt: 2,
        },
    ]
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

fn plan() -> Plan {
    let change = |environment: &str| Change {
        environment: environment.into(),
        application: "storefront".into(),
        digest: digest(),
        file: format!("environments/{environment}.yaml"),
        configuration: oid("e5"),
        blob: Some(oid("f6")),
    };
    let about = About {
        stage: "staging".into(),
        revision: 2,
        track: Digest::of(b"main"),
        policy: policy(),
        requested_by: "ci".into(),
        application: "storefront".into(),
        version: version(),
    };
    Plan::new(about, vec![change("staging-us"), change("staging-eu")])
}

/// Asking those who have to say yes.
fn asked() -> Vec<deployment::Event> {
    let (stage, plan) = (|| "staging".to_owned(), plan());
    let environments = || vec!["staging-eu".to_owned(), "staging-us".to_owned()];
    let digest = plan.digest.clone();
    vec![
        deployment::Event::StageReady(plan),
        deployment::Event::StageStale {
            stage: stage(),
            environments: environments(),
            revision: 2,
            plan: digest.clone(),
            file: "environments/staging-eu.yaml".into(),
            field: "/spec/container/env/0/value".into(),
        },
        deployment::Event::StageApproved {
            stage: stage(),
            revision: 2,
            plan: digest.clone(),
            round: 3,
        },
        deployment::Event::StageRejected {
            stage: stage(),
            environments: environments(),
            revision: 2,
            plan: digest.clone(),
            round: 3,
            by: "quinn".into(),
            comment: " checkout is slow —\n  langsam ".into(),
            spoke_for: vec!["group `qa`".into()],
        },
        deployment::Event::StageReopened {
            stage: stage(),
            environments: environments(),
            revision: 2,
            plan: digest,
            round: 4,
        },
    ]
}

/// At its end.
fn ended() -> Vec<deployment::Event> {
    let ends = [
        End::Success,
        End::Failed {
            environment: "development".into(),
            message: "GET /healthz answered 500".into(),
        },
        End::Superseded {
            by: id(0x11),
            rule: Rule::CiRun,
        },
        End::Aborted {
            reason: "not wanted any more".into(),
        },
        End::Quarantined {
            message: "its build was reported a second time with another digest".into(),
        },
        End::RolledBack { by: id(0x11) },
    ];
    ends.map(deployment::Event::Ended).into()
}

fn slots() -> Vec<slot::Event> {
    vec![
        slot::Event::Accepted {
            place: place(),
            candidate: Candidate {
                deployment: id(0x10),
                version: version(),
                digest: digest(),
                commit: Some(oid("a1")),
                ci_run: Some(812),
                reported_at: 41,
            },
            because: Some((Rule::ReportOrder, id(0x11))),
            forced: true,
        },
        slot::Event::Superseded {
            deployment: id(0x10),
            by: id(0x11),
            rule: Rule::ReportOrder,
        },
        slot::Event::Started {
            deployment: id(0x10),
        },
        slot::Event::Finished {
            deployment: id(0x10),
            outcome: Outcome::Succeeded,
            manifest_commit: oid("c3").to_string(),
        },
        slot::Event::Edited {
            place: place(),
            edit: Edit {
                version: "v1.2.0".into(),
                commit: oid("d4"),
                author_name: "Ada".into(),
                author_email: "ada@example.com".into(),
                deployment: Some(id(0x12)),
                unapproved: false,
            },
        },
    ]
}

#[test]
fn stored_events_mean_what_they_meant() {
    let mut checked = hold::<Build>(&builds());
    checked.extend(hold::<Decisions>(&underway()));
    checked.extend(hold::<Decisions>(&asked()));
    checked.extend(hold::<Decisions>(&ended()));
    checked.extend(hold::<Slot>(&slots()));
    checked.extend(hold::<Slot>(&[
        slot::Event::Held(standing_hold()),
        slot::Event::Released {
            id: id(0x40),
            reason: "counted".into(),
        },
    ]));
    let known = Golden::of_this_project().names("towpath.delivery.v1");
    assert_eq!(known.unwrap(), checked);
}

#[test]
fn a_hold_is_stored_alike_on_a_slot_and_above_it() {
    let released = scope::Event::Released {
        id: id(0x40),
        reason: "counted".into(),
    };
    let placed = scope::Event::Placed(standing_hold());
    for (above, slot) in [
        (placed, slot::Event::Held(standing_hold())),
        (
            released,
            slot::Event::Released {
                id: id(0x40),
                reason: "counted".into(),
            },
        ),
    ] {
        let stored = Slot::encode(&slot);
        assert_eq!(Scope::encode(&above), stored);
        assert_eq!(Scope::decode(&stored).unwrap(), above);
    }
}

#[test]
fn what_was_not_said_is_read_as_not_said() {
    let silent = build::Event::Reported(Report {
        definition: "storefront".into(),
        container: "server".into(),
        version: version(),
        release_type: ReleaseType::Hotfix,
        digest: digest(),
        registries: vec![],
        commit: None,
        ci_run: None,
    });
    assert_eq!(Build::decode(&Build::encode(&silent)).unwrap(), silent);
    let endless = slot::Event::Held(Hold {
        until_us: None,
        source: Source::ManualChange,
        ..standing_hold()
    });
    assert_eq!(Slot::decode(&Slot::encode(&endless)).unwrap(), endless);
}

#[test]
fn a_policy_is_never_read_as_less_than_it_is() {
    let mut opened = created();
    opened.stages[1].approval = Some(policy());
    let event = deployment::Event::Created(opened);
    assert_eq!(
        Decisions::decode(&Decisions::encode(&event)).unwrap(),
        event
    );
    let requested = deployment::Event::PromotionRequested {
        stage: "staging".into(),
        environment: "staging-eu".into(),
        attempt: 0,
        since: None,
        plan: Some(plan().digest),
    };
    assert_eq!(
        Decisions::decode(&Decisions::encode(&requested)).unwrap(),
        requested
    );
    let newer = pb::DeploymentCreated {
        stages: vec![pb::Stage {
            approval: Some(pb::ApprovalPolicy {
                node: "none_of".into(),
                ..Default::default()
            }),
            ..Default::default()
        }],
        build_id: id(1).as_bytes().to_vec().into(),
        kind: "MANUAL".into(),
        version: "v1".into(),
        digest: digest().to_string(),
        ..Default::default()
    };
    let record = super::record("DeploymentCreated", &newer);
    assert!(Decisions::decode(&record).is_err());
}

#[test]
fn what_this_binary_does_not_know_is_an_error_and_never_skipped() {
    let mut newer = Build::encode(&build::Event::Kept);
    newer.schema = 2;
    assert!(Build::decode(&newer).is_err());
    let mut unknown = Build::encode(&build::Event::Kept);
    unknown.kind = "towpath.delivery.v1.BuildPainted".to_owned();
    assert!(Build::decode(&unknown).is_err());
    let mut damaged = Slot::encode(&slot::Event::Started {
        deployment: id(0x10),
    });
    damaged.payload = vec![0x0a, 0x01, 0x07].into();
    assert!(Slot::decode(&damaged).is_err(), "an id of one byte");
}
