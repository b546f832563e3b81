//! A full disk: a clear error, reads go on, and after room is made appends go on with nothing
//! lost. Runs on a small file system of its own, in a mount namespace.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::commit::SealedCommit;
use crate::conformance::{append, draft, event, identity, slot};
use crate::log::{AppendError, EventLog, Position};
use crate::sqlite::{SqliteLog, verify_file};

const TEST: &str = "sqlite::tests::full::a_full_disk_loses_nothing";
const DIR: &str = "EVENTLOG_FULL_TEST_DIR";

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "this program starts itself in a namespace"
)]
fn a_full_disk_loses_nothing() {
    if let Some(dir) = std::env::var_os(DIR) {
        return fill_up(Path::new(&dir));
    }
    let namespace = ["--map-root-user", "--mount"];
    let possible = Command::new("unshare").args(namespace).arg("true").status();
    if !possible.is_ok_and(|it| it.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI has no mount namespaces"
        );
        eprintln!("SKIPPED a_full_disk_loses_nothing: needs mount namespaces");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=1m none "$1" && exec "$2" --exact "$3" --nocapture"#;
    let ran = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-c", script, "sh"])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .arg(TEST)
        .env(DIR, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{complained}");
    assert!(said.contains("1 passed"), "{said}");
}

#[tokio::main]
async fn fill_up(dir: &Path) {
    let ballast = dir.join("ballast");
    fs::write(&ballast, vec![1; 300_000]).unwrap();
    let path = dir.join("log.db");
    let log = SqliteLog::open(&path, &identity()).await.unwrap();
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    let mut stored = 0;
    let refused = loop {
        let mut large = draft(&slot(1), &format!("large {stored}"));
        large.events = vec![event(&vec![0x33; 30_000])];
        let head = shared.head(&slot(1)).await.unwrap();
        match shared.append(&SealedCommit::seal(large, &head, 1)).await {
            Ok(_) => stored += 1,
            Err(refused) => break refused,
        }
        assert!(stored < 100, "the file system never filled up");
    };
    let text = refused.to_string();
    assert!(matches!(refused, AppendError::Full(_)), "{text}");
    assert!(
        text.contains("log.db") && text.contains("free space"),
        "{text}"
    );
    let before = shared.read(Position(0), 1000).await.unwrap();
    assert_eq!(
        before.len(),
        stored,
        "reads go on, and what was acknowledged is there"
    );
    fs::remove_file(&ballast).unwrap();
    append(&shared, &slot(1), "after").await.unwrap();
    assert_eq!(shared.load(&slot(1), 0).await.unwrap().len(), stored + 1);
    log.close().await;
    let verified = verify_file(&path, |_, _| {}).await.unwrap();
    assert_eq!(verified.commits, stored as u64 + 1);
}
