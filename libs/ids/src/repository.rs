//! The name of a repository, by whatever address it is reached.

use crate::Invalid;
use crate::text::is_text;

const WHAT: &str = "repository";
/// Schemes that reach a server.
const SCHEMES: [&str; 6] = [
    "https://",
    "http://",
    "ssh://",
    "git+ssh://",
    "git://",
    "ssh+git://",
];
/// The host of what is on this machine.
const LOCAL: &str = "localhost";
/// Hosts that the same forge answers on.
const ALIASES: [(&str, &str); 4] = [
    ("www.github.com", "github.com"),
    ("ssh.github.com", "github.com"),
    ("altssh.gitlab.com", "gitlab.com"),
    ("altssh.bitbucket.org", "bitbucket.org"),
];
/// What no forge and no file system gives to a path.
const LONGEST: usize = 512;

/// Host and path, such as `github.com/acme/api`: the same for every address of one repository.
/// No scheme, no credential, no port, no `.git`. All in lower case, because forges tell no two
/// repositories apart by case; a path on this machine (`localhost/srv/API`) keeps its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

is_text!(RepositoryName);

impl RepositoryName {
    /// Parses a name as it is shown: `host/path`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.contains("://") || text.contains('@') {
            let why = "must be a host and a path, such as github.com/acme/api, and no address";
            return Err(refuse(why, text));
        }
        let Some((host, path)) = text.split_once('/') else {
            let why = "must be a host and a path, such as github.com/acme/api";
            return Err(refuse(why, text));
        };
        named(host_of(host), path, text)
    }

    /// The name of the repository at an address that git understands: a URL, `user@host:path`, or
    /// an absolute path.
    pub fn of_url(url: &str) -> Result<Self, Invalid> {
        let text = url.trim();
        if let Some(path) = text.strip_prefix("file://") {
            let path = path.strip_prefix(LOCAL).unwrap_or(path);
            return named(LOCAL, path, text);
        }
        if text.starts_with('/') {
            return named(LOCAL, text, text);
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            let known = SCHEMES
                .iter()
                .any(|it| it.trim_end_matches("://") == scheme);
            let Some((authority, path)) = rest.split_once('/').filter(|_| known) else {
                let why = "must be an https, ssh, git or file address with a path";
                return Err(refuse(why, text));
            };
            return named(host_of(authority), path, text);
        }
        // `git@[::1]:a/b` has colons of its own.
        let colon = match text.find(']') {
            Some(end) => text[end..].find(':').map(|at| end + at),
            None => text.find(':'),
        };
        match colon.map(|at| (&text[..at], &text[at + 1..])) {
            // `C:/repositories/api` is a path of some machine.
            Some((drive, _)) if drive.len() == 1 => {
                Err(refuse("is a path with a drive, which names no host", text))
            }
            Some((authority, path)) if !authority.contains('/') => {
                named(host_of(authority), path, text)
            }
            _ => Err(refuse(
                "must be a URL, `user@host:path` or an absolute path",
                text,
            )),
        }
    }

    /// The text, `host/path`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host.
    pub fn host(&self) -> &str {
        self.0.split_once('/').map_or("", |it| it.0)
    }

    /// The path on that host, such as `acme/api`.
    pub fn path(&self) -> &str {
        self.0.split_once('/').map_or("", |it| it.1)
    }
}

/// The host of an authority: no credential, no port.
fn host_of(authority: &str) -> &str {
    let host = authority.rsplit_once('@').map_or(authority, |it| it.1);
    match host.find(']') {
        Some(end) => &host[..=end],
        None => host.split_once(':').map_or(host, |it| it.0),
    }
}

