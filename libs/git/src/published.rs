//! Which changes already stand in a branch: an index of `Towpath-Change` trailers, filled only
//! as far back as somebody asks.
//!
//! Commits are read newest first. What is not read yet waits in a frontier, so that moving
//! forward to a new tip and looking further back are the same walk, and no commit is read twice.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use gix::ObjectId;
use uuid::Uuid;

use crate::message;

/// Clocks of other machines are trusted to be right within a day (git's own walks allow for the
/// same, `SLOP` in `revision.c`, by count).
const SLOP_SECONDS: i64 = 86_400;

/// The index of one branch.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    tip: Option<(i64, ObjectId)>,
    changes: BTreeMap<Uuid, ObjectId>,
    /// Everything that was read or waits in the frontier.
    known: BTreeSet<ObjectId>,
    /// Commits to be read, by commit time.
    frontier: BinaryHeap<(i64, ObjectId)>,
    /// Commits that were read, with their times.
    read: BTreeMap<ObjectId, i64>,
}

impl Standing {
    /// Follows the branch to a new tip. When the old tip is not below it, history was rewritten
    /// and everything known is forgotten.
    pub(crate) fn advance(
        &mut self,
        repository: &gix::Repository,
        tip: ObjectId,
    ) -> Result<(), gix::Error> {
        let Some((time, old)) = self.tip else {
            return self.restart(repository, tip);
        };
        if old == tip {
            return Ok(());
        }
        self.wait_for(repository, tip)?;
        let mut met = false;
        while !met
            && self
                .frontier
                .peek()
                .is_some_and(|(at, _)| *at >= time - SLOP_SECONDS)
        {
            met = self.read_one(repository, Some(old))?;
        }
        if met {
            self.tip = Some((commit_time(repository, tip)?, tip));
            Ok(())
        } else {
            tracing::info!(%old, new = %tip, "the branch was rewritten");
            self.restart(repository, tip)
        }
    }

    /// The commit that is this change, searching back until `since` and no further.
    pub(crate) fn find(
        &mut self,
        repository: &gix::Repository,
        change: Uuid,
        since: Option<ObjectId>,
    ) -> Result<Option<ObjectId>, gix::Error> {
        loop {
            if let Some(commit) = self.changes.get(&change) {
                return Ok(Some(*commit));
            }
            let Some((next, _)) = self.frontier.peek() else {
                return Ok(None);
            };
            let passed = since.and_then(|since| self.read.get(&since));
            if passed.is_some_and(|time| *next < time - SLOP_SECONDS) {
                return Ok(None);
            }
            // Everything that waits is below `since` itself: nothing above it is left to read.
            if since.is_some_and(|since| self.only_below(since)) {
                return Ok(None);
            }
            self.read_one(repository, None)?;
        }
    }

    /// Takes note of commits that were just published on top of the tip.
    pub(crate) fn landed(&mut self, commits: &[(Uuid, ObjectId)], time: i64) {
        for (change, commit) in commits {
            self.changes.insert(*change, *commit);
            self.known.insert(*commit);
            self.read.insert(*commit, time);
        }
        if let Some((_, tip)) = commits.last() {
            self.tip = Some((time, *tip));
        }
    }

    /// Whether the one commit that waits is `since`: the usual case of a straight history.
    fn only_below(&self, since: ObjectId) -> bool {
        self.frontier.len() == 1 && self.frontier.peek().is_some_and(|(_, id)| *id == since)
    }

    fn restart(&mut self, repository: &gix::Repository, tip: ObjectId) -> Result<(), gix::Error> {
        *self = Self::default();
        self.wait_for(repository, tip)?;
        self.tip = self.frontier.peek().copied();
        Ok(())
    }

    fn wait_for(&mut self, repository: &gix::Repository, id: ObjectId) -> Result<(), gix::Error> {
        if self.known.insert(id) {
            self.frontier.push((commit_time(repository, id)?, id));
        }
        Ok(())
    }

    /// Reads the newest commit that waits; says whether `wanted` is one of its parents.
    fn read_one(
        &mut self,
        repository: &gix::Repository,
        wanted: Option<ObjectId>,
    ) -> Result<bool, gix::Error> {
        let Some((time, id)) = self.frontier.pop() else {
            return Ok(false);
        };
        let commit = repository.find_commit(id)?;
        if let Some(change) = message::change(&commit.message_raw_sloppy().to_string()) {
            self.changes.entry(change).or_insert(id);
        }
        self.read.insert(id, time);
        let mut met = false;
        for parent in commit.parent_ids() {
            met |= wanted == Some(parent.detach());
            self.wait_for(repository, parent.detach())?;
        }
        Ok(met)
    }
}

