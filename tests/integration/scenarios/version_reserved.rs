//! Versions that the server reserves: no two commits get one, and no number comes twice, whatever
//! becomes of the builds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use proto::release::v1::release_service_client::ReleaseServiceClient;
use proto::release::v1::{ReserveVersionRequest, ReserveVersionResponse};
use rand::RngExt as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tonic::Code;
use tonic::transport::Endpoint;

use crate::harness::{Failure, Git, Outcome, Server, World, settings};

/// A clone of a source repository whose versions a server reserves.
struct Ground {
    world: World,
    server: Server,
    git: Git,
}

impl Ground {
    /// `v1.2.3` stands on the first commit.
    async fn new() -> Self {
        let world = World::of(["api"]).await;
        let server = world.start().await;
        let git = world.clone_of(&world.source, "work").await;
        git.run(&["tag", "v1.2.3"]).await;
        Self { world, server, git }
    }

    /// Commits nothing but a message; gives the commit.
    async fn commit(&self, message: &str) -> String {
        let arguments = ["commit", "-q", "--allow-empty", "-m", message];
        self.git.run(&arguments).await;
        self.git.run(&["rev-parse", "HEAD"]).await
    }

    async fn tag(&self, name: &str, commit: &str) {
        self.git.run(&["tag", name, commit]).await;
    }

    async fn attempt(&self, commit: &str, more: &[&str], token: &str) -> Outcome {
        let place = self.git.path().to_str().unwrap();
        let program = self.world.towpath();
        let program = program
            .env("TOWPATH_SERVER", &format!("http://{}", self.server.address))
            .env("TOWPATH_TOKEN", token)
            .args(["version", "compute", "--output", "json", "--repo", place])
            .args(["--commit", commit])
            .args(more);
        program.run().await
    }

    async fn compute(&self, commit: &str, more: &[&str]) -> Value {
        let outcome = self.attempt(commit, more, &self.server.token).await;
        serde_json::from_str(&outcome.ok()).unwrap()
    }

    async fn version(&self, commit: &str, more: &[&str]) -> String {
        let found = self.compute(commit, more).await;
        assert_eq!(found["skip"], false, "{found:#}");
        found["target_version"].as_str().unwrap().to_owned()
    }

    /// The call itself.
    async fn reserve(
        &self,
        request: ReserveVersionRequest,
        key: Option<&str>,
    ) -> Result<ReserveVersionResponse, Failure> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.server.address)).unwrap();
        let mut client = ReleaseServiceClient::new(endpoint.connect().await.unwrap());
        let request = self.server.api().request(request, key);
        Ok(client.reserve_version(request).await?.into_inner())
    }

    /// The versions of commits, all asked for at the same time.
    async fn all(&self, commits: &[String], more: &[&str]) -> BTreeMap<String, String> {
        let versions = join_all(commits.iter().map(|it| self.version(it, more))).await;
        commits.iter().cloned().zip(versions).collect()
    }
}

const LATEST: [&str; 2] = ["--release-type", "latest"];
const ALPHA: [&str; 2] = ["--release-type", "alpha"];

