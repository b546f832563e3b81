//! Talking to a server: where it is, who we are, and one key per request.

use std::path::PathBuf;
use std::time::Duration;

use proto::access::v1::access_service_client::AccessServiceClient;
use proto::approval::v1::approval_service_client::ApprovalServiceClient;
use proto::changelog::v1::changelog_service_client::ChangelogServiceClient;
use proto::control::v1::control_service_client::ControlServiceClient;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use proto::forge::v1::forge_service_client::ForgeServiceClient;
use proto::release::v1::release_service_client::ReleaseServiceClient;
use service::clock::{Clock as _, SystemClock};
use service::entropy::{Entropy as _, SystemEntropy};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use crate::args::Connection;
use crate::failure::{Failure, root};
use crate::heard::Heard;
use crate::home::{self, ADDRESS_FILE, Address, TOKEN_FILE};

/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a server that streams is asked whether it is there, and how long it may take to say
/// so.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Adds who we are to every call.
#[derive(Clone)]
pub(crate) struct Credentials(MetadataValue<Ascii>);

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

type Wire = InterceptedService<Heard, Credentials>;

/// A connection that says who we are.
#[derive(Clone)]
pub(crate) struct Client(Wire);

impl Client {
    /// Connects to the server that the flags, the environment or the data directory name.
    pub(crate) async fn connect(to: &Connection) -> Result<Self, Failure> {
        let (address, token) = (address(to)?, token(to)?);
        let channel = channel(to, &address).await?;
        let bearer = MetadataValue::try_from(format!("Bearer {token}")).map_err(|_| {
            Failure::usage(
                "token-malformed",
                "the token holds characters that a token never has",
            )
        })?;
        let heard = Heard::from(channel);
        Ok(Self(InterceptedService::new(heard, Credentials(bearer))))
    }

    pub(crate) fn delivery(&self) -> DeliveryServiceClient<Wire> {
        DeliveryServiceClient::new(self.0.clone()).max_decoding_message_size(64 * 1024 * 1024)
    }

    pub(crate) fn release(&self) -> ReleaseServiceClient<Wire> {
        ReleaseServiceClient::new(self.0.clone()).max_decoding_message_size(64 * 1024 * 1024)
    }

    pub(crate) fn changelog(&self) -> ChangelogServiceClient<Wire> {
        ChangelogServiceClient::new(self.0.clone()).max_decoding_message_size(64 * 1024 * 1024)
    }

    pub(crate) fn approval(&self) -> ApprovalServiceClient<Wire> {
        ApprovalServiceClient::new(self.0.clone()).max_decoding_message_size(64 * 1024 * 1024)
    }

    pub(crate) fn forge(&self) -> ForgeServiceClient<Wire> {
        ForgeServiceClient::new(self.0.clone()).max_decoding_message_size(64 * 1024 * 1024)
    }

    pub(crate) fn access(&self) -> AccessServiceClient<Wire> {
        AccessServiceClient::new(self.0.clone())
    }

    pub(crate) fn control(&self) -> ControlServiceClient<Wire> {
        ControlServiceClient::new(self.0.clone())
    }
}

/// Connects without saying who we are.
pub(crate) async fn channel(to: &Connection, address: &str) -> Result<Channel, Failure> {
    let wrong = |error: tonic::transport::Error| {
        Failure::usage(
            "server-address",
            format!("`{address}` is not an address such as http://127.0.0.1:7070: {error}"),
        )
        .fix("begin it with http:// or https://, or leave --server and TOWPATH_SERVER out")
    };
    if !["http://", "https://"]
        .iter()
        .any(|it| address.starts_with(it))
    {
        let what = format!("`{address}` is not an address such as http://127.0.0.1:7070");
        return Err(Failure::usage("server-address", what)
            .fix("begin it with http:// or https://, or leave --server and TOWPATH_SERVER out"));
    }
    let mut endpoint = Endpoint::from_shared(address.to_owned())
        .map_err(wrong)?
        .timeout_of(to);
    if address.starts_with("https://") {
        endpoint = endpoint.tls_config(trust(to)?).map_err(wrong)?;
    }
    endpoint.connect().await.map_err(|error| {
        Failure::broke(
            "unreachable",
            format!("no server answers at {address}: {}", root(&error)),
        )
        .fix("start one with `towpath up`, or name another with --server")
    })
}

/// Which certificates are trusted: the one given, or the one of this machine's own server.
fn trust(to: &Connection) -> Result<ClientTlsConfig, Failure> {
    let path = if let Some(path) = &to.ca {
        path.clone()
    } else {
        let data = home::data_dir(to.data.as_deref())?;
        let config = service::Config::load(&data, home::settings())?;
        let tls = config.tls.ok_or_else(|| {
            Failure::usage(
                "no-certificate",
                "the server speaks TLS, and no certificate to trust is known",
            )
            .fix("give it with --ca")
        })?;
        tls.certificate
    };
    let pem = std::fs::read(&path).map_err(|error| {
        Failure::usage("no-certificate", format!("{}: {error}", path.display()))
    })?;
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
}

trait Patience {
    fn timeout_of(self, to: &Connection) -> Self;
}

impl Patience for Endpoint {
    fn timeout_of(self, to: &Connection) -> Self {
        let connected = self.connect_timeout(Duration::from_secs(5));
        if to.streams {
            // It may go on for days, and a server that is stopped closes nothing.
            connected
                .http2_keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE)
        } else {
            connected.timeout(TIMEOUT)
        }
    }
}

/// A request that changes something: with its own key, or the one given.
pub(crate) fn keyed<T>(message: T, key: Option<&str>) -> Result<Request<T>, Failure> {
    let key = match key {
        Some(key) => key.to_owned(),
        None => SystemEntropy.id(SystemClock.now_us()).to_string(),
    };
    let mut request = Request::new(message);
    let value = MetadataValue::try_from(key).map_err(|_| {
        Failure::usage(
            "idempotency-key-invalid",
            "the key holds characters that cannot be sent",
        )
    })?;
    request.metadata_mut().insert(service::key::HEADER, value);
    Ok(request)
}

/// The server's address: the one given, or that of the server on the data directory.
pub(crate) fn address(to: &Connection) -> Result<String, Failure> {
    match &to.server {
        Some(server) => Ok(server.clone()),
        None => address_in(&home::data_dir(to.data.as_deref())?),
    }
}

fn token(to: &Connection) -> Result<String, Failure> {
    let from_file = |path: PathBuf| {
        std::fs::read_to_string(&path).map(|it| it.trim().to_owned()).map_err(|error| {
            Failure::refused("token-missing", format!("no token: {}: {error}", path.display()))
                .fix("give one with --token-file or TOWPATH_TOKEN; `towpath access create` makes one")
        })
    };
    match (&to.token_file, home::variable("TOWPATH_TOKEN")) {
        (Some(path), _) => from_file(path.clone()),
        (None, Some(token)) => Ok(token),
        (None, None) => from_file(home::data_dir(to.data.as_deref())?.join(TOKEN_FILE)),
    }
}

fn address_in(data: &std::path::Path) -> Result<String, Failure> {
    let path = data.join(ADDRESS_FILE);
    let text = std::fs::read_to_string(&path).map_err(|_| {
        Failure::broke(
            "unreachable",
            format!("no server runs on {}", data.display()),
        )
        .fix("start one with `towpath up`, or name another with --server or --data")
    })?;
    let found: Address = serde_json::from_str(&text)
        .map_err(|error| Failure::broke("unreachable", format!("{}: {error}", path.display())))?;
    Ok(found.address)
}
