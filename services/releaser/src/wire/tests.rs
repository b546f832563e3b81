//! What was stored means what it meant.

use eventlog::Codec as _;
use golden::Golden;
use proto::delivery::v1 as pb;

use super::*;
use crate::domain::commit_version::{CommitVersions, Settled};
use crate::domain::release::{Event, Item, Outcome, Tagged};
use crate::domain::version::{Key, Reserved, Version};

fn item() -> Item {
    Item {
        application: "storefront".to_owned(),
        deployment: Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
        build: Uuid::from_u128(0x1112_1314_1516_1718_191a_1b1c_1d1e_1f20),
        definition: "storefront".to_owned(),
        container: "web".to_owned(),
        version: Tag::parse("v1.2.0").unwrap(),
        digest: Digest::of(b"storefront v1.2.0"),
        registries: vec!["local".to_owned(), "eu".to_owned()],
        commit: Some(Oid::parse(&"c0".repeat(20)).unwrap()),
    }
}

fn tag() -> Tag {
    Tag::parse("shop-2026.11-rc.3").unwrap()
}

fn examples() -> Vec<Event> {
    let text = str::to_owned;
    vec![
        Event::Created {
            application_set: text("shop"),
            bundle: text("2026.11"),
            track: text("main"),
        },
        Event::PassBegun {
            ordinal: 2,
            items: vec![item()],
        },
        Event::Numbered {
            ordinal: 2,
            number: 3,
            tag: tag(),
        },
        Event::Tagged {
            ordinal: 2,
            tagged: Tagged {
                application: text("storefront"),
                registry: text("eu"),
                place: text("registry.example.com/team/web:shop-2026.11-rc.3"),
                digest: item().digest,
                already: true,
            },
        },
        Event::Refused {
            ordinal: 2,
            application: text("storefront"),
            registry: text("eu"),
            code: text("tag-taken"),
            message: text("it names another image"),
        },
        Event::Ready {
            ordinal: 2,
            application_set: text("shop"),
            bundle: text("2026.11"),
            tag: tag(),
            items: vec![item()],
        },
        Event::Succeeded { ordinal: 2 },
        Event::Failed {
            ordinal: 2,
            outcome: Outcome::Aborted,
            message: text("the wrong bundle"),
        },
        Event::Resumed { ordinal: 2 },
    ]
}

#[test]
fn stored_events_mean_what_they_meant() {
    let golden = Golden::of_this_project();
    let mut checked: std::collections::BTreeSet<_> = examples()
        .iter()
        .map(|event| golden.check::<Releases>(event).unwrap())
        .collect();
    let reserved = Reserved {
        key: Key {
            repository: "*".to_owned(),
            core: "shop-2026.11".to_owned(),
            channel: "rc".to_owned(),
        },
        number: 3,
        asker: item().build,
        commit: None,
    };
    checked.insert(golden.check::<Version>(&reserved).unwrap());
    let settled = Settled {
        repository: "git.example.com/shop/storefront".to_owned(),
        commit: Oid::parse(&"c0".repeat(20)).unwrap(),
        channel: "alpha".to_owned(),
        prefix: "v".to_owned(),
        version: "v1.4.2-alpha.3".to_owned(),
    };
    checked.insert(golden.check::<CommitVersions>(&settled).unwrap());
    assert_eq!(golden.names("towpath.release.v1").unwrap(), checked);
}

/// A field that came later: events without it stay what they were, and it is kept.
#[test]
fn a_reservation_for_a_commit_names_it() {
    let reserved = Reserved {
        key: Key {
            repository: "git.example.com/shop/storefront".to_owned(),
            core: "v1.4".to_owned(),
            channel: "latest".to_owned(),
        },
        number: u64::from(u32::MAX) + 1,
        asker: item().build,
        commit: item().commit,
    };
    assert_eq!(
        Version::decode(&Version::encode(&reserved)).unwrap(),
        reserved
    );
}

#[test]
fn an_event_of_a_later_schema_is_unknown() {
    let mut record = Releases::encode(&Event::Succeeded { ordinal: 1 });
    record.schema = 2;
    assert!(Releases::decode(&record).is_err());
    record.schema = 1;
    "towpath.release.v1.ReleaseForgotten".clone_into(&mut record.kind);
    assert!(Releases::decode(&record).is_err());
}

#[test]
fn what_it_consumes_of_others_is_what_its_fold_takes_in() {
    // The golden deployment is a rollback; a release is made of those of pre-release.
    let as_pre_release = |stored: &Stored| {
        let record = &stored.commit.events[0];
        let mut message = pb::DeploymentCreated::decode(record.payload.clone()).unwrap();
        "PRE_RELEASE".clone_into(&mut message.kind);
        let payload = message.encode_to_vec().into();
        let record = EventRecord {
            payload,
            ..record.clone()
        };
        golden::stored(stored.commit.aggregate.kind(), record)
    };
    let takes = |stored: &Stored| {
        let is_opened = stored.commit.events[0].kind.ends_with(".DeploymentCreated");
        let amended = is_opened.then(|| as_pre_release(stored));
        Ok(!facts(amended.as_ref().unwrap_or(stored))?.is_empty())
    };
    let taken = Golden::of_this_project()
        .consumed(crate::ROLE, takes)
        .unwrap();
    let listed = CONSUMES.iter().map(|it| it.event.to_owned()).collect();
    assert_eq!(taken, listed);
}
