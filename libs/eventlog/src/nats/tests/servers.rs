//! Real servers: one, or three that form a cluster, each with a store of its own.

use std::path::PathBuf;

use tempfile::TempDir;
use testkit::nats::{Setup, find, find_old, start};
use testkit::process::Running;

use super::Trouble;
use crate::nats::{Options, Place};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The one that is meant to be used.
    Current,
    /// Debian's, of 2022.
    Old,
}

/// Servers that end with this.
pub(super) struct Servers {
    program: PathBuf,
    nodes: Vec<(Setup, Option<Running>)>,
    /// Removed last.
    _dir: TempDir,
}

impl Servers {
    /// Starts `count` servers; `more` is added to the configuration of each.
    pub(super) fn start(kind: Kind, count: usize, more: &str) -> Result<Self, Trouble> {
        let program = match kind {
            Kind::Current => find()?,
            Kind::Old => find_old()?,
        };
        let dir = tempfile::tempdir()?;
        let ports = testkit::ports::free(2 * count);
        let (clients, routes) = ports.split_at(count);
        let mut nodes = Vec::new();
        for (n, port) in clients.iter().enumerate() {
            let setup = Setup {
                name: format!("n{n}"),
                dir: dir.path().join(format!("n{n}")),
                port: *port,
                monitor: 0,
                cluster: (count > 1).then(|| (routes[n], routes.to_vec())),
                synced: false,
                more: more.to_owned(),
            };
            let running = start(&program, &setup)?;
            nodes.push((setup, Some(running)));
        }
        Ok(Self {
            program,
            nodes,
            _dir: dir,
        })
    }

    /// How to reach them.
    pub(super) fn options(&self) -> Options {
        let servers = self.nodes.iter();
        Options {
            servers: servers
                .map(|it| format!("nats://127.0.0.1:{}", it.0.port))
                .collect(),
            replicas: self.nodes.len(),
            ..Options::new("")
        }
    }

    /// Options for a log of its own, told from others by a number.
    pub(super) fn fresh(&self, n: usize) -> Options {
        Options {
            place: Place {
                prefix: format!("t{n}.evt"),
                stream: format!("T{n}"),
            },
            ..self.options()
        }
    }

    /// Where a server keeps what it stores.
    pub(super) fn store(&self, n: usize) -> PathBuf {
        self.nodes[n].0.dir.join("store")
    }

    /// Ends one server at once, as a crash does.
    pub(super) fn kill(&mut self, n: usize) {
        self.nodes[n].1 = None;
    }

    /// Starts a server that was ended.
    pub(super) fn restart(&mut self, n: usize) -> Result<(), Trouble> {
        let node = &mut self.nodes[n];
        node.1 = Some(start(&self.program, &node.0)?);
        Ok(())
    }
}
