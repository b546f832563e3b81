//! The first line: type, scope, `!`, colon, blank, description (rules 1, 4, 5 and 13).

use super::Fault;

/// A first line that conforms.
pub(super) struct Header {
    pub(super) kind: String,
    pub(super) scope: Option<String>,
    pub(super) is_breaking: bool,
    pub(super) description: String,
}

const SHAPE: &str = "write `<type>: <description>` or `<type>(<scope>): <description>`, such as \
                     `fix: answer within a second`";

/// Reads the first line; its first fault ends that.
pub(super) fn read(line: &str) -> Result<Header, Fault> {
    let (kind, rest) = kind(line)?;
    let (scope, rest) = scope(line, rest)?;
    let (is_breaking, rest) = match rest.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let Some(rest) = rest.strip_prefix(':') else {
        return Err(no_colon(line, rest, kind, scope, is_breaking));
    };
    let description = rest.trim();
    if description.is_empty() {
        return Err(fault(
            line,
            rest,
            "nothing follows the colon: a description is missing",
            "say behind the colon, on the same line, what was changed",
        ));
    }
    if !rest.starts_with(' ') {
        return Err(fault(
            line,
            rest,
            "a blank is missing after the colon",
            "put one blank between the colon and the description",
        ));
    }
    Ok(Header {
        kind: kind.to_owned(),
        scope: scope.map(str::to_owned),
        is_breaking,
        description: description.to_owned(),
    })
}

/// The type: one word.
fn kind(line: &str) -> Result<(&str, &str), Fault> {
    let is_kind = |it: char| it.is_alphanumeric() || it == '-' || it == '_';
    let end = line.find(|it| !is_kind(it)).unwrap_or(line.len());
    let (kind, rest) = line.split_at(end);
    if kind.starts_with(char::is_alphabetic) {
        return Ok((kind, rest));
    }
    let what = if line.trim().is_empty() {
        "the first line is empty: a type and a description are missing".to_owned()
    } else if line.starts_with(char::is_whitespace) {
        "the message begins with a blank, not with a type".to_owned()
    } else {
        "the message does not begin with a type: a word such as `feat` or `fix`".to_owned()
    };
    Err(fault(line, line, what, SHAPE))
}

/// The scope, where there is one, and what follows it.
fn scope<'a>(line: &str, rest: &'a str) -> Result<(Option<&'a str>, &'a str), Fault> {
    let Some(inner) = rest.strip_prefix('(') else {
        return Ok((None, rest));
    };
    let end = inner.find(['(', ')']).unwrap_or(inner.len());
    let (scope, behind) = inner.split_at(end);
    let Some(after) = behind.strip_prefix(')') else {
        let (at, what) = if behind.is_empty() {
            (
                rest,
                "the parenthesis of the scope is not closed on this line",
            )
        } else {
            (behind, "a scope has no parentheses in it")
        };
        return Err(fault(
            line,
            at,
            what,
            "close the scope with `)` before the colon",
        ));
    };
    if scope.trim().is_empty() {
        return Err(fault(
            line,
            inner,
            "the scope is empty",
            "name a part of the code in the parentheses, or leave them out",
        ));
    }
    Ok((Some(scope), after))
}

/// What came so far is followed by something else than a colon.
fn no_colon(line: &str, rest: &str, kind: &str, scope: Option<&str>, bang: bool) -> Fault {
    let before = match (bang, scope) {
        (true, _) => "the `!`".to_owned(),
        (false, Some(_)) => "the scope".to_owned(),
        (false, None) => format!("the type `{kind}`"),
    };
    let found = match rest.chars().next() {
        Some(' ') => "a blank".to_owned(),
        Some(it) => format!("`{}`", it.escape_debug()),
        None => "the end of the line".to_owned(),
    };
    let what = format!("{before} is followed by {found}, not by a colon");
    let next = rest.trim_start();
    let is_spread = next.len() < rest.len() && next.starts_with(['(', '!', ':']);
    let fix = if is_spread {
        "leave out the blank: type, scope, `!` and colon stand without any between them"
    } else {
        SHAPE
    };
    fault(line, rest, what, fix)
}

/// A fault of the first line, where `rest` of it begins.
fn fault(line: &str, rest: &str, what: impl Into<String>, fix: &str) -> Fault {
    let before = &line[..line.len() - rest.len()];
    Fault {
        line: 1,
        column: before.chars().count() + 1,
        what: what.into(),
        fix: fix.to_owned(),
    }
}
