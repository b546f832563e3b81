//! How commits stand to each other, on a history with merges.

use std::fs;

use git::Relation;
use ids::Oid;

use crate::ground::{Ground, run};

/// ```text
/// root - one ------- merge - two      (main)
///          \        /
///           s1 - s2                   (side, merged)
///           \
///            lone                     (pushed as a branch of its own)
/// ```
#[tokio::test]
async fn first_parents_are_told_from_merged_ones() {
    let ground = Ground::with(&["a.txt"]).await;
    let clone = ground.clone_as("ann");
    let commit = |name: &str| {
        fs::write(clone.join(name), name).unwrap();
        run(&clone, &["add", "."]);
        run(&clone, &["commit", "--quiet", "-m", name]);
        Oid::parse(&run(&clone, &["rev-parse", "HEAD"])).unwrap()
    };
    let root = ground.tip();
    let one = commit("one");
    run(&clone, &["switch", "--quiet", "-c", "side"]);
    let s1 = commit("s1");
    run(&clone, &["switch", "--quiet", "-c", "lone"]);
    let lone = commit("lone");
    run(&clone, &["switch", "--quiet", "side"]);
    let s2 = commit("s2");
    run(&clone, &["switch", "--quiet", "main"]);
    run(
        &clone,
        &["merge", "--quiet", "--no-ff", "--no-edit", "side"],
    );
    let merge = Oid::parse(&run(&clone, &["rev-parse", "HEAD"])).unwrap();
    let two = commit("two");
    run(&clone, &["push", "--quiet", "origin", "main", "lone"]);

    let mirror = ground.mirror("mirror").await;
    mirror.fetch("main").await.unwrap();
    assert_eq!(
        mirror.relation(&lone, &two).await.unwrap(),
        Relation::Unknown(lone.clone())
    );
    mirror.fetch("lone").await.unwrap();
    let cases = [
        (&two, &two, Relation::Same),
        (&root, &two, Relation::AncestorFirstParent),
        (&one, &merge, Relation::AncestorFirstParent),
        (&two, &one, Relation::DescendantFirstParent),
        (&s1, &s2, Relation::AncestorFirstParent),
        (&s1, &two, Relation::AncestorOnly),
        (&s2, &merge, Relation::AncestorOnly),
        (&two, &s2, Relation::DescendantOnly),
        (&lone, &two, Relation::Unrelated),
        (&s2, &lone, Relation::Unrelated),
        (&one, &lone, Relation::AncestorFirstParent),
    ];
    for (a, b, expected) in cases {
        assert_eq!(mirror.relation(a, b).await.unwrap(), expected, "{a} {b}");
    }
    // By its name a commit comes from wherever it is, and one that is nowhere is missing.
    let other = ground.mirror("other").await;
    other.bring(&lone).await.unwrap();
    assert_eq!(other.commit(&lone).await.unwrap().subject, "lone");
    let nowhere = Oid::parse(&"b".repeat(40)).unwrap();
    let error = other.bring(&nowhere).await.unwrap_err();
    assert_eq!(error.code(), "git_missing_object", "{error}");
}

#[tokio::test]
async fn histories_without_a_common_commit_are_unrelated() {
    let ground = Ground::with(&["a.txt"]).await;
    let clone = ground.clone_as("ann");
    run(&clone, &["switch", "--quiet", "--orphan", "other"]);
    run(
        &clone,
        &["commit", "--quiet", "--allow-empty", "-m", "other root"],
    );
    run(&clone, &["push", "--quiet", "origin", "other"]);
    let mirror = ground.mirror("mirror").await;
    let main = mirror.fetch("main").await.unwrap().oid;
    let other = mirror.fetch("other").await.unwrap().oid;
    assert_eq!(
        mirror.relation(&main, &other).await.unwrap(),
        Relation::Unrelated
    );
    let blob = mirror.list_files(&main).await.unwrap()[0].1.clone();
    assert_eq!(
        mirror.relation(&blob, &main).await.unwrap(),
        Relation::Unknown(blob.clone())
    );
}
