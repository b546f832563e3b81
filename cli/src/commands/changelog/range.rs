//! `towpath changelog A..B`: two revisions of a repository on this machine. Needs no server.

use std::path::Path;

use ids::Oid;
use repository::Repository;
use serde_json::{Value, json};
use service::time;
use versioning::changelog::{
    Changelog, Changes, Draft, End, Entry, Forge, LeftOut, Person, Range, Side,
};

use super::Scene;
use crate::failure::Failure;
use crate::history;
use crate::output::{self, Format};
use crate::shell;

pub(super) fn run(scene: &Scene, range: &str, repo: Option<&Path>) -> Result<(), Failure> {
    let (from, to) = ends(range)?;
    let repository = Repository::open(repo.unwrap_or(Path::new(".")))?;
    let (from, to) = (end(&repository, from)?, end(&repository, to)?);
    let it = changelog(&repository, from, to)?;
    match scene.output {
        Format::Json => output::json(&shape(&it)),
        Format::Markdown => output::raw(it.markdown().trim_end()),
        Format::Html => output::raw(it.html().trim_end()),
        Format::Text | Format::Github => output::line(it.text().trim_end()),
    }
}

/// Both ends of `A..B`; an empty one is HEAD.
fn ends(range: &str) -> Result<(&str, &str), Failure> {
    let wrong = |code, why: String, fix: String| Err(Failure::usage(code, why).fix(fix));
    if let Some((from, to)) = range.split_once("...") {
        return wrong(
            "three-dots",
            format!("`{range}` is git's way to ask for both sides at once"),
            format!("`{from}..{to}` lists both already, each for itself"),
        );
    }
    match range.split_once("..") {
        Some(("", "")) => wrong(
            "no-ends",
            "`..` names no revision".to_owned(),
            "write `A..B`; one of them may be empty, which is HEAD".to_owned(),
        ),
        Some((from, to)) if !to.contains("..") => Ok((or_head(from), or_head(to))),
        _ => wrong(
            "no-range",
            format!("`{range}` is no range"),
            "write `A..B` with two revisions".to_owned(),
        ),
    }
}

fn or_head(revision: &str) -> &str {
    if revision.is_empty() {
        "HEAD"
    } else {
        revision
    }
}

fn changelog(repository: &Repository, from: End, to: End) -> Result<Changelog, Failure> {
    let found = repository.between(&from.oid, &to.oid);
    let found = found.map_err(|error| failure(repository, error))?;
    let commits = |all: Vec<repository::Commit>| all.into_iter().map(history::commit).collect();
    let draft = Draft::read(Range {
        from,
        to,
        added: commits(found.added),
        removed: commits(found.removed),
    });
    let changes = repository.changes(&draft.candidates().commits);
    let changes = Changes {
        known: changes.known,
        unknown: changes.unknown.len(),
    };
    let address = repository.remote().and_then(|it| repository.address(&it));
    let forge = address.and_then(|it| Forge::of_remote(&it));
    Ok(draft.finish(&changes, forge))
}

fn end(repository: &Repository, revision: &str) -> Result<End, Failure> {
    let oid = repository.resolve(revision);
    Ok(End {
        oid: oid.map_err(|error| failure(repository, error))?,
        revision: revision.to_owned(),
    })
}

/// What a clone lacks, with the command that fetches it.
fn failure(repository: &Repository, error: repository::Error) -> Failure {
    let message = error.to_string();
    let remote = repository.remote();
    let origin = remote.as_deref().unwrap_or("origin");
    match error {
        repository::Error::Shallow { .. } => Failure::refused("shallow_history", message)
            .fix(shell::fetch(repository, &["--unshallow", origin])),
        repository::Error::NoSuchRevision { revision, .. } => {
            let is_commit = Oid::parse(&revision).is_ok();
            let failure = Failure::refused("no-such-revision", &message);
            if repository.boundary().is_ok_and(|it| !it.is_empty()) {
                let said = format!("{message}. This clone is shallow: it may be beyond its end");
                let what = if is_commit {
                    ["--unshallow", origin, &revision]
                } else {
                    ["--unshallow", "--tags", origin]
                };
                Failure::refused("shallow_history", said).fix(shell::fetch(repository, &what))
            } else if remote.is_some() && is_commit {
                failure.fix(shell::fetch(repository, &[origin, &revision]))
            } else if remote.is_some() && is_ref(&revision) {
                let command = shell::fetch(repository, &[origin, "tag", &revision]);
                failure.fix(format!(
                    "{command} if it is a tag; `git branch --all` lists branches"
                ))
            } else {
                failure.fix("`git tag` and `git branch --all` list what there is")
            }
        }
        repository::Error::NoRepository { .. } | repository::Error::Broken { .. } => error.into(),
    }
}

/// Whether it can be the name of a branch or a tag that needs no quoting.
fn is_ref(revision: &str) -> bool {
    !revision.starts_with('-')
        && revision
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"._-/+@".contains(&it))
        && !revision.contains("@{")
}

fn shape(it: &Changelog) -> Value {
    let end = |it: &End| json!({ "revision": it.revision, "commit": it.oid.as_str() });
    json!({
        "from": end(&it.from),
        "to": end(&it.to),
        "direction": it.direction.name(),
        "compare": it.compare_link(),
        "added": side(&it.added, it.forge.as_ref()),
        "removed": side(&it.removed, it.forge.as_ref()),
        "warnings": it.warnings,
    })
}

fn side(it: &Side, forge: Option<&Forge>) -> Value {
    json!({
        "count": it.count(),
        "shown": it.shown.iter().map(|it| entry(it, forge)).collect::<Vec<_>>(),
        "left_out": it.left_out.iter().map(|it| left_out(it, forge)).collect::<Vec<_>>(),
    })
}

fn entry(it: &Entry, forge: Option<&Forge>) -> Value {
    let issue = |name: &String| {
        let link = forge.and_then(|forge| forge.issue(name));
        json!({ "name": name, "link": link })
    };
    json!({
        "section": it.section.name(),
        "commit": it.oid.as_str(),
        "subject": it.subject,
        "type": it.kind,
        "scope": it.scope,
        "breaking": it.breaking,
        "description": it.description,
        "breaking_notes": it.notes,
        "author": person(&it.author),
        "co_authors": it.co_authors.iter().map(person).collect::<Vec<_>>(),
        "issues": it.issues.iter().map(issue).collect::<Vec<_>>(),
        "reverts": it.reverts,
        "committed_at": time::rfc3339(it.committed_at.saturating_mul(1_000_000)),
        "link": forge.map(|forge| forge.commit(&it.oid)),
    })
}

fn left_out(it: &LeftOut, forge: Option<&Forge>) -> Value {
    let others: Vec<_> = it.reason.others().into_iter().map(Oid::as_str).collect();
    json!({
        "commit": it.oid.as_str(),
        "subject": it.subject,
        "reason": it.reason.name(),
        "because_of": others,
        "link": forge.map(|forge| forge.commit(&it.oid)),
    })
}

fn person(it: &Person) -> Value {
    json!({ "name": it.name, "email": it.email })
}
