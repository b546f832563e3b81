//! Reads git's refusals: what `git fetch` and `git push` say when they fail.
//!
//! Git has no machine-readable reason, only English (`LC_ALL=C`). The sentences below come from
//! git's own `builtin/push.c`, `builtin/receive-pack.c`, `refs.c` and from the servers of GitHub
//! and GitLab. A hook may print anything, so the status line of `push --porcelain` is read
//! before what the remote said.

use crate::GitError;
use crate::address::Address;
use crate::command::Output;

/// What came of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PushOutcome {
    /// The branch is where it was asked to be.
    Landed,
    /// Somebody else moved the branch, or holds its lock at this moment.
    Lost {
        /// Git's reason.
        reason: String,
    },
    /// The remote says no, and would say no again.
    Declined {
        /// What the remote said.
        text: String,
        /// Whether another content might be accepted: a hook looked at the commits.
        looked_at_content: bool,
    },
}

/// A lost race in the words of git ([`send-pack.c`, `receive-pack.c`, `refs/files-backend.c`])
/// and of GitLab (`incorrect old value provided`).
const LOST: [&str; 11] = [
    // What `--atomic` makes of any of the others; the cause is among the remote's lines.
    "atomic transaction failed",
    "non-fast-forward",
    "fetch first",
    "stale info",
    "cannot lock ref",
    "failed to lock",
    "incorrect old value provided",
    "failed to update ref",
    "but expected",
    "reference already exists",
    "remote ref updated since checkout",
];

const DENIED: [&str; 9] = [
    "protected branch",
    "permission denied",
    "permission to",
    "not allowed",
    "deny",
    "denied",
    "prohibited",
    "currently checked out",
    "rule violations",
];

const NO_CREDENTIAL: [&str; 9] = [
    "authentication failed",
    "could not read username",
    "could not read password",
    "permission denied (",
    "terminal prompts disabled",
    "access denied",
    "returned error: 401",
    "returned error: 403",
    "host key verification failed",
];

const NO_ANSWER: [&str; 16] = [
    "could not resolve host",
    "connection refused",
    "connection timed out",
    "connection reset",
    "connection closed",
    "operation timed out",
    "network is unreachable",
    "no route to host",
    "unable to connect",
    "failed to connect",
    "unable to access",
    "could not read from remote repository",
    "hung up unexpectedly",
    "early eof",
    "rpc failed",
    "no space left on device",
];

