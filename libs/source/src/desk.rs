//! The manifests repository: what it says at a commit, parsed once per file version.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use git::{GitError, Mirror};
use ids::Oid;
use manifests::kinds::{Application, DeploymentConfig};
use manifests::{Cache, Diagnostic, Graph, Location};
use tokio::sync::Mutex;

/// How many states of the repository are kept parsed.
const KEPT: usize = 16;

/// The manifests at one commit.
#[derive(Debug)]
pub struct Snapshot {
    /// The commit.
    pub commit: Oid,
    /// What the manifests say.
    pub graph: Graph,
    /// What is wrong with them; whatever is broken reads as absent.
    pub problems: Vec<Diagnostic>,
    /// Every file and its blob.
    pub files: BTreeMap<String, Oid>,
}

impl Snapshot {
    /// The application with this name.
    pub fn application(&self, name: &str) -> Option<&Application> {
        self.graph.application(name)
    }

    /// How the application runs in an environment.
    pub fn config(&self, application: &str, environment: &str) -> Option<&DeploymentConfig> {
        self.graph
            .deployment_config(self.application(application)?, environment)
    }

    /// The first problem in a file that says something about the application in an environment.
    /// What is broken reads as absent, so nothing may be written on the word of such a file.
    pub fn problem_near(&self, application: &str, environment: &str) -> Option<&Diagnostic> {
        let files = self.files_near(application, environment)?;
        self.problems.iter().find(|it| files.contains(&&*it.file))
    }

    /// The files that say something about the application in an environment; `None` when the
    /// manifests do not know it there.
    fn files_near(&self, application: &str, environment: &str) -> Option<Vec<&str>> {
        let graph = &self.graph;
        let found = graph.application(application)?;
        let location = graph.version_location(found, environment).ok()?;
        let definition = graph.build_definition(&found.build_definition);
        let registries = definition.into_iter().flat_map(|it| {
            it.containers
                .iter()
                .flat_map(|container| graph.registries_of(it, &container.name))
        });
        let places = [
            Some(&found.meta.place),
            graph.application_set_of(found).map(|it| &it.meta.place),
            graph.track_of(found).map(|it| &it.meta.place),
            graph
                .deployment_config(found, environment)
                .map(|it| &it.meta.place),
            graph.environment(environment).map(|it| &it.meta.place),
            definition.map(|it| &it.meta.place),
        ];
        let places = places
            .into_iter()
            .flatten()
            .chain(registries.map(|it| &it.meta.place));
        let mut files: Vec<&str> = places.map(|it| &*it.file).collect();
        // The file of the version is known by its name in the tree.
        files.extend(
            self.files
                .get_key_value(&location.file)
                .map(|(name, _)| name.as_str()),
        );
        Some(files)
    }

    /// Where the application's version stands in an environment, or why nowhere.
    pub fn version_location(
        &self,
        application: &str,
        environment: &str,
    ) -> Result<Location, Diagnostic> {
        let Some(found) = self.application(application) else {
            let mut why = format!("there is no Application `{application}` at {}", self.commit);
            if let Some(first) = self.problems.first() {
                why = format!("{why}; what is broken there may hide it: {first}");
            }
            return Err(Diagnostic::of_file("unknown-application", why, "")
                .help("restore its manifest, or abort the deployment"));
        };
        self.graph.version_location(found, environment)
    }
}

/// Why the manifests cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeskError {
    /// The repository cannot be read.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// What a look saw.
type Seen = Result<Arc<Snapshot>, DeskError>;

/// Looks at the remote: whoever asks while one is under way shares the next one.
#[derive(Debug, Default)]
struct Looks {
    /// How many were begun.
    begun: AtomicU64,
    /// The number of the last one that ended, and what it saw.
    last: Mutex<(u64, Option<Seen>)>,
}

#[derive(Debug, Default)]
struct Parsed {
    cache: Cache,
    kept: VecDeque<Arc<Snapshot>>,
}

/// The manifests repository on one branch. Clones share what is parsed.
#[derive(Debug, Clone)]
pub struct Desk {
    mirror: Mirror,
    branch: Arc<str>,
    parsed: Arc<Mutex<Parsed>>,
    looks: Arc<Looks>,
}

impl Desk {
    /// Opens the mirror under `dir`. The repository itself is asked by [`Desk::look`].
    pub async fn open(dir: &Path, url: &str, branch: &str) -> Result<Self, DeskError> {
        let mirror = Mirror::open(dir, url, git::Options::default()).await?;
        Ok(Self {
            mirror,
            branch: branch.into(),
            parsed: Arc::default(),
            looks: Arc::default(),
        })
    }

    /// The mirror, for whoever writes.
    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    /// The branch that environments follow.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// Asks the remote where the branch is and reads what it says there. What is returned was
    /// seen after the call began; a thousand calls at once cost two looks, not a thousand.
    pub async fn look(&self) -> Result<Arc<Snapshot>, DeskError> {
        let wanted = self.looks.begun.load(Ordering::SeqCst) + 1;
        let mut last = self.looks.last.lock().await;
        if let (number, Some(seen)) = &*last
            && *number >= wanted
        {
            return seen.clone();
        }
        let number = self.looks.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let seen = self.look_now().await;
        *last = (number, Some(seen.clone()));
        seen
    }

