//! NATS servers with JetStream.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Running;
use crate::{Error, program};

/// The least version that is started by default.
const LEAST: [u64; 3] = [2, 14, 0];

/// How one server is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its name, such as `n1`.
    pub name: String,
    /// Where it keeps everything.
    pub dir: PathBuf,
    /// Where clients connect, on loopback.
    pub port: u16,
    /// Where the monitoring pages are; 0 = nowhere.
    pub monitor: u16,
    /// Its own port for the others, and all of these ports; nothing for a server alone.
    pub cluster: Option<(u16, Vec<u16>)>,
    /// Whether each message is synced to disk before it is acknowledged.
    pub synced: bool,
    /// Further configuration, such as users and permissions.
    pub more: String,
}

/// The newest server among the project's tools and on PATH.
pub fn find() -> Result<PathBuf, Error> {
    program::all("nats-server")
        .find(|it| program::version(it, "--version").is_some_and(|it| it >= LEAST.to_vec()))
        .ok_or(Error::Missing {
            name: "nats-server",
            least: "2.14",
        })
}

/// Debian's server of 2022, under the name that `cargo xtask setup` gives it.
pub fn find_old() -> Result<PathBuf, Error> {
    program::all("nats-server-2.9.10")
        .next()
        .ok_or(Error::Missing {
            name: "nats-server-2.9.10",
            least: "2.9.10",
        })
}

/// Writes the configuration; says with which command the server runs.
pub fn command(binary: &Path, setup: &Setup) -> Result<Command, Error> {
    std::fs::create_dir_all(&setup.dir).map_err(|error| Error::io(&setup.dir, error))?;
    let path = setup.dir.join("nats-server.conf");
    std::fs::write(&path, configuration(setup)).map_err(|error| Error::io(&path, error))?;
    let mut command = program::command(binary);
    command.arg("-c").arg(path);
    Ok(command)
}

/// Starts it and waits until it accepts clients.
pub fn start(binary: &Path, setup: &Setup) -> Result<Running, Error> {
    let command = command(binary, setup)?;
    let mut running = Running::spawn(command, &setup.dir.join("nats-server.log"))?;
    let port = setup.port;
    running.until("nats-server did not start", || accepts(port))?;
    Ok(running)
}

fn accepts(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn configuration(setup: &Setup) -> String {
    let store = setup.dir.join("store");
    let mut lines = vec![
        format!("server_name: {}", setup.name),
        "host: 127.0.0.1".to_owned(),
        format!("port: {}", setup.port),
        // A commit of the largest size, and its headers.
        "max_payload: 2MB".to_owned(),
        format!(
            "jetstream {{ store_dir: \"{}\"{} }}",
            store.display(),
            if setup.synced {
                ", sync_interval: always"
            } else {
                ""
            }
        ),
    ];
    if setup.monitor != 0 {
        lines.push(format!("http: 127.0.0.1:{}", setup.monitor));
    }
    if let Some((own, all)) = &setup.cluster {
        let routes: Vec<_> = all
            .iter()
            .filter(|it| *it != own)
            .map(|it| format!("nats-route://127.0.0.1:{it}"))
            .collect();
        lines.push(format!(
            "cluster {{ name: towpath, host: 127.0.0.1, port: {own}, routes: [{}] }}",
            routes.join(", ")
        ));
    }
    lines.push(setup.more.clone());
    lines.join("\n") + "\n"
}
