//! Changelogs of made-up histories.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

mod bounds;
mod bundles;
mod reverts;

/// The commit number `at` of a history.
pub(super) fn oid(at: usize) -> Oid {
    // Different from the first digit on, as hashes are.
    let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Oid::parse(&format!("{mixed:016x}{at:024x}")).unwrap()
}

pub(super) fn commit(at: usize, parents: &[usize], message: &str) -> Commit {
    Commit {
        oid: oid(at),
        parents: parents.iter().map(|it| oid(*it)).collect(),
        message: message.to_owned(),
        author: Person {
            name: "Wilma Person".to_owned(),
            email: "wilma@example.com".to_owned(),
        },
        committed_at: i64::try_from(at).unwrap(),
    }
}

pub(super) fn end(revision: &str, at: usize) -> End {
    End {
        revision: revision.to_owned(),
        oid: oid(at),
    }
}

/// A line of commits from number 1 on, newest first as git lists them.
fn line(messages: &[&str]) -> Vec<Commit> {
    let all = messages.iter().enumerate();
    let all = all.map(|(at, message)| commit(at + 1, &[at], message));
    let mut all: Vec<_> = all.collect();
    all.reverse();
    all
}

fn changelog(added: Vec<Commit>, removed: Vec<Commit>, same: &[&[usize]]) -> Changelog {
    let range = Range {
        from: Some(end("v1", 0)),
        to: end("v2", 999),
        added,
        removed,
    };
    let known: BTreeMap<_, _> = same
        .iter()
        .zip(1_u8..)
        .flat_map(|(group, number)| group.iter().map(move |at| (oid(*at), [number; 32])))
        .collect();
    let draft = Draft::read(range);
    let asked = draft.candidates().commits;
    for commit in known.keys() {
        assert!(asked.contains(commit), "{commit} was not asked about");
    }
    draft.finish(&Changes { known, unknown: 0 }, None)
}

fn shown(side: &Side) -> Vec<(Section, &str)> {
    let all = side.shown.iter();
    all.map(|it| (it.section, it.description.as_str()))
        .collect()
}

fn left_out(side: &Side) -> Vec<(usize, &Reason)> {
    let number = |it: &LeftOut| (0..100).find(|at| oid(*at) == it.oid).unwrap();
    side.left_out
        .iter()
        .map(|it| (number(it), &it.reason))
        .collect()
}

#[test]
fn sections_come_in_order_and_what_has_no_type_is_shown() {
    let it = changelog(
        line(&[
            "Update things",
            "fix(api): a",
            "chore!: drop node 12",
            "feat: b",
            "docs: c",
            "FEAT: d",
            "deps: e",
            "perf: f",
            "feat:no blank",
            "",
        ]),
        Vec::new(),
        &[],
    );
    let expected = [
        (Section::Breaking, "drop node 12"),
        (Section::Features, "d"),
        (Section::Features, "b"),
        (Section::Fixes, "a"),
        (Section::Performance, "f"),
        (Section::Other, "e"),
        (Section::Unconventional, ""),
        (Section::Unconventional, "feat:no blank"),
        (Section::Unconventional, "Update things"),
    ];
    assert_eq!(shown(&it.added), expected);
    let kind = "docs".to_owned();
    assert_eq!(left_out(&it.added), [(5, &Reason::Hidden { kind })]);
    assert_eq!(it.direction, Direction::Forward);
}

#[test]
fn what_looks_like_it_breaks_is_told_as_that_though_it_conforms_to_nothing() {
    let messages = [
        "feat!: a\nno blank line",
        "feat: b\n\npara\nBREAKING CHANGE: c",
        "d",
    ];
    let found = changelog(line(&messages), Vec::new(), &[]);
    let sections: Vec<_> = shown(&found.added).into_iter().map(|it| it.0).collect();
    let [breaking, none] = [Section::Breaking, Section::Unconventional];
    assert_eq!(sections, [breaking, breaking, none]);
}