fn commit_time(repository: &gix::Repository, id: ObjectId) -> Result<i64, gix::Error> {
    Ok(repository.find_commit(id)?.time()?.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Author;
    use crate::seed::{init_bare, seed};

    /// A repository in which every commit is written by hand, with any time.
    async fn ground() -> (tempfile::TempDir, gix::Repository, ObjectId) {
        let dir = tempfile::tempdir().unwrap();
        init_bare(dir.path()).await.unwrap();
        let author = Author {
            name: "Ann".to_owned(),
            email: "ann@example.com".to_owned(),
        };
        let first = seed(dir.path(), &[("a", b"a")], &author, "First", 0)
            .await
            .unwrap();
        let repository = gix::open_opts(dir.path(), gix::open::Options::isolated()).unwrap();
        (dir, repository, crate::mirror::object_id(&first))
    }

    fn commit(repository: &gix::Repository, parents: &[ObjectId], time: i64, n: u128) -> ObjectId {
        let signature = gix::actor::Signature {
            name: "Ann".into(),
            email: "ann@example.com".into(),
            time: gix::date::Time {
                seconds: time,
                offset: 0,
            },
        };
        let message = message::compose("Change", "", &[], Uuid::from_u128(n)).unwrap();
        let tree = repository
            .find_commit(parents[0])
            .unwrap()
            .tree_id()
            .unwrap()
            .detach();
        repository
            .write_object(gix::objs::Commit {
                tree,
                parents: parents.iter().copied().collect(),
                author: signature.clone(),
                committer: signature,
                encoding: None,
                message: message.into(),
                extra_headers: Vec::new(),
            })
            .unwrap()
            .detach()
    }

    #[tokio::test]
    async fn nothing_below_since_is_read() {
        let (_dir, repository, mut tip) = ground().await;
        let mut line = vec![tip];
        for n in 1..=100 {
            tip = commit(
                &repository,
                &[tip],
                1_000_000 + i64::try_from(n).unwrap(),
                n,
            );
            line.push(tip);
        }
        let mut standing = Standing::default();
        standing.advance(&repository, tip).unwrap();
        let absent = Uuid::from_u128(999);
        assert_eq!(
            standing.find(&repository, absent, Some(line[95])).unwrap(),
            None
        );
        assert_eq!(standing.read.len(), 5);
        let id = Uuid::from_u128(60);
        assert_eq!(
            standing.find(&repository, id, None).unwrap(),
            Some(line[60])
        );
        assert_eq!(standing.read.len(), 41);
        assert_eq!(standing.find(&repository, absent, None).unwrap(), None);
        assert_eq!(standing.read.len(), 101);
    }

    #[tokio::test]
    async fn a_change_is_found_behind_a_merge_that_makes_it_a_second_parent() {
        let (_dir, repository, root) = ground().await;
        let ours = commit(&repository, &[root], 2_000_000, 1);
        let mut standing = Standing::default();
        standing.advance(&repository, ours).unwrap();
        let theirs = commit(&repository, &[root], 2_000_001, 2);
        // Their pull made our commit the second parent.
        let merge = commit(&repository, &[theirs, ours], 2_000_002, 3);
        standing.advance(&repository, merge).unwrap();
        for n in 1..=3 {
            assert!(
                standing
                    .find(&repository, Uuid::from_u128(n), Some(root))
                    .unwrap()
                    .is_some()
            );
        }
    }

    #[tokio::test]
    async fn a_rewritten_branch_is_read_anew() {
        let (_dir, repository, root) = ground().await;
        let gone = commit(&repository, &[root], 2_000_000, 1);
        let mut standing = Standing::default();
        standing.advance(&repository, gone).unwrap();
        assert!(
            standing
                .find(&repository, Uuid::from_u128(1), None)
                .unwrap()
                .is_some()
        );
        let kept = commit(&repository, &[root], 2_000_001, 2);
        standing.advance(&repository, kept).unwrap();
        assert_eq!(
            standing
                .find(&repository, Uuid::from_u128(1), None)
                .unwrap(),
            None
        );
        // Back to an ancestor.
        standing.advance(&repository, root).unwrap();
        assert_eq!(
            standing
                .find(&repository, Uuid::from_u128(2), None)
                .unwrap(),
            None
        );
    }

    #[tokio::test]
    async fn clocks_that_go_wrong_hide_nothing() {
        let (_dir, repository, root) = ground().await;
        // Somebody's clock is ten years ahead; ours is right.
        let since = commit(&repository, &[root], 400_000_000, 1);
        let ours = commit(&repository, &[since], 2_000_000, 2);
        let tip = commit(&repository, &[ours], 2_000_001, 3);
        let mut standing = Standing::default();
        standing.advance(&repository, tip).unwrap();
        let found = standing
            .find(&repository, Uuid::from_u128(2), Some(since))
            .unwrap();
        assert_eq!(found, Some(ours));
        let next = commit(&repository, &[tip], 2_000_002, 4);
        standing.advance(&repository, next).unwrap();
        let found = standing
            .find(&repository, Uuid::from_u128(2), Some(since))
            .unwrap();
        assert_eq!(found, Some(ours));
    }
}
