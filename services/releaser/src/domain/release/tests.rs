//! Decisions about releases.

use decider::given;
use ids::{Digest, Uuid};

use super::*;

fn item(version: &str) -> Item {
    Item {
        application: "api".into(),
        deployment: Uuid::from_u128(1),
        build: Uuid::from_u128(2),
        definition: "api".into(),
        container: "api".into(),
        version: Version::parse(version).unwrap(),
        digest: Digest::of(version.as_bytes()),
        registries: vec!["one".into(), "two".into()],
        commit: None,
    }
}

fn create_with(bundle: &str, items: Vec<Item>) -> Command {
    Command::Create {
        application_set: "shop".into(),
        bundle: bundle.into(),
        track: "main".into(),
        items,
    }
}

fn create(version: &str) -> Command {
    create_with("2026.11", vec![item(version)])
}

fn created() -> Event {
    Event::Created {
        application_set: "shop".into(),
        bundle: "2026.11".into(),
        track: "main".into(),
    }
}

fn begun(ordinal: u32, version: &str) -> Event {
    Event::PassBegun {
        ordinal,
        items: vec![item(version)],
    }
}

fn numbered(ordinal: u32, number: u32) -> Event {
    Event::Numbered {
        ordinal,
        number,
        tag: Version::parse(&format!("shop-2026.11-rc.{number}")).unwrap(),
    }
}

fn tagged(registry: &str) -> Tagged {
    Tagged {
        application: "api".into(),
        registry: registry.into(),
        place: format!("{registry}/api"),
        digest: item("v1").digest,
        already: false,
    }
}

fn ready(ordinal: u32) -> Event {
    Event::Ready {
        ordinal,
        application_set: "shop".into(),
        bundle: "2026.11".into(),
        tag: Version::parse("shop-2026.11-rc.0").unwrap(),
        items: vec![item("v1")],
    }
}

#[test]
fn a_candidate_is_ready_when_the_last_registry_holds_its_tag() {
    let record = |registry: &str| Command::RecordTag {
        ordinal: 0,
        tagged: tagged(registry),
    };
    let told = |registry: &str| Event::Tagged {
        ordinal: 0,
        tagged: tagged(registry),
    };
    let number = Command::Number {
        ordinal: 0,
        number: 0,
    };
    let underway = Rejection::Underway("shop-2026.11-rc.0".into());
    given::<Releases>([])
        .refuses(&number, &Rejection::Unknown)
        .then(&create("v1"), &[created(), begun(0, "v1")])
        .then(&record("one"), &[])
        .then(&number, &[numbered(0, 0)])
        .then(&number, &[])
        .then(&record("one"), &[told("one")])
        .then(&record("one"), &[])
        .then(&record("elsewhere"), &[])
        .then(&record("two"), &[told("two"), ready(0)])
        .then(&record("two"), &[])
        .refuses(&create("v2"), &underway);
}

#[test]
fn a_pass_that_failed_is_followed_by_the_next_and_late_news_change_nothing() {
    let failed = |ordinal, outcome| Command::RecordEnd {
        ordinal,
        ended: Err((outcome, "500".to_owned())),
    };
    let happened = |ordinal, outcome| Event::Failed {
        ordinal,
        outcome,
        message: "500".into(),
    };
    let resume = Command::Resume { ordinal: 0 };
    let before = [created(), begun(0, "v1"), numbered(0, 0), ready(0)];
    given::<Releases>(before)
        .then(&failed(0, Outcome::Failed), &[happened(0, Outcome::Failed)])
        .then(&resume, &[Event::Resumed { ordinal: 0 }])
        .then(&resume, &[])
        .then(
            &failed(0, Outcome::Aborted),
            &[happened(0, Outcome::Aborted)],
        )
        .then(&create("v2"), &[begun(1, "v2")])
        .then(&resume, &[])
        .then(&failed(0, Outcome::Failed), &[]);
}

#[test]
fn a_refused_tag_ends_the_pass_and_a_released_bundle_stays() {
    let refuse = Command::Refuse {
        ordinal: 0,
        application: "api".into(),
        registry: "one".into(),
        code: "tag-taken".into(),
        message: "it names another image".into(),
    };
    let refused = Event::Refused {
        ordinal: 0,
        application: "api".into(),
        registry: "one".into(),
        code: "tag-taken".into(),
        message: "it names another image".into(),
    };
    given::<Releases>([created(), begun(0, "v1"), numbered(0, 0)])
        .then(&refuse, &[refused])
        .then(&refuse, &[])
        .then(&create("v1"), &[begun(1, "v1")]);
    let done = Command::RecordEnd {
        ordinal: 0,
        ended: Ok(()),
    };
    let released = Rejection::Released("shop-2026.11-rc.0".into());
    given::<Releases>([created(), begun(0, "v1"), numbered(0, 0), ready(0)])
        .then(&done, &[Event::Succeeded { ordinal: 0 }])
        .refuses(&create("v2"), &released);
}

#[test]
fn a_release_needs_something_to_release_and_a_name_that_makes_tags() {
    let nowhere = Item {
        registries: vec![],
        ..item("v1")
    };
    let _refused = given::<Releases>([])
        .refuses(&create_with("1", vec![]), &Rejection::Empty)
        .refuses(
            &create_with("1", vec![nowhere]),
            &Rejection::NoRegistry("api".into()),
        );
    let too_long = Releases::decide(&None, &create_with(&"b".repeat(120), vec![item("v1")]));
    assert!(matches!(too_long, Err(Rejection::NoTag(_))), "{too_long:?}");
}
