//! The mirror: a bare repository of ours that follows one remote repository.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gix::ObjectId;
use ids::Oid;
use tokio::sync::Mutex;

use crate::GitError;
use crate::address::Address;
use crate::command::{Git, Whose};
use crate::open;

/// How a mirror talks to its remote.
#[derive(Clone)]
pub struct Options {
    /// How long one git command may take before it is killed.
    pub timeout: Duration,
    /// Environment variables given to git, such as `GIT_ASKPASS` and what it reads. The only way
    /// in for credentials; never shown or logged.
    pub environment: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_mins(2),
            environment: BTreeMap::new(),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("timeout", &self.timeout)
            .field("environment", &self.environment.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Where a branch stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// The commit.
    pub oid: Oid,
}

/// A bare repository that follows one remote. Cloning gives another handle on the same one.
///
/// The directory belongs to one process at a time, and everything in it can be fetched again:
/// deleting it loses nothing.
#[derive(Debug, Clone)]
pub struct Mirror(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) address: Address,
    pub(crate) git: Git,
    pub(crate) repository: gix::ThreadSafeRepository,
    /// Held while a command changes the mirror's refs, so that git's own ref locks never clash.
    pub(crate) refs: Mutex<()>,
    /// A local remote, opened.
    pub(crate) remote: std::sync::Mutex<Option<Remote>>,
    /// Held for the life of the mirror: the operating system frees it however we die.
    _owner: std::fs::File,
}

/// An open local remote, and which directory it was: another one may take its place.
#[derive(Debug)]
pub(crate) struct Remote {
    device: u64,
    inode: u64,
    repository: gix::ThreadSafeRepository,
}

impl Mirror {
    /// Opens the mirror of `url` in the directory `dir`, creating it when it is not there,
    /// finishing or remaking it when a process was killed half-way, and removing locks that one
    /// left behind.
    ///
    /// `url` is a path, `file://`, `https://`, `ssh://` or `user@host:path`. The remote itself is
    /// not contacted: [`Mirror::fetch`] does that, so that a remote which is down for a while
    /// does not keep anybody from starting.
    pub async fn open(dir: &Path, url: &str, options: Options) -> Result<Self, GitError> {
        let address = Address::parse(url)?;
        let dir = std::path::absolute(dir)
            .map_err(|why| GitError::storage(dir, "made an absolute path", &why))?;
        let git = Git {
            dir: dir.clone(),
            place: address.text.clone(),
            timeout: options.timeout,
            environment: options.environment,
            whose: Whose::Ours,
        };
        let owner = open::claim(&dir)?;
        let repository = open::prepare(&git, &address).await?;
        Ok(Self(Arc::new(Inner {
            address,
            git,
            repository,
            refs: Mutex::new(()),
            remote: std::sync::Mutex::new(None),
            _owner: owner,
        })))
    }

    /// The address of the remote, which never holds a credential.
    pub fn url(&self) -> &str {
        &self.0.address.text
    }

    /// Where it is: a bare repository, for readers that want more of it than this crate tells.
    pub fn directory(&self) -> &Path {
        &self.0.git.dir
    }

    /// Whether the remote is on this machine.
    pub fn is_local(&self) -> bool {
        self.0.address.local.is_some()
    }

    /// Runs `work` on the object store, off the async threads.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Inner, &gix::Repository) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, GitError> {
        let inner = Arc::clone(&self.0);
        let place = self.0.address.text.clone();
        tokio::task::spawn_blocking(move || {
            let repository = inner.thread_local();
            work(&inner, &repository)
        })
        .await
        .map_err(|why| GitError::Broken {
            place,
            doing,
            detail: why.to_string(),
        })?
    }
}

impl Inner {
    /// A handle on the object store for one thread.
    pub(crate) fn thread_local(&self) -> gix::Repository {
        let mut repository = self.repository.to_thread_local();
        repository.object_cache_size_if_unset(4 * 1024 * 1024);
        repository
    }

