//! `towpath log verify` of a log on NATS: every commit, then the archive beside it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use eventlog::archive::{Archive, Compared};
use eventlog::{EventLog, Head, Position};
use serde_json::json;
use service::Config;

use super::{Scene, progress};
use crate::failure::Failure;
use crate::output;
use crate::serve::archive_server;

/// Commits read at once.
const PAGE: usize = 1_000;

/// What was found.
struct Checked {
    commits: u64,
    aggregates: usize,
    position: Position,
    corrupt: Vec<String>,
}

pub(super) async fn run(scene: &Scene, config: &Config) -> Result<ExitCode, Failure> {
    let record = scene.record().await?;
    let log = record.log();
    let mut checked = check(log.as_ref()).await?;
    let compared = compare(config, log.as_ref()).await?;
    record.close().await;
    if let Some(found) = compared.as_ref().and_then(|it| it.divergence.as_ref()) {
        checked
            .corrupt
            .push(format!("the archive differs: {found}"));
    }
    if scene.is_json() {
        output::json(&json!({
            "commits": checked.commits, "aggregates": checked.aggregates,
            "position": checked.position.0, "corrupt": checked.corrupt,
            "archived": compared.as_ref().map(|it| it.archived.0),
        }))?;
    } else if checked.corrupt.is_empty() {
        let archive = compared.map_or_else(String::new, |it| {
            format!(
                "; the archive holds the same up to position {}",
                it.archived.0
            )
        });
        output::line(&format!(
            "{} commits of {} aggregates: whole{archive}",
            checked.commits, checked.aggregates
        ))?;
    } else {
        for text in &checked.corrupt {
            output::line(text)?;
        }
    }
    Ok(ExitCode::from(u8::from(!checked.corrupt.is_empty())))
}

/// Reads everything: each commit has its hash checked by reading it, its chain here.
async fn check(log: &dyn EventLog) -> Result<Checked, Failure> {
    let broke = |error: eventlog::ReadError| Failure::broke("log", error.to_string());
    let tail = log.tail().await.map_err(broke)?.position;
    let mut show = progress("checking the log");
    let mut heads: BTreeMap<_, Head> = BTreeMap::new();
    let mut checked = Checked {
        commits: 0,
        aggregates: 0,
        position: Position(0),
        corrupt: vec![],
    };
    while checked.position < tail {
        let page = match log.read(checked.position, PAGE).await {
            Ok(page) => page,
            Err(eventlog::ReadError::Corrupt(found)) => {
                checked.corrupt.push(found.to_string());
                break;
            }
            Err(error) => return Err(broke(error)),
        };
        let Some(last) = page.last() else { break };
        checked.position = last.position;
        for stored in &page {
            let commit = &stored.commit;
            let head = heads.entry(commit.aggregate.clone()).or_default();
            if commit.version != head.version + 1 || commit.prev_hash != head.hash {
                checked.corrupt.push(format!(
                    "{} version {} at position {} does not follow version {}",
                    commit.aggregate, commit.version, stored.position, head.version
                ));
            }
            *head = commit.head();
            checked.commits += 1;
        }
        show(checked.position.0, tail.0);
    }
    checked.aggregates = heads.len();
    Ok(checked)
}

async fn compare(config: &Config, log: &dyn EventLog) -> Result<Option<Compared>, Failure> {
    if config.reads.url.is_empty() {
        return Ok(None);
    }
    let broke = |error: &dyn std::fmt::Display| Failure::broke("archive", error.to_string());
    let archive = Archive::open(&archive_server(config)?)
        .await
        .map_err(|error| broke(&error))?;
    let compared = archive.compare(log).await.map_err(|error| broke(&error))?;
    archive.close().await;
    Ok(Some(compared))
}
