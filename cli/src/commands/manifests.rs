//! `towpath manifests`: works on a directory, needs no server.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use ids::Digest;
use manifests::{Cache, Diagnostic, Graph, Kind};
use serde_json::json;

use super::{Scene, init};
use crate::args;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(scene: &Scene, command: args::Manifests) -> Result<ExitCode, Failure> {
    match command {
        args::Manifests::Validate { dir } => validate(scene, &dir),
        args::Manifests::Graph { dir } => {
            show_graph(scene, &dir)?;
            Ok(ExitCode::SUCCESS)
        }
        args::Manifests::Schema { kind } => {
            print_schema(kind.as_deref())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

type Sources = BTreeMap<String, Arc<str>>;

fn load(dir: &Path) -> Result<(Graph, Vec<Diagnostic>, Sources), Failure> {
    let files = init::files_under(dir)?;
    let texts: Sources = files
        .iter()
        .map(|(path, bytes)| {
            (
                path.clone(),
                Arc::from(String::from_utf8_lossy(bytes).as_ref()),
            )
        })
        .collect();
    let named = files.into_iter().map(|(path, bytes)| {
        let blob = Digest::of(&bytes).hex().to_owned();
        (path, blob, bytes)
    });
    let (graph, problems) = Graph::load(named, &mut Cache::new());
    Ok((graph, problems, texts))
}

fn validate(scene: &Scene, dir: &Path) -> Result<ExitCode, Failure> {
    let (graph, problems, texts) = load(dir)?;
    let count = graph.manifests().count();
    if scene.is_json() {
        output::json(&json!({ "manifests": count, "problems": problems }))?;
    } else {
        let colour = std::io::stdout().is_terminal();
        for problem in &problems {
            output::raw(
                problem
                    .render(|file| texts.get(file).cloned(), colour)
                    .trim_end(),
            )?;
        }
        let unmanaged = graph.unmanaged().count();
        output::line(&format!(
            "{count} manifest(s), {} problem(s){}",
            problems.len(),
            if unmanaged == 0 {
                String::new()
            } else {
                format!(", {unmanaged} of kinds that Towpath does not manage")
            }
        ))?;
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn show_graph(scene: &Scene, dir: &Path) -> Result<(), Failure> {
    let (graph, _, _) = load(dir)?;
    let all: Vec<_> = graph.manifests().collect();
    let names: Vec<_> = all
        .iter()
        .map(|it| format!("{}/{}", it.kind, it.meta.name))
        .collect();
    let edges: Vec<_> = graph
        .edges()
        .map(|(from, to)| (names[from].as_str(), names[to].as_str()))
        .collect();
    if scene.is_json() {
        let nodes: Vec<_> = all
            .iter()
            .zip(&names)
            .map(|(it, name)| json!({ "name": name, "place": it.meta.place.to_string() }))
            .collect();
        let edges: Vec<_> = edges
            .iter()
            .map(|(from, to)| json!({ "from": from, "to": to }))
            .collect();
        return output::json(&json!({ "manifests": nodes, "references": edges }));
    }
    for name in &names {
        output::line(name)?;
        for (_, to) in edges.iter().filter(|(from, _)| from == name) {
            output::line(&format!("  -> {to}"))?;
        }
    }
    Ok(())
}

/// Schemas are for editors and people alike: indented.
fn pretty(value: &serde_json::Value) -> Result<(), Failure> {
    output::line(&format!("{value:#}"))
}

fn print_schema(kind: Option<&str>) -> Result<(), Failure> {
    let Some(name) = kind else {
        let all: BTreeMap<String, _> = Kind::ALL
            .iter()
            .map(|it| (it.to_string(), manifests::schema(*it)))
            .collect();
        return pretty(&json!(all));
    };
    let Some(kind) = Kind::parse(name) else {
        let known: Vec<_> = Kind::ALL.iter().map(ToString::to_string).collect();
        return Err(
            Failure::usage("unknown-kind", format!("there is no kind `{name}`"))
                .fix(format!("kinds: {}", known.join(", "))),
        );
    };
    pretty(&manifests::schema(kind))
}
