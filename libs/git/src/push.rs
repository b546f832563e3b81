//! Publishing: one atomic push of one branch, only onto the tip it was made for.

use gix::ObjectId;

use crate::mirror::Branch;
use crate::refused::{self, PushOutcome};
use crate::{GitError, Mirror};

impl Mirror {
    /// Moves `branch` of the remote from `old` to `new`.
    pub(crate) async fn push(
        &self,
        branch: &Branch,
        old: ObjectId,
        new: ObjectId,
    ) -> Result<PushOutcome, GitError> {
        let lease = format!("--force-with-lease={}:{old}", branch.full);
        let refspec = format!("{new}:{}", branch.full);
        let address = &self.0.address;
        let args = [
            "push",
            "--porcelain",
            "--atomic",
            "--no-verify",
            "--no-recurse-submodules",
            &lease,
            "--end-of-options",
            &address.text,
            &refspec,
        ];
        let output = self.0.git.run(&args, Vec::new()).await?;
        refused::push(&output, address)
    }

    /// Stores a pack of new objects in the mirror. It is not forced to disk: it is about to be
    /// in the remote, and a mirror that lost it in a power cut is made again when it is opened.
    pub(crate) async fn store(&self, pack: Vec<u8>) -> Result<(), GitError> {
        let output = self
            .0
            .git
            .run(
                &[
                    "-c",
                    "core.fsync=none",
                    "index-pack",
                    "--stdin",
                    "--fix-thin",
                ],
                pack,
            )
            .await?;
        if output.success {
            return Ok(());
        }
        Err(GitError::Broken {
            place: self.0.git.dir.display().to_string(),
            doing: "storing new objects",
            detail: output.stderr,
        })
    }

    /// Takes note of where a push left the branch, so that the next one need not ask.
    pub(crate) async fn note(&self, branch: &Branch, id: ObjectId) -> Result<(), GitError> {
        let guard = self.0.refs.lock().await;
        let branch = branch.clone();
        let noted = self
            .blocking("recording a push", move |inner, repository| {
                inner.point(repository, &branch, id)
            })
            .await;
        drop(guard);
        noted
    }

    /// Packs what has gathered in the mirror. Slow on a large one, so nothing here calls it; run
    /// it now and then, at a quiet hour. Reading and writing go on meanwhile.
    pub async fn maintain(&self) -> Result<(), GitError> {
        let output = self
            .0
            .git
            .run(&["gc", "--quiet", "--no-detach"], Vec::new())
            .await?;
        if output.success {
            return Ok(());
        }
        Err(GitError::Broken {
            place: self.0.git.dir.display().to_string(),
            doing: "packing the mirror",
            detail: output.stderr,
        })
    }
}
