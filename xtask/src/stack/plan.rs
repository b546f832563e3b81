//! What a stack consists of, where each part is, and with which command it runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{ROLES, build, nats, postgres, secret};
use crate::commands::stack::Up;
use crate::shell;

/// A whole stack, decided.
pub(super) struct Plan {
    pub(super) dir: PathBuf,
    pub(super) manifests: String,
    pub(super) nats: Vec<nats::Setup>,
    pub(super) nats_server: PathBuf,
    pub(super) postgres: postgres::Setup,
    pub(super) postgres_bin: PathBuf,
    /// The binary of each role.
    pub(super) binaries: BTreeMap<&'static str, PathBuf>,
    pub(super) ports: BTreeMap<&'static str, u16>,
    layouts: PathBuf,
    otlp: Option<String>,
}

impl Plan {
    pub(super) fn make(dir: &Path, options: &Up) -> Result<Self> {
        if ![1, 3].contains(&options.nats) {
            bail!("--nats is {}; it can be 1 or 3", options.nats);
        }
        let binaries = binaries(&options.binaries)?;
        let servers = usize::from(options.nats);
        let ports = testkit::ports::free(ROLES.len() + 3 * servers + 1);
        let mut free = ports.into_iter();
        let mut next = || free.next().context("no port is free");
        let mut roles = BTreeMap::new();
        for role in ROLES {
            roles.insert(role, next()?);
        }
        if let Some(port) = options.port {
            roles.insert(ROLES[0], port);
        }
        let setup = postgres::Setup {
            dir: postgres_dir(dir)?,
            port: next()?,
            password: secret(&dir.join("postgres.password"))?,
            fsync: true,
        };
        let users = users(dir, newest(&binaries))?;
        let routes: Vec<u16> = (0..servers).map(|_| next()).collect::<Result<_>>()?;
        let mut nats = Vec::new();
        for (n, route) in (1..).zip(&routes) {
            nats.push(nats::Setup {
                name: format!("nats-{n}"),
                dir: dir.join(format!("nats-{n}")),
                port: next()?,
                monitor: next()?,
                cluster: (servers > 1).then(|| (*route, routes.clone())),
                synced: true,
                more: users.clone(),
            });
        }
        let manifests = match &options.manifests {
            Some(given) => given.clone(),
            None => demo_world(dir, &binaries[ROLES[0]])?,
        };
        Ok(Self {
            manifests,
            nats,
            nats_server: nats::find()?,
            postgres: setup,
            postgres_bin: postgres::find()?,
            binaries,
            ports: roles,
            layouts: options.layouts.clone().unwrap_or_else(|| dir.to_owned()),
            otlp: options.otlp.clone(),
            dir: dir.to_owned(),
        })
    }

    /// The data directory of a role.
    pub(super) fn data(&self, role: &str) -> PathBuf {
        data(&self.dir, role)
    }

    /// What clients of NATS connect to.
    pub(super) fn nats_url(&self) -> String {
        let urls: Vec<_> = self
            .nats
            .iter()
            .map(|it| format!("nats://127.0.0.1:{}", it.port))
            .collect();
        urls.join(",")
    }

    /// The database, without a password.
    pub(super) fn postgres_url(&self) -> String {
        format!(
            "postgres://{}@127.0.0.1:{}/towpath",
            postgres::USER,
            self.postgres.port
        )
    }

