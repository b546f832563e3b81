//! Tags of every kind.

use crate::made::Made;

#[test]
fn a_tag_leads_to_its_commit_however_it_was_made() {
    let made = Made::of(&[(vec![], 1), (vec![0], 2)]);
    let first = made.commits[0].as_str();
    made.git(&["tag", "light", first]);
    made.git(&["tag", "-a", "-m", "x", "annotated", first]);
    made.git(&["tag", "-a", "-m", "x", "nested", "annotated"]);
    made.git(&["tag", "packed/one", first]);
    made.git(&["pack-refs", "--all"]);
    made.git(&["tag", "-a", "-m", "x", "second", "c1"]);
    made.git(&["tag", "tree", "c1^{tree}"]);
    let tags = made.open().tags().unwrap();
    let found: Vec<_> = tags
        .of_commits
        .iter()
        .map(|it| (it.name.as_str(), it.commit == made.commits[0]))
        .collect();
    let expected = [
        ("annotated", true),
        ("light", true),
        ("nested", true),
        ("packed/one", true),
        ("second", false),
    ];
    assert_eq!(found, expected);
    assert_eq!(tags.of_others, ["tree"]);
}
