//! Plain text for people.

use super::document::{Block, Span};
use super::visible::visible;

pub(super) fn render(document: &[Block<'_>]) -> String {
    let mut out = String::new();
    for block in document {
        match block {
            Block::Heading(1, spans) => line(&mut out, spans),
            Block::Heading(_, spans) => {
                out.push('\n');
                line(&mut out, spans);
            }
            Block::Paragraph(spans) => line(&mut out, spans),
            Block::List(items) => {
                for (item, below) in items {
                    out.push_str("  - ");
                    line(&mut out, item);
                    for spans in below {
                        out.push_str("      ");
                        line(&mut out, spans);
                    }
                }
            }
        }
    }
    out
}

fn line(out: &mut String, spans: &[Span<'_>]) {
    for span in spans {
        let (Span::Text(text) | Span::Strong(text) | Span::Link(text, _)) = span;
        if text.starts_with(' ') {
            out.push(' ');
        }
        let shown = visible(text);
        out.push_str(&shown);
        if text.ends_with(' ') && !shown.is_empty() {
            out.push(' ');
        }
    }
    out.push('\n');
}