fn says(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Judges a finished `git push --porcelain` of one ref.
pub(crate) fn push(output: &Output, address: &Address) -> Result<PushOutcome, GitError> {
    if output.success {
        return Ok(PushOutcome::Landed);
    }
    let said = output.stderr.to_lowercase();
    let Some(status) = output.stdout.lines().find(|line| line.starts_with('!')) else {
        return Err(connection(&output.stderr, "pushing", address));
    };
    let reason = status.rsplit('\t').next().unwrap_or(status);
    let lower = reason.to_lowercase();
    let declined = |looked_at_content| {
        Ok(PushOutcome::Declined {
            text: spoken(reason, &output.stderr),
            looked_at_content,
        })
    };
    if lower.contains("hook declined") {
        return declined(!says(&lower, &DENIED) && !said.contains("protected branch"));
    }
    if says(
        &said,
        &[
            "no space left",
            "disk quota",
            "i/o error",
            "read-only file system",
        ],
    ) {
        return Err(GitError::Unreachable {
            place: address.text.clone(),
            detail: spoken(reason, &output.stderr),
        });
    }
    if said.contains("permission denied") && !said.contains("file exists") {
        return declined(false);
    }
    if says(&lower, &LOST) {
        return Ok(PushOutcome::Lost {
            reason: spoken(reason, &output.stderr),
        });
    }
    if lower.contains("remote failure") {
        return Err(connection(&output.stderr, "pushing", address));
    }
    declined(false)
}

/// The reason with the remote's own lines, so that a hook's advice reaches the person.
fn spoken(reason: &str, stderr: &str) -> String {
    let mut text = reason.trim().to_owned();
    for line in stderr.lines() {
        let line = line.strip_prefix("remote:").unwrap_or(line).trim();
        let advice = line.is_empty() || line.starts_with("error: failed to push some refs");
        if !advice {
            text.push_str("; ");
            text.push_str(line);
        }
        if text.len() > 2000 {
            text.truncate(text.floor_char_boundary(2000));
            text.push('…');
            break;
        }
    }
    text
}

/// Names the failure of a command that never got to talk about refs.
pub(crate) fn connection(stderr: &str, doing: &'static str, address: &Address) -> GitError {
    let place = address.text.clone();
    let said = stderr.to_lowercase();
    let detail = short(stderr);
    let here = address.local.as_ref().is_some_and(|path| path.exists());
    if said.contains("dubious ownership") {
        return GitError::Address {
            shown: place,
            why: "another user owns it; run as that user or change the owner".to_owned(),
        };
    }
    if says(
        &said,
        &[
            "not appear to be a git repository",
            "not a git repository",
            "invalid gitfile",
            "repository not exported",
        ],
    ) {
        if here {
            return GitError::NotARepository { place, detail };
        }
        if address.local.is_some() {
            return GitError::Unreachable {
                place,
                detail: "there is nothing at this path".to_owned(),
            };
        }
        return GitError::NotARepository { place, detail };
    }
    if says(&said, &NO_CREDENTIAL) {
        return GitError::AuthenticationFailed { place, detail };
    }
    if says(&said, &["repository not found", "' not found"]) {
        return GitError::NotARepository { place, detail };
    }
    if says(&said, &["shallow update", "shallow roots", "from shallow"]) {
        return GitError::Shallow { place };
    }
    if says(&said, &NO_ANSWER) || (address.local.is_some() && !here) {
        return GitError::Unreachable { place, detail };
    }
    if said.contains(".lock") && said.contains("file exists") {
        return GitError::Locked { place, detail };
    }
    GitError::Broken {
        place,
        doing,
        detail,
    }
}

/// One line of at most 500 bytes.
fn short(stderr: &str) -> String {
    let mut line = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    if line.len() > 500 {
        line.truncate(line.floor_char_boundary(500));
        line.push('…');
    }
    if line.is_empty() {
        "it said nothing".clone_into(&mut line);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: &str, stderr: &str) -> Result<PushOutcome, GitError> {
        push(
            &Output {
                success: false,
                stdout: format!("To x\n!\tabc:refs/heads/main\t{status}\nDone\n"),
                stderr: stderr.to_owned(),
            },
            &Address::parse("https://example.com/a.git").unwrap(),
        )
    }

    #[test]
    fn every_known_wording_of_a_lost_race_is_one() {
        for status in [
            "[rejected] (non-fast-forward)",
            "[rejected] (fetch first)",
            "[rejected] (stale info)",
            "[remote rejected] (cannot lock ref 'refs/heads/main': is at a but expected b)",
            "[remote rejected] (incorrect old value provided)",
            "[remote rejected] (failed to update ref)",
            "[remote rejected] (failed to lock)",
            "[remote rejected] (reference already exists)",
            "[remote rejected] (atomic transaction failed)",
        ] {
            let outcome = judged(status, "error: failed to push some refs").unwrap();
            assert!(matches!(outcome, PushOutcome::Lost { .. }), "{status}");
        }
    }

    #[test]
    fn a_hook_that_talks_about_locks_is_still_a_hook() {
        let outcome = judged(
            "[remote rejected] (pre-receive hook declined)",
            "remote: cannot lock ref, says the hook",
        );
        assert_eq!(
            outcome.unwrap(),
            PushOutcome::Declined {
                text: "[remote rejected] (pre-receive hook declined); cannot lock ref, says the \
                       hook"
                    .to_owned(),
                looked_at_content: true,
            }
        );
    }

    #[test]
    fn a_protected_branch_is_declined_whatever_the_content() {
        for (status, stderr) in [
            (
                "[remote rejected] (protected branch hook declined)",
                "remote: error: GH006",
            ),
            (
                "[remote rejected] (failed to update ref)",
                "remote: error: Permission denied",
            ),
            ("[remote rejected] (branch is currently checked out)", ""),
        ] {
            let outcome = judged(status, stderr).unwrap();
            assert!(
                matches!(
                    outcome,
                    PushOutcome::Declined {
                        looked_at_content: false,
                        ..
                    }
                ),
                "{status}"
            );
        }
    }

    #[test]
    fn failures_before_the_refs_are_told_apart() {
        let address = Address::parse("https://example.com/a.git").unwrap();
        for (said, code) in [
            (
                "fatal: Authentication failed for 'https://x'",
                "git_authentication_failed",
            ),
            (
                "fatal: could not read Username: terminal prompts disabled",
                "git_authentication_failed",
            ),
            (
                "fatal: unable to access 'x': Could not resolve host: x",
                "git_unreachable",
            ),
            ("remote: Repository not found.", "git_not_a_repository"),
            (
                "fatal: the remote end hung up unexpectedly",
                "git_unreachable",
            ),
            ("fatal: bad object", "git_broken"),
        ] {
            assert_eq!(
                connection(said, "fetching", &address).code(),
                code,
                "{said}"
            );
        }
    }
}
