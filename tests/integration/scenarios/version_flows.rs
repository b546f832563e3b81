//! Each way to branch, driven from the first feature to the next release; the versions are
//! written down by hand.

use super::version_compute::Ground;

/// One step of a table: the version of what is checked out, computed as for this branch. What is
/// not skipped is tagged, as CI does.
async fn build(ground: &Ground, strategy: &str, branch: &str, expected: &str) {
    let arguments = ["--strategy", strategy, "--branch", branch];
    let found = ground.version(&arguments).await;
    assert_eq!(found, expected, "{strategy}: {branch}");
    if found.starts_with('v') && !found.contains("skipped") {
        ground.tag(&found).await;
    }
}

#[tokio::test]
async fn github_flow_releases_every_push_to_main() {
    let ground = Ground::new().await;
    let it = &ground;
    let flow = "github_flow";
    it.commit("feat: begin (#1)").await;
    build(it, flow, "main", "v0.1.0").await;
    build(it, flow, "main", "v0.1.0 skipped: already_released").await;
    it.branch("feat/cart").await;
    it.commit("feat: half a cart").await;
    build(it, flow, "feat/cart", "- skipped: no_release_type").await;
    it.checkout("main").await;
    it.commit("feat(cart): add a cart (#2)").await;
    build(it, flow, "main", "v0.2.0").await;
    it.commit("fix(cart): count right (#3)").await;
    build(it, flow, "main", "v0.2.1").await;
    it.commit("docs: say so (#4)").await;
    build(it, flow, "main", "v0.2.2").await;
    it.commit("feat!: another API (#5)").await;
    build(it, flow, "main", "v1.0.0").await;
    it.commit("Revert \"feat!: another API (#5)\" (#6)").await;
    build(it, flow, "main", "v1.0.1").await;
    build(it, flow, "develop", "- skipped: no_release_type").await;
}

#[tokio::test]
async fn git_flow_integrates_stabilises_releases_and_mends() {
    let ground = Ground::new().await;
    let it = &ground;
    let flow = "git_flow";
    it.commit("feat: begin").await;
    build(it, flow, "main", "v0.1.0").await;
    it.branch("develop").await;
    build(it, flow, "develop", "v0.1.0 skipped: already_released").await;
    it.commit("feat: cart (#1)").await;
    build(it, flow, "develop", "v0.1.0-alpha.0").await;
    it.commit("fix: cart (#2)").await;
    build(it, flow, "develop", "v0.1.0-alpha.1").await;
    build(
        it,
        flow,
        "develop",
        "v0.1.0-alpha.1 skipped: already_tagged",
    )
    .await;
    it.branch("release/shop/0.2").await;
    build(it, flow, "release/shop/0.2", "v0.1.0-beta.0").await;
    it.commit("fix: cart again (#3)").await;
    build(it, flow, "release/shop/0.2", "v0.1.0-beta.1").await;
    // main gets all of it by a merge whose own title says nothing.
    it.checkout("main").await;
    it.merge(
        "release/shop/0.2",
        "Merge pull request #4 from shop/release",
    )
    .await;
    build(it, flow, "main", "v0.2.0").await;
    it.checkout("develop").await;
    it.merge("main", "Merge branch 'main' into develop").await;
    it.commit("fix: search (#5)").await;
    build(it, flow, "develop", "v0.2.0-alpha.0").await;
    // A fix of what is in production.
    it.checkout("main").await;
    it.branch("hotfix/login").await;
    it.commit("fix: login").await;
    build(it, flow, "hotfix/login", "v0.2.0-hotfix.1").await;
    it.commit("fix: login again").await;
    build(it, flow, "hotfix/login", "v0.2.0-hotfix.2").await;
    it.checkout("main").await;
    it.merge("hotfix/login", "Merge branch 'hotfix/login'")
        .await;
    build(it, flow, "main", "v0.2.1").await;
    // develop has not been told: its versions are still counted from 0.2.0.
    it.checkout("develop").await;
    it.commit("fix: more (#6)").await;
    let behind = it.compute(&["--branch", "develop"]).await;
    assert_eq!(behind["target_version"], "v0.2.0-alpha.1");
    let said = behind["warnings"].to_string();
    assert!(
        said.contains("base_behind: the default branch has v0.2.1"),
        "{said}"
    );
    let also = ["--branch", "develop", "--base-branch", "main"];
    assert_eq!(it.version(&also).await, "v0.2.1-alpha.0");
    it.merge("main", "Merge branch 'main' into develop").await;
    build(it, flow, "develop", "v0.2.1-alpha.0").await;
}

#[tokio::test]
async fn trunk_based_releases_the_trunk_and_maintains_what_was() {
    let ground = Ground::new().await;
    let it = &ground;
    let flow = "trunk_based";
    it.commit("feat: begin").await;
    build(it, flow, "main", "v0.1.0").await;
    it.branch("release/shop/0.1").await;
    build(
        it,
        flow,
        "release/shop/0.1",
        "v0.1.0 skipped: already_released",
    )
    .await;
    it.checkout("main").await;
    it.commit("feat: cart (#1)").await;
    build(it, flow, "main", "v0.2.0").await;
    it.checkout("release/shop/0.1").await;
    it.commit("fix: login").await;
    build(it, flow, "release/shop/0.1", "v0.1.0-hotfix.1").await;
    it.commit("fix: login again").await;
    build(it, flow, "release/shop/0.1", "v0.1.0-hotfix.2").await;
    // Another line from the same release does not get the same numbers.
    it.git
        .run(&["checkout", "-q", "-b", "release/mail/0.1", "v0.1.0"])
        .await;
    it.commit("fix: mail").await;
    build(it, flow, "release/mail/0.1", "v0.1.0-hotfix.3").await;
    it.checkout("main").await;
    it.commit("fix: cart (#2)").await;
    build(it, flow, "main", "v0.2.1").await;
    build(it, flow, "develop", "- skipped: no_release_type").await;
}
