//! CI that has nothing but NATS reports builds as events; what is refused is kept with the reason.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Report, Server, Shape, World, python, settings};

/// Longer than the broker is away, and than anything takes afterwards.
const PATIENCE: Duration = Duration::from_mins(3);

/// How long the broker is away.
fn away() -> Duration {
    Duration::from_secs(settings().form.pick(60, 8))
}

/// An event about a build of `api`, from the repository that it is built from.
fn event(world: &World, report: &Report) -> Value {
    json!({
        "specversion": "1.0",
        "id": format!("{}-{}", report.definition, report.version),
        "source": world.source.path(),
        "type": "dev.towpath.build.reported.v1",
        "datacontenttype": "application/json",
        "data": report.json(),
    })
}

/// CI's side: an identity's token in a file.
async fn token(world: &World, name: &str, more: &[&str]) -> PathBuf {
    let create = ["access", "create", name, "--group", "ci"];
    let json = world.json(&[&create, more].concat()).await;
    let path = world.root().join(format!("{name}.token"));
    std::fs::write(&path, json["token"].as_str().unwrap()).unwrap();
    path
}

async fn publish(world: &World, token: &Path, body: &str) {
    let stores = world.stores().await.unwrap();
    let password = stores.password_file("ci");
    python::client("publish.py", &world.home())
        .await
        .args(["--server", &stores.nats_url(), "--user", "ci"])
        .args(["--password-file", password.to_str().unwrap()])
        .args(["--token-file", token.to_str().unwrap()])
        .args(["--subject", "tp.in.build.api"])
        .within_time(PATIENCE)
        .feed(body.as_bytes())
        .await
        .ok();
}

async fn letters(world: &World, count: usize) -> Vec<Value> {
    let stores = world.stores().await.unwrap();
    let password = stores.password_file("operator");
    let printed = python::client("letters.py", &world.home())
        .await
        .args(["--server", &stores.nats_url(), "--user", "operator"])
        .args(["--password-file", password.to_str().unwrap()])
        .args(["--count", &count.to_string()])
        .run()
        .await
        .ok();
    let lines = printed.lines().map(serde_json::from_str);
    lines.map(Result::unwrap).collect()
}

/// Waits until the deployment of a version is there and has succeeded.
async fn deployed(server: &Server, version: &str) {
    let found = async {
        loop {
            let all = server.api().deployments().await;
            if let Some(it) = all.iter().find(|it| it.version == version) {
                break it.id.clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let id = tokio::time::timeout(PATIENCE, found).await;
    let id = id.unwrap_or_else(|_| panic!("{version} was not reported\n{}", server.stderr()));
    server.api().succeeded(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_deploy_and_refused_ones_are_kept_with_the_reason() {
    let world = World::of(["api"]).await.shaped(Shape::Split);
    let server = world.start().await;
    let ci = token(&world, "ci", &[]).await;
    let late = token(&world, "late", &["--expires", "1s"]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let first = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let good = event(&world, &first);
    publish(&world, &ci, &good.to_string()).await;
    deployed(&server, "1.0.0").await;

    let second = Report::of("api", "1.1.0", &world.image("api", "1.1.0").await);
    let mut elsewhere = event(&world, &second);
    elsewhere["source"] = json!("https://forge.example/acme/other");
    elsewhere["id"] = json!("elsewhere");
    let mut expired = event(&world, &second);
    expired["id"] = json!("expired");
    publish(&world, &ci, &elsewhere.to_string()).await;
    publish(&world, &late, &expired.to_string()).await;
    publish(&world, &ci, "{ no json").await;
    publish(&world, &ci, &event(&world, &second).to_string()).await;
    deployed(&server, "1.1.0").await;

    let letters = letters(&world, 3).await;
    let mut codes: Vec<_> = letters
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        ["event-malformed", "token-expired", "wrong-repository"],
        "{letters:#?}"
    );
    for (letter, token) in letters.iter().flat_map(|it| [(it, &ci), (it, &late)]) {
        assert!(
            !letter["message"].as_str().unwrap().is_empty(),
            "{letter:#}"
        );
        let secret = std::fs::read_to_string(token).unwrap();
        assert!(
            !letter.to_string().contains(&secret),
            "a letter holds a token"
        );
    }
    let versions = server.api().deployments().await.len();
    assert_eq!(versions, 2, "nothing refused was deployed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_broker_is_away_nothing_is_lost() {
    let world = World::of(["api"]).await.shaped(Shape::Split);
    let server = world.start().await;
    let ci = token(&world, "ci", &[]).await;
    for version in ["1.0.0", "1.1.0"] {
        world.image("api", version).await;
    }
    let report = async |version: &str| {
        let digest = world.image("api", version).await;
        let body = event(&world, &Report::of("api", version, &digest)).to_string();
        publish(&world, &ci, &body).await;
    };
    report("1.0.0").await;
    let stores = world.stores().await.unwrap();
    let broker = async {
        stores.kill_nats();
        tokio::time::sleep(away()).await;
        stores.restart_nats();
    };
    // CI publishes while nobody is there, and tries until somebody is.
    tokio::join!(broker, report("1.1.0"));
    deployed(&server, "1.1.0").await;
    let all = server.api().deployments().await;
    assert_eq!(all.len(), 2, "{all:#?}");
    server.stop().await;
}
