//! Repositories that git makes of a plan.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use ids::Oid;
use repository::Repository;
use tempfile::TempDir;

/// A repository, and the names that its commits got.
pub(crate) struct Made {
    pub(crate) dir: TempDir,
    pub(crate) commits: Vec<Oid>,
}

/// Runs git; gives what it prints.
#[expect(
    clippy::disallowed_methods,
    reason = "the program that the library has to agree with; it ends by itself"
)]
pub(crate) fn git(dir: &Path, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("git")
        .args([
            "-c",
            "user.name=Wilma",
            "-c",
            "user.email=wilma@example.org",
        ])
        .args(arguments)
        .current_dir(dir)
        .env("HOME", dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// One commit of a plan: its parents by their numbers, and when it was made.
pub(crate) type Planned = (Vec<usize>, u64);

impl Made {
    /// Makes the commits of a plan on `main`; parents come before their children.
    pub(crate) fn of(plan: &[Planned]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        git(dir.path(), &["init", "-q", "-b", "main"], "");
        let mut stream = String::new();
        for (at, (parents, time)) in plan.iter().enumerate() {
            let message = format!("commit {at}");
            writeln!(stream, "commit refs/heads/main\nmark :{}", at + 1).unwrap();
            writeln!(stream, "committer Wilma <wilma@example.org> {time} +0000").unwrap();
            writeln!(stream, "data {}\n{message}", message.len()).unwrap();
            for (order, parent) in parents.iter().enumerate() {
                let word = if order == 0 { "from" } else { "merge" };
                writeln!(stream, "{word} :{}", parent + 1).unwrap();
            }
            if parents.is_empty() {
                writeln!(stream, "deleteall").unwrap();
            }
            writeln!(stream).unwrap();
        }
        // Marks that lead nowhere would be lost: each commit keeps a branch of its own.
        for at in 0..plan.len() {
            writeln!(stream, "reset refs/heads/c{at}\nfrom :{}\n", at + 1).unwrap();
        }
        git(dir.path(), &["fast-import", "--quiet", "--force"], &stream);
        let names: Vec<_> = (0..plan.len()).map(|at| format!("c{at}")).collect();
        let mut ask = vec!["rev-parse"];
        ask.extend(names.iter().map(String::as_str));
        let answer = git(dir.path(), &ask, "");
        let commits = answer.lines().map(|it| Oid::parse(it).unwrap()).collect();
        Self { dir, commits }
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(self.dir.path(), arguments, "")
    }

    pub(crate) fn open(&self) -> Repository {
        Repository::open(self.dir.path()).unwrap()
    }
}
