//! Where the repository came from.

use crate::Repository;

impl Repository {
    /// The remote that is fetched from: the one that the branch follows that is checked out, else
    /// `origin`, else the only one there is.
    pub fn remote(&self) -> Option<String> {
        let head = self.inner.head_name().ok().flatten();
        let followed = head.and_then(|it| {
            let key = format!("branch.{}.remote", it.shorten());
            self.inner.config_snapshot().string(key.as_str())
        });
        // `.` is the repository itself.
        if let Some(followed) = followed.map(|it| it.to_string())
            && self.remotes().contains(&followed)
        {
            return Some(followed);
        }
        let mut names = self.remotes().into_iter();
        let first = names.next()?;
        if first == "origin" || names.len() == 0 {
            return Some(first);
        }
        names.any(|it| it == "origin").then(|| "origin".to_owned())
    }

    /// All remotes, by name.
    pub fn remotes(&self) -> Vec<String> {
        let names = self.inner.remote_names();
        names.iter().map(ToString::to_string).collect()
    }

    /// Whether this clone leaves tags where they are (`git clone --no-tags`).
    pub fn leaves_tags(&self, remote: &str) -> bool {
        let key = format!("remote.{remote}.tagOpt");
        let value = self.inner.config_snapshot().string(key.as_str());
        value.is_some_and(|it| it.as_slice() == b"--no-tags")
    }

    /// The address that a remote is fetched from, as git reads the configuration (`insteadOf`
    /// included): it may hold a password.
    pub fn address(&self, remote: &str) -> Option<String> {
        let remote = self.inner.find_remote(remote).ok()?;
        let url = remote.url(gix::remote::Direction::Fetch)?;
        Some(url.to_bstring().to_string())
    }
}
