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

#[test]
fn a_shallow_clone_has_a_boundary_and_a_whole_one_has_none() {
    let made = Made::of(&[(vec![], 1), (vec![0], 2), (vec![1], 3)]);
    assert!(made.open().boundary().unwrap().is_empty());
    let url = format!("file://{}", made.dir.path().display());
    let into = made.dir.path().join("shallow");
    made.git(&["clone", "-q", "--depth", "2", &url, into.to_str().unwrap()]);
    let shallow = repository::Repository::open(&into).unwrap();
    let boundary: Vec<_> = shallow.boundary().unwrap().into_iter().collect();
    assert_eq!(boundary, [made.commits[1].clone()]);
    let range = shallow.range(None, &made.commits[2]).unwrap();
    assert_eq!(range.len(), 2);
    assert_eq!(shallow.branch().unwrap().as_deref(), Some("main"));
    assert_eq!(shallow.remote().as_deref(), Some("origin"));
    assert!(!shallow.leaves_tags("origin"));
}

#[test]
fn only_what_changes_something_below_a_path_touches_it() {
    let made = Made::of(&[(vec![], 1)]);
    made.git(&["checkout", "-qf", "main"]);
    let write = |path: &str, text: &str| {
        let path = made.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        made.git(&["add", "-A"]);
        made.git(&["commit", "-qm", "x"]);
        ids::Oid::parse(&made.git(&["rev-parse", "HEAD"])).unwrap()
    };
    let (one, two) = (write("api/main.rs", "1"), write("web/index.html", "1"));
    let repository = made.open();
    let touches = |commit, path: &str| repository.touches(commit, &[path.to_owned()]).unwrap();
    assert!(touches(&one, "api") && !touches(&one, "web"));
    assert!(!touches(&two, "api") && touches(&two, "web/index.html"));
    assert!(!touches(&two, "nowhere/at/all"));
    assert!(repository.has_path(&two, "api/main.rs").unwrap());
    assert!(!repository.has_path(&one, "web").unwrap());
}
