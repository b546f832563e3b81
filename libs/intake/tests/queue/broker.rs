//! A broker of its own for each test.

use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use testkit::nats::{self, Setup};
use testkit::process::Running;

/// A running `nats-server`, killed with the test.
pub(crate) struct Broker {
    _directory: tempfile::TempDir,
    setup: Setup,
    running: Option<Running>,
}

impl Broker {
    /// Without users: everybody may do everything.
    pub(crate) fn start() -> Self {
        Self::with_users("")
    }

    /// With an `authorization` block in the server's own words.
    pub(crate) fn with_users(users: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let setup = Setup {
            name: "n1".to_owned(),
            dir: directory.path().to_owned(),
            port: testkit::ports::free(1)[0],
            monitor: 0,
            cluster: None,
            synced: false,
            more: users.to_owned(),
        };
        let mut broker = Self {
            _directory: directory,
            setup,
            running: None,
        };
        broker.restart();
        broker
    }

    /// Ends it without any warning.
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    /// Starts it again with what it stored.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let program = nats::find().unwrap();
        self.running = Some(nats::start(&program, &self.setup).unwrap());
    }

    pub(crate) async fn client(&self) -> Client {
        self.connect(ConnectOptions::new()).await
    }

    pub(crate) async fn connect(&self, options: ConnectOptions) -> Client {
        let options = options.reconnect_delay_callback(|_| Duration::from_millis(50));
        options.connect(self.url()).await.unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.setup.port)
    }
}
