//! Configuration: `towpath.toml` in the data directory, then `TOWPATH_*`, then flags; the last
//! one wins. Read once, at start.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

mod forge;
mod log;
mod peers;
mod reads;
mod settings;
mod telemetry;

pub use forge::{Forge, GitHub};
pub use log::{Backend, Log, Profile};
pub use peers::Peers;
pub use reads::Reads;
pub use settings::{SETTINGS, Setting};
pub use telemetry::Telemetry;

/// The name of the file in the data directory.
pub const FILE: &str = "towpath.toml";

/// Where Towpath listens when nobody says.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7070";

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port of the one front. Anything but loopback needs TLS.
    pub listen: String,
    /// What relative paths of OCI layouts in manifests are relative to; the data directory when
    /// it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layouts: Option<PathBuf>,
    /// The repository that says what runs where.
    pub manifests: Manifests,
    /// Who Towpath's commits are by.
    pub author: Author,
    /// Certificate and key; without them only loopback is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Where the record is kept.
    #[serde(skip_serializing_if = "Log::is_default")]
    pub log: Log,
    /// Where read models are kept.
    #[serde(skip_serializing_if = "Reads::is_default")]
    pub reads: Reads,
    /// Where the other roles answer.
    #[serde(skip_serializing_if = "Peers::is_default")]
    pub roles: Peers,
    /// Where sources are kept and reviewed.
    #[serde(skip_serializing_if = "Forge::is_default")]
    pub forge: Forge,
    /// Where traces go.
    #[serde(skip_serializing_if = "Telemetry::is_default")]
    pub telemetry: Telemetry,
}

/// The repository that says what runs where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manifests {
    /// A path or URL that git understands, without credentials in it.
    pub url: String,
    /// The branch that environments follow.
    pub branch: String,
    /// How often the branch is looked at without being told, in milliseconds.
    pub look_every_ms: u64,
}

/// Who Towpath's commits are by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Author {
    /// Name.
    pub name: String,
    /// Address; may not be empty.
    pub email: String,
}

/// Certificate and key, PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN.to_owned(),
            manifests: Manifests::default(),
            author: Author::default(),
            layouts: None,
            tls: None,
            log: Log::default(),
            reads: Reads::default(),
            roles: Peers::default(),
            forge: Forge::default(),
            telemetry: Telemetry::default(),
        }
    }
}

impl Default for Manifests {
    fn default() -> Self {
        Self {
            url: String::new(),
            branch: "main".to_owned(),
            look_every_ms: 1_000,
        }
    }
}

impl Default for Author {
    fn default() -> Self {
        Self {
            name: "Towpath".to_owned(),
            email: "towpath@localhost".to_owned(),
        }
    }
}

/// Why the configuration cannot be used. All of them are usage errors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {error}", path = path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        error: String,
    },
    /// A value cannot be used.
    #[error("{name}: {why}")]
    Value {
        /// Which setting.
        name: &'static str,
        /// What is wrong and what would be right.
        why: String,
    },
    /// A variable of the environment that reads like a setting and is none.
    #[error("the environment variable {name} is no setting{}", nearest.map_or(String::new(), |it| format!("; did you mean {it}?")))]
    Variable {
        /// Its name.
        name: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
}

impl Config {
    /// Reads the file in `data`; without one, the defaults. Then the environment is applied,
    /// as given in `env` (pairs of name and value). Names without meaning here are ignored, unless
    /// they begin as those of a table do: `TOWPATH_LOG_URI` is a setting with a wrong name.
    pub fn load(
        data: &Path,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        let path = data.join(FILE);
        let mut config = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| Error::Syntax {
                path: path.clone(),
                error: error.to_string(),
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(Error::Io { path, error }),
        };
        for (name, value) in env {
            config.set(&name, value)?;
        }
        Ok(config)
    }

