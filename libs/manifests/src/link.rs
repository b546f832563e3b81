//! Names to manifests: every reference resolves, every identity stands once, and what belongs
//! together agrees.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, meant, shown, suggestion};
use crate::graph::Graph;
use crate::kinds::{
    Application, BuildDefinition, DeploymentConfig, Environment, Kind, PlainFile, Spec,
};
use crate::manifest::Manifest;
use crate::references::Reference;

/// A suggestion looks at every name: after so many findings, people have enough of them.
const MAX_SUGGESTIONS: usize = 100;

/// Fills the indexes and edges of a graph that has its manifests.
pub(crate) fn link(graph: &mut Graph, out: &mut Vec<Diagnostic>) {
    index(graph, out);
    let mut edges = Vec::with_capacity(graph.manifests.len());
    for manifest in &graph.manifests {
        let mut to = Vec::with_capacity(manifest.references.len());
        for reference in &manifest.references {
            resolve(graph, manifest, reference, &mut to, out);
        }
        to.sort_unstable();
        to.dedup();
        edges.push(to);
    }
    graph.edges = edges;
    for manifest in graph.manifests() {
        agree(graph, manifest, out);
    }
}

/// Drops the second of two manifests that are the same one.
fn index(graph: &mut Graph, out: &mut Vec<Diagnostic>) {
    type Key<'a> = (&'a str, &'a str, Vec<&'a str>);
    let mut first: BTreeMap<Key<'_>, &Arc<Manifest>> = BTreeMap::new();
    let mut kept = Vec::with_capacity(graph.manifests.len());
    for manifest in &graph.manifests {
        let scope = match manifest.strict_kind() {
            Some(kind) => kind
                .scope()
                .iter()
                .map(|it| manifest.meta.parent(*it).unwrap_or_default())
                .collect(),
            None => manifest.meta.parents.values().map(|it| &**it).collect(),
        };
        let key = (&*manifest.kind, &*manifest.meta.name, scope);
        match first.get(&key) {
            None => {
                first.insert(key, manifest);
                kept.push(Arc::clone(manifest));
            }
            Some(other) => {
                let what = format!("{} is already defined", manifest.identity());
                let (here, there) = (&manifest.meta.place, &other.meta.place);
                out.push(
                    Diagnostic::new("duplicate-identity", what, &here.file, here.span)
                        .label(&there.file, there.span, "the first one is here")
                        .help("remove or rename one of them"),
                );
            }
        }
    }
    drop(first);
    graph.manifests = kept;
    for (at, manifest) in graph.manifests.iter().enumerate() {
        if let Some(kind) = manifest.strict_kind() {
            let names = graph.by_kind.entry(kind).or_default();
            names
                .entry(Arc::clone(&manifest.meta.name))
                .or_default()
                .push(at);
        }
    }
}

fn resolve(
    graph: &Graph,
    manifest: &Manifest,
    reference: &Reference,
    to: &mut Vec<usize>,
    out: &mut Vec<Diagnostic>,
) {
    let strict = manifest.strict_kind().is_some();
    let found = graph.positions(reference.kind, &reference.name);
    if found.is_empty() {
        if strict || reference.field.starts_with("metadata.") {
            out.push(unresolved(
                graph,
                manifest,
                reference,
                out.len() < MAX_SUGGESTIONS,
            ));
        }
        return;
    }
    if !reference.field.starts_with("metadata.") {
        to.extend_from_slice(found);
        return;
    }
    let before = to.len();
    to.extend(
        found
            .iter()
            .filter(|at| disagreement(manifest, &graph.manifests[**at]).is_none()),
    );
    if to.len() == before {
        let other = &graph.manifests[found[0]];
        if let Some((key, ours, theirs)) = disagreement(manifest, other) {
            let what = format!(
                "{} `{}` belongs to {key} `{theirs}`, but this manifest says `{ours}`",
                reference.kind,
                reference.name,
                theirs = shown(theirs),
                ours = shown(ours)
            );
            let (here, there) = (&manifest.meta.place, &other.meta.place);
            out.push(
                Diagnostic::new("parent-mismatch", what, &here.file, reference.span)
                    .label(&there.file, there.span, "it is defined here")
                    .help(format!("write `{key}: {theirs}`, or name another parent")),
            );
        }
    }
}

/// The first ancestor both name, and name differently: (key, ours, theirs).
fn disagreement<'a>(
    manifest: &'a Manifest,
    other: &'a Manifest,
) -> Option<(&'a str, &'a str, &'a str)> {
    other.meta.parents.iter().find_map(|(key, theirs)| {
        let ours = manifest.meta.parents.get(key)?;
        (ours != theirs).then_some((key.as_str(), &**ours, &**theirs))
    })
}

