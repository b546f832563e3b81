//! `[roles]`: where the other roles answer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Error, url_has_password, url_is_local};
use crate::role::Role;

/// Where the other roles answer. cd-manager passes calls on, so it needs every role that does not
/// run beside it; what the others are told here shows in their status.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Peers {
    /// Certificates to trust when calling them, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Address by role, such as `runner = "https://runner:7070"`.
    #[serde(flatten)]
    pub at: BTreeMap<Role, String>,
}

impl Peers {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over a variable of the environment; says whether it was one of these.
    pub(super) fn set(&mut self, name: &str, value: &str) -> bool {
        let Some(of) = name.strip_prefix("TOWPATH_ROLES_") else {
            return false;
        };
        if of == "CA" {
            self.ca = Some(value.into());
            return true;
        }
        let Some(role) = Role::parse(&of.to_ascii_lowercase().replace('_', "-")) else {
            return false;
        };
        self.at.insert(role, value.to_owned());
        true
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        for (role, url) in &self.at {
            let wrong = |why: &str| {
                Err(Error::Value {
                    name: "roles",
                    why: format!("{}: {why}", role.as_str()),
                })
            };
            if !["http://", "https://"].iter().any(|it| url.starts_with(it)) {
                return wrong("an address begins with http:// or https://");
            }
            if url_has_password(url) {
                return wrong("the address holds a password");
            }
            if url.starts_with("http://") && !url_is_local(url) {
                return wrong(
                    "callers' tokens would cross the network in the clear; begin the address with https:// and name the certificates to trust in roles.ca",
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn roles_are_known_words_with_addresses() {
        let read = |text: &str| toml::from_str::<Config>(text).map_err(|it| it.to_string());
        let config = read("[roles]\nrunner = \"http://r:1\"\nca = \"/ca.pem\"\n").unwrap();
        assert_eq!(config.roles.at[&Role::Runner], "http://r:1");
        assert_eq!(config.roles.ca, Some("/ca.pem".into()));
        let text = toml::to_string_pretty(&config).unwrap();
        assert_eq!(read(&text).unwrap(), config);
        assert!(read("[roles]\nruner = \"http://r:1\"\n").is_err());
        let wrong = read("[roles]\nrunner = \"r:1\"\n").unwrap();
        assert!(
            wrong
                .roles
                .validate()
                .unwrap_err()
                .to_string()
                .contains("runner")
        );
    }

    #[test]
    fn tokens_go_in_the_clear_to_this_machine_only() {
        let at = |url: &str| Peers {
            at: BTreeMap::from([(Role::Runner, url.to_owned())]),
            ca: None,
        };
        for fine in [
            "https://r:1",
            "http://127.0.0.1:1/",
            "http://[::1]:1",
            "http://localhost:1",
        ] {
            at(fine).validate().unwrap();
        }
        for clear in [
            "http://r:1",
            "http://10.0.0.1:1",
            "http://127.0.0.1.example.org",
            "http://[2001:db8::1]:1",
        ] {
            let why = at(clear).validate().unwrap_err().to_string();
            assert!(why.contains("in the clear"), "{clear}: {why}");
        }
    }

    #[test]
    fn the_environment_names_roles_in_capitals() {
        let mut peers = Peers::default();
        assert!(peers.set("TOWPATH_ROLES_APPROVAL_LEDGER", "http://a:1"));
        assert!(peers.set("TOWPATH_ROLES_CA", "/ca.pem"));
        assert!(!peers.set("TOWPATH_ROLES_PORTAL", "http://p:1"));
        assert_eq!(peers.at[&Role::ApprovalLedger], "http://a:1");
    }
}
