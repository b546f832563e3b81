//! What the body of a pull request says of breaking changes. A body is Markdown that people wrote
//! for people, so that it is read more freely than a message: a line that begins like the footer of
//! a breaking change says so wherever it stands, in bold or in a list, too, since to overlook what
//! breaks is worse than to count it twice. What nobody sees, what is quoted, and a form that was
//! left empty or answered with "none" say nothing.

use crate::conventional;

/// Characters that are kept of what breaks.
const MOST: usize = 200;

/// Answers to a form that mean that nothing breaks.
const NOTHING: [&str; 9] = [
    "",
    "n.a",
    "n/a",
    "na",
    "no",
    "no breaking change",
    "no breaking changes",
    "none",
    "nothing",
];

/// What breaks, as the first line says that tells of it; nothing when none does.
pub fn breaks(body: &str) -> Option<String> {
    let lines = shown(body);
    lines.iter().enumerate().find_map(|(at, line)| {
        let here = behind_marker(line)?;
        let next = lines.get(at + 1).map_or("", |it| it.trim());
        let below = if is_more(next) { next } else { "" };
        let said = format!("{here} {below}");
        let said = said.trim();
        let plain = said.trim_matches(|it: char| !it.is_alphanumeric());
        let is_nothing = NOTHING.contains(&plain.to_lowercase().as_str());
        (!is_nothing).then(|| shortened(said))
    })
}

/// What a line says behind the words, whatever it is dressed in.
fn behind_marker(line: &str) -> Option<&str> {
    let is_dress = |it: char| {
        it.is_whitespace() || matches!(it, '*' | '_' | '#' | '-' | '+' | '\u{200b}' | '\u{feff}')
    };
    let line = line.trim_start_matches(is_dress);
    let bare = |it: char| matches!(it, '*' | '_');
    let marker = conventional::marker_of(line)?;
    let behind = line[marker.len()..].trim_start_matches(bare);
    Some(behind.strip_prefix(':')?.trim_start_matches(bare).trim())
}

/// Whether a value goes on in a line: not what begins something else, such as a heading, a list, a
/// footer, or the next question of a form.
fn is_more(line: &str) -> bool {
    let begins = |it: char| "#-*+_>|<`=~".contains(it);
    let token = line.split_once([':', '#']).map_or("", |it| it.0).trim_end();
    let is_footer = !token.is_empty() && !token.contains(char::is_whitespace);
    !line.is_empty() && !line.starts_with(begins) && !is_footer && behind_marker(line).is_none()
}

fn shortened(said: &str) -> String {
    let plain = said.chars().filter(|it| !it.is_control());
    let mut kept: String = plain.clone().take(MOST).collect();
    if plain.count() > MOST {
        kept.push('…');
    }
    kept
}

