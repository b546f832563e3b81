//! `[forge]`: where sources are kept and reviewed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Error, url_has_password, url_is_local};

/// Where GitHub's API is when nobody says.
const API_URL: &str = "https://api.github.com";

/// How often webhooks are distrusted: a list costs GitHub one request of 5,000 an hour for each
/// hundred open pull requests.
const LOOK_EVERY_MS: u64 = 600_000;
/// The least that can be asked for.
const LEAST_MS: u64 = 1_000;

/// Where sources are kept and reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Forge {
    /// GitHub, or a server like it.
    #[serde(skip_serializing_if = "GitHub::is_default")]
    pub github: GitHub,
}

/// GitHub, or a server like it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GitHub {
    /// Where its API is.
    pub api_url: String,
    /// Who Towpath is there, such as `towpath[bot]`; empty when nobody says.
    pub login: String,
    /// A file with the secret that webhooks are signed with; while it is replaced, the old one and
    /// the new one on lines of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_secret_file: Option<PathBuf>,
    /// A file with the token to call it with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Certificates to trust when calling it, PEM; the public authorities when none are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// How often open pull requests are looked at without being told, in milliseconds.
    pub look_every_ms: u64,
}

impl Default for GitHub {
    fn default() -> Self {
        Self {
            api_url: API_URL.to_owned(),
            login: String::new(),
            webhook_secret_file: None,
            token_file: None,
            ca: None,
            look_every_ms: LOOK_EVERY_MS,
        }
    }
}

impl Forge {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over a variable of the environment; says whether it was one of these.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<bool, Error> {
        let github = &mut self.github;
        match name {
            "TOWPATH_FORGE_GITHUB_API_URL" => value.clone_into(&mut github.api_url),
            "TOWPATH_FORGE_GITHUB_LOGIN" => value.clone_into(&mut github.login),
            "TOWPATH_FORGE_GITHUB_WEBHOOK_SECRET_FILE" => {
                github.webhook_secret_file = Some(value.into());
            }
            "TOWPATH_FORGE_GITHUB_TOKEN_FILE" => github.token_file = Some(value.into()),
            "TOWPATH_FORGE_GITHUB_CA" => github.ca = Some(value.into()),
            "TOWPATH_FORGE_GITHUB_LOOK_EVERY_MS" => {
                github.look_every_ms = value.parse().map_err(|_| Error::Value {
                    name: "forge.github.look_every_ms",
                    why: format!("`{value}` is not a number"),
                })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        let github = &self.github;
        let wrong = |name: &'static str, why: &str| {
            Err(Error::Value {
                name,
                why: why.to_owned(),
            })
        };
        let url = &github.api_url;
        let is_http = url.starts_with("http://") || url.starts_with("https://");
        if !is_http {
            return wrong(
                "forge.github.api_url",
                "the address of an API begins with https://, such as https://api.github.com",
            );
        }
        if url_has_password(url) {
            return wrong(
                "forge.github.api_url",
                "the address holds a password; put a token into a file and name that in forge.github.token_file",
            );
        }
        if url.starts_with("http://") && !url_is_local(url) {
            return wrong(
                "forge.github.api_url",
                "the token would cross the network in the clear; begin the address with https://",
            );
        }
        if github.look_every_ms < LEAST_MS {
            let why = format!("{} is less than {LEAST_MS} ms", github.look_every_ms);
            return wrong("forge.github.look_every_ms", &why);
        }
        match (&github.webhook_secret_file, &github.token_file) {
            (Some(_), None) => wrong(
                "forge.github.token_file",
                "there is a secret for webhooks and no token, so that labels could not be set; name a file with a token",
            ),
            (None, Some(_)) => wrong(
                "forge.github.webhook_secret_file",
                "there is a token and no secret for webhooks, so that nothing could be heard; name a file with the secret",
            ),
            (Some(_), Some(_)) | (None, None) => Ok(()),
        }
    }
}

impl GitHub {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(change: impl FnOnce(&mut GitHub)) -> String {
        let mut forge = Forge::default();
        forge.github.webhook_secret_file = Some("/s".into());
        forge.github.token_file = Some("/t".into());
        forge.validate().unwrap();
        change(&mut forge.github);
        forge.validate().unwrap_err().to_string()
    }

    #[test]
    fn half_of_a_connection_is_none_and_tokens_are_not_sent_in_the_clear() {
        Forge::default().validate().unwrap();
        assert!(why(|it| it.token_file = None).contains("no token"));
        assert!(why(|it| it.webhook_secret_file = None).contains("no secret"));
        assert!(
            why(|it| it.api_url = "http://ghe.example.com/api/v3".into()).contains("in the clear")
        );
        assert!(why(|it| it.api_url = "ghe.example.com".into()).contains("https://"));
        let secret = why(|it| it.api_url = "https://u:s3cr3t@ghe.example.com".into());
        assert!(
            secret.contains("password") && !secret.contains("s3cr3t"),
            "{secret}"
        );
        assert!(why(|it| it.look_every_ms = 999).contains("less than 1000 ms"));
        let local = GitHub {
            api_url: "http://127.0.0.1:1".into(),
            ..GitHub::default()
        };
        Forge { github: local }.validate().unwrap();
    }
}
