//! The data directory and the environment: read here, once, and nowhere else.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// What a running server writes down so that commands on this machine find it.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Address {
    /// `http://127.0.0.1:7070`.
    pub(crate) address: String,
    /// The server's process.
    pub(crate) pid: u32,
}

/// Name of the file with the [`Address`].
pub(crate) const ADDRESS_FILE: &str = "server.json";
/// Name of the file with the token of this machine's admin, mode 0600.
pub(crate) const TOKEN_FILE: &str = "admin.token";

#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}

/// Everything set with our prefix, for the configuration.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub(crate) fn settings() -> Vec<(String, String)> {
    std::env::vars()
        .filter(|(name, _)| name.starts_with("TOWPATH_"))
        .collect()
}

/// Where the data is: the flag, `TOWPATH_DATA`, or the user's data directory.
pub(crate) fn data_dir(flag: Option<&Path>) -> Result<PathBuf, Failure> {
    let dir = match flag {
        Some(dir) => dir.to_owned(),
        None => match (
            variable("TOWPATH_DATA"),
            variable("XDG_DATA_HOME"),
            variable("HOME"),
        ) {
            (Some(dir), _, _) => PathBuf::from(dir),
            (None, Some(data), _) => PathBuf::from(data).join("towpath"),
            (None, None, Some(home)) => PathBuf::from(home).join(".local/share/towpath"),
            (None, None, None) => {
                return Err(Failure::usage(
                    "no-data-directory",
                    "there is no home directory to keep data in",
                )
                .fix("give one with --data or TOWPATH_DATA"));
            }
        },
    };
    absolute(&dir)
}

/// A path as it is from everywhere.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(Failure::io(path.display()))
}

/// What is logged to standard error.
pub(crate) fn log_filter(verbose: bool) -> String {
    let default = if verbose {
        "debug,hyper=info,h2=info,tower=info,sqlx=info"
    } else {
        "warn"
    };
    variable("TOWPATH_LOG").unwrap_or_else(|| default.to_owned())
}

/// Whether logs are JSON lines.
pub(crate) fn log_is_json() -> bool {
    variable("TOWPATH_LOG_FORMAT").is_some_and(|it| it == "json")
}

/// Writes a file so that a reader sees the old one or the new one; `mode` holds from its first
/// moment on.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let half = path.with_extension("new");
    let write = || {
        if let Err(error) = std::fs::remove_file(&half)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&half)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&half, path)
    };
    write().map_err(Failure::io(path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nowhere").join("server.json");
        let text = format!("{:?}", write_whole(&path, b"{}", 0o600).unwrap_err());
        assert!(text.contains("nowhere/server.json"), "{text}");
    }
}
