//! `towpath up`: the server, all roles in one process.

use std::path::Path;

use service::Config;
use service::config::Tls;
use service::role::Role;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Scene;
use crate::args;
use crate::failure::Failure;
use crate::{home, output, serve};

pub(super) async fn run(scene: &Scene, up: args::Up) -> Result<(), Failure> {
    let data = scene.data()?;
    let leave = !up.stop_applications;
    let config = configure(&data, up)?;
    run_roles(&data, &config, &Role::ALL, leave).await
}

/// Runs roles until SIGINT or SIGTERM.
pub(super) async fn run_roles(
    data: &Path,
    config: &Config,
    roles: &[Role],
    leave_applications: bool,
) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    loop {
        let running = tokio::select! {
            running = Box::pin(serve::start(data, config, roles)) => running?,
            // Nothing is half-done that the next start would not finish.
            () = signals.wait() => return Ok(()),
        };
        config.write_if_missing(data)?;
        output::line(&format!("ready: {}", running.address))?;
        let epoch = tokio::select! {
            () = signals.wait() => None,
            epoch = running.continues_elsewhere() => Some(epoch),
        };
        let Some(epoch) = epoch else {
            running.stop(leave_applications).await;
            return Ok(());
        };
        // The log was restored: whatever this process knows may be of a past that is gone.
        tracing::warn!(epoch, "the log continues in a later epoch: starting again");
        running.stop(true).await;
    }
}

/// The file, the environment, the flags: the last one wins.
pub(super) fn configure(data: &Path, up: args::Up) -> Result<Config, Failure> {
    let mut config = Config::load(data, home::settings())?;
    let set = |to: &mut String, from: Option<String>| {
        if let Some(value) = from {
            *to = value;
        }
    };
    set(
        &mut config.manifests.url,
        up.manifests.map(|url| absolute(&url)).transpose()?,
    );
    set(&mut config.manifests.branch, up.branch);
    set(&mut config.listen, up.listen);
    set(&mut config.author.name, up.author_name);
    set(&mut config.author.email, up.author_email);
    if let (Some(certificate), Some(key)) = (up.tls_certificate, up.tls_key) {
        config.tls = Some(Tls { certificate, key });
    }
    Ok(config)
}

/// A path is remembered whole: the next start may come from another directory.
pub(super) fn absolute(url: &str) -> Result<String, Failure> {
    if url.contains("://") || (url.contains(':') && !Path::new(url).exists()) || url.is_empty() {
        return Ok(url.to_owned());
    }
    Ok(home::absolute(Path::new(url))?.display().to_string())
}

/// SIGINT and SIGTERM, caught from the moment this exists.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(Failure::io("waiting for signals"));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
