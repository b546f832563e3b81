//! Tokens are for their owners: no output, no file, no log repeats one.

use std::path::{Path, PathBuf};

use crate::harness::{Api, Options, Report, World};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_to_nobody_and_kept_nowhere() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let canary = "tp_canary000000000000000000000000000000000000000000000";
    let issued = world.token("ci", "ci").await;
    let mut seen = Vec::new();
    // As a token, as a value, as a path, in a key: wherever something may be repeated in a message.
    seen.push(
        server
            .post(Some(canary), report.json().to_string().into_bytes())
            .await
            .text(),
    );
    let api = Api::at(&server.address, canary);
    seen.push(
        api.report(&report, Some("key"))
            .await
            .unwrap_err()
            .to_string(),
    );
    let url = format!("https://user:{canary}@127.0.0.1:1/acme/environments.git");
    for arguments in [
        &["deployments", "list"][..],
        &["-v", "deployments", "list"],
        &["--output", "json", "status"],
    ] {
        let program = world
            .towpath()
            .args(["--data", world.data.to_str().unwrap()]);
        seen.push(
            program
                .args(arguments)
                .env("TOWPATH_TOKEN", canary)
                .run()
                .await
                .all(),
        );
    }
    for (token, version) in [(&issued, "1.0.0"), (&server.token, "1.0.1")] {
        let report = Report::of("api", version, &world.image("api", version).await);
        let body = report.json().to_string().into_bytes();
        let answer = server.post(Some(token), body).await;
        seen.push(answer.text());
        let id = answer.json()["deployments"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        server.api().settled(&id).await;
        seen.push(world.explain(&id).await.to_string());
    }
    seen.push(world.cli(&["log", "tail"]).await.all());
    seen.push(world.cli(&["access", "list"]).await.all());
    seen.push(server.stderr());
    let admin = server.token.clone();
    server.stop().await;
    // A password in an address is refused before anything is done with it, and not repeated.
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
        refusal.stderr.replace(canary, "<canary>")
    );
    seen.push(refusal.stderr);
    seen.push(world.cli(&["init", "--manifests", &url]).await.stderr);

    for secret in [canary, &issued, &admin] {
        let shown: Vec<_> = seen.iter().filter(|it| it.contains(secret)).collect();
        assert!(shown.is_empty(), "{shown:#?}");
        let mut kept = Vec::new();
        files(world.root(), &mut kept);
        kept.retain(|it| !it.ends_with("admin.token") && holds(it, secret));
        assert!(kept.is_empty(), "{kept:?}");
    }
}
