//! What was exported comes back the same, or nothing comes at all.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use super::{ImportError, Imported, import};
use crate::conformance::{append, fill, identity, slot};
use crate::export::{ExportError, export};
use crate::log::{EventLog, Position};
use crate::mem::MemLog;
use crate::sqlite::{SqliteLog, verify_file};

async fn exported(aggregates: u128, each: u64) -> (Arc<dyn EventLog>, Vec<u8>) {
    let log: Arc<dyn EventLog> = Arc::new(MemLog::new(identity()));
    fill(&log, aggregates, each).await.unwrap();
    let mut bytes = Vec::new();
    export(log.as_ref(), &mut bytes).await.unwrap();
    (log, bytes)
}

async fn from(bytes: &[u8], dir: &Path) -> Result<Imported, ImportError> {
    import(Cursor::new(bytes.to_vec()), dir).await
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

#[tokio::test]
async fn positions_versions_hashes_and_identity_come_back() {
    let (log, bytes) = exported(20, 60).await;
    let dir = tempfile::tempdir().unwrap();
    let imported = from(&bytes, dir.path()).await.unwrap();
    assert_eq!((imported.commits, imported.identity), (1200, identity()));
    let path = dir.path().join("log.db");
    assert_eq!(verify_file(&path, |_, _| {}).await.unwrap().commits, 1200);
    let copy = SqliteLog::open_existing(&path).await.unwrap();
    assert_eq!(copy.identity().await.unwrap(), identity());
    assert_eq!(copy.tail().await.unwrap(), log.tail().await.unwrap());
    assert_eq!(
        copy.read(Position(0), 5000).await.unwrap(),
        log.read(Position(0), 5000).await.unwrap()
    );
    // And again, the other way round: the same bytes.
    let mut again = Vec::new();
    let exported = export(&copy, &mut again).await.unwrap();
    assert_eq!(exported.digest, imported.digest);
    assert_eq!(again, bytes);
    // It is a log like any other.
    let copy: Arc<dyn EventLog> = Arc::new(copy);
    let next = append(&copy, &slot(1), "after").await.unwrap();
    assert_eq!(next.version, 61);
}

#[tokio::test]
async fn an_empty_log_comes_back_empty() {
    let (_log, bytes) = exported(0, 0).await;
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(from(&bytes, dir.path()).await.unwrap().commits, 0);
    let copy = SqliteLog::open_existing(&dir.path().join("log.db"))
        .await
        .unwrap();
    assert_eq!(copy.identity().await.unwrap(), identity());
}

#[tokio::test]
async fn an_export_cut_off_anywhere_imports_nothing() {
    let (_log, bytes) = exported(2, 2).await;
    let dir = tempfile::tempdir().unwrap();
    for length in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        let refused = from(&bytes[..length], dir.path()).await;
        assert!(
            matches!(
                refused,
                Err(ImportError::Truncated { .. } | ImportError::NotAnExport)
            ),
            "{length}: {refused:?}"
        );
        assert!(is_empty(dir.path()), "{length}: something was left");
    }
}

#[tokio::test]
async fn an_export_changed_anywhere_imports_nothing() {
    let (_log, bytes) = exported(2, 2).await;
    let dir = tempfile::tempdir().unwrap();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        let refused = from(&changed, dir.path()).await;
        assert!(
            refused.is_err(),
            "byte {place} changed and imported: {refused:?}"
        );
        assert!(is_empty(dir.path()), "byte {place}: something was left");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    let refused = from(&longer, dir.path()).await;
    assert!(
        matches!(refused, Err(ImportError::Changed { .. })),
        "{refused:?}"
    );
    assert!(is_empty(dir.path()));
}

#[tokio::test]
async fn commits_in_another_order_import_nothing() {
    let (_log, bytes) = exported(1, 2).await;
    let start = crate::export::header(&identity()).len();
    let length = |at: usize| {
        let word: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
        36 + usize::try_from(u32::from_be_bytes(word)).unwrap()
    };
    let second = start + length(start);
    let footer = second + length(second);
    let swapped = [
        &bytes[..start],
        &bytes[second..footer],
        &bytes[start..second],
        &bytes[footer..],
    ]
    .concat();
    let dir = tempfile::tempdir().unwrap();
    let refused = from(&swapped, dir.path()).await.unwrap_err().to_string();
    assert!(refused.contains("VersionGap"), "{refused}");
    assert!(is_empty(dir.path()));
}

#[tokio::test]
async fn other_files_are_not_exports() {
    let dir = tempfile::tempdir().unwrap();
    for bytes in [
        &b""[..],
        b"towpath",
        b"towpath.export.v2\n0000000000000000",
        &[0; 4096],
    ] {
        let refused = from(bytes, dir.path()).await;
        assert!(
            matches!(refused, Err(ImportError::NotAnExport)),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_huge_length_allocates_nothing_and_is_refused() {
    let mut bytes = crate::export::header(&identity());
    bytes.extend_from_slice(&u32::MAX.to_be_bytes());
    bytes.extend_from_slice(&[0; 64]);
    let dir = tempfile::tempdir().unwrap();
    let refused = from(&bytes, dir.path()).await;
    assert!(
        matches!(refused, Err(ImportError::Changed { commit: 1, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_directory_with_a_log_or_read_models_is_left_alone() {
    let (_log, bytes) = exported(1, 1).await;
    for taken in ["log.db", "log.db-wal", "read.db"] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(taken), b"mine").unwrap();
        let refused = from(&bytes, dir.path()).await;
        assert!(
            matches!(refused, Err(ImportError::Occupied { .. })),
            "{refused:?}"
        );
        assert_eq!(fs::read(dir.path().join(taken)).unwrap(), b"mine");
    }
}

#[tokio::test]
async fn a_directory_that_is_missing_is_named() {
    let (_log, bytes) = exported(1, 1).await;
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("nowhere");
    let refused = from(&bytes, &missing).await.unwrap_err().to_string();
    assert!(refused.contains("nowhere"), "{refused}");
}

#[tokio::test]
async fn an_output_that_is_full_is_an_error() {
    let (log, _bytes) = exported(1, 1).await;
    let mut short = [0_u8; 100];
    let failed = export(log.as_ref(), &mut short[..]).await;
    assert!(matches!(failed, Err(ExportError::Write(_))), "{failed:?}");
}
