//! Text to tree: YAML 1.2 (and the 1.1 in use), multi-document, and JSON through the same path.

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, StructureStyle, options};

use crate::diagnostic::Diagnostic;
use crate::tree::{Doc, Node, Span, Style, Tree, Value};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How deep lists and mappings may nest.
pub const MAX_DEPTH: usize = 128;
/// How many nodes a file may have. Aliases are never expanded, so they cost one node each.
pub const MAX_NODES: usize = 500_000;

/// The mark some editors put before UTF-8 text.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Checks size and encoding. The text still has its byte order mark.
pub(crate) fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Diagnostic> {
    if bytes.len() > MAX_BYTES {
        return Err(Diagnostic::of_file(
            "file-too-large",
            format!(
                "the file has {} bytes; at most {MAX_BYTES} are read",
                bytes.len()
            ),
            file,
        )
        .help("split the file"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
        let what = if utf16 {
            "the file is UTF-16"
        } else {
            "the file is not UTF-8"
        };
        Diagnostic::new("invalid-utf8", what, file, span_at(bytes, at)).help("save it as UTF-8")
    })
}

/// A place by its byte, for findings that no node stands for.
pub(crate) fn span_at(bytes: &[u8], at: usize) -> Span {
    let before = &bytes[..at.min(bytes.len())];
    let line_start = before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |it| it + 1);
    let lines = before.split(|b| *b == b'\n').count() - 1;
    let columns = String::from_utf8_lossy(&before[line_start..])
        .trim_start_matches('\u{feff}')
        .chars()
        .count();
    Span {
        start: small(at),
        end: small((at + 1).min(bytes.len())),
        line: small(lines + 1),
        column: small(columns + 1),
    }
}

/// Positions fit: a file has at most [`MAX_BYTES`].
fn small(it: usize) -> u32 {
    u32::try_from(it).unwrap_or(u32::MAX)
}

/// Parses a file; `file` is only for messages.
///
/// Duplicate keys, aliases and merge keys are kept as they are: whoever reads the tree decides
/// whether they matter.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Tree, Diagnostic> {
    let text = text(file, bytes)?;
    let base = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
    let body = &text[base..];
    let mut builder = Builder {
        file,
        base,
        documents: Vec::new(),
        frames: Vec::new(),
        open: None,
        root: None,
        nodes: 0,
    };
    let limits = options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    for event in Parser::new_from_str_with_options(body, limits) {
        let (event, span) = event.map_err(|error| {
            let marker = *error.marker();
            let at = marker.byte_offset().unwrap_or(0);
            let span = Span {
                start: small(at + base),
                end: small((at + 1).min(body.len()) + base),
                line: small(marker.line().max(1)),
                column: small(marker.col() + 1),
            };
            broken(file, body, at, span, &error)
        })?;
        builder.take(event, &span)?;
    }
    Ok(Tree {
        documents: builder.documents,
    })
}

fn broken(
    file: &str,
    body: &str,
    at: usize,
    span: Span,
    error: &granit_parser::ScanError,
) -> Diagnostic {
    let line_start = body.as_bytes()[..at.min(body.len())]
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |it| it + 1);
    let line = body[line_start..].lines().next().unwrap_or_default();
    let indent = &line[..line.len() - line.trim_start().len()];
    let kind = error.kind();
    let tab = indent.contains('\t')
        || matches!(
            kind,
            ErrorKind::TabNotAllowed
                | ErrorKind::TabInBlockIndentation
                | ErrorKind::TabAtBlockScalarStart
                | ErrorKind::TabInIndentation
                | ErrorKind::TabInPlainScalar
        );
    if tab {
        return Diagnostic::new("tab-indentation", error.info(), file, span)
            .help("indent with spaces; YAML does not allow tabs there");
    }
    if matches!(kind, ErrorKind::UnknownAnchor) {
        return Diagnostic::new("unknown-anchor", error.info(), file, span)
            .help("define the anchor (`&name`) above its use, in the same document");
    }
    if matches!(kind, ErrorKind::RecursionLimitExceeded) {
        let text = format!("lists and mappings nest deeper than {MAX_DEPTH} levels");
        return Diagnostic::new("too-deep", text, file, span);
    }
    Diagnostic::new("syntax", error.info(), file, span)
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    }
}

enum Frame {
    Sequence { node: Node },
    Mapping { node: Node, key: Option<Node> },
}

struct Builder<'a> {
    file: &'a str,
    base: usize,
    documents: Vec<Doc>,
    frames: Vec<Frame>,
    open: Option<(Span, bool)>,
    root: Option<Node>,
    nodes: usize,
}

