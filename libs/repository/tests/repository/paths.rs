//! Commits and what stands where.

use crate::made::Made;

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
