//! A parsed file with positions: every node knows its bytes, its quotes, its anchor.
//!
//! Comments are not nodes. They live in the bytes between spans, which an edit never touches.

use serde::Serialize;

/// A byte range and where it begins for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// First byte, in the file as it came (a byte order mark counts).
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// Column of the first byte in characters, from 1.
    pub column: u32,
}

impl Span {
    /// The beginning of a file.
    pub const START: Self = Self {
        start: 0,
        end: 0,
        line: 1,
        column: 1,
    };

    /// As a range of bytes.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|` or `>`.
    Block,
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it is; for a scalar with its quotes, without tag and anchor.
    pub span: Span,
    /// The number of the anchor on this node; 0 is none.
    pub anchor: u32,
    /// The tag as written, such as `!!str`.
    pub tag: Option<Box<str>>,
    /// What it holds.
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, number, boolean or nothing: which one is decided by who reads it.
    Scalar {
        /// The text after escapes were resolved.
        text: Box<str>,
        /// How it was written.
        style: Style,
    },
    /// `[a, b]` or a `- ` list.
    Sequence {
        /// Its items.
        items: Vec<Node>,
        /// Written with brackets.
        flow: bool,
    },
    /// `{a: b}` or `a: b` lines.
    Mapping {
        /// Key and value, in the order of the file, duplicates kept.
        entries: Vec<(Node, Node)>,
        /// Written with braces.
        flow: bool,
    },
    /// `*name`: the number of the anchor it refers to.
    Alias(u32),
}

/// One YAML document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doc {
    /// Where it begins.
    pub span: Span,
    /// Began with `---`.
    pub explicit: bool,
    /// Its content.
    pub root: Node,
}

/// A parsed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Its documents, in order. An empty file has none.
    pub documents: Vec<Doc>,
}

impl Node {
    /// The text of a scalar; `None` for anything else.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            Value::Sequence { .. } | Value::Mapping { .. } | Value::Alias(_) => None,
        }
    }

    /// The items of a list; `None` for anything else.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Sequence { items, .. } => Some(items),
            Value::Scalar { .. } | Value::Mapping { .. } | Value::Alias(_) => None,
        }
    }

    /// The entries of a mapping; `None` for anything else.
    pub fn entries(&self) -> Option<&[(Self, Self)]> {
        match &self.value {
            Value::Mapping { entries, .. } => Some(entries),
            Value::Scalar { .. } | Value::Sequence { .. } | Value::Alias(_) => None,
        }
    }

    /// The value under a key; with duplicates the first one.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Key and value under a key; with duplicates the first one.
    pub fn entry(&self, key: &str) -> Option<(&Self, &Self)> {
        self.entries()?
            .iter()
            .find(|(it, _)| it.scalar() == Some(key))
            .map(|(key, value)| (key, value))
    }

    /// Nothing was written, or `null` or `~` without quotes.
    pub fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar {
                text,
                style: Style::Plain,
            } => self.tag.is_none() && crate::plain::is_null(text),
            Value::Scalar { .. }
            | Value::Sequence { .. }
            | Value::Mapping { .. }
            | Value::Alias(_) => false,
        }
    }

    /// For messages: `text`, `a list`, `a mapping`.
    pub fn what(&self) -> &'static str {
        match &self.value {
            Value::Scalar { .. } if self.is_null() => "nothing",
            Value::Scalar { .. } => "a single value",
            Value::Sequence { .. } => "a list",
            Value::Mapping { .. } => "a mapping",
            Value::Alias(_) => "an alias",
        }
    }
}
