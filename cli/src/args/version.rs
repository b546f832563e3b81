//! `towpath version …`.

use std::path::PathBuf;

use clap::Subcommand;
use ids::ReleaseType;
use versioning::strategy::Strategy;

/// What a version is, and which one comes next.
#[derive(Debug, Subcommand)]
pub(crate) enum Version {
    /// Find out which version a commit gets, and why. Nothing is tagged.
    Compute(Box<Compute>),
    /// Say which label the title of a pull request derives.
    Label {
        /// The title, such as `feat(api): answer in pages`.
        title: String,
    },
}

/// Which version, of what.
#[derive(Debug, clap::Args)]
pub(crate) struct Compute {
    /// The repository, or a directory in it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// The commit that gets the version.
    #[arg(long, value_name = "REVISION", default_value = "HEAD")]
    pub(crate) commit: String,
    /// The branch that the commit was pushed to, which decides what is released, and the pull
    /// requests to which branch count [default: the one that is checked out].
    #[arg(long, value_name = "BRANCH")]
    pub(crate) branch: Option<String>,
    /// What is released, whatever the branch: latest, alpha, beta, hotfix or none.
    #[arg(long, value_name = "TYPE", value_parser = release_type)]
    pub(crate) release_type: Option<ReleaseType>,
    /// How the repository is branched: `github_flow`, `git_flow` or `trunk_based`.
    #[arg(long, value_name = "STRATEGY", default_value = "git_flow")]
    pub(crate) strategy: Strategy,
    /// Labels of the pull request that brought the commit, separated by commas.
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    pub(crate) labels: Vec<String>,
    /// What stands before the version in tags.
    #[arg(long, value_name = "TEXT", default_value = "v")]
    pub(crate) prefix: String,
    /// Count tags without the prefix, too.
    #[arg(long)]
    pub(crate) accept_bare: bool,
    /// Count only commits that change something below this path; may be repeated.
    #[arg(long = "path", value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Look for the release before on this branch, too; may be repeated.
    #[arg(long = "base-branch", value_name = "BRANCH")]
    pub(crate) base_branches: Vec<String>,
    /// What stands before the dash of an alpha or beta: the release before, or the one that comes.
    #[arg(long, value_enum, default_value = "base")]
    pub(crate) prerelease_core: Core,
    /// How a hotfix is named: with a suffix, or by the patch number.
    #[arg(long, value_enum, default_value = "suffix")]
    pub(crate) hotfix_scheme: Hotfix,
    /// What a breaking change moves as long as the major number is 0.
    #[arg(long, value_enum, default_value = "major")]
    pub(crate) major_on_zero: OnZero,
    /// The repository on the server, as address or host and path [default: that of the remote].
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,
    /// Ask the server for no labels of merged pull requests.
    #[arg(long)]
    pub(crate) without_labels: bool,
    /// Reserve nothing: only say which version it would be.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The first release of a repository that has none.
    #[arg(long, value_name = "VERSION", value_parser = release)]
    pub(crate) initial_version: Option<semver::Version>,
}

/// See [`versioning::compute::PreReleaseCore`].
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Core {
    /// `v2.4.12-alpha.3`
    Base,
    /// `v2.5.0-alpha.3`
    Next,
}

/// See [`versioning::compute::HotfixScheme`].
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Hotfix {
    /// `v2.4.12-hotfix.1`
    Suffix,
    /// `v2.4.13`
    Patch,
}

/// What a breaking change of `0.y.z` moves.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum OnZero {
    /// To `1.0.0`.
    Major,
    /// To `0.y+1.0`.
    Minor,
}

/// As in build reports, in any case: people type it.
fn release_type(text: &str) -> Result<ReleaseType, String> {
    let found = text.to_ascii_uppercase().parse();
    found.map_err(|_| format!("`{text}` is none of latest, alpha, beta, hotfix and none"))
}

/// Three numbers, with or without the `v` that people write.
fn release(text: &str) -> Result<semver::Version, String> {
    let version = semver::Version::parse(text.strip_prefix('v').unwrap_or(text));
    let version = version.map_err(|error| format!("it is no version such as 1.0.0: {error}"))?;
    if version.pre.is_empty() && version.build.is_empty() {
        Ok(version)
    } else {
        Err("it is no release: give three numbers, such as 1.0.0".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_case() {
        assert_eq!(release_type("hotfix"), Ok(ReleaseType::Hotfix));
        assert_eq!(release_type("NONE"), Ok(ReleaseType::None));
        assert!(release_type("release").is_err());
        assert_eq!(release("v1.0.0"), Ok(semver::Version::new(1, 0, 0)));
        for wrong in ["1.0.0-rc.1", "1.0.0+b", "1", ""] {
            assert!(release(wrong).is_err(), "{wrong}");
        }
    }
}
