//! How a version is told: for people, as JSON, and as outputs of a GitHub step.

use serde_json::{Value, json};
use versioning::bump::Level;
use versioning::compute::{Judged, Outcome};

use super::super::Scene;
use super::reserve::Reservation;
use crate::failure::Failure;
use crate::output::{self, Format};

/// As many commits are told to people.
const TOLD: usize = 5;

pub(super) fn print(
    scene: &Scene,
    it: &Outcome,
    reservation: Option<&Reservation>,
) -> Result<(), Failure> {
    match scene.output {
        Format::Json => output::json(&shape(it, reservation)),
        Format::Github => github(it, reservation)
            .iter()
            .try_for_each(|line| output::line(line)),
        Format::Text | Format::Markdown | Format::Html => text(it, reservation)
            .iter()
            .try_for_each(|line| output::line(line)),
    }
}

fn shape(it: &Outcome, reservation: Option<&Reservation>) -> Value {
    json!({
        "target_version": it.target_version,
        "skip": it.skip,
        "reason": it.reason.word(),
        "release_type": it.release_type.as_str(),
        "base": it.base.as_ref().map(|it| json!({ "tag": it.name, "sha": it.commit.as_str() })),
        "level": it.level.map(Level::word),
        "counter": it.counter,
        "commits_since_base": it.commits_since_base,
        "evidence": it.evidence.iter().map(evidence).collect::<Vec<_>>(),
        "warnings": it.warnings,
        "ignored_tags": it.ignored_tags,
        "reservation": reservation.map(self::reservation),
    })
}

/// What the server said; `null` where none was asked.
fn reservation(it: &Reservation) -> Value {
    let passed = it.passed.iter();
    let passed = passed.map(|(version, commit)| json!({ "version": version, "sha": commit }));
    json!({
        "repository": it.repository,
        "reserved": it.reserved,
        "earlier": it.earlier,
        "reserved_by": it.by,
        "reserved_at": it.at,
        "passed": passed.collect::<Vec<_>>(),
    })
}

fn evidence(judged: &Judged) -> Value {
    let it = &judged.evidence;
    json!({
        "sha": it.oid.as_str(),
        "pr": it.pull_request,
        "label": it.label,
        "type": it.kind,
        "breaking": it.breaking,
        "level": it.level.map(Level::word),
        "decisive": judged.decisive,
        "without": judged.without,
        "note": it.note,
    })
}

/// One `key=value` a line, as the file that `GITHUB_OUTPUT` names takes them. A value has no line
/// break and no control character, whatever others wrote: JSON escapes them, and everything else
/// is made of words and numbers. Nothing begins with `::`.
/// <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>
fn github(it: &Outcome, reservation: Option<&Reservation>) -> Vec<String> {
    let base = |of: fn(&versioning::catalogue::TagAt) -> String| {
        it.base.as_ref().map(of).unwrap_or_default()
    };
    let number = |it: Option<u64>| it.map(|it| it.to_string()).unwrap_or_default();
    let evidence = it.evidence.iter().filter(|it| it.decisive);
    let evidence: Value = evidence.map(self::evidence).collect();
    [
        (
            "target_version",
            it.target_version.clone().unwrap_or_default(),
        ),
        ("skip", it.skip.to_string()),
        ("reason", it.reason.word().to_owned()),
        ("release_type", it.release_type.as_str().to_owned()),
        ("base_tag", base(|it| it.name.clone())),
        ("base_sha", base(|it| it.commit.to_string())),
        ("level", it.level.map_or("", Level::word).to_owned()),
        ("counter", number(it.counter)),
        ("commits_since_base", it.commits_since_base.to_string()),
        ("evidence", evidence.to_string()),
        ("warnings", json!(it.warnings).to_string()),
        (
            "reserved",
            reservation.is_some_and(|it| it.reserved).to_string(),
        ),
    ]
    .into_iter()
    .map(|(key, value)| format!("{key}={}", inert(&value)))
    .collect()
}

/// Nothing that could end a line, for whoever reads lines.
fn inert(value: &str) -> String {
    let ends = |it: char| it.is_control() || matches!(it, '\u{2028}' | '\u{2029}' | '\u{85}');
    value.chars().filter(|it| !ends(*it)).collect()
}

fn text(it: &Outcome, reservation: Option<&Reservation>) -> Vec<String> {
    let version = it.target_version.as_deref().unwrap_or("no version");
    let mut lines = vec![format!(
        "{version}  {}{}",
        it.release_type.as_str(),
        if it.skip {
            format!(", skipped: {}", it.reason.word())
        } else {
            String::new()
        }
    )];
    let base = it.base.as_ref().map_or_else(
        || "none: the first release".to_owned(),
        |base| format!("{} ({})", base.name, output::short(base.commit.as_str())),
    );
    if it.skip {
        return lines;
    }
    lines.push(format!(
        "base      {base}, {} commit(s) ago",
        it.commits_since_base
    ));
    if let Some(level) = it.level {
        lines.push(format!("level     {}", level.word()));
    }
    let decisive: Vec<_> = it.evidence.iter().filter(|it| it.decisive).collect();
    lines.extend(decisive.iter().take(TOLD).map(|it| because(it)));
    if decisive.len() > TOLD {
        lines.push(format!("          and {} more", decisive.len() - TOLD));
    }
    lines.extend(reservation.map(|it| format!("reserved  {}", it.words())));
    lines.extend(it.warnings.iter().map(|it| format!("warning   {it}")));
    lines
}

fn because(judged: &Judged) -> String {
    let it = &judged.evidence;
    let what = match (&it.label, &it.kind) {
        (Some(label), _) => format!("label {label}"),
        (None, Some(kind)) if it.breaking => format!("{kind}, breaking"),
        (None, Some(kind)) => kind.clone(),
        (None, None) => it.note.clone().unwrap_or_default(),
    };
    let number = it
        .pull_request
        .map_or(String::new(), |it| format!(" #{it}"));
    let without = judged.without.as_deref().unwrap_or("no version");
    format!(
        "because   {}{number}: {what}; without it: {without}",
        output::short(it.oid.as_str())
    )
}
