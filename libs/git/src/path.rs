//! Which paths a change may touch.

/// Says why a path is refused. Rules of git's own `verify_path` (`read-cache.c`), stricter where
/// a file system somewhere would read the path as another one.
pub(crate) fn check(path: &str) -> Result<(), String> {
    let shown = || {
        path.chars()
            .take(200)
            .flat_map(char::escape_debug)
            .collect::<String>()
    };
    let refuse = |why: &str| Err(format!("the path `{}` is refused: {why}", shown()));
    if path.is_empty() {
        return refuse("it is empty");
    }
    if path.len() > 4096 {
        return refuse("it is longer than 4096 bytes");
    }
    if path.starts_with('/') {
        return refuse("it must be relative to the repository");
    }
    if path.chars().any(char::is_control) || path.contains('\\') {
        return refuse("it holds a control character or a backslash");
    }
    for part in path.split('/') {
        match part {
            "" => return refuse("it has an empty part"),
            "." | ".." => return refuse("`.` and `..` are not followed"),
            _ => {}
        }
        // HFS+ and NTFS ignore trailing dots and spaces and know short names.
        let plain = part.trim_end_matches(['.', ' ']).to_ascii_lowercase();
        if plain == ".git" || plain == "git~1" || plain.starts_with(".git:") {
            return refuse("`.git` belongs to git");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn ordinary_paths_pass() {
        for path in [
            "a",
            "envs/dev.json",
            "a b/c.yaml",
            ".github/x",
            "é/…",
            "a..b/.gitignore",
        ] {
            assert_eq!(check(path), Ok(()));
        }
    }

    #[test]
    fn paths_that_leave_the_tree_or_enter_git_are_refused() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a/",
            "./a",
            ".git/config",
            "a/.GIT/x",
            ".git./x",
            "git~1/x",
            "a\0b",
            "a\nb",
            "a\\b",
        ] {
            assert!(check(path).is_err(), "{path:?}");
        }
    }
}
