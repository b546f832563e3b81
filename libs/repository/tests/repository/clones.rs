//! Clones that left something behind.

use crate::made::Made;

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
fn the_remote_is_the_one_that_is_followed_and_its_address_is_what_git_makes_of_it() {
    let made = Made::of(&[(vec![], 1)]);
    let remote = |made: &Made| made.open().remote();
    assert_eq!(remote(&made), None);
    made.git(&["remote", "add", "one", "team:x/io"]);
    made.git(&["remote", "add", "two", "https://git.example.com/first"]);
    made.git(&[
        "remote",
        "set-url",
        "--add",
        "two",
        "https://git.example.com/second",
    ]);
    assert_eq!(remote(&made), None, "there are two, and nothing says which");
    made.git(&["config", "branch.main.remote", "two"]);
    assert_eq!(remote(&made).as_deref(), Some("two"));
    made.git(&[
        "config",
        "url.https://git.example.com/team/.insteadOf",
        "team:",
    ]);
    let open = made.open();
    let address = |name: &str| open.address(name);
    assert_eq!(
        address("one").as_deref(),
        Some("https://git.example.com/team/x/io")
    );
    assert_eq!(
        address("two").as_deref(),
        Some("https://git.example.com/first")
    );
    made.git(&["config", "branch.main.remote", "."]);
    assert_eq!(remote(&made), None);
}
