//! `towpath version label`.

use serde_json::json;
use versioning::conventional::Fault;
use versioning::label;

use crate::commands::{Scene, faults};
use crate::failure::Failure;
use crate::output::{self, Format};

pub(super) fn run(scene: &Scene, title: &str) -> Result<(), Failure> {
    let derived = label::derive(title).map_err(|found| refused(title, &found))?;
    let (label, level, why) = (derived.label, derived.level.word(), derived.why);
    match scene.output {
        Format::Json => output::json(&json!({ "label": label, "level": level, "why": why })),
        // The title has a say in the reason only, and that stays here.
        Format::Github => output::line(&format!("label={}\nlevel={level}", label.unwrap_or(""))),
        Format::Text | Format::Markdown | Format::Html => {
            output::line(&format!("{}: {why}", label.unwrap_or("no label")))
        }
    }
}

/// What is one line has one fault.
fn refused(title: &str, found: &[Fault]) -> Failure {
    // The last line says what to do, which a failure has a place of its own for.
    let mut shown = faults::shown(title, found, "  ");
    shown.pop();
    let shown = shown.join("\n");
    let fault = found.first();
    let column = fault.map_or(1, |it| it.column);
    let failure = Failure::refused(
        "title-not-conventional",
        format!(
            "the title does not conform to Conventional Commits 1.0.0, at column {column}\n{shown}"
        ),
    );
    failure.fix(fault.map_or("", |it| &it.fix))
}
