//! The connection to the broker.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions};
use tokio::time::Instant;

/// A broker that is being restarted is waited for this long.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest pause between tries to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where the broker is, and who asks.
#[derive(Clone, Default)]
pub struct Broker {
    /// `nats://host:port` or `tls://host:port`, without a password.
    pub servers: Vec<String>,
    /// The NATS user; it also names the inbox.
    pub user: String,
    /// Its password.
    pub password: String,
    /// A file of certificates that the broker's one is checked against.
    pub ca: Option<PathBuf>,
}

/// The broker does not let us in, or does not answer.
#[derive(Debug, thiserror::Error)]
#[error(
    "NATS at {servers}, asked as user `{user}`: {why}; correct `[log] url`, `[log] user` or `[log] password_file`"
)]
pub struct ConnectError {
    servers: String,
    user: String,
    why: String,
    /// Asking again does not help.
    pub is_final: bool,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("servers", &self.servers)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Broker {
    /// Connects; afterwards the client connects again by itself, for ever.
    pub async fn connect(&self) -> Result<Client, ConnectError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let error = match self.settings().connect(&self.servers[..]).await {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            let is_final = matches!(
                error.kind(),
                ConnectErrorKind::AuthorizationViolation
                    | ConnectErrorKind::Authentication
                    | ConnectErrorKind::ServerParse
            );
            if is_final || Instant::now() >= deadline {
                return Err(ConnectError {
                    servers: self.servers.join(", "),
                    user: self.user.clone(),
                    why: error.to_string(),
                    is_final,
                });
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn settings(&self) -> ConnectOptions {
        let mut settings = ConnectOptions::new()
            .name("towpath intake")
            .connection_timeout(Duration::from_secs(2))
            .ping_interval(Duration::from_secs(5))
            .reconnect_delay_callback(|tries| {
                let tries = u32::try_from(tries.min(100)).unwrap_or(100);
                (Duration::from_millis(25) * tries).min(LONGEST_PAUSE)
            });
        if !self.user.is_empty() {
            settings = settings
                .user_and_password(self.user.clone(), self.password.clone())
                .custom_inbox_prefix(format!("_INBOX_{}", self.user));
        }
        if let Some(ca) = &self.ca {
            settings = settings.add_root_certificates(ca.clone()).require_tls(true);
        }
        settings
    }
}