#[test]
fn what_breaks_is_told_with_its_footer_and_everybody_who_wrote_it() {
    let message = "refactor: move it (#7)\n\nwhy\n\nBREAKING CHANGE: read the guide\n\
        Refs: PROJ-3\nCo-authored-by: Ada <ada@example.com>";
    let it = changelog(line(&[message]), Vec::new(), &[]);
    let entry = &it.added.shown[0];
    assert_eq!(entry.section, Section::Breaking);
    assert_eq!(entry.notes, ["read the guide"]);
    assert_eq!(entry.issues, ["#7", "PROJ-3"]);
    assert_eq!(entry.co_authors[0].name, "Ada");
    let text = it.text();
    assert!(text.contains("move it [refactor] ("), "{text}");
    assert!(
        text.contains("#7, PROJ-3) by Wilma Person, Ada\n      read the guide\n"),
        "{text}"
    );
}

#[test]
fn a_picked_commit_is_told_once() {
    // 1 on the main line, 2 picked from it onto another, 3 joins them.
    let lines = || {
        vec![
            commit(3, &[1, 2], "Merge branch 'release'"),
            commit(2, &[0], "fix: x"),
            commit(1, &[0], "fix: x"),
        ]
    };
    let it = changelog(lines(), Vec::new(), &[&[1, 2]]);
    assert_eq!(shown(&it.added), [(Section::Fixes, "x")]);
    let kept = oid(1);
    let expected = [(3, &Reason::Merge), (2, &Reason::Duplicate { kept })];
    assert_eq!(left_out(&it.added), expected);
    // Made, undone by hand and made again on one line: three changes.
    let mut one_line = line(&["fix: x", "fix: not x", "fix: x"]);
    one_line.insert(0, commit(4, &[3, 0], "Merge"));
    let it = changelog(one_line.clone(), Vec::new(), &[&[1, 3]]);
    assert_eq!(it.added.shown.len(), 3);
    // Also when clocks went backwards.
    one_line.reverse();
    let it = changelog(one_line, Vec::new(), &[&[1, 3]]);
    assert_eq!(it.added.shown.len(), 3);
}

#[test]
fn a_linear_range_asks_for_no_changes() {
    let range = Range {
        from: Some(end("v1", 0)),
        to: end("v2", 3),
        added: line(&["fix: x", "fix: x", "fix: x"]),
        removed: Vec::new(),
    };
    assert_eq!(Draft::read(range).candidates().commits, []);
}

#[test]
fn what_both_sides_have_is_neither_added_nor_removed() {
    let added = vec![
        commit(3, &[2], "feat: y"),
        commit(2, &[0], "fix: x (picked)"),
    ];
    let removed = vec![commit(5, &[4], "fix: only here"), commit(4, &[0], "fix: x")];
    let it = changelog(added, removed, &[&[2, 4]]);
    assert_eq!(it.direction, Direction::Diverged);
    assert_eq!(shown(&it.added), [(Section::Features, "y")]);
    assert_eq!(shown(&it.removed), [(Section::Fixes, "only here")]);
    let twin = oid(4);
    assert_eq!(left_out(&it.added), [(2, &Reason::OnBothSides { twin })]);
    let twin = oid(2);
    assert_eq!(left_out(&it.removed), [(4, &Reason::OnBothSides { twin })]);
    // What was taken back on one side is not there: the other side's counts.
    let undo = format!("undo\n\nThis reverts commit {}.", oid(2));
    let added = vec![commit(3, &[2], &undo), commit(2, &[0], "fix: x")];
    let removed = vec![commit(4, &[0], "fix: x")];
    let draft = Draft::read(Range {
        from: Some(end("a", 4)),
        to: end("b", 3),
        added,
        removed,
    });
    assert_eq!(draft.candidates().commits, [oid(4)]);
    let known = BTreeMap::from([(oid(4), [1; 32])]);
    let it = draft.finish(&Changes { known, unknown: 2 }, None);
    assert_eq!(shown(&it.removed), [(Section::Fixes, "x")]);
    assert!(
        it.warnings[0].starts_with("2 commit(s) could not"),
        "{:?}",
        it.warnings
    );
}

