//! What the role is allowed to do is enough, and no more.

use async_nats::jetstream;
use eventlog::nats::Place;
use eventlog::nats::permissions::{self, Secret};

use crate::broker::Broker;
use crate::world::{World, eventually};

/// Those that are shipped, each with its own name as password.
fn shipped() -> String {
    let users = permissions::users(&Place::default());
    let known: Vec<_> = users
        .into_iter()
        .map(|it| {
            let password = Secret::Plain(it.name.clone());
            (it, password)
        })
        .collect();
    permissions::accounts(&known)
}

fn broker_of(broker: &Broker, name: &str, password: &str) -> intake::Broker {
    intake::Broker {
        servers: vec![broker.url()],
        user: name.to_owned(),
        password: password.to_owned(),
        ca: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_reads_and_refuses_and_cannot_do_more() {
    let broker = Broker::with_users(&shipped());
    let operator = broker_of(&broker, "operator", "operator");
    let operator = operator.connect().await.unwrap();
    intake::create(operator.clone(), 1).await.unwrap();
    let world = World::around(broker, operator);

    let wrong = broker_of(&world.broker, "cd-manager", "wrong");
    assert!(wrong.connect().await.unwrap_err().is_final);
    let role = broker_of(&world.broker, "cd-manager", "cd-manager");
    let role = role.connect().await.unwrap();
    let stop = world.read_as(role.clone()).await;
    world.publish("tp.in.build.api", "late", b"{}").await;
    world.report("api", "1.0.0").await;
    world.settled(1).await;
    eventually("the letter is there", async || {
        world.held(intake::DLQ).await == 1
    })
    .await;

    let mut role = jetstream::new(role);
    role.set_timeout(std::time::Duration::from_millis(500));
    let forged = match role.publish("tp.in.build.api", "x".into()).await {
        Ok(sent) => sent.await.map(drop),
        Err(error) => Err(error),
    };
    assert!(forged.is_err(), "it publishes no reports");
    assert!(role.delete_stream(intake::IN).await.is_err());
    assert!(
        intake::create(role.client(), 1).await.is_ok(),
        "nothing has to be made"
    );
    let stream = role.get_stream(intake::IN).await.unwrap();
    assert!(stream.purge().await.is_err());
    assert!(stream.delete_consumer(intake::CONSUMER).await.is_err());
    assert_eq!(world.held(intake::IN).await, 0);
    stop.cancel();
}
