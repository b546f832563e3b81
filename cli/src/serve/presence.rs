//! Who else runs: every other role is asked for its health, so that whoever waits for one that
//! is away can be told its name.

use std::sync::Arc;
use std::time::Duration;

use service::role::{Role, Roles};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::ground::Ground;
use crate::failure::Failure;

/// How often each is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How long an answer may take; a role that is stopped or swamped is away, too.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection on which something is under way is asked this often whether the other end is
/// there, and how long it may take to say so: a stream has no deadline, and a peer that is stopped
/// closes nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// A role that runs elsewhere, and the way to it.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) role: Role,
    pub(super) url: Arc<str>,
    pub(super) channel: Channel,
}

/// The roles that run elsewhere.
#[derive(Clone, Default)]
pub(super) struct Peers(Arc<[Peer]>);

impl From<Vec<Peer>> for Peers {
    fn from(all: Vec<Peer>) -> Self {
        Self(all.into())
    }
}

impl Peers {
    /// Each of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Peer> {
        self.0.iter()
    }
}

/// Begins to ask every configured role that does not run here.
pub(super) fn watch(ground: &Ground, here: &[Role]) -> Result<Peers, Failure> {
    let peers = &ground.config.roles;
    let ca =
        match &peers.ca {
            None => None,
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                Failure::usage("roles-ca", format!("{}: {error}", path.display()))
            })?),
        };
    let mut found = Vec::new();
    for (role, url) in peers.at.iter().filter(|it| !here.contains(it.0)) {
        let channel = channel(url, ca.as_deref(), KEEP_ALIVE).map_err(|error| {
            Failure::usage("roles", format!("{}: `{url}`: {error}", role.as_str()))
        })?;
        let peer = Peer {
            role: *role,
            url: url.as_str().into(),
            channel,
        };
        let (roles, stop) = (ground.roles.clone(), ground.stop.clone());
        ground.tasks.spawn(ask(peer.clone(), roles, stop));
        found.push(peer);
    }
    Ok(found.into())
}

/// Made without asking anybody: connecting is for the first call, and again after each end.
pub(super) fn channel(
    url: &str,
    ca: Option<&[u8]>,
    keep_alive: Duration,
) -> Result<Channel, tonic::transport::Error> {
    let mut endpoint = Endpoint::from_shared(url.to_owned())?
        .connect_timeout(PATIENCE)
        .http2_keep_alive_interval(keep_alive)
        .keep_alive_timeout(keep_alive);
    if url.starts_with("https://") {
        let mut tls = ClientTlsConfig::new();
        if let Some(pem) = ca {
            tls = tls.ca_certificate(Certificate::from_pem(pem));
        }
        endpoint = endpoint.tls_config(tls)?;
    }
    Ok(endpoint.connect_lazy())
}

async fn ask(peer: Peer, roles: Roles, stop: tokio_util::sync::CancellationToken) {
    let (role, url) = (peer.role, &peer.url);
    loop {
        match health(role, &peer.channel).await {
            Ok(()) => roles.elsewhere(role.as_str(), None),
            Err(why) => roles.elsewhere(role.as_str(), Some(format!("at {url}: {why}"))),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn health(role: Role, channel: &Channel) -> Result<(), String> {
    let mut client = HealthClient::new(channel.clone());
    let asked = client.check(HealthCheckRequest {
        service: role.as_str().to_owned(),
    });
    match tokio::time::timeout(PATIENCE, asked).await {
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        Ok(Err(status)) if status.code() == tonic::Code::NotFound => Err(format!(
            "something else answers there: correct `roles.{}`",
            role.as_str()
        )),
        Ok(Err(status)) => Err(status.message().to_owned()),
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => Ok(()),
        Ok(Ok(_)) => Err("it runs, and something in it has stopped".to_owned()),
    }
}
