//! PostgreSQL clusters that last as long as their directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Running;
use crate::{Error, program};

/// The user that every cluster begins with.
pub const USER: &str = "towpath";

/// How a cluster is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its data; must be below a directory that everybody may enter, because PostgreSQL does not
    /// run as root.
    pub dir: PathBuf,
    /// Where it listens, on loopback.
    pub port: u16,
    /// The password of [`USER`]; empty trusts everybody on this machine.
    pub password: String,
    /// Whether commits survive a power cut. Tests need them to survive processes only.
    pub fsync: bool,
}

/// Where `initdb` and `postgres` are: the newest of Debian's, then what is on PATH.
pub fn find() -> Result<PathBuf, Error> {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let mut found: Vec<(u64, PathBuf)> = versions
        .into_iter()
        .flatten()
        .filter_map(|it| {
            let path = it.ok()?.path();
            let number = path.file_name()?.to_str()?.parse().ok()?;
            let bin = path.join("bin");
            bin.join("initdb").is_file().then_some((number, bin))
        })
        .collect();
    found.sort();
    let newest = found.pop().map(|it| it.1);
    newest
        .or_else(|| program::all("initdb").next()?.parent().map(Path::to_owned))
        .ok_or(Error::Missing {
            name: "postgresql",
            least: "14",
        })
}

/// Makes the cluster when there is none; says with which command it runs.
pub fn command(bin: &Path, setup: &Setup) -> Result<Command, Error> {
    if !setup.dir.join("PG_VERSION").is_file() {
        create(bin, setup)?;
    }
    let mut command = unprivileged(&bin.join("postgres"));
    command
        .arg("-D")
        .arg(&setup.dir)
        .arg("-k")
        .arg(&setup.dir)
        .args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=200",
        ])
        .args(["-p", &setup.port.to_string()])
        .args(["-c", if setup.fsync { "fsync=on" } else { "fsync=off" }]);
    Ok(command)
}

/// Starts it and waits until it answers. The log is beside the data.
pub fn start(bin: &Path, setup: &Setup) -> Result<Running, Error> {
    let command = command(bin, setup)?;
    let mut running = Running::spawn(command, &setup.dir.with_extension("log"))?;
    running.until("PostgreSQL did not start", || answers(bin, setup.port))?;
    Ok(running)
}

/// Whether it answers.
pub fn answers(bin: &Path, port: u16) -> bool {
    program::command(&bin.join("pg_isready"))
        .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string(), "-U", USER])
        .status()
        .is_ok_and(|it| it.success())
}

/// Makes a database, unless there is one of this name.
pub fn create_database(bin: &Path, setup: &Setup, name: &str) -> Result<(), Error> {
    let output = program::command(&bin.join("createdb"))
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &setup.port.to_string(),
            "-U",
            USER,
            name,
        ])
        .env("PGPASSWORD", &setup.password)
        .output()
        .map_err(|error| Error::io(bin.join("createdb"), error))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() || said.contains("already exists") {
        return Ok(());
    }
    Err(Error::Failed {
        what: format!("cannot create the database `{name}`"),
        output: said,
    })
}

fn create(bin: &Path, setup: &Setup) -> Result<(), Error> {
    let dir = &setup.dir;
    std::fs::create_dir_all(dir).map_err(|error| Error::io(dir, error))?;
    if program::is_root() {
        run(Path::new("chown"), &["postgres:", &dir.to_string_lossy()])?;
    }
    let mut initdb = unprivileged(&bin.join("initdb"));
    initdb
        .arg("-D")
        .arg(dir)
        .args(["-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
    let secret = dir.with_extension("password");
    if setup.password.is_empty() {
        initdb.args(["-A", "trust"]);
    } else {
        std::fs::write(&secret, &setup.password).map_err(|error| Error::io(&secret, error))?;
        if program::is_root() {
            run(
                Path::new("chown"),
                &["postgres:", &secret.to_string_lossy()],
            )?;
        }
        run(Path::new("chmod"), &["600", &secret.to_string_lossy()])?;
        initdb
            .args(["-A", "scram-sha-256", "--pwfile"])
            .arg(&secret);
    }
    let output = initdb
        .output()
        .map_err(|error| Error::io(bin.join("initdb"), error))?;
    // It was needed once; nothing else reads it.
    drop(std::fs::remove_file(&secret));
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        what: format!("initdb failed in {}", dir.display()),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// PostgreSQL refuses to run as root: there it runs as the user that its package made. The
/// process that is started is the server itself, so that signals reach it.
fn unprivileged(program: &Path) -> Command {
    if !program::is_root() {
        return program::command(program);
    }
    let mut command = program::command(Path::new("setpriv"));
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ])
        .arg(program)
        // Root's directory cannot be entered by others.
        .current_dir("/");
    command
}

fn run(program: &Path, arguments: &[&str]) -> Result<(), Error> {
    let output = program::command(program)
        .args(arguments)
        .output()
        .map_err(|error| Error::io(program, error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        what: format!("{} {}", program.display(), arguments.join(" ")),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_answers_and_asks_for_the_password() {
        let bin = find().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(dir.path(), open).unwrap();
        let setup = Setup {
            dir: dir.path().join("pg"),
            port: crate::ports::free(1)[0],
            password: "secret".into(),
            fsync: false,
        };
        let running = start(&bin, &setup).unwrap();
        create_database(&bin, &setup, "one").unwrap();
        create_database(&bin, &setup, "one").unwrap();
        let wrong = Setup {
            password: "wrong".into(),
            ..setup.clone()
        };
        assert!(create_database(&bin, &wrong, "two").is_err());
        drop(running);
    }
}
