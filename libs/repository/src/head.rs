//! What is checked out, and where the repository came from.

use crate::{Error, Repository};

impl Repository {
    /// The branch that is checked out, without `refs/heads/`; nothing when a commit is.
    pub fn branch(&self) -> Result<Option<String>, Error> {
        let name = self.inner.head_name().map_err(|it| self.broken(&it))?;
        Ok(name.map(|it| it.shorten().to_string()))
    }

    /// Whether `HEAD` leads to a commit: a new repository has none.
    pub fn is_empty(&self) -> bool {
        self.inner.head_id().is_err()
    }

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
}
