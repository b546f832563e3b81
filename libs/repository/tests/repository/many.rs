//! So many commits that several threads read them.

use std::fmt::Write as _;

use ids::Oid;
use repository::Repository;

use crate::made::git;

/// A line of commits; each adds its number to one file, the later half what the earlier did.
fn long(length: usize) -> (tempfile::TempDir, Vec<Oid>) {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"], "");
    let mut stream = String::new();
    for at in 0..length {
        writeln!(stream, "commit refs/heads/main\nmark :{}", at + 1).unwrap();
        writeln!(stream, "committer Wilma <wilma@example.org> {at} +0000").unwrap();
        let message = format!("commit {at}");
        writeln!(stream, "data {}\n{message}", message.len()).unwrap();
        writeln!(stream, "M 100644 inline file").unwrap();
        let line = format!("{}\n", at % (length / 2));
        writeln!(stream, "data {}\n{line}", line.len()).unwrap();
    }
    git(dir.path(), &["fast-import", "--quiet"], &stream);
    let names = git(dir.path(), &["rev-list", "--reverse", "main"], "");
    let names = names.lines().map(|it| Oid::parse(it).unwrap()).collect();
    (dir, names)
}

#[test]
fn a_long_range_is_the_same_with_a_commit_graph_and_without() {
    let (dir, commits) = long(1200);
    let read = || {
        let repository = Repository::open(dir.path()).unwrap();
        repository.range(Some(&commits[0]), &commits[1199]).unwrap()
    };
    let without = read();
    git(dir.path(), &["commit-graph", "write", "--reachable"], "");
    assert_eq!(read(), without);
    let newest_first = (1..1200).rev().map(|at| format!("commit {at}"));
    let messages = without.iter().map(|it| it.message.trim());
    assert!(messages.eq(newest_first));
    let names = without.iter().rev().map(|it| &it.oid);
    assert!(names.eq(&commits[1..]));
}

#[test]
fn the_changes_of_many_commits_are_each_its_own() {
    let (dir, commits) = long(300);
    let repository = Repository::open(dir.path()).unwrap();
    let found = repository.changes(&commits);
    assert_eq!(found.unknown, []);
    assert_eq!(found.known.len(), 300);
    // Lines go from one number to the next, and once from the last to the first.
    for at in 1..150 {
        assert_eq!(found.known[&commits[at]], found.known[&commits[at + 150]]);
        assert_ne!(found.known[&commits[at]], found.known[&commits[at - 1]]);
    }
    assert_ne!(found.known[&commits[0]], found.known[&commits[150]]);
    let some = repository.changes([&commits[7], &commits[157]]);
    assert_eq!(some.known[&commits[7]], found.known[&commits[157]]);
}

#[test]
fn what_is_missing_in_the_middle_of_a_long_range_is_said() {
    let (dir, commits) = long(1200);
    let dir = dir.path();
    git(dir, &["commit-graph", "write", "--reachable"], "");
    let gone = commits[900].as_str();
    let all = git(
        dir,
        &["rev-list", "--objects", "--no-object-names", "main"],
        "",
    );
    let others: Vec<_> = all.lines().filter(|it| *it != gone).collect();
    git(dir, &["pack-objects", "-q", "rest"], &others.join("\n"));
    let packs = dir.join(".git/objects/pack");
    std::fs::remove_dir_all(&packs).unwrap();
    std::fs::create_dir(&packs).unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::rename(&path, packs.join(path.file_name().unwrap())).unwrap();
        }
    }
    let repository = Repository::open(dir).unwrap();
    let error = repository.range(None, &commits[1199]).unwrap_err();
    assert!(error.to_string().contains(gone), "{error}");
    assert_eq!(
        repository
            .range(Some(&commits[900]), &commits[1199])
            .unwrap()
            .len(),
        299
    );
}
