//! What is wrong, where, why, and what to do: one finding about a manifest.

use std::fmt;

use serde::Serialize;

use crate::tree::Span;

/// One finding, with a place in a file.
///
/// `code` is stable and kebab-case: scripts and tests may compare it. Line and column count from
/// one; the column counts characters, not bytes. A finding about a whole file is at line 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable name of the rule, such as `unknown-field`.
    pub code: &'static str,
    /// What is wrong, in one sentence, for people.
    pub message: String,
    /// Path of the file, as it was given.
    pub file: Box<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte range in the file.
    pub span: (u32, u32),
    /// Other places that explain this one, possibly in other files.
    pub secondary: Vec<Label>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<Box<str>>,
}

/// A second place that explains a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Path of the file, as it was given.
    pub file: Box<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte range in the file.
    pub span: (u32, u32),
    /// What is there.
    pub message: String,
}

impl Diagnostic {
    /// A finding at `span` of `file`.
    pub fn new(code: &'static str, message: impl Into<String>, file: &str, span: Span) -> Self {
        Self {
            code,
            message: message.into(),
            file: file.into(),
            line: span.line,
            column: span.column,
            span: (span.start, span.end),
            secondary: Vec::new(),
            help: None,
        }
    }

    /// A finding about a file as a whole.
    pub fn of_file(code: &'static str, message: impl Into<String>, file: &str) -> Self {
        Self::new(code, message, file, Span::START)
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into().into_boxed_str());
        self
    }

    /// Adds what to do, when there is something to say.
    #[must_use]
    pub fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Adds a second place.
    #[must_use]
    pub fn label(mut self, file: &str, span: Span, message: impl Into<String>) -> Self {
        self.secondary.push(Label {
            file: file.into(),
            line: span.line,
            column: span.column,
            span: (span.start, span.end),
            message: message.into(),
        });
        self
    }
}

/// `file:line:column: message [code]`, then the help on its own line.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            message,
            file,
            line,
            column,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: {message} [{code}]")?;
        for label in &self.secondary {
            let Label {
                file,
                line,
                column,
                message,
                ..
            } = label;
            write!(f, "\n  {file}:{line}:{column}: {message}")?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// Which of `known` somebody who wrote `wrong` probably meant: an edit distance of at most a third
/// of the length, or the same letters in another case or with other separators.
pub(crate) fn meant<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare_wrong = bare(wrong);
    let length = wrong.chars().count();
    let allowed = (length / 3).clamp(1, 4);
    known
        .into_iter()
        // Far in length is far in letters: separators alone do not make up for more than this.
        .filter(|it| it.len().abs_diff(wrong.len()) <= 8)
        .map(|it| {
            let distance = if bare(it) == bare_wrong {
                0
            } else if it.chars().count().abs_diff(length) > allowed {
                usize::MAX
            } else {
                strsim::damerau_levenshtein(wrong, it)
            };
            (distance, it)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, it)| it)
}

/// Letters and digits alone, in lower case.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// "did you mean `x`?", when something is close; else the list, when it is short.
pub(crate) fn suggestion<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    if let Some(it) = meant(wrong, known.iter().copied()) {
        return Some(format!("did you mean `{it}`?"));
    }
    match known.len() {
        0 => None,
        1..=24 => Some(format!("known here: {}", known.join(", "))),
        many => Some(format!(
            "{many} are known, such as {}",
            known[..5].join(", ")
        )),
    }
}

/// At most 80 characters of a text, escaped, for messages.
pub(crate) fn shown(text: &str) -> String {
    let mut it: String = text
        .chars()
        .take(80)
        .flat_map(|c| {
            let escaped: Box<dyn Iterator<Item = char>> = if c.is_control() {
                Box::new(c.escape_default())
            } else {
                Box::new(std::iter::once(c))
            };
            escaped
        })
        .collect();
    if text.chars().nth(80).is_some() {
        it.push('…');
    }
    it
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let known = ["releaseStages", "hotfixStages", "version"];
        assert_eq!(meant("realeaseStages", known), Some("releaseStages"));
        assert_eq!(meant("hotfix_stages", known), Some("hotfixStages"));
        assert_eq!(meant("banana", known), None);
        assert_eq!(
            suggestion("banana", known).unwrap(),
            "known here: hotfixStages, releaseStages, version"
        );
    }

    #[test]
    fn a_finding_reads_as_one_line_with_its_place() {
        let span = Span {
            start: 10,
            end: 12,
            line: 3,
            column: 4,
        };
        let it = Diagnostic::new("unknown-field", "no field `x`", "a.yaml", span)
            .help("did you mean `y`?");
        assert_eq!(
            it.to_string(),
            "a.yaml:3:4: no field `x` [unknown-field]\n  help: did you mean `y`?"
        );
        assert!(std::mem::size_of::<Diagnostic>() < 128);
    }

    #[test]
    fn long_and_hostile_text_is_cut_and_escaped() {
        assert_eq!(shown("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert_eq!(shown(&"x".repeat(200)).chars().count(), 81);
    }
}
