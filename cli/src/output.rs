//! What commands print: aligned text for people, stable JSON for machines.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use crate::failure::Failure;

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For machines; the shape is documented and stable.
    Json,
    /// `key=value` lines for the file that a step of GitHub Actions writes its outputs to.
    Github,
    /// For pages on a forge: `towpath changelog`.
    Markdown,
    /// For browsers: `towpath changelog`.
    Html,
}

/// Prints text, without what could drive a terminal: others wrote parts of it.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    raw(&clean(text))
}

/// A text without characters that nobody sees, other than line breaks and tabs: they would drive a
/// terminal, or turn around what stands beside them.
pub(crate) fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for it in text.chars() {
        if it != '\n' && it != '\t' && versioning::changelog::is_unseen(it) {
            shown.extend(it.escape_default());
        } else {
            shown.push(it);
        }
    }
    shown
}

/// Prints one line as it is. A closed pipe ends the command quietly, as `head` expects.
pub(crate) fn raw(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::io("standard output")(error))
        }
        _ => Ok(()),
    }
}

/// Prints a JSON value on one line.
pub(crate) fn json(value: &serde_json::Value) -> Result<(), Failure> {
    raw(&escaped(&value.to_string()))
}

/// JSON without control characters: it may hold some as they are that a terminal would obey.
fn escaped(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for it in json.chars() {
        if it.is_control() {
            // Only strings hold any, and all that there are have four digits.
            write!(shown, "\\u{:04x}", u32::from(it)).expect("a string takes all");
        } else {
            shown.push(it);
        }
    }
    shown
}

/// Prints the answer to a command that only found out, when it was `dry`, and says that.
pub(crate) fn answer(mut value: serde_json::Value, dry: bool) -> Result<(), Failure> {
    if dry {
        value["dry_run"] = true.into();
    }
    json(&value)
}

/// The same for people: what follows the answer to a dry run.
pub(crate) fn note_dry(dry: bool) -> Result<(), Failure> {
    if dry {
        line("nothing was recorded (--dry-run)")?;
    }
    Ok(())
}

/// Prints rows under a header, each column as wide as its widest cell.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    let cell = |it: &String| clean(it).replace(['\n', '\t'], " ");
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(cell).collect())
        .collect();
    let mut widths: Vec<usize> = header.iter().map(|it| it.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let shown = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str(cell);
            text.push_str(&" ".repeat(width + 2 - cell.chars().count()));
        }
        text.trim_end().to_owned()
    };
    raw(&faint(&shown(&mut header.iter().copied())))?;
    for row in &rows {
        let text = shown(&mut row.iter().map(String::as_str));
        raw(&row.iter().fold(text, |text, cell| coloured(text, cell)))?;
    }
    Ok(())
}

fn is_terminal() -> bool {
    std::io::stdout().is_terminal() && crate::home::variable("NO_COLOR").is_none()
}

fn faint(text: &str) -> String {
    if is_terminal() {
        format!("\u{1b}[2m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// Colours a state's word within a line.
fn coloured(line: String, cell: &str) -> String {
    let colour = match cell {
        "SUCCESS" | "ROUTED" | "running" => "32",
        "FAILED" | "ERRORED" | "QUARANTINED" | "UNKNOWN_VERSION" | "UNAPPROVED_CHANGE" => "31",
        "HALTED" | "HELD" | "ROLLED_BACK" => "33",
        "PENDING" | "IN_PROGRESS" | "WAITING" | "PROMOTING" => "36",
        _ => return line,
    };
    if is_terminal() {
        line.replacen(cell, &format!("\u{1b}[{colour}m{cell}\u{1b}[0m"), 1)
    } else {
        line
    }
}

/// The first characters of an id or commit: enough for people.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_json_whatever_others_wrote() {
        let value = serde_json::json!({ "text": "a\u{7f}b\u{85}\u{1b}[2J\n\t\"\\ü" });
        let shown = escaped(&value.to_string());
        assert!(!shown.contains(char::is_control), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read, value);
    }
}
