//! Issues that a message mentions.

/// Words that look like the key of a project and are none.
const NO_PROJECT: &[&str] = &[
    "AES", "CVE", "CWE", "GHSA", "HTTP", "IEEE", "ISO", "PEP", "RFC", "RSA", "RUSTSEC", "SHA",
    "TLS", "UTC", "UTF",
];

/// `#12` and `PROJ-12` wherever they stand by themselves, each once, in order. `GH-12` is `#12`.
/// What belongs to another repository (`owner/name#12`) or is part of an address is not meant.
pub(super) fn mentioned(message: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let is_issue = |it: &&str| it.contains(['#', '-']);
    for word in message.split(is_between).filter(is_issue) {
        let word = word.trim_end_matches(['.', ':', '!', '?']);
        // `Closes:#12`
        let word = word.rsplit_once(':').map_or(word, |(_, last)| last);
        if let Some(name) = issue(word)
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

/// Whether words end here.
fn is_between(it: char) -> bool {
    let is_mark = matches!(
        it,
        '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | '"' | '\'' | '`'
    );
    is_mark || it.is_whitespace()
}

/// The number that a forge writes behind the subject of what a pull request brings: ` (#12)`.
pub(super) fn behind(subject: &str) -> Option<String> {
    let rest = subject.strip_prefix(super::revert::bare(subject))?;
    let number = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
    issue(number)
}

fn issue(word: &str) -> Option<String> {
    if let Some(number) = word.strip_prefix('#') {
        return is_number(number).then(|| word.to_owned());
    }
    let (project, number) = word.split_once('-')?;
    let is_key = project.len() >= 2
        && project.starts_with(|it: char| it.is_ascii_uppercase())
        && project
            .bytes()
            .all(|it| it.is_ascii_uppercase() || it.is_ascii_digit());
    if !is_key || !is_number(number) || NO_PROJECT.contains(&project) {
        return None;
    }
    Some(if project == "GH" {
        format!("#{number}")
    } else {
        word.to_owned()
    })
}

fn is_number(text: &str) -> bool {
    (1..=10).contains(&text.len())
        && text.bytes().all(|it| it.is_ascii_digit())
        && !text.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_request_stands_behind_the_subject() {
        assert_eq!(behind("fix: x (#12)").as_deref(), Some("#12"));
        for subject in [
            "fix: x",
            "fix: #12",
            "fix (#12): x",
            "fix: x (#0)",
            "fix: x (#)",
            "",
        ] {
            assert_eq!(behind(subject), None, "{subject}");
        }
    }

    #[test]
    fn issues_stand_by_themselves() {
        let message = "fix(api): see #12, PROJ-7 and GH-3 (#45)\n\nCloses:#6 not a/b#9, #12 again, \
            x#1, #0, #a1, #, UTF-8, SHA-256, ABC-, A-1, proj-1, https://example.com/#8\nRefs: AB2-1.";
        assert_eq!(
            mentioned(message),
            ["#12", "PROJ-7", "#3", "#45", "#6", "AB2-1"]
        );
    }
}
