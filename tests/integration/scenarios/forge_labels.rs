//! The label that says how far the next version is: Towpath's follows the title, a person's stays.

use proto::forge::v1 as pb;

use crate::harness::Forge;
use crate::harness::forge::REPOSITORY;

const TOWPATH: &str = "towpath[bot]";

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_title_changes_towpaths_label_and_no_other() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let github = &forge.0;
    let number = github.open(REPOSITORY, "feat: search", "main", &[]);
    github.label(REPOSITORY, number, "area/search", "wilma");
    let area = ("area/search", "wilma");
    forge
        .becomes(&server, number, &[area, ("release/minor", TOWPATH)])
        .await;
    github.retitle(REPOSITORY, number, "fix: search");
    forge.becomes(&server, number, &[area]).await;
    github.retitle(REPOSITORY, number, "feat!: search");
    forge
        .becomes(&server, number, &[area, ("release/major", TOWPATH)])
        .await;
    github.retitle(REPOSITORY, number, "work in progress");
    forge.becomes(&server, number, &[area]).await;
    server.stop().await;
    let derived: Vec<_> = world
        .export()
        .await
        .events::<pb::LabelDerived>("towpath.forge.v1.LabelDerived")
        .into_iter()
        .map(|it| it.1.label)
        .collect();
    assert_eq!(derived, ["release/minor", "", "release/major", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_label_stays_wins_and_is_recorded() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let github = &forge.0;
    let number = github.open(REPOSITORY, "feat!: search", "main", &[]);
    forge
        .becomes(&server, number, &[("release/major", TOWPATH)])
        .await;
    github.label(REPOSITORY, number, "release/minor", "wilma");
    let theirs = [("release/minor", "wilma")];
    forge.becomes(&server, number, &theirs).await;
    for title in ["fix: search", "feat!: search", "chore: search"] {
        github.retitle(REPOSITORY, number, title);
        forge.becomes(&server, number, &theirs).await;
    }
    server.stop().await;
    let export = world.export().await;
    let overridden = export.events::<pb::LabelOverridden>("towpath.forge.v1.LabelOverridden");
    assert_eq!(overridden.len(), 1);
    assert_eq!(overridden[0].1.labels, ["release/minor"]);
    assert_eq!(overridden[0].1.by, "wilma");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_took_off_is_not_put_back() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let github = &forge.0;
    let number = github.open(REPOSITORY, "feat: search", "main", &[]);
    forge
        .becomes(&server, number, &[("release/minor", TOWPATH)])
        .await;
    github.unlabel(REPOSITORY, number, "release/minor", "wilma");
    forge.becomes(&server, number, &[]).await;
    github.retitle(REPOSITORY, number, "feat: search in names");
    forge.becomes(&server, number, &[]).await;
    // Taken off, and put back by the same person before anybody looks: it is theirs now.
    github.retitle(REPOSITORY, number, "feat!: search in names");
    forge
        .becomes(&server, number, &[("release/major", TOWPATH)])
        .await;
    github.unlabel(REPOSITORY, number, "release/major", "wilma");
    github.label(REPOSITORY, number, "release/major", "wilma");
    github.retitle(REPOSITORY, number, "fix: search in names");
    forge
        .becomes(&server, number, &[("release/major", "wilma")])
        .await;
    server.stop().await;
    let export = world.export().await;
    let taken = export.events::<pb::LabelTakenOff>("towpath.forge.v1.LabelTakenOff");
    let by: Vec<_> = taken.iter().map(|it| it.1.by.as_str()).collect();
    assert_eq!(by, ["wilma", "wilma"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_a_merge_are_frozen() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let github = &forge.0;
    let number = github.open(REPOSITORY, "feat: search", "main", &[]);
    forge
        .becomes(&server, number, &[("release/minor", TOWPATH)])
        .await;
    let commit = "c".repeat(40);
    github.merge(REPOSITORY, number, &commit);
    // A label that came after the merge is told of first.
    let told_of_merge = github.untold();
    github.unlabel(REPOSITORY, number, "release/minor", "wilma");
    github.label(REPOSITORY, number, "release/major", "wilma");
    forge.at_rest(&server).await;
    for it in &told_of_merge {
        let answer = crate::harness::forge::send(&server, it).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    github.retitle(REPOSITORY, number, "fix: search");
    forge.at_rest(&server).await;
    let came = forge.came_with(&server, "main", &[&commit]).await;
    assert_eq!(came[0].label, "release/minor", "{came:?}");
    let pull_request = &came[0].pull_requests[0];
    assert_eq!(
        (pull_request.title.as_str(), pull_request.recorded),
        ("feat: search", true)
    );
    assert_eq!(
        github.labels(REPOSITORY, number).len(),
        1,
        "nobody touched the person's"
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    server.stop().await;
}
