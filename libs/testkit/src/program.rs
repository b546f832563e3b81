//! Where programs are: among the project's own tools, on PATH, where Debian puts them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A command that reads nothing from standard input.
#[expect(
    clippy::disallowed_methods,
    reason = "tests and the local stack run real programs"
)]
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(std::process::Stdio::null());
    command
}

/// Directories that are searched, in order.
#[expect(clippy::disallowed_methods, reason = "PATH says where programs are")]
fn directories() -> Vec<PathBuf> {
    let mut all = Vec::new();
    // `cargo xtask setup` puts its tools beside what is built.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin");
    all.push(workspace);
    if let Some(path) = std::env::var_os("PATH") {
        all.extend(std::env::split_paths(&path));
    }
    all
}

/// All programs of this name, in the order of the search.
pub fn all(name: &str) -> impl Iterator<Item = PathBuf> {
    directories()
        .into_iter()
        .map(move |it| it.join(name))
        .filter(|it| it.is_file())
}

/// The numbers in what `<program> <flag>` prints, such as `[2, 15, 1]`.
pub fn version(program: &Path, flag: &str) -> Option<Vec<u64>> {
    let output = command(program).arg(flag).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = text.split_whitespace().find_map(|word| {
        let word = word.trim_start_matches('v');
        (word.starts_with(|it: char| it.is_ascii_digit()) && word.contains('.')).then_some(word)
    })?;
    let numbers: Vec<_> = word
        .split(|it: char| !it.is_ascii_digit())
        .map_while(|it| it.parse().ok())
        .collect();
    (!numbers.is_empty()).then_some(numbers)
}

/// The roles that a `towpath` binary knows, by what it says to somebody who names none of them.
/// Another version may know fewer, or more.
pub fn roles(towpath: &Path) -> Vec<String> {
    let mut asked = command(towpath);
    let answer = asked.args(["serve", "--role", "?"]).output();
    let said = answer.map(|it| it.stderr).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    let list = said.split_once("the roles are ").map(|it| it.1);
    let list = list.and_then(|it| it.lines().next()).unwrap_or_default();
    list.split(", ").map(|it| it.trim().to_owned()).collect()
}

/// Whether this process is root's.
pub fn is_root() -> bool {
    command(Path::new("id"))
        .arg("-u")
        .output()
        .is_ok_and(|it| it.stdout.trim_ascii() == b"0")
}
