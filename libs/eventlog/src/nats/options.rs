//! Where the log is, who asks for it, and what is expected of it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::log::Durability;

/// How to reach the log on NATS, and what it must be like.
#[derive(Clone)]
pub struct Options {
    /// `nats://host:port` or `tls://host:port`, without a password; any one of them will do.
    pub servers: Vec<String>,
    /// The NATS user: a role's name, or the operator's. It also names the inbox.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// A file of certificates that the server's one is checked against.
    pub ca: Option<PathBuf>,
    /// Copies of the log that the servers keep: 1 or 3.
    pub replicas: usize,
    /// How strict the checks of the server are.
    pub profile: Profile,
    /// What the servers' settings give; a client cannot see whether they sync their disks.
    pub durability: Durability,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Names on the server.
    pub place: Place,
}

/// How strict the checks of the server are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Any server on which the log is correct; what is weak is a warning.
    #[default]
    Development,
    /// Only what loses nothing by what is known today.
    Production,
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a server, when opening.
    pub connect: Duration,
    /// For one answer.
    pub request: Duration,
    /// For a call as a whole: reconnects and elections of leaders take place within it.
    pub patience: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            request: Duration::from_secs(2),
            patience: Duration::from_secs(10),
        }
    }
}

/// Names on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What the subjects begin with: `<prefix>.<kind>.<id>`.
    pub prefix: String,
    /// The stream of epoch 1; later ones add `_<epoch>`.
    pub stream: String,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            prefix: "tp.evt".into(),
            stream: "TP_EVT".into(),
        }
    }
}

impl Place {
    /// The stream of an epoch.
    pub fn stream(&self, epoch: u32) -> String {
        match epoch {
            0 | 1 => self.stream.clone(),
            later => format!("{}_{later}", self.stream),
        }
    }

    /// Every subject of the log.
    pub fn subjects(&self) -> String {
        format!("{}.>", self.prefix)
    }
}

impl Options {
    /// One development server, without a user.
    pub fn new(server: &str) -> Self {
        Self {
            servers: vec![server.to_owned()],
            user: None,
            password: None,
            ca: None,
            replicas: 1,
            profile: Profile::default(),
            durability: Durability::OsBuffered,
            timeouts: Timeouts::default(),
            place: Place::default(),
        }
    }

    /// What the inboxes of this user begin with; the server lets it listen nowhere else.
    pub fn inbox(&self) -> String {
        match &self.user {
            Some(user) => format!("_INBOX_{user}"),
            None => "_INBOX".into(),
        }
    }

    /// The servers, as in messages.
    pub(super) fn servers(&self) -> String {
        self.servers.join(", ")
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("servers", &self.servers)
            .field("user", &self.user)
            .field("ca", &self.ca)
            .field("replicas", &self.replicas)
            .field("profile", &self.profile)
            .field("durability", &self.durability)
            .field("timeouts", &self.timeouts)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let mut options = Options::new("nats://127.0.0.1:4222");
        options.password = Some("canary".into());
        assert!(!format!("{options:?}").contains("canary"));
    }

    #[test]
    fn each_epoch_has_a_stream_of_its_own() {
        let place = Place::default();
        assert_eq!(place.stream(1), "TP_EVT");
        assert_eq!(place.stream(2), "TP_EVT_2");
        assert_eq!(place.subjects(), "tp.evt.>");
    }
}
