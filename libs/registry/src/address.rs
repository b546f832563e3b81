//! Where a registry is, as an `ArtifactRegistry` manifest writes it.

use std::fmt;
use std::net::IpAddr;

use crate::Error;

/// A registry and the path below which its repositories are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// TLS; only loopback does without.
    pub(crate) is_secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Without slashes at its ends; may be empty.
    prefix: String,
}

impl Address {
    /// Reads `registry.example.com/team`, with `https://` before it or not. `http://` is for
    /// registries on this machine only.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Error::Address {
            shown: text.chars().take(80).flat_map(char::escape_debug).collect(),
            why: why.to_owned(),
        };
        let (is_secure, rest) = match text.split_once("://") {
            None => (true, text),
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some(_) => return Err(refuse("a registry is reached by https")),
        };
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            // Not shown: what stands there may be a password.
            return Err(Error::Address {
                shown: "…".to_owned(),
                why: "it holds a credential; credentials are kept apart from addresses".to_owned(),
            });
        }
        let uri: http::uri::Authority = authority
            .parse()
            .map_err(|_| refuse("it must begin with a host, such as registry.example.com"))?;
        let host = uri.host().to_owned();
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        if !is_secure && !is_loopback(&host) {
            return Err(refuse("beyond this machine a registry is reached by https"));
        }
        let prefix = prefix.trim_matches('/');
        if !prefix.is_empty() && !is_repository(prefix) {
            return Err(refuse("behind the host stands no path of a repository"));
        }
        Ok(Self {
            is_secure,
            host,
            port,
            prefix: prefix.to_owned(),
        })
    }

    /// The name of a repository below the path.
    pub(crate) fn repository(&self, name: &str) -> Result<String, Error> {
        let full = if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.prefix)
        };
        if is_repository(&full) {
            return Ok(full);
        }
        Err(Error::Address {
            shown: full.chars().take(80).flat_map(char::escape_debug).collect(),
            why: "it is no name of a repository".to_owned(),
        })
    }

    /// `host` or `host:port`, as credentials are filed under.
    pub fn authority(&self) -> String {
        let usual = if self.is_secure { 443 } else { 80 };
        if self.port == usual {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority())?;
        if self.prefix.is_empty() {
            return Ok(());
        }
        write!(f, "/{}", self.prefix)
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// `<name>` of the distribution spec.
fn is_repository(name: &str) -> bool {
    let word = |it: &str| {
        !it.is_empty()
            && it
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let part = |it: &str| {
        it.replace("__", "_")
            .split(['.', '_'])
            .all(|it| word(&it.replace('-', "0")) && !it.starts_with('-') && !it.ends_with('-'))
    };
    name.len() <= 255 && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_manifests_write_them() {
        for (text, shown, repository) in [
            (
                "registry.example.com/team",
                "registry.example.com/team",
                "team/api",
            ),
            (
                "https://registry.example.com:8443/",
                "registry.example.com:8443",
                "api",
            ),
            ("http://127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b", "a/b/api"),
            ("http://localhost:5000", "localhost:5000", "api"),
            ("http://[::1]:5000", "[::1]:5000", "api"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(address.repository("api").unwrap(), repository);
        }
    }

    #[test]
    fn addresses_that_lead_elsewhere_are_refused() {
        for wrong in [
            "",
            "http://registry.example.com",
            "ftp://registry.example.com",
            "https://u:s3cr3t@registry.example.com",
            "registry.example.com/a?b=c",
            "registry.example.com/../v2",
            "registry.example.com/A",
            "https:///team",
        ] {
            let error = Address::parse(wrong).expect_err(wrong);
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        }
        let address = Address::parse("registry.example.com").unwrap();
        for wrong in ["", "a/../b", "Api", "a//b", "-a", "a-", &"a".repeat(300)] {
            assert!(address.repository(wrong).is_err(), "{wrong}");
        }
    }
}
