//! Following a branch of the remote.
//!
//! A local remote is read in process: its ref with `gix`, and the few objects that are new are
//! copied (`copy.rs`). That takes about a millisecond, where `git fetch` takes tens,
//! and the time between reading a tip and pushing onto it is what decides races.

use gix::ObjectId;
use gix::refs::transaction::PreviousValue;
use ids::Oid;

use crate::mirror::{Branch, Inner, oid};
use crate::{GitError, Mirror, Tip, copy, refused};

/// What remotes say of a commit that they do not have, or do not give out by its name.
const NOT_THERE: [&str; 3] = [
    "not our ref",
    "unadvertised object",
    "couldn't find remote ref",
];

/// The command that brings over what a refspec names, and nothing else.
fn command<'a>(url: &'a str, refspec: &'a str) -> [&'a str; 9] {
    [
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--no-recurse-submodules",
        "--end-of-options",
        url,
        refspec,
    ]
}

impl Mirror {
    /// Asks the remote where `branch` is and brings over what is new.
    pub async fn fetch(&self, branch: &str) -> Result<Tip, GitError> {
        let branch = Branch::parse(branch)?;
        let id = self.follow(&branch).await?;
        Ok(Tip { oid: oid(id) })
    }

    /// Where the mirror last saw `branch`; the remote is not asked.
    pub async fn tip(&self, branch: &str) -> Result<Option<Tip>, GitError> {
        let branch = Branch::parse(branch)?;
        self.blocking("reading a branch", move |inner, repository| {
            Ok(inner
                .seen(repository, &branch)?
                .map(|id| Tip { oid: oid(id) }))
        })
        .await
    }

    /// Asks the remote for one commit by its name, wherever it stands there. Kept under a ref of
    /// ours, since no branch that is followed may ever hold it.
    pub async fn bring(&self, commit: &Oid) -> Result<(), GitError> {
        let refspec = format!("+{commit}:refs/towpath/wanted/{commit}");
        let url = &self.0.address.text;
        let guard = self.0.refs.lock().await;
        let output = self.0.git.run(&command(url, &refspec), Vec::new()).await;
        drop(guard);
        let output = output?;
        if output.success {
            return Ok(());
        }
        // The remote's words for a commit that it has not, or does not show.
        if NOT_THERE.iter().any(|it| output.stderr.contains(it)) {
            return Err(GitError::Missing {
                place: url.clone(),
                object: commit.to_string(),
            });
        }
        Err(refused::connection(
            &output.stderr,
            "fetching",
            &self.0.address,
        ))
    }

    pub(crate) async fn follow(&self, branch: &Branch) -> Result<ObjectId, GitError> {
        let guard = self.0.refs.lock().await;
        let result = self.follow_locked(branch).await;
        drop(guard);
        result
    }

    async fn follow_locked(&self, branch: &Branch) -> Result<ObjectId, GitError> {
        if self.is_local() {
            let wanted = branch.clone();
            let copied = self
                .blocking("fetching", move |inner, mirror| inner.peek(mirror, &wanted))
                .await?;
            if let Some(id) = copied {
                return Ok(id);
            }
        }
        self.fetch_by_command(branch).await
    }

    async fn fetch_by_command(&self, branch: &Branch) -> Result<ObjectId, GitError> {
        let refspec = format!("+{0}:{0}", branch.full);
        let url = &self.0.address.text;
        let output = self.0.git.run(&command(url, &refspec), Vec::new()).await?;
        if !output.success || output.stderr.contains("shallow") {
            return Err(self.explain(branch, &output.stderr).await);
        }
        let wanted = branch.clone();
        self.blocking("fetching", move |inner, repository| {
            inner.seen(repository, &wanted)?.ok_or_else(|| {
                inner.broken("fetching", &format!("`{}` did not arrive", wanted.full))
            })
        })
        .await
    }

    /// Tells an empty repository from one that lacks this branch.
    async fn explain(&self, branch: &Branch, stderr: &str) -> GitError {
        let place = self.0.address.text.clone();
        if !stderr.contains("couldn't find remote ref") {
            return refused::connection(stderr, "fetching", &self.0.address);
        }
        let args = ["ls-remote", "--heads", "--end-of-options", &place];
        let known = match self.0.git.run(&args, Vec::new()).await {
            Ok(output) if output.success => output.stdout,
            Ok(output) => {
                return refused::connection(&output.stderr, "listing branches", &self.0.address);
            }
            Err(why) => return why,
        };
        let known: Vec<String> = known
            .lines()
            .filter_map(|line| line.split_once("refs/heads/"))
            .map(|(_, name)| name.to_owned())
            .take(10)
            .collect();
        let branch = branch.name.clone();
        if known.is_empty() {
            GitError::Empty { place, branch }
        } else {
            GitError::NoSuchBranch {
                place,
                branch,
                known,
            }
        }
    }
}

impl Inner {
    /// Reads a local remote in process. `None` when the `git` command has to do it: too much is
    /// new, or the remote is stored in a way only git reads.
    fn peek(
        &self,
        mirror: &gix::Repository,
        branch: &Branch,
    ) -> Result<Option<ObjectId>, GitError> {
        let Some(remote) = self.local_remote() else {
            return Ok(None);
        };
        if remote.is_shallow().unwrap_or(false) {
            return Err(GitError::Shallow {
                place: self.address.text.clone(),
            });
        }
        let theirs = remote
            .try_find_reference(branch.full.as_str())
            .ok()
            .flatten()
            .and_then(|mut reference| reference.peel_to_id().ok().map(gix::Id::detach));
        let Some(theirs) = theirs else {
            return Ok(None);
        };
        let ours = self.seen(mirror, branch)?;
        if ours == Some(theirs) {
            return Ok(Some(theirs));
        }
        if ours.is_none() {
            return Ok(None);
        }
        match copy::commits(&remote, mirror, theirs) {
            Ok(true) => {
                self.point(mirror, branch, theirs)?;
                Ok(Some(theirs))
            }
            Ok(false) => Ok(None),
            Err(why) => {
                self.forget_remote();
                tracing::debug!(%why, "copying objects failed, the git command fetches");
                Ok(None)
            }
        }
    }

    /// Records in the mirror where a branch of the remote is.
    pub(crate) fn point(
        &self,
        mirror: &gix::Repository,
        branch: &Branch,
        id: ObjectId,
    ) -> Result<(), GitError> {
        mirror
            .reference(branch.full.as_str(), id, PreviousValue::Any, "follow")
            .map(drop)
            .map_err(|why| self.broken("recording a branch", &why))
    }
}
