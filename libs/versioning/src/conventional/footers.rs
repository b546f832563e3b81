//! What stands below the first line: the body, then the footers (rules 6 to 12 and 16).

use super::{Fault, Footer, is_blank};

/// Tokens that say what breaks.
pub(super) const MARKERS: [&str; 2] = ["BREAKING CHANGE", "BREAKING-CHANGE"];

/// Everything below the first line.
pub(super) struct Rest {
    pub(super) body: Option<String>,
    pub(super) footers: Vec<Footer>,
}

/// Reads everything below the first line; adds faults to those of the message.
pub(super) fn read(lines: &[&str], faults: &mut Vec<Fault>) -> Rest {
    let begins = |at: usize| at > 1 && is_blank(lines[at - 1]) && footer(lines, at).is_some();
    let first = (1..lines.len()).find(|at| begins(*at));
    let (above, below) = lines.split_at(first.unwrap_or(lines.len()));
    for (at, line) in above.iter().enumerate().skip(2) {
        faults.extend(marker(line).map(|it| inside(it, at, is_blank(lines[at - 1]))));
    }
    let above = above.get(1..).unwrap_or_default();
    Rest {
        body: joined(above.iter().copied()),
        footers: collect(below, above.len() + 1, faults),
    }
}

/// The marker of a breaking change that a line begins with, as rule 12 has it.
pub(crate) fn marker(line: &str) -> Option<&'static str> {
    let marker = MARKERS.into_iter().find(|it| line.starts_with(it))?;
    line[marker.len()..].starts_with(": ").then_some(marker)
}

/// A marker among the text of the body: not a footer, but read as one by others. Behind a blank
/// line it would be one if it had a description.
fn inside(marker: &str, at: usize, is_apart: bool) -> Fault {
    let (what, fix) = if is_apart {
        (
            format!("`{marker}` has no description"),
            format!("say behind `{marker}: ` what breaks"),
        )
    } else {
        (
            format!(
                "`{marker}` inside a paragraph of the body is no footer, though some tools read it as one"
            ),
            format!("put a blank line before `{marker}`"),
        )
    };
    Fault {
        line: at + 1,
        column: 1,
        what,
        fix,
    }
}

/// Footers one after the other; each value goes on until the next footer (rule 10). Lines are
/// counted from `offset`.
fn collect(lines: &[&str], offset: usize, faults: &mut Vec<Fault>) -> Vec<Footer> {
    let starts: Vec<usize> = (0..lines.len())
        .filter(|at| footer(lines, *at).is_some())
        .collect();
    for (at, line) in lines.iter().enumerate() {
        if starts.binary_search(&at).is_err()
            && let Some(marker) = marker(line)
        {
            faults.push(inside(marker, offset + at, true));
        }
    }
    let mut footers = Vec::new();
    for (nth, start) in starts.iter().enumerate() {
        let end = starts.get(nth + 1).copied().unwrap_or(lines.len());
        let Some((token, first)) = footer(lines, *start) else {
            continue;
        };
        let value = std::iter::once(first).chain(lines[start + 1..end].iter().copied());
        footers.push(Footer {
            token: token.to_owned(),
            value: joined(value).unwrap_or_default(),
        });
    }
    footers
}

/// The token of the footer that begins in a line, and what of its value stands there. A value may
/// begin on the next line; a footer without one is none (rule 8).
fn footer<'a>(lines: &[&'a str], at: usize) -> Option<(&'a str, &'a str)> {
    let (token, value) = token(lines[at])?;
    let goes_on = |next: &&str| !is_blank(next) && self::token(next).is_none();
    let has_value = !value.is_empty() || lines.get(at + 1).is_some_and(goes_on);
    has_value.then_some((token, value))
}

/// A token, its separator and the rest of the line (rules 8, 9 and 12).
fn token(line: &str) -> Option<(&str, &str)> {
    let is_word = |it: char| it.is_alphanumeric() || it == '-';
    let end = match marker(line) {
        Some(marker) => marker.len(),
        None => line.find(|it| !is_word(it))?,
    };
    let (token, rest) = line.split_at(end);
    let value = rest
        .strip_prefix(": ")
        .or_else(|| rest.strip_prefix(" #"))?;
    token
        .starts_with(char::is_alphanumeric)
        .then(|| (token, value.trim()))
}

/// Lines without the blank ones before and after them; nothing when there are no others.
fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> Option<String> {
    let lines: Vec<&str> = lines.collect();
    let first = lines.iter().position(|it| !is_blank(it))?;
    let last = lines.iter().rposition(|it| !is_blank(it))?;
    Some(lines[first..=last].join("\n"))
}
