//! All manifests of a repository, linked by name.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use crate::cache::{Cache, may_hold_manifests};
use crate::diagnostic::Diagnostic;
use crate::kinds::Kind;
use crate::link;
use crate::manifest::Manifest;

/// All manifests of one state of a repository.
///
/// A graph whose load reported anything can be shown and asked, but nothing may be written on
/// its word: what is broken in it reads as absent.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub(crate) manifests: Vec<Arc<Manifest>>,
    /// Position in `manifests`, by kind and name; a project has one per environment.
    pub(crate) by_kind: BTreeMap<Kind, BTreeMap<Arc<str>, Vec<usize>>>,
    /// For each manifest the positions of those it names.
    pub(crate) edges: Vec<Vec<usize>>,
    pub(crate) paths: BTreeSet<Arc<str>>,
}

impl Graph {
    /// Reads and links files given as (path, git blob id, content).
    ///
    /// Pass every file of the repository: those that are not ours are ignored, but a plain-file
    /// environment may only name files that are there. The order of files does not matter.
    pub fn load<P, B>(
        files: impl IntoIterator<Item = (P, String, B)>,
        cache: &mut Cache,
    ) -> (Self, Vec<Diagnostic>)
    where
        P: AsRef<str>,
        B: AsRef<[u8]>,
    {
        let contents: BTreeMap<String, (String, B)> = files
            .into_iter()
            .map(|(path, blob, bytes)| (path.as_ref().to_owned(), (blob, bytes)))
            .collect();
        let names = contents
            .iter()
            .map(|(path, (blob, _))| (path.as_str(), blob.as_str()));
        let read = |path: &str, _: &str| {
            let bytes = contents
                .get(path)
                .map_or(&[][..], |(_, bytes)| bytes.as_ref());
            Ok::<_, Infallible>(Arc::from(bytes))
        };
        match Self::load_with(names, cache, read) {
            Ok(it) => it,
            Err(never) => match never {},
        }
    }

    /// Same, with the content asked for only where the cache does not know the blob. The error is
    /// that of `read`.
    pub fn load_with<P, E>(
        files: impl IntoIterator<Item = (P, P)>,
        cache: &mut Cache,
        mut read: impl FnMut(&str, &str) -> Result<Arc<[u8]>, E>,
    ) -> Result<(Self, Vec<Diagnostic>), E>
    where
        P: AsRef<str>,
    {
        let mut files: Vec<(P, P)> = files.into_iter().collect();
        files.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
        let mut graph = Self::default();
        let mut diagnostics = Vec::new();
        cache.begin();
        for (path, blob) in &files {
            let (path, blob) = (path.as_ref(), blob.as_ref());
            graph.paths.insert(path.into());
            if may_hold_manifests(path) {
                let file = cache.file(path, blob, || read(path, blob))?;
                graph
                    .manifests
                    .extend(file.manifests.iter().map(Arc::clone));
                diagnostics.extend(file.diagnostics.iter().cloned());
            }
        }
        cache.end();
        link::link(&mut graph, &mut diagnostics);
        diagnostics.sort_by(|a, b| (&a.file, a.span, a.code).cmp(&(&b.file, b.span, b.code)));
        Ok((graph, diagnostics))
    }

    /// All manifests, by path and position in the file.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.manifests.iter().map(|it| &**it)
    }

    /// Which manifests name which: pairs of positions in [`Graph::manifests`], the one that names
    /// first.
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        self.edges
            .iter()
            .enumerate()
            .flat_map(|(from, to)| to.iter().map(move |to| (from, *to)))
    }

    /// Manifests that are kept but not read: they plan as unmanaged.
    pub fn unmanaged(&self) -> impl Iterator<Item = &Manifest> {
        self.manifests().filter(|it| it.strict_kind().is_none())
    }

    /// The file is part of this state of the repository.
    pub fn has_file(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// All manifests of a kind, by name.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Manifest> {
        self.by_kind
            .get(&kind)
            .into_iter()
            .flat_map(BTreeMap::values)
            .flatten()
            .map(|at| &*self.manifests[*at])
    }

    /// The manifests of a kind with this name.
    pub(crate) fn named(&self, kind: Kind, name: &str) -> impl Iterator<Item = &Manifest> {
        self.positions(kind, name)
            .iter()
            .map(|at| &*self.manifests[*at])
    }

    pub(crate) fn positions(&self, kind: Kind, name: &str) -> &[usize] {
        self.by_kind
            .get(&kind)
            .and_then(|it| it.get(name))
            .map_or(&[], Vec::as_slice)
    }

    /// All names of a kind.
    pub(crate) fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.by_kind
            .get(&kind)
            .into_iter()
            .flat_map(BTreeMap::keys)
            .map(|it| &**it)
    }
}
