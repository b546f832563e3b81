//! `kill -9` between any two lines: everything acknowledged is there afterwards.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::commit::Head;
use crate::conformance::{identity, next, slot};
use crate::log::{AppendError, EventLog, Position};
use crate::sqlite::{SqliteLog, verify_file};

const TEST: &str = "sqlite::tests::kill::what_was_acknowledged_survives_kill_9";
const LOG: &str = "EVENTLOG_KILL_TEST_LOG";
const ROUNDS: u64 = 25;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "this program starts itself, to be killed"
)]
fn what_was_acknowledged_survives_kill_9() {
    if let Some(path) = std::env::var_os(LOG) {
        return append_until_killed(Path::new(&path));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .env(LOG, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || -> Vec<u64> {
            let lines = lines.map_while(Result::ok);
            let acknowledged = lines.filter_map(|it| it.strip_prefix("ack ")?.parse().ok());
            acknowledged.collect()
        });
        // From during the start to well into the writing.
        std::thread::sleep(Duration::from_millis(10 + round * 13));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(reader.join().unwrap());
        check(&path, &acknowledged);
    }
    assert!(
        acknowledged.len() > 20,
        "only {} appended at all",
        acknowledged.len()
    );
}

#[tokio::main]
async fn check(path: &Path, acknowledged: &BTreeSet<u64>) {
    let log = SqliteLog::open(path, &identity()).await.unwrap();
    let mut stored = BTreeSet::new();
    let mut after = Position(0);
    loop {
        let page = log.read(after, 1000).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.position;
        stored.extend(page.iter().map(|it| it.position.0));
    }
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    log.close().await;
    let verified = verify_file(path, |_, _| {}).await.unwrap();
    assert_eq!(verified.commits, stored.len() as u64);
}

/// Four writers that say what was acknowledged, each line as soon as it is known.
#[tokio::main]
async fn append_until_killed(path: &Path) {
    let log = SqliteLog::open(path, &identity()).await.unwrap();
    let writers = (1..=4).map(|n| write(Arc::new(log.clone()), n));
    futures::future::join_all(writers).await;
}

async fn write(log: Arc<dyn EventLog>, n: u128) {
    let mut head: Head = log.head(&slot(n)).await.unwrap();
    loop {
        let commit = next(&slot(n), &head, &format!("commit {}", head.version));
        match log.append(&commit).await {
            Ok(appended) => {
                let mut out = std::io::stdout().lock();
                writeln!(out, "ack {}", appended.position).unwrap();
                out.flush().unwrap();
            }
            Err(AppendError::Conflict { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        head = log.head(&slot(n)).await.unwrap();
    }
}
