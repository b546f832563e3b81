//! A PostgreSQL that is gone with the value.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::postgres::{self, Setup, USER};
use crate::process::Running;
use crate::{Error, ports, program};

/// The database that it begins with.
const DATABASE: &str = "towpath";

/// The password of its user.
const PASSWORD: &str = "s3cret-of-tests";

/// A PostgreSQL in a temporary directory, with a database `towpath` and a password.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    setup: Setup,
    running: Option<Running>,
    dir: TempDir,
}

impl Cluster {
    /// Makes it and starts it; a second or two.
    pub fn start() -> Result<Self, Error> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("temporary directory", error))?;
        // PostgreSQL does not run as root, and its user has to get in.
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755))
            .map_err(|error| Error::io(dir.path(), error))?;
        let bin = postgres::find()?;
        let port = ports::free(1).first().copied().unwrap_or_default();
        let setup = Setup {
            dir: dir.path().join("pg"),
            port,
            password: PASSWORD.to_owned(),
            fsync: false,
        };
        let running = Some(postgres::start(&bin, &setup)?);
        postgres::create_database(&bin, &setup, DATABASE)?;
        let cluster = Self {
            bin,
            setup,
            running,
            dir,
        };
        let file = cluster.password_file();
        std::fs::write(&file, format!("{PASSWORD}\n")).map_err(|error| Error::io(&file, error))?;
        Ok(cluster)
    }

    /// The address of its database, without the password.
    pub fn url(&self) -> String {
        let port = self.setup.port;
        format!("postgres://{USER}@127.0.0.1:{port}/{DATABASE}")
    }

    /// The file with the password.
    pub fn password_file(&self) -> PathBuf {
        self.dir.path().join("password")
    }

    /// Ends it as a crash would.
    pub fn crash(&mut self) {
        drop(self.running.take());
    }

    /// Starts it again.
    pub fn again(&mut self) -> Result<(), Error> {
        self.running = Some(postgres::start(&self.bin, &self.setup)?);
        Ok(())
    }

    /// Runs SQL as a person would: with psql. Gives the lines it prints.
    pub fn psql(&self, sql: &str) -> Result<Vec<String>, Error> {
        let psql = self.bin.join("psql");
        let output = program::command(&psql)
            .args(["-h", "127.0.0.1", "-U", USER, "-d", DATABASE, "-qAtX"])
            .args(["-p", &self.setup.port.to_string()])
            .args(["-v", "ON_ERROR_STOP=1", "-c", sql])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .map_err(|error| Error::io(psql, error))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(Error::Failed {
                what: format!("psql: {sql}"),
                output: said,
            });
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().map(str::to_owned).collect())
    }
}
