//! Tags of every kind.

use std::fs;

use crate::made::Made;

/// Each tag, with the number of the commit that it leads to; none for what leads elsewhere.
fn found(made: &Made) -> Vec<(String, Option<usize>)> {
    let repository = made.open();
    let tags = repository.tags().unwrap().into_iter();
    tags.map(|it| {
        let at = made.commits.iter().position(|commit| *commit == it.target);
        assert_eq!(at.is_some(), repository.has(&it.target), "{}", it.name);
        (it.name, at)
    })
    .collect()
}

/// Two commits with tags of every kind, some packed.
fn made() -> Made {
    let made = Made::of(&[(vec![], 1), (vec![0], 2)]);
    let first = made.commits[0].as_str();
    made.git(&["tag", "light", first]);
    made.git(&["tag", "-a", "-m", "x", "annotated", first]);
    made.git(&["tag", "-a", "-m", "x", "nested", "annotated"]);
    made.git(&["tag", "packed/one", first]);
    made.git(&["tag", "moved", first]);
    made.git(&["tag", "-a", "-m", "x", "old-tree", "c1^{tree}"]);
    made.git(&["pack-refs", "--all"]);
    made.git(&["tag", "-f", "moved", "c1"]);
    made.git(&["tag", "-a", "-m", "x", "second", "c1"]);
    made.git(&["tag", "-a", "-m", "x", "second-nested", "second"]);
    made.git(&["tag", "tree", "c1^{tree}"]);
    made.git(&["symbolic-ref", "refs/tags/third", "refs/tags/annotated"]);
    made
}

fn expected() -> Vec<(String, Option<usize>)> {
    let all = [
        ("annotated", Some(0)),
        ("light", Some(0)),
        ("moved", Some(1)),
        ("nested", Some(0)),
        ("old-tree", None),
        ("packed/one", Some(0)),
        ("second", Some(1)),
        ("second-nested", Some(1)),
        ("third", Some(0)),
        ("tree", None),
    ];
    all.map(|(name, at)| (name.to_owned(), at)).to_vec()
}

#[test]
fn a_tag_leads_to_its_commit_however_it_was_made() {
    let made = made();
    assert_eq!(found(&made), expected());
    made.git(&["pack-refs", "--all"]);
    assert_eq!(found(&made), expected());
}

#[test]
fn packed_tags_without_their_targets_are_followed() {
    let made = made();
    made.git(&["pack-refs", "--all"]);
    let path = made.dir.path().join(".git/packed-refs");
    let packed = fs::read_to_string(&path).unwrap();
    let lines = packed.lines();
    // As a git older than 1.5.4 wrote it, and as any program may that knows no better.
    let bare: Vec<_> = lines
        .filter(|it| !it.starts_with('#') && !it.starts_with('^'))
        .collect();
    assert!(bare.len() < packed.lines().count());
    for header in ["", "# pack-refs with: \n", "# pack-refs with: sorted \n"] {
        fs::write(&path, format!("{header}{}\n", bare.join("\n"))).unwrap();
        assert_eq!(found(&made), expected(), "{header:?}");
    }
}

#[test]
fn a_tag_that_leads_nowhere_hides_no_other() {
    let made = made();
    let tags = made.dir.path().join(".git/refs/tags");
    let gone = "e".repeat(40);
    fs::write(tags.join("gone"), format!("{gone}\n")).unwrap();
    fs::write(tags.join("odd"), "this is no name\n").unwrap();
    fs::write(tags.join("dangling"), "ref: refs/tags/nothing\n").unwrap();
    assert_eq!(found(&made), expected());
    let path = made.dir.path().join(".git/packed-refs");
    let packed = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{packed}{gone} refs/tags/zz-gone\n")).unwrap();
    let mut with_gone = expected();
    with_gone.push(("zz-gone".to_owned(), None));
    assert_eq!(found(&made), with_gone);
}

#[test]
fn a_repository_without_tags_has_none() {
    let made = Made::of(&[(vec![], 1)]);
    assert_eq!(found(&made), []);
    made.git(&["pack-refs", "--all"]);
    assert_eq!(found(&made), []);
}