    /// Takes over one variable of the environment; names without meaning here are ignored.
    fn set(&mut self, name: &str, value: String) -> Result<(), Error> {
        match name {
            "TOWPATH_LISTEN" => self.listen = value,
            "TOWPATH_LAYOUTS" => self.layouts = Some(value.into()),
            "TOWPATH_MANIFESTS_URL" => self.manifests.url = value,
            "TOWPATH_MANIFESTS_BRANCH" => self.manifests.branch = value,
            "TOWPATH_AUTHOR_NAME" => self.author.name = value,
            "TOWPATH_AUTHOR_EMAIL" => self.author.email = value,
            "TOWPATH_TELEMETRY_OTLP" => self.telemetry.otlp = value,
            _ if self.log.set(name, &value)?
                || self.reads.set(name, &value)
                || self.roles.set(name, &value)
                || self.forge.set(name, &value)? => {}
            "TOWPATH_LOG_FORMAT" => {}
            _ if TABLES.iter().any(|it| name.starts_with(it)) => {
                return Err(Error::Variable {
                    name: name.to_owned(),
                    nearest: nearest(name),
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes the file unless there is one.
    pub fn write_if_missing(&self, data: &Path) -> Result<(), Error> {
        let path = data.join(FILE);
        if path.exists() {
            Ok(())
        } else {
            self.write(data)
        }
    }

    /// Writes the file; a reader sees the old one or the new one, never half of it.
    pub fn write(&self, data: &Path) -> Result<(), Error> {
        let path = data.join(FILE);
        let text = toml::to_string_pretty(self).map_err(|error| Error::Syntax {
            path: path.clone(),
            error: error.to_string(),
        })?;
        let half = data.join(".towpath.toml.new");
        std::fs::write(&half, text)
            .and_then(|()| std::fs::rename(&half, &path))
            .map_err(|error| Error::Io { path, error })
    }

    /// Checks every value against the others.
    pub fn validate(&self) -> Result<SocketAddr, Error> {
        let address: SocketAddr = self.listen.parse().map_err(|_| Error::Value {
            name: "listen",
            why: format!(
                "`{}` is not an address and port such as {DEFAULT_LISTEN}",
                self.listen
            ),
        })?;
        if !is_loopback(address.ip()) && self.tls.is_none() {
            let why = format!(
                "`{}` can be reached from other machines, and tokens would cross the network in the clear; \
                 give a certificate and key under [tls] (or --tls-certificate and --tls-key), or listen on 127.0.0.1",
                self.listen
            );
            return Err(Error::Value {
                name: "listen",
                why,
            });
        }
        if self.author.email.trim().is_empty() || self.author.email.contains(['<', '>', '\n']) {
            let why =
                "must be an address such as towpath@example.com: commits need an author".to_owned();
            return Err(Error::Value {
                name: "author.email",
                why,
            });
        }
        if self.author.name.trim().is_empty() || self.author.name.contains(['<', '>', '\n']) {
            let why = "must be a name: commits need an author".to_owned();
            return Err(Error::Value {
                name: "author.name",
                why,
            });
        }
        if self.manifests.look_every_ms < 50 {
            let why = format!("{} is less than 50 ms", self.manifests.look_every_ms);
            return Err(Error::Value {
                name: "manifests.look_every_ms",
                why,
            });
        }
        is_branch(&self.manifests.branch)?;
        if url_has_password(&self.manifests.url) {
            let why = "the URL holds a password, which would be shown in process lists and logs; use a git credential helper or an SSH key".to_owned();
            return Err(Error::Value {
                name: "manifests.url",
                why,
            });
        }
        self.log.validate()?;
        self.reads.validate(self.log.backend)?;
        self.roles.validate()?;
        self.forge.validate()?;
        self.telemetry.validate()?;
        Ok(address)
    }
}

/// Whether git would make a branch of this name (`git check-ref-format --branch`).
fn is_branch(branch: &str) -> Result<(), Error> {
    let full = format!("refs/heads/{branch}");
    let why = match gix_validate::reference::branch_name(full.as_str().into()) {
        Ok(_) if branch.starts_with('-') => "it begins with a dash".to_owned(),
        Ok(_) => return Ok(()),
        Err(error) => error.to_string(),
    };
    Err(Error::Value {
        name: "manifests.branch",
        why: format!("`{branch}` cannot be the name of a branch: {why}"),
    })
}

/// How the variables of each table begin. Others are not ours: Kubernetes gives every process some
/// that begin with the name of a service, such as `TOWPATH_RUNNER_PORT`.
const TABLES: [&str; 7] = [
    "TOWPATH_AUTHOR_",
    "TOWPATH_FORGE_GITHUB_",
    "TOWPATH_LOG_",
    "TOWPATH_MANIFESTS_",
    "TOWPATH_READS_",
    "TOWPATH_ROLES_",
    "TOWPATH_TELEMETRY_",
];

fn nearest(wrong: &str) -> Option<&'static str> {
    let known = SETTINGS
        .iter()
        .map(|it| it.variable)
        .filter(|it| !it.is_empty());
    let (distance, found) = known
        .map(|it| (strsim::damerau_levenshtein(wrong, it), it))
        .min()?;
    (distance <= 3).then_some(found)
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.is_loopback()
}

/// Whether a URL leads to this machine; what it carries crosses no network.
pub(super) fn url_is_local(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |it| it.1);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |it| it.1);
    // An address in brackets has colons of its own.
    let host = match host.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
}

pub(super) fn url_has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_wins_and_typos_are_found() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join(FILE),
            "listen = \"127.0.0.1:1\"\n[manifests]\nurl = \"/a\"\n",
        )
        .unwrap();
        let env = [("TOWPATH_LISTEN".to_owned(), "127.0.0.1:2".to_owned())];
        let config = Config::load(dir.path(), env).unwrap();
        assert_eq!(
            (config.listen.as_str(), config.manifests.url.as_str()),
            ("127.0.0.1:2", "/a")
        );
        std::fs::write(dir.path().join(FILE), "lisen = \"x\"").unwrap();
        assert!(
            Config::load(dir.path(), [])
                .unwrap_err()
                .to_string()
                .contains("lisen")
        );
    }

    #[test]
    fn a_variable_with_a_wrong_name_is_found_and_those_of_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let load = |name: &str| {
            let env = [(name.to_owned(), "1".to_owned())];
            Config::load(dir.path(), env).map_err(|it| it.to_string())
        };
        let why = load("TOWPATH_LOG_REPLICA").unwrap_err();
        assert!(why.contains("did you mean TOWPATH_LOG_REPLICAS?"), "{why}");
        let why = load("TOWPATH_ROLES_PORTAL").unwrap_err();
        assert!(why.ends_with("TOWPATH_ROLES_PORTAL is no setting"), "{why}");
        for fine in ["TOWPATH_LOG", "TOWPATH_LOG_FORMAT", "TOWPATH_RUNNER_PORT"] {
            assert_eq!(load(fine).unwrap(), Config::default(), "{fine}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            listen: "127.0.0.1:3".into(),
            ..Config::default()
        };
        config.write_if_missing(dir.path()).unwrap();
        Config::default().write_if_missing(dir.path()).unwrap();
        assert_eq!(Config::load(dir.path(), []).unwrap(), config);
    }

    #[test]
    fn the_world_needs_tls_and_commits_need_an_author() {
        let wrong = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(Config::default().validate().is_ok());
        assert!(wrong(|it| it.listen = "0.0.0.0:7070".into()).contains("tls"));
        assert!(wrong(|it| it.listen = "nonsense".into()).contains("listen"));
        for branch in ["", "a..b", "-x", "HEAD", "a b", "refs/x.lock"] {
            let mut config = Config::default();
            config.manifests.branch = branch.into();
            let why = config.validate().unwrap_err().to_string();
            assert!(why.starts_with("manifests.branch"), "{branch}: {why}");
        }
        assert!(wrong(|it| it.author.email = " ".into()).contains("author.email"));
        assert!(wrong(|it| it.manifests.url = "https://u:p@h/x".into()).contains("credential"));
    }
}
