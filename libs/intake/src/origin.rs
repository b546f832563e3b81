//! Whether an event comes from the repository that a build definition builds.

/// Whether `source` of an event names the repository at `url`, or something in it such as a run
/// of its CI. A source without a host is compared by its path alone.
pub fn is_from(source: &str, url: &str) -> bool {
    let (source_host, source_path) = place(source);
    let (host, path) = place(url);
    if source_path.is_empty() || path.is_empty() {
        return false;
    }
    if !source_host.is_empty() && !source_host.eq_ignore_ascii_case(&host) {
        return false;
    }
    let source_path = source_path.trim_end_matches(".git");
    let path = path.trim_end_matches(".git");
    source_path == path
        || source_path
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('/') || rest.starts_with(".git/"))
}

/// Host and path of a URL, of `user@host:path`, or of a path; neither has a slash at its ends.
fn place(text: &str) -> (String, String) {
    let text = text.trim();
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = if let Some((_, rest)) = text.split_once("://") {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or_default();
        (host.split(':').next().unwrap_or_default(), path)
    } else {
        match text.split_once(':') {
            // `git@host:path`, unless the colon is behind a slash and part of a path.
            Some((before, path)) if !before.contains('/') => {
                (before.rsplit('@').next().unwrap_or_default(), path)
            }
            Some(_) | None => ("", text),
        }
    };
    (host.to_owned(), path.trim_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::is_from;

    #[test]
    fn a_repository_is_named_in_several_ways() {
        let url = "https://forge.example/acme/api.git";
        for source in [
            "https://forge.example/acme/api",
            "https://Forge.example/acme/api/",
            "https://forge.example/acme/api.git",
            "https://forge.example/acme/api/actions/runs/12?attempt=1",
            "git@forge.example:acme/api.git",
            "ssh://git@forge.example:22/acme/api",
            "/acme/api",
            "acme/api",
        ] {
            assert!(is_from(source, url), "{source}");
            assert!(is_from(source, "git@forge.example:acme/api"), "{source}");
        }
        assert!(is_from("file:///srv/git/api.git", "/srv/git/api.git"));
        assert!(is_from(
            "/srv/git/api.git/runs/1",
            "file:///srv/git/api.git"
        ));
    }

    #[test]
    fn another_repository_is_another() {
        let url = "https://forge.example/acme/api.git";
        for source in [
            "https://forge.example/acme/api2",
            "https://forge.example/acme/apis.git",
            "https://forge.example/acme",
            "https://other.example/acme/api",
            "https://forge.example/other/acme/api",
            "https://forge.example",
            "/ci/api",
            "",
        ] {
            assert!(!is_from(source, url), "{source}");
        }
        assert!(!is_from("", ""));
    }
}
