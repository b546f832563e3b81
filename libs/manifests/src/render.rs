//! A finding for people (source line, caret, second labels) and for programs (JSON).

use std::fmt;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity};

use crate::diagnostic::{Diagnostic, Label};

/// One source with its labels, in the form miette wants.
#[derive(Debug)]
struct Snippet {
    code: Option<&'static str>,
    message: String,
    help: Option<String>,
    severity: Severity,
    source: Option<NamedSource<Arc<str>>>,
    labels: Vec<LabeledSpan>,
    related: Vec<Self>,
}

impl fmt::Display for Snippet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Snippet {}

impl miette::Diagnostic for Snippet {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|it| Box::new(it) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|it| Box::new(it) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|it| it as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as Box<_>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        (!self.related.is_empty()).then(|| {
            Box::new(self.related.iter().map(|it| it as &dyn miette::Diagnostic)) as Box<_>
        })
    }
}

/// A span that lies inside the text, whatever the finding claims: the text may be newer.
fn inside(text: &str, (start, end): (u32, u32)) -> (usize, usize) {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(start as usize);
    (start, floor(end as usize).max(start) - start)
}

impl Diagnostic {
    /// The finding with the lines it is about, carets, and what to do.
    ///
    /// `source` gives the text of a file by its path; without it the place alone is shown.
    pub fn render(&self, source: impl Fn(&str) -> Option<Arc<str>>, colour: bool) -> String {
        let theme = if colour {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_width(100)
            .without_syntax_highlighting();
        let mut text = String::new();
        match handler.render_report(&mut text, &self.snippet(&source)) {
            Ok(()) => text,
            // Only a source that cannot be read ends here, and a plain line always can.
            Err(fmt::Error) => format!("{self}\n"),
        }
    }

    fn snippet(&self, source: &impl Fn(&str) -> Option<Arc<str>>) -> Snippet {
        let text = source(&self.file);
        let mut labels = Vec::new();
        let mut related = Vec::new();
        if let Some(text) = &text {
            let (start, len) = inside(text, self.span);
            labels.push(LabeledSpan::new_primary_with_span(
                Some("here".into()),
                (start, len),
            ));
        }
        for label in &self.secondary {
            match (source(&label.file), label.file == self.file) {
                (Some(text), true) => {
                    let (message, span) = (label.message.clone(), inside(&text, label.span));
                    labels.push(LabeledSpan::new_with_span(Some(message), span));
                }
                (text, _) => related.push(elsewhere(label, text)),
            }
        }
        Snippet {
            code: Some(self.code),
            message: match text {
                Some(_) => self.message.clone(),
                None => format!(
                    "{}:{}:{}: {}",
                    self.file, self.line, self.column, self.message
                ),
            },
            help: self.help.as_deref().map(str::to_owned),
            severity: Severity::Error,
            source: text.map(|text| NamedSource::new(&*self.file, text)),
            labels,
            related,
        }
    }
}

/// A second place in another file.
fn elsewhere(label: &Label, text: Option<Arc<str>>) -> Snippet {
    let Label {
        file,
        line,
        column,
        message,
        span,
    } = label;
    let labels = text
        .as_ref()
        .map(|text| LabeledSpan::new_primary_with_span(Some(message.clone()), inside(text, *span)));
    Snippet {
        code: None,
        message: format!("{file}:{line}:{column}: {message}"),
        help: None,
        severity: Severity::Advice,
        labels: labels.into_iter().collect(),
        source: text.map(|text| NamedSource::new(&**file, text)),
        related: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Span;

    fn finding() -> Diagnostic {
        let here = Span {
            start: 6,
            end: 9,
            line: 2,
            column: 4,
        };
        let there = Span {
            start: 0,
            end: 1,
            line: 1,
            column: 1,
        };
        Diagnostic::new("unresolved", "no such thing as `foo`", "a.yaml", here)
            .label("b.yaml", there, "the nearest one is here")
            .help("did you mean `fob`?")
    }

    #[test]
    fn shows_the_line_and_a_second_file() {
        let text = finding().render(
            |file| {
                Some(Arc::from(if file == "a.yaml" {
                    "x:\ny: foo\n"
                } else {
                    "fob\n"
                }))
            },
            false,
        );
        for part in [
            "unresolved",
            "a.yaml:2:4",
            "y: foo",
            "─┬─",
            "b.yaml:1:1",
            "did you mean `fob`?",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn a_text_shorter_than_the_finding_is_still_rendered() {
        let text = finding().render(|_| Some(Arc::from("ü")), false);
        assert!(text.contains("no such thing"), "{text}");
        let text = finding().render(|_| None, false);
        assert!(text.contains("a.yaml:2:4"), "{text}");
    }

    #[test]
    fn is_json_for_annotations() {
        let json = serde_json::to_value(finding()).unwrap();
        assert_eq!(json["code"], "unresolved");
        assert_eq!(json["line"], 2);
        assert_eq!(json["span"], serde_json::json!([6, 9]));
        assert_eq!(json["secondary"][0]["file"], "b.yaml");
    }
}
