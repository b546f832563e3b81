//! Versions of real repositories, found out by the command alone: no server runs.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Git, Outcome, Program, settings};

/// A repository of somebody, and clones of it.
pub(super) struct Ground {
    directory: TempDir,
    pub(super) git: Git,
}

impl Ground {
    pub(super) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().join("repository");
        std::fs::create_dir(&at).unwrap();
        let git = Git::at(&at, directory.path());
        git.run(&["init", "-q", "-b", "main"]).await;
        git.run(&["config", "uploadpack.allowFilter", "true"]).await;
        Self { directory, git }
    }

    /// The same, with `v2.4.12` on its first commit.
    async fn released() -> Self {
        let it = Self::new().await;
        it.commit("feat: begin").await;
        it.tag("v2.4.12").await;
        it
    }

    /// Commits nothing but a message; gives the commit.
    pub(super) async fn commit(&self, message: &str) -> String {
        self.git
            .run(&["commit", "-q", "--allow-empty", "-m", message])
            .await;
        self.git.run(&["rev-parse", "HEAD"]).await
    }

    pub(super) async fn tag(&self, name: &str) {
        self.git.run(&["tag", name]).await;
    }

    /// Checks a branch out, new at the commit that is checked out.
    pub(super) async fn branch(&self, name: &str) {
        self.git.run(&["checkout", "-q", "-b", name]).await;
    }

    pub(super) async fn checkout(&self, name: &str) {
        self.git.run(&["checkout", "-q", name]).await;
    }

    pub(super) async fn merge(&self, name: &str, message: &str) {
        self.git
            .run(&["merge", "-q", "--no-ff", "-m", message, name])
            .await;
    }

    async fn clone(&self, name: &str, options: &[&str]) -> Git {
        let path = self.directory.path().join(name);
        let url = format!("file://{}", self.git.path().display());
        let mut arguments = vec!["clone", "-q"];
        arguments.extend(options);
        arguments.extend([url.as_str(), path.to_str().unwrap()]);
        self.git.run(&arguments).await;
        Git::at(&path, self.directory.path())
    }

    pub(super) async fn attempt(&self, git: &Git, arguments: &[&str]) -> Outcome {
        let place = git.path().to_str().unwrap();
        Program::new(&settings().towpath, self.directory.path())
            .args(["version", "compute", "--repo", place])
            .args(arguments)
            .run()
            .await
    }

    pub(super) async fn json(&self, git: &Git, arguments: &[&str]) -> Value {
        let all = [&["--output", "json"], arguments].concat();
        let text = self.attempt(git, &all).await.ok();
        serde_json::from_str(&text).unwrap()
    }

    pub(super) async fn compute(&self, arguments: &[&str]) -> Value {
        self.json(&self.git, arguments).await
    }

    /// The version, or that there is none and why.
    pub(super) async fn version(&self, arguments: &[&str]) -> String {
        told(&self.compute(arguments).await)
    }

    /// Refused; runs what the refusal says to run.
    async fn heed(&self, git: &Git, code: &str) {
        let outcome = self.attempt(git, &[]).await;
        assert_eq!(outcome.code, 1, "{outcome}");
        let said = format!("error[{code}]");
        assert!(outcome.stderr.contains(&said), "{outcome}");
        assert!(!outcome.text().contains("v0.0.1"), "{outcome}");
        let (_, fix) = outcome.stderr.split_once("fix: ").unwrap();
        assert!(fix.starts_with("git ") && fix.contains(" fetch "), "{fix}");
        let program = Program::new("sh", self.directory.path());
        program.args(["-c", fix.trim()]).run().await.ok();
    }
}

pub(super) fn told(it: &Value) -> String {
    let version = it["target_version"].as_str().unwrap_or("-");
    if it["skip"] == true {
        return format!("{version} skipped: {}", it["reason"].as_str().unwrap());
    }
    version.to_owned()
}

