//! `towpath commits`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser as NonEmpty;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Commits {
    /// Check messages by Conventional Commits 1.0.0, and by what else is asked of them.
    Check(Check),
}

/// Which messages, and what is asked of them.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The commits, as `A..B` [default: what HEAD has and the default branch has not].
    #[arg(value_name = "A..B", conflicts_with_all = ["messages", "before"])]
    pub(crate) range: Option<String>,
    /// Messages instead of commits: a file with a JSON object `{"message": "…"}` on each line; `-`
    /// is standard input. With `--output json`, one line is answered by one line.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["before", "repo"])]
    pub(crate) messages: Option<PathBuf>,
    /// The repository, or a directory in it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// The branch that the commits are on [default: the one checked out]. Where none is known,
    /// what is asked on protected branches is asked.
    #[arg(long, value_parser = NonEmpty::new())]
    pub(crate) branch: Option<String>,
    /// The types that are allowed [default: feat, fix, docs, test, ci, refactor, perf, chore,
    /// revert, build, style].
    #[arg(long, value_delimiter = ',', value_parser = NonEmpty::new())]
    pub(crate) types: Vec<String>,
    /// The protected branches; `*` stands for anything but a `/` [default: main, master, develop,
    /// release/*/*].
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',', value_parser = NonEmpty::new())]
    pub(crate) protected: Vec<String>,
    /// What a push moved the branch from: the webhook's commit, or that of a post-receive hook; zeros for a new
    /// branch.
    #[arg(long, value_name = "SHA", requires = "after")]
    pub(crate) before: Option<String>,
    /// What a push moved the branch to.
    #[arg(long, value_name = "SHA", requires = "before")]
    pub(crate) after: Option<String>,
    /// The branch that new ones begin on.
    #[arg(long, value_name = "BRANCH", default_value = "main", value_parser = NonEmpty::new())]
    pub(crate) default_branch: String,
}
