//! A server, a database and a schema, and how to connect to them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::time::Instant;

use super::super::ProjectorError;
use super::passes;

/// Queries at once.
const READERS: u32 = 8;

/// Connections for what is kept beside read models.
const WRITERS: u32 = 2;

/// How long a query waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(5);

/// How long an opening waits for a server that is away or starting.
const PATIENCE: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The longest name of a schema; PostgreSQL cuts names after 63 bytes, and rebuilding appends.
const LONGEST_SCHEMA: usize = 48;

/// How long a rebuild waits for the live projector's transaction.
pub(super) const LIVE_LOCK_TIMEOUT: &str = "10s";

/// A schema of a PostgreSQL server.
#[derive(Clone)]
pub struct Server {
    url: String,
    password_file: Option<PathBuf>,
    schema: String,
    patience: Duration,
}

/// Why an address of a server is refused. Never repeats the address: it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// Not an address of PostgreSQL.
    #[error("the address of the read models is not one: write postgres://user@host:port/database")]
    Url,
    /// A password in the address.
    #[error(
        "the address of the read models holds a password: take it out and name a file that \
         holds it with TOWPATH_READS_PASSWORD_FILE"
    )]
    Password,
    /// A parameter that sqlx does not know, or a wrong value.
    #[error("the address of the read models: {0}")]
    Parameter(String),
    /// Not a name of a schema.
    #[error("`{0}` is no name for a schema: use at most 48 of a-z, 0-9 and _")]
    Schema(String),
}

/// Connections that can only query.
#[derive(Debug, Clone)]
pub struct PgReads {
    server: Server,
    pool: PgPool,
}

impl Server {
    /// The schema of a role on the server at `url`, such as
    /// `postgres://towpath@db.example.org/towpath?sslrootcert=/etc/ca.pem`. Beyond this machine
    /// the server's certificate is verified unless `sslmode` says something else.
    pub fn new(url: &str, password_file: Option<&Path>, role: &str) -> Result<Self, ServerError> {
        let schema = role.replace('-', "_");
        let named = schema.starts_with(|it: char| it.is_ascii_lowercase())
            && schema.len() <= LONGEST_SCHEMA
            && schema
                .chars()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_');
        if !named {
            return Err(ServerError::Schema(schema));
        }
        refuse_password(url)?;
        if let Err(error) = PgConnectOptions::from_str(url) {
            let sqlx::Error::Configuration(why) = error else {
                return Err(ServerError::Url);
            };
            return Err(ServerError::Parameter(why.to_string()));
        }
        Ok(Self {
            url: url.to_owned(),
            password_file: password_file.map(Path::to_owned),
            schema,
            patience: PATIENCE,
        })
    }

    /// Waits less or longer for a server that is away when something is opened.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The schema.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The same server, another schema.
    pub(crate) fn with_schema(&self, schema: String) -> Self {
        Self {
            schema,
            ..self.clone()
        }
    }