#[test]
fn very_long_sides_are_compared_by_subject_and_say_so() {
    let many: Vec<_> = (0..5_000).map(|at| format!("fix: number {at}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let range = Range {
        from: Some(end("a", 9_000)),
        to: end("b", 5_000),
        added: line(&many),
        removed: vec![commit(9_000, &[0], "Fix: Number 7 (#3)")],
    };
    let draft = Draft::read(range);
    let mut expected = vec![oid(8), oid(9_000)];
    expected.sort();
    assert_eq!(draft.candidates().commits, expected);
    let it = draft.finish(&Changes::default(), None);
    assert!(it.warnings[0].contains("same subject"), "{:?}", it.warnings);
}

/// Messages in which everything that a changelog looks for may stand anywhere.
fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        "(feat|fix|docs|revert|odd)(\\([a-z]{1,3}\\))?!?: [a-c]( \\(#[1-9]\\))?",
        (0..12_usize).prop_map(|at| format!("Revert \"x\"\n\nThis reverts commit {}.", oid(at))),
        "Revert \"(feat|fix): [a-c]\"",
        "(Reapply|Revert) \"Revert \"(feat|fix): [a-c]\"\"",
        (0..12_usize, 0..12_usize).prop_map(|(a, b)| format!(
            "revert: x\n\nRefs: {}, {}",
            oid(a),
            oid(b)
        )),
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn every_commit_is_shown_or_left_out(
        history in prop::collection::vec((message(), prop::collection::vec(any::<prop::sample::Index>(), 0..3), 0..4_u8), 0..12),
        split in any::<prop::sample::Index>(),
    ) {
        let all: Vec<_> = history.iter().enumerate().map(|(at, (message, parents, _))| {
            let parents: Vec<_> = parents.iter().map(|it| it.index(at + 1)).collect();
            commit(at + 1, &parents, message)
        }).rev().collect();
        let (added, removed) = all.split_at(split.index(all.len() + 1));
        let (added, removed) = (added.to_vec(), removed.to_vec());
        let known: BTreeMap<_, _> = history.iter().enumerate()
            .filter(|(_, (_, _, change))| *change > 0)
            .map(|(at, (_, _, change))| (oid(at + 1), [*change; 32]))
            .collect();
        let range = Range { from: Some(end("a", 0)), to: end("b", 1), added: added.clone(), removed: removed.clone() };
        let it = Draft::read(range).finish(&Changes { known, unknown: 0 }, None);
        for (side, commits) in [(&it.added, &added), (&it.removed, &removed)] {
            let mut told: Vec<_> = side.shown.iter().map(|it| &it.oid)
                .chain(side.left_out.iter().map(|it| &it.oid)).collect();
            told.sort();
            let mut expected: Vec<_> = commits.iter().map(|it| &it.oid).collect();
            expected.sort();
            prop_assert_eq!(told, expected);
            // Reverts go in pairs, within one side.
            for out in &side.left_out {
                let reason = |other: &Oid| side.left_out.iter().find(|it| it.oid == *other).map(|it| &it.reason);
                match &out.reason {
                    Reason::Reverted { by } => {
                        let is_pair = matches!(reason(by), Some(Reason::Revert { of }) if of.contains(&out.oid));
                        prop_assert!(is_pair);
                    }
                    Reason::Revert { of } => for it in of {
                        prop_assert_eq!(reason(it), Some(&Reason::Reverted { by: out.oid.clone() }));
                    },
                    Reason::Merge | Reason::Hidden { .. } | Reason::Duplicate { .. } | Reason::OnBothSides { .. } => {}
                }
            }
        }
    }
}
