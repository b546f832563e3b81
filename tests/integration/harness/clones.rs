//! A remote and clones of it, and no server.

use tempfile::TempDir;

use super::{Git, Program, settings};

/// A directory with a remote and clones of it.
#[derive(Debug)]
pub(crate) struct Clones {
    pub(crate) directory: TempDir,
    pub(crate) remote: Git,
}

impl Clones {
    /// A remote whose `main` has one commit.
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let remote = Git::init_bare(&directory.path().join("remote"), directory.path()).await;
        let it = Self { directory, remote };
        let begin = it.clone("begin", &[]).await;
        begin.run(&["checkout", "-q", "-b", "main"]).await;
        begin.commit([("a", b"a".as_slice())], "chore: begin").await;
        begin.run(&["push", "-q", "origin", "main"]).await;
        it
    }

    /// A clone that has only what it was told to fetch, as from a forge.
    pub(crate) async fn clone(&self, name: &str, options: &[&str]) -> Git {
        let path = self.directory.path().join(name);
        let url = format!("file://{}", self.remote.path().display());
        let mut arguments = vec!["clone", "-q"];
        arguments.extend(options);
        arguments.extend([url.as_str(), path.to_str().unwrap()]);
        self.remote.run(&arguments).await;
        Git::at(&path, self.directory.path())
    }

    /// The command, run beside them.
    pub(crate) fn towpath(&self, arguments: &[&str]) -> Program {
        Program::new(&settings().towpath, self.directory.path()).args(arguments)
    }
}
