//! Commit messages: subject, body, and the trailers that name what a commit is for.
//!
//! Trailers are the lines `Key: value` of the last paragraph, as `git interpret-trailers` has
//! them. What is composed here always ends in a paragraph of nothing but trailers, so that a
//! body which looks like trailers is never read as some.

use std::fmt::Write as _;

use uuid::Uuid;

/// Names the change that a commit is, on every commit that a writer makes.
pub(crate) const CHANGE: &str = "Towpath-Change";

/// Puts a message together, or says what is wrong with its parts.
pub(crate) fn compose(
    subject: &str,
    body: &str,
    trailers: &[(String, String)],
    change: Uuid,
) -> Result<String, String> {
    let subject = subject.trim();
    if subject.is_empty() || subject.chars().any(char::is_control) {
        return Err("the subject of a commit must be one line of text".to_owned());
    }
    if body.contains('\0') {
        return Err("the body of a commit message cannot hold a NUL byte".to_owned());
    }
    let mut text = format!("{subject}\n\n");
    let body = body.trim();
    if !body.is_empty() {
        text.push_str(body);
        text.push_str("\n\n");
    }
    for (key, value) in trailers {
        let named = !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !key.eq_ignore_ascii_case(CHANGE);
        if !named {
            return Err(format!(
                "`{}` cannot be a trailer: letters, digits and `-`, and not `{CHANGE}`",
                key.escape_debug()
            ));
        }
        if value.chars().any(char::is_control) {
            return Err(format!(
                "the value of trailer `{key}` must be one line of text"
            ));
        }
        writeln!(text, "{key}: {}", value.trim()).expect("writing to a string cannot fail");
    }
    writeln!(text, "{CHANGE}: {change}").expect("writing to a string cannot fail");
    Ok(text)
}

/// The first paragraph on one line.
pub(crate) fn subject(text: &str) -> String {
    text.trim_start()
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The trailers of the last paragraph; none when any of its lines is something else.
pub(crate) fn trailers(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let start = lines.iter().rposition(|line| line.trim().is_empty());
    let Some(start) = start else {
        return Vec::new();
    };
    let found: Option<Vec<_>> = lines[start + 1..]
        .iter()
        .map(|line| {
            let (key, value) = line.split_once(':')?;
            let named =
                !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            named.then(|| (key.to_owned(), value.trim().to_owned()))
        })
        .collect();
    found.unwrap_or_default()
}

/// The change that a commit is, when a writer made it.
pub(crate) fn change(text: &str) -> Option<Uuid> {
    if !text.contains(CHANGE) {
        return None;
    }
    trailers(text)
        .iter()
        .rev()
        .find(|(key, _)| key == CHANGE)
        .and_then(|(_, value)| Uuid::parse_str(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_composed_is_read_back() {
        let id = Uuid::from_u128(7);
        let given = [("Towpath-Stage".to_owned(), "2".to_owned())];
        let text = compose("Deploy api v2", "Because.\n\nFake: trailer", &given, id).unwrap();
        assert_eq!(subject(&text), "Deploy api v2");
        assert_eq!(change(&text), Some(id));
        assert_eq!(
            trailers(&text),
            [
                ("Towpath-Stage".to_owned(), "2".to_owned()),
                (CHANGE.to_owned(), id.to_string())
            ]
        );
    }

    #[test]
    fn a_body_cannot_pass_for_trailers() {
        let (id, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let body = format!("{CHANGE}: {other}");
        let text = compose("Deploy", &body, &[], id).unwrap();
        assert_eq!(change(&text), Some(id));
    }

    #[test]
    fn parts_that_would_break_the_message_are_refused() {
        let id = Uuid::from_u128(7);
        let pair = |key: &str, value: &str| [(key.to_owned(), value.to_owned())];
        assert!(compose("a\nb", "", &[], id).is_err());
        assert!(compose(" ", "", &[], id).is_err());
        assert!(compose("a", "\0", &[], id).is_err());
        assert!(compose("a", "", &pair("Actor", "x\nTowpath-Stage: 9"), id).is_err());
        assert!(compose("a", "", &pair("No good", "x"), id).is_err());
        assert!(compose("a", "", &pair("towpath-change", "x"), id).is_err());
    }

    #[test]
    fn prose_is_not_a_trailer() {
        assert!(trailers("Subject: only").is_empty());
        assert!(trailers("Subject\n\nA line\nKey: value").is_empty());
        assert_eq!(change(&format!("Revert\n\nThis quotes {CHANGE}: x")), None);
    }
}
