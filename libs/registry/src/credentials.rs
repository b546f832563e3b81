//! Names and passwords by registry, in the form that container tools keep them in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Realms that registries are known to send their callers to, beside their own host.
const KNOWN_REALMS: [(&str, &str); 1] = [("registry-1.docker.io", "auth.docker.io")];

/// Credentials by `host` or `host:port`.
#[derive(Clone, Default)]
pub struct Credentials(BTreeMap<String, Entry>);

#[derive(Clone, Default)]
struct Entry {
    /// `Basic …`, ready to be sent.
    basic: Option<String>,
    realms: BTreeSet<String>,
}

impl Credentials {
    /// Reads the `auths` of a container tool's `config.json`: `auth`, or `username` and
    /// `password`. `realms`, which is ours, lists other hosts that may be asked for its tokens.
    ///
    /// # Errors
    /// What is wrong with the form, without any of its values.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let json: Value = serde_json::from_slice(json)
            .map_err(|error| format!("it is not JSON, at line {}", error.line()))?;
        let auths = json["auths"]
            .as_object()
            .ok_or("it has no object `auths`")?;
        let mut all = BTreeMap::new();
        for (host, it) in auths {
            let text = |name: &str| it[name].as_str();
            let encoded = match (text("auth"), text("username"), text("password")) {
                (Some(auth), ..) => Some(auth.to_owned()),
                (None, Some(name), Some(password)) => {
                    Some(STANDARD.encode(format!("{name}:{password}")))
                }
                (None, ..) => None,
            };
            let realms = it["realms"].as_array().map_or(&[][..], Vec::as_slice);
            let entry = Entry {
                basic: encoded.map(|it| format!("Basic {it}")),
                realms: realms
                    .iter()
                    .filter_map(|it| it.as_str().map(str::to_owned))
                    .collect(),
            };
            all.insert(bare(host).to_owned(), entry);
        }
        Ok(Self(all))
    }

    /// What goes into `authorization` for a registry.
    pub(crate) fn basic(&self, authority: &str) -> Option<&str> {
        self.0.get(authority)?.basic.as_deref()
    }

    /// Whether a registry may send us to this host for a token.
    pub(crate) fn is_realm_of(&self, authority: &str, realm: &str) -> bool {
        let named = self.0.get(authority);
        realm == authority
            || KNOWN_REALMS.contains(&(authority, realm))
            || named.is_some_and(|it| it.realms.contains(realm))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Container tools file some registries under a URL.
fn bare(host: &str) -> &str {
    let host = host.split_once("://").map_or(host, |it| it.1);
    host.split('/').next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_filed_by_host_and_never_shown() {
        let json = br#"{"auths": {
            "https://registry.example.com/v1/": {"auth": "dTpz"},
            "127.0.0.1:5000": {"username": "u", "password": "s3cr3t", "realms": ["token.example.com"]}}}"#;
        let all = Credentials::parse(json).unwrap();
        assert_eq!(all.basic("registry.example.com"), Some("Basic dTpz"));
        assert_eq!(all.basic("127.0.0.1:5000"), Some("Basic dTpzM2NyM3Q="));
        assert_eq!(all.basic("other.example.com"), None);
        assert!(!format!("{all:?}").contains("s3cr3t"));
        assert!(all.is_realm_of("127.0.0.1:5000", "token.example.com"));
        assert!(!all.is_realm_of("registry.example.com", "token.example.com"));
        assert!(Credentials::parse(b"{}").is_err());
        assert!(Credentials::parse(b"[").is_err());
    }
}
