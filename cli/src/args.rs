//! Every command and flag. `docs/reference/cli.md` is generated from here.

mod access;
mod approvals;
mod as_of;
mod build;
mod certificate;
mod changelog;
mod commits;
mod demo;
mod deployments;
mod environments;
mod hold;
mod init;
mod log;
mod manifests;
mod projections;
mod release;
mod rollback;
mod sample_image;
mod serve;
mod up;
mod version;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::output::Format;

pub(crate) use access::Access;
pub(crate) use approvals::{Approvals, Say};
pub(crate) use as_of::AsOf;
pub(crate) use build::Build;
pub(crate) use certificate::Certificate;
pub(crate) use changelog::Changelog;
pub(crate) use commits::{Check, Commits};
pub(crate) use demo::Demo;
pub(crate) use deployments::Deployments;
pub(crate) use environments::Environments;
pub(crate) use hold::Hold;
pub(crate) use init::Init;
pub(crate) use log::{Log, RestoreFrom};
pub(crate) use manifests::Manifests;
pub(crate) use projections::Projections;
pub(crate) use release::Release;
pub(crate) use rollback::Rollback;
pub(crate) use sample_image::SampleImage;
pub(crate) use serve::Serve;
pub(crate) use up::Up;
pub(crate) use version::{Compute, Core, Hotfix, OnZero, Version};

/// Takes software from a build report to a running version, on a record that cannot be rewritten.
#[derive(Debug, Parser)]
#[command(
    name = "towpath",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Args {
    /// How answers are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
    /// Say more on standard error.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which installation is meant.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Connection {
    /// The data directory [default: `$TOWPATH_DATA`, or towpath in the user's data directory].
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The server's address [default: the one running on the data directory].
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "TOWPATH_SERVER",
        hide_env_values = true
    )]
    pub(crate) server: Option<String>,
    /// A file with the token to use [default: `$TOWPATH_TOKEN`, or the data directory's].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificate to trust, PEM, for a server with TLS [default: the one configured in the data
    /// directory].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Set by commands that follow a stream for as long as it lasts.
    #[arg(skip)]
    pub(crate) streams: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server, all roles in one process, on this machine.
    Up(Up),
    /// Run some of the roles in this process; the others run elsewhere (`[roles]` says where).
    Serve(Serve),
    /// Bring NATS to what this version needs, with an operator's credentials; before the roles
    /// start.
    Migrate,
    /// Print the users of NATS, their accounts, and what each may do, for nats-server's configuration.
    NatsConfig {
        /// A directory with a file `nats-<user>.password` for each user; without it, passwords are
        /// variables of nats-server's environment.
        #[arg(long, value_name = "DIR")]
        passwords: Option<PathBuf>,
    },
    /// Show the main job on an installation made for it: promotions, a version that fails, the next.
    Demo(Demo),
    /// Prepare a data directory, or propose manifests for an existing repository.
    Init(Init),
    /// Say what runs, where the log stands, and what would survive which failure.
    Status,
    /// Who may call.
    #[command(subcommand)]
    Access(Access),
    /// What CI built.
    #[command(subcommand)]
    Build(Build),
    /// What is on its way, and what arrived.
    #[command(subcommand)]
    Deployments(Deployments),
    /// Say why something is as it is, who can act, and what happens next.
    Explain {
        /// A deployment, a build, or `environment/application`.
        subject: String,
    },
    /// What runs where.
    #[command(subcommand)]
    Environments(Environments),
    /// Take what succeeded in pre-release through the release stages.
    #[command(subcommand)]
    Release(Release),
    /// Show what a deployment changes, what is new in an environment by a release, or between two
    /// versions, commit by commit.
    Changelog(Changelog),
    /// Say yes to what a stage of a deployment would do.
    Approve(Say),
    /// Say no to it: the stage is halted.
    Reject(Say),
    /// What asks for approval.
    #[command(subcommand)]
    Approvals(Approvals),
    /// Return an application to a version that ran before, and hold it there.
    Rollback(Rollback),
    /// Stop automatic promotion for a while.
    #[command(subcommand)]
    Hold(Hold),
    /// Versions of a repository: without a server, or reserved on the one that is named.
    #[command(subcommand)]
    Version(Version),
    /// Commits of a repository: asks no server.
    #[command(subcommand)]
    Commits(Commits),
    /// Check and show manifests.
    #[command(subcommand)]
    Manifests(Manifests),
    /// The record itself.
    #[command(subcommand)]
    Log(Log),
    /// The read models made of the log.
    #[command(subcommand)]
    Projections(Projections),
    /// Make an authority and a certificate signed by it, to try out TLS.
    Certificate(Certificate),
    /// Ask a server how it is; for health checks.
    #[command(hide = true)]
    Probe {
        /// /livez, /readyz or /healthz.
        #[arg(default_value = "/readyz")]
        path: String,
    },
    /// Write the sample application as an image into an OCI layout.
    SampleImage(SampleImage),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a directory.
    Man {
        /// The directory; made when it is not there.
        dir: PathBuf,
    },
    /// Print a page of the reference, as Markdown.
    #[command(hide = true)]
    Reference {
        /// Which page.
        page: Page,
    },
}

/// A generated page of the reference.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Page {
    /// Every command.
    Cli,
    /// Every setting.
    Configuration,
    /// Every service: its calls and its events.
    Services,
}
