//! Every event that was ever stored can still be read.

use super::{Rule, Violation};
use crate::r#gen::events;
use crate::workspace::Workspace;

/// A stored event is for ever; its golden file is the proof.
pub(super) const HAVE_GOLDEN_FILES: Rule = Rule {
    name: "events_have_golden_files",
    why: "stored events are read for ever; only bytes kept from the day they were written prove it",
    remedy: "write proto/testdata/events/<full name>.v<schema>.bin with the event's first release",
    check,
};

const GOLDEN: &str = "proto/testdata/events";

fn check(workspace: &Workspace) -> Vec<Violation> {
    if !workspace.exists(GOLDEN) {
        return Vec::new();
    }
    let contexts = match events::contexts(workspace) {
        Ok(contexts) => contexts,
        Err(error) => return vec![Violation::at("proto", format!("{error:#}"))],
    };
    let is_golden = |name: &str| {
        let begin = format!("{GOLDEN}/{name}.");
        workspace.files().any(|(path, _)| path.starts_with(&begin))
    };
    let mut found = Vec::new();
    for context in contexts {
        for event in context.events {
            let name = format!("{}.{}", context.package, event.name);
            if !is_golden(&name) {
                found.push(Violation::at(
                    &context.path,
                    format!("{name} has no golden file"),
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTO: &str = "syntax = \"proto3\"; package towpath.a.v1;\n\
        message Happened { Part part = 1; } message Part {} message HappenedAgain {}";

    #[test]
    fn an_event_needs_one_and_a_part_of_an_event_does_not() {
        let workspace = Workspace::of(&[
            ("proto/towpath/a/v1/events.proto", PROTO),
            ("proto/testdata/events/towpath.a.v1.Happened.v1.bin", ""),
        ]);
        let found: Vec<_> = check(&workspace).into_iter().map(|at| at.what).collect();
        assert_eq!(found, ["towpath.a.v1.HappenedAgain has no golden file"]);
    }

    #[test]
    fn nothing_is_asked_before_the_first_one() {
        let workspace = Workspace::of(&[("proto/towpath/a/v1/events.proto", PROTO)]);
        assert_eq!(check(&workspace), []);
    }

    #[test]
    fn a_file_that_does_not_parse_is_a_violation() {
        let workspace = Workspace::of(&[
            ("proto/towpath/a/v1/events.proto", "message {"),
            ("proto/testdata/events/x.bin", ""),
        ]);
        assert_eq!(check(&workspace).len(), 1);
    }
}
