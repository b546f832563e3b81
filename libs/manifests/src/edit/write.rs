//! The new bytes of a scalar: same quotes as before, and quotes where they are needed.

use std::fmt::Write as _;
use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::plain;
use crate::tree::Style;

use super::Opened;
use super::locate::Found;

/// Bytes to put in the place of others.
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
    /// How the scalar is written afterwards.
    pub(super) style: Style,
}

/// Decides what to write for `value`, and where.
pub(super) fn splice(
    opened: &Opened<'_>,
    found: &Found<'_>,
    style: Style,
    value: &str,
) -> Result<Splice, Diagnostic> {
    let node = found.node;
    if style == Style::Block {
        return Err(opened
            .refuse(
                "block-scalar",
                "the value here is a block (`|` or `>`)",
                node.span,
            )
            .help("write it on one line"));
    }
    if let Some(tag) = &node.tag
        && !matches!(tag.as_ref(), "!!str" | "!" | "!<tag:yaml.org,2002:str>")
    {
        let what = format!("the value here has the tag `{tag}`, which may give it another meaning");
        return Err(opened
            .refuse("tagged-value", what, node.span)
            .help("remove the tag"));
    }
    let range = node.span.range();
    if range.is_empty() {
        return empty(opened, found, value);
    }
    let style = wanted(style, value, opened.json);
    let text = match style {
        Style::Plain => value.to_owned(),
        Style::Single if value.chars().any(char::is_control) => {
            return Err(opened
                .refuse(
                    "value",
                    "the new value has control characters, which single quotes cannot hold",
                    node.span,
                )
                .help("use double quotes in the file"));
        }
        Style::Single => format!("'{}'", value.replace('\'', "''")),
        Style::Double | Style::Block => double(value),
    };
    Ok(Splice { range, text, style })
}

/// Quotes stay quotes. Without quotes stays without, unless some parser would then read
/// something else than a text.
fn wanted(style: Style, value: &str, json: bool) -> Style {
    match style {
        Style::Plain if json => Style::Double,
        Style::Plain if plain::is_string(value) && plain::needs_no_quotes(value) => Style::Plain,
        Style::Plain => Style::Double,
        Style::Single | Style::Double | Style::Block => style,
    }
}

/// `key:` with nothing behind it: the value goes right behind the colon, before any comment.
fn empty(opened: &Opened<'_>, found: &Found<'_>, value: &str) -> Result<Splice, Diagnostic> {
    let node = found.node;
    let refuse = |why: &str| {
        opened
            .refuse("empty-value", why, node.span)
            .help("write a first value by hand")
    };
    if node.anchor != 0 || node.tag.is_some() {
        return Err(refuse("nothing is written here except an anchor or a tag"));
    }
    let Some(key) = found.key else {
        return Err(refuse("nothing is written here, and it has no key"));
    };
    let after_key = key.span.end as usize;
    let rest = opened.bytes.get(after_key..).unwrap_or_default();
    let blanks = rest
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    if rest.get(blanks) != Some(&b':') {
        return Err(refuse("nothing is written here, not even a colon"));
    }
    let at = after_key + blanks + 1;
    let style = wanted(Style::Plain, value, opened.json);
    let text = if style == Style::Plain {
        value.to_owned()
    } else {
        double(value)
    };
    Ok(Splice {
        range: at..at,
        text: format!(" {text}"),
        style,
    })
}

/// A double-quoted text that is the same in YAML and in JSON.
fn double(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            // Line separators, and what YAML does not print (1.2.2 §5.1); all in the basic plane.
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{a0}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                // Writing to a String cannot fail.
                let _ok = write!(text, "\\u{:04x}", c as u32);
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn double_quotes_are_json() {
        for value in [
            "",
            "a",
            "a\"b\\c",
            "\n\r\t\0\u{7f}\u{85}\u{2028}\u{feff}",
            "ü😀/",
        ] {
            let text = double(value);
            assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
        }
    }
}
