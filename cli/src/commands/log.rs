//! `towpath log`: the record itself.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::process::ExitCode;

use eventlog::sqlite::{self, VerifyError};
use eventlog::{export, import, lock};
use proto::control::v1 as pb;
use serde_json::json;
use service::config::Backend;
use service::time::rfc3339;

use super::{Scene, progress, view};
use crate::args;
use crate::failure::Failure;
use crate::output;
use crate::serve::refused;

pub(super) async fn run(scene: &Scene, command: args::Log) -> Result<ExitCode, Failure> {
    match command {
        args::Log::Tail { after, follow } => tail(scene, after, follow).await?,
        args::Log::Verify => {
            scene.asks_no_server("log verify")?;
            return verify(scene).await;
        }
        args::Log::Export { file } => {
            scene.asks_no_server("log export")?;
            export_to(scene, &file).await?;
        }
        args::Log::Import { file } => {
            scene.asks_no_server("log import")?;
            import_from(scene, &file).await?;
        }
        args::Log::Restore {
            from: args::RestoreFrom::Archive,
            ..
        } => {
            scene.asks_no_server("log restore")?;
            super::restore::run(scene).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn tail(scene: &Scene, after_position: u64, follow: bool) -> Result<(), Failure> {
    let client = scene.streaming().await?;
    let request = pb::TailLogRequest {
        after_position,
        once: !follow,
    };
    let mut commits = client.control().tail_log(request).await?.into_inner();
    while let Some(it) = commits.message().await.map_err(Failure::of_stream)? {
        if scene.is_json() {
            output::json(&view::commit(&it))?;
            continue;
        }
        let kinds: Vec<_> = it
            .kinds
            .iter()
            .map(|kind| kind.rsplit('.').next().unwrap_or(kind))
            .collect();
        output::line(&format!(
            "{:>6}  {}  {}@{}  {}  {}",
            it.position,
            rfc3339(it.recorded_at_us),
            it.aggregate,
            it.version,
            it.actor,
            kinds.join(" ")
        ))?;
    }
    Ok(())
}

async fn verify(scene: &Scene) -> Result<ExitCode, Failure> {
    let config = service::Config::load(&scene.data()?, crate::home::settings())?;
    if config.log.backend == Backend::Nats {
        return super::verify_nats::run(scene, &config).await;
    }
    let path = scene.data()?.join("log.db");
    match sqlite::verify_file(&path, progress("checking the log")).await {
        Ok(whole) => {
            if scene.is_json() {
                output::json(&json!({
                    "commits": whole.commits, "aggregates": whole.aggregates,
                    "position": whole.tail.position.0, "corrupt": [],
                }))?;
            } else {
                output::line(&format!(
                    "{} commits of {} aggregates: whole",
                    whole.commits, whole.aggregates
                ))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(VerifyError::Corrupt(found)) => {
            let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
            if scene.is_json() {
                output::json(&json!({ "corrupt": texts }))?;
            } else {
                for text in &texts {
                    output::line(text)?;
                }
            }
            Ok(ExitCode::from(1))
        }
        Err(error @ VerifyError::Open(_)) => Err(refused("log-unusable", &error)),
        Err(error @ VerifyError::Read(_)) => Err(Failure::broke("log", error.to_string())),
    }
}

async fn export_to(scene: &Scene, file: &Path) -> Result<(), Failure> {
    let record = scene.record().await?;
    let log = record.log();
    let exported = if file == Path::new("-") {
        export::export(log.as_ref(), std::io::stdout()).await
    } else {
        let half = file.with_extension("part");
        let at = || Failure::io(half.display());
        let mut out = BufWriter::new(File::create(&half).map_err(at())?);
        let exported = export::export(log.as_ref(), &mut out).await;
        let out = out.into_inner().map_err(|error| at()(error.into_error()))?;
        out.sync_all().map_err(at())?;
        std::fs::rename(&half, file).map_err(Failure::io(file.display()))?;
        exported
    };
    record.close().await;
    let exported = exported.map_err(|error| refused("log-unusable", &error))?;
    if file == Path::new("-") {
        return Ok(());
    }
    if scene.is_json() {
        return output::json(
            &json!({ "commits": exported.commits, "log_id": exported.identity.log_id.to_string() }),
        );
    }
    output::line(&format!(
        "{} commits of log {} in {}",
        exported.commits,
        exported.identity.log_id,
        file.display()
    ))
}

async fn import_from(scene: &Scene, file: &Path) -> Result<(), Failure> {
    let data = scene.data()?;
    let config = service::Config::load(&data, crate::home::settings())?;
    only_into_a_file(&config)?;
    std::fs::create_dir_all(&data).map_err(Failure::io(data.display()))?;
    let _lock = lock::lock(&data).map_err(|error| refused("data-directory-in-use", &error))?;
    let reader = BufReader::new(File::open(file).map_err(|error| {
        Failure::refused("file-unreadable", format!("{}: {error}", file.display()))
    })?);
    let imported = import::import(reader, &data)
        .await
        .map_err(|error| refused("import-refused", &error))?;
    if scene.is_json() {
        return output::json(
            &json!({ "commits": imported.commits, "log_id": imported.identity.log_id.to_string() }),
        );
    }
    output::line(&format!(
        "{} commits of log {} in {}",
        imported.commits,
        imported.identity.log_id,
        data.display()
    ))
}

/// An import makes a file. Where the log is on NATS nobody would ever read that file.
fn only_into_a_file(config: &service::Config) -> Result<(), Failure> {
    match config.log.backend {
        Backend::Sqlite => Ok(()),
        Backend::Nats => Err(Failure::usage(
            "import-into-nats",
            "`log import` makes a log in a file, and this data directory is configured for a log \
             on NATS (log.backend = \"nats\")",
        )
        .fix(
            "import into a data directory of its own: give it with --data, and log.backend = \
             \"sqlite\" (or leave TOWPATH_LOG_BACKEND out); a log on NATS comes back with \
             `towpath log restore --from archive --new-epoch`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_goes_only_where_the_log_is_a_file() {
        let mut config = service::Config::default();
        assert!(only_into_a_file(&config).is_ok());
        config.log.backend = Backend::Nats;
        let refused = format!("{:?}", only_into_a_file(&config).unwrap_err());
        assert!(
            refused.contains("log.backend") && refused.contains("log restore"),
            "{refused}"
        );
    }
}