    /// A connection; a server that is away is waited for.
    pub(crate) async fn connect(&self) -> Result<PgConnection, ProjectorError> {
        let until = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.options()?.connect().await {
                Ok(connection) => return Ok(connection),
                Err(error) if passes(&error) && Instant::now() + pause < until => {
                    tracing::warn!(database = %self, %error, "waiting for PostgreSQL");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    /// A connection, tried once.
    pub(crate) async fn connect_once(&self) -> Result<PgConnection, ProjectorError> {
        Ok(self.options()?.connect().await?)
    }

    /// Connections that can only query.
    pub(crate) async fn reads(&self) -> Result<PgReads, ProjectorError> {
        let options = self.options()?.options([
            ("default_transaction_read_only", "on"),
            ("statement_timeout", "30s"),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE)
            .connect_with(options)
            .await?;
        let server = self.clone();
        Ok(PgReads { server, pool })
    }

    /// A few connections that write: for what is kept beside read models.
    pub(crate) async fn pool(&self) -> Result<PgPool, ProjectorError> {
        // Waits for a server that is away, which the pool does not.
        let first = self.connect().await?;
        drop(first.close().await);
        let pool = PgPoolOptions::new()
            .max_connections(WRITERS)
            .acquire_timeout(ACQUIRE);
        Ok(pool.connect_with(self.options()?).await?)
    }

    /// Runs statements that make what is missing in this schema, one process at a time: replicas
    /// that start together would meet in the catalogue.
    pub(crate) async fn alone(&self, pool: &PgPool, make: String) -> Result<(), sqlx::Error> {
        let mut connection = pool.acquire().await?;
        let key = lock_key(&self.schema);
        // Not in one transaction: it would go on with the catalogue as it was before waiting.
        let lock = sqlx::query("SELECT pg_advisory_lock($1)").bind(key);
        lock.execute(&mut *connection).await?;
        let made = sqlx::raw_sql(AssertSqlSafe(make))
            .execute(&mut *connection)
            .await;
        let unlock = sqlx::query("SELECT pg_advisory_unlock($1)").bind(key);
        unlock.execute(&mut *connection).await?;
        made.map(drop)
    }

    pub(crate) fn wrong(&self, why: impl Into<String>) -> ProjectorError {
        ProjectorError::Database {
            database: self.to_string(),
            why: why.into(),
        }
    }

    fn failed(&self, error: &sqlx::Error) -> ProjectorError {
        self.wrong(format!(
            "{error}; check the address, the user, the password file and that the server runs"
        ))
    }

    /// Reads the password file each time: the password may have been changed.
    fn options(&self) -> Result<PgConnectOptions, ProjectorError> {
        let mut options =
            PgConnectOptions::from_str(&self.url).map_err(|_| self.wrong("no such address"))?;
        let host = options.get_host();
        let local = options.get_socket().is_some()
            || host.starts_with('/')
            || ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&host);
        if !local && !self.url.contains("sslmode=") {
            options = options.ssl_mode(PgSslMode::VerifyFull);
        }
        if let Some(file) = &self.password_file {
            let text = std::fs::read_to_string(file)
                .map_err(|e| self.wrong(format!("password file {}: {e}", file.display())))?;
            options = options.password(text.trim_end_matches(['\r', '\n']));
        }
        Ok(options
            .application_name(&format!("towpath {}", self.schema))
            .options([("search_path", self.schema.as_str())]))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.url.split('?').next().unwrap_or_default();
        write!(f, "{address} schema {}", self.schema)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PgReads {
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Later connections use the password that stands in the file now.
    pub(crate) fn refresh_password(&self) {
        if let Ok(options) = self.server.options() {
            self.pool.set_connect_options(options.options([
                ("default_transaction_read_only", "on"),
                ("statement_timeout", "30s"),
            ]));
        }
    }
}

/// The advisory lock of a schema: rebuilds exclude each other, and comparing.
pub(super) fn lock_key(schema: &str) -> i64 {
    let digest = Sha256::digest(format!("towpath read models {schema}"));
    let first: [u8; 8] = std::array::from_fn(|at| digest[at]);
    i64::from_be_bytes(first)
}

fn refuse_password(url: &str) -> Result<(), ServerError> {
    let rest = url
        .strip_prefix("postgres://")
        .or_else(|| url.strip_prefix("postgresql://"))
        .ok_or(ServerError::Url)?;
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let user = address.rsplit_once('@').map_or("", |it| it.0);
    let parameter = query.split('&').any(|it| it.starts_with("password="));
    if user.contains(':') || parameter {
        return Err(ServerError::Password);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_refused_and_never_repeated() {
        for url in [
            "postgres://me:hunter2@host/db",
            "postgresql://host/db?user=me&password=hunter2",
        ] {
            let refused = Server::new(url, None, "cd-manager").unwrap_err();
            assert_eq!(refused, ServerError::Password);
            assert!(!refused.to_string().contains("hunter2"));
        }
        let refused = Server::new("mysql://me@host/db", None, "cd-manager");
        assert_eq!(refused.unwrap_err(), ServerError::Url);
    }

    #[test]
    fn a_role_names_its_schema() {
        let url = "postgres://me@host/db";
        let server = Server::new(url, None, "approval-ledger").unwrap();
        assert_eq!(server.schema(), "approval_ledger");
        for role in ["", "a\"b", "A", "1a", &"a".repeat(49)] {
            let refused = Server::new(url, None, role).unwrap_err();
            assert!(matches!(refused, ServerError::Schema(_)), "{role}");
        }
    }

    #[test]
    fn another_machine_has_to_prove_who_it_is() {
        let mode = |url| {
            let server = Server::new(url, None, "role").unwrap();
            format!("{:?}", server.options().unwrap().get_ssl_mode())
        };
        assert_eq!(mode("postgres://me@db.example.org/db"), "VerifyFull");
        assert_eq!(
            mode("postgres://me@db.example.org/db?sslmode=disable"),
            "Disable"
        );
        assert_eq!(mode("postgres://me@127.0.0.1/db"), "Prefer");
    }
}
