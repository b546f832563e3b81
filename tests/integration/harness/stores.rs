//! NATS and PostgreSQL of one world, for roles that run as processes of their own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;
use testkit::process::Running;
use testkit::{nats, postgres, program};

use super::program::{Outcome, Program};
use super::{World, free_port, settings};

/// The roles, in the order in which they start. The first is the gateway.
pub(crate) const ROLES: [&str; 6] = [
    "cd-manager",
    "releaser",
    "approval-ledger",
    "changelog",
    "runner",
    "forge",
];

/// The schema of the gateway's read models.
const SCHEMA: &str = "cd_manager";

/// Both servers; they end with the world.
#[derive(Debug)]
pub(crate) struct Stores {
    /// Passwords, and what NATS keeps.
    directory: PathBuf,
    nats: nats::Setup,
    nats_server: PathBuf,
    broker: Mutex<Option<Running>>,
    postgres: postgres::Setup,
    postgres_bin: PathBuf,
    _database: Running,
    _cluster: TempDir,
    ports: Vec<(&'static str, u16)>,
}

impl Stores {
    /// Starts both and brings them to what the roles need.
    pub(crate) async fn start(world: &World) -> Self {
        let directory = world.root().join("stores");
        std::fs::create_dir(&directory).unwrap();
        for user in ROLES.iter().chain(&["operator", "ci"]) {
            let path = directory.join(format!("nats-{user}.password"));
            std::fs::write(path, format!("password-of-{user}")).unwrap();
        }
        let passwords = directory.to_str().unwrap();
        let users = world
            .towpath()
            .args(["nats-config", "--passwords", passwords]);
        let users = users.run().await.ok();
        let (cluster, setup) = cluster(&directory);
        let nats = nats::Setup {
            name: "nats-1".to_owned(),
            dir: directory.join("nats"),
            port: free_port(),
            monitor: 0,
            cluster: None,
            synced: false,
            more: users,
        };
        let (nats_server, bin) = (nats::find().unwrap(), postgres::find().unwrap());
        let broker = nats::start(&nats_server, &nats).unwrap();
        let database = postgres::start(&bin, &setup).unwrap();
        postgres::create_database(&bin, &setup, "towpath").unwrap();
        let stores = Self {
            directory,
            nats,
            nats_server,
            broker: Mutex::new(Some(broker)),
            postgres: setup,
            postgres_bin: bin,
            _database: database,
            _cluster: cluster,
            ports: ROLES.map(|it| (it, free_port())).to_vec(),
        };
        let migrate = stores
            .program(world, ROLES[0], "operator")
            .args(["migrate"]);
        migrate.run().await.ok();
        stores
    }

    /// The binary on a role's data directory, as a NATS user.
    fn program(&self, world: &World, role: &str, user: &str) -> Program {
        self.on(world.towpath(), world, role, user)
    }

    fn on(&self, program: Program, world: &World, role: &str, user: &str) -> Program {
        let data = data(world, role);
        let program = program.args(["--data", data.to_str().unwrap()]);
        self.within(program, world, user)
    }

    /// The command of a role; the gateway may be told to listen elsewhere, and more.
    pub(crate) fn role(&self, world: &World, role: &str) -> Program {
        let address = self.address(role);
        let program = match &settings().before {
            Some((binary, roles)) if roles.iter().any(|it| it == role) => {
                Program::new(binary, &world.home())
            }
            Some(_) | None => world.towpath(),
        };
        self.on(program, world, role, role)
            .args(["serve", "--role", role, "--listen", &address])
    }

    /// `host:port` of a role.
    fn address(&self, role: &str) -> String {
        let port = self.ports.iter().find(|it| it.0 == role).unwrap().1;
        format!("127.0.0.1:{port}")
    }

