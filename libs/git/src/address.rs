//! Where the remote repository is: a local path or a URL, and never a credential.

use std::path::{Path, PathBuf};

use crate::GitError;

/// A checked repository address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// What is given to git and shown to people.
    pub(crate) text: String,
    /// The directory, when the repository is on this machine.
    pub(crate) local: Option<PathBuf>,
}

/// The schemes that are followed. `ext::` and friends would run programs, so nothing else is.
const SCHEMES: [&str; 5] = ["file://", "https://", "http://", "ssh://", "git://"];

impl Address {
    /// Reads a path, a URL or the `user@host:path` form.
    pub(crate) fn parse(text: &str) -> Result<Self, GitError> {
        let refuse = |why: &str| {
            Err(GitError::Address {
                shown: redact(text).escape_debug().to_string(),
                why: why.to_owned(),
            })
        };
        if text.is_empty() {
            return refuse("it is empty; give a path, https://, ssh:// or file:// address");
        }
        if text.starts_with('-') {
            return refuse("it starts with `-`, which git would read as an option");
        }
        if text.chars().any(char::is_control) {
            return refuse("it holds a control character");
        }
        if let Some(path) = text.strip_prefix("file://") {
            return Self::local(Path::new(path));
        }
        if let Some(scheme) = SCHEMES.iter().find(|scheme| text.starts_with(*scheme)) {
            let rest = &text[scheme.len()..];
            let authority = rest.split('/').next().unwrap_or_default();
            let user = authority.rsplit_once('@').map(|(user, _)| user);
            return match user {
                Some(user) if user.contains(':') || !scheme.starts_with("ssh") => {
                    refuse("it holds a credential; leave it out and give it through GIT_ASKPASS")
                }
                _ => Ok(Self {
                    text: text.to_owned(),
                    local: None,
                }),
            };
        }
        if text.contains("://") || text.contains("::") {
            return refuse("only https, http, ssh, git and file addresses and paths are followed");
        }
        let scp_like = text
            .split_once(':')
            .is_some_and(|(host, _)| !host.contains('/'));
        if scp_like {
            return Ok(Self {
                text: text.to_owned(),
                local: None,
            });
        }
        Self::local(Path::new(text))
    }

    fn local(path: &Path) -> Result<Self, GitError> {
        let path = std::path::absolute(path)
            .map_err(|why| GitError::storage(path, "made an absolute path", &why))?;
        Ok(Self {
            text: path.display().to_string(),
            local: Some(path),
        })
    }
}

/// Replaces what stands between `://` and `@` in every URL of a text.
pub(crate) fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c == '/' || c.is_whitespace() || c == '\'' || c == '"')
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                out.push_str("***@");
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_paths_and_file_urls_are_the_same_place() {
        let path = Address::parse("/srv/env.git").unwrap();
        assert_eq!(path, Address::parse("file:///srv/env.git").unwrap());
        assert_eq!(path.local.as_deref(), Some(Path::new("/srv/env.git")));
        assert!(Address::parse("sub/dir").unwrap().text.starts_with('/'));
    }

    #[test]
    fn remote_forms_are_recognised() {
        for text in [
            "https://example.com/a.git",
            "ssh://git@example.com/a.git",
            "git@example.com:a/b.git",
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.text.as_str(), address.local), (text, None));
        }
    }

    #[test]
    fn credentials_options_and_helpers_are_refused_without_repeating_the_secret() {
        for text in [
            "https://x-access-token:s3cr3t@example.com/a.git",
            "https://s3cr3t@example.com/a.git",
            "ssh://git:s3cr3t@example.com/a.git",
            "ext::sh -c s3cr3t",
            "--upload-pack=touch",
            "gopher://example.com/",
            "",
            "/srv/\nenv",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert_eq!(error.code(), "git_address", "{text}");
            assert!(
                text.contains("ext::") || !error.to_string().contains("s3cr3t"),
                "{error}"
            );
        }
    }

    #[test]
    fn credentials_disappear_from_messages() {
        assert_eq!(
            redact("fatal: unable to access 'https://u:p@h/x': no; https://ok/y"),
            "fatal: unable to access 'https://***@h/x': no; https://ok/y"
        );
    }
}