/// The lines that a reader sees. Forms keep their hints in comments, which begin a line
/// (<https://spec.commonmark.org/0.31.2/#html-blocks>). What opens one elsewhere, in a block of
/// code, or without an end is text about comments, and hides nothing.
fn shown(body: &str) -> Vec<&str> {
    let lines = conventional::lines(body);
    let mut shown = Vec::with_capacity(lines.len());
    let (mut is_comment, mut fence) = (false, None);
    for (at, line) in lines.iter().enumerate() {
        let start = line.trim_start();
        if is_comment {
            if let Some((_, rest)) = line.split_once("-->") {
                is_comment = false;
                shown.push(rest);
            }
            continue;
        }
        let mark = ["```", "~~~"].into_iter().find(|it| start.starts_with(it));
        if mark.is_some() && (fence.is_none() || fence == mark) {
            fence = if fence.is_none() { mark } else { None };
        }
        match start.strip_prefix("<!--").filter(|_| fence.is_none()) {
            None => shown.push(line),
            Some(rest) if rest.starts_with('>') || rest.starts_with("->") => {
                shown.push(rest.trim_start_matches(['-', '>']));
            }
            Some(rest) => match rest.split_once("-->") {
                Some((_, rest)) => shown.push(rest),
                None if lines[at + 1..].iter().any(|it| it.contains("-->")) => is_comment = true,
                None => shown.push(line),
            },
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_begins_like_the_footer_says_what_breaks() {
        for body in [
            "BREAKING CHANGE: one token only",
            "Some words.\n\nBREAKING-CHANGE: one token only\n\nand more",
            "Some words.\r\nBREAKING CHANGE:   one token only\r\n",
            "BREAKING CHANGE: one\ntoken only",
            "BREAKING CHANGE:\none token only",
            "BREAKING CHANGE:one token only",
            "```release-note\n  BREAKING CHANGE: one token only\n```",
            "BREAKING CHANGE: none\nBREAKING CHANGE: one token only",
            "BREAKING CHANGE: one token only\nCloses #5",
            "**BREAKING CHANGE:** one token only",
            "**BREAKING CHANGE**: one token only",
            "- BREAKING CHANGE: one token only\n- more",
            "## BREAKING CHANGE: one token only\n## Testing",
            "\u{feff}BREAKING CHANGE: one token only",
        ] {
            assert_eq!(breaks(body).as_deref(), Some("one token only"), "{body}");
        }
        let no = breaks("BREAKING CHANGE: no\nmore cookies are sent");
        assert_eq!(no.as_deref(), Some("no more cookies are sent"));
    }

    #[test]
    fn what_is_shown_as_code_or_never_ends_is_no_comment() {
        for body in [
            "<!-- what\nbreaks? -->BREAKING CHANGE: one token only",
            "`<!--` is refused\n\nBREAKING CHANGE: one token only",
            "see `<!--` and\nBREAKING CHANGE: one token only\n\nthen `-->` closes",
            "```\n<!--\n```\nBREAKING CHANGE: one token only\n```\n-->\n```",
            "<!-->\nBREAKING CHANGE: one token only\n\n-->",
            "<!-- never closed\nBREAKING CHANGE: one token only",
        ] {
            assert_eq!(breaks(body).as_deref(), Some("one token only"), "{body}");
        }
    }

    #[test]
    fn what_nobody_sees_and_a_form_left_as_it_was_say_nothing() {
        for body in [
            "",
            "Some words about a BREAKING CHANGE: here",
            "breaking change: lower case",
            "BREAKING CHANGES: a heading",
            "BREAKING CHANGE",
            "BREAKING CHANGE #5",
            "> BREAKING CHANGE: of somebody else",
            "BREAKING CHANGE:",
            "BREAKING CHANGE: \n\nmore",
            "BREAKING CHANGE:\n## Testing",
            "BREAKING CHANGE:\n- [ ] yes",
            "BREAKING CHANGE:\nSigned-off-by: Ada <ada@example.org>",
            "BREAKING CHANGE:\nCloses #5",
            "BREAKING CHANGE: None.",
            "BREAKING CHANGE: N/A",
            "BREAKING CHANGE: **none**",
            "BREAKING CHANGE: `n.a.`",
            "BREAKING CHANGE: No breaking changes!",
            "BREAKING CHANGE: \u{200b}",
            "BREAKING CHANGE:\nBREAKING CHANGE:\n",
            "<!-- BREAKING CHANGE: say what breaks -->",
            "<!--\nBREAKING CHANGE: say what breaks\n-->\nwords",
        ] {
            assert_eq!(breaks(body), None, "{body}");
        }
    }

    #[test]
    fn what_is_kept_is_short_and_plain() {
        let long = format!("BREAKING CHANGE: a\u{7}{}", "ü".repeat(70_000));
        let kept = breaks(&long).unwrap();
        assert!(kept.starts_with("aü") && kept.ends_with("ü…"), "{kept}");
        assert_eq!(kept.chars().count(), MOST + 1);
    }
}