    /// A program that finds both stores, as a NATS user.
    pub(crate) fn within(&self, program: Program, world: &World, user: &str) -> Program {
        let database = format!(
            "postgres://{}@127.0.0.1:{}/towpath",
            postgres::USER,
            self.postgres.port
        );
        let program = program
            .env(
                "TOWPATH_MANIFESTS_URL",
                world.remote.path().to_str().unwrap(),
            )
            .env("TOWPATH_LAYOUTS", world.data.to_str().unwrap())
            .env("TOWPATH_LOG_BACKEND", "nats")
            .env("TOWPATH_LOG_URL", &self.nats_url())
            .env("TOWPATH_LOG_USER", user)
            .env(
                "TOWPATH_LOG_PASSWORD_FILE",
                self.password_file(user).to_str().unwrap(),
            )
            .env("TOWPATH_READS_URL", &database)
            .env(
                "TOWPATH_READS_PASSWORD_FILE",
                self.password_file("postgres").to_str().unwrap(),
            );
        let known = roles_of(program.path());
        let ports = self.ports.iter();
        let ports = ports.filter(|(role, _)| known.iter().any(|it| it == role));
        ports.fold(program, |program, (role, port)| {
            let name = role.to_ascii_uppercase().replace('-', "_");
            program.env(
                &format!("TOWPATH_ROLES_{name}"),
                &format!("http://127.0.0.1:{port}"),
            )
        })
    }

    pub(crate) fn nats_url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.nats.port)
    }

    /// The file with the password of a NATS user, or of `postgres`.
    pub(crate) fn password_file(&self, user: &str) -> PathBuf {
        let name = if user == "postgres" {
            "postgres.password".to_owned()
        } else {
            format!("nats-{user}.password")
        };
        self.directory.join(name)
    }

    /// Ends NATS without any warning.
    pub(crate) fn kill_nats(&self) {
        *self.broker.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Starts it again with what it stored.
    pub(crate) fn restart_nats(&self) {
        let broker = nats::start(&self.nats_server, &self.nats).unwrap();
        *self.broker.lock().unwrap_or_else(PoisonError::into_inner) = Some(broker);
    }

    /// Runs statements on the gateway's read models; columns are separated by `|`.
    pub(crate) async fn sql(&self, world: &World, sql: &str) -> Outcome {
        let port = self.postgres.port.to_string();
        Program::new(self.postgres_bin.join("psql"), &world.home())
            .env("PGPASSWORD", &self.postgres.password)
            .env("PGOPTIONS", &format!("-c search_path={SCHEMA}"))
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-U",
                postgres::USER,
                "-d",
                "towpath",
            ])
            .args(["-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .feed(sql.as_bytes())
            .await
    }

    /// Throws the gateway's read models away.
    pub(crate) async fn forget(&self, world: &World) {
        let drop = format!("DROP SCHEMA {SCHEMA} CASCADE;");
        self.sql(world, &drop).await.ok();
    }
}

/// The roles that a binary knows: one of another version refuses the address of a role that it has
/// never heard of.
fn roles_of(binary: &Path) -> Vec<String> {
    match &settings().before {
        Some((before, _)) if before == binary => program::roles(binary),
        Some(_) | None => ROLES.map(str::to_owned).to_vec(),
    }
}

/// The gateway works on the world's own data directory, where commands look for it.
fn data(world: &World, role: &str) -> PathBuf {
    if role == ROLES[0] {
        world.data.clone()
    } else {
        world.root().join(role)
    }
}

/// PostgreSQL does not run as root, and others cannot enter a world.
fn cluster(directory: &Path) -> (TempDir, postgres::Setup) {
    let cluster = tempfile::Builder::new()
        .prefix("towpath-postgres-")
        .tempdir()
        .unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(cluster.path(), open).unwrap();
    let setup = postgres::Setup {
        dir: cluster.path().join("data"),
        port: free_port(),
        password: "password-of-postgres".to_owned(),
        fsync: false,
    };
    std::fs::write(directory.join("postgres.password"), &setup.password).unwrap();
    (cluster, setup)
}