    /// Where a role answers.
    pub(super) fn address(&self, role: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[role])
    }

    /// The command that brings the stores to what this version needs.
    pub(super) fn migrate(&self) -> Command {
        let mut command = self.towpath(ROLES[0], "operator");
        command.arg("migrate");
        command
    }

    /// The command of a role.
    pub(super) fn role(&self, role: &'static str) -> Command {
        let mut command = self.towpath(role, role);
        command
            .args(["serve", "--role", role, "--listen"])
            .arg(format!("127.0.0.1:{}", self.ports[role]));
        command
    }

    /// Writes down how to reach the stores, for commands on the gateway's data directory.
    pub(super) fn environment(&self, role: &str, user: &str) -> Vec<(String, String)> {
        let path = |name: &str| self.dir.join(name).display().to_string();
        let mut all = vec![
            ("TOWPATH_MANIFESTS_URL".to_owned(), self.manifests.clone()),
            (
                "TOWPATH_LAYOUTS".to_owned(),
                self.layouts.display().to_string(),
            ),
            ("TOWPATH_LOG_BACKEND".to_owned(), "nats".to_owned()),
            ("TOWPATH_LOG_URL".to_owned(), self.nats_url()),
            ("TOWPATH_LOG_USER".to_owned(), user.to_owned()),
            (
                "TOWPATH_LOG_PASSWORD_FILE".to_owned(),
                path(&format!("nats-{user}.password")),
            ),
            (
                "TOWPATH_LOG_REPLICAS".to_owned(),
                self.nats.len().to_string(),
            ),
            ("TOWPATH_LOG_SYNCED".to_owned(), "true".to_owned()),
            ("TOWPATH_READS_URL".to_owned(), self.postgres_url()),
            (
                "TOWPATH_READS_PASSWORD_FILE".to_owned(),
                path("postgres.password"),
            ),
        ];
        // One of another version refuses the address of a role that it has never heard of.
        for known in testkit::program::roles(&self.binaries[role]) {
            if self.ports.contains_key(known.as_str()) {
                let name = known.to_ascii_uppercase().replace('-', "_");
                all.push((format!("TOWPATH_ROLES_{name}"), self.address(&known)));
            }
        }
        if let Some(otlp) = &self.otlp {
            all.push(("TOWPATH_TELEMETRY_OTLP".to_owned(), otlp.clone()));
        }
        all
    }

    fn towpath(&self, role: &str, user: &str) -> Command {
        let mut command = testkit::program::command(&self.binaries[role]);
        command
            .arg("--data")
            .arg(self.data(role))
            .envs(self.environment(role, user));
        command
    }
}

/// The data directory of a role of the stack in a directory.
pub(super) fn data(dir: &Path, role: &str) -> PathBuf {
    dir.join(role)
}

/// `path` for all roles, then `role=path` for some.
fn binaries(given: &[String]) -> Result<BTreeMap<&'static str, PathBuf>> {
    let (some, all): (Vec<&String>, Vec<&String>) = given.iter().partition(|it| it.contains('='));
    let everywhere = match all.last() {
        Some(path) => PathBuf::from(path),
        None => build()?,
    };
    let mut found: BTreeMap<_, _> = ROLES.map(|it| (it, everywhere.clone())).into();
    for (role, path) in some.iter().filter_map(|it| it.split_once('=')) {
        let known = ROLES.into_iter().find(|it| *it == role);
        let known = known.with_context(|| format!("there is no role `{role}`"))?;
        found.insert(known, PathBuf::from(path));
    }
    Ok(found)
}

/// The binary that knows all roles, so that each of them gets its user; beside an older one that is
/// not the first.
fn newest<'a>(binaries: &'a BTreeMap<&'static str, PathBuf>) -> &'a Path {
    let knows_all = |it: &&PathBuf| testkit::program::roles(it).len() >= ROLES.len();
    let found = binaries.values().find(knows_all);
    found.unwrap_or(&binaries[ROLES[0]])
}

/// NATS users with their permissions, as the binary itself prints them.
fn users(dir: &Path, towpath: &Path) -> Result<String> {
    let passwords = dir.display().to_string();
    for user in ROLES.iter().chain(&["operator", "ci"]) {
        secret(&dir.join(format!("nats-{user}.password")))?;
    }
    let program = towpath.display().to_string();
    let printed = shell::capture(dir, &program, &["nats-config", "--passwords", &passwords])?
        .with_context(|| format!("{program} is missing"))?;
    if !printed.status.success() {
        bail!(
            "towpath nats-config: {}",
            String::from_utf8_lossy(&printed.stderr)
        );
    }
    Ok(String::from_utf8(printed.stdout)?)
}

/// The manifests and images of the demo.
fn demo_world(dir: &Path, towpath: &Path) -> Result<String> {
    let world = dir.join("world");
    let remote = world.join("manifests.git");
    if !remote.exists() {
        let program = towpath.display().to_string();
        let place = world.display().to_string();
        if !shell::run(dir, &program, &["demo", "--prepare", "--dir", &place])? {
            bail!("the demo's manifests cannot be made in {place}");
        }
    }
    Ok(remote.display().to_string())
}

/// PostgreSQL does not run as root, and others cannot enter every directory: its data is kept
/// apart, and found again by the name of the stack's directory.
fn postgres_dir(dir: &Path) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    if !testkit::program::is_root() {
        return Ok(dir.join("postgres"));
    }
    let name: String = dir
        .display()
        .to_string()
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
        .collect();
    let home = std::env::temp_dir().join(format!("towpath-stack{name}"));
    // Of a stack whose directory was thrown away: nobody knows its password any more.
    if home.is_dir() && !dir.join("postgres.password").exists() {
        std::fs::remove_dir_all(&home)?;
    }
    std::fs::create_dir_all(&home)?;
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o755))?;
    Ok(home.join("postgres"))
}
