//! Commit messages, judged by Conventional Commits 1.0.0 alone
//! (<https://www.conventionalcommits.org/en/v1.0.0/>); "rule" means one of its numbers.
//!
//! Where the text leaves room: a line of blanks is a blank line; CRLF ends a line as LF does;
//! footers begin with the first line behind a blank one that is a footer, and everything after it
//! belongs to them (rule 10); what only resembles a footer is text of the body, and
//! [`crate::policy`] says so where it was probably meant as one.

mod footers;
mod header;
#[cfg(test)]
mod tests;

pub(crate) use footers::marker;

/// A message that conforms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conventional {
    /// As written; compare without regard to case (rule 15), as [`Self::is`] does.
    pub kind: String,
    /// What stands in parentheses.
    pub scope: Option<String>,
    /// Marked with `!`, or by a footer `BREAKING CHANGE` or `BREAKING-CHANGE`.
    pub breaking: bool,
    /// The rest of the first line.
    pub description: String,
    /// What stands between it and the footers.
    pub body: Option<String>,
    /// Token and value, in order.
    pub footers: Vec<Footer>,
}

/// One footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    /// As written.
    pub token: String,
    /// Without the separator and without blank lines at its end.
    pub value: String,
}

/// Something that is not as it has to be, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

impl Conventional {
    /// Whether the type is this one, however it is written (rule 15).
    pub fn is(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }
}

impl Footer {
    /// Whether it says what breaks (rules 12 and 16: upper case only).
    pub fn is_breaking(&self) -> bool {
        footers::MARKERS.contains(&self.token.as_str())
    }
}

/// Reads a message. One that does not conform has all its faults told, in order.
pub fn parse(message: &str) -> Result<Conventional, Vec<Fault>> {
    let lines = lines(message);
    let mut faults = Vec::new();
    let header = header::read(lines[0]).map_err(|fault| faults.push(fault));
    if let Some(second) = lines.get(1).filter(|it| !is_blank(it)) {
        faults.push(not_apart(second));
    }
    let rest = footers::read(&lines, &mut faults);
    match header {
        Ok(header) if faults.is_empty() => Ok(Conventional {
            breaking: header.is_breaking || rest.footers.iter().any(Footer::is_breaking),
            kind: header.kind,
            scope: header.scope,
            description: header.description,
            body: rest.body,
            footers: rest.footers,
        }),
        _ => Err(faults),
    }
}

/// The lines of a message; never none.
pub(crate) fn lines(message: &str) -> Vec<&str> {
    let lines = message.split('\n');
    lines
        .map(|it| it.strip_suffix('\r').unwrap_or(it))
        .collect()
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// The second line is there and not blank (rules 6 and 8).
fn not_apart(second: &str) -> Fault {
    let (what, fix) = match marker(second) {
        Some(marker) => (
            format!(
                "`{marker}` without a blank line before it is no footer, though some tools read it as one"
            ),
            format!("put a blank line before `{marker}`"),
        ),
        None => (
            "the line after the description is not blank".to_owned(),
            "put a blank line between the first line and what follows, or join both lines"
                .to_owned(),
        ),
    };
    Fault {
        line: 2,
        column: 1,
        what,
        fix,
    }
}

/// Whether a message that does not conform marks a breaking change all the same: by its first line,
/// or by what looks like a footer. To overlook what breaks is worse than to tell it twice.
pub fn marks_breaking(message: &str) -> bool {
    marks_footer(message) || marks_header(message)
}

/// Whether the first line marks a breaking change, with blanks too many or too few (`feat!:x`,
/// `feat(api) ! : x`), or begins like a footer.
pub fn marks_header(message: &str) -> bool {
    let first = message.lines().next().unwrap_or_default();
    let is_kind = |it: char| it.is_alphanumeric() || it == '-' || it == '_';
    let behind = first.trim_start_matches(is_kind);
    let rest = behind.trim_start();
    let rest = match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(')').map_or("", |it| it.1).trim_start(),
        None => rest,
    };
    let marked = rest.strip_prefix('!').map(str::trim_start);
    let is_marked = behind.len() < first.len() && marked.is_some_and(|it| it.starts_with(':'));
    is_marked || behind_marker(first).is_some()
}

/// Whether a line behind the first begins like the footer of a breaking change, and says which.
pub fn marks_footer(message: &str) -> bool {
    let mut lines = message.lines().skip(1);
    lines.any(|line| behind_marker(line).is_some())
}

/// What stands behind the colon in a line that begins like the footer of a breaking change.
pub(crate) fn behind_marker(line: &str) -> Option<&str> {
    line[marker_of(line)?.len()..].strip_prefix(':')
}

/// The words of a breaking change that a line begins with.
pub(crate) fn marker_of(line: &str) -> Option<&'static str> {
    footers::MARKERS.into_iter().find(|it| line.starts_with(it))
}
