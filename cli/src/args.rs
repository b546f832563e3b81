//! Every command and flag. `docs/reference/cli.md` is generated from here.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use service::role::Role;

use crate::output::Format;

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
    /// Print the users of NATS and what each may do, for nats-server's configuration.
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
    /// Show what a deployment changes, commit by commit.
    Changelog {
        /// The deployment's id, or the beginning of it.
        deployment: String,
    },
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
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Up {
    /// The manifests repository: a path or a URL that git understands.
    #[arg(long, value_name = "URL")]
    pub(crate) manifests: Option<String>,
    /// The branch that environments follow.
    #[arg(long, value_name = "NAME")]
    pub(crate) branch: Option<String>,
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Name of the author of Towpath's commits.
    #[arg(long, value_name = "NAME")]
    pub(crate) author_name: Option<String>,
    /// Address of the author of Towpath's commits.
    #[arg(long, value_name = "EMAIL")]
    pub(crate) author_email: Option<String>,
    /// Certificate chain, PEM; needed to listen beyond this machine.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// End application processes at a clean stop, instead of leaving them to the next start.
    #[arg(long)]
    pub(crate) stop_applications: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Serve {
    /// A role: cd-manager, releaser, approval-ledger, changelog or runner. May be repeated.
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    pub(crate) roles: Vec<Role>,
    /// Check the configuration and say what is wrong with it, start nothing.
    #[arg(long)]
    pub(crate) check_config: bool,
    #[command(flatten)]
    pub(crate) up: Up,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| {
        let words: Vec<_> = Role::ALL.iter().map(|it| it.as_str()).collect();
        format!("there is no such role; the roles are {}", words.join(", "))
    })
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Demo {
    /// Stay up afterwards, until interrupted.
    #[arg(long, conflicts_with_all = ["prepare", "server"])]
    pub(crate) keep: bool,
    /// Where to work; left there afterwards [default: a new directory for temporary files]. With
    /// --server, where that server finds its manifests (manifests.git) and images (images).
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Only make the manifests repository and the images in --dir, for a server to be started on
    /// them.
    #[arg(long, requires = "dir", conflicts_with = "keep")]
    pub(crate) prepare: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Init {
    /// The manifests repository to use.
    #[arg(long, value_name = "URL", required_unless_present = "from")]
    pub(crate) manifests: Option<String>,
    /// The branch that environments follow.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) branch: String,
    /// Print the environments found in an infrastructure repository on this machine.
    #[arg(long, value_name = "DIR", conflicts_with = "manifests")]
    pub(crate) from: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Access {
    /// Create an identity and print its token, once.
    Create {
        /// Its name.
        name: String,
        /// A group: admin, release-manager, developer, ci, viewer, or one that an approval policy
        /// names. May be repeated.
        #[arg(long = "group", value_name = "GROUP", required = true)]
        groups: Vec<String>,
        /// A machine, not a person.
        #[arg(long)]
        service: bool,
        /// When its token stops being accepted: 2h, 7d, or 2026-11-20T10:00:00Z [default: never].
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// Check everything, record nothing, make no token.
        #[arg(long)]
        dry_run: bool,
    },
    /// List identities.
    List,
    /// Refuse an identity's token from now on.
    Revoke {
        /// Its name.
        name: String,
        /// Check everything, record nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Build {
    /// Report that a build exists. Reporting it again gives the same answer, for ever.
    Report(Box<Report>),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Report {
    /// The build definition.
    #[arg(long)]
    pub(crate) definition: String,
    /// The container within the definition.
    #[arg(long)]
    pub(crate) container: String,
    /// The version, which is also the image's tag.
    #[arg(long)]
    pub(crate) version: String,
    /// The image: sha256:… of its manifest or index.
    #[arg(long)]
    pub(crate) digest: String,
    /// LATEST, ALPHA, BETA, HOTFIX or NONE.
    #[arg(long, default_value = "LATEST", value_name = "TYPE")]
    pub(crate) release_type: String,
    /// An artifact registry that holds the image. May be repeated [default: the definition's].
    #[arg(long = "registry", value_name = "NAME")]
    pub(crate) registries: Vec<String>,
    /// The source commit.
    #[arg(long, value_name = "OID")]
    pub(crate) commit: Option<String>,
    /// CI's run number.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) ci_run: u64,
    /// Same key and report, same answer [default: a new key].
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Wait until its deployments have come to rest; exit 1 unless all succeeded.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Check everything, record nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Deployments {
    /// List deployments, newest first.
    List {
        /// Only of this application.
        #[arg(long)]
        application: Option<String>,
        /// Only to this environment.
        #[arg(long)]
        environment: Option<String>,
        /// Only in this state.
        #[arg(long)]
        state: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// As it was: a time such as 2026-11-20T10:00:00Z, or aggregate@version. Reads the log from
        /// its beginning, so it takes longer on a long one.
        #[arg(
            long,
            value_name = "WHEN",
            default_value = "",
            hide_default_value = true
        )]
        as_of: String,
    },
    /// Show one deployment.
    Show {
        /// Its id, or the beginning of it.
        id: String,
        /// As it was: a time such as 2026-11-20T10:00:00Z, or aggregate@version. Reads the log from
        /// its beginning, so it takes longer on a long one.
        #[arg(
            long,
            value_name = "WHEN",
            default_value = "",
            hide_default_value = true
        )]
        as_of: String,
    },
    /// Follow deployments as they change.
    Watch {
        /// Only this one.
        id: Option<String>,
        /// Only of this application.
        #[arg(long)]
        application: Option<String>,
        /// Only to this environment.
        #[arg(long)]
        environment: Option<String>,
        /// End when all of them are at rest.
        #[arg(long)]
        until_settled: bool,
    },
    /// Try again what failed or was refused.
    Retry {
        /// Its id, or the beginning of it.
        id: String,
        /// Check everything, record nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Give up a deployment that has not been committed.
    Abort {
        /// Its id, or the beginning of it.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Check everything, record nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Environments {
    /// List environments and what runs in them.
    List {
        /// As it was: a time such as 2026-11-20T10:00:00Z, or aggregate@version. Reads the log from
        /// its beginning, so it takes longer on a long one.
        #[arg(
            long,
            value_name = "WHEN",
            default_value = "",
            hide_default_value = true
        )]
        as_of: String,
    },
    /// Show one environment.
    Show {
        /// Its name.
        name: String,
        /// As it was: a time such as 2026-11-20T10:00:00Z, or aggregate@version. Reads the log from
        /// its beginning, so it takes longer on a long one.
        #[arg(
            long,
            value_name = "WHEN",
            default_value = "",
            hide_default_value = true
        )]
        as_of: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Release {
    /// Begin a release of what last succeeded in pre-release, or another pass of one that failed.
    Create {
        /// The application set.
        application_set: String,
        /// The bundle, such as 2026.11.
        #[arg(long, value_name = "NAME")]
        bundle: String,
        /// Same key and release, same answer [default: a new key].
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
        /// Check everything, record nothing, reserve no number.
        #[arg(long)]
        dry_run: bool,
    },
    /// List releases; the one that changed last comes first.
    List {
        /// Only of this application set.
        #[arg(long, value_name = "NAME", default_value = "")]
        application_set: String,
    },
    /// Show one release, its passes and where their tags stand.
    Show {
        /// Its id, the beginning of it, `application-set/bundle`, or a tag.
        release: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Say {
    /// The deployment's id, or the beginning of it.
    pub(crate) deployment: String,
    /// The stage [default: the one that asks now].
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) stage: String,
    /// Why; kept as it is written.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) comment: String,
    /// The plan that was looked at, or the beginning of its digest: refused when another one
    /// is asked about now [default: whichever is].
    #[arg(
        long,
        value_name = "DIGEST",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) plan: String,
    /// Same key and words, same answer [default: a new key].
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Check everything, record nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Approvals {
    /// List what asks for approval, newest first.
    List {
        /// What is settled too.
        #[arg(long)]
        all: bool,
    },
    /// Show who is asked about a deployment, and what they said.
    Show {
        /// The deployment's id, or the beginning of it.
        deployment: String,
        /// The stage [default: the one that asked last].
        #[arg(
            long,
            value_name = "NAME",
            default_value = "",
            hide_default_value = true
        )]
        stage: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Rollback {
    /// The application.
    pub(crate) application: String,
    /// The environment.
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// The version to return to [default: the one before].
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<String>,
    /// Why.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    /// Show the change, make none.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Hold {
    /// Place a hold.
    Create {
        /// app, appset, environment or all.
        #[arg(long)]
        scope: String,
        /// `application`, `environment/application`, or a name; nothing for all.
        #[arg(long, default_value = "")]
        subject: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// When it runs out: 2h, 7d, or 2026-11-20T10:00:00Z [default: when released].
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Check everything, record nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// List holds in force.
    List {
        /// Released and run-out ones too.
        #[arg(long)]
        all: bool,
    },
    /// Release a hold.
    Release {
        /// Its id.
        id: String,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// Check everything, record nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Manifests {
    /// Check the manifests in a directory.
    Validate {
        /// The directory.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Show what refers to what.
    Graph {
        /// The directory.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Print the JSON schema of a kind, or of all.
    Schema {
        /// Such as Application.
        kind: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Show commits as they were written.
    Tail {
        /// Only after this position.
        #[arg(long, default_value_t = 0, value_name = "POSITION")]
        after: u64,
        /// Go on with new ones as they come.
        #[arg(long)]
        follow: bool,
    },
    /// Check every commit of the log; on NATS also against its archive.
    Verify,
    /// Write the log to a file.
    Export {
        /// The file; `-` for standard output.
        file: PathBuf,
    },
    /// Make a log from an exported file, in an empty data directory.
    Import {
        /// The file.
        file: PathBuf,
    },
    /// Put a log on NATS back, with an operator's credentials. Roles start again by themselves.
    Restore {
        /// What it is made of.
        #[arg(long, value_enum)]
        from: RestoreFrom,
        /// Begin a new epoch: writers of the old one are refused from then on.
        #[arg(long, required = true)]
        new_epoch: bool,
    },
}

/// What a log is restored from.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RestoreFrom {
    /// The archive in PostgreSQL.
    Archive,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Projections {
    /// Make the read models anew from the log; in PostgreSQL while they are served, from a file
    /// only while no server runs.
    Rebuild,
    /// Compare the read models with the log.
    Verify,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SampleImage {
    /// The OCI layout; made when it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) layout: PathBuf,
    /// The version that it answers.
    #[arg(long)]
    pub(crate) version: String,
    /// The name that it answers.
    #[arg(long, default_value = "sample")]
    pub(crate) name: String,
    /// Answer health probes with 500 and this text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) broken: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Certificate {
    /// Where ca.crt, tls.crt and tls.key go; a set that is there is kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// A host name or address that the certificate is for. May be repeated.
    #[arg(long = "name", value_name = "HOST", required = true)]
    pub(crate) names: Vec<String>,
    /// Replace what is there.
    #[arg(long)]
    pub(crate) renew: bool,
}
