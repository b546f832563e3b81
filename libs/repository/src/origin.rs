//! Where a repository was cloned from.

use crate::Repository;

/// A remote, as the repository's configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its name, for `git fetch`.
    pub name: String,
    /// Where it is; may hold a password.
    pub url: String,
}

impl Repository {
    /// The remote called `origin`, or the only one there is.
    pub fn origin(&self) -> Option<Origin> {
        let names = self.inner.remote_names();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let name = match names.as_slice() {
            [only] => only,
            all => all.iter().find(|it| *it == "origin")?,
        };
        let url = self
            .inner
            .config_snapshot()
            .string(format!("remote.{name}.url").as_str())?;
        Some(Origin {
            name: name.clone(),
            url: url.to_string(),
        })
    }
}
