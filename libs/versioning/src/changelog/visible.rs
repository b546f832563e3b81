//! Text that somebody else wrote, so that what a reader sees is what stands there.

use std::borrow::Cow;

/// On one line, with blanks for white space of every kind, and with what cannot be seen, or turns
/// around what can, written out (`\u{202e}`).
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut blank = false;
    let mut last = ' ';
    let mut rest = text.chars().peekable();
    while let Some(it) = rest.next() {
        if it.is_whitespace() {
            blank = true;
            continue;
        }
        if std::mem::take(&mut blank) && !shown.is_empty() {
            shown.push(' ');
            last = ' ';
        }
        let joins =
            it == '\u{200d}' && is_picture(last) && rest.peek().copied().is_some_and(is_picture);
        if is_unseen(it) && !joins {
            shown.extend(it.escape_unicode());
        } else {
            shown.push(it);
        }
        last = it;
    }
    Cow::Owned(shown)
}

/// Nothing in it but ASCII that can be seen, and single blanks between: most texts are so.
fn is_plain(text: &str) -> bool {
    let mut last = b' ';
    let is_shown = |it: u8| {
        let before = std::mem::replace(&mut last, it);
        it.is_ascii_graphic() || (it == b' ' && before != b' ')
    };
    text.bytes().all(is_shown) && !text.ends_with(' ')
}

/// What may be joined with another one: an emoji.
fn is_picture(it: char) -> bool {
    matches!(it, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a character shows nothing of its own, or turns around what does: control and format
/// characters, and others without a width or a shape of their own.
pub fn is_unseen(it: char) -> bool {
    if it.is_ascii() {
        return it.is_ascii_control();
    }
    it.is_control()
        || matches!(it,
            '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0d}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        assert_eq!(visible(""), "");
        assert_eq!(visible(" a  b "), "a b");
        assert_eq!(visible("a b@c"), "a b@c");
        assert_eq!(visible("  a\r\n\tb\u{a0}c\u{2028}d  "), "a b c d");
        assert_eq!(visible("\u{202e}txt.exe"), "\\u{202e}txt.exe");
        assert_eq!(
            visible("ad\u{200b}min\u{200d}x\u{feff}"),
            "ad\\u{200b}min\\u{200d}x\\u{feff}"
        );
        assert_eq!(
            visible("\u{1b}[2J\u{7f}\u{85}x\0"),
            "\\u{1b}[2J\\u{7f} x\\u{0}"
        );
        assert_eq!(visible("\u{e0041}tag"), "\\u{e0041}tag");
        let pictures = "\u{26a1}\u{fe0f} \u{1f469}\u{200d}\u{1f4bb} \u{e9}\u{df}\u{4e2d}";
        assert_eq!(visible(pictures), pictures);
    }
}
