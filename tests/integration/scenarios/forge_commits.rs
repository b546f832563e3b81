//! Which pull requests commits came with: those that were merged into the branch, from the record
//! where there is one.

use crate::harness::forge::{REPOSITORY, list};
use crate::harness::{Forge, World};

fn numbers(of: &proto::forge::v1::CommitPullRequests) -> Vec<u64> {
    of.pull_requests.iter().map(|it| it.number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn open_ones_that_github_returns_for_another_branch_do_not_count() {
    let (forge, world) = Forge::with_world().await;
    let github = &forge.0;
    let [feature, merged, release, pushed] = ["a", "b", "c", "d"].map(|it| it.repeat(40));
    // Merged before anybody listened: GitHub is asked.
    let one = github.open(REPOSITORY, "feat: search", "develop", &[&feature]);
    github.label(REPOSITORY, one, "release/minor", "wilma");
    github.merge(REPOSITORY, one, &merged);
    let open = github.open(REPOSITORY, "chore: release", "main", &[&feature, &merged]);
    github.label(REPOSITORY, open, "release/major", "wilma");
    drop(github.untold());
    let server = world.start().await;
    let commits = [feature.as_str(), merged.as_str(), pushed.as_str()];
    let came = forge.came_with(&server, "develop", &commits).await;
    assert_eq!(
        came.iter().map(numbers).collect::<Vec<_>>(),
        [vec![one], vec![one], vec![]]
    );
    let labels: Vec<_> = came.iter().map(|it| it.label.as_str()).collect();
    assert_eq!(labels, ["release/minor", "release/minor", ""]);
    assert!(!came[0].pull_requests[0].recorded);
    // Merged into develop, it did not go to main.
    let came = forge.came_with(&server, "main", &[&feature]).await;
    assert_eq!(numbers(&came[0]), Vec::<u64>::new());
    github.merge(REPOSITORY, open, &release);
    forge.at_rest(&server).await;
    // What the merge made came with nothing else; what it brought came with both.
    let came = forge
        .came_with(&server, "main", &[&release, &feature])
        .await;
    assert_eq!(
        came.iter().map(numbers).collect::<Vec<_>>(),
        [vec![open], vec![open]]
    );
    assert!(
        came.iter()
            .all(|it| it.pull_requests[0].recorded && it.label == "release/major")
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_github_nothing_is_known_and_that_is_said() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let commit = "a".repeat(40);
    let answer = list(&server, "github.com/acme/api", "main", &[&commit])
        .await
        .unwrap();
    assert!(answer.commits[0].pull_requests.is_empty());
    assert!(
        answer.not_asked.contains("no GitHub is configured"),
        "{}",
        answer.not_asked
    );
    let many = vec![commit.as_str(); 201];
    for (repository, branch, commits) in [
        (
            "https://github.com/acme/api",
            "main",
            &[commit.as_str()][..],
        ),
        ("github.com/acme/api", "", &[commit.as_str()]),
        ("github.com/acme/api", "main", &["HEAD"]),
        ("github.com/acme/api", "main", &many),
    ] {
        let refused = list(&server, repository, branch, commits)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused}");
    }
    server.stop().await;
}
