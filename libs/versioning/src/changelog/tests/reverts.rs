//! What goes with its revert, and what stays.

use super::*;

#[test]
fn a_commit_and_its_revert_go_together_and_a_lone_revert_stays() {
    let outside = format!("Revert \"feat: old\"\n\nThis reverts commit {}.", oid(77));
    let inside = format!("Revert \"feat: x\"\n\nThis reverts commit {}.", oid(1));
    let it = changelog(
        line(&["feat: x", "fix: y", &inside, &outside]),
        Vec::new(),
        &[],
    );
    assert_eq!(
        shown(&it.added),
        [
            (Section::Fixes, "y"),
            (Section::Reverts, "Revert \"feat: old\"")
        ]
    );
    let (of, by) = (vec![oid(1)], oid(3));
    let expected = [(3, &Reason::Revert { of }), (1, &Reason::Reverted { by })];
    assert_eq!(left_out(&it.added), expected);
}

#[test]
fn a_revert_of_a_revert_brings_the_commit_back() {
    let first = format!("Revert \"feat: x\"\n\nThis reverts commit {}.", oid(1));
    let second = format!("Reapply \"feat: x\"\n\nThis reverts commit {}.", oid(2));
    let it = changelog(line(&["feat: x", &first, &second]), Vec::new(), &[]);
    assert_eq!(shown(&it.added), [(Section::Features, "x")]);
    let third = format!(
        "Revert \"feat: x\" again\n\nThis reverts commit {}.",
        oid(3)
    );
    let it = changelog(line(&["feat: x", &first, &second, &third]), Vec::new(), &[]);
    assert_eq!(shown(&it.added), []);
    // By their subjects alone, as forges write them.
    let messages = [
        "feat: x (#1)",
        "Revert \"feat: x\" (#2)",
        "Revert \"Revert \"feat: x\"\" (#3)",
        "Revert \"feat: unknown\" (#4)",
    ];
    let it = changelog(line(&messages), Vec::new(), &[]);
    let expected = [
        (Section::Features, "x (#1)"),
        (Section::Reverts, "Revert \"feat: unknown\" (#4)"),
    ];
    assert_eq!(shown(&it.added), expected);
}

#[test]
fn a_revert_is_judged_only_after_all_that_take_it_back() {
    let undo = |at: usize| format!("undo\n\nThis reverts commit {}.", oid(at));
    // 2 takes back 1. Of 3 and 4, which both take back 2, one is gone at once, and the other is
    // there again only after 9, 7 and 4 have been judged.
    let undos = [1, 2, 2, 3, 4, 6, 7, 8].map(undo);
    let mut messages = vec!["feat: x"];
    messages.extend(undos.iter().map(String::as_str));
    let it = changelog(line(&messages), Vec::new(), &[]);
    assert_eq!(shown(&it.added), [(Section::Features, "x")]);
}

#[test]
fn a_revert_takes_nothing_that_came_later_or_is_on_another_line() {
    // Taken back before it is made again: by the subject, the older one is meant, which is not here.
    let it = changelog(line(&["Revert \"feat: x\"", "feat: x"]), Vec::new(), &[]);
    assert_eq!(it.added.left_out, []);
    // One of two is outside: nothing goes.
    let both = format!("revert: both\n\nRefs: {}, {}", oid(1), oid(77));
    let it = changelog(line(&["feat: x", &both]), Vec::new(), &[]);
    assert_eq!(it.added.left_out, []);
    let both = format!(
        "revert: both\n\nRefs: {}, {}",
        &oid(1).as_str()[..9],
        oid(2)
    );
    let it = changelog(line(&["feat: x", "feat: y", &both]), Vec::new(), &[]);
    assert_eq!(it.added.shown, []);
}

#[test]
fn a_revert_of_a_merge_takes_back_what_the_merge_brought() {
    let undo = |mainline: usize| {
        format!(
            "Revert \"Merge\"\n\nThis reverts commit {}, reversing\nchanges made to {}.",
            oid(4),
            oid(mainline)
        )
    };
    // 1 on the main line, 2 and 3 on a branch, 4 joins them, 5 takes that back.
    let commits = |fork: usize, mainline: usize| {
        vec![
            commit(5, &[4], &undo(mainline)),
            commit(4, &[1, 3], "Merge branch 'x'"),
            commit(3, &[2], "docs: x"),
            commit(2, &[fork], "feat: x"),
            commit(1, &[0], "fix: main"),
        ]
    };
    // Wherever the branch began: what is not here is on the main line, which has the base.
    for fork in [0, 77] {
        let it = changelog(commits(fork, 1), Vec::new(), &[]);
        assert_eq!(shown(&it.added), [(Section::Fixes, "main")]);
        let gone = Reason::Reverted { by: oid(5) };
        let of = vec![oid(4), oid(3), oid(2)];
        let expected = [
            (5, &Reason::Revert { of }),
            (4, &gone),
            (3, &gone),
            (2, &gone),
        ];
        assert_eq!(left_out(&it.added), expected);
    }
    // Taken back from the other line, the branch stays.
    let it = changelog(commits(0, 3), Vec::new(), &[]);
    assert_eq!(it.added.shown.len(), 3);
    // The main line does not have the base: the branch may have brought something of it.
    let mut apart = commits(0, 1);
    apart[4] = commit(1, &[77], "fix: main");
    let it = changelog(apart, Vec::new(), &[]);
    assert_eq!(it.added.shown.len(), 3);
    // The revert taken back, everything is there again.
    let mut again = commits(0, 1);
    let back = format!("Reapply\n\nThis reverts commit {}.", oid(5));
    again.insert(0, commit(6, &[5], &back));
    let it = changelog(again, Vec::new(), &[]);
    assert_eq!(it.added.shown.len(), 2);
}

#[test]
fn reverts_that_name_each_other_end() {
    let one = format!("one\n\nThis reverts commit {}.", oid(2));
    let other = format!("other\n\nThis reverts commit {}.", oid(1));
    let it = changelog(line(&[&one, &other]), Vec::new(), &[]);
    assert_eq!(it.added.count(), 2);
    // A long chain is followed without a stack.
    let chain: Vec<_> = (0..20_000)
        .map(|at| format!("x\n\nThis reverts commit {}.", oid(at)))
        .collect();
    let chain: Vec<_> = chain.iter().map(String::as_str).collect();
    let it = changelog(line(&chain), Vec::new(), &[]);
    assert_eq!((it.added.count(), it.added.shown.len()), (20_000, 0));
}
