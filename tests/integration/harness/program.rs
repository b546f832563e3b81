//! The one place that starts programs: each with a directory, an environment of its own and a
//! time in which it has to end.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::settings;

/// Nothing that a test runs to its end takes longer.
const LIMIT: Duration = Duration::from_mins(2);

/// A program that is about to be started.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
    environment: Vec<(String, String)>,
    limit: Duration,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What was run, for messages.
    pub(crate) command: String,
    /// The exit code; 128 + N after signal N.
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Program {
    /// A program with nothing in its environment but `PATH` and an empty `HOME`.
    pub(crate) fn new(path: impl Into<PathBuf>, home: &Path) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            directory: home.to_owned(),
            environment: Vec::new(),
            limit: LIMIT,
        }
        .env("PATH", &settings().path)
        .env("HOME", home.to_str().unwrap())
    }

    pub(crate) fn args<S: AsRef<str>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|it| it.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Which binary it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn within(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.directory);
        self
    }

    /// It may take this long, and no longer.
    pub(crate) fn within_time(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end, whatever that is.
    pub(crate) async fn run(&self) -> Outcome {
        self.feed(b"").await
    }

    /// The same with something on its standard input.
    pub(crate) async fn feed(&self, input: &[u8]) -> Outcome {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{self} does not start: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let output = async {
            // A program that ends without reading breaks the pipe, which is its right.
            stdin.write_all(input).await.ok();
            drop(stdin);
            child.wait_with_output().await
        };
        let output = timeout(self.limit, output)
            .await
            .unwrap_or_else(|_| panic!("{self} did not end in {:?}", self.limit))
            .unwrap();
        Outcome {
            command: self.to_string(),
            code: code(output.status),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it to its end where nothing can be awaited, which is while a test is cleaned up.
    #[expect(
        clippy::disallowed_methods,
        reason = "directory and environment are fixed here for all tests"
    )]
    pub(crate) fn run_now(&self) {
        let mut command = std::process::Command::new(&self.path);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .env_clear();
        command.envs(self.environment.iter().cloned());
        if let Err(error) = command.status() {
            println!("{self}: {error}");
        }
    }

    /// Starts it and leaves it running.
    pub(crate) fn spawn(&self, stdout: Stdio, stderr: Stdio) -> tokio::process::Child {
        self.command()
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{self} does not start: {error}"))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "directory, environment and timeout are fixed here for all tests"
    )]
    fn command(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.path);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(self.environment.iter().cloned());
        command
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.path.file_name().unwrap_or_default();
        write!(f, "{} {}", name.display(), self.arguments.join(" "))
    }
}

impl Outcome {
    /// Standard output of a program that must have done what it was told.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self}");
        self.text()
    }

    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Everything it printed.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.text(), self.stderr)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            code,
            stderr,
            ..
        } = self;
        write!(
            f,
            "`{command}` ended with {code}\n{}\n{stderr}",
            self.text()
        )
    }
}

/// The exit code as a shell would say it.
pub(crate) fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status
        .code()
        .or(status.signal().map(|it| 128 + it))
        .unwrap_or(-1)
}

/// `cargo build --workspace`, with the environment of the test.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo needs the whole environment, and compiling takes as long as it takes"
)]
pub(crate) fn build_everything() {
    let status = std::process::Command::new("cargo")
        .args(["build", "--workspace"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .status()
        .expect("cargo is on PATH");
    assert!(status.success(), "cargo build --workspace failed");
}
