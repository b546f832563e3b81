//! A registry of the OCI distribution spec: Debian's `docker-registry`, which enforces nothing
//! about tags.

use std::net::TcpStream;
use std::path::{Path, PathBuf};

use crate::process::Running;
use crate::{Error, program};

/// The least version that is known to do.
const LEAST: [u64; 3] = [2, 8, 0];

/// A name that may read and write when [`Setup::is_closed`].
pub const USER: &str = "towpath";
/// Its password.
pub const PASSWORD: &str = "s3cr3t-of-the-tests";
/// The same as the server keeps it.
const HTPASSWD: &str = "towpath:$2b$05$abcdefghijklmnopqrstuuBPnfr6EAyM8/Tp976vurPWXl/EFRKsa\n";

/// How one registry is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where it keeps everything.
    pub dir: PathBuf,
    /// Where it answers, on loopback.
    pub port: u16,
    /// It asks for [`USER`] and [`PASSWORD`].
    pub is_closed: bool,
}

/// The program on PATH.
pub fn find() -> Result<PathBuf, Error> {
    program::all("docker-registry")
        .find(|it| program::version(it, "--version").is_some_and(|it| it >= LEAST.to_vec()))
        .ok_or(Error::Missing {
            name: "docker-registry",
            least: "2.8",
        })
}

/// Starts it and waits until it answers.
pub fn start(binary: &Path, setup: &Setup) -> Result<Running, Error> {
    let write = |name: &str, text: &str| {
        let path = setup.dir.join(name);
        std::fs::write(&path, text).map_err(|error| Error::io(&path, error))?;
        Ok::<_, Error>(path)
    };
    std::fs::create_dir_all(&setup.dir).map_err(|error| Error::io(&setup.dir, error))?;
    let mut text = format!(
        "version: 0.1\nlog: {{ level: warn }}\nstorage: {{ filesystem: {{ rootdirectory: \"{}\" }} }}\nhttp: {{ addr: \"127.0.0.1:{}\" }}\n",
        setup.dir.join("store").display(),
        setup.port
    );
    if setup.is_closed {
        let path = write("htpasswd", HTPASSWD)?;
        let auth = format!(
            "auth: {{ htpasswd: {{ realm: tests, path: \"{}\" }} }}\n",
            path.display()
        );
        text.push_str(&auth);
    }
    let configuration = write("config.yml", &text)?;
    let mut command = program::command(binary);
    command.arg("serve").arg(configuration);
    let mut running = Running::spawn(command, &setup.dir.join("registry.log"))?;
    let port = setup.port;
    running.until("docker-registry did not start", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
    Ok(running)
}

/// Puts content into a repository without asking the server, as if it had been pushed: blobs,
/// and manifests under their digests. Each comes with its `sha256:…`.
pub fn seed(
    setup: &Setup,
    repository: &str,
    blobs: &[(&str, &[u8])],
    manifests: &[(&str, &[u8])],
) -> Result<(), Error> {
    let top = setup.dir.join("store/docker/registry/v2");
    let write = |path: PathBuf, bytes: &[u8]| {
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        written
            .and_then(|()| std::fs::write(&path, bytes))
            .map_err(|error| Error::io(&path, error))
    };
    let all = blobs.iter().map(|it| (it, "_layers/sha256"));
    let all = all.chain(
        manifests
            .iter()
            .map(|it| (it, "_manifests/revisions/sha256")),
    );
    for ((digest, bytes), links) in all {
        let hex = digest.trim_start_matches("sha256:");
        let data = format!("blobs/sha256/{}/{hex}/data", &hex[..2]);
        write(top.join(data), bytes)?;
        let link = format!("repositories/{repository}/{links}/{hex}/link");
        write(top.join(link), digest.as_bytes())?;
    }
    Ok(())
}

/// Makes a tag name a manifest, as somebody else might.
pub fn set_tag(setup: &Setup, repository: &str, tag: &str, digest: &str) -> Result<(), Error> {
    let path = format!(
        "store/docker/registry/v2/repositories/{repository}/_manifests/tags/{tag}/current/link"
    );
    let path = setup.dir.join(path);
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(&path, digest))
        .map_err(|error| Error::io(&path, error))
}
