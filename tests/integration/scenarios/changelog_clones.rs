//! Changelogs of clones that lack something: an answer that is right, or the command after which
//! it is.

use super::changelog_range::{Clone, json, left_out, rev_list, told, towpath};
use crate::harness::{Git, Outcome, Program};

/// What the error says, run as it stands.
async fn follow(git: &Git, outcome: &Outcome) {
    let fix = outcome
        .stderr
        .lines()
        .find_map(|it| it.trim().strip_prefix("fix: "));
    let command = fix.unwrap_or_else(|| panic!("{outcome}"));
    let command = command.split(" if ").next().unwrap();
    assert!(command.starts_with("git "), "{outcome}");
    let shell = Program::new("sh", git.path().parent().unwrap()).within(git.path());
    shell.args(["-c", command]).run().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_is_too_shallow_says_how_to_deepen_it() {
    let world = Clone::new().await;
    for at in 0..12 {
        world
            .commit("a", &at.to_string(), &format!("feat: number {at}"))
            .await;
        if at == 3 || at == 9 {
            world.git.run(&["tag", &format!("v{at}")]).await;
        }
    }
    let all = rev_list(&world.git, "v3..main").await;

    let no_tags = world.copy("no-tags", &["--depth", "1"]).await;
    let outcome = towpath(no_tags.path(), &["changelog", "v3.."]).await;
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(
        outcome.stderr.contains("error[shallow_history]"),
        "{outcome}"
    );
    follow(&no_tags, &outcome).await;
    assert_eq!(told(&json(&no_tags, "v3..").await["added"]), all);

    // The tag is there, and nothing of what lies between.
    let gap = world.copy("gap", &["--depth", "4"]).await;
    gap.run(&["fetch", "-q", "--depth", "1", "origin", "tag", "v3"])
        .await;
    let outcome = towpath(gap.path(), &["changelog", "v3.."]).await;
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(
        outcome.stderr.contains("error[shallow_history]"),
        "{outcome}"
    );
    follow(&gap, &outcome).await;
    assert_eq!(told(&json(&gap, "v3..").await["added"]), all);

    // Deep enough for this one, though all commits are of one second.
    let deep = world.copy("deep", &["--depth", "6"]).await;
    assert_eq!(told(&json(&deep, "HEAD~3..").await["added"]).len(), 3);

    // A tag that was not fetched, in a clone with all its history.
    let other = world.copy("other", &["--no-tags"]).await;
    let outcome = towpath(other.path(), &["changelog", "v3.."]).await;
    follow(&other, &outcome).await;
    assert_eq!(told(&json(&other, "v3..").await["added"]), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_without_trees_does_and_nothing_is_fetched_for_it() {
    let world = Clone::new().await;
    world.commit("a", "1", "feat: one").await;
    world.git.run(&["branch", "release"]).await;
    let fix = world.commit("b", "2", "fix: both").await;
    world.git.run(&["checkout", "-q", "release"]).await;
    world.commit("c", "3", "fix: only here").await;
    world.git.run(&["cherry-pick", &fix]).await;
    let whole = json(&world.git, "main..release").await;
    assert_eq!(
        left_out(&whole["added"], "on-both-sides").len(),
        1,
        "{whole:#}"
    );

    let options = ["--bare", "--filter=tree:0"];
    let bare = world.copy("treeless", &options).await;
    // Whoever wanted more could not get it.
    std::fs::rename(world.git.path(), world.dir.path().join("gone")).unwrap();
    let it = json(&bare, "main..release").await;
    assert_eq!(told(&it["added"]), told(&whole["added"]), "{it:#}");
    assert_eq!(left_out(&it["added"], "on-both-sides"), [""; 0], "{it:#}");
    let warning = it["warnings"][0].as_str().unwrap();
    assert!(
        warning.starts_with("3 commit(s) could not be compared"),
        "{warning}"
    );
    let text = towpath(bare.path(), &["changelog", "main..release"])
        .await
        .ok();
    assert!(text.contains("Warning: 3 commit(s)"), "{text}");
}
