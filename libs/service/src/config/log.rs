//! `[log]`: where the record is kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Error, url_has_password, url_is_local};

/// Where the record is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// What keeps it.
    pub backend: Backend,
    /// NATS servers, separated by commas, such as `nats://nats-0:4222,nats://nats-1:4222`.
    pub url: String,
    /// The NATS user of this role.
    pub user: String,
    /// A file with that user's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Certificates to trust, PEM; the system's when it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// How many servers keep a copy: 1, 3 or 5.
    pub replicas: u8,
    /// How strict the server is judged.
    pub profile: Profile,
    /// Whether the servers sync each commit to disk before they acknowledge it
    /// (`sync_interval: always`). A client cannot see it, so it is declared.
    pub synced: bool,
}

/// What keeps the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// One file in the data directory.
    #[default]
    Sqlite,
    /// A NATS JetStream stream.
    Nats,
}

/// How strict a NATS server is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Any server on which no acknowledged commit can be doubled.
    #[default]
    Development,
    /// A recommended version, at least three replicas, synced.
    Production,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            backend: Backend::Sqlite,
            url: String::new(),
            user: String::new(),
            password_file: None,
            ca: None,
            replicas: 1,
            profile: Profile::Development,
            synced: false,
        }
    }
}

impl Log {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over a variable of the environment; says whether it was one of these.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<bool, Error> {
        match name {
            "TOWPATH_LOG_BACKEND" => self.backend = word("log.backend", value)?,
            "TOWPATH_LOG_URL" => value.clone_into(&mut self.url),
            "TOWPATH_LOG_USER" => value.clone_into(&mut self.user),
            "TOWPATH_LOG_PASSWORD_FILE" => self.password_file = Some(value.into()),
            "TOWPATH_LOG_CA" => self.ca = Some(value.into()),
            "TOWPATH_LOG_PROFILE" => self.profile = word("log.profile", value)?,
            "TOWPATH_LOG_REPLICAS" => {
                self.replicas = value.parse().map_err(|_| Error::Value {
                    name: "log.replicas",
                    why: format!("`{value}` is not a number"),
                })?;
            }
            "TOWPATH_LOG_SYNCED" => {
                self.synced = value.parse().map_err(|_| Error::Value {
                    name: "log.synced",
                    why: format!("`{value}` is neither true nor false"),
                })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        if self.backend == Backend::Sqlite {
            return Ok(());
        }
        let wrong = |name, why: String| Err(Error::Value { name, why });
        if self.url.is_empty() {
            return wrong(
                "log.url",
                "the NATS servers are missing, such as nats://127.0.0.1:4222".to_owned(),
            );
        }
        for url in self.servers() {
            if !["nats://", "tls://"].iter().any(|it| url.starts_with(it)) {
                return wrong(
                    "log.url",
                    format!("`{url}` does not begin with nats:// or tls://"),
                );
            }
            if url_has_password(url) {
                return wrong(
                    "log.url",
                    "a URL holds a password; put it into a file and name that in log.password_file"
                        .to_owned(),
                );
            }
            if url.starts_with("nats://") && self.ca.is_none() && !url_is_local(url) {
                return wrong(
                    "log.url",
                    format!(
                        "the password and the log would cross the network to `{url}` in the clear; begin it with tls://, or name the certificates to trust in log.ca"
                    ),
                );
            }
        }
        if !self.user.is_empty() && self.password_file.is_none() {
            return wrong(
                "log.password_file",
                format!(
                    "the file with the password of log.user, `{}`, is missing",
                    self.user
                ),
            );
        }
        if ![1, 3, 5].contains(&self.replicas) {
            return wrong(
                "log.replicas",
                format!("{} is not 1, 3 or 5", self.replicas),
            );
        }
        if self.profile == Profile::Production && (self.replicas < 3 || !self.synced) {
            return wrong(
                "log.profile",
                "production needs log.replicas = 3 and servers with `sync_interval: always`, declared by log.synced = true"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// The servers' URLs.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.url
            .split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty())
    }
}

fn word<T: serde::de::DeserializeOwned>(name: &'static str, value: &str) -> Result<T, Error> {
    serde_json::from_value(serde_json::Value::from(value)).map_err(|error| Error::Value {
        name,
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nats(change: fn(&mut Log)) -> Result<(), Error> {
        let mut log = Log {
            backend: Backend::Nats,
            url: "tls://a:4222, nats://127.0.0.1:4222".into(),
            ..Log::default()
        };
        change(&mut log);
        log.validate()
    }

    #[test]
    fn what_nats_needs_is_asked_for_by_name() {
        let why = |change| nats(change).unwrap_err().to_string();
        assert!(nats(|_| {}).is_ok());
        assert!(why(|it| it.url.clear()).starts_with("log.url"));
        assert!(why(|it| it.url = "http://a".into()).contains("nats://"));
        assert!(why(|it| it.url = "nats://u:p@a".into()).contains("password_file"));
        assert!(why(|it| it.url = "tls://a, nats://b:4222".into()).contains("in the clear"));
        let trusting = |it: &mut Log| {
            it.url = "nats://b:4222".into();
            it.ca = Some("/ca.pem".into());
        };
        assert!(nats(trusting).is_ok(), "then TLS is demanded");
        assert!(why(|it| it.user = "runner".into()).contains("log.password_file"));
        assert!(why(|it| it.replicas = 2).contains("1, 3 or 5"));
        assert!(why(|it| it.profile = Profile::Production).contains("synced"));
    }

    #[test]
    fn the_environment_is_read_word_by_word() {
        let mut log = Log::default();
        assert!(log.set("TOWPATH_LOG_BACKEND", "nats").unwrap());
        assert!(log.set("TOWPATH_LOG_REPLICAS", "3").unwrap());
        assert!(!log.set("TOWPATH_LOG", "debug").unwrap());
        assert_eq!((log.backend, log.replicas), (Backend::Nats, 3));
        assert!(log.set("TOWPATH_LOG_BACKEND", "postgres").is_err());
    }
}
