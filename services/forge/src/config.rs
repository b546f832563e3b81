//! The way to GitHub: where it is, and the files with what must stay secret. They are read when
//! they are needed, so that new secrets need no restart.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ids::RepositoryName;
use service::config::GitHub;

/// The fewest characters of a webhook's secret: fewer could be guessed from one delivery.
const SHORTEST: usize = 16;
/// Secrets at once: one that is used, and one that is being replaced.
const AT_ONCE: usize = 2;

/// Why GitHub cannot be reached in the way that was configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {why}; {fix}")]
pub struct Problem {
    /// Which setting.
    pub setting: &'static str,
    /// What is wrong; never what a file holds.
    pub why: String,
    /// What to do.
    pub fix: &'static str,
}

/// Something that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The way to GitHub.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Where its API is, without a slash at the end.
    pub(crate) api_url: String,
    /// Who Towpath is there; empty when nobody said.
    pub(crate) login: String,
    webhook_secret: PathBuf,
    token: PathBuf,
    /// Certificates to trust; the public authorities without.
    pub(crate) ca: Option<PathBuf>,
    /// How often open pull requests are looked at without being told.
    pub(crate) look_every: Duration,
}

impl Connection {
    /// The way that is configured; nothing when none is.
    pub fn of(settings: &GitHub) -> Option<Self> {
        Some(Self {
            api_url: settings.api_url.trim_end_matches('/').to_owned(),
            login: settings.login.clone(),
            webhook_secret: settings.webhook_secret_file.clone()?,
            token: settings.token_file.clone()?,
            ca: settings.ca.clone(),
            look_every: Duration::from_millis(settings.look_every_ms),
        })
    }

    /// Whether both files hold what they should now.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), Problem> {
        self.secrets()?;
        self.token().map(drop)
    }

    /// The secrets that a webhook may be signed with, one a line.
    pub(crate) fn secrets(&self) -> Result<Vec<Secret>, Problem> {
        let problem = |why: String| Problem {
            setting: "forge.github.webhook_secret_file",
            why: format!("{}: {why}", self.webhook_secret.display()),
            fix: "write the webhook's secret into that file as a line of 16 characters or more; while it is replaced, the old one and the new one",
        };
        let lines = lines(&self.webhook_secret).map_err(problem)?;
        match lines.len() {
            0 => Err(problem("it is empty".to_owned())),
            1..=AT_ONCE if lines.iter().all(|it| it.0.len() >= SHORTEST) => Ok(lines),
            1..=AT_ONCE => Err(problem("a line has fewer than 16 characters".to_owned())),
            count => Err(problem(format!("it has {count} lines"))),
        }
    }

    /// What Towpath shows to GitHub.
    pub(crate) fn token(&self) -> Result<Secret, Problem> {
        let problem = |why: &str| Problem {
            setting: "forge.github.token_file",
            why: format!("{}: {why}", self.token.display()),
            fix: "write the token into that file, as one line",
        };
        let mut lines = lines(&self.token).map_err(|why| problem(&why))?;
        match (lines.pop(), lines.pop()) {
            (Some(only), None) if only.0.bytes().all(|it| it.is_ascii_graphic()) => Ok(only),
            (Some(_), None) => Err(problem("it holds what no token can hold")),
            (None, _) => Err(problem("it is empty")),
            (Some(_), Some(_)) => Err(problem("it has several lines")),
        }
    }

    /// The host that repositories are named by: `github.com` for `https://api.github.com`, and
    /// that of its own address for a server of one's own.
    pub(crate) fn host(&self) -> Result<String, Problem> {
        let named = RepositoryName::of_url(&format!("{}/x", self.api_url));
        let named = named.map_err(|error| Problem {
            setting: "forge.github.api_url",
            why: error.to_string(),
            fix: "give an address such as https://api.github.com or https://github.example.com/api/v3",
        })?;
        let host = named.host();
        Ok(host.strip_prefix("api.").unwrap_or(host).to_owned())
    }
}

/// Lines of a small file that are not empty.
fn lines(path: &Path) -> Result<Vec<Secret>, String> {
    let found = fs::metadata(path).map_err(|error| error.to_string())?;
    // Reading a pipe would wait for whoever writes into it.
    if !found.is_file() || found.len() > 64 * 1024 {
        return Err("it is no regular file of a few lines".to_owned());
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
    Ok(lines.map(|it| Secret(it.to_owned())).collect())
}

#[cfg(test)]
mod tests;
