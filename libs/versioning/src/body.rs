//! What the body of a pull request says of breaking changes. A body is written for people, so that
//! it is read more freely than a message: a line that begins like the footer of a breaking change
//! says so wherever it stands, since to overlook what breaks is worse than to count it twice. What
//! nobody sees and a form that was answered with "none" say nothing.

use crate::conventional;

/// Characters that are kept of what breaks.
const MOST: usize = 200;

/// Answers to a form that mean that nothing breaks.
const NOTHING: [&str; 5] = ["", "-", "n/a", "no", "none"];

/// What breaks, as the first line says that tells of it; nothing when none does.
pub fn breaks(body: &str) -> Option<String> {
    let seen = without_comments(body);
    let lines = conventional::lines(&seen);
    lines.iter().enumerate().find_map(|(at, line)| {
        let here = conventional::behind_marker(line.trim_start())?.trim();
        // A value may begin on the next line.
        let below = lines.get(at + 1).map_or("", |it| it.trim());
        let said = if here.is_empty() { below } else { here };
        is_answer(said).then(|| shortened(said))
    })
}

fn is_answer(said: &str) -> bool {
    let plain = said.trim_end_matches('.').to_ascii_lowercase();
    !NOTHING.contains(&plain.as_str()) && conventional::behind_marker(said).is_none()
}

fn shortened(said: &str) -> String {
    let plain = said.chars().filter(|it| !it.is_control());
    let mut kept: String = plain.clone().take(MOST).collect();
    if plain.count() > MOST {
        kept.push('…');
    }
    kept
}

/// Forms keep their hints in comments. What opens one and is never closed may be text about
/// comments, so that it hides nothing.
fn without_comments(body: &str) -> String {
    let mut seen = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, hidden)) = rest.split_once("<!--")
        && let Some((_, after)) = hidden.split_once("-->")
    {
        seen.push_str(before);
        rest = after;
    }
    seen.push_str(rest);
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_begins_like_the_footer_says_what_breaks() {
        for body in [
            "BREAKING CHANGE: one token only",
            "Some words.\n\nBREAKING-CHANGE: one token only\nand more",
            "Some words.\r\nBREAKING CHANGE:   one token only\r\n",
            "BREAKING CHANGE:\none token only",
            "```release-note\n  BREAKING CHANGE: one token only\n```",
            "BREAKING CHANGE: none\nBREAKING CHANGE: one token only",
            "<!-- what\nbreaks? -->BREAKING CHANGE: one token only",
            "`<!--` is refused\n\nBREAKING CHANGE: one token only",
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
            "BREAKING CHANGE:",
            "BREAKING CHANGE: \n\nmore",
            "BREAKING CHANGE: None.",
            "BREAKING CHANGE: N/A",
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
