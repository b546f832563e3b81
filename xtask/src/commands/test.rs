//! `cargo xtask test`: finds or installs what the tests need, then runs all of them.
//!
//! The output ends with the runner's own summary. A suite whose tool cannot be had is named as
//! `SKIPPED <suite>: needs <tool>`, and then the last line counts those; in CI a skip is a failure.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::shell;
use crate::tools;
use crate::workspace::root;

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only tests whose name contains this
    filter: Option<String>,
}

/// Tests that need a program which is no part of a Rust toolchain.
struct Suite {
    name: &'static str,
    /// The program, as `tools` names it.
    needs: &'static str,
    tests: Tests,
}

/// How to leave a suite out.
enum Tests {
    /// Every test of these packages.
    Of(&'static [&'static str]),
    /// Every test with this in its name.
    Named(&'static str),
}

const SUITES: &[Suite] = &[
    Suite {
        name: "git",
        needs: "git",
        tests: Tests::Of(&["git", "cd-manager", "towpath", "integration"]),
    },
    // Tests that change a database behind Towpath's back say so in their names.
    Suite {
        name: "sqlite-shell",
        needs: "sqlite3",
        tests: Tests::Named("sqlite3_shell"),
    },
    // Tests that need a registry over HTTP say so in their names.
    Suite {
        name: "registry",
        needs: "docker-registry",
        tests: Tests::Named("docker_registry"),
    },
];

/// Runs the documentation's tests, then all others, with nextest where it is installed.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    install_others()?;
    let skipped = skipped()?;
    for (suite, wanted) in &skipped {
        println!("SKIPPED {}: needs {wanted}", suite.name);
    }
    let suites: Vec<&Suite> = skipped.iter().map(|(suite, _)| *suite).collect();
    let documentation = if options.filter.is_none() {
        documentation()?
    } else {
        true
    };
    let passed = if has_nextest()? {
        nextest(&suites, options.filter.as_deref())?
    } else {
        eprintln!(
            "cargo-nextest is not installed; using `cargo test`, which does the same in more time"
        );
        plain(&suites, options.filter.as_deref())?
    };
    if !documentation {
        eprintln!("the documentation's tests failed; see above");
    }
    if !skipped.is_empty() {
        println!("{} skipped", skipped.len());
    }
    let complete = skipped.is_empty() || !shell::is_ci();
    Ok(if documentation && passed && complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Installs what tests of many packages need, and no suite can be left out for.
fn install_others() -> Result<()> {
    let has_suite = |name: &str| SUITES.iter().any(|it| it.needs == name);
    for tool in tools::ALL {
        if tool.purpose != tools::Purpose::Test || has_suite(tool.name) {
            continue;
        }
        if let Err(reason) = tool.find_or_install()? {
            bail!("the tests need {}: {reason}", tool.wanted());
        }
    }
    Ok(())
}

/// The suites whose tool can neither be found nor installed, and what they would need.
fn skipped() -> Result<Vec<(&'static Suite, String)>> {
    let mut skipped = Vec::new();
    for suite in SUITES {
        let tool = tools::ALL
            .iter()
            .find(|tool| tool.name == suite.needs)
            .expect("every suite needs a tool of the table; a test says so");
        if let Err(reason) = tool.find_or_install()? {
            eprintln!("{}: {reason}", tool.name);
            skipped.push((suite, tool.wanted()));
        }
    }
    Ok(skipped)
}

fn has_nextest() -> Result<bool> {
    let asked = shell::capture(&root(), &shell::cargo(), &["nextest", "--version"])?;
    Ok(asked.is_some_and(|output| output.status.success()))
}

fn documentation() -> Result<bool> {
    shell::run(
        &root(),
        &shell::cargo(),
        &["test", "--workspace", "--doc", "--quiet"],
    )
}

fn nextest(skipped: &[&Suite], filter: Option<&str>) -> Result<bool> {
    let profile = if shell::is_ci() { "ci" } else { "default" };
    let mut arguments = words(&["nextest", "run", "--workspace", "--profile", profile]);
    if !skipped.is_empty() {
        arguments.extend(words(&["-E", &nextest_filter(skipped)]));
    }
    arguments.extend(filter.map(str::to_owned));
    shell::run(&root(), &shell::cargo(), &arguments)
}

/// Nextest's expression for everything but these suites.
fn nextest_filter(skipped: &[&Suite]) -> String {
    let one = |suite: &&Suite| match suite.tests {
        Tests::Of(packages) => packages
            .iter()
            .map(|it| format!("package({it})"))
            .collect::<Vec<_>>()
            .join(" + "),
        Tests::Named(part) => format!("test({part})"),
    };
    format!(
        "not ({})",
        skipped.iter().map(one).collect::<Vec<_>>().join(" + ")
    )
}

/// `cargo test`, and a last line that sums up what each test binary said.
fn plain(skipped: &[&Suite], filter: Option<&str>) -> Result<bool> {
    let arguments = plain_arguments(skipped, filter);
    let mut child = shell::command(&root(), &shell::cargo())
        .args(&arguments)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start `cargo test`")?;
    let stdout = child.stdout.take().context("`cargo test` has an output")?;
    let mut sum = Sum::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("cannot read what `cargo test` prints")?;
        let line = String::from_utf8_lossy(&line);
        sum.add(&line);
        writeln!(std::io::stdout(), "{line}")?;
    }
    let status = child.wait().context("cannot wait for `cargo test`")?;
    println!("{} passed, {} failed", sum.passed, sum.failed);
    Ok(status.success() && sum.failed == 0)
}

fn plain_arguments(skipped: &[&Suite], filter: Option<&str>) -> Vec<String> {
    let mut arguments = words(&["test", "--workspace", "--tests", "--no-fail-fast"]);
    for suite in skipped {
        if let Tests::Of(packages) = suite.tests {
            arguments.extend(packages.iter().flat_map(|it| words(&["--exclude", it])));
        }
    }
    arguments.extend(filter.map(str::to_owned));
    arguments.push("--".to_owned());
    for suite in skipped {
        if let Tests::Named(part) = suite.tests {
            arguments.extend(words(&["--skip", part]));
        }
    }
    arguments
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Tests counted over all binaries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    passed: u64,
    failed: u64,
}

impl Sum {
    /// Counts a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; ..`.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        let words: Vec<_> = result.split([' ', ';']).collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u64>() else {
                continue;
            };
            match pair[1] {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_needs_a_tool_of_the_table() {
        for suite in SUITES {
            assert!(
                tools::ALL.iter().any(|tool| tool.name == suite.needs),
                "{}",
                suite.name
            );
        }
    }

    #[test]
    fn a_skipped_suite_is_left_out_of_either_runner() {
        let both: Vec<_> = SUITES.iter().collect();
        let filter = nextest_filter(&both);
        assert!(filter.starts_with("not (package(git) + "), "{filter}");
        assert!(filter.contains(" + test(sqlite3_shell)"), "{filter}");
        let plain = plain_arguments(&both, Some("name")).join(" ");
        assert!(
            plain.contains("--exclude git --exclude cd-manager"),
            "{plain}"
        );
        assert!(plain.contains("name -- --skip sqlite3_shell"), "{plain}");
    }

    #[test]
    fn results_of_all_binaries_are_summed() {
        let mut sum = Sum::default();
        for line in [
            "running 2 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            sum.add(line);
        }
        assert_eq!(
            sum,
            Sum {
                passed: 13,
                failed: 2
            }
        );
    }
}
