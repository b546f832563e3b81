//! `towpath version label`.

use serde_json::json;
use versioning::conventional::Fault;
use versioning::label;

use crate::commands::{Scene, faults};
use crate::failure::Failure;
use crate::output;

pub(super) fn run(scene: &Scene, title: &str) -> Result<(), Failure> {
    let derived = label::derive(title).map_err(|found| refused(title, &found))?;
    if scene.is_json() {
        return output::json(&json!({
            "label": derived.label,
            "level": derived.level.word(),
            "why": derived.why,
        }));
    }
    let label = derived.label.unwrap_or("no label");
    output::line(&format!("{label}: {}", derived.why))
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
