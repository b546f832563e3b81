//! The streams are made once, and whoever changes them is named.

use std::time::Duration;

use async_nats::jetstream::stream::Config;

use crate::world::World;

async fn refusal(world: &World) -> String {
    let checked = intake::check(world.client.clone(), 1).await;
    checked.unwrap_err().to_string()
}

async fn change(world: &World, stream: &str, change: impl FnOnce(&mut Config)) {
    let it = world.context.get_stream(stream).await.unwrap();
    let mut config = it.cached_info().config.clone();
    change(&mut config);
    world.context.update_stream(config).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn making_them_again_changes_nothing() {
    let world = World::new().await;
    world.report("api", "1.0.0").await;
    intake::create(world.client.clone(), 1).await.unwrap();
    assert_eq!(world.held(intake::IN).await, 1);
    intake::check(world.client.clone(), 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_setting_is_named() {
    let world = World::new().await;
    change(&world, intake::IN, |it| {
        it.max_age = Duration::from_hours(1);
    })
    .await;
    let said = refusal(&world).await;
    assert!(
        said.contains("TP_IN") && said.contains("max_age is 3600s, not unlimited"),
        "{said}"
    );
    change(&world, intake::IN, |it| it.max_age = Duration::ZERO).await;
    change(&world, intake::DLQ, |it| {
        it.subjects.push("other".to_owned());
    })
    .await;
    let said = refusal(&world).await;
    assert!(
        said.contains("TP_DLQ") && said.contains("subjects"),
        "{said}"
    );
    let said = intake::create(world.client.clone(), 1)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("TP_DLQ") && said.contains("subjects"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let world = World::new().await;
    let stream = world.context.get_stream(intake::IN).await.unwrap();
    stream.delete_consumer(intake::CONSUMER).await.unwrap();
    let said = refusal(&world).await;
    assert!(
        said.contains("the consumer cd-manager of TP_IN is not there"),
        "{said}"
    );
    assert!(said.contains("towpath migrate"), "{said}");
    world.context.delete_stream(intake::DLQ).await.unwrap();
    let said = refusal(&world).await;
    assert!(said.contains("the stream TP_DLQ is not there"), "{said}");
    intake::create(world.client.clone(), 1).await.unwrap();
    intake::check(world.client.clone(), 1).await.unwrap();
}
