//! Where the repository came from.

use crate::Repository;

impl Repository {
    /// The remote that is fetched from: `origin`, or the only one there is.
    pub fn remote(&self) -> Option<String> {
        let names = self.inner.remote_names();
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut names = names.into_iter();
        let first = names.next()?;
        if first == "origin" || names.len() == 0 {
            return Some(first);
        }
        names.any(|it| it == "origin").then(|| "origin".to_owned())
    }

    /// Whether this clone leaves tags where they are (`git clone --no-tags`).
    pub fn leaves_tags(&self, remote: &str) -> bool {
        let key = format!("remote.{remote}.tagOpt");
        let value = self.inner.config_snapshot().string(key.as_str());
        value.is_some_and(|it| it.as_slice() == b"--no-tags")
    }

    /// The address of a remote, as the configuration has it: it may hold a password.
    pub fn address(&self, remote: &str) -> Option<String> {
        let key = format!("remote.{remote}.url");
        let value = self.inner.config_snapshot().string(key.as_str());
        value.map(|it| it.to_string())
    }
}
