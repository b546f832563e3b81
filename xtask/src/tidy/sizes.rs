//! How long a file, a function and a document may be.
//!
//! The medians of pleasant code bases are alike (files of 120–200 lines, functions of 6–8); what
//! sets them apart is that they have no tail. So the caps are for the tail.

use super::source::{closing, tokens};
use super::{Rule, Violation};
use crate::workspace::Workspace;

/// One thing per file.
pub(super) const FILES_STAY_READABLE: Rule = Rule {
    name: "files_stay_readable",
    why: "a file of more than 800 lines is more than one thing",
    remedy: "split it by responsibility, each part named by the word its user types",
    check: |workspace| {
        files(workspace, FILE_CAP)
            .map(|(path, lines)| Violation::at(path, format!("{lines} lines")))
            .collect()
    },
};

/// One thought per function.
pub(super) const FUNCTIONS_STAY_READABLE: Rule = Rule {
    name: "functions_stay_readable",
    why: "a function of more than 100 lines cannot be seen at once",
    remedy: "name its parts and make them functions",
    check: |workspace| {
        let long = |(path, text)| {
            functions(text)
                .into_iter()
                .filter(|function| function.lines > FUNCTION_CAP)
                .map(move |it| {
                    Violation::on(path, it.at, format!("fn {}: {} lines", it.name, it.lines))
                })
        };
        workspace.rust().flat_map(long).collect()
    },
};

/// A front page is read, a book is not.
pub(super) const DOCUMENTS_STAY_SHORT: Rule = Rule {
    name: "documents_stay_short",
    why: "the two documents that everybody reads first are only read when they are short",
    remedy: "move the detail to docs/ and link to it",
    check: |workspace| {
        DOCUMENT_CAPS
            .iter()
            .filter_map(|(path, cap)| {
                let lines = workspace.text(path)?.lines().count();
                (lines > *cap)
                    .then(|| Violation::at(path, format!("{lines} lines of at most {cap}")))
            })
            .collect()
    },
};

const FILE_CAP: usize = 800;
const FILE_GOAL: usize = 400;
const FUNCTION_CAP: usize = 100;
const FUNCTION_GOAL: usize = 50;
const DOCUMENT_CAPS: &[(&str, usize)] = &[("README.md", 120), ("ARCHITECTURE.md", 300)];

/// What is longer than it should be, though still allowed.
pub(super) fn notes(workspace: &Workspace) -> Vec<Violation> {
    let mut found: Vec<_> = files(workspace, FILE_GOAL)
        .map(|(path, lines)| {
            Violation::at(path, format!("{lines} lines, {FILE_GOAL} would be better"))
        })
        .collect();
    for (path, text) in workspace.rust() {
        for function in functions(text)
            .into_iter()
            .filter(|it| it.lines > FUNCTION_GOAL)
        {
            let Function { name, at, lines } = function;
            let what = format!("fn {name}: {lines} lines, {FUNCTION_GOAL} would be better");
            found.push(Violation::on(path, at, what));
        }
    }
    found
}

fn files(workspace: &Workspace, cap: usize) -> impl Iterator<Item = (&str, usize)> {
    workspace
        .rust()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(move |(_, lines)| *lines > cap)
}

#[derive(Debug, PartialEq, Eq)]
struct Function<'a> {
    name: &'a str,
    at: usize,
    lines: usize,
}

/// Every function with a body, from its `fn` to its last brace.
fn functions(text: &str) -> Vec<Function<'_>> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        let [keyword, name] = pair else { continue };
        if keyword.text != "fn" || !name.is_word() {
            continue;
        }
        let mut open = at + 2;
        // Parameters and array types may hold braces and semicolons of their own.
        while open < tokens.len() && !matches!(tokens[open].text, "{" | ";") {
            open = match tokens[open].text {
                "(" | "[" => closing(&tokens, open) + 1,
                _ => open + 1,
            };
        }
        if tokens.get(open).is_some_and(|token| token.text == "{") {
            let last = tokens[closing(&tokens, open)].line;
            found.push(Function {
                name: name.text,
                at: keyword.line,
                lines: last + 1 - keyword.line,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_from_their_first_word_to_their_last_brace() {
        let text = "trait A { fn without_body(&self); }\n\nfn b(c: [u8; 2]) -> impl Fn() {\n  \"}\";\n  // }\n  || {\n  }\n}\n\
            type D = fn(u8) -> u8; fn e() {}";
        let found = functions(text);
        let expected = [
            Function {
                name: "b",
                at: 3,
                lines: 6,
            },
            Function {
                name: "e",
                at: 9,
                lines: 1,
            },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_caps_hold_to_the_line() {
        for (lines, violations) in [(800, 0), (801, 1)] {
            let workspace = Workspace::of(&[("libs/a/src/lib.rs", &"\n".repeat(lines))]);
            assert_eq!((FILES_STAY_READABLE.check)(&workspace).len(), violations);
        }
        for (lines, violations) in [(100, 0), (101, 1)] {
            let text = format!("fn a() {{{}}}", "\n".repeat(lines - 1));
            let workspace = Workspace::of(&[("libs/a/src/lib.rs", &text)]);
            assert_eq!(
                (FUNCTIONS_STAY_READABLE.check)(&workspace).len(),
                violations
            );
        }
        for (path, lines, violations) in [
            ("README.md", 121, 1),
            ("ARCHITECTURE.md", 121, 0),
            ("ARCHITECTURE.md", 301, 1),
        ] {
            let workspace = Workspace::of(&[(path, &"\n".repeat(lines))]);
            assert_eq!((DOCUMENTS_STAY_SHORT.check)(&workspace).len(), violations);
        }
    }

    #[test]
    fn notes_fail_nothing() {
        let text = format!("fn a() {{{}}}", "\n".repeat(60));
        let workspace = Workspace::of(&[("libs/a/src/lib.rs", &text)]);
        assert_eq!(notes(&workspace).len(), 1);
        assert_eq!((FUNCTIONS_STAY_READABLE.check)(&workspace), []);
    }
}
