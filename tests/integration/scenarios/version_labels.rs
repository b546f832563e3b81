//! Labels of merged pull requests take part in the version of a commit.

use fake_github::Trouble;
use serde_json::Value;

use crate::harness::forge::REPOSITORY;
use crate::harness::{Forge, Git, Outcome, Server, World};

/// A clone whose pull requests a server knows.
struct Ground {
    forge: Forge,
    world: World,
    server: Server,
    git: Git,
}

impl Ground {
    /// `v1.2.3` stands on the first commit of `main`.
    async fn new() -> Self {
        let (forge, world) = Forge::with_world().await;
        let server = world.start().await;
        let git = world.clone_of(&world.source, "work").await;
        git.run(&["checkout", "-q", "-B", "main"]).await;
        git.run(&["tag", "v1.2.3"]).await;
        Self {
            forge,
            world,
            server,
            git,
        }
    }

    /// Commits nothing but a message; gives the commit.
    async fn commit(&self, message: &str) -> String {
        let arguments = ["commit", "-q", "--allow-empty", "-m", message];
        self.git.run(&arguments).await;
        self.git.run(&["rev-parse", "HEAD"]).await
    }

    async fn attempt(&self, more: &[&str]) -> Outcome {
        let place = self.git.path().to_str().unwrap();
        let name = self.forge.0.name_of(REPOSITORY);
        let program = self.world.towpath();
        let program = program
            .env("TOWPATH_SERVER", &format!("http://{}", self.server.address))
            .env("TOWPATH_TOKEN", &self.server.token)
            .args(["version", "compute", "--repo", place])
            .args(["--repository", &name])
            .args(more);
        program.run().await
    }

