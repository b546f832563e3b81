//! Lists of commits in clones whose history ends somewhere.

use std::path::Path;

use ids::Oid;
use repository::{Error, Repository};

use crate::made::{Made, git};

/// A clone down to this depth.
fn shallow(made: &Made, into: &Path, depth: &str) -> Repository {
    let from = format!("file://{}", made.dir.path().display());
    let place = into.join(depth);
    let arguments = [
        "clone",
        "-q",
        "--depth",
        depth,
        &from,
        place.to_str().unwrap(),
    ];
    git(into, &arguments, "");
    Repository::open(&place).unwrap()
}

/// A branch from before the end of the clone was merged. Below its last commit, which is as old as
/// the end of the other line, there may be anything; what was made on that end cannot be below it.
#[test]
fn what_may_be_below_the_end_of_a_clone_is_not_listed_as_new() {
    // 0 1 2 3 … 9 on one line, all of one second; 10 on 1, merged by 11 with 9; 12 on that.
    let mut plan: Vec<(Vec<usize>, u64)> = vec![(vec![], 1_000)];
    plan.extend((1..10).map(|at| (vec![at - 1], 1_000)));
    plan.extend([(vec![1], 1_000), (vec![9, 10], 1_000), (vec![11], 1_000)]);
    let made = Made::of(&plan);
    let whole = made.open();
    let [old, merge, tip] = [8, 11, 12].map(|at: usize| &made.commits[at]);
    let between = |repository: &Repository, from: &Oid| repository.between(from, tip);
    assert_eq!(between(&whole, old).unwrap().added.len(), 4);

    let into = tempfile::tempdir().unwrap();
    let clone = shallow(&made, into.path(), "6");
    // Nothing but the last commit: it was made on every end.
    assert_eq!(between(&clone, merge).unwrap().added.len(), 1);
    // With the branch there is something that was not made on the end of the main line.
    let error = between(&clone, old).unwrap_err();
    assert!(matches!(error, Error::Shallow { .. }), "{error}");
    git(clone.place(), &["fetch", "-q", "--unshallow", "origin"], "");
    let deepened = Repository::open(clone.place()).unwrap();
    assert_eq!(
        between(&deepened, old).unwrap(),
        between(&whole, old).unwrap()
    );
}

#[test]
fn one_walk_tells_what_lies_how() {
    let plan = [(vec![], 1), (vec![0], 2), (vec![1], 3), (vec![1], 4)];
    let made = Made::of(&plan);
    let repository = made.open();
    let counts = |from: usize, to: usize| {
        let found = repository.between(&made.commits[from], &made.commits[to]);
        let found = found.unwrap();
        (found.added.len(), found.removed.len())
    };
    assert_eq!((counts(0, 2), counts(2, 0)), ((2, 0), (0, 2)));
    assert_eq!((counts(2, 3), counts(1, 1)), ((1, 1), (0, 0)));
}
