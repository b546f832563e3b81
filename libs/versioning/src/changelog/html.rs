//! A page of HTML in which no text means more than it says.

use std::fmt::Write as _;

use super::document::{Block, Span};
use super::visible::visible;

/// Nothing of the page needs anything but itself.
const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\">\n";

pub(super) fn render(document: &[Block<'_>]) -> String {
    let mut out = HEAD.to_owned();
    if let Some(Block::Heading(_, spans)) = document.first() {
        out.push_str("<title>");
        for span in spans {
            let (Span::Text(text) | Span::Strong(text) | Span::Link(text, _)) = span;
            escape(&mut out, text);
        }
        out.push_str("</title>\n");
    }
    out.push_str("</head>\n<body>\n");
    for block in document {
        match block {
            Block::Heading(level, spans) => {
                element(&mut out, &format!("h{level}"), |out| line(out, spans));
            }
            Block::Paragraph(spans) => element(&mut out, "p", |out| line(out, spans)),
            Block::List(items) => element(&mut out, "ul", |out| {
                out.push('\n');
                for (item, below) in items {
                    element(out, "li", |out| list_item(out, item, below));
                }
            }),
        }
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn list_item(out: &mut String, item: &[Span<'_>], below: &[Vec<Span<'_>>]) {
    line(out, item);
    if !below.is_empty() {
        element(out, "ul", |out| {
            for spans in below {
                element(out, "li", |out| line(out, spans));
            }
        });
    }
}

fn element(out: &mut String, name: &str, inside: impl FnOnce(&mut String)) {
    for part in ["<", name, ">"] {
        out.push_str(part);
    }
    inside(out);
    for part in ["</", name, ">\n"] {
        out.push_str(part);
    }
}

fn line(out: &mut String, spans: &[Span<'_>]) {
    for span in spans {
        match span {
            Span::Text(text) => escape(out, text),
            Span::Strong(text) => {
                out.push_str("<strong>");
                escape(out, text);
                out.push_str("</strong>");
            }
            Span::Link(text, address) => {
                out.push_str("<a href=\"");
                out.push_str(address);
                out.push_str("\">");
                escape(out, text);
                out.push_str("</a>");
            }
        }
    }
}

/// Whatever is punctuation in HTML, or in Markdown, into which pages are pasted, is written as a
/// number; a mention is taken apart by a space without a width.
fn escape(out: &mut String, text: &str) {
    let shown = visible(text);
    if text.starts_with(' ') {
        out.push(' ');
    }
    for it in shown.chars() {
        if it == '@' {
            out.push_str("@&#8203;");
        } else if it.is_ascii_punctuation() && !",;:/?-.()".contains(it) {
            write!(out, "&#{};", u32::from(it)).expect("a String takes everything");
        } else {
            out.push(it);
        }
    }
    if text.ends_with(' ') && !shown.is_empty() {
        out.push(' ');
    }
}
