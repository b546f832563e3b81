//! Where a repository is on the web, by the address it was cloned from.

use ids::Oid;

/// A place on the web that shows commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forge {
    /// `https://host/path`, of characters that need no escaping anywhere.
    base: String,
    /// What stands before `commit`, `compare` and `issues`.
    infix: &'static str,
}

/// Hosts whose pages are arranged in another way.
const OTHERS: &[&str] = &[
    "bitbucket",
    "azure",
    "visualstudio",
    "amazonaws",
    "googlesource",
];

impl Forge {
    /// What the address of a remote says: GitHub, GitLab, or another forge that arranges its pages
    /// like GitHub and is cloned over https. A name and a password in it are dropped. Nothing for
    /// everything else: no link is better than one that leads nowhere, or elsewhere.
    pub fn of_remote(url: &str) -> Option<Self> {
        let (secure, host, path) = split(url.trim())?;
        let host = host.to_ascii_lowercase();
        let (name, port) = match host.split_once(':') {
            // A port of ssh says nothing about the web.
            Some((name, port)) => (name, Some(port).filter(|_| secure)),
            None => (host.as_str(), None),
        };
        let is_host = name.contains('.')
            && name.split('.').all(|label| !label.is_empty())
            && name
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b".-".contains(&it));
        let is_port = port.is_none_or(|it| it.parse::<u16>().is_ok());
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let parts: Vec<_> = path.split('/').collect();
        let is_part = |it: &&str| {
            !it.is_empty()
                && !it.bytes().all(|it| it == b'.')
                && it
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || b"._-~".contains(&it))
        };
        if !is_host || !is_port || parts.len() < 2 || !parts.iter().all(is_part) {
            return None;
        }
        let (github, gitlab) = (name.contains("github"), name.contains("gitlab"));
        if OTHERS.iter().any(|it| name.contains(it)) || !(secure || github || gitlab) {
            return None;
        }
        let port = port.map(|it| format!(":{it}")).unwrap_or_default();
        Some(Self {
            base: format!("https://{name}{port}/{path}"),
            infix: if gitlab { "/-" } else { "" },
        })
    }

    /// The repository's own page.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The page of a commit.
    pub fn commit(&self, oid: &Oid) -> String {
        format!("{}{}/commit/{oid}", self.base, self.infix)
    }

    /// The page that says what the second has and the first has not.
    pub fn compare(&self, from: &Oid, to: &Oid) -> String {
        format!("{}{}/compare/{from}...{to}", self.base, self.infix)
    }

    /// The page of an issue such as `#12`; those of other trackers have none here.
    pub fn issue(&self, name: &str) -> Option<String> {
        let number = name.strip_prefix('#')?;
        let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
        is_number.then(|| format!("{}{}/issues/{number}", self.base, self.infix))
    }
}

/// Whether it is https, the host with its port, and the path.
fn split(url: &str) -> Option<(bool, &str, &str)> {
    let (secure, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ssh") => (false, rest),
        Some(_) => return None,
        None => {
            // `git@host:path`, and not `C:\path` or `./a:b`
            let (authority, path) = url.split_once(':')?;
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            return Some((false, host, path));
        }
    };
    let (authority, path) = rest.split_once('/')?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    Some((secure, host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_forges_become_pages() {
        for (url, base) in [
            (
                "https://github.com/acme/shop.git",
                "https://github.com/acme/shop",
            ),
            (
                "https://user:secret@github.com/acme/shop/",
                "https://github.com/acme/shop",
            ),
            (
                "git@github.com:acme/shop.git",
                "https://github.com/acme/shop",
            ),
            (
                "ssh://git@gitlab.example.com:2222/a/b/c.git",
                "https://gitlab.example.com/a/b/c",
            ),
            (
                "https://git.example.com:8443/a/b",
                "https://git.example.com:8443/a/b",
            ),
        ] {
            let forge = Forge::of_remote(url).unwrap_or_else(|| panic!("{url}"));
            assert_eq!(forge.base(), base, "{url}");
        }
        let (a, b) = (
            Oid::parse(&"a".repeat(40)).unwrap(),
            Oid::parse(&"b".repeat(40)).unwrap(),
        );
        let hub = Forge::of_remote("https://github.com/a/b").unwrap();
        assert_eq!(hub.commit(&a), format!("https://github.com/a/b/commit/{a}"));
        assert_eq!(
            hub.issue("#12").as_deref(),
            Some("https://github.com/a/b/issues/12")
        );
        assert_eq!(
            (hub.issue("AB-12"), hub.issue("#"), hub.issue("#1)")),
            (None, None, None)
        );
        let lab = Forge::of_remote("git@gitlab.com:a/b.git").unwrap();
        assert_eq!(
            lab.compare(&a, &b),
            format!("https://gitlab.com/a/b/-/compare/{a}...{b}")
        );
    }

    #[test]
    fn what_is_no_forge_gets_no_links() {
        for url in [
            "",
            "/srv/git/shop.git",
            "../shop",
            "file:///srv/shop",
            "C:\\shop",
            "http://github.com/a/b",
            "javascript://github.com/%0aalert(1)/b",
            "javascript:alert(1)",
            "git@example.com:a/b.git",
            "https://github.com/a",
            "https://github.com/a/../b",
            "https://github.com/a/b)[x](y",
            "https://github.com/a/<script>",
            "https://git hub.com/a/b",
            "https://localhost/a/b",
            "https://github.com:99999/a/b",
            "https://bitbucket.org/a/b",
            "https://github.com/a//b",
            "https://github.com\u{202e}/a/b",
            "https://github.com/a/b?x=\"",
            "https://..github.com/a/b",
        ] {
            assert_eq!(Forge::of_remote(url), None, "{url}");
        }
    }
}
