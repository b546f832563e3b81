//! Commands that people are told to run.

use repository::Repository;

/// The command that fetches something into a repository, for a shell.
pub(crate) fn fetch(repository: &Repository, what: &[&str]) -> String {
    let place = quoted(&repository.place().display().to_string());
    let what: Vec<_> = what.iter().map(|it| quoted(it)).collect();
    format!("git -C {place} fetch {}", what.join(" "))
}

/// As one word.
fn quoted(text: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/._-+@:=".contains(it);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("--filter=blob:none"), "--filter=blob:none");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's; rm"), "'it'\\''s; rm'");
        assert_eq!(quoted(""), "''");
    }
}
