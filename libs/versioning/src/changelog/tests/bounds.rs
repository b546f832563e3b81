//! A list that may not become longer.

use super::*;

/// One in ten breaks something, every other one is left out.
fn many(count: usize) -> Changelog {
    let message = |at: usize| match at % 10 {
        0 => "feat!: look".to_owned(),
        1 | 3 | 5 | 7 | 9 => "docs: it".to_owned(),
        _ => format!("fix: number {at}"),
    };
    let commits = (1..=count).rev();
    let commits = commits.map(|at| commit(at, &[at - 1], &message(at)));
    changelog(commits.collect(), Vec::new(), &[])
}

#[test]
fn what_is_short_enough_is_left_as_it_is() {
    let all = many(200);
    assert_eq!(all.clone().bounded(200, usize::MAX), all);
}

#[test]
fn what_breaks_is_told_whatever_its_number_and_all_are_counted() {
    let cut = many(4_000).bounded(200, usize::MAX);
    let side = &cut.added;
    assert_eq!(side.count(), 4_000);
    assert_eq!(side.shown.len(), 400, "all that break, and nothing else");
    assert!(side.shown.iter().all(|it| it.section == Section::Breaking));
    assert_eq!(side.left_out, []);
    assert_eq!(side.count_in(Section::Fixes), 1_600);
    assert_eq!(side.untold.left_out, 2_000);
    let text = cut.text();
    for part in [
        "Fixes (1600)\n  - and 1600 more\n",
        "Left out (2000)\n  - and 2000 more\n",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn what_is_shown_comes_before_what_is_left_out_and_newer_before_older() {
    let cut = many(300).bounded(200, usize::MAX);
    let side = &cut.added;
    assert_eq!((side.shown.len(), side.left_out.len()), (150, 50));
    assert_eq!(side.left_out[0].oid, oid(299));
    assert_eq!(side.untold.left_out, 100);
    let cut = many(300).bounded(100, usize::MAX);
    let fixes = cut.added.shown.iter().skip(30);
    let fixes: Vec<_> = fixes.map(|it| it.committed_at).collect();
    assert_eq!((fixes.len(), fixes[0], fixes[69]), (70, 298, 126));
}

#[test]
fn so_many_bytes_are_not_exceeded_and_what_is_cut_is_said() {
    let cut = many(4_000).bounded(200, 10_000);
    let side = &cut.added;
    assert!(
        (10..100).contains(&side.shown.len()),
        "{}",
        side.shown.len()
    );
    assert_eq!(side.count(), 4_000);
    assert_eq!(side.count_in(Section::Breaking), 400);
}
