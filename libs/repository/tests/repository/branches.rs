//! Branches of clones.

use ids::Oid;
use repository::Repository;

use crate::made::{Made, git};

#[test]
fn a_clone_knows_its_branches_and_those_last_seen_in_its_remote() {
    let made = Made::of(&[(vec![], 1), (vec![0], 2)]);
    made.git(&["branch", "release/1/x", "c0"]);
    let into = made.dir.path().join("clone");
    let url = made.dir.path().to_str().unwrap();
    made.git(&["clone", "-q", url, into.to_str().unwrap()]);
    git(&into, &["checkout", "-q", "-b", "mine", "origin/c0"], "");
    git(&into, &["update-ref", "refs/remotes/gone/main", "HEAD"], "");
    let clone = Repository::open(&into).unwrap();
    let (first, second) = (&made.commits[0], &made.commits[1]);
    let found = clone.branches().unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|it| (it.remote.as_deref(), it.name.as_str(), &it.tip))
        .collect();
    let origin = Some("origin");
    let expected = [
        (None, "main", second),
        (None, "mine", first),
        (origin, "c0", first),
        (origin, "c1", second),
        (origin, "main", second),
        (origin, "release/1/x", first),
    ];
    assert_eq!(found, expected);
}

#[test]
fn only_commits_that_are_here_are_had() {
    let made = Made::of(&[(vec![], 1)]);
    let repository = made.open();
    assert!(repository.has(&made.commits[0]));
    let tree = made.git(&["rev-parse", "c0^{tree}"]);
    assert!(!repository.has(&Oid::parse(&tree).unwrap()));
    assert!(!repository.has(&Oid::parse(&"1".repeat(40)).unwrap()));
}
