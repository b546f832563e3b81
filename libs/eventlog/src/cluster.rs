//! A real PostgreSQL for one test.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use testkit::postgres::{self, Setup, USER};
use testkit::process::Running;

use crate::projector::Server;

/// Gone with the value.
pub(crate) struct Cluster {
    bin: PathBuf,
    setup: Setup,
    running: Option<Running>,
    _dir: TempDir,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // PostgreSQL does not run as root, and its user has to get in.
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let bin = postgres::find().unwrap();
        let setup = Setup {
            dir: dir.path().join("pg"),
            port: testkit::ports::free(1)[0],
            password: "s3cret-of-tests".into(),
            fsync: false,
        };
        let running = Some(postgres::start(&bin, &setup).unwrap());
        postgres::create_database(&bin, &setup, "towpath").unwrap();
        let password = dir.path().join("password");
        std::fs::write(password, "s3cret-of-tests\n").unwrap();
        Self {
            bin,
            setup,
            running,
            _dir: dir,
        }
    }

    /// The schema of a role.
    pub(crate) fn server(&self, role: &str) -> Server {
        let url = format!("postgres://{USER}@127.0.0.1:{}/towpath", self.setup.port);
        let password = self.setup.dir.with_file_name("password");
        let server = Server::new(&url, Some(&password), role).unwrap();
        server.patience(Duration::from_secs(20))
    }

    /// Where the password stands.
    pub(crate) fn password_file(&self) -> PathBuf {
        self.setup.dir.with_file_name("password")
    }

    /// Ends it as a crash would.
    pub(crate) fn crash(&mut self) {
        drop(self.running.take());
    }

    /// Starts it again.
    pub(crate) fn again(&mut self) {
        self.running = Some(postgres::start(&self.bin, &self.setup).unwrap());
    }

    /// Runs SQL as a person would: with psql. Gives the lines it prints.
    pub(crate) fn psql(&self, sql: &str) -> Vec<String> {
        let output = testkit::program::command(&self.bin.join("psql"))
            .args(["-h", "127.0.0.1", "-U", USER, "-d", "towpath", "-qAtX"])
            .args(["-p", &self.setup.port.to_string()])
            .args(["-v", "ON_ERROR_STOP=1", "-c", sql])
            .env("PGPASSWORD", &self.setup.password)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {said}");
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().map(str::to_owned).collect()
    }
}