#[tokio::test(flavor = "multi_thread")]
async fn fifty_commits_at_once_get_fifty_versions_and_keep_them() {
    let mut ground = Ground::new().await;
    let mut commits = Vec::new();
    for n in 0..50 {
        commits.push(ground.commit(&format!("fix: number {n}")).await);
    }
    let first = ground.all(&commits, &LATEST).await;
    let versions: BTreeSet<_> = first.values().cloned().collect();
    let expected: BTreeSet<_> = (4..54).map(|it| format!("v1.2.{it}")).collect();
    assert_eq!(versions, expected, "50 versions, none twice, no gap");
    assert_eq!(ground.all(&commits, &LATEST).await, first);

    let alphas = ground.all(&commits[..10], &ALPHA).await;
    let versions: BTreeSet<_> = alphas.values().cloned().collect();
    let expected: BTreeSet<_> = (0..10).map(|it| format!("v1.2.3-alpha.{it}")).collect();
    assert_eq!(versions, expected);

    ground.server.kill9().await;
    ground.server = ground.world.start().await;
    assert_eq!(ground.all(&commits, &LATEST).await, first);
    assert_eq!(ground.all(&commits[..10], &ALPHA).await, alphas);
    ground.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_reserves_no_version_is_doubled() {
    let mut ground = Ground::new().await;
    let mut commits = Vec::new();
    for n in 0..12 {
        commits.push(ground.commit(&format!("fix: number {n}")).await);
    }
    let mut random = settings().random("kill while reserving");
    // What was told counts, whatever was running when it was told.
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..8 {
        let asked = async {
            let token = &ground.server.token;
            let all = commits.iter().map(|it| ground.attempt(it, &LATEST, token));
            join_all(all).await
        };
        let pid = Pid::from_raw(i32::try_from(ground.server.pid()).unwrap()).unwrap();
        let killed = async {
            let after = random.random_range(20..400);
            tokio::time::sleep(Duration::from_millis(after)).await;
            kill_process(pid, Signal::KILL).unwrap();
        };
        let (outcomes, ()) = tokio::join!(asked, killed);
        for (commit, outcome) in commits.iter().zip(outcomes) {
            if outcome.code == 0 {
                let found: Value = serde_json::from_str(&outcome.ok()).unwrap();
                let version = found["target_version"].as_str().unwrap().to_owned();
                let before = told.insert(commit.clone(), version.clone());
                assert!(before.is_none_or(|it| it == version), "{commit}: {version}");
            } else {
                assert_eq!(outcome.code, 3, "{outcome}");
            }
        }
        ground.server.kill9().await;
        ground.server = ground.world.start().await;
    }
    let all = ground.all(&commits, &LATEST).await;
    for (commit, version) in &told {
        assert_eq!(&all[commit], version);
    }
    let versions: BTreeSet<_> = all.values().cloned().collect();
    assert_eq!(versions.len(), commits.len(), "{all:#?}");
    // A number without its commit is reserved for the same commit again: there is no gap.
    assert!(versions.contains("v1.2.15"), "{all:#?}");
    ground.server.stop().await;
}

fn good() -> ReserveVersionRequest {
    ReserveVersionRequest {
        repository: "git.example.com/shop/api".to_owned(),
        commit: "a".repeat(40),
        release_type: "LATEST".to_owned(),
        prefix: "v".to_owned(),
        version: "v1.0.0".to_owned(),
        taken: Vec::new(),
        dry_run: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_makes_no_sense_reserves_nothing() {
    let ground = Ground::new().await;
    let good = good();
    let text = str::to_owned;
    let long = "x".repeat(900_000);
    let mut keys = 0;
    let mut key = || {
        keys += 1;
        format!("wrong {keys}")
    };
    for wrong in [
        ReserveVersionRequest::default(),
        ReserveVersionRequest {
            repository: text("api"),
            ..good.clone()
        },
        ReserveVersionRequest {
            repository: text("https://u:s3cr3t@x/../y"),
            ..good.clone()
        },
        ReserveVersionRequest {
            commit: text("HEAD"),
            ..good.clone()
        },
        ReserveVersionRequest {
            commit: "A".repeat(40),
            ..good.clone()
        },
        ReserveVersionRequest {
            release_type: text("NONE"),
            ..good.clone()
        },
        ReserveVersionRequest {
            release_type: text("latest"),
            ..good.clone()
        },
        ReserveVersionRequest {
            release_type: text("ALPHA"),
            ..good.clone()
        },
        ReserveVersionRequest {
            prefix: text("v "),
            ..good.clone()
        },
        ReserveVersionRequest {
            prefix: text("release-"),
            ..good.clone()
        },
        ReserveVersionRequest {
            version: text("v1.0"),
            ..good.clone()
        },
        ReserveVersionRequest {
            version: text("v1.0.0-alpha.1"),
            ..good.clone()
        },
        ReserveVersionRequest {
            version: text("v1.0.18446744073709551615"),
            ..good.clone()
        },
        ReserveVersionRequest {
            version: long,
            ..good.clone()
        },
        ReserveVersionRequest {
            taken: vec![String::new(); 10_001],
            ..good.clone()
        },
    ] {
        let refused = ground.reserve(wrong, Some(&key())).await.unwrap_err();
        assert_eq!(refused.status, Code::InvalidArgument, "{refused}");
        assert!(refused.message.len() < 1_000, "{refused}");
        assert!(!refused.message.contains("s3cr3t"), "{refused}");
        assert!(!refused.fix.is_empty(), "{refused}");
    }
    let refused = ground.reserve(good.clone(), None).await.unwrap_err();
    assert_eq!(refused.code, "idempotency-key-missing", "{refused}");

    ground.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_brought_once_is_its_answer_for_ever() {
    let ground = Ground::new().await;
    let good = good();
    let text = str::to_owned;
    let first = ground.reserve(good.clone(), Some("k")).await.unwrap();
    assert_eq!((first.version.as_str(), first.earlier), ("v1.0.0", false));
    assert_eq!(
        ground.reserve(good.clone(), Some("k")).await.unwrap(),
        first
    );
    let again = ground.reserve(good.clone(), Some("l")).await.unwrap();
    assert_eq!((again.version.as_str(), again.earlier), ("v1.0.0", true));
    let other = ReserveVersionRequest {
        commit: "b".repeat(40),
        ..good.clone()
    };
    let refused = ground.reserve(other.clone(), Some("k")).await.unwrap_err();
    assert_eq!(refused.code, "idempotency-key-reused", "{refused}");
    // Tags of any line, and no tags at all, may be named as taken.
    let taken = ["v1.0.1", "v1.0.2+linux", "v1.0.7", "v9.0.3", "", "x"]
        .map(text)
        .to_vec();
    let other = ReserveVersionRequest { taken, ..other };
    let second = ground.reserve(other, Some("m")).await.unwrap();
    assert_eq!(second.version, "v1.0.3");
    let largest = ReserveVersionRequest {
        commit: "c".repeat(40),
        version: text("v1.0.18446744073709551614"),
        ..good.clone()
    };
    let third = ground.reserve(largest.clone(), Some("n")).await.unwrap();
    assert_eq!(third.version, largest.version);
    let after = ReserveVersionRequest {
        commit: "d".repeat(40),
        ..good
    };
    let refused = ground.reserve(after, Some("o")).await.unwrap_err();
    assert_eq!(refused.code, "numbers-exhausted", "{refused}");
    ground.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_a_build_that_failed_is_not_used_again() {
    let ground = Ground::new().await;
    let feature = ground.commit("feat: a cart").await;
    assert_eq!(ground.version(&feature, &LATEST).await, "v1.3.0");
    // Its build fails: no tag. The next commit ships the feature, under a number of its own.
    let fix = ground.commit("fix: the build").await;
    let found = ground.compute(&fix, &LATEST).await;
    assert_eq!(found["target_version"], "v1.3.1", "{found:#}");
    assert_eq!(found["level"], "minor", "{found:#}");
    let passed = &found["reservation"]["passed"];
    assert_eq!(passed[0]["version"], "v1.3.0", "{found:#}");
    assert_eq!(passed[0]["sha"], feature.as_str(), "{found:#}");
    let warning = found["warnings"].to_string();
    assert!(warning.contains("v1.3.0 belongs to commit"), "{found:#}");
    ground.tag("v1.3.1", &fix).await;
    let skipped = ground.compute(&fix, &LATEST).await;
    assert_eq!(skipped["skip"], true, "{skipped:#}");
    assert_eq!(skipped["target_version"], "v1.3.1", "{skipped:#}");
    assert!(skipped["reservation"].is_null(), "{skipped:#}");
    let next = ground.commit("fix: more").await;
    assert_eq!(ground.version(&next, &LATEST).await, "v1.3.2");
    // Nor is one whose tag was deleted.
    ground.git.run(&["tag", "-d", "v1.3.1"]).await;
    let last = ground.commit("fix: even more").await;
    assert_eq!(ground.version(&last, &LATEST).await, "v1.3.3");
    assert_eq!(ground.version(&fix, &LATEST).await, "v1.3.1");
    // A commit keeps what it got, whatever is known by now.
    let relabelled = [&LATEST[..], &["--labels", "release/major"]].concat();
    let again = ground.compute(&last, &relabelled).await;
    assert_eq!(again["target_version"], "v1.3.3", "{again:#}");
    assert_eq!(again["reservation"]["earlier"], true, "{again:#}");
    let warning = again["warnings"].to_string();
    assert!(
        warning.contains("without that it would be v2.0.0"),
        "{again:#}"
    );
    ground.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_nobody_reserved_are_passed_by_or_refused() {
    let ground = Ground::new().await;
    let one = ground.commit("fix: one").await;
    assert_eq!(ground.version(&one, &LATEST).await, "v1.2.4");
    let two = ground.commit("fix: two").await;
    // Made by hand, somewhere else.
    ground
        .git
        .run(&["checkout", "-q", "-b", "side", "v1.2.3"])
        .await;
    let side = ground.commit("fix: by hand").await;
    ground.tag("v1.2.5", &side).await;
    assert_eq!(ground.version(&two, &LATEST).await, "v1.2.6");
    // A tag on another commit than the version was reserved for.
    ground.tag("v1.2.4", &side).await;
    let outcome = ground.attempt(&one, &LATEST, &ground.server.token).await;
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("\"conflict\""), "{outcome}");
    // Two histories whose next version is the same.
    ground.tag("v1.3.0", &side).await;
    let detached = ["checkout", "-q", "--detach", &two];
    ground.git.run(&detached).await;
    let feature = ground.commit("feat: elsewhere").await;
    let outcome = ground
        .attempt(&feature, &LATEST, &ground.server.token)
        .await;
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("\"conflict\""), "{outcome}");
    ground.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_reserve_what_and_where_is_checked_first() {
    let ground = Ground::new().await;
    let commit = ground.commit("fix: one").await;
    let dry = [&LATEST[..], &["--dry-run"]].concat();
    for _ in 0..2 {
        let found = ground.compute(&commit, &dry).await;
        assert_eq!(found["target_version"], "v1.2.4", "{found:#}");
        assert_eq!(found["reservation"]["reserved"], false, "{found:#}");
    }
    let other = ground.commit("fix: other").await;
    assert_eq!(ground.version(&other, &LATEST).await, "v1.2.4");
    let found = ground.compute(&commit, &dry).await;
    assert_eq!(found["target_version"], "v1.2.5", "{found:#}");

    let viewer = ground.world.token("wilma", "viewer").await;
    let ci = ground.world.token("builder", "ci").await;
    let outcome = ground.attempt(&commit, &LATEST, &viewer).await;
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("not-allowed"), "{outcome}");
    let text = ground.attempt(&commit, &LATEST, &ci).await.ok();
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["target_version"], "v1.2.5", "{found:#}");
    assert_eq!(found["reservation"]["reserved_by"], "builder", "{found:#}");

    // Another name is another repository; each prefix has its own versions.
    let elsewhere = ["--repository", "git@git.example.com:Shop/API.git"];
    let found = ground
        .compute(&commit, &[&LATEST[..], &elsewhere].concat())
        .await;
    assert_eq!(found["target_version"], "v1.2.4", "{found:#}");
    let name = &found["reservation"]["repository"];
    assert_eq!(name, "git.example.com/shop/api", "{found:#}");
    let prefixed = [&LATEST[..], &["--prefix", "web/v"]].concat();
    assert_eq!(ground.version(&commit, &prefixed).await, "web/v0.0.1");

    for wrong in ["", "api", "acme/api", "https://git.example.com/../x"] {
        let arguments = [&LATEST[..], &["--repository", wrong]].concat();
        let outcome = ground.attempt(&commit, &arguments, &ci).await;
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(outcome.stderr.contains("--repository"), "{outcome}");
    }
    ground.git.run(&["remote", "remove", "origin"]).await;
    let outcome = ground.attempt(&commit, &LATEST, &ci).await;
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stderr.contains("--repository"), "{outcome}");
    let Ground { world, server, git } = ground;
    server.stop().await;
    let place = git.path().to_str().unwrap();
    let program = world.towpath().env("TOWPATH_TOKEN", &ci);
    let program = program.args(["version", "compute", "--repo", place]);
    let program = program.args([
        "--server",
        "http://127.0.0.1:9",
        "--repository",
        "git.example.com/a/b",
    ]);
    let outcome = program.args(LATEST).run().await;
    assert_eq!(outcome.code, 3, "nothing is made up without it: {outcome}");
    assert_eq!(outcome.stdout, b"", "{outcome}");
}