    /// The local remote, opened once for as long as it is the same directory. `None` when it is
    /// not there, or stored in a way only the `git` command reads.
    pub(crate) fn local_remote(&self) -> Option<gix::Repository> {
        let path = self.address.local.as_ref()?;
        let found = std::fs::metadata(path).ok()?;
        let (device, inode) = (found.dev(), found.ino());
        let mut slot = self.remote.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = slot.as_ref()
            && (open.device, open.inode) == (device, inode)
        {
            return Some(open.repository.to_thread_local());
        }
        match gix::ThreadSafeRepository::open_opts(path, gix::open::Options::isolated()) {
            Ok(repository) => {
                let handle = repository.to_thread_local();
                *slot = Some(Remote {
                    device,
                    inode,
                    repository,
                });
                Some(handle)
            }
            Err(why) => {
                tracing::debug!(%why, "the local remote is left to the git command");
                *slot = None;
                None
            }
        }
    }

    /// Opens the local remote anew next time: what was read from it led nowhere.
    pub(crate) fn forget_remote(&self) {
        *self.remote.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Wraps what the object store said.
    pub(crate) fn broken(&self, doing: &'static str, why: &dyn std::fmt::Display) -> GitError {
        GitError::Broken {
            place: self.address.text.clone(),
            doing,
            detail: why.to_string(),
        }
    }

    /// Where the mirror last saw a branch.
    pub(crate) fn seen(
        &self,
        repository: &gix::Repository,
        branch: &Branch,
    ) -> Result<Option<ObjectId>, GitError> {
        match repository.try_find_reference(branch.full.as_str()) {
            Ok(Some(mut reference)) => reference
                .peel_to_id()
                .map(|id| Some(id.detach()))
                .map_err(|why| self.broken("reading a branch", &why)),
            Ok(None) => Ok(None),
            Err(why) => Err(self.broken("reading a branch", &why)),
        }
    }
}

/// A branch whose name git accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    /// As people say it, such as `main`.
    pub(crate) name: String,
    /// As git stores it, such as `refs/heads/main`.
    pub(crate) full: String,
}

impl Branch {
    pub(crate) fn parse(name: &str) -> Result<Self, GitError> {
        let full = format!("refs/heads/{name}");
        let refuse = |why: String| {
            Err(GitError::Branch {
                branch: name.chars().take(80).flat_map(char::escape_debug).collect(),
                why,
            })
        };
        if name.starts_with('-') {
            return refuse("it starts with `-`".to_owned());
        }
        match gix::validate::reference::name(full.as_str().into()) {
            Ok(_) => Ok(Self {
                name: name.to_owned(),
                full,
            }),
            Err(why) => refuse(why.to_string()),
        }
    }
}

/// Our text form of a gix object name.
pub(crate) fn oid(id: impl Into<ObjectId>) -> Oid {
    Oid::parse(&id.into().to_string()).expect("gix prints 40 lower-case hex digits")
}

/// The gix form of an object name. SHA-256 names cannot be in a SHA-1 mirror, so they become the
/// null name, which no repository holds.
pub(crate) fn object_id(oid: &Oid) -> ObjectId {
    ObjectId::from_hex(oid.as_str().as_bytes())
        .unwrap_or_else(|_| ObjectId::null(gix::hash::Kind::Sha1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_branch_names_are_refused() {
        for name in [
            "", "-f", "a b", "a..b", "a:b", "x.lock", "a\nb", "refs/*", "@{u}",
        ] {
            assert_eq!(
                Branch::parse(name).unwrap_err().code(),
                "git_branch_name",
                "{name:?}"
            );
        }
        assert_eq!(
            Branch::parse("release/a").unwrap().full,
            "refs/heads/release/a"
        );
    }

    #[test]
    fn options_do_not_show_credentials() {
        let options = Options {
            environment: BTreeMap::from([("TOKEN".to_owned(), "s3cr3t".to_owned())]),
            ..Options::default()
        };
        assert!(!format!("{options:?}").contains("s3cr3t"));
    }
}
