//! What commits change, compared with git's patch-id.

use std::collections::BTreeMap;
use std::path::Path;

use ids::Oid;
use repository::Repository;

use crate::made::git;

/// A commit of these files on the current branch.
fn commit(dir: &Path, files: &[(&str, &[u8])], message: &str) -> Oid {
    for (path, bytes) in files {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    git(dir, &["add", "--all"], "");
    git(dir, &["commit", "-q", "--allow-empty", "-m", message], "");
    Oid::parse(&git(dir, &["rev-parse", "HEAD"], "")).unwrap()
}

fn lines(first: &str, tenth: &str) -> Vec<u8> {
    let middle: Vec<_> = (2..10).map(|at| format!("line {at}\n")).collect();
    format!("{first}\n{}{tenth}\n", middle.concat()).into_bytes()
}

#[test]
fn a_change_has_one_number_wherever_it_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    git(dir, &["init", "-q", "-b", "main"], "");
    let root = commit(
        dir,
        &[("a", &lines("one", "ten")), ("b/c", b"x\0\x01")],
        "root",
    );
    let tenth = commit(dir, &[("a", &lines("one", "TEN"))], "tenth");
    let binary = commit(dir, &[("b/c", b"x\0\x02")], "binary");
    let empty = commit(dir, &[], "empty");
    let added = commit(dir, &[("d", b"new\n")], "a new file");
    git(dir, &["update-index", "--chmod=+x", "a"], "");
    git(dir, &["commit", "-q", "-m", "mode"], "");
    let mode = Oid::parse(&git(dir, &["rev-parse", "HEAD"], "")).unwrap();
    git(
        dir,
        &["checkout", "-q", "-f", "-b", "other", root.as_str()],
        "",
    );
    // Far enough from the tenth line, and near enough to the first.
    commit(dir, &[("a", &lines("zero\none", "ten"))], "shift");
    let mut numbers = BTreeMap::new();
    let mut picked = BTreeMap::new();
    for original in [&tenth, &binary, &added, &mode] {
        git(dir, &["cherry-pick", "-x", original.as_str()], "");
        let copy = Oid::parse(&git(dir, &["rev-parse", "HEAD"], "")).unwrap();
        picked.insert(original.clone(), copy);
    }
    git(dir, &["checkout", "-q", "-b", "third", root.as_str()], "");
    let blanks = commit(
        dir,
        &[("a", &lines("one", "T EN "))],
        "the same but for white space",
    );
    let another = commit(dir, &[("a", &lines("ONE", "T EN "))], "another line");

    let repository = Repository::open(dir).unwrap();
    let all = [
        &root, &tenth, &binary, &empty, &added, &mode, &blanks, &another,
    ];
    let found = repository.changes(all.into_iter().chain(picked.values()));
    assert_eq!(found.unknown, []);
    assert_eq!(found.known.get(&empty), None);
    for (original, copy) in &picked {
        assert_eq!(
            found.known[original], found.known[copy],
            "{original} and {copy}"
        );
    }
    assert_eq!(found.known[&tenth], found.known[&blanks]);
    for commit in [&tenth, &binary, &added, &mode, &another] {
        let before = numbers.insert(found.known[commit], commit);
        assert_eq!(before, None, "{commit}");
    }
    // Nobody else touches just these two files.
    assert_eq!(found.known.get(&root), None);
}

#[test]
fn what_is_not_in_the_clone_is_said_and_not_fetched() {
    let whole = tempfile::tempdir().unwrap();
    let from = whole.path();
    git(from, &["init", "-q", "-b", "main"], "");
    git(from, &["config", "uploadpack.allowFilter", "true"], "");
    let first = commit(from, &[("a", b"1\n")], "first");
    let second = commit(from, &[("a", b"2\n")], "second");
    let parts = tempfile::tempdir().unwrap();
    let url = format!("file://{}", from.display());
    for filter in ["tree:0", "blob:none"] {
        let place = parts.path().join(filter.replace(':', "-"));
        let option = format!("--filter={filter}");
        let arguments = [
            "clone",
            "-q",
            "--bare",
            &option,
            &url,
            place.to_str().unwrap(),
        ];
        git(parts.path(), &arguments, "");
        let repository = Repository::open(&place).unwrap();
        let found = repository.changes([&first, &second]);
        assert_eq!(found.unknown, [first.clone(), second.clone()], "{filter}");
        let between = repository.between(&first, &second).unwrap();
        assert_eq!(between.added.len(), 1, "{filter}");
    }
}
