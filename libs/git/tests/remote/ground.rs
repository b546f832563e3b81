//! A remote in a temporary directory, and a person who works on it with plain git.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use git::{
    Author, Change, Clock, EditOutcome, FileEdit, Limits, Mirror, Options, Writer, init_bare, seed,
};
use ids::{Oid, Uuid};

/// 2026-01-01T00:00:00Z.
pub(crate) const START_US: i64 = 1_767_225_600_000_000;

pub(crate) struct Ground {
    dir: tempfile::TempDir,
}

impl Ground {
    /// A remote with `files`, all holding `0`.
    pub(crate) async fn with(files: &[&str]) -> Self {
        let ground = Self::empty().await;
        let files: Vec<(&str, &[u8])> = files.iter().map(|name| (*name, &b"0\n"[..])).collect();
        seed(
            &ground.remote(),
            &files,
            &author(),
            "First commit",
            START_US,
        )
        .await
        .unwrap();
        ground
    }

    /// A remote without a commit.
    pub(crate) async fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ground = Self { dir };
        init_bare(&ground.remote()).await.unwrap();
        ground
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn remote(&self) -> PathBuf {
        self.path("remote.git")
    }

    /// Opens the mirror called `name`.
    pub(crate) async fn mirror(&self, name: &str) -> Mirror {
        self.try_mirror(name).await.unwrap()
    }

    pub(crate) async fn try_mirror(&self, name: &str) -> Result<Mirror, git::GitError> {
        let options = Options {
            timeout: Duration::from_mins(1),
            ..Options::default()
        };
        Mirror::open(&self.path(name), self.remote().to_str().unwrap(), options).await
    }

    /// A writer of `main` on the mirror called `name`.
    pub(crate) async fn writer(&self, name: &str) -> Writer {
        let mirror = self.mirror(name).await;
        Writer::spawn(mirror, "main", author(), Limits::unlimited(), clock()).unwrap()
    }

    /// Runs git in the remote.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        run(&self.remote(), args)
    }

    pub(crate) fn tip(&self) -> Oid {
        Oid::parse(&self.git(&["rev-parse", "main"])).unwrap()
    }

    /// The bytes of a file at the tip.
    pub(crate) fn file(&self, path: &str) -> String {
        self.git(&["cat-file", "blob", &format!("main:{path}")])
    }

    /// How many commits `main` has.
    pub(crate) fn count(&self) -> usize {
        self.git(&["rev-list", "--count", "main"]).parse().unwrap()
    }

    /// Puts a hook in place.
    pub(crate) fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = self.remote().join("hooks");
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Counts pushes with a hook; read with [`Ground::pushes`].
    pub(crate) fn count_pushes(&self) {
        let log = self.path("pushes");
        self.hook("post-receive", &format!("cat >> '{}'", log.display()));
    }

    pub(crate) fn pushes(&self) -> usize {
        std::fs::read_to_string(self.path("pushes")).map_or(0, |text| text.lines().count())
    }

    /// A clone in which a person works.
    pub(crate) fn clone_as(&self, name: &str) -> PathBuf {
        let dir = self.path(name);
        let (from, to) = (self.remote(), dir.clone());
        run(
            self.dir.path(),
            &[
                "clone",
                "--quiet",
                from.to_str().unwrap(),
                to.to_str().unwrap(),
            ],
        );
        dir
    }

    /// Somebody pushes a commit that sets one file.
    pub(crate) fn foreign_commit(&self, path: &str, text: &str) -> Oid {
        let name = format!("clone-{}", Uuid::new_v5(&Uuid::nil(), text.as_bytes()));
        let dir = self.clone_as(&name);
        std::fs::write(dir.join(path), text).unwrap();
        run(&dir, &["add", "."]);
        run(&dir, &["commit", "--quiet", "-m", "By hand"]);
        run(&dir, &["push", "--quiet"]);
        Oid::parse(&run(&dir, &["rev-parse", "HEAD"])).unwrap()
    }
}

pub(crate) fn author() -> Author {
    Author {
        name: "Towpath".to_owned(),
        email: "towpath@example.com".to_owned(),
    }
}

pub(crate) fn clock() -> Clock {
    Arc::new(|| START_US + 60_000_000)
}

/// Runs git as a person would, without anybody's configuration.
pub(crate) fn run(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Ann")
        .env("GIT_AUTHOR_EMAIL", "ann@example.com")
        .env("GIT_COMMITTER_NAME", "Ann")
        .env("GIT_COMMITTER_EMAIL", "ann@example.com")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

/// An edit that sets a file to `text`.
pub(crate) fn set(path: &str, text: &str) -> FileEdit {
    let text = text.as_bytes().to_vec();
    FileEdit {
        path: path.to_owned(),
        edit: Arc::new(move |before| {
            Ok(if before == Some(text.as_slice()) {
                EditOutcome::Unchanged
            } else {
                EditOutcome::Replace(text.clone())
            })
        }),
    }
}

/// An edit that adds a line.
pub(crate) fn append(path: &str, line: &str) -> FileEdit {
    let line = line.to_owned();
    FileEdit {
        path: path.to_owned(),
        edit: Arc::new(move |before| {
            let mut text = before.unwrap_or_default().to_vec();
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
            Ok(EditOutcome::Replace(text))
        }),
    }
}

/// An edit that refuses.
pub(crate) fn refuse(path: &str, why: &str) -> FileEdit {
    let why = why.to_owned();
    FileEdit {
        path: path.to_owned(),
        edit: Arc::new(move |_| Err(why.clone())),
    }
}

/// The change with this number.
pub(crate) fn change(number: u128, files: Vec<FileEdit>) -> Change {
    Change {
        id: Uuid::from_u128(number),
        files,
        subject: format!("Change {number}"),
        body: String::new(),
        trailers: vec![("Towpath-Deployment".to_owned(), number.to_string())],
        since: None,
    }
}
