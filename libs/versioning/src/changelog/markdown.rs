//! Markdown in which no text means more than it says.

use super::document::{Block, Span};
use super::visible::visible;

/// What a forge must not take for a mention or for a reference to another repository is followed
/// by this: a space without a width.
const APART: &str = "&#8203;";

pub(super) fn render(document: &[Block<'_>]) -> String {
    let mut out = String::new();
    for block in document {
        if !out.is_empty() {
            out.push('\n');
        }
        match block {
            Block::Heading(level, spans) => {
                out.push_str(&"#".repeat(*level));
                out.push(' ');
                line(&mut out, spans);
            }
            Block::Paragraph(spans) => line(&mut out, spans),
            Block::List(items) => {
                for (item, below) in items {
                    out.push_str("- ");
                    line(&mut out, item);
                    for spans in below {
                        out.push_str("  - ");
                        line(&mut out, spans);
                    }
                }
            }
        }
    }
    out
}

fn line(out: &mut String, spans: &[Span<'_>]) {
    let mut at_start = true;
    for span in spans {
        match span {
            Span::Text(text) => escape(out, text, at_start),
            Span::Strong(text) => {
                out.push_str("**");
                escape(out, text, false);
                out.push_str("**");
            }
            Span::Link(text, address) => {
                out.push('[');
                escape(out, text, false);
                out.push_str("](");
                out.push_str(address);
                out.push(')');
            }
        }
        at_start = false;
    }
    out.push('\n');
}

/// Any punctuation after a backslash stands for itself. What means nothing within a line
/// is left alone, so that the source stays readable.
fn escape(out: &mut String, text: &str, at_start: bool) {
    if is_words(text) && !(at_start && text.starts_with(' ')) {
        out.push_str(text);
        return;
    }
    // Blanks at the ends of our own texts stay; those of others went when they were composed.
    let shown = visible(text);
    if text.starts_with(' ') && !at_start {
        out.push(' ');
    }
    let mut before = Before::new(at_start);
    let mut rest = shown.chars().peekable();
    while let Some(it) = rest.next() {
        let next = rest.peek().copied();
        match it {
            // Not every reader of Markdown knows a backslash before these.
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push('@'),
            _ => {
                if it.is_ascii_punctuation() && !before.is_plain(it, next) {
                    out.push('\\');
                }
                out.push(it);
            }
        }
        if it == '@' || (it == '#' && before.is_name()) {
            out.push_str(APART);
        }
        before.push(it);
    }
    if text.ends_with(' ') && !shown.is_empty() {
        out.push(' ');
    }
}

/// Words with single blanks between them: nothing in them means anything, and most texts are so.
fn is_words(text: &str) -> bool {
    let mut last = 0;
    text.bytes().all(|it| {
        let before = std::mem::replace(&mut last, it);
        it.is_ascii_alphanumeric() || (it == b' ' && before != b' ')
    })
}

/// What stands before a character of a text.
struct Before {
    /// The text begins a line, and nothing or only digits came yet.
    nothing: bool,
    digits: bool,
    last: [char; 3],
}

impl Before {
    fn new(at_start: bool) -> Self {
        Self {
            nothing: at_start,
            digits: at_start,
            last: [' '; 3],
        }
    }

    fn push(&mut self, it: char) {
        self.nothing = false;
        self.digits &= it.is_ascii_digit();
        self.last = [self.last[1], self.last[2], it];
    }

    /// Whether punctuation means nothing here.
    fn is_plain(&self, it: char, next: Option<char>) -> bool {
        match it {
            ',' | ';' | '\'' | '"' | '/' | '?' | '(' => true,
            // An image begins with a bracket behind it, which is escaped unless it is ours.
            '!' => next.is_some(),
            // The beginning of a list, of a definition, of an address.
            '-' => !self.nothing,
            ')' => !self.digits,
            '.' => !self.digits && !self.last.iter().all(|it| it.eq_ignore_ascii_case(&'w')),
            ':' => !self.nothing && next.is_none_or(|it| it == ' '),
            _ => false,
        }
    }

    /// Whether a `#` refers to somebody else's repository.
    fn is_name(&self) -> bool {
        !matches!(self.last[2], ' ' | '(')
    }
}
