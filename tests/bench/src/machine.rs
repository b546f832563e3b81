//! The machine by what matters for figures, never by its name.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::program;

/// Where figures come from.
#[derive(Debug)]
pub(crate) struct Machine {
    /// How many processors.
    pub(crate) cores: usize,
    /// Their model.
    pub(crate) model: String,
    /// Memory in GiB.
    pub(crate) memory_gib: u64,
    /// The file system of the directory that was used.
    pub(crate) file_system: String,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// The version of git.
    pub(crate) git: String,
    /// How many wanted a processor in the minute before: figures of a busy machine say less.
    pub(crate) load: String,
}

impl Machine {
    /// Looks at this machine.
    pub(crate) fn of(directory: &Path) -> Result<Self> {
        let cpu = fs::read_to_string("/proc/cpuinfo").context("cannot read /proc/cpuinfo")?;
        let memory = fs::read_to_string("/proc/meminfo").context("cannot read /proc/meminfo")?;
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        let load = fs::read_to_string("/proc/loadavg")?;
        let kib: u64 = field(&memory, "MemTotal")
            .and_then(|it| it.split(' ').next()?.parse().ok())
            .unwrap_or_default();
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            model: field(&cpu, "model name").unwrap_or("unknown").to_owned(),
            memory_gib: kib.div_ceil(1 << 20),
            file_system: file_system(directory)?,
            kernel: kernel.trim().to_owned(),
            git: program::git(directory, &["version"])?
                .trim_start_matches("git version ")
                .to_owned(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        })
    }
}

/// The value behind `name` in lines like `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// Type of the mount that holds the directory: the longest mount point above it.
fn file_system(directory: &Path) -> Result<String> {
    let directory = directory.canonicalize()?;
    let mounts = fs::read_to_string("/proc/self/mounts").context("cannot read the mounts")?;
    let above = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let point = words.nth(1)?;
        directory
            .starts_with(point)
            .then(|| (point.len(), words.next()))
    });
    let found = above.max_by_key(|(length, _)| *length);
    Ok(found.and_then(|it| it.1).unwrap_or("unknown").to_owned())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} × {}, {} GiB, {}, Linux {}, git {}, load {} before the run",
            self.cores,
            self.model,
            self.memory_gib,
            self.file_system,
            self.kernel,
            self.git,
            self.load
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "model\t\t: 207\nmodel name\t: Some CPU @ 2 GHz: fast\n";
        assert_eq!(field(text, "model name"), Some("Some CPU @ 2 GHz: fast"));
        assert_eq!(field(text, "name"), None);
    }

    #[test]
    fn a_directory_has_a_file_system() {
        let directory = tempfile::tempdir().unwrap();
        assert_ne!(file_system(directory.path()).unwrap(), "unknown");
    }
}
