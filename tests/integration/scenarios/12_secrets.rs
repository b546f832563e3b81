//! Tokens are for their owners: no output, no file, no log repeats one.

use std::path::{Path, PathBuf};

use crate::harness::{Api, Options, Report, Server, World};

/// Every file below, except those that are meant to hold a token.
fn files(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            files(&path, into);
        } else if path.is_file() {
            into.push(path);
        }
    }
}

fn holds(path: &Path, needle: &str) -> bool {
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes
        .windows(needle.len())
        .any(|it| it == needle.as_bytes())
}

const CANARY: &str = "tp_canary000000000000000000000000000000000000000000000";

/// What is said to whoever comes with a token that is not known.
async fn to_a_stranger(world: &World, server: &Server) -> Vec<String> {
    let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let body = report.json().to_string().into_bytes();
    let mut seen = vec![server.post(Some(CANARY), body).await.text()];
    let api = Api::at(&server.address, CANARY);
    seen.push(
        api.report(&report, Some("key"))
            .await
            .unwrap_err()
            .to_string(),
    );
    for arguments in [
        &["deployments", "list"][..],
        &["-v", "deployments", "list"],
        &["--output", "json", "status"],
    ] {
        let program = world
            .towpath()
            .args(["--data", world.data.to_str().unwrap()]);
        let outcome = program
            .args(arguments)
            .env("TOWPATH_TOKEN", CANARY)
            .run()
            .await;
        assert_eq!(outcome.code, 1, "{outcome}");
        seen.push(outcome.all());
    }
    seen
}

/// What is said to those who may report, and written down about it.
async fn to_friends(world: &World, server: &Server, tokens: &[&str]) -> Vec<String> {
    let mut seen = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let version = format!("1.0.{at}");
        let report = Report::of("api", &version, &world.image("api", &version).await);
        let answer = server
            .post(Some(token), report.json().to_string().into_bytes())
            .await;
        seen.push(answer.text());
        let id = answer.json()["deployments"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        server.api().settled(&id).await;
        seen.push(world.explain(&id).await.to_string());
    }
    seen.push(world.cli(&["-v", "log", "tail"]).await.all());
    seen.push(world.cli(&["access", "list"]).await.all());
    seen
}

/// A password in an address is refused before anything is done with it, and not repeated.
async fn in_an_address(world: &World) -> Vec<String> {
    let url = format!("https://user:{CANARY}@127.0.0.1:1/acme/environments.git");
    let options = Options {
        data: Some(world.root().join("other")),
        manifests: Some(url.clone()),
        ..Options::default()
    };
    let refusal = world.refusal(&options).await;
    assert_eq!(
        refusal.code,
        2,
        "{}",
        refusal.stderr.replace(CANARY, "<canary>")
    );
    let init = world.cli(&["init", "--manifests", &url]).await;
    assert_ne!(init.code, 0);
    vec![refusal.stderr, init.text(), init.stderr]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_to_nobody_and_kept_nowhere() {
    let world = World::of(["api"]).await;
    let talkative = Options {
        more: vec!["-v".to_owned()],
        ..Options::default()
    };
    let server = Server::start(&world, &talkative)
        .await
        .unwrap_or_else(|it| panic!("{it}"));
    let (issued, admin) = (world.token("ci", "ci").await, server.token.clone());
    let mut seen = to_a_stranger(&world, &server).await;
    seen.extend(to_friends(&world, &server, &[&issued, &admin]).await);
    server.stop().await;
    seen.extend(in_an_address(&world).await);
    for secret in [CANARY, &issued, &admin] {
        let shown: Vec<_> = seen.iter().filter(|it| it.contains(secret)).collect();
        assert!(shown.is_empty(), "{shown:#?}");
        // Among the files is everything that the server wrote on standard error.
        let mut kept = Vec::new();
        files(world.root(), &mut kept);
        kept.retain(|it| !it.ends_with("admin.token") && holds(it, secret));
        assert!(kept.is_empty(), "{kept:?}");
    }
}