impl Builder<'_> {
    fn span(&self, span: &granit_parser::Span) -> Span {
        // A parser over a text always knows its bytes.
        let bytes = span.byte_range().unwrap_or(0..0);
        Span {
            start: small(bytes.start + self.base),
            end: small(bytes.end.max(bytes.start) + self.base),
            line: small(span.start.line().max(1)),
            column: small(span.start.col() + 1),
        }
    }

    fn take(&mut self, event: Event<'_>, at: &granit_parser::Span) -> Result<(), Diagnostic> {
        let span = self.span(at);
        let node = |anchor: usize, tag: Option<String>, value: Value| Node {
            span,
            anchor: small(anchor),
            tag: tag.map(String::into_boxed_str),
            value,
        };
        match event {
            Event::DocumentStart(explicit, _) => self.open = Some((span, explicit)),
            Event::DocumentEnd => self.end_document(span),
            Event::Alias(id) => {
                let it = node(0, None, Value::Alias(small(id)));
                self.place(it)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let (text, style) = (text.into(), style_of(style));
                let value = Value::Scalar { text, style };
                let it = node(anchor, tag.map(|it| it.original()), value);
                self.place(it)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                let value = Value::Sequence {
                    items: Vec::new(),
                    flow: style == StructureStyle::Flow,
                };
                let node = node(anchor, tag.map(|it| it.original()), value);
                self.push(Frame::Sequence { node })?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let value = Value::Mapping {
                    entries: Vec::new(),
                    flow: style == StructureStyle::Flow,
                };
                let node = node(anchor, tag.map(|it| it.original()), value);
                self.push(Frame::Mapping { node, key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(span)?,
            Event::StreamStart | Event::StreamEnd => {}
            // Comments, anchors and unresolved aliases are not asked for in the options.
            Event::Comment(..) | Event::Anchor(..) | Event::UnresolvedAlias(_) | _ => {}
        }
        Ok(())
    }

    fn end_document(&mut self, span: Span) {
        let (start, explicit) = self.open.take().unwrap_or((span, false));
        if let Some(root) = self.root.take() {
            // `---` at the end of a file begins a document in which nothing is written.
            self.documents.push(Doc {
                span: start,
                explicit,
                root,
            });
        }
    }

    fn push(&mut self, frame: Frame) -> Result<(), Diagnostic> {
        if self.frames.len() >= MAX_DEPTH {
            let (Frame::Sequence { node } | Frame::Mapping { node, .. }) = &frame;
            let text = format!("lists and mappings nest deeper than {MAX_DEPTH} levels");
            return Err(Diagnostic::new("too-deep", text, self.file, node.span));
        }
        self.frames.push(frame);
        Ok(())
    }

    fn pop(&mut self, end: Span) -> Result<(), Diagnostic> {
        match self.frames.pop() {
            Some(Frame::Sequence { mut node } | Frame::Mapping { mut node, .. }) => {
                node.span.end = end.end.max(node.span.end);
                self.place(node)
            }
            None => Ok(()),
        }
    }

    fn place(&mut self, node: Node) -> Result<(), Diagnostic> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let text = format!("the file has more than {MAX_NODES} values");
            return Err(Diagnostic::new(
                "too-many-values",
                text,
                self.file,
                node.span,
            ));
        }
        match self.frames.last_mut() {
            None => self.root = Some(node),
            Some(Frame::Sequence { node: parent }) => {
                if let Value::Sequence { items, .. } = &mut parent.value {
                    items.push(node);
                }
            }
            Some(Frame::Mapping { node: parent, key }) => match key.take() {
                None => *key = Some(node),
                Some(key) => {
                    if let Value::Mapping { entries, .. } = &mut parent.value {
                        entries.push((key, node));
                    }
                }
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> &'static str {
        parse("a.yaml", bytes).unwrap_err().code
    }

    #[test]
    fn budgets_are_kept() {
        assert_eq!(code(&vec![b' '; MAX_BYTES + 1]), "file-too-large");
        assert_eq!(code("[".repeat(100_000).as_bytes()), "too-deep");
        assert_eq!(code("- ".repeat(100_000).as_bytes()), "too-deep");
        let wide = format!("[{}]", "a,".repeat(MAX_NODES + 1));
        assert_eq!(code(wide.as_bytes()), "too-many-values");
    }

    #[test]
    fn places_count_characters_after_a_byte_order_mark() {
        let tree = parse("a.yaml", "\u{feff}ü: ß\n".as_bytes()).unwrap();
        let value = tree.documents[0].root.get("ü").unwrap();
        assert_eq!((value.span.start, value.span.end), (7, 9));
        assert_eq!((value.span.line, value.span.column), (1, 4));
        let wrong = parse("a.yaml", b"a: b\nc: \xc3\xbc\xff").unwrap_err();
        assert_eq!((wrong.line, wrong.column), (2, 5));
    }

    #[test]
    fn every_span_is_the_text_of_its_node() {
        let text = "a: one\nb: 'two'\nc: \"three\"\nd: [four, {e: five}]\n";
        let tree = parse("a.yaml", text.as_bytes()).unwrap();
        let root = &tree.documents[0].root;
        let of = |key: &str| &text[root.get(key).unwrap().span.range()];
        assert_eq!(
            [of("a"), of("b"), of("c"), of("d")],
            ["one", "'two'", "\"three\"", "[four, {e: five}]"]
        );
    }

    #[test]
    fn an_alias_bomb_costs_what_it_is_written_in() {
        let next = |it: u32| format!("a{it}: &a{it} [*a{0}, *a{0}]\n", it - 1);
        let bomb: String = (1..60).map(next).collect::<Vec<_>>().concat();
        let text = format!("a0: &a0 [x, x]\n{bomb}");
        assert!(parse("a.yaml", text.as_bytes()).is_ok());
    }
}
