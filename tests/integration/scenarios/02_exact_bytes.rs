//! Thirteen version bumps of a public infrastructure repository, made again through the server.

use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Manifests, PlainFile, Report, World, settings};

/// One bump, as its bot made it.
struct Bump {
    file: String,
    before: String,
    pointer: String,
    value: String,
    version: String,
    after_blob: String,
}

fn bumps() -> Vec<Bump> {
    let shared = settings()
        .shared
        .as_ref()
        .map(|it| it.join("real/env-bumps.jsonl"));
    let copy = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/env-bumps.jsonl"
    ));
    let path = shared.filter(|it| it.exists()).unwrap_or(copy);
    let text = std::fs::read_to_string(path).unwrap();
    let bump = |line: &str| {
        let json: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Bump {
            file: text("file"),
            before: text("before"),
            pointer: text("pointer"),
            value: text("value"),
            version: text("version"),
            after_blob: text("after_blob"),
        }
    };
    text.lines().filter(|it| !it.is_empty()).map(bump).collect()
}

impl Bump {
    async fn world(&self) -> World {
        let mut manifests = Manifests::of(["api"]);
        manifests.plain_files.push(PlainFile {
            application: "api".to_owned(),
            file: self.file.clone(),
            pointer: self.pointer.clone(),
            value: self.value.clone(),
        });
        World::with(manifests, &[(&self.file, &self.before)]).await
    }

    /// Reports the version and looks what came of the file.
    async fn is_made_again(&self) {
        let world = self.world().await;
        let server = world.start().await;
        let began = world.remote.tip().await;
        let digest = world.image("api", &self.version).await;
        let id = server
            .deployed(&Report::of("api", &self.version, &digest))
            .await;
        let blob = world
            .remote
            .run(&["rev-parse", &format!("main:{}", self.file)])
            .await;
        assert_eq!(blob, self.after_blob, "{} {}", self.file, self.version);
        let commits = world.remote.trailers("Towpath-Deployment").await;
        let [(commit, of)] = &commits[..] else {
            panic!("{commits:?}")
        };
        assert_eq!(of, &id);
        assert_eq!(world.remote.changed(commit).await, [self.file.as_str()]);
        assert_eq!(
            world
                .remote
                .run(&["rev-parse", &format!("{commit}^")])
                .await,
            began
        );
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bump_of_a_real_repository_gives_the_very_blob_that_its_bot_made() {
    let bumps = bumps();
    assert_eq!(bumps.len(), 13);
    for bump in &bumps {
        bump.is_made_again().await;
    }
    println!("{} of {} blobs are the same", bumps.len(), bumps.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_makes_a_whole_run_of_bumps_one_after_another() {
    let bumps = bumps();
    let follows = |pair: &[Bump]| pair[0].pointer == pair[1].pointer;
    let chain = &bumps[..=bumps.windows(2).take_while(|pair| follows(pair)).count()];
    let world = chain[0].world().await;
    let server = world.start().await;
    for bump in chain {
        assert_eq!(world.remote.file(&bump.file).await, bump.before.as_bytes());
        let digest = world.image("api", &bump.version).await;
        server
            .deployed(&Report::of("api", &bump.version, &digest))
            .await;
        let blob = world
            .remote
            .run(&["rev-parse", &format!("main:{}", bump.file)])
            .await;
        assert_eq!(blob, bump.after_blob, "{}", bump.version);
    }
    assert_eq!(
        world.remote.trailers("Towpath-Deployment").await.len(),
        chain.len()
    );
    server.stop().await;
}
