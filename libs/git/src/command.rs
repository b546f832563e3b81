//! Runs the `git` program: the only file that starts a process.
//!
//! The environment is built from nothing, so that neither a person's configuration nor a stray
//! `GIT_DIR` changes what a command does. Credentials come through the caller's environment
//! variables (`GIT_ASKPASS` and what it reads), never through arguments. Only in a repository that
//! a person or a CI job keeps ([`Whose::User`]) git is run as they would: with their
//! configuration, which knows their credentials.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::GitError;
use crate::address::redact;

/// What is kept of our own environment: how to find programs, homes, agents, proxies and
/// certificates.
const KEPT: [&str; 16] = [
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "GIT_EXEC_PATH",
];

/// How much of what git says is kept, in bytes: a hook may talk without end.
const SAID_MAX: u64 = 64 * 1024;

/// Runs git in one directory.
#[derive(Clone)]
pub(crate) struct Git {
    /// The directory commands run in.
    pub(crate) dir: PathBuf,
    /// The remote, for messages.
    pub(crate) place: String,
    /// How long one command may take.
    pub(crate) timeout: Duration,
    /// Environment variables of the caller; values are secret.
    pub(crate) environment: BTreeMap<String, String>,
    /// Whose repository it is.
    pub(crate) whose: Whose,
}

/// Whose repository git is run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// One of ours: nobody's configuration changes what a command does.
    Ours,
    /// Somebody else's: their environment and configuration count.
    User,
}

impl fmt::Debug for Git {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Git")
            .field("dir", &self.dir)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// What a finished command left.
#[derive(Debug)]
pub(crate) struct Output {
    /// Whether it exited with 0.
    pub(crate) success: bool,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it said, credentials removed.
    pub(crate) stderr: String,
}

impl Git {
    /// Runs one command to its end, feeding it `input`. An exit status other than 0 is not an
    /// error here: what it means depends on the command.
    pub(crate) async fn run(&self, args: &[&str], input: Vec<u8>) -> Result<Output, GitError> {
        let subcommand = match args {
            ["-c", _, rest @ ..] => rest,
            args => args,
        };
        let subcommand = subcommand.first().copied().unwrap_or_default();
        let mut child = self.command(args).spawn().map_err(|why| {
            if self.dir.is_dir() {
                GitError::NoGit {
                    detail: why.to_string(),
                }
            } else {
                GitError::storage(&self.dir, "entered", &why)
            }
        })?;
        match tokio::time::timeout(self.timeout, talk(&mut child, input)).await {
            Ok(Ok((success, stdout, stderr))) => {
                let stderr = redact(stderr.trim());
                tracing::trace!(subcommand, success, stderr, "git");
                Ok(Output {
                    success,
                    stdout,
                    stderr,
                })
            }
            Ok(Err(why)) => Err(GitError::Broken {
                place: self.place.clone(),
                doing: "talking to the git program",
                detail: why.to_string(),
            }),
            Err(_) => {
                stop(&mut child).await;
                Err(GitError::Timeout {
                    place: self.place.clone(),
                    command: subcommand.to_owned(),
                    seconds: self.timeout.as_secs(),
                })
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts git, and what git needs of the surroundings"
    )]
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(args).current_dir(&self.dir);
        if self.whose == Whose::Ours {
            command.env_clear();
            for name in KEPT {
                if let Some(value) = std::env::var_os(name) {
                    command.env(name, value);
                }
            }
            command
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", "file:https:http:ssh:git")
            .envs(&self.environment)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own group, so that the helpers it starts (ssh, receive-pack) end with it.
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

async fn talk(child: &mut Child, input: Vec<u8>) -> std::io::Result<(bool, String, String)> {
    let mut stdin = child.stdin.take();
    let mut stdout = child.stdout.take();
    let mut stderr = child.stderr.take();
    let (mut out, mut said) = (Vec::new(), Vec::new());
    let feed = async {
        if let Some(stdin) = stdin.as_mut() {
            // A command that ends early closes its end; its exit status tells more than EPIPE.
            if let Err(why) = stdin.write_all(&input).await {
                tracing::trace!(%why, "git did not read all of its input");
            }
        }
        drop(stdin);
    };
    let listen = async {
        if let Some(stdout) = stdout.as_mut() {
            stdout.read_to_end(&mut out).await?;
        }
        std::io::Result::Ok(())
    };
    let hear = async {
        if let Some(stderr) = stderr.as_mut() {
            stderr.take(SAID_MAX).read_to_end(&mut said).await?;
            tokio::io::copy(stderr, &mut tokio::io::sink()).await?;
        }
        std::io::Result::Ok(())
    };
    let ((), listened, heard) = tokio::join!(feed, listen, hear);
    listened?;
    heard?;
    let status = child.wait().await?;
    Ok((
        status.success(),
        String::from_utf8_lossy(&out).into_owned(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

/// Kills the whole group and waits for the command itself.
async fn stop(child: &mut Child) {
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group
        && let Err(why) = rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
    {
        tracing::debug!(%why, "the git process group was already gone");
    }
    if let Err(why) = child.wait().await {
        tracing::debug!(%why, "the killed git process could not be waited for");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(dir: &std::path::Path, timeout: Duration) -> Git {
        Git {
            dir: dir.to_path_buf(),
            place: "here".to_owned(),
            timeout,
            environment: BTreeMap::from([("TOKEN".to_owned(), "s3cr3t".to_owned())]),
            whose: Whose::Ours,
        }
    }

    #[tokio::test]
    async fn a_failing_command_is_an_answer() {
        let dir = tempfile::tempdir().unwrap();
        let git = git(dir.path(), Duration::from_secs(20));
        let output = git.run(&["rev-parse", "HEAD"], Vec::new()).await.unwrap();
        assert!(!output.success);
        assert!(output.stderr.contains("not a git repository"), "{output:?}");
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_killed_with_everything_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let git = git(dir.path(), Duration::from_millis(300));
        let script = "alias.hang=!echo $$ > pid; sleep 60; true";
        let error = git
            .run(&["-c", script, "hang"], Vec::new())
            .await
            .unwrap_err();
        assert_eq!(error.code(), "git_timeout");
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        // Death of a grandchild cannot be awaited, only looked for.
        for _ in 0..500 {
            if std::fs::read_to_string(&stat).is_ok_and(|text| !text.contains(") Z ")) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            } else {
                return;
            }
        }
        panic!("the shell outlived its command");
    }

    #[tokio::test]
    async fn nobodys_configuration_is_read_and_the_callers_secret_is_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let git = git(dir.path(), Duration::from_secs(20));
        let script = "alias.tell=!echo $GIT_CONFIG_GLOBAL:$GIT_CONFIG_NOSYSTEM:$LC_ALL:$TOKEN";
        let output = git.run(&["-c", script, "tell"], Vec::new()).await.unwrap();
        assert_eq!(output.stdout.trim(), "/dev/null:1:C:s3cr3t");
        assert!(!format!("{git:?}").contains("s3cr3t"));
    }

    #[tokio::test]
    async fn a_missing_directory_is_not_a_missing_git() {
        let git = git(
            std::path::Path::new("/nowhere/at/all"),
            Duration::from_secs(1),
        );
        let error = git.run(&["version"], Vec::new()).await.unwrap_err();
        assert_eq!(error.code(), "git_storage");
    }
}