    async fn compute(&self, more: &[&str]) -> Value {
        let more = [&["--output", "json"], more].concat();
        serde_json::from_str(&self.attempt(&more).await.ok()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_merge_was_labelled_counts_and_later_edits_do_not() {
    let ground = Ground::new().await;
    let github = &ground.forge.0;
    let commit = ground.commit("fix: the cart (#1)").await;
    let dry = ground.compute(&["--dry-run"]).await;
    assert_eq!(dry["target_version"], "v1.2.4", "{dry:#}");

    let number = github.open(REPOSITORY, "fix: the cart", "main", &[&"b".repeat(40)]);
    github.label(REPOSITORY, number, "release/minor", "wilma");
    github.label(REPOSITORY, number, "release/soon", "wilma");
    github.merge(REPOSITORY, number, &commit);
    ground.forge.at_rest(&ground.server).await;
    let found = ground.compute(&["--dry-run"]).await;
    assert_eq!(found["target_version"], "v1.3.0", "{found:#}");
    let label = &found["evidence"][0];
    assert_eq!(label["label"], "release/minor", "{found:#}");
    assert_eq!(label["pr"], number, "{found:#}");
    assert_eq!(label["sha"], commit.as_str(), "{found:#}");
    assert_eq!(label["decisive"], true, "{found:#}");
    assert_eq!(label["without"], "v1.2.4", "{found:#}");
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("`release/soon`"), "{found:#}");

    // The body of another says more than its title; that is told, and it counts.
    let second = ground.commit("fix: the till (#2)").await;
    let other = github.open(REPOSITORY, "fix: the till", "main", &[&"c".repeat(40)]);
    github.describe(REPOSITORY, other, "Mended.\n\nBREAKING CHANGE: no cheques");
    github.merge(REPOSITORY, other, &second);
    ground.forge.at_rest(&ground.server).await;
    let found = ground.compute(&["--dry-run"]).await;
    assert_eq!(found["target_version"], "v2.0.0", "{found:#}");
    let body = &found["evidence"][0];
    assert_eq!(body["pr"], other, "{found:#}");
    assert_eq!(body["without"], "v1.3.0", "{found:#}");
    assert_eq!(body["note"], "the body says what breaks: no cheques");
    let warnings = found["warnings"].to_string();
    assert!(
        warnings.contains("body_breaks: the body of #2"),
        "{found:#}"
    );
    let text = ground
        .attempt(&["--dry-run", "--output", "text"])
        .await
        .ok();
    assert!(
        text.contains("#2: the body says what breaks: no cheques;"),
        "{text}"
    );

    // CI gives the whole name of a branch, and git a word for none.
    let whole = ground.compute(&["--dry-run", "--branch", "refs/heads/main"]);
    assert_eq!(whole.await["target_version"], "v2.0.0");
    let none = ground.attempt(&["--dry-run", "--branch", "HEAD"]).await;
    assert_eq!(none.code, 2, "{none}");
    assert!(none.stderr.contains("error[no-branch]"), "{none}");

    // What is written on them after the merge is too late.
    github.describe(REPOSITORY, other, "Mended.");
    github.label(REPOSITORY, number, "release/major", "wilma");
    ground.forge.at_rest(&ground.server).await;
    let found = ground.compute(&[]).await;
    assert_eq!(found["target_version"], "v2.0.0", "{found:#}");
    assert_eq!(github.violations(), Vec::<String>::new());
    ground.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_pull_requests_count_for_nothing_and_nothing_is_guessed_without_github() {
    let ground = Ground::new().await;
    let github = &ground.forge.0;
    ground.git.run(&["checkout", "-q", "-b", "develop"]).await;
    let commit = ground.commit("feat!: a cart (#1)").await;
    // Merged into develop before anybody listened, and part of one to main that is open.
    let merged = github.open(REPOSITORY, "feat: a cart", "develop", &[&"b".repeat(40)]);
    github.label(REPOSITORY, merged, "release/patch", "wilma");
    github.merge(REPOSITORY, merged, &commit);
    let open = github.open(REPOSITORY, "chore: release", "main", &[&commit]);
    github.label(REPOSITORY, open, "release/minor", "wilma");
    drop(github.untold());
    let develop = ["--branch", "develop", "--release-type", "latest"];
    let dry = [&develop[..], &["--dry-run"]].concat();
    let found = ground.compute(&dry).await;
    let labels: Vec<_> = found["evidence"].as_array().unwrap().iter().collect();
    let of = |it: &&&Value| it["label"].is_string();
    let numbers: Vec<_> = labels.iter().filter(of).map(|it| &it["pr"]).collect();
    assert_eq!(numbers, [merged], "{found:#}");
    // Nothing that breaks is talked down, and the two texts are told apart.
    assert_eq!(found["target_version"], "v2.0.0", "{found:#}");
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("label_below_commits"), "{found:#}");
    assert!(warnings.contains("title_differs"), "{found:#}");
    // An alpha of the release before is the same whatever labels say: nobody is asked.
    let asked = github.asked().len();
    let alpha = ground.compute(&["--dry-run"]).await;
    assert_eq!(alpha["target_version"], "v1.2.3-alpha.0", "{alpha:#}");
    assert_eq!(github.asked().len(), asked);
    assert_eq!(github.violations(), Vec::<String>::new());

    github.trouble(Some(Trouble::Status(502, "Server Error".to_owned())));
    let outcome = ground.attempt(&develop).await;
    assert_eq!(outcome.code, 3, "{outcome}");
    assert!(outcome.stderr.contains("github-unreachable"), "{outcome}");
    // What was not pushed came with nothing that anybody could know.
    let unknown = "No commit found for SHA".to_owned();
    github.trouble(Some(Trouble::Status(422, unknown)));
    let found = ground.compute(&dry).await;
    let warnings = found["warnings"].to_string();
    let word = "labels_unread: GitHub does not have 1 of the commits";
    assert!(warnings.contains(word), "{found:#}");
    // A repository that the token cannot see is named, and so is the way past it.
    let gone = "Not Found".to_owned();
    github.trouble(Some(Trouble::Status(404, gone)));
    let outcome = ground.attempt(&develop).await;
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("github-refused"), "{outcome}");
    assert!(outcome.stderr.contains("--without-labels"), "{outcome}");
    let without = [&dry[..], &["--without-labels"]].concat();
    let found = ground.compute(&without).await;
    assert_eq!(found["target_version"], "v2.0.0", "{found:#}");
    github.trouble(None);
    let found = ground
        .compute(&[&develop[..], &["--without-labels"]].concat())
        .await;
    assert_eq!(found["reservation"]["earlier"], false, "{found:#}");
    ground.server.stop().await;
}
