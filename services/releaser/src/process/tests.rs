//! What has to be done, from facts alone.

use super::*;

fn item(deployment: u128, version: &str) -> Item {
    Item {
        application: "api".into(),
        deployment: Uuid::from_u128(deployment),
        build: Uuid::from_u128(deployment + 100),
        definition: "api".into(),
        container: "api".into(),
        version: Version::parse(version).unwrap(),
        digest: Digest::of(version.as_bytes()),
        registries: vec!["local".into()],
        commit: None,
    }
}

fn world(facts: impl IntoIterator<Item = Fact>) -> World {
    let mut world = World::default();
    for fact in facts {
        world.observe(&fact);
    }
    world
}

fn succeeded(deployment: u128) -> Fact {
    Fact::Deployment(Uuid::from_u128(deployment), Change::Succeeded)
}

fn last(world: &World) -> Option<&str> {
    world.last_success("api").map(|it| it.version.as_str())
}

#[test]
fn what_succeeded_last_and_was_not_taken_back_is_released() {
    let mut world = world([
        Fact::Opened(item(1, "v1")),
        Fact::Opened(item(2, "v2")),
        Fact::Opened(item(3, "v3")),
        succeeded(1),
    ]);
    assert_eq!(last(&world), Some("v1"));
    world.observe(&Fact::Deployment(
        Uuid::from_u128(2),
        Change::Ended(Outcome::Failed, "500".into()),
    ));
    assert_eq!(last(&world), Some("v1"));
    world.observe(&succeeded(2));
    world.observe(&succeeded(3));
    assert_eq!(last(&world), Some("v3"));
    world.observe(&Fact::Deployment(Uuid::from_u128(3), Change::RolledBack));
    assert_eq!(last(&world), Some("v2"));
    world.observe(&Fact::Quarantined(Uuid::from_u128(102)));
    assert_eq!(last(&world), Some("v1"));
    assert_eq!(world.doubt("api"), None);
    let aggregate = AggregateId::new("deployment", Uuid::from_u128(101));
    world.set_aside(&aggregate, "from the future".into());
    assert_eq!(world.doubt("api"), Some("from the future"));
    assert_eq!(world.doubt("shop"), None);
    // Of what was never opened in pre-release nothing is known.
    world.observe(&succeeded(9));
    assert_eq!(last(&world), Some("v1"));
}

fn event(event: Event) -> Fact {
    Fact::Release {
        id: release_id("shop", "1"),
        at_us: 7,
        actor: "rosa".into(),
        event,
    }
}

fn begun() -> [Fact; 2] {
    [
        event(Event::Created {
            application_set: "shop".into(),
            bundle: "1".into(),
            track: "main".into(),
        }),
        event(Event::PassBegun {
            ordinal: 0,
            items: vec![item(1, "v1")],
        }),
    ]
}

fn tag() -> Version {
    Version::parse("shop-1-rc.0").unwrap()
}

fn ready() -> [Fact; 2] {
    [
        event(Event::Numbered {
            ordinal: 0,
            number: 0,
            tag: tag(),
        }),
        event(Event::Ready {
            ordinal: 0,
            application_set: "shop".into(),
            bundle: "1".into(),
            tag: tag(),
            items: vec![item(1, "v1")],
        }),
    ]
}

fn effects(world: &mut World) -> Vec<Effect> {
    let first = world.react();
    assert_eq!(world.react(), first, "asking twice asks for the same");
    let release = release_id("shop", "1");
    assert_eq!(world.asked(release), first, "there is no other release");
    first.into_iter().map(|it| it.effect).collect()
}

#[test]
fn a_pass_is_numbered_then_tagged_then_followed() {
    let mut world = world(begun());
    assert_eq!(effects(&mut world), [Effect::Number]);
    let [numbered, ready] = ready();
    world.observe(&numbered);
    let wanted = Effect::Tag {
        application: "api".into(),
        container: "api".into(),
        registry: "local".into(),
        digest: item(1, "v1").digest,
        tag: tag(),
    };
    assert_eq!(effects(&mut world), [wanted]);
    world.observe(&ready);
    assert_eq!(effects(&mut world), []);
    let deployment = deployment_id(release_id("shop", "1"), "api", 0);
    world.observe(&Fact::Deployment(deployment, Change::Succeeded));
    assert_eq!(effects(&mut world), [Effect::RecordEnd(Ok(()))]);
    world.observe(&event(Event::Succeeded { ordinal: 0 }));
    assert_eq!(effects(&mut world), []);
}

#[test]
fn a_deployment_that_is_retried_takes_its_release_along() {
    let mut world = world(begun().into_iter().chain(ready()));
    let deployment = deployment_id(release_id("shop", "1"), "api", 0);
    let failed = (Outcome::Failed, "500".to_owned());
    world.observe(&Fact::Deployment(
        deployment,
        Change::Ended(failed.0, failed.1.clone()),
    ));
    assert_eq!(effects(&mut world), [Effect::RecordEnd(Err(failed))]);
    world.observe(&event(Event::Failed {
        ordinal: 0,
        outcome: Outcome::Failed,
        message: "500".into(),
    }));
    assert_eq!(effects(&mut world), []);
    world.observe(&Fact::Deployment(deployment, Change::Retried));
    assert_eq!(effects(&mut world), [Effect::Resume]);
    world.observe(&event(Event::Resumed { ordinal: 0 }));
    assert_eq!(effects(&mut world), []);
}

#[test]
fn a_release_that_a_newer_binary_wrote_about_is_left_alone() {
    let mut world = world(begun());
    let aggregate = AggregateId::new("release", release_id("shop", "1"));
    world.set_aside(&aggregate, "from the future".into());
    assert_eq!(effects(&mut world), []);
    assert_eq!(
        world.aside(release_id("shop", "1")),
        Some("from the future")
    );
}
