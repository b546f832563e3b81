//! A broker of its own for each test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::{Client, ConnectOptions};

/// A running `nats-server`, killed with the test.
pub(crate) struct Broker {
    directory: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
    users: String,
}

impl Broker {
    /// Without users: everybody may do everything.
    pub(crate) fn start() -> Self {
        Self::with_users("")
    }

    /// With an `authorization` block in the server's own words.
    pub(crate) fn with_users(users: &str) -> Self {
        let mut broker = Self {
            directory: tempfile::tempdir().unwrap(),
            port: free_port(),
            child: None,
            users: users.to_owned(),
        };
        broker.restart();
        broker
    }

    /// Ends it without any warning.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again with what it stored.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of these tests that starts a process; it is killed on drop"
    )]
    pub(crate) fn restart(&mut self) {
        self.kill();
        let (directory, port) = (self.directory.path(), self.port);
        let config = directory.join("nats.conf");
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{}\" }}\n{}\n",
            directory.join("store").display(),
            self.users
        );
        std::fs::write(&config, text).unwrap();
        let log = std::fs::File::create(directory.join("nats.log")).unwrap();
        let child = Command::new(program())
            .arg("-c")
            .arg(&config)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    pub(crate) async fn client(&self) -> Client {
        self.connect(ConnectOptions::new()).await
    }

    pub(crate) async fn connect(&self, options: ConnectOptions) -> Client {
        let options = options
            .retry_on_initial_connect()
            .reconnect_delay_callback(|_| Duration::from_millis(50));
        let url = format!("127.0.0.1:{}", self.port);
        let client = options.connect(url).await.unwrap();
        // Connected, and not only about to be.
        let connected = async {
            while client.flush().await.is_err() || client.server_info().port == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), connected)
            .await
            .unwrap();
        client
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What `cargo xtask setup` put into the project's own tools.
fn program() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = root.join("target/tools/bin/nats-server");
    assert!(
        program.exists(),
        "there is no {}: run `cargo xtask setup`",
        program.display()
    );
    program
}

/// A port that nobody listens on; each test process begins somewhere else.
fn free_port() -> u16 {
    let begin = std::process::id().wrapping_mul(211) % 2_700;
    let mut ports = (0..2_700).map(|step| 30_000 + u16::try_from((begin + step) % 2_700).unwrap());
    ports
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}