    async fn look_now(&self) -> Result<Arc<Snapshot>, DeskError> {
        let tip = self.mirror.fetch(&self.branch).await?;
        self.at(&tip.oid).await
    }

    /// Manifests that say the same about one application in one environment as those at
    /// `commit`: a state that is parsed already, if no file that says something about it differs.
    pub async fn about(
        &self,
        commit: &Oid,
        application: &str,
        environment: &str,
    ) -> Result<Arc<Snapshot>, DeskError> {
        let known: Vec<_> = self.parsed.lock().await.kept.iter().cloned().collect();
        if let Some(same) = known.iter().find(|it| &it.commit == commit) {
            return Ok(Arc::clone(same));
        }
        let files: BTreeMap<String, Oid> = self.files_at(commit).await?.into_iter().collect();
        let same = known.into_iter().find(|it| {
            it.files_near(application, environment).is_some_and(|near| {
                near.iter()
                    .all(|file| it.files.get(*file) == files.get(*file))
            })
        });
        match same {
            Some(snapshot) => Ok(snapshot),
            None => self.at(commit).await,
        }
    }

    /// Every file at a commit. Whoever wrote the commit may have another mirror: one that is not
    /// here yet is fetched.
    async fn files_at(&self, commit: &Oid) -> Result<Vec<(String, Oid)>, DeskError> {
        match self.mirror.list_files(commit).await {
            Err(GitError::Missing { .. }) => {
                self.look().await?;
                Ok(self.mirror.list_files(commit).await?)
            }
            found => Ok(found?),
        }
    }

    /// The manifests at a commit. Costs what differs from states read before.
    pub async fn at(&self, commit: &Oid) -> Result<Arc<Snapshot>, DeskError> {
        let mut parsed = self.parsed.lock().await;
        if let Some(known) = parsed.kept.iter().find(|it| &it.commit == commit) {
            return Ok(Arc::clone(known));
        }
        let files = self.mirror.list_files(commit).await?;
        let (graph, mut problems) = self.load(&mut parsed.cache, &files).await?;
        // Causes before consequences: what cannot be read makes references lead nowhere.
        problems.sort_by_key(|it| it.code == "unresolved-reference");
        let files = files.into_iter().collect();
        let snapshot = Arc::new(Snapshot {
            commit: commit.clone(),
            graph,
            problems,
            files,
        });
        parsed.kept.push_front(Arc::clone(&snapshot));
        parsed.kept.truncate(KEPT);
        Ok(snapshot)
    }

    /// Parsing is not async and reading is: first find out which blobs are missing, then read
    /// them together, then parse.
    async fn load(
        &self,
        cache: &mut Cache,
        files: &[(String, Oid)],
    ) -> Result<(Graph, Vec<Diagnostic>), DeskError> {
        let names = || {
            files
                .iter()
                .map(|(path, blob)| (path.as_str(), blob.as_str()))
        };
        let mut wanted: Vec<Oid> = files
            .iter()
            .filter(|(path, blob)| cache.wants(path, blob.as_str()))
            .map(|it| it.1.clone())
            .collect();
        wanted.sort();
        wanted.dedup();
        let contents = self.mirror.blobs(&wanted).await?;
        let read: BTreeMap<&str, Arc<[u8]>> = wanted
            .iter()
            .map(Oid::as_str)
            .zip(contents.into_iter().map(Arc::from))
            .collect();
        let loaded = Graph::load_with(names(), cache, |_, blob| {
            Ok::<_, std::convert::Infallible>(
                read.get(blob)
                    .cloned()
                    .unwrap_or_else(|| Arc::from(&[][..])),
            )
        });
        match loaded {
            Ok(loaded) => Ok(loaded),
            Err(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_commit_that_another_mirror_wrote_is_fetched() {
        let dir = tempfile::tempdir().unwrap();
        let remote = dir.path().join("manifests.git");
        git::init_bare(&remote).await.unwrap();
        let url = remote.to_str().unwrap();
        let desk = Desk::open(&dir.path().join("mirror"), url, "main")
            .await
            .unwrap();
        let author = git::Author {
            name: "Wilma Person".into(),
            email: "wilma@example.com".into(),
        };
        let files: &[(&str, &[u8])] = &[("README.md", b"x")];
        let written = git::seed(&remote, files, &author, "Begin", 0)
            .await
            .unwrap();
        let found = desk.about(&written, "api", "production").await.unwrap();
        assert_eq!(found.commit, written);
        let unknown = Oid::parse(&"b".repeat(40)).unwrap();
        let error = desk.about(&unknown, "api", "production").await.unwrap_err();
        assert!(
            matches!(error, DeskError::Git(GitError::Missing { .. })),
            "{error}"
        );
    }
}
