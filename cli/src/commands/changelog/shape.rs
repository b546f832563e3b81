//! Changelogs as JSON.

use ids::Oid;
use serde_json::{Value, json};
use service::time;
use versioning::changelog::{Changelog, End, Entry, Forge, LeftOut, Person, Side};

/// A changelog.
pub(super) fn changelog(it: &Changelog) -> Value {
    let end = |it: &End| json!({ "revision": it.revision, "commit": it.oid.as_str() });
    json!({
        "from": it.from.as_ref().map(end),
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
        "untold": it.untold.count(),
    })
}

/// A commit that is shown.
pub(super) fn entry(it: &Entry, forge: Option<&Forge>) -> Value {
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
        "pull_request": it.pull_request.as_ref().map(issue),
        "issues": it.issues.iter().map(issue).collect::<Vec<_>>(),
        "reverts": it.reverts,
        "committed_at": time::rfc3339(it.committed_at.saturating_mul(1_000_000)),
        "link": forge.map(|forge| forge.commit(&it.oid)),
    })
}

/// A commit that is not shown.
pub(super) fn left_out(it: &LeftOut, forge: Option<&Forge>) -> Value {
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
