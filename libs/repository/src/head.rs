//! What is checked out.

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
}
