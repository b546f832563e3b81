//! What is good is reported once, in the order of its definition.

use service::fault::{Fault, Kind};

use crate::world::World;

const DEFINITIONS: [&str; 5] = ["api", "mail", "shop", "stock", "web.front"];

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_taken_once_and_in_order() {
    let world = World::new().await;
    let versions: Vec<_> = (0..20).map(|it| format!("1.0.{it}")).collect();
    // Some wait before anybody reads, some come while somebody does.
    for version in &versions[..10] {
        for definition in DEFINITIONS {
            world.report(definition, version).await;
        }
    }
    let stop = world.read().await;
    for version in &versions[10..] {
        for definition in DEFINITIONS {
            world.report(definition, version).await;
        }
    }
    world.settled(100).await;
    for definition in DEFINITIONS {
        assert_eq!(world.book.versions(definition), versions, "{definition}");
    }
    assert!(world.book.callers().iter().all(|it| it == "ci"));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_readers_share_the_work() {
    let world = World::new().await;
    let (first, second) = (world.read().await, world.read().await);
    for at in 0..50 {
        world
            .report(DEFINITIONS[at % 5], &format!("1.0.{at}"))
            .await;
    }
    world.settled(50).await;
    first.cancel();
    second.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_now_is_asked_again() {
    let world = World::new().await;
    let kinds = [Kind::Unknown, Kind::Broken, Kind::Exhausted, Kind::Lost];
    let faults = kinds.map(|it| Fault::new(it, "log-away", "the log is away"));
    world.book.refuse(faults);
    let stop = world.read().await;
    for (at, definition) in DEFINITIONS.into_iter().enumerate() {
        world.report(definition, &format!("1.0.{at}")).await;
    }
    world.settled(5).await;
    assert_eq!(
        world.held(intake::DLQ).await,
        0,
        "trouble that passes is no refusal"
    );
    stop.cancel();
}