fn unresolved(
    graph: &Graph,
    manifest: &Manifest,
    reference: &Reference,
    suggest: bool,
) -> Diagnostic {
    let Reference {
        kind,
        name,
        field,
        span,
    } = reference;
    let what = format!("`{field}`: there is no {kind} `{}`", shown(name));
    let mut it = Diagnostic::new(
        "unresolved-reference",
        what,
        &manifest.meta.place.file,
        *span,
    );
    if !suggest {
        return it;
    }
    if let Some(near) = meant(name, graph.names(*kind))
        && let Some(other) = graph.named(*kind, near).next()
    {
        let place = &other.meta.place;
        it = it.label(
            &place.file,
            place.span,
            format!("{kind} `{near}` is defined here"),
        );
    }
    it.maybe_help(suggestion(name, graph.names(*kind)).or_else(|| {
        Some(format!(
            "add a manifest with `kind: {kind}` and `name: {}`",
            shown(name)
        ))
    }))
}

/// Rules between manifests that a reference alone cannot say.
fn agree(graph: &Graph, manifest: &Manifest, out: &mut Vec<Diagnostic>) {
    match &manifest.spec {
        Spec::Application(it) => container(graph, manifest, it, out),
        Spec::DeploymentConfig(it) => out.extend(config(graph, it)),
        Spec::Environment(it) => out.extend(plain_files(graph, it)),
        Spec::Organization(_)
        | Spec::OrganizationalUnit(_)
        | Spec::Project(_)
        | Spec::ReleaseTrack(_)
        | Spec::ApplicationSet(_)
        | Spec::GithubConnection(_)
        | Spec::GithubRepository(_)
        | Spec::BuildDefinition(_)
        | Spec::ArtifactRegistry(_)
        | Spec::Opaque => {}
    }
}

/// A deployment config is called like its application and lies in its project.
fn config(graph: &Graph, config: &DeploymentConfig) -> Option<Diagnostic> {
    let (place, name) = (&config.meta.place, config.name());
    let Some(application) = graph.application(name) else {
        let what = format!(
            "there is no Application `{}` for this DeploymentConfig",
            shown(name)
        );
        return Some(
            Diagnostic::new("unresolved-reference", what, &place.file, place.span)
                .maybe_help(suggestion(name, graph.names(Kind::Application))),
        );
    };
    let project = application.project.as_deref()?;
    if project == config.project() {
        return None;
    }
    let there = &application.meta.place;
    let what = format!(
        "application `{name}` runs in project `{project}`, but this DeploymentConfig is in `{}`",
        config.project()
    );
    Some(
        Diagnostic::new("project-mismatch", what, &place.file, place.span)
            .label(&there.file, there.span, "the application is here")
            .help("write the same project in both"),
    )
}

/// A plain file is a file of this repository.
fn plain_files(graph: &Graph, environment: &Environment) -> Vec<Diagnostic> {
    let missing = environment
        .plain_files
        .iter()
        .filter(|it| !graph.has_file(&it.file));
    let finding = |it: &PlainFile| {
        let what = format!("there is no file `{}` in this repository", shown(&it.file));
        let near = meant(&it.file, graph.paths.iter().map(|it| &**it));
        Diagnostic::new("missing-file", what, &it.place.file, it.place.span)
            .maybe_help(near.map(|it| format!("did you mean `{it}`?")))
    };
    missing.take(MAX_SUGGESTIONS).map(finding).collect()
}

/// An application has one container of its build definition.
fn container(
    graph: &Graph,
    manifest: &Manifest,
    application: &Application,
    out: &mut Vec<Diagnostic>,
) {
    let Some(definition) = graph.build_definition(&application.build_definition) else {
        return;
    };
    let span = manifest
        .references
        .iter()
        .find(|it| it.field == "spec.buildDefinition")
        .map_or(manifest.meta.place.span, |it| it.span);
    let names = || definition.containers.iter().map(|it| it.name.as_str());
    let code_and_text = match &application.container {
        Some(name) if definition.container(name).is_none() && !definition.containers.is_empty() => {
            let what = format!(
                "build definition `{}` has no container `{}`",
                definition.name(),
                shown(name)
            );
            ("unresolved-container", what, suggestion(name, names()))
        }
        None if definition.containers.len() > 1
            && definition.container(application.name()).is_none() =>
        {
            let what = format!(
                "build definition `{}` builds several containers, and none is called `{}`",
                definition.name(),
                application.name()
            );
            let all: Vec<_> = names().collect();
            (
                "ambiguous-container",
                what,
                Some(format!("add `container:` with one of {}", all.join(", "))),
            )
        }
        Some(_) | None => return,
    };
    let (code, what, help) = code_and_text;
    let there = &definition.meta.place;
    out.push(
        Diagnostic::new(code, what, &manifest.meta.place.file, span)
            .label(&there.file, there.span, "the build definition is here")
            .maybe_help(help),
    );
}

/// The application runs this container of this definition: the one it names; else the only one;
/// else the one called like it. A definition that lists no containers may report under its own
/// name or that of the application.
pub(crate) fn runs(
    application: &Application,
    definition: &BuildDefinition,
    container: &str,
) -> bool {
    if application.build_definition != definition.name() {
        return false;
    }
    match (&application.container, definition.containers.as_slice()) {
        (Some(name), _) => name == container,
        (None, [only]) => only.name == container,
        (None, []) => container == definition.name() || container == application.name(),
        (None, _) => container == application.name() && definition.container(container).is_some(),
    }
}
