//! `towpath init`: a data directory that knows its manifests, or proposals for a repository that
//! has none yet.

use std::path::{Path, PathBuf};

use manifests::kinds::Target;
use manifests::scaffold;
use service::Config;
use source::{Desk, DeskError};

use super::{Scene, up};
use crate::args;
use crate::failure::Failure;
use crate::{home, output, serve};

pub(super) async fn run(scene: &Scene, init: args::Init) -> Result<(), Failure> {
    if let Some(dir) = &init.from {
        return propose(scene, dir);
    }
    let url = up::absolute(&init.manifests.unwrap_or_default())?;
    let data = scene.data()?;
    let mut config = Config::load(&data, home::settings())?;
    config.manifests.url = url;
    config.manifests.branch = init.branch;
    config.validate()?;
    serve::make_private(&data)?;
    let failed = |DeskError::Git(error): DeskError| {
        Failure::refused(error.code().replace('_', "-"), error.to_string())
    };
    let desk = Desk::open(
        &data.join("mirror"),
        &config.manifests.url,
        &config.manifests.branch,
    )
    .await
    .map_err(failed)?;
    let snapshot = desk.look().await.map_err(failed)?;
    config.write(&data)?;
    let applications = snapshot.graph.applications().count();
    let environments = snapshot.graph.environments().count();
    if scene.is_json() {
        return output::json(&serde_json::json!({
            "data": data, "manifests_url": config.manifests.url, "branch": config.manifests.branch,
            "tip": snapshot.commit.as_str(), "applications": applications, "environments": environments,
            "problems": snapshot.problems,
        }));
    }
    output::line(&format!("data       {}", data.display()))?;
    output::line(&format!(
        "manifests  {} ({})",
        config.manifests.url, config.manifests.branch
    ))?;
    output::line(&format!(
        "found      {applications} application(s), {environments} environment(s)"
    ))?;
    for problem in &snapshot.problems {
        output::line(&format!("problem    {problem}"))?;
    }
    match &scene.connection.data {
        Some(dir) => output::line(&format!("next       towpath --data {} up", dir.display())),
        None => output::line("next       towpath up"),
    }
}

fn propose(scene: &Scene, dir: &Path) -> Result<(), Failure> {
    let files = files_under(dir)?;
    let named: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .collect();
    let proposals = scaffold::propose(named);
    if proposals.is_empty() {
        let what = format!(
            "nothing in {} looks like a version per environment",
            dir.display()
        );
        return Err(Failure::refused("nothing-recognised", what)
            .fix("recognised are envs/*.json, kustomizations with images, and Helm values with image.tag"));
    }
    let names = scaffold::Names {
        organization: "main".to_owned(),
        unit: "main".to_owned(),
        application_set: "main".to_owned(),
        target: Target::Process,
    };
    let files = scaffold::manifests(&proposals, &names);
    if scene.is_json() {
        return output::json(&serde_json::json!({ "files": files }));
    }
    for (path, text) in &files {
        output::line(&format!("# {path}\n---\n{}", text.trim_end()))?;
    }
    Ok(())
}

/// Every regular file of a directory with its path from there; `.git` and links are left out.
pub(super) fn files_under(dir: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::refused(
            "directory-unreadable",
            format!("{}: {error}", path.display()),
        )
    };
    let mut files = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let at = dir.join(&below);
        for entry in std::fs::read_dir(&at).map_err(|error| failed(&at, error))? {
            let entry = entry.map_err(|error| failed(&at, error))?;
            let kind = entry.file_type().map_err(|error| failed(&at, error))?;
            let path = below.join(entry.file_name());
            if kind.is_dir() && entry.file_name() != ".git" {
                open.push(path);
            } else if kind.is_file()
                && let Some(name) = path.to_str()
            {
                let bytes = std::fs::read(entry.path()).map_err(|error| failed(&path, error))?;
                files.push((name.to_owned(), bytes));
            }
        }
    }
    files.sort();
    Ok(files)
}
