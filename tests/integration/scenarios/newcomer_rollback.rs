//! What somebody stumbled over who used it for the first time: going back, and who did it.

use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use proto::delivery::v1::{RollbackRequest, RollbackResponse};
use serde_json::Value;
use tonic::{Request, Status};

use super::newcomer::{command, command_as, ran, refused, serves};
use crate::harness::{Report, Server, World};

const ROLLBACK: [&str; 4] = ["rollback", "api", "--env", "development"];

/// Rolls back and waits until it is done; gives the answer.
async fn back(world: &World, server: &Server) -> Value {
    let done = world.json(&ROLLBACK).await;
    let id = done["deployment_id"].as_str().unwrap();
    server.api().succeeded(id).await;
    done
}

async fn holds(world: &World) -> Vec<Value> {
    let json = world.json(&["hold", "list"]).await;
    json["holds"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_to_a_quarantined_version_is_refused() {
    let (world, server) = ran(&["1.0.0", "1.1.0", "1.2.0"]).await;
    let other = Report::of("api", "1.1.0", &world.image("api", "other-bytes").await);
    assert_eq!(server.report(&other).await.status, 409);
    let tip = world.remote.tip().await;
    for more in [
        &[][..],
        &["--dry-run"],
        &["--to", "1.1.0"],
        &["--to", "1.1.0", "--dry-run"],
    ] {
        let rollback = command(&world, &ROLLBACK).args(more);
        let said = refused(rollback, 1, "build-quarantined").await;
        assert!(said.contains("1.1.0"), "{said}");
    }
    assert_eq!(world.remote.tip().await, tip, "nothing was written");
    assert_eq!(holds(&world).await, [] as [Value; 0], "nothing is held");
    serves(&world, "1.2.0").await;
    let to_good = [&ROLLBACK[..], &["--to", "1.0.0"]].concat();
    world.json(&to_good).await;
    serves(&world, "1.0.0").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rollbacks_go_two_versions_back_and_leave_one_hold() {
    let (world, server) = ran(&["1.0.0", "1.1.0", "1.2.0"]).await;
    let first = back(&world, &server).await;
    let second = back(&world, &server).await;
    for (done, from, to) in [(&first, "1.2.0", "1.1.0"), (&second, "1.1.0", "1.0.0")] {
        assert_eq!(done["from_version"], from, "{done:#}");
        assert_eq!(done["to_version"], to, "{done:#}");
    }
    serves(&world, "1.0.0").await;
    refused(command(&world, &ROLLBACK), 1, "never-ran-there").await;
    let held = holds(&world).await;
    assert_eq!(held.len(), 1, "{held:#?}");
    assert_eq!(held[0]["id"], second["hold_id"], "{held:#?}");
    // One release is enough.
    let hold = held[0]["id"].as_str().unwrap();
    world.cli(&["hold", "release", hold]).await.ok();
    let next = Report::of("api", "1.3.0", &world.image("api", "1.3.0").await);
    server.deployed(&next).await;
    serves(&world, "1.3.0").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hold_of_a_rollback_is_by_whoever_asked_for_it() {
    let (world, server) = ran(&["1.0.0", "1.1.0"]).await;
    let rita = world.token("rita", "release-manager").await;
    let rollback = command_as(&world, &rita, &["--output", "json"]).args(ROLLBACK);
    let done: Value = serde_json::from_str(&rollback.run().await.ok()).unwrap();
    let id = done["deployment_id"].as_str().unwrap();
    assert_eq!(server.api().succeeded(id).await.requested_by, "rita");
    let held = holds(&world).await;
    assert_eq!((held.len(), &held[0]["placed_by"]), (1, &"rita".into()));
    let text = world.cli(&["hold", "list"]).await.ok();
    assert!(
        text.contains("rita") && !text.contains("cd-manager"),
        "{text}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_characters_name_a_build_a_deployment_and_a_hold() {
    let (world, server) = ran(&["1.0.0", "1.1.0"]).await;
    let done = back(&world, &server).await;
    let deployment = done["deployment_id"].as_str().unwrap();
    let shown = world.json(&["deployments", "show", &deployment[..8]]).await;
    let build = shown["deployment"]["build_id"]
        .as_str()
        .or(shown["build_id"].as_str())
        .unwrap_or_else(|| panic!("{shown:#}"));
    for (id, short) in [(build, &build[..8]), (deployment, &deployment[..8])] {
        assert_eq!(world.explain(short).await["subject"], id);
    }
    let hold = done["hold_id"].as_str().unwrap();
    let wrong = if hold.starts_with('0') {
        "1fffffff"
    } else {
        "0fffffff"
    };
    let release = command(&world, &["hold", "release", wrong]);
    refused(release, 1, "no-such-hold").await;
    world.cli(&["hold", "release", &hold[..8]]).await.ok();
    assert_eq!(holds(&world).await, [] as [Value; 0]);
    server.stop().await;
}

async fn keyed(
    server: &Server,
    key: &str,
    to: &str,
    dry: bool,
) -> Result<RollbackResponse, Status> {
    let address = format!("http://{}", server.address);
    let mut client = DeliveryServiceClient::connect(address).await.unwrap();
    let mut request = Request::new(RollbackRequest {
        application: "api".to_owned(),
        environment: "development".to_owned(),
        to_version: to.to_owned(),
        reason: "mails twice".to_owned(),
        dry_run: dry,
    });
    let bearer = format!("Bearer {}", server.token).parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let key = key.parse().unwrap();
    request.metadata_mut().insert("idempotency-key", key);
    client
        .rollback(request)
        .await
        .map(tonic::Response::into_inner)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_asked_for_twice_with_one_key_is_done_once_and_answered_the_same() {
    let (world, server) = ran(&["1.0.0", "1.1.0", "1.2.0"]).await;
    let dry = keyed(&server, "k", "", true).await.unwrap();
    let first = keyed(&server, "k", "", false).await.unwrap();
    assert_eq!(
        (&dry.to_version, &dry.diff),
        (&first.to_version, &first.diff)
    );
    // While it is being done, and when it is.
    let mut answers = 0;
    loop {
        assert_eq!(keyed(&server, "k", "", false).await.unwrap(), first);
        answers += 1;
        let deployments = server.api().deployments().await;
        let rollback = deployments.iter().find(|it| it.id == first.deployment_id);
        if rollback.is_some_and(|it| it.state == "SUCCESS") {
            break;
        }
    }
    println!("{answers} answers while it was being done");
    server.api().quiet().await;
    assert_eq!(keyed(&server, "k", "", false).await.unwrap(), first);
    serves(&world, "1.1.0").await;
    let commits = world.remote.trailers("Towpath-Deployment").await;
    let ours = commits.iter().filter(|it| it.1 == first.deployment_id);
    assert_eq!((ours.count(), commits.len()), (1, 4), "{commits:?}");
    assert_eq!(holds(&world).await.len(), 1);

    // Another wish under the same key is refused, whoever restarted meanwhile.
    server.kill9().await;
    let server = world.start().await;
    assert_eq!(keyed(&server, "k", "", false).await.unwrap(), first);
    let other = keyed(&server, "k", "1.0.0", false).await.unwrap_err();
    let code = other.metadata().get("towpath-code").unwrap();
    assert_eq!(code, "idempotency-key-reused", "{other}");
    server.stop().await;
}
