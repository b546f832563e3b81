//! The connection to NATS, and what it says about itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};
use tokio::sync::watch;
use tokio::time::Instant;

use super::error::OpenError;
use super::options::Options;
use super::policy;
use crate::log::ReadError;

/// The longest pause between tries to connect again: a log that came back wrong is to be named
/// within seconds.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What the connection reported.
pub(super) struct Link {
    /// Counts connects and disconnects: whoever saw another number looks again.
    pub(super) changes: watch::Sender<u64>,
    /// The last thing that this user may not do.
    denied: Mutex<Option<String>>,
}

impl Link {
    /// The last refusal, if it names this subject; it is told once, since permissions can change.
    pub(super) fn denied(&self, subject: &str) -> Option<String> {
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        denied.take_if(|it| it.contains(subject))
    }

    /// A question that the server does not let this user ask is never answered: says so in place
    /// of the silence.
    pub(super) fn explained(&self, error: OpenError, options: &Options) -> OpenError {
        let is_silence = matches!(
            &error,
            OpenError::Failed { .. } | OpenError::Read(ReadError::Unavailable(_))
        );
        match self.denied("$JS.API") {
            Some(why) if is_silence => OpenError::Denied {
                user: options.user.clone().unwrap_or_default(),
                why,
            },
            Some(_) | None => error,
        }
    }

    fn heard(&self, event: &Event) {
        match event {
            Event::Connected | Event::Disconnected | Event::Closed => {
                tracing::info!(%event, "NATS");
                self.changes.send_modify(|it| *it += 1);
            }
            Event::ServerError(error) => {
                let text = error.to_string();
                tracing::warn!(error = %text, "NATS");
                if text.to_ascii_lowercase().contains("permissions violation") {
                    let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
                    *denied = Some(text);
                }
            }
            Event::LameDuckMode
            | Event::Draining
            | Event::SlowConsumer(_)
            | Event::ClientError(_) => tracing::warn!(%event, "NATS"),
        }
    }
}

/// Connects, and judges the server.
pub(super) async fn connect(options: &Options) -> Result<(Client, Arc<Link>), OpenError> {
    check(options)?;
    let link = Arc::new(Link {
        changes: watch::Sender::new(0),
        denied: Mutex::default(),
    });
    let deadline = Instant::now() + options.timeouts.connect;
    let client = loop {
        let error = match settings(options, &link).connect(&options.servers[..]).await {
            Ok(client) => break client,
            Err(error) => error,
        };
        if matches!(
            error.kind(),
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication
        ) {
            return Err(OpenError::Refused {
                servers: options.servers(),
                user: options.user.clone().unwrap_or_default(),
            });
        }
        if Instant::now() >= deadline || error.kind() == ConnectErrorKind::ServerParse {
            return Err(OpenError::Unreachable {
                servers: options.servers(),
                why: error.to_string(),
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let server = client.server_info();
    for warning in policy::judge(&server.version, server.max_payload, options)? {
        tracing::warn!("{warning}");
    }
    Ok((client, link))
}

fn settings(options: &Options, link: &Arc<Link>) -> ConnectOptions {
    let link = link.clone();
    let mut settings = ConnectOptions::new()
        .name(options.user.as_deref().unwrap_or("towpath"))
        .custom_inbox_prefix(options.inbox())
        .connection_timeout(Duration::from_secs(2))
        .request_timeout(Some(options.timeouts.request))
        .ping_interval(Duration::from_secs(5))
        .reconnect_delay_callback(|tries| {
            let tries = u32::try_from(tries).unwrap_or(u32::MAX);
            (Duration::from_millis(25) * tries.min(100)).min(LONGEST_PAUSE)
        })
        .event_callback(move |event| {
            let link = link.clone();
            async move { link.heard(&event) }
        });
    if let (Some(user), Some(password)) = (&options.user, &options.password) {
        settings = settings.user_and_password(user.clone(), password.clone());
    }
    if let Some(ca) = &options.ca {
        settings = settings.add_root_certificates(ca.clone()).require_tls(true);
    }
    settings
}

/// What would be refused later, in other words.
fn check(options: &Options) -> Result<(), OpenError> {
    let refuse = |why: String| Err(OpenError::Options(why));
    if options.servers.is_empty() {
        return refuse("no server is named: set `[log] url`".into());
    }
    if options.servers.iter().any(|it| it.contains('@')) {
        return refuse(
            "a server's URL holds no user and no password: use `[log] user` and `password_file`"
                .into(),
        );
    }
    if !matches!(options.replicas, 1 | 3 | 5) {
        return refuse(format!("{} replicas: choose 1, 3 or 5", options.replicas));
    }
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    if let Some(user) = &options.user
        && (user.is_empty() || !user.chars().all(is_plain))
    {
        return refuse(format!(
            "user `{user}`: letters, digits, `-` and `_` only, it names an inbox"
        ));
    }
    Ok(())
}
