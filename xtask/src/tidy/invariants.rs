//! The architecture promises only what a test holds.

use super::{Rule, Violation};
use crate::workspace::Workspace;

/// Each invariant names a test, and the test is there.
pub(super) const ARE_HELD_BY_TESTS: Rule = Rule {
    name: "invariants_are_held_by_tests",
    why: "a promise that no test holds is a wish, and a reader cannot tell which it is",
    remedy: "name the test behind the sentence, in backticks; write it if there is none",
    check,
};

const DOCUMENT: &str = "ARCHITECTURE.md";
const BEGIN: &str = "**Invariant:**";

fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(text) = workspace.text(DOCUMENT) else {
        return Vec::new();
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, _) in lines
        .iter()
        .enumerate()
        .filter(|(_, it)| it.contains(BEGIN))
    {
        let tests: Vec<&str> = sentence(&lines[at..]).flat_map(named).collect();
        let mut wrong = |what: String| found.push(Violation::on(DOCUMENT, at + 1, what));
        if tests.is_empty() {
            wrong("an invariant that names no test".to_owned());
        }
        for test in tests.into_iter().filter(|test| !is_there(workspace, test)) {
            wrong(format!("there is no test `{test}`"));
        }
    }
    found
}

/// The lines of the item that begins with the first of these.
fn sentence<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let more = lines[1..].iter().take_while(|it| it.starts_with("  "));
    lines[..1].iter().chain(more).copied()
}

/// Words in backticks that look like the name of a test: a sentence with underscores.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(move |word| word.contains('_') && word.bytes().all(is_name))
}

fn is_there(workspace: &Workspace, test: &str) -> bool {
    let begin = format!("fn {test}(");
    workspace.rust().any(|(_, text)| text.contains(&begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(document: &str) -> Vec<String> {
        let tests = "#[test]\nfn what_is_stored_stays() {}\n";
        let files = [(DOCUMENT, document), ("libs/a/src/lib.rs", tests)];
        let violations = check(&Workspace::of(&files)).into_iter();
        violations
            .map(|at| format!("{} {}", at.place, at.what))
            .collect()
    }

    #[test]
    fn a_named_test_may_stand_on_a_later_line_of_the_item() {
        let text =
            "- **Invariant:** what is stored stays, in `libs/a`.\n  `what_is_stored_stays`\n";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn an_invariant_without_a_test_or_with_one_that_is_gone_is_found() {
        let text = "- **Invariant:** a wish.\n- **Invariant:** a promise. `it_is_kept`\n\nSee `what_is_stored_stays`.\n";
        let expected = [
            "ARCHITECTURE.md:1 an invariant that names no test",
            "ARCHITECTURE.md:2 there is no test `it_is_kept`",
        ];
        assert_eq!(found(text), expected);
    }
}