#[tokio::test]
async fn what_was_decided_for_each_case_comes_out() {
    let ground = Ground::released().await;
    assert_eq!(
        ground.version(&[]).await,
        "v2.4.12 skipped: already_released"
    );
    ground.commit("fix: one").await;
    assert_eq!(
        ground.version(&["--labels", "release/minor"]).await,
        "v2.5.0"
    );
    assert_eq!(ground.version(&[]).await, "v2.4.13");
    let both = ["--labels", "release/minor,bug,release/major"];
    assert_eq!(ground.version(&both).await, "v3.0.0");
    let none = ground.compute(&["--release-type", "none"]).await;
    assert_eq!(told(&none), "- skipped: no_release_type");
    assert_eq!(
        ground.version(&["--branch", "feat/x"]).await,
        "- skipped: no_release_type"
    );
    assert_eq!(
        ground.version(&["--release-type", "beta"]).await,
        "v2.4.12-beta.0"
    );
    assert_eq!(
        ground.version(&["--release-type", "hotfix"]).await,
        "v2.4.12-hotfix.1"
    );

    // What an earlier pull request brought counts until it is released.
    ground.commit("feat: two (#7)").await;
    ground.commit("chore: three (#8)").await;
    let minor = ground.compute(&[]).await;
    assert_eq!(told(&minor), "v2.5.0");
    assert_eq!(minor["base"]["tag"], "v2.4.12");
    assert_eq!(minor["commits_since_base"], 3);
    let decisive: Vec<_> = minor["evidence"].as_array().unwrap().iter().collect();
    let decisive: Vec<_> = decisive
        .iter()
        .filter(|it| it["decisive"] == true)
        .collect();
    assert_eq!(decisive.len(), 1);
    assert_eq!(
        (&decisive[0]["pr"], &decisive[0]["without"]),
        (&json!(7), &json!("v2.4.13"))
    );

    // Numbers go on behind the highest, wherever it stands.
    ground.branch("elsewhere").await;
    for number in 0..3 {
        ground.commit("fix: x").await;
        ground.tag(&format!("v2.4.12-alpha.{number}")).await;
    }
    ground.checkout("main").await;
    let alpha = ["--release-type", "alpha"];
    let found = ground.compute(&alpha).await;
    assert_eq!(
        (told(&found).as_str(), &found["counter"]),
        ("v2.4.12-alpha.3", &json!(3))
    );
    assert!(
        found["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("sorts_below_base")
    );
    ground.git.run(&["tag", "-d", "v2.4.12-alpha.1"]).await;
    assert_eq!(ground.version(&alpha).await, "v2.4.12-alpha.3");
    let next = [&alpha[..], &["--prerelease-core", "next"]].concat();
    assert_eq!(ground.version(&next).await, "v2.5.0-alpha.0");

    // A higher release on another branch is no base, and is told.
    ground.checkout("elsewhere").await;
    ground.tag("v2.7.0").await;
    ground.checkout("main").await;
    let found = ground.compute(&[]).await;
    assert_eq!(told(&found), "v2.5.0");
    assert!(
        found["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("unreachable_higher: v2.7.0")
    );
}

#[tokio::test]
async fn a_version_is_taken_skipped_or_next_and_never_two_of_these() {
    let ground = Ground::released().await;
    ground.commit("fix: one").await;
    ground.tag("v2.4.12-alpha.2").await;
    // The build of an alpha is no release.
    assert_eq!(ground.version(&[]).await, "v2.4.13");
    let alpha = ["--release-type", "alpha"];
    assert_eq!(
        ground.version(&alpha).await,
        "v2.4.12-alpha.2 skipped: already_tagged"
    );
    assert_eq!(
        ground.version(&["--release-type", "beta"]).await,
        "v2.4.12-beta.0"
    );
    // Somebody else has the version.
    ground.branch("elsewhere").await;
    let other = ground.commit("fix: other").await;
    ground.tag("v2.4.13").await;
    ground.checkout("main").await;
    ground.commit("fix: two").await;
    let refused = ground.attempt(&ground.git, &["--output", "json"]).await;
    assert_eq!(refused.code, 1, "{refused}");
    let error: Value = serde_json::from_str(&refused.stderr).unwrap();
    assert_eq!(error["error"]["code"], "conflict");
    assert!(
        error["error"]["message"].as_str().unwrap().contains(&other),
        "{error}"
    );
    assert_eq!(ground.version(&alpha).await, "v2.4.12-alpha.3");
    let patch = ["--release-type", "hotfix", "--hotfix-scheme", "patch"];
    assert_eq!(ground.attempt(&ground.git, &patch).await.code, 1);
    // Several on one commit: the highest counts.
    ground.tag("v3.0.0").await;
    ground.tag("v3.1.0").await;
    ground.tag("v3.1.0-alpha.7").await;
    assert_eq!(
        ground.version(&alpha).await,
        "v3.1.0 skipped: already_released"
    );
    let labels = ["--labels", "release/huge"];
    ground.commit("fix: three").await;
    let refused = ground.attempt(&ground.git, &labels).await;
    assert!(refused.stderr.contains("unknown-label"), "{refused}");
}

#[tokio::test]
async fn a_clone_that_lacks_something_says_what_to_fetch_and_then_succeeds() {
    let ground = Ground::released().await;
    for number in 0..60 {
        ground.commit(&format!("fix: {number}")).await;
    }
    for (name, options, code) in [
        ("one", &["--depth", "1"][..], "tags_incomplete"),
        ("fifty", &["--depth", "50"], "tags_incomplete"),
        ("tags", &["--no-tags"], "tags_incomplete"),
    ] {
        let clone = ground.clone(name, options).await;
        ground.heed(&clone, code).await;
        let found = ground.json(&clone, &[]).await;
        assert_eq!((name, told(&found).as_str()), (name, "v2.4.13"));
    }
    // All tags, and not enough history to know what they stand on.
    let deep = ground.clone("deep", &["--depth", "50"]).await;
    deep.run(&["fetch", "-q", "--depth", "1", "origin", "tag", "v2.4.12"])
        .await;
    ground.heed(&deep, "shallow_history").await;
    assert_eq!(told(&ground.json(&deep, &[]).await), "v2.4.13");
    // Shallow, but deep enough for the highest release.
    let enough = ground.clone("enough", &["--depth", "70"]).await;
    assert_eq!(told(&ground.json(&enough, &[]).await), "v2.4.13");
    // Whatever is tagged needs no history.
    ground.tag("v2.4.13").await;
    let tagged = ground.clone("tagged", &["--depth", "1"]).await;
    let found = ground.json(&tagged, &[]).await;
    assert_eq!(told(&found), "v2.4.13 skipped: already_released");
    ground.commit("feat: more").await;
    let trees = ground
        .clone("trees", &["--filter=tree:0", "--no-checkout"])
        .await;
    assert_eq!(told(&ground.json(&trees, &[]).await), "v2.5.0");
    // Several remotes, of which none is `origin`: any of them knows.
    let several = ground.clone("several", &["--no-tags"]).await;
    several
        .run(&["remote", "rename", "origin", "upstream"])
        .await;
    let fork = ["remote", "add", "fork", "https://git.example.com/fork/x"];
    several.run(&fork).await;
    ground.heed(&several, "tags_incomplete").await;
    // The remote is gone: nobody can say whether it has tags.
    let alone = ground.clone("alone", &["--no-tags"]).await;
    alone
        .run(&["remote", "set-url", "origin", "/nowhere/at/all"])
        .await;
    let refused = ground.attempt(&alone, &[]).await;
    assert!(refused.stderr.contains("tags_incomplete"), "{refused}");
}

#[tokio::test]
async fn what_was_not_meant_is_refused() {
    let ground = Ground::released().await;
    ground.commit("feat: more").await;
    for wrong in [
        &["--branch", ""][..],
        &["--branch", "main "],
        &["--branch", "main\nx=y"],
        &["--initial-version", "1.0.0-rc.1"],
        &["--initial-version", "1.0.0+b"],
        &["--prefix", "-v"],
    ] {
        let refused = ground.attempt(&ground.git, wrong).await;
        assert_eq!(refused.code, 2, "{refused}");
    }
    assert_eq!(
        ground.version(&["--branch", "refs/heads/main"]).await,
        "v2.5.0"
    );
    let patch = ["--release-type", "hotfix", "--hotfix-scheme", "patch"];
    let found = ground.compute(&patch).await;
    assert_eq!(found["target_version"], "v2.4.13", "{found}");
    assert_eq!(found["warnings"].as_array().unwrap().len(), 0, "{found}");
    let config = ground.git.path().join(".git/config");
    let text = std::fs::read_to_string(&config).unwrap();
    let stored = "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\trefStorage = reftable\n";
    std::fs::write(&config, text + stored).unwrap();
    let refused = ground.attempt(&ground.git, &[]).await;
    assert!(
        refused.stderr.contains("unsupported-repository"),
        "{refused}"
    );
}

#[tokio::test]
async fn tags_of_every_kind_are_read_and_others_are_counted() {
    let ground = Ground::new().await;
    assert_eq!(ground.attempt(&ground.git, &[]).await.code, 1, "no commit");
    ground.commit("docs: begin").await;
    assert_eq!(ground.version(&[]).await, "v0.0.1");
    assert_eq!(
        ground.version(&["--initial-version", "1.0.0"]).await,
        "v1.0.0"
    );
    assert_eq!(ground.version(&["--prefix", "shop/v"]).await, "shop/v0.0.1");
    ground.git.run(&["tag", "-a", "-m", "x", "v0.26.2"]).await;
    ground
        .git
        .run(&["tag", "-a", "-m", "x", "v0.26.3+build.7", "v0.26.2"])
        .await;
    for other in [
        "v1",
        "release-9.9.9",
        "V9.9.9",
        "9.9.9",
        "v09.9.9",
        "v99999999999999999999.0.0",
    ] {
        ground.tag(other).await;
    }
    ground.git.run(&["tag", "v8.8.8", "HEAD^{tree}"]).await;
    ground.commit("fix!: two").await;
    let found = ground.compute(&[]).await;
    assert_eq!(told(&found), "v1.0.0");
    assert_eq!(found["base"]["tag"], "v0.26.3+build.7");
    assert_eq!(found["ignored_tags"], 7);
    let said = found["warnings"].to_string();
    assert!(
        said.contains("tag_too_large") && said.contains("build_metadata"),
        "{said}"
    );
    let zero = ["--major-on-zero", "minor"];
    assert_eq!(ground.version(&zero).await, "v0.27.0");
    assert_eq!(ground.version(&["--accept-bare"]).await, "v10.0.0");
}

#[tokio::test]
async fn of_several_things_in_one_repository_each_has_its_own_versions() {
    let ground = Ground::new().await;
    let write = |path: &'static str, message: &'static str| {
        let git = ground.git.clone();
        async move { git.commit([(path, message.as_bytes())], message).await }
    };
    write("api/main.rs", "feat: api").await;
    ground.tag("api/v1.0.0").await;
    ground.tag("web/v3.0.0").await;
    write("web/index.html", "feat: web").await;
    write("docs/README", "docs: all").await;
    let api = ["--prefix", "api/v", "--path", "api"];
    assert_eq!(ground.version(&api).await, "- skipped: nothing_changed");
    for (wrong, code) in [
        ("/api", "error[path]"),
        ("../x", "error[path]"),
        ("apis", "no-such-path"),
    ] {
        let refused = ground
            .attempt(&ground.git, &["--prefix", "api/v", "--path", wrong])
            .await;
        assert!(refused.stderr.contains(code), "{wrong}: {refused}");
    }
    let web = ["--prefix", "web/v", "--path", "./web/"];
    assert_eq!(ground.version(&web).await, "web/v3.1.0");
    write("api/main.rs", "fix: api").await;
    let found = ground.compute(&api).await;
    assert_eq!(told(&found), "api/v1.0.1");
    assert_eq!(
        (
            &found["commits_since_base"],
            found["evidence"].as_array().unwrap().len()
        ),
        (&json!(3), 1)
    );
}

#[tokio::test]
async fn outputs_of_a_step_are_lines_that_no_message_can_add_to() {
    let ground = Ground::released().await;
    for message in [
        "feat: x\n\nEOF\nskip=true\ntarget_version=v9.9.9",
        "feat: ::set-output name=skip::true%0Askip=true",
        "feat: a\rskip=true\u{2028}skip=true\u{85}skip=true",
        "::set-output name=target_version::v9.9.9",
        "feat(x<<EOF): y",
    ] {
        ground.commit(message).await;
    }
    let text = ground
        .attempt(&ground.git, &["--output", "github"])
        .await
        .ok();
    let keys: Vec<_> = text
        .split(['\n', '\r', '\u{2028}', '\u{85}'])
        .filter(|it| !it.is_empty())
        .map(|it| it.split('=').next().unwrap())
        .collect();
    let expected = [
        "target_version",
        "skip",
        "reason",
        "release_type",
        "base_tag",
        "base_sha",
        "level",
        "counter",
        "commits_since_base",
        "evidence",
        "warnings",
        "reserved",
    ];
    assert_eq!(keys, expected, "{text}");
    assert!(
        text.starts_with("target_version=v2.5.0\nskip=false\n"),
        "{text}"
    );
    let told = ground.attempt(&ground.git, &[]).await.ok();
    assert!(
        told.lines().all(|it| !it.trim_start().starts_with("::")),
        "{told}"
    );
}
