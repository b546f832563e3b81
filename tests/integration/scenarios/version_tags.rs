//! Tags that are named like versions and lead to no commit, of every kind, loose and packed.

use super::version_compute::Ground;

#[tokio::test]
async fn what_leads_to_no_commit_is_no_base_and_its_name_is_in_use() {
    let ground = Ground::new().await;
    ground.commit("feat: one").await;
    ground.tag("v1.0.0").await;
    ground.tag("v1.0.0-alpha.0").await;
    ground.commit("feat: two").await;
    let git = &ground.git;
    for tree in ["v0.1.0", "v1.0.0-alpha.7", "v1.1.0-alpha.3", "v3.0.0"] {
        git.run(&["tag", tree, "HEAD^{tree}"]).await;
    }
    git.run(&["tag", "-a", "-m", "x", "v2.0.0", "HEAD^{tree}"])
        .await;
    let alpha = ["--release-type", "alpha"];
    let next = [&alpha[..], &["--prerelease-core", "next"]].concat();
    for packed in [false, true] {
        if packed {
            git.run(&["pack-refs", "--all"]).await;
        }
        let found = ground.compute(&[]).await;
        assert_eq!(found["target_version"], "v1.1.0", "{packed}");
        // What is lower than the base is not looked up.
        assert_eq!(found["ignored_tags"], 4, "{packed}");
        assert_eq!(found["warnings"].as_array().unwrap().len(), 0, "{found}");
        assert_eq!(ground.version(&alpha).await, "v1.0.0-alpha.8", "{packed}");
        assert_eq!(ground.version(&next).await, "v1.1.0-alpha.4", "{packed}");
    }
    // No commit has it, and no commit can be given it.
    git.run(&["tag", "v1.1.0", "HEAD^{tree}"]).await;
    let refused = ground.attempt(git, &[]).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("error[conflict]"), "{refused}");
}

#[tokio::test]
async fn where_every_version_leads_to_no_commit_there_is_none_yet() {
    let ground = Ground::new().await;
    ground.commit("feat: one").await;
    for tree in ["v1.0.0", "v0.0.0-alpha.4"] {
        ground.git.run(&["tag", tree, "HEAD^{tree}"]).await;
    }
    ground.git.run(&["pack-refs", "--all"]).await;
    let found = ground.compute(&[]).await;
    assert_eq!(found["target_version"], "v0.1.0");
    assert_eq!(found["ignored_tags"], 2);
    assert!(found["base"].is_null(), "{found}");
}
