//! Which of two commits of a source repository comes after the other, on first parents.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use git::{Mirror, Relation};
use ids::{Digest, Oid};
use tokio::sync::{Mutex, Semaphore};

/// Branches that are followed; a repository has some of them.
pub(crate) const BRANCHES: [&str; 3] = ["main", "master", "develop"];

/// Histories that are read at once: each may be as long as its repository is old.
const WALKS: usize = 2;

/// What the history says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// The first commit has the second on its first-parent chain: it is newer.
    Descends,
    /// The first commit is on the second's first-parent chain: it is older.
    Precedes,
    /// Neither, or the repository could not be asked.
    Unknown,
}

/// Mirrors of source repositories, opened when first asked about.
#[derive(Debug, Clone)]
pub struct Histories {
    dir: Arc<PathBuf>,
    open: Arc<Mutex<BTreeMap<String, Mirror>>>,
    /// Held while a long history is in memory.
    pub(crate) walks: Arc<Semaphore>,
}

impl Histories {
    /// Keeps its mirrors under `dir`.
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir: Arc::new(dir),
            open: Arc::default(),
            walks: Arc::new(Semaphore::new(WALKS)),
        }
    }

    /// Compares two commits of the repository at `url`. A repository that cannot be asked
    /// answers [`Ancestry::Unknown`]: order then falls back to weaker rules, which is recorded.
    pub async fn compare(&self, url: &str, first: &Oid, second: &Oid) -> Ancestry {
        match self.relation(url, first, second).await {
            Ok(Relation::DescendantFirstParent) => Ancestry::Descends,
            Ok(Relation::AncestorFirstParent) => Ancestry::Precedes,
            Ok(
                Relation::Same
                | Relation::AncestorOnly
                | Relation::DescendantOnly
                | Relation::Unrelated
                | Relation::Unknown(_),
            ) => Ancestry::Unknown,
            Err(error) => {
                tracing::warn!(%error, "a source repository could not be asked about its history");
                Ancestry::Unknown
            }
        }
    }

    async fn relation(
        &self,
        url: &str,
        first: &Oid,
        second: &Oid,
    ) -> Result<Relation, git::GitError> {
        let mirror = self.mirror(url).await?;
        let known = mirror.relation(first, second).await?;
        if !matches!(known, Relation::Unknown(_)) {
            return Ok(known);
        }
        let mut last = None;
        for branch in BRANCHES {
            if let Err(error) = mirror.fetch(branch).await {
                last = Some(error);
            }
        }
        let found = mirror.relation(first, second).await?;
        match last {
            Some(error) if matches!(found, Relation::Unknown(_)) && error.retryable() => Err(error),
            _ => Ok(found),
        }
    }

    pub(crate) async fn mirror(&self, url: &str) -> Result<Mirror, git::GitError> {
        let mut open = self.open.lock().await;
        if let Some(mirror) = open.get(url) {
            return Ok(mirror.clone());
        }
        let dir = self.dir.join(&Digest::of(url.as_bytes()).hex()[..16]);
        let mirror = Mirror::open(&dir, url, git::Options::default()).await?;
        open.insert(url.to_owned(), mirror.clone());
        Ok(mirror)
    }
}
