//! A directory with everything that one server needs: remotes, images, a data directory.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::program::{Outcome, Program};
use super::{
    App, Export, Git, Manifests, Options, Process, Refusal, Server, Shape, Sqlite, Stores,
    processes, processes_of, settings,
};

/// Everything around a server. What runs in it ends with it.
#[derive(Debug)]
pub(crate) struct World {
    directory: Option<TempDir>,
    root: PathBuf,
    /// The manifests, bare: what Towpath pushes to.
    pub(crate) remote: Git,
    /// The source repository, bare.
    pub(crate) source: Git,
    /// Towpath's data directory.
    pub(crate) data: PathBuf,
    pub(crate) manifests: Manifests,
    shape: Shape,
    /// Where the server sends its spans.
    pub(super) otlp: Option<String>,
    /// How the server finds its GitHub, as variables.
    pub(super) github: Vec<(String, String)>,
    stores: OnceCell<Stores>,
}

impl World {
    /// A world with these applications.
    pub(crate) async fn of(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self::with(Manifests::of(names), &[]).await
    }

    /// A world with these manifests and more files beside them.
    pub(crate) async fn with(manifests: Manifests, more: &[(&str, &str)]) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("towpath-world-")
            .tempdir()
            .unwrap();
        // What the system says a program's path is, for comparing.
        let root = directory.path().canonicalize().unwrap();
        let home = root.join("home");
        DirBuilder::new().mode(0o700).create(&home).unwrap();
        let remote = Git::init_bare(&root.join("manifests.git"), &home).await;
        let source = Git::init_bare(&root.join("source.git"), &home).await;
        let data = root.join("data");
        let world = Self {
            directory: Some(directory),
            root,
            remote,
            source,
            data,
            manifests,
            shape: settings().shape,
            otlp: None,
            github: Vec::new(),
            stores: OnceCell::new(),
        };
        world.seed(more).await;
        world
    }

    /// The same world with a server of this shape, whatever the environment says.
    pub(crate) fn shaped(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// The same world with servers that send their spans to this collector.
    pub(crate) fn traced(mut self, otlp: &str) -> Self {
        self.otlp = Some(otlp.to_owned());
        self
    }

    /// NATS and PostgreSQL, started when they are asked for first; nothing where the server is one
    /// process.
    pub(crate) async fn stores(&self) -> Option<&Stores> {
        match self.shape {
            Shape::Whole => None,
            Shape::Split => Some(self.stores.get_or_init(|| Stores::start(self)).await),
        }
    }

    async fn seed(&self, more: &[(&str, &str)]) {
        let sources = self.clone_of(&self.source, "seed-source").await;
        sources
            .commit([("README", b"source\n".as_slice())], "Begin")
            .await;
        sources.run(&["push", "-q", "origin", "HEAD:main"]).await;
        let files = self.manifests.files(&self.images(), self.source.path());
        let files = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_bytes()));
        let more = more.iter().map(|(path, text)| (*path, text.as_bytes()));
        let seed = self.clone_of(&self.remote, "seed").await;
        seed.commit(files.chain(more), "Begin").await;
        seed.run(&["push", "-q", "origin", "HEAD:main"]).await;
    }

    /// The directory of all this.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// An empty home directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The image layout that is the registry `local`.
    pub(crate) fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// The application at this place of the list.
    pub(crate) fn app(&self, at: usize) -> &App {
        &self.manifests.apps[at]
    }

    /// Another person's clone of the manifests.
    pub(crate) async fn clone_of(&self, git: &Git, name: &str) -> Git {
        git.clone_to(&self.root.join(name)).await
    }

    /// Puts the sample application into the registry; gives its digest.
    pub(crate) async fn image(&self, name: &str, version: &str) -> String {
        self.sample(name, version, &[]).await
    }

    /// The same, with a probe that answers 500 and this text.
    pub(crate) async fn broken_image(&self, name: &str, version: &str, text: &str) -> String {
        self.sample(name, version, &["--broken", text]).await
    }

    async fn sample(&self, name: &str, version: &str, more: &[&str]) -> String {
        let images = self.images();
        let arguments = ["sample-image", "--layout", images.to_str().unwrap()];
        let outcome = self
            .towpath()
            .args(arguments)
            .args(["--name", name, "--version", version, "--output", "json"])
            .args(more)
            .run()
            .await;
        let json: Value = serde_json::from_str(&outcome.ok()).unwrap();
        json["digest"].as_str().unwrap().to_owned()
    }

    /// The binary under test, not told where its data is.
    pub(crate) fn towpath(&self) -> Program {
        Program::new(&settings().towpath, &self.home())
    }

    /// Runs a command on this world's data directory, whatever comes of it.
    pub(crate) async fn cli(&self, arguments: &[&str]) -> Outcome {
        self.cli_on(&self.data, arguments).await
    }

    /// The same on another data directory.
    pub(crate) async fn cli_on(&self, data: &Path, arguments: &[&str]) -> Outcome {
        let program = self
            .towpath()
            .args(["--data", data.to_str().unwrap()])
            .args(arguments);
        match self.stores().await {
            // Another installation is a whole one.
            Some(stores) if data == self.data => {
                stores.within(program, self, "cd-manager").run().await
            }
            Some(_) | None => program.run().await,
        }
    }

    /// Runs a command that must succeed; gives the JSON that it prints.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let text = self
            .cli(&[&["--output", "json"], arguments].concat())
            .await
            .ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Creates an identity in a group; gives its token.
    pub(crate) async fn token(&self, name: &str, group: &str) -> String {
        let json = self
            .json(&["access", "create", name, "--group", group])
            .await;
        json["token"]
            .as_str()
            .unwrap_or_else(|| panic!("{json}"))
            .to_owned()
    }

    /// What `explain` says about something.
    pub(crate) async fn explain(&self, subject: &str) -> Value {
        self.json(&["explain", subject]).await
    }

    /// Starts the server; it must become ready.
    pub(crate) async fn start(&self) -> Server {
        Server::start(self, &Options::default())
            .await
            .unwrap_or_else(|it| panic!("{it}"))
    }

    /// Starts the server; it must refuse.
    pub(crate) async fn refusal(&self, options: &Options) -> Refusal {
        match Server::start(self, options).await {
            Ok(server) => panic!("it started: {server:?}"),
            Err(refusal) => refusal,
        }
    }

    /// The exported log of a data directory that no server uses.
    pub(crate) async fn export(&self) -> Export {
        let path = self.export_to("log.export").await;
        let export = Export::read(&std::fs::read(&path).unwrap());
        std::fs::remove_file(path).unwrap();
        export
    }

    /// Exports the log of a data directory that no server uses; gives the file.
    pub(crate) async fn export_to(&self, name: &str) -> PathBuf {
        let path = self.root.join(name);
        self.cli(&["log", "export", path.to_str().unwrap()])
            .await
            .ok();
        path
    }

    /// A database of the data directory.
    pub(crate) fn database(&self, name: &str) -> Sqlite {
        Sqlite::at(&self.data.join(name), &self.home())
    }

    /// Runs statements on the read models; gives the lines they print, columns separated by `|`.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<String> {
        match self.stores().await {
            None => self.database("read.db").run(sql).await,
            Some(stores) => {
                let text = stores.sql(self, sql).await.ok();
                text.lines().map(str::to_owned).collect()
            }
        }
    }

    /// Throws the read models away; no server may be running.
    pub(crate) async fn forget_read_models(&self) {
        if let Some(stores) = self.stores().await {
            return stores.forget(self).await;
        }
        let mut removed = 0;
        for name in ["read.db", "read.db-wal", "read.db-shm"] {
            removed += usize::from(std::fs::remove_file(self.data.join(name)).is_ok());
        }
        assert!(removed > 0, "there was a read database");
    }

    /// Every running application of this world.
    pub(crate) fn processes(&self) -> Vec<Process> {
        processes_of(&self.root)
    }

    /// Ends every running application of this world.
    pub(crate) fn end_processes(&self) {
        processes::end_processes_of(&self.root);
    }

    /// Copies the data directory, of which no server may be running.
    pub(crate) fn copy_data(&self, to: &str) -> PathBuf {
        let to = self.root.join(to);
        std::fs::create_dir(&to).unwrap();
        for entry in std::fs::read_dir(&self.data).unwrap() {
            let entry = entry.unwrap();
            // Mirrors and unpacked images are made anew; nothing about them is under test here.
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
        to
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end_processes();
        if std::thread::panicking()
            && let Some(directory) = self.directory.take()
        {
            println!("kept for looking: {}", directory.keep().display());
        }
    }
}