fn named(host: &str, path: &str, given: &str) -> Result<RepositoryName, Invalid> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let host = ALIASES
        .iter()
        .find(|(alias, _)| *alias == host)
        .map_or(host, |(_, name)| (*name).to_owned());
    let of_host = |it: u8| it.is_ascii_alphanumeric() || b"-._[]:".contains(&it);
    if host.is_empty() || !host.bytes().all(of_host) {
        return Err(refuse(
            "must name a host of letters, digits, `-` and `.`",
            given,
        ));
    }
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let parts: Vec<_> = path.split('/').filter(|it| !it.is_empty()).collect();
    let allowed = |it: char| !it.is_control() && !matches!(it, '\\' | '?' | '#' | '%' | '@' | ':');
    let is_path = parts
        .iter()
        .all(|it| !matches!(*it, "." | "..") && it.chars().all(allowed));
    if parts.is_empty() || !is_path {
        let why =
            "must have a path, such as acme/api, without `..`, `%`, `?`, `#`, `:`, `@` or `\\`";
        return Err(refuse(why, given));
    }
    let path = parts.join("/");
    let path = if host == LOCAL {
        path
    } else {
        path.to_lowercase()
    };
    let text = format!("{host}/{path}");
    if text.len() > LONGEST {
        return Err(refuse("must be at most 512 bytes", given));
    }
    Ok(RepositoryName(text))
}

/// What stands before an `@` may be a credential: it is not repeated.
fn refuse(why: &str, given: &str) -> Invalid {
    match given.rsplit_once('@') {
        Some((_, rest)) => Invalid::new(WHAT, why, &format!("***@{rest}")),
        None => Invalid::new(WHAT, why, given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_one_repository_is_one_name() {
        for url in [
            "https://github.com/acme/api",
            "https://github.com/acme/api.git",
            "https://github.com/acme/api/",
            "https://GitHub.com/Acme/API.git/",
            "https://x-access-token:s3cr3t@github.com/acme/api.git",
            "https://s3cr3t@www.github.com:443//acme//api",
            "http://github.com./acme/api",
            "ssh://git@github.com/acme/api.git",
            "ssh://git@ssh.github.com:443/acme/api.git",
            "git://github.com/acme/api",
            "git@github.com:acme/api.git",
            "github.com:acme/api",
            "git@github.com:/acme/api.git\n",
        ] {
            let name = RepositoryName::of_url(url).unwrap();
            assert_eq!(name.as_str(), "github.com/acme/api", "{url}");
            assert_eq!((name.host(), name.path()), ("github.com", "acme/api"));
            assert_eq!(RepositoryName::parse(name.as_str()).unwrap(), name);
        }
    }

    #[test]
    fn groups_other_hosts_and_paths_of_this_machine_have_names() {
        for (url, name) in [
            (
                "https://git.example.com:8443/a/b/c.git",
                "git.example.com/a/b/c",
            ),
            ("git@[::1]:a/b.git", "[::1]/a/b"),
            ("ssh://git@[::1]:22/a/b.git", "[::1]/a/b"),
            ("/srv/API.git", "localhost/srv/API"),
            ("file:///srv/API.git/", "localhost/srv/API"),
            ("file://localhost/srv/API.git", "localhost/srv/API"),
        ] {
            let found = RepositoryName::of_url(url).unwrap();
            assert_eq!(found.as_str(), name, "{url}");
            assert_eq!(RepositoryName::parse(name).unwrap(), found);
        }
    }

    #[test]
    fn a_port_is_no_part_of_a_name() {
        let name = RepositoryName::parse("git.example.com:8443/a/b").unwrap();
        assert_eq!(name.as_str(), "git.example.com/a/b");
    }

    #[test]
    fn what_names_no_repository_is_refused_without_its_credential() {
        let long = format!("https://github.com/{}", "a".repeat(600));
        for wrong in [
            "",
            "/",
            "api",
            "../api",
            "https://github.com",
            "https://github.com/",
            "https://u:s3cr3t@/acme/api",
            "https://u:s3cr3t@github.com/../api",
            "https://u:s3cr3t@github.com/acme/api?x=%0a",
            "ext::sh -c s3cr3t@x",
            "ftp://u:s3cr3t@github.com/acme/api",
            "git@github.com:",
            "C:/repositories/api",
            "C:\\repositories\\api",
            "git@git\u{7}hub.com:a/b",
            long.as_str(),
        ] {
            let error = RepositoryName::of_url(wrong).unwrap_err().to_string();
            assert!(!error.contains("s3cr3t"), "{wrong:?}: {error}");
        }
        for wrong in [
            "",
            "api",
            "https://github.com/acme/api",
            "git@github.com/acme/api",
            "/acme/api",
        ] {
            assert!(RepositoryName::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
