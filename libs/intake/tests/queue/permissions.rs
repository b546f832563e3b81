//! What the role is allowed to do is enough, and no more.

use async_nats::ConnectOptions;
use async_nats::jetstream;

use crate::broker::Broker;
use crate::world::{World, eventually};

fn users() -> String {
    let list = |it: &[&str]| {
        let quoted: Vec<_> = it.iter().map(|it| format!("{it:?}")).collect();
        quoted.join(", ")
    };
    let subscribes = [intake::SUBSCRIBES, &["_INBOX_cd.>"]].concat();
    format!(
        "authorization {{ users: [
           {{ user: operator, password: o }}
           {{ user: cd, password: c, permissions: {{ publish: [{}], subscribe: [{}] }} }}
         ] }}",
        list(intake::PUBLISHES),
        list(&subscribes)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_reads_and_refuses_and_cannot_do_more() {
    let broker = Broker::with_users(&users());
    let operator = ConnectOptions::with_user_and_password("operator".into(), "o".into());
    let operator = broker.connect(operator).await;
    intake::create(operator.clone(), 1).await.unwrap();
    let world = World::around(broker, operator);

    let role = intake::Broker {
        servers: vec![world.broker.url()],
        user: "cd".to_owned(),
        password: "c".to_owned(),
        ca: None,
    };
    let wrong = intake::Broker {
        password: "x".to_owned(),
        ..role.clone()
    };
    assert!(wrong.connect().await.unwrap_err().is_final);
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
