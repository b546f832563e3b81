//! Documents name only what is there.

use super::{Rule, Violation};
use crate::workspace::{Workspace, has_extension, is_fixture};

/// Paths in backticks and links between documents.
pub(super) const NAME_ONLY_PATHS_THAT_EXIST: Rule = Rule {
    name: "documents_name_only_paths_that_exist",
    why: "a document that names a file that is gone sends its reader nowhere",
    remedy: "name what replaced it, or remove the sentence",
    check,
};

/// Directories at the top; what begins with one of them, in backticks, is a path.
const TOP: &[&str] = &[
    ".cargo/",
    ".ci/",
    ".config/",
    "cli/",
    "deploy/",
    "docs/",
    "libs/",
    "proto/",
    "services/",
    "tests/",
    "xtask/",
];
/// Characters of patterns, placeholders and commands.
const NO_PATH: &[char] = &['*', '<', '>', '{', '}', ' ', '$', '…', '|', '(', '\\'];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in workspace
        .files()
        .filter(|(path, _)| has_extension(path, "md") && !is_fixture(path))
    {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        for (line, text) in prose(text) {
            for name in named(text).filter(|name| !workspace.exists(name)) {
                found.push(Violation::on(path, line, format!("`{name}`")));
            }
            for link in links(text) {
                let target = resolved(directory, link);
                if !target.is_empty() && !workspace.exists(&target) {
                    found.push(Violation::on(path, line, format!("link to {link}")));
                }
            }
        }
    }
    found
}

/// Lines outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((at + 1, line))
    })
}

/// Paths in backticks, without a line number behind them.
fn named(line: &str) -> impl Iterator<Item = &str> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| TOP.iter().any(|top| code.starts_with(top)) && !code.contains(NO_PATH))
        .map(|code| code.split([':', '#']).next().unwrap_or(code))
}

/// Targets of links that stay in this tree.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#', ' ']).next())
        .filter(|target| !target.contains(':') && !target.contains(NO_PATH))
}

/// The path of a link, seen from the top.
fn resolved(directory: &str, link: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let base = if link.starts_with('/') { "" } else { directory };
    for part in base.split('/').chain(link.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if link.is_empty() {
        String::new()
    } else {
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let workspace = Workspace::of(&[
            ("docs/guides/a.md", text),
            ("libs/ids/src/lib.rs", ""),
            ("docs/glossary.md", ""),
            ("README.md", ""),
        ]);
        check(&workspace)
            .into_iter()
            .map(|at| format!("{} {}", at.place, at.what))
            .collect()
    }

    #[test]
    fn what_exists_may_be_named() {
        let text = "`libs/ids/`, `libs/ids`, `libs/ids/src/lib.rs:12`, `libs/*/src`, `libs/<name>`,\n\
            [words](../glossary.md#stage), [top](/README.md), [web](https://example.com/x), [here](#there)\n\
            ```\n`libs/gone`\n```\n`cargo xtask test`\n";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn what_is_gone_is_found_with_its_line() {
        let expected = [
            "docs/guides/a.md:2 `libs/gone.rs`",
            "docs/guides/a.md:2 link to gone.md",
        ];
        assert_eq!(
            found("\nSee `libs/gone.rs` and [this](gone.md).\n"),
            expected
        );
    }
}
