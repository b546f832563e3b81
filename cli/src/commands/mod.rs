//! The commands, one file per verb.

mod access;
mod approvals;
mod build;
mod certificate;
mod changelog;
mod commits;
mod demo;
mod deployments;
mod environments;
mod explain;
mod faults;
mod hold;
mod init;
mod log;
mod manifests;
mod manual;
mod migrate;
mod nats_config;
mod probe;
mod projections;
mod release;
mod restore;
mod rollback;
mod sample_image;
mod serve;
mod status;
mod up;
mod verify_nats;
mod version;
mod view;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use crate::args::{Args, Command};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Format;

/// What every command gets beside its own flags.
pub(crate) struct Scene {
    pub(crate) output: crate::output::Format,
    pub(crate) connection: crate::args::Connection,
}

impl Scene {
    fn is_json(&self) -> bool {
        self.output == crate::output::Format::Json
    }

    /// Refuses to print what is neither text, nor JSON, nor one of `more`.
    fn prints(&self, more: &[Format]) -> Result<(), Failure> {
        let only = match self.output {
            Format::Text | Format::Json => return Ok(()),
            it if more.contains(&it) => return Ok(()),
            Format::Github => "only `towpath version` has outputs for a step of GitHub Actions",
            Format::Markdown | Format::Html => {
                "only `towpath changelog` is printed as markdown or html"
            }
        };
        Err(Failure::usage("output", only).fix("use --output json"))
    }

    fn data(&self) -> Result<std::path::PathBuf, Failure> {
        crate::home::data_dir(self.connection.data.as_deref())
    }

    /// The log that the data directory's configuration names, without a server.
    async fn record(&self) -> Result<crate::serve::Record, Failure> {
        let data = self.data()?;
        let config = service::Config::load(&data, crate::home::settings())?;
        crate::serve::Record::existing(&data, &config).await
    }

    /// Refuses `--server` for a command that looks at the stores themselves: it would answer
    /// about another installation than the one that was named.
    fn asks_no_server(&self, command: &str) -> Result<(), Failure> {
        let Some(server) = &self.connection.server else {
            return Ok(());
        };
        Err(Failure::usage(
            "server-not-asked",
            format!(
                "`towpath {command}` asks no server, so it cannot ask {server}: it opens the \
                 stores that the configuration of the data directory names"
            ),
        )
        .fix("leave --server and TOWPATH_SERVER out, and say with --data which data directory"))
    }

    /// Whether a server is named, by its address or its data directory: a command that works
    /// without one asks none that just happens to run on this machine.
    fn names_server(&self) -> bool {
        self.connection.server.is_some() || self.connection.data.is_some()
    }

    async fn client(&self) -> Result<Client, Failure> {
        Client::connect(&self.connection).await
    }

    /// A client for calls that last as long as their stream.
    async fn streaming(&self) -> Result<Client, Failure> {
        let connection = crate::args::Connection {
            streams: true,
            ..self.connection.clone()
        };
        Client::connect(&connection).await
    }
}

/// Runs one command.
pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let scene = Scene {
        output: args.output,
        connection: args.connection,
    };
    let done = ExitCode::SUCCESS;
    scene.prints(if matches!(args.command, Command::Version(_)) {
        &[Format::Github]
    } else if matches!(&args.command, Command::Changelog(_)) {
        &[Format::Markdown, Format::Html]
    } else {
        &[]
    })?;
    match args.command {
        Command::Up(up) => Box::pin(up::run(&scene, up)).await?,
        Command::Serve(serve) => Box::pin(serve::run(&scene, serve)).await?,
        Command::NatsConfig { passwords } => nats_config::run(passwords.as_deref())?,
        Command::Migrate => migrate::run(&scene).await?,
        Command::Demo(demo) => Box::pin(demo::run(&scene, demo)).await?,
        Command::Init(init) => init::run(&scene, init).await?,
        Command::Status => status::run(&scene).await?,
        Command::Access(access) => access::run(&scene, access).await?,
        Command::Build(build) => return build::run(&scene, build).await,
        Command::Deployments(deployments) => return deployments::run(&scene, deployments).await,
        Command::Explain { subject } => explain::run(&scene, subject).await?,
        Command::Environments(environments) => environments::run(&scene, environments).await?,
        Command::Release(release) => release::run(&scene, release).await?,
        Command::Version(version) => version::run(&scene, version).await?,
        Command::Changelog(it) => changelog::run(&scene, it).await?,
        Command::Approve(say) => approvals::approve(&scene, say).await?,
        Command::Reject(say) => approvals::reject(&scene, say).await?,
        Command::Approvals(approvals) => approvals::run(&scene, approvals).await?,
        Command::Rollback(rollback) => rollback::run(&scene, rollback).await?,
        Command::Hold(hold) => hold::run(&scene, hold).await?,
        Command::Commits(commits) => return commits::run(&scene, commits),
        Command::Manifests(manifests) => return manifests::run(&scene, manifests),
        Command::Log(log) => return log::run(&scene, log).await,
        Command::Projections(projections) => return projections::run(&scene, projections).await,
        Command::Certificate(certificate) => certificate::run(&scene, &certificate)?,
        Command::Probe { path } => probe::run(&scene, &path).await?,
        Command::SampleImage(image) => sample_image::run(&scene, &image)?,
        Command::Completions { shell } => manual::completions(shell)?,
        Command::Man { dir } => manual::man(&dir)?,
        Command::Reference { page } => manual::reference(page)?,
    }
    Ok(done)
}

/// Says on a terminal how far something is; for anything longer than a second.
pub(crate) fn progress(what: &'static str) -> impl FnMut(u64, u64) + Send {
    let shown = std::io::stderr().is_terminal();
    let mut last = 0;
    move |done, total| {
        if !shown || total < 50_000 {
            return;
        }
        let percent = done * 100 / total.max(1);
        if percent != last {
            last = percent;
            let end = if done >= total { "\n" } else { "" };
            // A terminal that went away needs no progress.
            drop(write!(std::io::stderr(), "\r{what}: {percent} %{end}"));
        }
    }
}
