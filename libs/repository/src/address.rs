//! Where a remote is.

use crate::Repository;

impl Repository {
    /// The address of a remote, as the configuration has it: it may hold a password.
    pub fn address(&self, remote: &str) -> Option<String> {
        let key = format!("remote.{remote}.url");
        let value = self.inner.config_snapshot().string(key.as_str());
        value.map(|it| it.to_string())
    }
}
