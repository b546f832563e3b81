//! The broker is killed and comes back: nothing is lost, and nobody has to do anything.

use std::time::Duration;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_away_loses_nothing() {
    let mut world = World::new().await;
    let stop = world.read().await;
    world.report("api", "1.0.0").await;
    world.settled(1).await;
    for round in 1..4 {
        world.broker.kill();
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.broker.restart();
        world.report("api", &format!("1.{round}.0")).await;
    }
    let versions = ["1.0.0", "1.1.0", "1.2.0", "1.3.0"];
    world.settled_after_kills(&versions).await;
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_took_before_it_was_killed_is_read_afterwards() {
    let mut world = World::new().await;
    for at in 0..10 {
        world.report("api", &format!("1.0.{at}")).await;
    }
    world.broker.kill();
    world.broker.restart();
    let client = world.broker.client().await;
    let stop = world.read_as(client).await;
    world.settled(10).await;
    stop.cancel();
}
