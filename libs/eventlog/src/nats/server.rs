//! Real servers for tests: one, or three that form a cluster, each with a store of its own, on
//! free ports of this machine.

use std::fmt::Write as _;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::options::{Options, Place};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The one that is meant to be used.
    Current,
    /// Debian's, of 2022.
    Old,
}

impl Kind {
    fn program(self) -> PathBuf {
        let name = match self {
            Self::Current => "nats-server",
            Self::Old => "nats-server-2.9.10",
        };
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../target/tools/bin")
            .join(name)
    }
}

/// Servers that end with this.
pub struct Servers {
    kind: Kind,
    dir: TempDir,
    nodes: Vec<Node>,
}

struct Node {
    port: u16,
    child: Option<Child>,
}

/// Where the next search for a free port begins.
static NEXT: AtomicU16 = AtomicU16::new(0);

impl Servers {
    /// Starts `count` servers; `extra` is added to the configuration of each.
    ///
    /// # Panics
    ///
    /// When the program is missing or does not start.
    pub async fn start(kind: Kind, count: usize, extra: &str) -> Self {
        let program = kind.program();
        assert!(
            program.exists(),
            "{} is missing: run `cargo xtask setup`",
            program.display()
        );
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let ports: Vec<(u16, u16)> = (0..count).map(|_| (free_port(), free_port())).collect();
        for (n, (port, _)) in ports.iter().enumerate() {
            let text = configuration(dir.path(), n, *port, &ports, extra);
            std::fs::write(dir.path().join(format!("{n}.conf")), text)
                .expect("the temporary directory can be written");
        }
        let nodes = ports
            .iter()
            .map(|(port, _)| Node {
                port: *port,
                child: None,
            })
            .collect();
        let mut servers = Self { kind, dir, nodes };
        for n in 0..count {
            servers.run(n);
        }
        for n in 0..count {
            servers.ready(n).await;
        }
        servers
    }

    /// How to reach them.
    pub fn options(&self) -> Options {
        let servers = self.nodes.iter();
        Options {
            servers: servers
                .map(|it| format!("nats://127.0.0.1:{}", it.port))
                .collect(),
            replicas: self.nodes.len(),
            ..Options::new("")
        }
    }

    /// Options for a log of its own, told from others by a number.
    pub fn fresh(&self, n: usize) -> Options {
        Options {
            place: Place {
                prefix: format!("t{n}.evt"),
                stream: format!("T{n}"),
            },
            ..self.options()
        }
    }

    /// Where a server keeps what it stores.
    pub fn store(&self, n: usize) -> PathBuf {
        self.dir.path().join(format!("store{n}"))
    }

    /// Ends one server at once, as a crash does.
    pub fn kill(&mut self, n: usize) {
        if let Some(mut child) = self.nodes[n].child.take() {
            // Gone by itself is as good.
            let _gone = child.kill().is_err();
            let _gone = child.wait().is_err();
        }
    }

    /// Starts a server that was ended.
    pub async fn restart(&mut self, n: usize) {
        self.run(n);
        self.ready(n).await;
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where tests start nats-server: in its own directory, ended on drop"
    )]
    fn run(&mut self, n: usize) {
        let output = File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join(format!("{n}.log")))
            .expect("the temporary directory can be written");
        let child = Command::new(self.kind.program())
            .arg("-c")
            .arg(self.dir.path().join(format!("{n}.conf")))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .expect("nats-server starts");
        self.nodes[n].child = Some(child);
    }

    async fn ready(&self, n: usize) {
        let port = self.nodes[n].port;
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let log = std::fs::read_to_string(self.dir.path().join(format!("{n}.log")));
        panic!("nats-server did not start: {}", log.unwrap_or_default());
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for n in 0..self.nodes.len() {
            self.kill(n);
        }
    }
}

fn configuration(dir: &Path, n: usize, port: u16, ports: &[(u16, u16)], extra: &str) -> String {
    let store = dir.join(format!("store{n}"));
    let mut text = format!(
        "server_name: n{n}\nlisten: \"127.0.0.1:{port}\"\nmax_payload: 2MB\n\
         jetstream {{ store_dir: \"{}\", max_file_store: 4GB, max_memory_store: 256MB }}\n{extra}\n",
        store.display()
    );
    if ports.len() > 1 {
        let routes: Vec<_> = ports
            .iter()
            .map(|(_, route)| format!("\"nats://127.0.0.1:{route}\""))
            .collect();
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            text,
            "cluster {{ name: towpath, listen: \"127.0.0.1:{}\", routes: [{}] }}",
            ports[n].1,
            routes.join(", ")
        );
    }
    text
}

/// A port that nobody uses now; searches begin elsewhere in each process.
fn free_port() -> u16 {
    let own = u16::try_from(std::process::id() % 2700).unwrap_or_default();
    for _ in 0..2700 {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 30_000 + (own.wrapping_mul(7).wrapping_add(next)) % 2700;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between 30000 and 32699");
}
