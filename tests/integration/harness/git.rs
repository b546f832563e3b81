//! A repository, driven by the `git` command as a person would.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::program::{Outcome, Program};

/// A repository, bare or with files.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    path: PathBuf,
    home: PathBuf,
    identity: (String, String),
    extra: Vec<(String, String)>,
}

impl Git {
    /// Makes a bare repository with the branch `main`, still unborn.
    pub(crate) async fn init_bare(path: &Path, home: &Path) -> Self {
        let git = Self::at(path, home);
        let path = path.to_str().unwrap();
        git.program()
            .within(home)
            .args(["init", "-q", "--bare", "-b", "main", path])
            .run()
            .await
            .ok();
        git
    }

    /// A repository that is there.
    pub(crate) fn at(path: &Path, home: &Path) -> Self {
        Self {
            path: path.to_owned(),
            home: home.to_owned(),
            identity: ("Wilma Person".to_owned(), "wilma@example.com".to_owned()),
            extra: Vec::new(),
        }
    }

    /// Sets a variable for everything done through this.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.extra.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A clone with files.
    pub(crate) async fn clone_to(&self, path: &Path) -> Self {
        let (from, to) = (self.path.to_str().unwrap(), path.to_str().unwrap());
        self.program()
            .within(&self.home)
            .args(["clone", "-q", from, to])
            .run()
            .await
            .ok();
        Self {
            path: path.to_owned(),
            ..self.clone()
        }
    }

    /// Commits are by this person from now on.
    pub(crate) fn by(mut self, name: &str, email: &str) -> Self {
        self.identity = (name.to_owned(), email.to_owned());
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn program(&self) -> Program {
        let (name, email) = &self.identity;
        let program = Program::new("git", &self.home)
            .within(&self.path)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_AUTHOR_NAME", name)
            .env("GIT_AUTHOR_EMAIL", email)
            .env("GIT_COMMITTER_NAME", name)
            .env("GIT_COMMITTER_EMAIL", email);
        self.extra
            .iter()
            .fold(program, |program, (name, value)| program.env(name, value))
    }

    /// Runs git here, whatever comes of it.
    pub(crate) async fn attempt(&self, arguments: &[&str]) -> Outcome {
        self.program().args(arguments).run().await
    }

    /// Runs git here; gives its output without the last line end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> impl Future<Output = String> {
        let program = self.program().args(arguments);
        async move { program.run().await.ok().trim_end_matches('\n').to_owned() }
    }

    /// Makes commits of a stream (`git fast-import`).
    pub(crate) async fn import(&self, stream: &str) {
        let program = self.program().args(["fast-import", "--quiet", "--force"]);
        program.feed(stream.as_bytes()).await.ok();
    }

    /// Stores bytes as a blob; gives its id.
    pub(crate) async fn store(&self, bytes: &[u8]) -> String {
        let program = self.program().args(["hash-object", "-w", "--stdin"]);
        program.feed(bytes).await.ok().trim().to_owned()
    }

    /// The commit that `main` points to.
    pub(crate) async fn tip(&self) -> String {
        self.run(&["rev-parse", "refs/heads/main"]).await
    }

    /// A file at the tip, byte by byte.
    pub(crate) async fn file(&self, path: &str) -> Vec<u8> {
        let program = self
            .program()
            .args(["cat-file", "blob", &format!("main:{path}")]);
        let outcome = program.run().await;
        assert_eq!(outcome.code, 0, "{outcome}");
        outcome.stdout
    }

    /// Writes files and commits them; gives the commit.
    pub(crate) async fn commit<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        message: &str,
    ) -> String {
        for (path, bytes) in files {
            let path = self.path.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        self.run(&["add", "--all"]).await;
        self.run(&["commit", "-q", "--allow-empty", "-m", message])
            .await;
        self.run(&["rev-parse", "HEAD"]).await
    }

    /// Brings a clone to the remote's tip, drops what is local, changes a file and pushes it.
    pub(crate) async fn edit(&self, path: &str, change: impl FnOnce(String) -> String) -> String {
        self.run(&["fetch", "-q", "origin"]).await;
        self.run(&["reset", "-q", "--hard", "origin/main"]).await;
        let before = std::fs::read_to_string(self.path.join(path)).unwrap_or_default();
        let after = change(before);
        let commit = self
            .commit([(path, after.as_bytes())], &format!("Change {path}"))
            .await;
        self.run(&["push", "-q", "origin", "HEAD:main"]).await;
        commit
    }

    /// Every value of a trailer over the whole branch, newest commit first, with its commit.
    pub(crate) async fn trailers(&self, key: &str) -> Vec<(String, String)> {
        let format = format!("--format=%H %(trailers:key={key},valueonly,separator=%x2C)");
        let text = self.run(&["log", &format, "main"]).await;
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, values)| !values.is_empty())
            .flat_map(|(commit, values)| {
                values
                    .split(',')
                    .map(|it| (commit.to_owned(), it.to_owned()))
            })
            .collect()
    }

    /// All commits that `main` descends from, itself included.
    pub(crate) async fn ancestry(&self) -> BTreeSet<String> {
        self.run(&["rev-list", "main"])
            .await
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Files that a commit changed against its first parent.
    pub(crate) async fn changed(&self, commit: &str) -> Vec<String> {
        let text = self
            .run(&["diff-tree", "-r", "--no-commit-id", "--name-only", commit])
            .await;
        text.lines().map(str::to_owned).collect()
    }
}
